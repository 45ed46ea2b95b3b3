//! An experiment on the page: its claims, figures and runs, and what they mean.

use std::collections::BTreeSet;
use std::ops::Range;

use memdil_claims::stats::mean;
use memdil_claims::{Claim, Verdict};
use memdil_records::SearchRecord;

use crate::chart::Figure;
use crate::experiments::{self, About};
use crate::layer_peeled::Descent;
use crate::runs::{Quantity, Run, distinct};
use crate::table::Table;
use crate::text::{count, date, or_dash, percent, seconds};
use crate::theory::Theory;
use crate::{ReportError, figures, search};

/// Everything about one experiment.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) experiment: String,
    about: Option<&'static About>,
    /// Its runs among all.
    pub(crate) runs: Range<usize>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) searches: Vec<SearchRecord>,
    /// What the model's constant was fitted to be.
    pub(crate) fits: Option<Table>,
    /// Two sentences.
    pub(crate) meaning: String,
    /// What it was made from, in a line; empty where nothing was trained.
    pub(crate) provenance: String,
    pub(crate) again: Option<String>,
}

impl Section {
    pub(crate) fn title(&self) -> &str {
        self.about.map_or(&self.experiment, |about| about.title)
    }

    pub(crate) fn question(&self) -> &str {
        self.about.map_or("", |about| about.question)
    }

    pub(crate) fn differs(&self) -> &str {
        self.about.map_or("", |about| about.differs)
    }

    /// The claims of this experiment.
    pub(crate) fn claims<'a>(&self, claims: &'a [Claim]) -> Vec<&'a Claim> {
        claims
            .iter()
            .filter(|claim| experiment(claim) == self.experiment)
            .collect()
    }
}

/// The experiment that a claim belongs to.
pub(crate) fn experiment(claim: &Claim) -> &str {
    claim.id.split('/').next().unwrap_or_default()
}

/// What there is to show, in the order of the page. Runs are sorted by experiment.
pub(crate) fn sections(
    runs: &[Run],
    searches: &[SearchRecord],
    descents: &[Descent],
    theory: Option<&Theory<'_>>,
    claims: &[Claim],
    command: Option<&str>,
) -> Result<Vec<Section>, ReportError> {
    let mut names: BTreeSet<(usize, String)> = BTreeSet::new();
    let mut add = |name: &str| names.insert((experiments::rank(name), name.to_owned()));
    runs.iter()
        .for_each(|run| _ = add(&run.record.spec.experiment));
    searches
        .iter()
        .for_each(|record| _ = add(&record.spec.experiment));
    if !descents.is_empty() {
        add("layer-peeled");
    }
    let mut theory_figures = theory.map_or_else(Vec::new, Theory::figures);
    if theory.is_some() {
        add("md-theory");
        // Where no run could be fitted there is nothing to lay over.
        if theory_figures.len() > 4 {
            add("theory-vs-practice");
        }
    }
    let trained = runs.iter().map(|run| &run.record.spec.experiment);
    let several = trained
        .chain(searches.iter().map(|record| &record.spec.experiment))
        .collect::<BTreeSet<_>>()
        .len()
        > 1;
    let apart = names.iter().any(|(_, name)| name == "features-2d");
    let mut sections = Vec::new();
    for (_, name) in names {
        let first = runs
            .iter()
            .position(|run| run.record.spec.experiment == name)
            .unwrap_or(0);
        let n = runs
            .iter()
            .filter(|run| run.record.spec.experiment == name)
            .count();
        let here = &runs[first..first + n];
        let searches: Vec<SearchRecord> = searches
            .iter()
            .filter(|record| record.spec.experiment == name)
            .cloned()
            .collect();
        // What features look like is drawn once.
        let draw_features = !apart || name == "features-2d";
        let mut figures = figures::figures(here, draw_features)?;
        figures.extend(search::figure(&searches));
        match name.as_str() {
            "md-theory" => figures.extend(theory_figures.drain(..theory_figures.len().min(4))),
            "theory-vs-practice" => {
                let at = theory_figures
                    .iter()
                    .position(|figure| figure.name == "theory-practice");
                figures.extend(at.map(|at| theory_figures.remove(at)));
            }
            _ => {}
        }
        if several && (n > 0 || !searches.is_empty()) {
            for figure in &mut figures {
                figure.name = format!("{name}-{}", figure.name);
            }
        }
        let about = experiments::about(&name);
        let mut section = Section {
            about,
            runs: first..first + n,
            figures,
            searches,
            fits: theory
                .filter(|_| name == "theory-vs-practice")
                .and_then(Theory::fits),
            meaning: String::new(),
            provenance: provenance(
                here,
                if name == "layer-peeled" {
                    descents
                } else {
                    &[]
                },
            ),
            again: again(command, &name),
            experiment: name,
        };
        section.meaning = meaning(&section, here, &section.claims(claims));
        sections.push(section);
    }
    Ok(sections)
}

