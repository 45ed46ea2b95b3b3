//! Validation accuracy over the trials of hyper-parameter searches.

use memdil_records::SearchRecord;

use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, Symbol, cross, span};
use crate::loss::Loss;
use crate::runs::{distinct, label};
use crate::text::{count, percent, when};

/// Maximum number of searches drawn; those with the lowest seeds are chosen.
const DRAWN: usize = 12;

/// Validation accuracy over the trials of each search; `None` if no trial has one.
pub(super) fn figure(searches: &[&SearchRecord]) -> Option<Figure> {
    let [low, high] = span(searches.iter().flat_map(|record| accuracies(record)))?;
    let mut all = searches.to_vec();
    all.retain(|record| accuracies(record).next().is_some());
    let mut seeds: Vec<u64> = all.iter().map(|record| record.spec.seed).collect();
    seeds.sort_unstable();
    let last = seeds[DRAWN.min(seeds.len()) - 1];
    let mut drawn = all.clone();
    drawn.retain(|record| record.spec.seed <= last);
    drawn.truncate(DRAWN);
    let more = all.len() - drawn.len();
    let more_text = count(more, "more search is", "more searches are");
    let more = when(more > 0, format!(" {more_text} listed in the table only."));
    let pictures = drawn.iter();
    let pictures = pictures.map(|record| picture(record, &label(record, searches), [low, high]));
    let losses = distinct(drawn.iter().map(|record| Loss::from(&record.spec.loss)));
    let key = |loss: Loss| {
        Key::new(
            Symbol::Marked(loss.colour(), Glyph::Circle),
            loss.to_string(),
        )
    };
    let mut legend: Vec<Key> = losses.into_iter().map(key).collect();
    legend.push(Key::new(Symbol::Shape(Glyph::Star), "best trial"));
    let trials: usize = all.iter().map(|record| record.trials.len()).sum();
    let diverged = trials - all.iter().flat_map(|record| accuracies(record)).count();
    if diverged > 0 {
        legend.push(Key::new(Symbol::Crosses("other"), "diverged"));
    }
    let diverged_text = count(diverged, "trial", "trials");
    let diverged_text = when(diverged > 0, format!(" {diverged_text} diverged."));
    Some(Figure {
        caption: format!(
            "Validation accuracy of {} in {} ranges from {} to {}.{diverged_text}",
            count(trials, "trial", "trials"),
            count(all.len(), "search", "searches"),
            percent(low, 1),
            percent(high, 1)
        ),
        reading: format!(
            "Each mark is a trial; the line is the best accuracy so far. Held-out labels are noisy, so even a network that \
             predicts every true label does not reach 100%.{more}"
        ),
        legend,
        groups: vec![Group::untitled(3, pictures.collect())],
        ..Figure::new("search-history", "Validation accuracy over the trials")
    })
}

/// The validation accuracies of the trials that did not diverge.
fn accuracies(record: &SearchRecord) -> impl Iterator<Item = f64> {
    let trials = record.trials.iter();
    trials.filter_map(|trial| trial.validation_accuracy)
}

fn picture(record: &SearchRecord, label: &str, [low, high]: [f64; 2]) -> Picture {
    let colour = Loss::from(&record.spec.loss).colour();
    let every = record.search.trials.div_ceil(6).max(1);
    let ticks = (1..=record.search.trials).step_by(every);
    let ticks = ticks.map(|trial| (trial as f64, trial.to_string()));
    let x = Axis::exact([0.5, record.search.trials as f64 + 0.5], "trial").ticks(ticks.collect());
    let y = Axis::linear([100.0 * low, 100.0 * high], "validation accuracy, %").max_ticks(4);
    let mut plot = Plot::new(Frame::new(300.0, 220.0), label, &x, &y);
    // A step function of the best accuracy so far.
    let (mut steps, mut height) = (Vec::new(), None);
    for trial in &record.trials {
        if let Some(best) = trial.best_so_far {
            let across = trial.trial as f64;
            steps.extend(height.map(|height| (across, height)));
            steps.push((across, 100.0 * best));
            height = Some(100.0 * best);
        }
    }
    plot.series(colour, steps);
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
    let best = record.trials.iter().filter_map(|trial| trial.best_so_far);
    let best = best.fold(0.0, f64::max);
    plot.picture(
        format!("Validation accuracy over trials, {label}"),
        format!(
            "{}; the best accuracy is {}.",
            count(record.trials.len(), "trial", "trials"),
            percent(best, 1)
        ),
    )
}
