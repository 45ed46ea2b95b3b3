//! The comparison of our runs with the reference values of another program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use memdil_claims::stats::{mean, prediction_interval};
use memdil_records::RecordError;
use serde::Deserialize;

use crate::document::{Block, Row, Section, Table, Text};
use crate::error::ReportError;
use crate::runs::{Quantity, Run};
use crate::text::{interval, number, or_dash, when};

/// A file of reference values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    /// Source of the numbers.
    title: String,
    /// Experiment whose runs have the same settings.
    experiment: String,
    /// Data set, classes and width, which exclude other runs of the experiment.
    source: String,
    classes: Vec<u32>,
    width: usize,
    /// Seeds of the values in each list.
    seeds: Vec<u64>,
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
struct ComparedCell {
    quantity: Quantity,
    eta: f64,
    loss: String,
    /// Number of our seeds.
    n: usize,
    ours: Option<f64>,
    interval: Option<[f64; 2]>,
    theirs: f64,
    /// Whether `theirs` is inside the interval; `None` without an interval.
    inside: Option<bool>,
}

/// Reference values and ours, cell by cell.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    reference: Reference,
    cells: Vec<ComparedCell>,
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
    /// The section of the report.
    pub(super) fn section(&self) -> Section {
        let text = Text {
            lead: self.headline(),
            ..Text::new(self.explanation())
        };
        let headings = "quantity | #η | loss | #our seeds | #our mean | #95% prediction interval | \
                        #their mean | ";
        let table = Table::new(headings, self.cells.iter().map(ComparedCell::row));
        Section {
            id: "reference".to_owned(),
            title: "Comparison with the reference".to_owned(),
            blocks: vec![Block::Text(text), Block::Table(table)],
        }
    }

    pub(super) fn inside(&self) -> usize {
        let inside = |cell: &&ComparedCell| cell.inside == Some(true);
        self.cells.iter().filter(inside).count()
    }

    /// Cells with an interval.
    pub(super) fn judged(&self) -> usize {
        let judged = |cell: &&ComparedCell| cell.inside.is_some();
        self.cells.iter().filter(judged).count()
    }

    /// The first sentence of the section.
    fn headline(&self) -> String {
        if self.cells.iter().all(|cell| cell.n == 0) {
            let experiment = &self.reference.experiment;
            return format!("No run has the settings of {experiment}.");
        }
        let (inside, judged) = (self.inside(), self.judged());
        let unjudged = self.cells.len() - judged;
        let more = format!(
            " {unjudged} more have no interval because fewer than three of our runs completed."
        );
        let more = when(unjudged > 0, more);
        format!("{inside} of {judged} reference means inside our 95% prediction interval.{more}")
    }

    fn explanation(&self) -> String {
        format!(
            "{} The interval, computed from the spread over our seeds, is expected to contain the mean of {} further \
             seeds: if both programs are equivalent, about 19 of 20 reference means are inside. Our runs are those of \
             experiment {}.",
            self.reference.title,
            self.reference.seeds.len(),
            self.reference.experiment
        )
    }
}

impl ComparedCell {
    fn row(&self) -> Row {
        let outside = self.inside == Some(false);
        Row {
            cells: vec![
                self.quantity.label().to_owned(),
                self.eta.to_string(),
                self.loss.clone(),
                self.n.to_string(),
                or_dash(self.ours, number),
                or_dash(self.interval, interval),
                number(self.theirs),
                self.verdict().to_owned(),
            ],
            class: if outside { "outside" } else { "" },
            remark: None,
        }
    }

    /// The verdict with its symbol.
    fn verdict(&self) -> &'static str {
        match (self.inside, self.n) {
            (Some(true), _) => "✓ inside",
            (Some(false), _) => "✗ outside",
            (None, 0) => "○ no runs",
            (None, _) => "○ fewer than 3 seeds",
        }
    }
}

/// Reads the reference file and compares its values with the runs of its experiment.
pub(super) fn compare(path: &Path, runs: &[Run]) -> Result<Comparison, ReportError> {
    let reference = read(path)?;
    let mut cells = Vec::new();
    for cell in &reference.cell {
        for (&quantity, theirs) in &cell.values {
            let mut ours = Vec::new();
            for run in runs {
                let same =
                    run.loss().to_string() == cell.loss && (run.eta() - cell.eta).abs() < 1e-9;
                if same && reference.covers(run) {
                    ours.extend(run.value(quantity));
                }
            }
            let interval = prediction_interval(&ours, theirs.len());
            let theirs = mean(theirs).unwrap_or_default();
            cells.push(ComparedCell {
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
    let reference: Reference =
        toml::from_str(&text).map_err(|error| bad(in_one_line(&error, &text)))?;
    if reference.seeds.is_empty() || reference.cell.is_empty() {
        return Err(bad("needs at least one seed and one cell".to_owned()));
    }
    for ReferenceCell { loss, eta, values } in &reference.cell {
        for (quantity, list) in values {
            let cell = format!("{loss}, eta {eta}, {}", quantity.label());
            if list.len() != reference.seeds.len() {
                let (found, wanted) = (list.len(), reference.seeds.len());
                return Err(bad(format!("{cell}: {found} values for {wanted} seeds")));
            }
            if let Some(value) = list.iter().find(|v| !v.is_finite()) {
                return Err(bad(format!("{cell}: {value} is not finite")));
            }
        }
    }
    Ok(reference)
}

/// The line of a parser's error and the first line of its message; the full message quotes the file
/// over several lines.
fn in_one_line(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().map_or("", |span| &text[..span.start]);
    let line = before.matches('\n').count() + 1;
    let message = error.message().lines().next();
    format!("line {line}: {}", message.unwrap_or("not valid TOML"))
}
