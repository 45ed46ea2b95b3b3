//! The model with unseen features that jump.

use memdil_theory::phase::{InvariantMap, invariant_map};
use memdil_theory::{FeatureMeasure, LossKind, MarginLoss, MdSetting, TheoryError, limits};

use super::curve::{Curve, list, span};
use super::curves::LOSSES;
use super::map;
use super::model::{ALPHA, C_MD, ETA, decades, margin_loss, setting};
use crate::chart::{Axis, Figure, Frame, Group, Key, Plot, Symbol};
use crate::text::number;

/// The solved model with jumps.
#[derive(Clone, Debug)]
pub(super) struct Jumps {
    curves: Vec<Curve>,
    map: InvariantMap,
}

fn jumping(eta: f64, lambda: f64) -> MdSetting {
    setting(eta, C_MD, lambda, 2).measure(FeatureMeasure::Jumps)
}

impl Jumps {
    pub(super) fn solve() -> Result<Self, TheoryError> {
        let lambdas = decades(-8, -1, 4);
        let mut curves = Vec::new();
        for shown in &LOSSES[..3] {
            let curve = Curve::solve_at(*shown, 2, &lambdas, |lambda| jumping(ETA, lambda))?;
            let mut limit = Vec::new();
            if let Some(loss) = margin_loss(shown.0, shown.1)? {
                for &lambda in lambdas.iter().filter(|lambda| **lambda < 2e-5) {
                    let law = limits::jumps(&jumping(ETA, lambda), &loss)?;
                    limit.push((lambda, law.dilation.rho));
                }
            }
            curves.push(Curve { limit, ..curve });
        }
        let places = decades(-7, 1, 4);
        let smoothing = MarginLoss::new(LossKind::Ls, ALPHA)?;
        let map = invariant_map(&jumping(ETA, 1.0), &smoothing, &places, &places)?;
        Ok(Self { curves, map })
    }

    pub(super) fn figure(&self) -> Figure {
        let mut plot = Plot::new(
            Frame::new(400.0, 330.0),
            &format!("η = {ETA}, C_MD = {C_MD}"),
            &Axis::log([1e-8, 1e-1], "weight decay λ").max_ticks(8),
            &Axis::log(span(&self.curves), "rho").max_ticks(6),
        );
        for curve in &self.curves {
            curve.draw(&mut plot, 4);
        }
        let first = list(&self.curves, |curve| Some(curve.ends()?[0]));
        let picture = plot.picture(
            "Rho against weight decay if unseen features jump".to_owned(),
            format!("At λ = 1e−8, rho is {first}."),
        );
        let ratios: Vec<f64> = self.map.ratio.iter().flatten().flatten().copied().collect();
        let below = ratios.iter().filter(|ratio| **ratio < 1.0).count();
        let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let mut legend: Vec<Key> = self.curves.iter().map(Curve::key).collect();
        legend.push(Key::new(Symbol::Limit, "law for small λ"));
        legend.push(Key::new(Symbol::Colour("ls"), "LS dilates less"));
        legend.push(Key::new(Symbol::Colour("ce"), "CE dilates less"));
        legend.push(Key::new(Symbol::Colour("other"), "collapsed to zero"));
        Figure {
            caption: format!(
                "LS dilates less than CE in {below} of {} settings with η = {ETA}; the smallest ratio is {}. At λ = 1e−8, rho \
                 is {first}.",
                ratios.len(),
                number(smallest)
            ),
            reading: format!(
                "This project’s variant of the model: a map of bounded slope that moves noisy samples also displaces \
                 samples near them. Left: rho falls like the sixth root of λ, under CE up to a logarithmic factor. Right: rho under LS ({ALPHA}) over rho \
                 under CE; the axes are those of the other map."
            ),
            legend,
            groups: vec![Group::untitled(2, vec![picture, map::picture(&self.map)])],
            ..Figure::new("theory-jumps", "The model with jumps")
        }
    }
}
