//! Rho against weight decay and against noise, for three losses.

use memdil_theory::{TheoryError, limits};

use super::curve::{Curve, span};
use super::model::{ALPHA, C_MD, ETA, decades, evenly, in_parallel, loss, rho, setting};
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Plot};
use crate::loss::Loss;
use crate::text::{number, setting as short};

/// The decay of the curves over noise.
const LAMBDA: f64 = 1e-4;
/// Steps a decade; decades carry the marks.
const STEPS: usize = 4;

/// The losses over noise; the first three are drawn against decay as well.
const LOSSES: [(Loss, f64, Glyph); 5] = [
    (Loss::CrossEntropy, 0.0, Glyph::Circle),
    (Loss::LabelSmoothing, ALPHA, Glyph::Square),
    (Loss::LabelRelaxation, ALPHA, Glyph::Triangle),
    (Loss::LabelSmoothing, 0.5 * ALPHA, Glyph::Diamond),
    (Loss::LabelSmoothing, 2.0 * ALPHA, Glyph::Plus),
];

#[derive(Clone, Debug)]
pub(super) struct Curves {
    by_decay: Vec<Curve>,
    by_noise: Vec<Curve>,
    /// (decay, rho) of cross-entropy far below any decay in use.
    pub(super) vanishing: Vec<(f64, f64)>,
}

impl Curves {
    pub(super) fn solve() -> Result<Self, TheoryError> {
        let lambdas = decades(-10, -2, STEPS);
        let etas = evenly(0.01, 0.45, 23);
        let by_decay = LOSSES[..3].iter().map(|&(loss, alpha, glyph)| {
            let points = along(loss, alpha, &lambdas, |lambda| [ETA, lambda])?;
            let limit = limit(loss, alpha, &lambdas)?;
            Ok(Curve {
                label: label(loss, alpha),
                loss,
                glyph,
                points,
                limit,
            })
        });
        let by_noise = LOSSES.iter().map(|&(loss, alpha, glyph)| {
            let points = along(loss, alpha, &etas, |eta| [eta, LAMBDA])?;
            Ok(Curve {
                label: label(loss, alpha),
                loss,
                glyph,
                points,
                limit: Vec::new(),
            })
        });
        Ok(Self {
            by_decay: by_decay.collect::<Result<_, TheoryError>>()?,
            by_noise: by_noise.collect::<Result<_, TheoryError>>()?,
            vanishing: along(
                Loss::CrossEntropy,
                0.0,
                &[1e-8, 1e-10, 1e-12, 1e-14, 1e-16, 1e-18, 1e-20],
                |lambda| [ETA, lambda],
            )?,
        })
    }

    /// (decay, rho) of label smoothing.
    pub(super) fn smoothing_by_decay(&self) -> Vec<(f64, f64)> {
        self.by_decay
            .iter()
            .find(|curve| curve.loss == Loss::LabelSmoothing)
            .map_or_else(Vec::new, |curve| curve.points.clone())
    }

    pub(super) fn by_decay_figure(&self) -> Figure {
        let mut plot = Plot::new(
            Frame::new(560.0, 360.0),
            &format!("η = {ETA}, C_MD = {C_MD}"),
            &Axis::log([1e-10, 1e-2], "weight decay λ").most(10),
            &Axis::log(span(&self.by_decay), "rho").most(6),
        );
        self.by_decay
            .iter()
            .for_each(|curve| curve.draw(&mut plot, STEPS));
        let mut legend: Vec<Key> = self.by_decay.iter().map(Curve::key).collect();
        legend.push(Key::Limit("limit as λ → 0".to_owned()));
        let at = |last: bool| {
            list(&self.by_decay, |curve| {
                curve.ends().map(|ends| ends[usize::from(last)])
            })
        };
        let limits = list(&self.by_decay, |curve| {
            curve.limit.first().map(|point| point.1)
        });
        Figure {
            name: "theory-decay".to_owned(),
            heading: "The model: dilation against weight decay".to_owned(),
            caption: format!(
                "With λ falling from 0.01 to 1e−10, rho goes from {} to {}. The limits as λ → 0 predict {} at λ = 1e−10; \
                 CE approaches its constant, 1 − 1/√2, only like 1/log(1/λ).",
                at(true),
                at(false),
                limits
            ),
            reading: format!(
                "Both axes are logarithmic; η = {ETA}, C_MD = {C_MD}. Dotted: the constant of CE, the constant of LR, \
                 and the law of LS, in which rho falls like the fourth root of λ."
            ),
            legend,
            groups: vec![single(
                plot,
                "Rho against weight decay under three losses",
                &format!("At λ = 1e−10 rho is {}.", at(false)),
            )],
            side_by_side: false,
        }
    }

