//! What a report says, before it becomes HTML or Markdown.

use memdil_claims::{Claim, Counted, LEVEL, SEEDS_NEEDED, Verdict};
use memdil_records::{Provenance, SearchFolder, SearchRecord};

use crate::chart::Figure;
use crate::layer_peeled::{self, Descent};
use crate::reference::{self, Comparison};
use crate::runs::{self, Run, distinct};
use crate::section::{self, Section};
use crate::text::{count, date};
use crate::theory::Theory;
use crate::{
    ExperimentClaims, MeasuredFeatures, ReportError, ReportOptions, experiments, measured, search,
};

pub(crate) const TITLE: &str = "Memorization and dilation";

pub(crate) const PURPOSE: &str = "Does memorising noisy labels spread out the features of unseen samples, and do \
     label smoothing and label relaxation hold them together better than cross-entropy? What these runs say about the \
     claims of “Memorization-Dilation: Modeling Neural Collapse Under Noise” (Nguyen et al., ICLR 2023).";

pub(crate) const MEASURED_PURPOSE: &str = "How far have the features of these networks collapsed, how far do unseen \
     samples spread, and what did wrong labels do to them?";

pub(crate) const DEVIATIONS: &str = "Metrics and label noise follow the definitions of the metrics chapter, not every \
     line of the authors’ code; each departure and its reason stand in docs/src/deviations.md.";

/// Everything that the page and the Markdown file show.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) runs: Vec<Run>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) unjudged: Vec<String>,
    /// Planned runs that have not finished.
    missing: Vec<String>,
    /// One an experiment.
    pub(crate) sections: Vec<Section>,
    /// Free features beside the closed form, where they were trained.
    pub(crate) layer_peeled: Vec<Descent>,
    /// Histories of hyper-parameter searches.
    pub(crate) searches: Vec<SearchRecord>,
    /// Features that other programs wrote, and their pictures.
    pub(crate) measured: Vec<MeasuredFeatures>,
    pub(crate) measured_figure: Option<Figure>,
    pub(crate) comparison: Option<Comparison>,
    pub(crate) command: Option<String>,
}

/// What is read from a folder of runs; nothing without one.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    runs: Vec<Run>,
    missing: Vec<String>,
    layer_peeled: Vec<Descent>,
    searches: Vec<SearchRecord>,
}

impl Sources {
    pub(crate) fn read(options: &ReportOptions) -> Result<Self, ReportError> {
        let Some(folder) = &options.runs else {
            return Ok(Self::default());
        };
        let mut searches = SearchFolder::new(folder).find()?;
        search::sort(&mut searches);
        let runs = runs::read_runs(folder, &options.manifests, &searches)?;
        let missing = runs::missing(&runs, &options.manifests)?;
        Ok(Self {
            runs,
            missing,
            layer_peeled: layer_peeled::read(folder)?,
            searches,
        })
    }
}

impl Content {
    pub(crate) fn new(sources: Sources, options: &ReportOptions) -> Result<Self, ReportError> {
        let Sources {
            runs,
            missing,
            layer_peeled,
            searches,
        } = sources;
        let comparison = options
            .reference
            .as_deref()
            .map(|path| reference::compare(path, &runs))
            .transpose()?;
        let needs_theory = options
            .experiments
            .iter()
            .any(ExperimentClaims::needs_theory);
        let solved = (options.theory || needs_theory)
            .then(|| Theory::new(&runs))
            .transpose()?;
        let mut claims = Vec::new();
        for experiment in &options.experiments {
            claims.extend(experiment.judge(&runs, &layer_peeled, solved.as_ref())?);
        }
        claims.sort_by_key(|claim| experiments::rank(section::experiment(claim)));
        let command = options.command.as_deref();
        Ok(Self {
            sections: section::sections(
                &runs,
                &searches,
                &layer_peeled,
                solved.as_ref(),
                &claims,
                command,
            )?,
            unjudged: unjudged(&runs, &claims),
            claims,
            missing,
            measured_figure: measured::figure(&options.features),
            measured: options.features.clone(),
            command: options.command.clone(),
            runs,
            layer_peeled,
            searches,
            comparison,
        })
    }

    /// The figures in the order of their numbers.
    pub(crate) fn all_figures(&self) -> impl Iterator<Item = &Figure> {
        self.sections
            .iter()
            .flat_map(|section| &section.figures)
            .chain(&self.measured_figure)
    }

    /// Whether there is nothing but features of other programs.
    pub(crate) fn is_measured_only(&self) -> bool {
        self.made().is_empty()
            && self.searches.is_empty()
            && self.claims.is_empty()
            && !self.measured.is_empty()
    }

