//! Relative dilation and test error against lambda, beside the solved model.

use memdil_claims::{PanelSlopes, SolvedRun};

use super::lines::{Line, bars, draw_mean, heights, marked_keys, offset};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, Symbol, span};
use crate::loss::Loss;
use crate::runs::{
    Level, Quantity, Run, at_level, distinct, losses, mean, mean_of, select, summary, with_loss,
};
use crate::text::{number, percent};

/// The quantities that a claim compares with rho of the model, with their headings.
const COMPARED: [(&str, &str); 2] = [
    ("test.rho_nc1", "rho, from NC1"),
    ("test.rho_correct", "rho, correct samples only"),
];

/// `None` without a claim about slopes in lambda.
pub(super) fn figure(slopes: &[PanelSlopes], runs: &[&Run]) -> Option<Figure> {
    let solved: Vec<&SolvedRun> = slopes.iter().flat_map(|panel| &panel.runs).collect();
    let levels = distinct(solved.iter().map(|run| Level(run.level)));
    let mut groups = Vec::new();
    for level in &levels {
        let mut pictures = Vec::new();
        for (quantity, heading) in COMPARED {
            let of = slopes.iter().filter(|panel| panel.quantity == quantity);
            let mut runs: Vec<&SolvedRun> = of.flat_map(|panel| &panel.runs).collect();
            runs.retain(|run| run.level == level.0);
            pictures.extend(compared(heading, &runs, *level));
        }
        pictures.extend(errors(&at_level(runs, *level), *level));
        if !pictures.is_empty() {
            groups.push(Group::titled(format!("η = {level}"), 3, pictures));
        }
    }
    let mut legend = marked_keys(distinct(solved.iter().map(|run| Loss::from(&run.loss))));
    legend.push(Key::new(
        Symbol::Line,
        "solved model, in the colour of the loss",
    ));
    (!groups.is_empty()).then(|| Figure {
        caption: caption(runs),
        reading: format!(
            "Marks are means over seeds. {} Lines without marks: rho of the memorization-dilation model, solved for the \
             penalties and the realised noise of the same runs, with C_MD fitted to runs of the other seeds under CE. Left: \
             all test samples; middle: correctly classified test samples around their own class means; right: share of \
             misclassified test samples, for which the model has no counterpart.",
            bars()
        ),
        legend,
        groups,
        ..Figure::new("lambda", "Dilation against the penalty λ")
    })
}

/// The memorised share and the gradient norm of the noisy runs, and the range of test error.
fn caption(runs: &[&Run]) -> String {
    let noisy = select(runs, |run| run.eta() > 0.0);
    let last = |quantity: &str| -> Vec<f64> {
        let values = noisy
            .iter()
            .filter_map(|run| run.last()?.quantity(quantity));
        values.collect()
    };
    let (shares, norms) = (last("memorized_as_given"), last("gradient_norm"));
    let share = mean(shares.iter().copied()).map_or_else(String::new, |share| percent(share, 0));
    let least = shares.into_iter().fold(f64::INFINITY, f64::min);
    let most = norms.into_iter().fold(0.0, f64::max);
    let accuracy = mean_of(&noisy, Quantity::Accuracy).unwrap_or_default();
    format!(
        "The noisy networks memorise {share} of the corrupted samples ({} at least); the norm of the gradient at the end is at \
         most {}. They misclassify {} of the test samples on average.",
        percent(least, 0),
        number(most),
        percent(1.0 - accuracy / 100.0, 1)
    )
}

/// The means of a value over the seeds at each lambda.
fn line<T>(
    runs: &[T],
    of: impl Fn(&T) -> Option<(f64, u64, f64)>,
) -> Vec<(f64, f64, Option<[f64; 2]>)> {
    let values: Vec<(f64, u64, f64)> = runs.iter().filter_map(of).collect();
    let lambdas = distinct(values.iter().map(|(lambda, ..)| Level(*lambda)));
    let at = |lambda: Level| {
        let here = values.iter().filter(|(other, ..)| *other == lambda.0);
        let (mean, interval) = summary(here.map(|(_, seed, value)| (*seed, *value)))?;
        Some((lambda.0, mean, interval))
    };
    lambdas.into_iter().filter_map(at).collect()
}

fn compared(heading: &str, runs: &[&SolvedRun], level: Level) -> Option<Picture> {
    let mut measured: Vec<Line> = Vec::new();
    let mut model: Vec<Line> = Vec::new();
    for loss in distinct(runs.iter().map(|run| Loss::from(&run.loss))) {
        let of_loss = runs.iter().filter(|run| Loss::from(&run.loss) == loss);
        let of_loss: Vec<&SolvedRun> = of_loss.copied().collect();
        measured.push((
            loss,
            line(&of_loss, |run| Some((run.lambda, run.seed, run.measured))),
        ));
        model.push((
            loss,
            line(&of_loss, |run| Some((run.lambda, run.seed, run.model))),
        ));
    }
    picture(heading, &measured, &model, level)
}

fn errors(runs: &[&Run], level: Level) -> Option<Picture> {
    let error = |run: &&Run| {
        let lambda = 0.5 * run.record.spec.training.feature_decay;
        let error = 1.0 - run.value(Quantity::Accuracy)? / 100.0;
        Some((lambda, run.seed(), error))
    };
    let lines: Vec<Line> = losses(runs)
        .into_iter()
        .map(|loss| (loss, line(&with_loss(runs, loss), error)))
        .collect();
    picture("test error", &lines, &[], level)
}

fn picture(heading: &str, measured: &[Line], model: &[Line], level: Level) -> Option<Picture> {
    let mut values = heights(measured);
    values.extend(
        model
            .iter()
            .flat_map(|(_, means)| means)
            .map(|(_, mean, _)| *mean),
    );
    let lambdas = measured.iter().flat_map(|(_, means)| means);
    let lambdas = span(lambdas.map(|(lambda, ..)| *lambda))?;
    let values = span(values)?;
    // Test error has no lines of the model; its intervals may contain zero.
    let y = match model {
        [] => Axis::linear([values[0].min(0.0), values[1]], ""),
        _ => Axis::log(values, ""),
    };
    let x = Axis::log(lambdas, "λ");
    let mut plot = Plot::new(Frame::new(320.0, 260.0), heading, &x, &y.max_ticks(6));
    for (loss, means) in model {
        plot.series(
            loss.colour(),
            means.iter().map(|(lambda, mean, _)| (*lambda, *mean)),
        );
    }
    let mut ends = Vec::new();
    for (index, (loss, means)) in measured.iter().enumerate() {
        for mean in means {
            draw_mean(&mut plot, *loss, *mean, 3.8, offset(index, measured.len()));
        }
        if let [(first, from, _), .., (last, to, _)] = means.as_slice() {
            let ([first, last], [from, to]) = (
                [first, last].map(|v| number(*v)),
                [from, to].map(|v| number(*v)),
            );
            ends.push(format!("{loss}: {from} at λ = {first}, {to} at λ = {last}"));
        }
    }
    Some(plot.picture(
        format!("{heading} against λ, η = {level}"),
        ends.join("; ") + ".",
    ))
}
