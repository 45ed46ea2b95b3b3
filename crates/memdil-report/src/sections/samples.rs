//! The table of the scores of training samples.

use std::collections::BTreeMap;

use memdil_records::{Ranking, RankingRecord};

use crate::document::{Block, Row, Table};
use crate::loss::Loss;
use crate::runs::{Run, at_level, by_panel, levels, losses, mean, select, summary, with_loss};
use crate::scores::{SCORES, ShownScore};
use crate::text::{self, count, joined, number, or_dash, percent, when};

/// Maximum number of losses per panel.
const LOSSES: usize = 3;

const SCORES_OF_SAMPLES: &str = "How well each score of a training sample separates corrupted from uncorrupted samples after the \
     last epoch, at the highest noise level of each panel. AUROC: the probability that a corrupted sample ranks above an \
     uncorrupted one. AP: average precision. Values are means over seeds with 95% intervals over at least six seeds. A random score has an AUROC of \
     0.5, and its AP is about the share of corrupted samples.";

/// The fold with the table; `None` if no run has rankings.
pub(super) fn fold(runs: &[&Run]) -> Option<Block> {
    let ranked = select(runs, |run| ranking_record(run).is_some());
    if ranked.is_empty() {
        return None;
    }
    let all = losses(&ranked);
    let (shown, others) = all.split_at(all.len().min(LOSSES));
    let others = joined(others.iter().map(ToString::to_string), ", ");
    let not_shown = format!(" Not shown: {others}.");
    let text = SCORES_OF_SAMPLES.to_owned() + &when(!others.is_empty(), not_shown);
    let mut blocks = vec![Block::note("", text), Block::Table(table(&ranked, shown))];
    blocks.extend(unscored(runs).map(|text| Block::note("", format!("Not included: {text}."))));
    let heading = "Scores of the training samples, panel by panel";
    Some(Block::fold(heading, blocks))
}

/// The reasons why figures of these names are missing although samples were corrupted.
pub(super) fn not_drawn(figures: &[&str], runs: &[&Run]) -> Vec<Block> {
    let is_scored = runs.iter().any(|run| ranking_record(run).is_some());
    let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for &figure in figures {
        let reason = match (figure, is_scored) {
            ("sample-ranking", true) => {
                Some("the runs were evaluated in too few epochs".to_owned())
            }
            ("sample-scores", true) => {
                Some("the runs with the highest noise level have no samples.npz".to_owned())
            }
            ("sample-ranking" | "sample-scores", false) => unscored(runs),
            _ => None,
        };
        if let Some(reason) = reason {
            by_reason.entry(reason).or_default().push(figure);
        }
    }
    let note = |(reason, figures): (String, Vec<&str>)| {
        let text = format!("Not drawn: {}; {reason}.", figures.join(", "));
        Block::note("", text)
    };
    by_reason.into_iter().map(note).collect()
}

/// The number of runs with corrupted samples that have no scores; `None` without such runs.
fn unscored(runs: &[&Run]) -> Option<String> {
    let corrupted = |run: &Run| {
        run.last()
            .is_some_and(|last| last.memorization_mean.is_some())
    };
    let unscored = select(runs, |run| corrupted(run) && ranking_record(run).is_none());
    let number = count(unscored.len(), "run", "runs");
    let text = format!(
        "{number} with corrupted samples recorded no scores (earlier versions of memdil did not)"
    );
    (!unscored.is_empty()).then_some(text)
}

fn ranking_record(run: &Run) -> Option<&RankingRecord> {
    run.last()?.ranking.as_ref()
}

/// One row per score for each panel.
fn table(ranked: &[&Run], losses: &[Loss]) -> Table {
    let mut headings = "score".to_owned();
    for loss in losses {
        headings += &format!(" | #AUROC, {loss} | #AP, {loss}");
    }
    let mut rows = Vec::new();
    for (panel, runs) in by_panel(ranked) {
        let Some(&level) = levels(&runs).last() else {
            continue;
        };
        let runs = at_level(&runs, level);
        let wrong = mean(runs.iter().map(|run| run.record.realised_noise));
        let wrong = or_dash(wrong, |share| percent(share, 1));
        rows.push(Row::group(format!(
            "{}: {panel}, η = {level}, {wrong} of the labels are wrong",
            panel.experiment
        )));
        rows.extend(SCORES.iter().map(|score| row(score, &runs, losses)));
    }
    Table::new(&headings, rows)
}

fn row(score: &ShownScore, runs: &[&Run], losses: &[Loss]) -> Row {
    let mut cells = vec![score.label.to_owned()];
    for &loss in losses {
        let runs = with_loss(runs, loss);
        let cell = |value: fn(Ranking) -> f64| {
            let of_run = |run: &&Run| Some((run.seed(), value(score.ranking(run.last()?)?)));
            or_dash(summary(runs.iter().filter_map(of_run)), with_interval)
        };
        cells.extend([cell(|r| r.auroc), cell(|r| r.average_precision)]);
    }
    Row::of(cells)
}

fn with_interval((mean, interval): (f64, Option<[f64; 2]>)) -> String {
    let interval = interval.map(text::interval);
    joined([number(mean)].into_iter().chain(interval), " ")
}
