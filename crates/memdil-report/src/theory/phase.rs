//! Compares label smoothing with cross-entropy over the two numbers that determine their ratio.

use memdil_theory::phase::{InvariantMap, invariant_map};
use memdil_theory::{LossKind, MarginLoss, TheoryError};

use super::map::picture;
use super::model::{ALPHA, decades, setting};
use crate::chart::{Figure, Group, Key, Symbol};
use crate::text::{number, setting as short};

/// The noise levels of the drawn maps.
const DRAWN: [f64; 2] = [0.1, 0.4];
/// Steps per decade of the drawn maps, from 1e-7 to 10 on both axes.
const STEPS: usize = 7;
/// Values of eta and alpha for which the claim is checked on coarser grids, which are not drawn.
const CHECKED: ([f64; 5], [f64; 4]) = ([0.01, 0.1, 0.2, 0.3, 0.45], [0.02, 0.05, 0.2, 0.3]);
/// Values of C_MD for which the invariance is checked.
const CONSTANTS: [f64; 4] = [0.01, 0.1, 0.5, 5.0];

/// One setting at which both losses were solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GridPoint {
    pub(crate) alpha: f64,
    pub(crate) eta: f64,
    /// $\lambda_W / C_{MD}^2$.
    pub(crate) classifier: f64,
    /// $\lambda_H C_{MD}^2$.
    pub(crate) features: f64,
    /// Rho under label smoothing over rho under cross-entropy.
    pub(crate) ratio: f64,
}

