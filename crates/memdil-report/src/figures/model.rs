//! Out-of-sample predictions of the memorization-dilation model and of its baselines.

use std::collections::{BTreeMap, BTreeSet};

use memdil_claims::{PanelPredictions, PredictedRun};

use super::levels::level_axis;
use super::lines::{bars, draw_mean, marked_keys, offset};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, Symbol, span};
use crate::loss::Loss;
use crate::runs::{Level, distinct, mean, or_undefined, summary};
use crate::text::{count, joined, number};

/// The runs of each loss and noise level.
type Cells<'a> = BTreeMap<(Loss, Level), Vec<&'a PredictedRun>>;

/// `None` without predictions.
pub(super) fn figure(predictions: &[PanelPredictions]) -> Option<Figure> {
    let mut panels: Vec<&PanelPredictions> = predictions.iter().collect();
    panels.retain(|panel| !panel.runs.is_empty());
    // Several claims may predict with the same model.
    let mut seen = BTreeSet::new();
    panels.retain(|panel| seen.insert((panel.model, &panel.panel)));
    let models = distinct(panels.iter().map(|panel| format!("the {}", panel.model)));
    let all = panels.iter().flat_map(|panel| &panel.runs);
    let mut legend = marked_keys(distinct(all.map(|run| Loss::from(&run.loss))));
    legend.extend([
        Key::new(Symbol::Line, "baseline: line in η fitted to the same runs"),
        Key::new(Symbol::Limit, "baseline: mean of the same runs"),
    ]);
    let pictures = panels.iter().filter_map(|panel| picture(panel)).collect();
    (!panels.is_empty()).then(|| Figure {
        caption: caption(&panels),
        reading: format!(
            "Marks: measured rho (from NC1) of runs that the model was not fitted to, averaged over seeds. {} Coloured lines \
             and dashes: predictions of {}, with its constant fitted to the other runs. A model with penalties has those of \
             the runs’ weight decay. The other two lines are baselines without a model. R² out of sample is relative to the \
             mean of the fitted runs.",
            bars(),
            joined(models, " and ")
        ),
        legend,
        groups: vec![Group::untitled(panels.len().min(2), pictures)],
        ..Figure::new("model", "Out-of-sample predictions of the model")
    })
}

fn cells(panel: &PanelPredictions) -> Cells<'_> {
    let mut cells = Cells::new();
    for run in &panel.runs {
        let key = (Loss::from(&run.loss), Level(run.level));
        cells.entry(key).or_default().push(run);
    }
    cells
}

fn mean_of(runs: &[&PredictedRun], value: fn(&PredictedRun) -> f64) -> f64 {
    mean(runs.iter().map(|run| value(run))).unwrap_or_default()
}

/// The mean over the runs of all losses at each noise level.
fn by_level(
    cells: &Cells<'_>,
    levels: &[Level],
    value: fn(&PredictedRun) -> f64,
) -> Vec<(f64, f64)> {
    let mut means = Vec::new();
    for level in levels {
        let here = cells.iter().filter(|((_, other), _)| other == level);
        let runs: Vec<_> = here.flat_map(|(_, runs)| runs.iter().copied()).collect();
        means.push((level.0, mean_of(&runs, value)));
    }
    means
}

fn caption(panels: &[&PanelPredictions]) -> String {
    let mut parts = Vec::new();
    for panel in panels {
        let error = |predicted: fn(&PredictedRun) -> f64| {
            let errors = panel.runs.iter().map(|run| run.measured - predicted(run));
            errors.map(|error| error.powi(2)).sum::<f64>()
        };
        let base = error(|run| run.mean);
        let r_squared = |error: f64| or_undefined((base > 0.0).then(|| 1.0 - error / base));
        parts.push(format!(
            "{}: {} for the model, {} for the line ({})",
            panel.panel,
            r_squared(error(|run| run.model)),
            r_squared(error(|run| run.line)),
            count(panel.runs.len(), "run", "runs")
        ));
    }
    format!("R² out of sample: {}.", parts.join("; "))
}

fn picture(panel: &PanelPredictions) -> Option<Picture> {
    let cells = cells(panel);
    let levels = distinct(cells.keys().map(|(_, level)| *level));
    let losses = distinct(cells.keys().map(|(loss, _)| *loss));
    let values = panel.runs.iter();
    let values = values.flat_map(|run| [run.measured, run.model, run.line, run.mean]);
    let [low, high] = span(values)?;
    let mut plot = Plot::new(
        Frame::new(480.0, 320.0),
        &panel.panel,
        &level_axis(&levels),
        &Axis::linear([low.min(0.0), high], "rho, from NC1"),
    );
    plot.line("contour", by_level(&cells, &levels, |run| run.line));
    plot.dashed("contour", "2 5", by_level(&cells, &levels, |run| run.mean));
    let mut desc = Vec::new();
    for (index, loss) in losses.iter().enumerate() {
        let (colour, offset) = (loss.colour(), offset(index, losses.len()));
        let of_loss = || cells.iter().filter(|((other, _), _)| other == loss);
        let predicted = of_loss().map(|((_, level), runs)| (level.0, mean_of(runs, |r| r.model)));
        plot.shifted_series(colour, offset, predicted.clone());
        for (((_, level), runs), predicted) in of_loss().zip(predicted) {
            plot.dash(colour, predicted, offset);
            let measured = runs.iter().map(|run| (run.seed, run.measured));
            if let Some((mean, interval)) = summary(measured) {
                draw_mean(&mut plot, *loss, (level.0, mean, interval), 4.6, offset);
                let (mean, model) = (number(mean), number(predicted.1));
                desc.push(format!(
                    "{loss} at η = {level}: measured {mean}, model {model}"
                ));
            }
        }
    }
    let title = format!("Measured and predicted rho, {}", panel.panel);
    Some(plot.picture(title, desc.join("; ") + "."))
}
