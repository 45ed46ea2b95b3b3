//! Hyper-parameter searches: validation accuracy over the trials.

use std::collections::BTreeSet;

use memdil_records::SearchRecord;

use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, cross, span};
use crate::loss::Loss;
use crate::search::label;
use crate::text::{count, percent};

/// Searches drawn: those of the first seeds.
const DRAWN: usize = 12;

/// Validation accuracy over the trials of every search; none before the first trial that ended
/// well.
pub(super) fn figure(searches: &[SearchRecord]) -> Option<Figure> {
    let accuracies = |record: &SearchRecord| -> Vec<f64> {
        record
            .trials
            .iter()
            .filter_map(|trial| trial.validation_accuracy)
            .collect()
    };
    let [low, high] = span(searches.iter().flat_map(accuracies))?;
    let all: Vec<&SearchRecord> = searches
        .iter()
        .filter(|record| !accuracies(record).is_empty())
        .collect();
    let mut seeds: Vec<u64> = all.iter().map(|record| record.spec.seed).collect();
    seeds.sort_unstable();
    let last = seeds[DRAWN.min(seeds.len()) - 1];
    let mut drawn: Vec<&SearchRecord> = all
        .iter()
        .copied()
        .filter(|record| record.spec.seed <= last)
        .collect();
    drawn.truncate(DRAWN);
    let more = match all.len() - drawn.len() {
        0 => String::new(),
        n => format!(
            " {} are in the table only.",
            count(n, "more search", "more searches")
        ),
    };
    let pictures = drawn
        .iter()
        .map(|record| picture(record, &label(record, searches), [low, high]))
        .collect();
    let losses: BTreeSet<Loss> = drawn.iter().map(|r| Loss::from(&r.spec.loss)).collect();
    let key = |loss: Loss| Key::Colour(loss.colour(), Some(Glyph::Circle), loss.to_string());
    let mut legend: Vec<Key> = losses.into_iter().map(key).collect();
    legend.push(Key::Shape(Glyph::Star, "best trial".to_owned()));
    let diverged: usize = all
        .iter()
        .flat_map(|r| &r.trials)
        .filter(|t| t.validation_accuracy.is_none())
        .count();
    if diverged > 0 {
        legend.push(Key::Crosses("other", "diverged".to_owned()));
    }
    let made: usize = all.iter().map(|record| record.trials.len()).sum();
    let lost = if diverged > 0 {
        format!(" {} diverged.", count(diverged, "trial", "trials"))
    } else {
        String::new()
    };
    Some(Figure {
        name: "search-history".to_owned(),
        heading: "Validation accuracy over the trials".to_owned(),
        caption: format!(
            "Validation accuracy of {} in {} lies between {} and {}.{lost}",
            count(made, "trial", "trials"),
            count(all.len(), "search", "searches"),
            percent(low, 1),
            percent(high, 1)
        ),
        reading: format!(
            "A mark is a trial; the line steps up to the best so far. Held-out labels are noisy: even a network that \
             knows every true label does not reach 100%.{more}"
        ),
        legend,
        groups: vec![Group {
            title: None,
            columns: 3,
            pictures,
        }],
        side_by_side: false,
    })
}

fn picture(record: &SearchRecord, label: &str, [low, high]: [f64; 2]) -> Picture {
    let colour = Loss::from(&record.spec.loss).colour();
    let every = record.search.trials.div_ceil(6).max(1);
    let x_ticks: Vec<(f64, String)> = (1..=record.search.trials)
        .step_by(every)
        .map(|trial| (trial as f64, trial.to_string()))
        .collect();
    let x = Axis::exact([0.5, record.search.trials as f64 + 0.5], "trial").ticks(x_ticks);
    let y = Axis::linear([100.0 * low, 100.0 * high], "validation accuracy, %").most(4);
    let mut plot = Plot::new(Frame::new(300.0, 220.0), label, &x, &y);
    // A line that steps up to the best so far.
    let (mut steps, mut height) = (Vec::new(), None);
    for trial in &record.trials {
        if let Some(best) = trial.best_so_far {
            let across = trial.trial as f64;
            steps.extend(height.map(|height| (across, height)));
            steps.push((across, 100.0 * best));
            height = Some(100.0 * best);
        }
    }
    plot.line(&format!("line s {colour}"), steps);
    for trial in &record.trials {
        let across = trial.trial as f64;
        let Some(accuracy) = trial.validation_accuracy else {
            let bottom = plot.frame.y_range()[0] - 6.0;
            let cross = cross(plot.x.at(across), bottom);
            plot.push(&format!(r#"<path class="crosses s other" d="{cross}"/>"#));
            continue;
        };
        let (glyph, size) = if record.best_trial == Some(trial.trial) {
            (Glyph::Star, 6.5)
        } else {
            (Glyph::Circle, 3.6)
        };
        plot.mark(glyph, colour, size, (across, 100.0 * accuracy), 0.0);
    }
    let best = record
        .trials
        .iter()
        .filter_map(|trial| trial.best_so_far)
        .fold(0.0, f64::max);
    plot.picture(
        format!("Validation accuracy over trials, {label}"),
        format!(
            "{} made, the best has {}.",
            count(record.trials.len(), "trial", "trials"),
            percent(best, 1)
        ),
    )
}