    pub(super) fn by_noise_figure(&self) -> Figure {
        let mut plot = Plot::new(
            Frame::new(560.0, 340.0),
            &format!("λ = {}, C_MD = {C_MD}", short(LAMBDA)),
            &Axis::exact([0.0, 0.46], "noise level η (noisy / clean)").most(10),
            &Axis::linear([0.0, span(&self.by_noise)[1]], "rho").most(6),
        );
        self.by_noise
            .iter()
            .for_each(|curve| curve.draw(&mut plot, 2));
        let at = |last: bool| {
            list(&self.by_noise, |curve| {
                curve.ends().map(|ends| ends[usize::from(last)])
            })
        };
        Figure {
            name: "theory-noise".to_owned(),
            heading: "The model: dilation against noise".to_owned(),
            caption: format!(
                "At η = 0.01 rho is {}. At η = 0.45 it is {}.",
                at(false),
                at(true)
            ),
            reading: format!(
                "λ = {}, C_MD = {C_MD}. The number after LS and LR is their α.",
                short(LAMBDA)
            ),
            legend: self.by_noise.iter().map(Curve::key).collect(),
            groups: vec![single(
                plot,
                "Rho against noise under three losses",
                &format!("At η = 0.45 rho is {}.", at(true)),
            )],
            side_by_side: false,
        }
    }
}

fn label(loss: Loss, alpha: f64) -> String {
    if loss == Loss::CrossEntropy {
        loss.to_string()
    } else {
        format!("{loss} {alpha}")
    }
}

/// `CE 0.301, LS 0.1 0.0170`.
pub(super) fn list<'a>(
    curves: impl IntoIterator<Item = &'a Curve>,
    value: impl Fn(&Curve) -> Option<f64>,
) -> String {
    let part = |curve: &Curve| {
        value(curve).map(|v| {
            format!(
                "{} {}",
                curve.label.replacen(' ', "(", 1) + close(curve),
                number(v)
            )
        })
    };
    curves
        .into_iter()
        .filter_map(part)
        .collect::<Vec<_>>()
        .join(", ")
}

fn close(curve: &Curve) -> &'static str {
    if curve.label.contains(' ') { ")" } else { "" }
}

fn along(
    name: Loss,
    alpha: f64,
    values: &[f64],
    place: impl Fn(f64) -> [f64; 2] + Sync,
) -> Result<Vec<(f64, f64)>, TheoryError> {
    let Some(loss) = loss(name, alpha)? else {
        return Ok(Vec::new());
    };
    let solved = in_parallel(values, |&value| {
        let [eta, lambda] = place(value);
        Ok(rho(&setting(eta, C_MD, lambda, 2), &loss, 2)?.map(|rho| (value, rho)))
    })?;
    Ok(solved.into_iter().flatten().collect())
}

/// The law or constant that the curve tends to, at its ends: both are straight on logarithmic axes.
fn limit(name: Loss, alpha: f64, lambdas: &[f64]) -> Result<Vec<(f64, f64)>, TheoryError> {
    let ends = lambdas.first().into_iter().chain(lambdas.last());
    ends.map(|&lambda| {
        let setting = setting(ETA, C_MD, lambda, 2);
        let rho = match name {
            Loss::LabelSmoothing => limits::label_smoothing(&setting, alpha)?,
            Loss::LabelRelaxation => limits::label_relaxation(&setting, alpha)?.rho,
            _ => limits::CROSS_ENTROPY,
        };
        Ok((lambda, rho))
    })
    .collect()
}

fn single(plot: Plot, title: &str, desc: &str) -> Group {
    Group {
        title: None,
        columns: 1,
        pictures: vec![plot.picture(title.to_owned(), desc.to_owned())],
    }
}