    /// What the report is about.
    pub(crate) fn purpose(&self) -> &'static str {
        if self.is_measured_only() {
            MEASURED_PURPOSE
        } else {
            PURPOSE
        }
    }

    pub(crate) fn diverged(&self) -> usize {
        self.runs.iter().filter(|run| run.diverged()).count()
    }

    /// Where everything shown was made, and the seconds it took.
    pub(crate) fn made(&self) -> Vec<(&Provenance, f64)> {
        let runs = self
            .runs
            .iter()
            .map(|run| (&run.record.provenance, run.record.seconds));
        let descents = self
            .layer_peeled
            .iter()
            .map(|d| (&d.record.provenance, d.record.seconds));
        runs.chain(descents).collect()
    }

    /// Date, number of runs, seeds, data.
    pub(crate) fn subtitle(&self) -> Vec<String> {
        let newest = self
            .made()
            .iter()
            .map(|(provenance, _)| provenance.started_unix)
            .max()
            .unwrap_or(0);
        let measured = (!self.measured.is_empty())
            .then(|| count(self.measured.len(), "network measured", "networks measured"));
        if self.made().is_empty() && self.searches.is_empty() {
            return measured.into_iter().collect();
        }
        if self.made().is_empty() {
            return vec![count(
                self.searches.len(),
                "search under way",
                "searches under way",
            )];
        }
        if self.runs.is_empty() {
            return vec![
                date(newest),
                count(self.layer_peeled.len(), "training", "trainings"),
            ];
        }
        let mut parts = vec![date(newest), count(self.runs.len(), "run", "runs")];
        if self.diverged() > 0 {
            parts.push(format!("{} of them diverged", self.diverged()));
        }
        parts.push(count(
            distinct(&self.runs, Run::seed).len(),
            "seed",
            "seeds",
        ));
        parts.push(distinct(&self.runs, |run| run.record.spec.data.source.name()).join(", "));
        parts.extend(measured);
        parts
    }

    /// `2 supported, 3 inconclusive`.
    pub(crate) fn tally(&self) -> String {
        let part = |verdict: Verdict| {
            let n = self
                .claims
                .iter()
                .filter(|claim| claim.verdict == verdict)
                .count();
            (n > 0).then(|| format!("{n} {verdict}"))
        };
        let parts: Vec<String> = [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive]
            .into_iter()
            .filter_map(part)
            .collect();
        format!(
            "Of {}: {}.",
            count(self.claims.len(), "claim", "claims"),
            parts.join(", ")
        )
    }

    /// Which planned runs are not there.
    pub(crate) fn missing_note(&self) -> Option<String> {
        const NAMED: usize = 10;
        let names = self
            .missing
            .iter()
            .take(NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let more = self.missing.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        (!self.missing.is_empty()).then(|| {
            let n = count(self.missing.len(), "planned run is", "planned runs are");
            format!("{n} missing here, failed or not made yet: {names}{more}.")
        })
    }

    /// Why an experiment has no verdict.
    pub(crate) fn unjudged_note(&self) -> Option<String> {
        if self.claims.is_empty() && self.unjudged.is_empty() {
            return Some("No claim is tested: no experiment file was given.".to_owned());
        }
        (!self.unjudged.is_empty()).then(|| {
            format!(
                "No claim is tested on {}: the experiment declares none, or its file was not given.",
                self.unjudged.join(", ")
            )
        })
    }
}

/// Experiments among the runs that have no verdict.
fn unjudged(runs: &[Run], claims: &[Claim]) -> Vec<String> {
    let mut experiments = distinct(runs, |run| run.record.spec.experiment.clone());
    experiments.retain(|name| {
        !claims
            .iter()
            .any(|claim| section::experiment(claim) == name)
    });
    experiments
}

/// How verdicts come about, in words.
pub(crate) fn rules(claims: &[Claim]) -> String {
    let exact = if claims.iter().any(|claim| claim.counted == Counted::Points) {
        " A claim about the solved models has no p: its rule holds at all points checked, or it is refuted."
    } else {
        ""
    };
    format!(
        "Supported: the 95% interval over seeds lies on the expected side of the bound, and p after Holm’s correction within the experiment and \
         data set is below {}. Refuted: the interval lies wholly on the other side. Either needs {} seeds; everything else is \
         inconclusive. Effect, interval and p are of one t test with one value per seed.{exact}",
        LEVEL, SEEDS_NEEDED
    )
}
