//! Rho against weight decay and against noise, for three losses.

use memdil_theory::{TheoryError, limits};

use super::curve::{Curve, Shown, at_ends, list, span};
use super::model::{ALPHA, C_MD, ETA, decades, evenly, setting};
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Plot, Symbol};
use crate::loss::Loss;
use crate::text::setting as short;

/// The decay of the curves over noise.
const LAMBDA: f64 = 1e-4;
/// Points per decade; marks are drawn at powers of ten.
const STEPS: usize = 4;

/// The losses drawn against noise; the first three are also drawn against decay.
pub(super) const LOSSES: [Shown; 5] = [
    (Loss::CrossEntropy, 0.0, Glyph::Circle),
    (Loss::LabelSmoothing, ALPHA, Glyph::Square),
    (Loss::LabelRelaxation, ALPHA, Glyph::Triangle),
    (Loss::LabelSmoothing, 0.5 * ALPHA, Glyph::Diamond),
    (Loss::LabelSmoothing, 2.0 * ALPHA, Glyph::Plus),
];

#[derive(Clone, Debug)]
pub(crate) struct Curves {
    by_decay: Vec<Curve>,
    by_noise: Vec<Curve>,
    /// (decay, rho) of cross-entropy, at decays far below those in use.
    pub(crate) vanishing: Vec<(f64, f64)>,
}

impl Curves {
    pub(super) fn solve() -> Result<Self, TheoryError> {
        let lambdas = decades(-10, -2, STEPS);
        let etas = evenly(0.01, 0.45, 23);
        let (mut by_decay, mut by_noise) = (Vec::new(), Vec::new());
        for shown in LOSSES {
            by_noise.push(Curve::solve(shown, 2, &etas, |eta| [eta, LAMBDA])?);
        }
        for shown in &LOSSES[..3] {
            let curve = Curve::solve(*shown, 2, &lambdas, |lambda| [ETA, lambda])?;
            let limit = at_ends(&lambdas, |lambda| limit(*shown, lambda))?;
            by_decay.push(Curve { limit, ..curve });
        }
        let vanishing = [1e-8, 1e-10, 1e-12, 1e-14, 1e-16, 1e-18, 1e-20];
        let vanishing = Curve::solve(LOSSES[0], 2, &vanishing, |lambda| [ETA, lambda])?.points;
        Ok(Self {
            by_decay,
            by_noise,
            vanishing,
        })
    }

    /// (decay, rho) of label smoothing.
    pub(crate) fn smoothing_by_decay(&self) -> &[(f64, f64)] {
        let mut curves = self.by_decay.iter();
        let smoothing = curves.find(|curve| curve.loss == Loss::LabelSmoothing);
        smoothing.map_or(&[], |curve| &curve.points)
    }

    pub(crate) fn decay_figure(&self) -> Figure {
        let mut plot = Plot::new(
            Frame::new(560.0, 360.0),
            &format!("η = {ETA}, C_MD = {C_MD}"),
            &Axis::log([1e-10, 1e-2], "weight decay λ").max_ticks(10),
            &Axis::log(span(&self.by_decay), "rho").max_ticks(6),
        );
        for curve in &self.by_decay {
            curve.draw(&mut plot, STEPS);
        }
        let mut legend: Vec<Key> = self.by_decay.iter().map(Curve::key).collect();
        legend.push(Key::new(Symbol::Limit, "limit as λ → 0"));
        let [first, last] = ends(&self.by_decay);
        let limits = list(&self.by_decay, |curve| {
            curve.limit.first().map(|point| point.1)
        });
        let picture = plot.picture(
            "Rho against weight decay under three losses".to_owned(),
            format!("At λ = 1e−10, rho is {first}."),
        );
        Figure {
            caption: format!(
                "As λ decreases from 0.01 to 1e−10, rho changes from {last} to {first}. The limits as λ → 0 predict {limits} \
                 at λ = 1e−10; CE approaches its constant, 1 − 1/√2, only like 1/log(1/λ)."
            ),
            reading: format!(
                "Both axes are logarithmic; η = {ETA}, C_MD = {C_MD}. Dotted: the constant of CE, the constant of LR, \
                 and the law of LS, in which rho falls like the fourth root of λ."
            ),
            legend,
            groups: vec![Group::untitled(1, vec![picture])],
            ..Figure::new("theory-decay", "The model: dilation against weight decay")
        }
    }

    pub(crate) fn noise_figure(&self) -> Figure {
        let mut plot = Plot::new(
            Frame::new(560.0, 340.0),
            &format!("λ = {}, C_MD = {C_MD}", short(LAMBDA)),
            &Axis::exact([0.0, 0.46], "noise level η (noisy / clean)").max_ticks(10),
            &Axis::linear([0.0, span(&self.by_noise)[1]], "rho").max_ticks(6),
        );
        for curve in &self.by_noise {
            curve.draw(&mut plot, 2);
        }
        let [first, last] = ends(&self.by_noise);
        let picture = plot.picture(
            "Rho against noise under three losses".to_owned(),
            format!("At η = 0.45, rho is {last}."),
        );
        Figure {
            caption: format!("At η = 0.01, rho is {first}. At η = 0.45, it is {last}."),
            reading: format!(
                "λ = {}, C_MD = {C_MD}. The number after LS and LR is their α.",
                short(LAMBDA)
            ),
            legend: self.by_noise.iter().map(Curve::key).collect(),
            groups: vec![Group::untitled(1, vec![picture])],
            ..Figure::new("theory-noise", "The model: dilation against noise")
        }
    }
}

/// The first and the last rho of each curve.
fn ends(curves: &[Curve]) -> [String; 2] {
    [0, 1].map(|end| list(curves, |curve| Some(curve.ends()?[end])))
}

/// The law or constant that rho of a loss tends to.
fn limit((loss, alpha, _): Shown, lambda: f64) -> Result<f64, TheoryError> {
    let setting = setting(ETA, C_MD, lambda, 2);
    match loss {
        Loss::LabelSmoothing => limits::label_smoothing(&setting, alpha),
        Loss::LabelRelaxation => Ok(limits::label_relaxation(&setting, alpha)?.rho),
        _ => Ok(limits::CROSS_ENTROPY),
    }
}
