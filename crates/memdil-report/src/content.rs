//! What a report says, before it becomes HTML or Markdown.

use std::path::Path;

use memdil_records::{Provenance, SearchRecord};

use crate::ReportError;
use crate::chart::Figure;
use crate::claims::{self, Claim, Counted, Verdict};
use crate::figures;
use crate::layer_peeled::{self, Descent};
use crate::reference::{self, Comparison};
use crate::runs::{Run, distinct};
use crate::search;
use crate::text::{count, date};
use crate::theory::Theory;

pub(crate) const TITLE: &str = "Memorization and dilation";

pub(crate) const PURPOSE: &str = "Does memorising noisy labels spread out the features of unseen samples, and do \
     label smoothing and label relaxation hold them together better than cross-entropy? What these runs say about the \
     claims of “Memorization-Dilation: Modeling Neural Collapse Under Label Noise” (Nguyen et al., ICLR 2023).";

pub(crate) const THEORY: &str = "The memorization-dilation model of the paper, solved. It has two classes and \
     non-negative features; unseen features lie on a sphere of radius r around their class feature; C_MD says how much \
     dilation a memorised sample costs; rho is r over the distance of the class features. Classifier and features are \
     penalised by the same λ. In the model η is the ratio of noisy to clean samples.";

pub(crate) const DEVIATIONS: &str = "Metrics and label noise follow the definitions of the metrics chapter, not every \
     line of the authors’ code; each departure and its reason stand in docs/src/deviations.md.";

/// Everything that the page and the Markdown file show.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) runs: Vec<Run>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) unjudged: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    /// Figures of the solved models; none where they were not asked for.
    pub(crate) theory: Vec<Figure>,
    /// Free features beside the closed form, where they were trained.
    pub(crate) layer_peeled: Vec<Descent>,
    /// Histories of hyper-parameter searches, and their figure.
    pub(crate) searches: Vec<SearchRecord>,
    pub(crate) search_figure: Option<Figure>,
    pub(crate) comparison: Option<Comparison>,
    pub(crate) command: Option<String>,
}

impl Content {
    pub(crate) fn new(
        runs: Vec<Run>,
        layer_peeled: Vec<Descent>,
        searches: Vec<SearchRecord>,
        reference: Option<&Path>,
        theory: bool,
        command: Option<String>,
    ) -> Result<Self, ReportError> {
        let comparison = reference.map(|path| reference::compare(path, &runs)).transpose()?;
        let figures = figures::figures(&runs)?;
        let solved = theory.then(|| Theory::new(&runs)).transpose()?;
        let (mut claims, unjudged) = (claims::evaluate(&runs, solved.as_ref()), claims::unjudged(&runs));
        claims.extend(layer_peeled::claim(&layer_peeled));
        let theory = solved.as_ref().map_or_else(Vec::new, Theory::figures);
        let search_figure = search::figure(&searches);
        Ok(Self { runs, claims, unjudged, figures, theory, layer_peeled, searches, search_figure, comparison, command })
    }

    pub(crate) fn diverged(&self) -> usize {
        self.runs.iter().filter(|run| run.diverged()).count()
    }

    /// Where everything shown was made, and the seconds it took.
    pub(crate) fn made(&self) -> Vec<(&Provenance, f64)> {
        let runs = self.runs.iter().map(|run| (&run.record.provenance, run.record.seconds));
        let descents = self.layer_peeled.iter().map(|d| (&d.record.provenance, d.record.seconds));
        runs.chain(descents).collect()
    }

    /// Date, number of runs, seeds, data.
    pub(crate) fn subtitle(&self) -> Vec<String> {
        let newest = self.made().iter().map(|(provenance, _)| provenance.started_unix).max().unwrap_or(0);
        if self.made().is_empty() {
            return vec![count(self.searches.len(), "search under way", "searches under way")];
        }
        if self.runs.is_empty() {
            return vec![date(newest), count(self.layer_peeled.len(), "training", "trainings")];
        }
        let mut parts = vec![date(newest), count(self.runs.len(), "run", "runs")];
        if self.diverged() > 0 {
            parts.push(format!("{} of them diverged", self.diverged()));
        }
        parts.push(count(distinct(&self.runs, Run::seed).len(), "seed", "seeds"));
        parts.push(distinct(&self.runs, |run| run.record.spec.data.source.name()).join(", "));
        parts
    }

    /// `2 supported, 3 inconclusive`.
    pub(crate) fn tally(&self) -> String {
        let part = |verdict: Verdict| {
            let n = self.claims.iter().filter(|claim| claim.verdict == verdict).count();
            (n > 0).then(|| format!("{n} {verdict}"))
        };
        let parts: Vec<String> =
            [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive].into_iter().filter_map(part).collect();
        format!("Of {}: {}.", count(self.claims.len(), "claim", "claims"), parts.join(", "))
    }

    /// Why an experiment has no verdict.
    pub(crate) fn unjudged_note(&self) -> Option<String> {
        (!self.unjudged.is_empty()).then(|| {
            format!("No claim is tested on {}: made for its figures and tables only.", self.unjudged.join(", "))
        })
    }

    /// Experiment and data set of a claim, to be named where there are several.
    pub(crate) fn group_of<'a>(&self, claim: &'a Claim) -> Option<&'a str> {
        let groups = distinct_groups(&self.claims);
        (groups.len() > 1).then(|| group(claim))
    }
}

fn group(claim: &Claim) -> &str {
    claim.id.rsplit_once('/').map_or(claim.id.as_str(), |(group, _)| group)
}

fn distinct_groups(claims: &[Claim]) -> std::collections::BTreeSet<&str> {
    claims.iter().map(group).collect()
}

/// How verdicts come about, in words.
pub(crate) fn rules(claims: &[Claim]) -> String {
    let exact = if claims.iter().any(|claim| claim.counted == Counted::Points) {
        " A claim about the solved models has no p: its rule holds at all points checked, or it is refuted."
    } else {
        ""
    };
    format!(
        "Supported or refuted: the 95% interval lies on one side of zero, p after Holm’s correction over all claims \
         is below {}, and at least {} independent seeds are behind it. Everything else is inconclusive.{exact}",
        claims::LEVEL,
        claims::SEEDS_NEEDED
    )
}
