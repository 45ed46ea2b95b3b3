//! The histories of hyper-parameter searches as tables.

use std::collections::BTreeSet;

use memdil_records::{SearchRecord, TrialRecord};
use serde_json::Value;

use crate::block::{Block, Row, Table};
use crate::loss::Loss;
use crate::text::{classes, count, or_dash, setting};

/// The text before the tables.
const SEARCH: &str = "Each trial trains with sampled settings for a share of the epochs. The one with the \
     highest accuracy on held-out training samples, whose labels are as noisy as the others, is the best; its settings are \
     trained again on all training data for all epochs, and only that run is tested and counted. A diverged trial counts as \
     worst.";

/// Tables with more rows are folded, and all of them if there are more searches.
const SHORT: usize = 8;
const FEW: usize = 6;

/// The searches in the order of the tables: experiment, data, noise level, loss, seed.
pub(crate) fn sort(searches: &mut [SearchRecord]) {
    searches.sort_by_cached_key(|record| {
        let spec = &record.spec;
        let noise = (spec.noise.requested() * 1e9) as u64;
        let data = (
            spec.data.source.name().to_owned(),
            spec.data.classes.clone(),
        );
        (
            spec.experiment.clone(),
            data,
            noise,
            Loss::from(&spec.loss),
            spec.seed,
            record.id.clone(),
        )
    });
}

/// `LS, η = 0.2, seed 3`, after the experiment where there are several.
pub(crate) fn label(record: &SearchRecord, all: &[SearchRecord]) -> String {
    let spec = &record.spec;
    let data = |record: &SearchRecord| {
        let data = &record.spec.data;
        format!(
            "{}: {} {}",
            record.spec.experiment,
            data.source.name(),
            classes(&data.classes)
        )
    };
    let several = all.iter().map(data).collect::<BTreeSet<_>>().len() > 1;
    let before = if several {
        data(record) + ", "
    } else {
        String::new()
    };
    let (loss, seed) = (spec.loss.short_name(), spec.seed);
    format!(
        "{before}{loss}, η = {}, seed {seed}",
        setting_or_zero(spec.noise.requested())
    )
}

fn setting_or_zero(value: f64) -> String {
    if value.abs() < 1e-300 {
        "0".to_owned()
    } else {
        setting(value)
    }
}

/// A value in a table: numbers short, everything else as in a configuration.
fn value(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => or_dash(number.as_f64(), setting_or_zero),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// All searches, one a row.
fn summary(searches: &[SearchRecord]) -> Table {
    let columns = [
        ("search", false),
        ("sampler", false),
        ("trials", true),
        ("best", true),
        ("validation %", true),
        ("its settings", false),
        ("test % of the retrained", true),
        ("retrained run", false),
    ];
    let rows = searches.iter().map(|record| {
        let (made, all, best) = (record.trials.len(), record.search.trials, record.best());
        let settings = |best: &TrialRecord| {
            best.values
                .iter()
                .map(|(name, v)| format!("{name} = {}", value(v)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let retrained = record.retrained.as_ref();
        let cells = vec![
            label(record, searches),
            record.search.sampler.name().to_owned(),
            if made < all {
                format!("{made} of {all}")
            } else {
                made.to_string()
            },
            best.map_or_else(|| "–".to_owned(), |best| best.trial.to_string()),
            or_dash(best.and_then(|best| best.validation_accuracy), accuracy),
            best.map_or_else(|| "–".to_owned(), settings),
            or_dash(
                retrained.and_then(|retrained| retrained.test_accuracy),
                accuracy,
            ),
            retrained.map_or_else(|| "–".to_owned(), |retrained| retrained.run.clone()),
        ];
        Row::of(cells)
    });
    Table::new(&columns, rows)
}

fn accuracy(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// The trials of a search, the best one marked.
fn trials(record: &SearchRecord) -> Table {
    let mut columns = vec![("trial".to_owned(), true)];
    columns.extend(record.settings.iter().map(|name| (name.clone(), true)));
    columns.extend([
        ("validation %".to_owned(), true),
        ("best so far %".to_owned(), true),
    ]);
    columns.extend([(String::new(), false), ("run".to_owned(), false)]);
    let rows = record.trials.iter().map(|trial| {
        let is_best = record.best_trial == Some(trial.trial);
        let remark = match trial.validation_accuracy {
            None => "✗ diverged",
            Some(_) if is_best => "✓ best",
            Some(_) => "",
        };
        let mut cells = vec![trial.trial.to_string()];
        cells.extend(
            record
                .settings
                .iter()
                .map(|name| trial.values.get(name).map_or_else(|| "–".to_owned(), value)),
        );
        cells.extend([
            or_dash(trial.validation_accuracy, accuracy),
            or_dash(trial.best_so_far, accuracy),
        ]);
        cells.extend([remark.to_owned(), trial.run.clone()]);
        let class = if trial.validation_accuracy.is_none() {
            "diverged"
        } else {
            ""
        };
        Row {
            cells,
            class,
            ..Row::default()
        }
    });
    Table {
        columns,
        rows: rows.collect(),
        ..Table::default()
    }
}

/// How searches work, all of them in a table, and the trials of each.
pub(crate) fn blocks(searches: &[SearchRecord]) -> Vec<Block> {
    let mut blocks = vec![Block::text(SEARCH), Block::Table(summary(searches))];
    for record in searches {
        let n = record.trials.len();
        blocks.push(Block::Fold {
            heading: format!(
                "{}: {}",
                label(record, searches),
                count(n, "trial", "trials")
            ),
            open: n <= SHORT && searches.len() <= FEW,
            blocks: vec![Block::Table(trials(record))],
        });
    }
    blocks
}
