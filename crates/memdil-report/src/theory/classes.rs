//! The model with more than two classes.

use memdil_theory::{TheoryError, limits};

use super::curve::{Curve, span};
use super::curves::list;
use super::model::{ALPHA, C_MD, ETA, decades, in_parallel, loss, rho, setting};
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Plot};
use crate::loss::Loss;

const CLASSES: [usize; 4] = [2, 3, 5, 10];

/// CE and LS for one number of classes.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    classes: usize,
    curves: Vec<Curve>,
}

pub(super) fn solve() -> Result<Vec<Classes>, TheoryError> {
    let lambdas = decades(-6, -2, 1);
    let losses = [
        (Loss::CrossEntropy, "CE".to_owned(), 0.0, Glyph::Circle),
        (
            Loss::LabelSmoothing,
            format!("LS {ALPHA}"),
            ALPHA,
            Glyph::Square,
        ),
    ];
    let mut places = Vec::new();
    for classes in CLASSES {
        for (name, _, alpha, _) in &losses {
            places.extend(
                lambdas
                    .iter()
                    .map(|&lambda| (classes, *name, *alpha, lambda)),
            );
        }
    }
    // Many classes cost most: first, so that no core waits for them at the end.
    places.reverse();
    let mut solved = in_parallel(&places, |&(classes, name, alpha, lambda)| {
        match loss(name, alpha)? {
            Some(loss) => rho(&setting(ETA, C_MD, lambda, classes), &loss, classes),
            None => Ok(None),
        }
    })?;
    solved.reverse();
    let mut by_curve = solved.chunks(lambdas.len());
    let mut all = Vec::new();
    for classes in CLASSES {
        let mut curves = Vec::new();
        for (name, label, alpha, glyph) in &losses {
            let rhos = by_curve.next().unwrap_or_default();
            let points = lambdas
                .iter()
                .zip(rhos)
                .filter_map(|(lambda, rho)| Some((*lambda, (*rho)?)))
                .collect();
            let limit = if *alpha > 0.0 {
                law(classes, *alpha, &lambdas)?
            } else {
                Vec::new()
            };
            curves.push(Curve {
                label: label.clone(),
                loss: *name,
                glyph: *glyph,
                points,
                limit,
            });
        }
        all.push(Classes { classes, curves });
    }
    Ok(all)
}

/// The small-decay law of label smoothing at both ends: straight on logarithmic axes.
fn law(classes: usize, alpha: f64, lambdas: &[f64]) -> Result<Vec<(f64, f64)>, TheoryError> {
    let ends = lambdas.first().into_iter().chain(lambdas.last());
    ends.map(|&lambda| {
        let setting = setting(ETA, C_MD, lambda, classes);
        Ok((
            lambda,
            limits::label_smoothing_classes(&setting, alpha, classes)?,
        ))
    })
    .collect()
}

pub(super) fn figure(all: &[Classes]) -> Figure {
    let heights = span(all.iter().flat_map(|one| &one.curves));
    let picture = |one: &Classes| {
        let x = Axis::log([1e-6, 1e-2], "weight decay λ");
        let y = Axis::log(heights, "rho").most(6);
        let frame = Frame::new(280.0, 260.0);
        let mut plot = Plot::new(frame, &format!("N = {}", one.classes), &x, &y);
        one.curves.iter().for_each(|curve| curve.draw(&mut plot, 1));
        let ends = list(&one.curves, |curve| Some(curve.ends()?[0]));
        plot.picture(
            format!("Rho against weight decay, {} classes", one.classes),
            format!("At λ = 1e−6 rho is {ends}."),
        )
    };
    let at = |lambda: f64| {
        let part = |one: &Classes| {
            format!(
                "{} for N = {}",
                list(&one.curves, |curve| curve.near(lambda)),
                one.classes
            )
        };
        all.iter().map(part).collect::<Vec<_>>().join("; ")
    };
    let mut legend: Vec<Key> = all
        .first()
        .iter()
        .flat_map(|one| one.curves.iter().map(Curve::key))
        .collect();
    legend.push(Key::Limit("law of LS as λ → 0".to_owned()));
    Figure {
        name: "theory-classes".to_owned(),
        heading: "The model: more classes".to_owned(),
        caption: format!(
            "At λ = 1e−6, rho is {}. At λ = 1e−3 it is {}.",
            at(1e-6),
            at(1e-3)
        ),
        reading: format!(
            "This project’s extension of the model to N classes, solved among symmetric configurations with as many \
             features as classes; N = 2 is the model of the other figures. η = {ETA}, C_MD = {C_MD}; all panels share \
             their axes."
        ),
        legend,
        groups: vec![Group {
            title: None,
            columns: CLASSES.len(),
            pictures: all.iter().map(picture).collect(),
        }],
        side_by_side: false,
    }
}
