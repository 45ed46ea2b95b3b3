//! Somebody else's numbers beside ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use memdil_records::RecordError;
use serde::Deserialize;

use crate::ReportError;
use crate::runs::{Quantity, Run};
use memdil_claims::stats::{mean, prediction_interval};

/// A file of reference values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    /// Whose numbers these are.
    pub(crate) title: String,
    /// Experiment whose runs have the same settings.
    pub(crate) experiment: String,
    /// Data set, classes and width of those runs, so that other runs of the experiment stay out.
    source: String,
    classes: Vec<u32>,
    width: usize,
    /// Seeds behind every list of values.
    pub(crate) seeds: Vec<u64>,
    cell: Vec<ReferenceCell>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceCell {
    loss: String,
    eta: f64,
    values: BTreeMap<Quantity, Vec<f64>>,
}

/// One compared value.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    pub(crate) quantity: Quantity,
    pub(crate) eta: f64,
    pub(crate) loss: String,
    /// Our seeds.
    pub(crate) n: usize,
    pub(crate) ours: Option<f64>,
    pub(crate) interval: Option<[f64; 2]>,
    pub(crate) theirs: f64,
    /// Where there is an interval: whether `theirs` lies in it.
    pub(crate) inside: Option<bool>,
}

/// Reference values and ours, cell by cell.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) reference: Reference,
    pub(crate) cells: Vec<Compared>,
}

impl Reference {
    fn covers(&self, run: &Run) -> bool {
        let panel = run.panel();
        panel.experiment == self.experiment
            && panel.source == self.source
            && panel.classes == self.classes
            && panel.width == Some(self.width)
    }
}

impl Comparison {
    pub(crate) fn inside(&self) -> usize {
        self.cells
            .iter()
            .filter(|cell| cell.inside == Some(true))
            .count()
    }

    /// Cells with an interval.
    pub(crate) fn judged(&self) -> usize {
        self.cells
            .iter()
            .filter(|cell| cell.inside.is_some())
            .count()
    }

    /// The count that the section begins with.
    pub(crate) fn headline(&self) -> String {
        if self.cells.iter().all(|cell| cell.n == 0) {
            return format!(
                "No run here has the settings of {}.",
                self.reference.experiment
            );
        }
        let unjudged = self.cells.len() - self.judged();
        let mut text = format!(
            "{} of {} cells inside our 95% prediction interval.",
            self.inside(),
            self.judged()
        );
        if unjudged > 0 {
            text += &format!(
                " {unjudged} more have no interval, because it needs at least three completed runs of ours."
            );
        }
        text
    }

    pub(crate) fn explanation(&self) -> String {
        format!(
            "{} The interval is the one in which the mean of {} further seeds is expected, from the spread of our \
             seeds; if both programs do the same, about 19 of 20 cells are inside. Our runs: experiment {}.",
            self.reference.title,
            self.reference.seeds.len(),
            self.reference.experiment
        )
    }
}

impl Compared {
    /// The verdict in words with a sign.
    pub(crate) fn verdict(&self) -> &'static str {
        match (self.inside, self.n) {
            (Some(true), _) => "✓ inside",
            (Some(false), _) => "✗ outside",
            (None, 0) => "○ no run of ours",
            (None, _) => "○ fewer than 3 seeds",
        }
    }
}

/// Reads the file and puts the runs of its experiment beside it.
pub(crate) fn compare(path: &Path, runs: &[Run]) -> Result<Comparison, ReportError> {
    let reference = read(path)?;
    let mut cells = Vec::new();
    for cell in &reference.cell {
        for (&quantity, theirs) in &cell.values {
            let same = |run: &&Run| {
                reference.covers(run)
                    && run.loss().to_string() == cell.loss
                    && (run.eta() - cell.eta).abs() < 1e-9
            };
            let ours: Vec<f64> = runs
                .iter()
                .filter(same)
                .filter_map(|run| run.value(quantity))
                .collect();
            let interval = prediction_interval(&ours, theirs.len());
            let theirs = mean(theirs).unwrap_or_default();
            cells.push(Compared {
                quantity,
                eta: cell.eta,
                loss: cell.loss.clone(),
                n: ours.len(),
                ours: mean(&ours),
                interval,
                theirs,
                inside: interval.map(|[low, high]| low <= theirs && theirs <= high),
            });
        }
    }
    cells.sort_by(|a, b| a.quantity.cmp(&b.quantity).then(a.eta.total_cmp(&b.eta)));
    Ok(Comparison { reference, cells })
}

fn read(path: &Path) -> Result<Reference, ReportError> {
    let text = fs::read_to_string(path).map_err(|cause| RecordError::Read {
        path: path.to_owned(),
        cause,
    })?;
    let bad = |reason: String| ReportError::Reference {
        path: path.to_owned(),
        reason,
    };
    let reference: Reference = toml::from_str(&text).map_err(|e| {
        // The parser's message spans lines and shows the source; its first line and the place are
        // enough.
        let line = e
            .span()
            .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        bad(format!(
            "line {line}: {}",
            e.message().lines().next().unwrap_or("not valid TOML")
        ))
    })?;
    if reference.seeds.is_empty() || reference.cell.is_empty() {
        return Err(bad("it needs at least one seed and one cell".to_owned()));
    }
    for ReferenceCell { loss, eta, values } in &reference.cell {
        for (quantity, list) in values {
            let cell = format!("{loss}, eta {eta}, {}", quantity.label());
            if list.len() != reference.seeds.len() {
                let (found, wanted) = (list.len(), reference.seeds.len());
                return Err(bad(format!("{cell}: {found} values for {wanted} seeds")));
            }
            if let Some(value) = list.iter().find(|v| !v.is_finite()) {
                return Err(bad(format!("{cell}: {value} is no finite number")));
            }
        }
    }
    Ok(reference)
}