/// What the verdicts say, and what that means.
fn meaning(section: &Section, runs: &[Run], claims: &[&Claim]) -> String {
    let first = if claims.is_empty() {
        let of = |quantity, format: fn(f64) -> String| {
            let values: Vec<f64> = runs.iter().filter_map(|run| run.value(quantity)).collect();
            or_dash(mean(&values), format)
        };
        if runs.is_empty() {
            String::new()
        } else {
            format!(
                "Over {}, mean test accuracy is {}; of corrupted training samples {} are predicted as their wrong label.",
                count(runs.len(), "run", "runs"),
                of(Quantity::Accuracy, |v| percent(v / 100.0, 1)),
                of(Quantity::MemorizedAsGiven, |v| percent(v, 0))
            )
        }
    } else {
        let part = |verdict: Verdict| {
            let these: Vec<String> = claims
                .iter()
                .filter(|claim| claim.verdict == verdict)
                .map(|claim| match claim.effect {
                    Some(effect) => format!("{} ({})", claim.name, claim.unit.format(effect)),
                    None => claim.name.clone(),
                })
                .collect();
            (!these.is_empty()).then(|| format!("{verdict}: {}", these.join(", ")))
        };
        let parts: Vec<String> = [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive]
            .into_iter()
            .filter_map(part)
            .collect();
        let text = parts.join("; ") + ".";
        text[..1].to_uppercase() + &text[1..]
    };
    let second = if claims.is_empty() {
        section.about.map_or("", |about| about.shows).to_owned()
    } else if claims.iter().any(|claim| claim.verdict == Verdict::Refuted) {
        "What the paper says is not what these runs show.".to_owned()
    } else if claims
        .iter()
        .all(|claim| claim.verdict == Verdict::Inconclusive)
    {
        "These runs decide nothing; the reasons stand with the claims.".to_owned()
    } else {
        String::new()
    };
    format!("{first} {second}").trim().to_owned()
}

/// Number of runs, their time, when and from which code.
fn provenance(runs: &[Run], descents: &[Descent]) -> String {
    let of_runs = runs
        .iter()
        .map(|run| (&run.record.provenance, run.record.seconds));
    let of_descents = descents
        .iter()
        .map(|descent| (&descent.record.provenance, descent.record.seconds));
    let made: Vec<_> = of_runs.chain(of_descents).collect();
    let Some(newest) = made.iter().map(|(p, _)| p.started_unix).max() else {
        return String::new();
    };
    let list = |values: BTreeSet<&str>| values.into_iter().collect::<Vec<_>>().join(", ");
    let commits = list(
        made.iter()
            .map(|(p, _)| p.commit.get(..12).unwrap_or(&p.commit))
            .collect(),
    );
    let devices = list(made.iter().map(|(p, _)| p.device.as_str()).collect());
    let mut text = format!("{} on {devices}", count(made.len(), "run", "runs"));
    let seeds = distinct(runs, Run::seed).len();
    if seeds > 0 {
        text += &format!(", {}", count(seeds, "seed", "seeds"));
    }
    text += &format!(
        ", {} s one after the other, {}, commit {commits}.",
        seconds(made.iter().map(|(_, s)| s).sum()),
        date(newest)
    );
    text
}

/// The command for this experiment alone.
fn again(command: Option<&str>, name: &str) -> Option<String> {
    let command = command.filter(|command| command.starts_with("cargo xtask reproduce"))?;
    Some(if command.contains("--only") {
        command.to_owned()
    } else {
        format!("{command} --only {name}")
    })
}
