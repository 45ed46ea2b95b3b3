//! The model with more than two classes.

use memdil_theory::{TheoryError, limits};
use rayon::prelude::*;

use super::curve::{Curve, Shown, at_ends, list, span};
use super::curves::LOSSES;
use super::model::{ALPHA, C_MD, ETA, decades, setting};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, Symbol};
use crate::loss::Loss;

const CLASSES: [usize; 4] = [2, 3, 5, 10];

/// The curves of CE and LS for a number of classes.
#[derive(Clone, Debug)]
pub(super) struct ClassCurves {
    classes: usize,
    curves: Vec<Curve>,
}

pub(super) fn solve() -> Result<Vec<ClassCurves>, TheoryError> {
    let solve = |classes| {
        let curves = LOSSES[..2].par_iter().map(|shown| curve(*shown, classes));
        let curves = curves.collect::<Result<_, _>>()?;
        Ok(ClassCurves { classes, curves })
    };
    CLASSES.into_par_iter().map(solve).collect()
}

/// Rho against decay; for label smoothing with its law for small decays.
fn curve(shown: Shown, classes: usize) -> Result<Curve, TheoryError> {
    let lambdas = decades(-6, -2, 1);
    let curve = Curve::solve(shown, classes, &lambdas, |lambda| [ETA, lambda])?;
    if curve.loss == Loss::CrossEntropy {
        return Ok(curve);
    }
    let law = |lambda| {
        let setting = setting(ETA, C_MD, lambda, classes);
        limits::label_smoothing_classes(&setting, ALPHA, classes)
    };
    let limit = at_ends(&lambdas, law)?;
    Ok(Curve { limit, ..curve })
}

pub(super) fn figure(all: &[ClassCurves]) -> Figure {
    let heights = span(all.iter().flat_map(|one| &one.curves));
    let pictures = all.iter().map(|one| picture(one, heights)).collect();
    let curves = all.first().into_iter().flat_map(|one| &one.curves);
    let mut legend: Vec<Key> = curves.map(Curve::key).collect();
    legend.push(Key::new(Symbol::Limit, "law of LS as λ → 0"));
    let (low, high) = (rhos_at(all, 1e-6), rhos_at(all, 1e-3));
    Figure {
        caption: format!("At λ = 1e−6, rho is {low}. At λ = 1e−3, it is {high}."),
        reading: format!(
            "This project’s extension of the model to N classes, restricted to symmetric configurations with N features; \
             N = 2 is the model of the other figures. η = {ETA}, C_MD = {C_MD}; all panels share their axes."
        ),
        legend,
        groups: vec![Group::untitled(CLASSES.len(), pictures)],
        ..Figure::new("theory-classes", "The model with more than two classes")
    }
}

fn picture(one: &ClassCurves, heights: [f64; 2]) -> Picture {
    let x = Axis::log([1e-6, 1e-2], "weight decay λ");
    let y = Axis::log(heights, "rho").max_ticks(6);
    let frame = Frame::new(280.0, 260.0);
    let mut plot = Plot::new(frame, &format!("N = {}", one.classes), &x, &y);
    for curve in &one.curves {
        curve.draw(&mut plot, 1);
    }
    let ends = list(&one.curves, |curve| Some(curve.ends()?[0]));
    plot.picture(
        format!("Rho against weight decay, {} classes", one.classes),
        format!("At λ = 1e−6, rho is {ends}."),
    )
}

/// Rho at a decay for each number of classes.
fn rhos_at(all: &[ClassCurves], lambda: f64) -> String {
    let mut parts = Vec::new();
    for one in all {
        let rhos = list(&one.curves, |curve| curve.near(lambda));
        parts.push(format!("{rhos} for N = {}", one.classes));
    }
    parts.join("; ")
}