impl GridPoint {
    /// The setting as text.
    pub(crate) fn describe(&self) -> String {
        let (alpha, eta) = (self.alpha, short(self.eta));
        let (classifier, features) = (short(self.classifier), short(self.features));
        format!("λ_W/C_MD² = {classifier}, λ_H·C_MD² = {features}, α = {alpha}, η = {eta}")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Phase {
    maps: Vec<InvariantMap>,
    /// All points at which both losses have a rho.
    pub(crate) grid: Vec<GridPoint>,
    /// The largest relative change of a ratio when C_MD varies and the two numbers are fixed.
    pub(crate) deviation: Option<f64>,
}

impl Phase {
    pub(super) fn solve() -> Result<Self, TheoryError> {
        let places = decades(-7, 1, STEPS);
        let (mut maps, mut grid) = (Vec::new(), Vec::new());
        for eta in DRAWN {
            let drawn = map(eta, ALPHA, 1.0, &places, &places)?;
            grid.extend(points(&drawn, ALPHA));
            maps.push(drawn);
        }
        let places = decades(-7, -1, 1);
        for eta in CHECKED.0 {
            for alpha in CHECKED.1 {
                grid.extend(points(&map(eta, alpha, 1.0, &places, &places)?, alpha));
            }
        }
        Ok(Self {
            maps,
            grid,
            deviation: deviation()?,
        })
    }

    pub(crate) fn figure(&self) -> Figure {
        let mut counts = Vec::new();
        for map in &self.maps {
            let (points, eta) = (points(map, ALPHA), map.eta);
            let below = points.iter().filter(|point| point.ratio < 1.0).count();
            counts.push(format!(
                "{below} of {} settings with η = {eta}",
                points.len()
            ));
        }
        let side = decades(-7, 1, STEPS).len();
        Figure {
            caption: format!(
                "LS dilates less than CE in {}. {}",
                counts.join(" and in "),
                self.reversal()
            ),
            reading: format!(
                "Colour: ratio of rho under LS ({ALPHA}) to rho under CE, {} settings per map; stronger colours are further \
                 from 1. The model is invariant when C_MD, λ_W and λ_H become s·C_MD, s²·λ_W and λ_H/s², so the ratio \
                 depends only on the two numbers on the axes. Grey: the penalties are so strong that the features and weights \
                 of one or both losses are zero, and the ratio is undefined.",
                side * side
            ),
            legend: vec![
                Key::new(Symbol::Colour("ls"), "LS dilates less"),
                Key::new(Symbol::Colour("ce"), "CE dilates less"),
                Key::new(Symbol::Colour("other"), "collapsed to zero"),
                Key::new(Symbol::Line, "ratio 1"),
            ],
            groups: vec![Group::untitled(
                self.maps.len(),
                self.maps.iter().map(picture).collect(),
            )],
            ..Figure::new(
                "theory-phase",
                "The model: settings with less dilation under smoothing",
            )
        }
    }

    /// Describes the settings on the drawn maps at which cross-entropy dilates less.
    fn reversal(&self) -> String {
        let all = || self.maps.iter().flat_map(|map| points(map, ALPHA));
        let Some(highest) = all().max_by(|a, b| a.ratio.total_cmp(&b.ratio)) else {
            return "All settings collapse.".to_owned();
        };
        let ratio = number(highest.ratio);
        let reversed = all().filter(|point| point.ratio >= 1.0);
        match reversed.min_by(|a, b| a.classifier.total_cmp(&b.classifier)) {
            None => format!("The largest ratio is {ratio}, below 1."),
            Some(first) => format!(
                "The smallest λ_W/C_MD² at which it does not is {} (η = {}); the largest ratio is {ratio}, at \
                 λ_W/C_MD² = {}, η = {}.",
                short(first.classifier),
                short(first.eta),
                short(highest.classifier),
                short(highest.eta)
            ),
        }
    }
}

fn map(
    eta: f64,
    alpha: f64,
    c_md: f64,
    classifier: &[f64],
    features: &[f64],
) -> Result<InvariantMap, TheoryError> {
    let smoothing = MarginLoss::new(LossKind::Ls, alpha)?;
    let base = setting(eta, c_md, 1.0, 2);
    invariant_map(&base, &smoothing, classifier, features)
}

/// The largest relative difference between the ratios for the first C_MD and those for the others.
fn deviation() -> Result<Option<f64>, TheoryError> {
    let places = decades(-5, -1, 1);
    let mut ratios = Vec::new();
    for c_md in CONSTANTS {
        ratios.push(map(0.2, ALPHA, c_md, &places, &places)?.ratio.concat());
    }
    let others = ratios[1..].iter();
    let pairs = others.flat_map(|other| other.iter().zip(&ratios[0]));
    let both = pairs.filter_map(|(other, first)| other.zip(*first));
    let differences = both.map(|(other, first)| (other / first - 1.0).abs());
    Ok(differences.reduce(f64::max))
}

/// The cells that have a ratio.
fn points(map: &InvariantMap, alpha: f64) -> Vec<GridPoint> {
    let mut points = Vec::new();
    for (&features, ratios) in map.features.iter().zip(&map.ratio) {
        for (&classifier, ratio) in map.classifier.iter().zip(ratios) {
            if let Some(ratio) = *ratio {
                points.push(GridPoint {
                    alpha,
                    eta: map.eta,
                    classifier,
                    features,
                    ratio,
                });
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::super::map::{BINS, bin};
    use super::*;
    use memdil_theory::memorization_dilation::solve;

    #[test]
    fn cells_match_the_solver_and_collapsed_ones_are_grey() {
        // Features collapse if the first penalty is above about 30.
        let (classifier, features) = ([1e-2, 0.4, 200.0], [4e-9, 1e-3]);
        let smoothing = MarginLoss::new(LossKind::Ls, ALPHA).unwrap();
        let map = map(0.4, ALPHA, 0.1, &classifier, &features).unwrap();
        for (row, y) in features.iter().enumerate() {
            for (column, x) in classifier.iter().enumerate() {
                let setting = setting(0.4, 0.1, 1.0, 2).weight_decay(x * 0.01, y / 0.01);
                let ce = solve(&setting, &MarginLoss::cross_entropy()).unwrap().rho();
                let ls = solve(&setting, &smoothing).unwrap().rho();
                let expected = ce.zip(ls).map(|(ce, ls)| ls / ce);
                match (expected, map.ratio[row][column]) {
                    (Some(expected), Some(ratio)) => {
                        assert!((expected / ratio - 1.0).abs() < 1e-6);
                        let index = bin(Some(ratio)).unwrap();
                        assert_eq!(BINS[index].1, if ratio < 1.0 { "ls" } else { "ce" });
                    }
                    (expected, ratio) => assert_eq!(expected, ratio),
                }
            }
        }
        // A counterexample to "LS dilates less wherever lambda is at most 1e-3": C_MD 0.01,
        // lambda 4e-5.
        assert!(map.ratio[0][1].unwrap() > 1.0);
        assert!(map.ratio[0][0].unwrap() < 1.0);
        assert_eq!(
            points(&map, ALPHA).len(),
            map.ratio.iter().flatten().flatten().count()
        );
        let svg = picture(&map).body;
        let grey = svg.contains("f other");
        assert_eq!(grey, map.ratio.iter().flatten().any(Option::is_none));
    }

    #[test]
    fn colours_follow_the_ratio() {
        assert!(BINS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(bin(Some(0.05)), Some(0));
        assert_eq!(bin(Some(1.0)).map(|index| BINS[index].1), Some("ce"));
        assert_eq!(bin(Some(0.999)).map(|index| BINS[index].1), Some("ls"));
        assert_eq!(bin(Some(7.0)), Some(BINS.len() - 1));
        assert_eq!(bin(None), None);
    }
}
