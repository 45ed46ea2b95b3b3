//! The tables of hyper-parameter searches.

use memdil_records::{SearchRecord, TrialRecord};
use serde_json::Value;

use crate::document::{Block, Row, Table};
use crate::runs::label;
use crate::text::{count, joined, or_dash, setting, when};

/// The text before the tables.
const SEARCH: &str = "Each trial trains with sampled settings for a fraction of the epochs. The best trial is the one with \
     the highest accuracy on held-out training samples, whose labels are as noisy as the other training labels. A network is \
     then retrained with its settings on all training data for all epochs, and only this run is tested and reported. A \
     diverged trial ranks last.";

/// Tables with more rows are folded.
const SHORT: usize = 8;
/// With more searches, all tables are folded.
const FEW: usize = 6;

/// A value in a table: numbers are rounded, other values are written as in a configuration file.
fn value(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => or_dash(number.as_f64(), setting),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// One row per search.
fn summary(searches: &[&SearchRecord]) -> Table {
    let headings = "search | sampler | #trials | #best trial | #validation % | best settings | \
                    #test % after retraining | retrained run";
    let rows = searches.iter().map(|search| row(search, searches));
    Table::new(headings, rows)
}

fn row(search: &SearchRecord, all: &[&SearchRecord]) -> Row {
    let (finished, planned) = (search.trials.len(), search.search.trials);
    let (best, retrained) = (search.best(), search.retrained.as_ref());
    Row::of(vec![
        label(search, all),
        search.search.sampler.name().to_owned(),
        finished.to_string() + &when(finished < planned, format!(" of {planned}")),
        or_dash(best, |best| best.trial.to_string()),
        or_dash(best.and_then(|best| best.validation_accuracy), accuracy),
        or_dash(best, settings),
        or_dash(retrained.and_then(|run| run.test_accuracy), accuracy),
        or_dash(retrained, |retrained| retrained.run.clone()),
    ])
}

/// The settings of a trial.
fn settings(trial: &TrialRecord) -> String {
    let setting = |(name, setting)| format!("{name} = {}", value(setting));
    joined(trial.values.iter().map(setting), ", ")
}

fn accuracy(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// One row per trial of a search; the best trial is marked.
fn trials(record: &SearchRecord) -> Table {
    let mut headings = "#trial".to_owned();
    for name in &record.settings {
        headings += &format!(" | #{name}");
    }
    headings += " | #validation % | #best so far % |  | run";
    let mut rows = Vec::new();
    for trial in &record.trials {
        let is_best = record.best_trial == Some(trial.trial);
        let (remark, class) = match trial.validation_accuracy {
            None => ("✗ diverged", "diverged"),
            Some(_) if is_best => ("✓ best", ""),
            Some(_) => ("", ""),
        };
        let mut cells = vec![trial.trial.to_string()];
        for name in &record.settings {
            cells.push(or_dash(trial.values.get(name), value));
        }
        cells.extend([
            or_dash(trial.validation_accuracy, accuracy),
            or_dash(trial.best_so_far, accuracy),
            remark.to_owned(),
            trial.run.clone(),
        ]);
        rows.push(Row {
            cells,
            class,
            remark: None,
        });
    }
    Table::new(&headings, rows)
}

/// An explanation of searches, the table of all searches, and the trials of each.
pub(super) fn blocks(searches: &[&SearchRecord]) -> Vec<Block> {
    let mut blocks = vec![Block::text(SEARCH), Block::Table(summary(searches))];
    for record in searches {
        let n = record.trials.len();
        let (label, trials_text) = (label(record, searches), count(n, "trial", "trials"));
        blocks.push(Block::Fold {
            heading: format!("{label}: {trials_text}"),
            open: n <= SHORT && searches.len() <= FEW,
            blocks: vec![Block::Table(trials(record))],
        });
    }
    blocks
}
