//! The memorization-dilation model out of sample, beside its baselines.

use std::collections::BTreeMap;

use memdil_claims::stats::mean;
use memdil_claims::{PanelPredictions, PredictedRun};

use super::{aside, bars, level_span, level_ticks, marked_keys, or_undefined, summary};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::Level;
use crate::text::{count, number};

/// Runs of one loss and level: seeds.
type Cells<'a> = BTreeMap<(Loss, Level), Vec<&'a PredictedRun>>;

/// `None` where nothing is predicted.
pub(super) fn figure(predictions: &[PanelPredictions]) -> Option<Figure> {
    let panels: Vec<&PanelPredictions> = predictions
        .iter()
        .filter(|panel| !panel.runs.is_empty())
        .collect();
    let all = panels.iter().flat_map(|panel| &panel.runs);
    let mut losses: Vec<Loss> = all.map(|run| Loss::from(&run.loss)).collect();
    losses.sort_unstable();
    losses.dedup();
    let mut legend = marked_keys(losses);
    legend.extend([
        Key::Line("a line in η, fitted to the same runs".to_owned()),
        Key::Limit("their mean".to_owned()),
    ]);
    (!panels.is_empty()).then(|| Figure {
        name: "model".to_owned(),
        heading: "The model out of sample".to_owned(),
        caption: caption(&panels),
        reading: format!(
            "Marks: measured rho (from NC1) of runs that the model was not fitted to, means over seeds. {} Coloured lines and \
             dashes: predictions of the memorization-dilation model, with C_MD fitted to the other runs and the runs’ weight \
             decay as its penalties. The other two lines are predictions without a model. R² out of sample has the mean of \
             the fitted runs in its denominator.",
            bars()
        ),
        legend,
        groups: vec![Group {
            title: None,
            columns: panels.len().min(2),
            pictures: panels.iter().filter_map(|panel| picture(panel)).collect(),
        }],
        side_by_side: false,
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
    let values: Vec<f64> = runs.iter().map(|run| value(run)).collect();
    mean(&values).unwrap_or_default()
}

fn caption(panels: &[&PanelPredictions]) -> String {
    let part = |panel: &&PanelPredictions| {
        let error = |predicted: fn(&PredictedRun) -> f64| {
            let squares = panel
                .runs
                .iter()
                .map(|run| (run.measured - predicted(run)).powi(2));
            squares.sum::<f64>()
        };
        let base = error(|run| run.mean);
        let r_squared = |error: f64| or_undefined((base > 0.0).then(|| 1.0 - error / base));
        format!(
            "{}: {} for the model, {} for the line ({})",
            panel.panel,
            r_squared(error(|run| run.model)),
            r_squared(error(|run| run.line)),
            count(panel.runs.len(), "run", "runs")
        )
    };
    let parts: Vec<String> = panels.iter().map(part).collect();
    format!("R² out of sample: {}.", parts.join("; "))
}

fn picture(panel: &PanelPredictions) -> Option<Picture> {
    let cells = cells(panel);
    let mut levels: Vec<Level> = cells.keys().map(|(_, level)| *level).collect();
    levels.sort_unstable();
    levels.dedup();
    let mut losses: Vec<Loss> = cells.keys().map(|(loss, _)| *loss).collect();
    losses.dedup();
    let values = panel.runs.iter();
    let values = values.flat_map(|run| [run.measured, run.model, run.line, run.mean]);
    let [low, high] = span(values)?;
    let mut plot = Plot::new(
        Frame::new(480.0, 320.0),
        &panel.panel,
        &Axis::exact(level_span(&levels), "noise level η").ticks(level_ticks(&levels)),
        &Axis::linear([low.min(0.0), high], "rho, from NC1"),
    );
    let at = |level: &Level, value: fn(&PredictedRun) -> f64| {
        let here = cells.iter().filter(|((_, other), _)| other == level);
        let runs: Vec<&PredictedRun> = here.flat_map(|(_, runs)| runs.iter().copied()).collect();
        (level.0, mean_of(&runs, value))
    };
    plot.line(
        "contour",
        levels.iter().map(|level| at(level, |run| run.line)),
    );
    plot.dashed(
        "contour",
        "2 5",
        levels.iter().map(|level| at(level, |run| run.mean)),
    );
    let mut desc = Vec::new();
    for (index, loss) in losses.iter().enumerate() {
        let (colour, aside) = (loss.colour(), aside(index, losses.len()));
        let of_loss: Vec<_> = cells
            .iter()
            .filter(|((other, _), _)| other == loss)
            .collect();
        let model = of_loss
            .iter()
            .map(|((_, level), runs)| (level.0, mean_of(runs, |run| run.model)));
        plot.course(colour, aside, model);
        for ((_, level), runs) in &of_loss {
            let predicted = mean_of(runs, |run| run.model);
            plot.dash(colour, (level.0, predicted), aside);
            if let Some((mean, interval)) = summary(runs.iter().map(|run| (run.seed, run.measured)))
            {
                if let Some(interval) = interval {
                    plot.bar(colour, level.0, interval, aside);
                }
                plot.mark(loss.glyph(), colour, 4.6, (level.0, mean), aside);
                let model = number(predicted);
                desc.push(format!(
                    "{loss} at η = {}: measured {}, model {model}",
                    level.0,
                    number(mean)
                ));
            }
        }
    }
    Some(plot.picture(
        format!("Measured and predicted rho, {}", panel.panel),
        desc.join("; ") + ".",
    ))
}
