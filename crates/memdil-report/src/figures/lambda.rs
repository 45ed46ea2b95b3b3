//! Relative dilation and test error against lambda, beside the solved model.

use std::collections::BTreeMap;

use memdil_claims::{PanelSlopes, SolvedRun};

use super::lines::{Line, bars, draw_mean, heights, marked_keys, offset};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, Symbol, span};
use crate::loss::Loss;
use crate::runs::{Level, Run, distinct, mean, select, summary};
use crate::text::{number, percent};

/// The headings of the quantities that a claim may compare with rho of the model.
const COMPARED: [(&str, &str); 3] = [
    ("test.rho_nc1", "rho, from NC1"),
    ("test.rho", "rho"),
    ("test.rho_correct", "rho, correct samples only"),
];

/// `None` without a claim about the slope of the model.
pub(super) fn figure(slopes: &[PanelSlopes], runs: &[&Run]) -> Option<Figure> {
    let mut panels: BTreeMap<&str, Vec<&PanelSlopes>> = BTreeMap::new();
    for slopes in slopes {
        panels.entry(&slopes.panel).or_default().push(slopes);
    }
    let mut groups = Vec::new();
    for (panel, slopes) in &panels {
        let mut pictures = Vec::new();
        for (quantity, heading) in COMPARED {
            let of = slopes.iter().filter(|one| one.quantity == quantity);
            let runs: Vec<&SolvedRun> = of.flat_map(|one| &one.runs).collect();
            let lines = [
                lines(&runs, |run| run.measured),
                lines(&runs, |run| run.model),
            ];
            pictures.extend(picture(heading, lines, panel));
        }
        let first = slopes.first().map(|one| one.quantity.as_str());
        let of = slopes
            .iter()
            .filter(|one| Some(one.quantity.as_str()) == first);
        let runs: Vec<&SolvedRun> = of.flat_map(|one| &one.runs).collect();
        let errors = [lines(&runs, |run| run.test_error), Vec::new()];
        pictures.extend(picture("test error", errors, panel));
        groups.push(Group::titled(panel, 3, pictures));
    }
    let all = slopes.iter().flat_map(|panel| &panel.runs);
    let mut legend = marked_keys(distinct(all.map(|run| Loss::from(&run.loss))));
    legend.push(Key::new(
        Symbol::Line,
        "solved model, in the colour of the loss",
    ));
    (!groups.is_empty()).then(|| Figure {
        caption: caption(runs),
        reading: format!(
            "Marks are means over seeds. {} Lines: rho of the memorization-dilation model, solved for the penalties and the \
             realised noise of the same runs, with C_MD fitted to runs of other seeds. λ_H is half the feature decay. Correct \
             samples only: correctly classified test samples around their own class means. Test error: the share of \
             misclassified test samples, for which the model has no counterpart.",
            bars()
        ),
        legend,
        groups,
        ..Figure::new("lambda", "Dilation against the penalty")
    })
}

/// The memorised share of the noisy runs, and their gradients.
fn caption(runs: &[&Run]) -> String {
    let noisy = select(runs, |run| run.eta() > 0.0);
    let last = |quantity: &str| -> Vec<f64> {
        let values = noisy
            .iter()
            .filter_map(|run| run.last()?.quantity(quantity));
        values.collect()
    };
    let shares = last("memorized_as_given");
    let least = shares.iter().copied().reduce(f64::min);
    let (Some(share), Some(least)) = (mean(shares), least) else {
        return String::new();
    };
    let norm = last("gradient_norm").into_iter().reduce(f64::max);
    let norm = norm.map_or_else(String::new, |norm| {
        format!(
            " After the last epoch, the norm of the gradient is at most {}.",
            number(norm)
        )
    });
    format!(
        "The noisy networks memorise {} of the wrong labels on average, and at least {}.{norm}",
        percent(share, 1),
        percent(least, 1)
    )
}

/// The means over seeds of a value at each lambda, by loss.
fn lines(runs: &[&SolvedRun], value: fn(&SolvedRun) -> f64) -> Vec<Line> {
    let mut lines = Vec::new();
    for loss in distinct(runs.iter().map(|run| Loss::from(&run.loss))) {
        let of_loss = || runs.iter().filter(|run| Loss::from(&run.loss) == loss);
        let mut means = Vec::new();
        for lambda in distinct(of_loss().map(|run| Level(run.lambda_h))) {
            let here = of_loss().filter(|run| Level(run.lambda_h) == lambda);
            if let Some((mean, interval)) = summary(here.map(|run| (run.seed, value(run)))) {
                means.push((lambda.0, mean, interval));
            }
        }
        lines.push((loss, means));
    }
    lines
}

fn picture(heading: &str, [measured, model]: [Vec<Line>; 2], panel: &str) -> Option<Picture> {
    let lambdas = measured.iter().flat_map(|(_, means)| means);
    let lambdas = span(lambdas.map(|(lambda, ..)| *lambda))?;
    let [measured_heights, model_heights] = [&measured, &model].map(|lines| heights(lines));
    let [low, high] = span(measured_heights.into_iter().chain(model_heights))?;
    // An interval may contain zero, which a logarithmic axis cannot show.
    let y = if low > 0.0 && !model.is_empty() {
        Axis::log([low, high], "")
    } else {
        Axis::linear([low.min(0.0), high], "")
    };
    let x = Axis::log(lambdas, "λ_H");
    let mut plot = Plot::new(Frame::new(320.0, 260.0), heading, &x, &y.max_ticks(6));
    for (loss, means) in &model {
        let points = means.iter().map(|(lambda, mean, _)| (*lambda, *mean));
        plot.series(loss.colour(), points);
    }
    let mut ends = Vec::new();
    for (index, (loss, means)) in measured.iter().enumerate() {
        for mean in means {
            draw_mean(&mut plot, *loss, *mean, 3.8, offset(index, measured.len()));
        }
        if let [(first, from, _), .., (last, to, _)] = means.as_slice() {
            let [first, last, from, to] = [first, last, from, to].map(|value| number(*value));
            ends.push(format!(
                "{loss}: {from} at λ_H = {first}, {to} at λ_H = {last}"
            ));
        }
    }
    Some(plot.picture(
        format!("{heading} against λ_H, {panel}"),
        ends.join("; ") + ".",
    ))
}
