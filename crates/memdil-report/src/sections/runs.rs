//! The table of runs.

use crate::document::{Block, Row, Table};
use crate::runs::{Quantity, Run};
use crate::text::{number, or_dash, percent, seconds, when};

const RUNS: &str = "All values are from the last epoch. Columns: realised: share of wrong training labels; test %: test \
     accuracy; of correct: dilation of the correctly classified test samples; mem.: distance of corrupted training samples \
     to the mean of their true class; as given: share of corrupted training samples predicted as the wrong label they were \
     given; s: seconds.";

/// A description of the columns, and the table.
pub(super) fn blocks(runs: &[&Run]) -> Vec<Block> {
    vec![Block::note("", RUNS), Block::Table(table(runs))]
}

/// One row per run; a diverged run has its reason in place of values.
fn table(runs: &[&Run]) -> Table {
    let mut all = runs.iter();
    let held_out = all.any(|run| run.value(Quantity::MemorizationAll).is_some());
    let mut rows = Vec::new();
    for same in runs.chunk_by(|a, b| a.panel() == b.panel()) {
        let panel = same[0].panel();
        rows.push(Row::group(format!("{}: {panel}", panel.experiment)));
        rows.extend(same.iter().map(|run| row(run, held_out)));
    }
    let headings = format!(
        "loss | #η | #realised | #seed | #epochs | #test % | #dilation | #of correct | #rho | \
         #train NC1 | #NC2 | #NC3 | #mem. mean{} | #separation | #as given | #test ECE | #s | run",
        when(held_out, " | #mem. all samples")
    );
    Table::new(&headings, rows)
}

fn row(run: &Run, held_out: bool) -> Row {
    let record = &run.record;
    let epochs = record.last.as_ref().map_or(0, |last| last.epoch);
    let mut cells = vec![
        run.loss_label(),
        run.eta().to_string(),
        percent(record.realised_noise, 1),
        run.seed().to_string(),
        epochs.to_string(),
    ];
    if run.diverged() {
        let reason = record.reason.as_deref().unwrap_or("no reason recorded");
        let remark = Some(format!("✗ diverged: {reason} ({})", record.id));
        return Row {
            cells,
            remark,
            class: "diverged",
        };
    }
    let value = |quantity| or_dash(run.value(quantity), number);
    cells.extend([
        or_dash(run.value(Quantity::Accuracy), |v| format!("{v:.2}")),
        value(Quantity::Dilation),
        value(Quantity::DilationCorrect),
        value(Quantity::Rho),
        value(Quantity::Nc1),
        value(Quantity::Nc2Etf),
        value(Quantity::Nc3),
        value(Quantity::Memorization),
    ]);
    if held_out {
        cells.push(value(Quantity::MemorizationAll));
    }
    cells.extend([
        value(Quantity::Separation),
        or_dash(run.value(Quantity::MemorizedAsGiven), |v| percent(v, 1)),
        value(Quantity::TestEce),
        seconds(record.seconds),
        record.id.clone(),
    ]);
    Row::of(cells)
}
