//! The fit of C_MD, and predicted rho over measured rho.

use memdil_theory::fit::{Fit, FitRow};

use super::Practice;
use super::curve::path;
use crate::chart::{Figure, Frame, Group, Key, Picture, Scale, loss_class, mark};
use crate::figures::{loss_keys, shape, span};
use crate::runs::{Level, Run, distinct};
use crate::table::{Row, Table, heads};
use crate::text::{count, interval, number, setting as short};

/// `None` where no panel could be fitted.
pub(super) fn figure(practice: &[Practice<'_>]) -> Option<Figure> {
    let fitted: Vec<(&Practice<'_>, &Fit)> = practice
        .iter()
        .filter_map(|p| Some((p, p.fit.as_ref().ok()?)))
        .collect();
    if fitted.is_empty() {
        return None;
    }
    let runs: Vec<&Run> = fitted
        .iter()
        .flat_map(|(panel, _)| panel.runs.iter().copied())
        .collect();
    let levels = distinct(runs.iter().copied(), Level::of);
    let group = |(practice, fit): &(&Practice<'_>, &Fit)| {
        let mut pictures = vec![fit_picture(practice, fit, &levels)];
        pictures.extend(overlay(practice, &levels));
        let title = format!("{}: {}", practice.label(), Practice::constants(fit));
        Group {
            title: Some(title),
            columns: 2,
            pictures,
        }
    };
    let mut legend = loss_keys(&runs, |_| None);
    legend.extend(
        levels
            .iter()
            .map(|level| Key::Shape(shape(*level, &levels), format!("η asked for: {}", level.0))),
    );
    legend.push(Key::Line("fitted line".to_owned()));
    let unfitted = practice.len() - fitted.len();
    let left_out = if unfitted > 0 {
        format!(
            " No line could be fitted to {}.",
            count(unfitted, "other panel", "other panels")
        )
    } else {
        String::new()
    };
    Some(Figure {
        name: "theory-practice".to_owned(),
        heading: "The model over the runs".to_owned(),
        caption: caption(&fitted),
        reading: format!(
            "Left: rho on test features against η ν, noise times memorization; its slope is 1/C_MD, fitted over all \
             losses together. Right: the same rho against η; lines are rho without noise plus the model’s rho at the \
             fitted C_MD. {} Here η is corrupted over clean training samples, as realised.{left_out}",
            lambda(&fitted)
        ),
        legend,
        groups: fitted.iter().map(group).collect(),
        side_by_side: false,
    })
}

/// The constants of every panel, those without a fit with the reason.
pub(super) fn table(practice: &[Practice<'_>]) -> Table {
    let columns = [
        ("runs of", false),
        ("runs", true),
        ("seeds", true),
        ("C_MD", true),
        ("95% interval", true),
        ("rho without noise", true),
        ("R²", true),
        ("losses in the predicted order", false),
    ];
    let rows = practice.iter().map(|practice| {
        let fit = match &practice.fit {
            Ok(fit) => fit,
            Err(reason) => {
                let cells = vec![practice.label(), practice.runs.len().to_string()];
                return Row {
                    cells,
                    remark: Some(format!("no fit: {reason}")),
                    ..Row::default()
                };
            }
        };
        let interval = match (fit.c_md_low, fit.c_md_high) {
            (Some(low), Some(high)) => interval([low, high]),
            (Some(low), None) => format!("at least {}", number(low)),
            _ => "–".to_owned(),
        };
        let order = match practice.same_order() {
            Some(true) => "✓ yes",
            Some(false) => "✗ no",
            None => "–",
        };
        let cells = vec![
            practice.label(),
            fit.rows.to_string(),
            fit.units.to_string(),
            number(fit.c_md),
            interval,
            number(fit.rho_0),
            number(fit.r_squared),
            order.to_owned(),
        ];
        Row {
            cells,
            ..Row::default()
        }
    });
    Table {
        columns: heads(&columns),
        rows: rows.collect(),
    }
}

/// Which decay the prediction uses, and why.
fn lambda(fitted: &[(&Practice<'_>, &Fit)]) -> String {
    let mut values: Vec<f64> = fitted
        .iter()
        .map(|(practice, _)| practice.lambda())
        .collect();
    values.sort_by(f64::total_cmp);
    values.dedup_by(|a, b| (*a - *b).abs() <= 1e-12 * b.abs());
    let values: Vec<String> = values.into_iter().map(short).collect();
    format!(
        "The prediction uses λ_W = λ_H = {}: the runs’ weight decay times half the number of classes is the model’s \
         penalty on the classifier; these networks penalise weights in all layers but no features, so λ_H is an \
         assumption, and absolute levels are not expected to agree. Nothing is tuned to make them agree.",
        values.join(" or ")
    )
}

fn caption(fitted: &[(&Practice<'_>, &Fit)]) -> String {
    let constants = match fitted {
        [(practice, fit)] => {
            format!(
                "{}, from {}",
                Practice::constants(fit),
                count(practice.runs.len(), "run", "runs")
            )
        }
        _ => {
            let ends = |value: fn(&Fit) -> f64| {
                let [low, high] =
                    span(fitted.iter().map(|(_, fit)| value(fit))).unwrap_or_default();
                format!("{} to {}", number(low), number(high))
            };
            format!(
                "Over {} panels, C_MD is {}, and R² {}",
                fitted.len(),
                ends(|fit| fit.c_md),
                ends(|fit| fit.r_squared)
            )
        }
    };
    let orders: Vec<bool> = fitted
        .iter()
        .filter_map(|(practice, _)| practice.same_order())
        .collect();
    let same = orders.iter().filter(|same| **same).count();
    let example = fitted.iter().rev().find_map(|(practice, _)| {
        let level = practice
            .noisy_levels()
            .into_iter()
            .rev()
            .find(|l| !practice.predicted_at(*l).is_empty())?;
        Some((practice, level))
    });
    let Some((practice, level)) = example.filter(|_| !orders.is_empty()) else {
        return format!("{constants}. There are no two losses whose order could be predicted.");
    };
    let order = match (orders.len(), same) {
        (1, 1) => "The predicted order of the losses is the measured one".to_owned(),
        (1, _) => "The predicted order of the losses is not the measured one".to_owned(),
        (n, same) => {
            format!("The predicted order of the losses is the measured one in {same} of {n} panels")
        }
    };
    let place = if fitted.len() > 1 {
        format!("{}, ", practice.label())
    } else {
        String::new()
    };
    format!(
        "{constants}. {order}: {place}η = {}, predicted {}, measured {}.",
        level.0,
        ascending(practice.predicted_at(level)),
        ascending(practice.measured_at(level))
    )
}

/// `LS 0.1 0.120 < CE 0.310`.
fn ascending(mut values: Vec<(String, f64)>) -> String {
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    let parts: Vec<String> = values
        .into_iter()
        .map(|(loss, rho)| format!("{loss} {}", number(rho)))
        .collect();
    parts.join(" < ")
}

fn fit_picture(practice: &Practice<'_>, fit: &Fit, levels: &[Level]) -> Picture {
    let points = points(practice, |row| row.eta * row.memorization);
    let line = |x: f64| fit.rho_0 + x / fit.c_md;
    let title = "fit";
    let (svg, x, y, frame) = panel(&points, &[], title, "η ν (noise × memorization)", levels);
    let end = points.iter().map(|(_, x, _)| *x).fold(0.0, f64::max);
    let drawn = path(&[(0.0, line(0.0)), (end, line(end))], &x, &y);
    Picture {
        width: frame.width,
        height: frame.height,
        title: format!("Rho against noise times memorization, {}", practice.label()),
        desc: practice.fitted(),
        body: format!(r#"{svg}<path class="contour" d="{drawn}"/>"#),
    }
}

/// `None` where nothing was predicted.
fn overlay(practice: &Practice<'_>, levels: &[Level]) -> Option<Picture> {
    let curves: Vec<(&'static str, &[(f64, f64)])> = practice
        .predicted
        .iter()
        .map(|(label, points)| (class(label), points.as_slice()))
        .collect();
    if curves.iter().all(|(_, points)| points.is_empty()) {
        return None;
    }
    let points = points(practice, |row| row.eta);
    let rhos: Vec<f64> = curves
        .iter()
        .flat_map(|(_, points)| points.iter().map(|p| p.1))
        .collect();
    let (mut svg, x, y, frame) = panel(
        &points,
        &rhos,
        "measured (marks) and predicted (lines)",
        "noise level η, realised",
        levels,
    );
    for (class, points) in curves {
        svg += &format!(
            r#"<path class="line s {class}" d="{}"/>"#,
            path(points, &x, &y)
        );
    }
    Some(Picture {
        width: frame.width,
        height: frame.height,
        title: format!(
            "Measured and predicted rho against noise, {}",
            practice.label()
        ),
        desc: match practice.same_order() {
            Some(true) => "The losses are in the predicted order.".to_owned(),
            Some(false) => "The losses are not in the predicted order.".to_owned(),
            None => "There is no order to compare.".to_owned(),
        },
        body: svg,
    })
}

fn class(label: &str) -> &'static str {
    loss_class(label.split(' ').next().unwrap_or_default())
}

/// Run, place across, rho.
fn points<'a>(
    practice: &Practice<'a>,
    across: impl Fn(&FitRow) -> f64,
) -> Vec<(&'a Run, f64, f64)> {
    let point = |run: &&'a Run| {
        Practice::row(run).map(|row| (*run, across(&row), row.radius / row.separation))
    };
    practice.runs.iter().filter_map(point).collect()
}

/// Axes and marks; `others` are values of rho that have to fit in as well.
fn panel(
    points: &[(&Run, f64, f64)],
    others: &[f64],
    title: &str,
    across: &str,
    levels: &[Level],
) -> (String, Scale, Scale, Frame) {
    let frame = Frame::new(440.0, 310.0);
    let high = points.iter().map(|(_, x, _)| *x).fold(0.0, f64::max);
    let x = Scale::linear([0.0, 1.02 * high], frame.x_range(), 6);
    let rhos = points
        .iter()
        .map(|(_, _, rho)| *rho)
        .chain(others.iter().copied());
    let [low, high] = span(rhos).unwrap_or([0.0, 1.0]);
    let y = Scale::linear([low.min(0.0), high], frame.y_range(), 6);
    let mut svg = frame.axes(
        title,
        (&x, &x.ticks(6), across),
        (&y, &y.ticks(6), "rho (test)"),
    );
    for (run, across, rho) in points {
        let classes = format!("mark f {}", loss_class(run.loss()));
        svg += &mark(
            shape(Level::of(run), levels),
            x.at(*across),
            y.at(*rho),
            4.2,
            &classes,
        );
    }
    (svg, x, y, frame)
}
