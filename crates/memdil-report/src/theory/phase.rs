//! Label smoothing against cross-entropy over the two numbers that decide.

use memdil_theory::phase::{InvariantMap, invariant_map};
use memdil_theory::{LossKind, MarginLoss, TheoryError};

use super::contour::zero_line;
use super::model::{ALPHA, decades, setting};
use crate::chart::{Figure, Frame, Group, Key, Picture, Scale};
use crate::text::{escape, number, setting as short};

/// The noise levels of the maps drawn.
const DRAWN: [f64; 2] = [0.1, 0.4];
/// Steps per decade of the maps, from 1e-7 to 10 both ways.
const STEPS: usize = 7;
/// Coarser grids for the claim alone: eta and alpha.
const CHECKED: ([f64; 5], [f64; 4]) = ([0.01, 0.1, 0.2, 0.3, 0.45], [0.02, 0.05, 0.2, 0.3]);
/// Values of C_MD that test the invariance.
const CONSTANTS: [f64; 4] = [0.01, 0.1, 0.5, 5.0];

/// Ratios between which cells have the same colour: class and opacity.
const BINS: [(f64, &str, f64); 12] = [
    (0.1, "ls", 1.0),
    (0.2, "ls", 0.86),
    (0.3, "ls", 0.72),
    (0.45, "ls", 0.58),
    (0.6, "ls", 0.45),
    (0.75, "ls", 0.33),
    (0.9, "ls", 0.22),
    (1.0, "ls", 0.12),
    (1.05, "ce", 0.3),
    (1.2, "ce", 0.55),
    (1.5, "ce", 0.78),
    (f64::INFINITY, "ce", 1.0),
];
/// Colour of the cells without a ratio.
const COLLAPSED: (&str, f64) = ("other", 0.75);

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
    /// The setting in words.
    pub(crate) fn place(&self) -> String {
        format!(
            "λ_W/C_MD² = {}, λ_H·C_MD² = {}, α = {}, η = {}",
            short(self.classifier),
            short(self.features),
            self.alpha,
            short(self.eta)
        )
    }
}

#[derive(Clone, Debug)]
pub(super) struct Phase {
    maps: Vec<InvariantMap>,
    /// Every point where both losses have a rho.
    pub(super) grid: Vec<GridPoint>,
    /// The largest relative difference of a ratio at the same two numbers and another C_MD.
    pub(super) deviation: Option<f64>,
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

    pub(super) fn figure(&self) -> Figure {
        let all = || self.maps.iter().flat_map(|map| points(map, ALPHA));
        let mut counts = Vec::new();
        for map in &self.maps {
            let ratios: Vec<f64> = points(map, ALPHA).map(|point| point.ratio).collect();
            let below = ratios.iter().filter(|ratio| **ratio < 1.0).count();
            counts.push(format!(
                "{below} of {} settings with η = {}",
                ratios.len(),
                map.eta
            ));
        }
        let highest = all().max_by(|a, b| a.ratio.total_cmp(&b.ratio));
        let reversed = all()
            .filter(|point| point.ratio >= 1.0)
            .min_by(|a, b| a.classifier.total_cmp(&b.classifier));
        let reversal = match (reversed, highest) {
            (Some(first), Some(highest)) => format!(
                "The smallest λ_W/C_MD² at which it does not is {} (η = {}); the largest ratio is {} at λ_W/C_MD² = {}, \
                 η = {}.",
                short(first.classifier),
                short(first.eta),
                number(highest.ratio),
                short(highest.classifier),
                short(highest.eta)
            ),
            (_, Some(highest)) => {
                format!(
                    "The largest ratio is {}: it never reverses.",
                    number(highest.ratio)
                )
            }
            _ => "Everything collapses.".to_owned(),
        };
        let side = decades(-7, 1, STEPS).len();
        Figure {
            name: "theory-phase".to_owned(),
            heading: "The model: where smoothing dilates less".to_owned(),
            caption: format!(
                "LS dilates less than CE in {}. {reversal}",
                counts.join(" and in ")
            ),
            reading: format!(
                "Colour: rho under LS ({ALPHA}) over rho under CE, {} settings per map; the stronger, the further from 1. \
                 The model does not change when C_MD, λ_W and λ_H become s·C_MD, s²·λ_W and λ_H/s²: the two numbers on \
                 the axes decide. Grey: penalties so strong that features and weights of one loss or both are zero, so \
                 that there is no ratio.",
                side * side
            ),
            legend: vec![
                Key::Colour("ls", None, "LS dilates less".to_owned()),
                Key::Colour("ce", None, "CE dilates less".to_owned()),
                Key::Colour("other", None, "collapsed to zero".to_owned()),
                Key::Line("ratio 1".to_owned()),
            ],
            groups: vec![Group {
                title: None,
                columns: self.maps.len(),
                pictures: self.maps.iter().map(picture).collect(),
            }],
            side_by_side: false,
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

/// The ratios of a few settings for every C_MD against those of the first.
fn deviation() -> Result<Option<f64>, TheoryError> {
    let places = decades(-5, -1, 1);
    let mut ratios = Vec::new();
    for c_md in CONSTANTS {
        ratios.push(map(0.2, ALPHA, c_md, &places, &places)?.ratio.concat());
    }
    let difference = |(a, b): (&Option<f64>, &Option<f64>)| Some(((*a)? / (*b)? - 1.0).abs());
    let all = ratios[1..]
        .iter()
        .flat_map(|other| other.iter().zip(&ratios[0]).filter_map(difference));
    Ok(all.reduce(f64::max))
}

/// The cells that have a ratio.
fn points(map: &InvariantMap, alpha: f64) -> impl Iterator<Item = GridPoint> + '_ {
    let of_row = move |(features, ratios): (&f64, &Vec<Option<f64>>)| {
        let point = |(classifier, ratio): (&f64, &Option<f64>)| {
            Some(GridPoint {
                alpha,
                eta: map.eta,
                classifier: *classifier,
                features: *features,
                ratio: (*ratio)?,
            })
        };
        map.classifier
            .iter()
            .zip(ratios)
            .filter_map(point)
            .collect::<Vec<_>>()
    };
    map.features.iter().zip(&map.ratio).flat_map(of_row)
}

/// The colour of a cell, as an index into [`BINS`]; `None` is grey.
fn bin(ratio: Option<f64>) -> Option<usize> {
    let ratio = ratio?;
    Some(
        BINS.iter()
            .position(|(below, ..)| ratio < *below)
            .unwrap_or(BINS.len() - 1),
    )
}

fn picture(map: &InvariantMap) -> Picture {
    const BAR: f64 = 62.0;
    let (width, height) = (480.0, 350.0);
    let frame = Frame::new(width - BAR, height).wider();
    let [left, right] = frame.x_range();
    let [bottom, top] = frame.y_range();
    // Cells reach half a step beyond the outer settings.
    let (rows, columns) = (map.features.len(), map.classifier.len());
    let (cell_width, cell_height) = (
        (right - left) / columns as f64,
        (top - bottom) / rows as f64,
    );
    let centre = |column: f64, row: f64| {
        (
            left + cell_width * (column + 0.5),
            bottom + cell_height * (row + 0.5),
        )
    };
    let (x0, y0) = centre(0.0, 0.0);
    let (x1, y1) = centre(columns as f64 - 1.0, rows as f64 - 1.0);
    let x = Scale::log_exact([map.classifier[0], map.classifier[columns - 1]], [x0, x1]);
    let y = Scale::log_exact([map.features[0], map.features[rows - 1]], [y0, y1]);
    let mut body = frame.axes(
        &format!("η = {}", map.eta),
        (&x, &x.ticks(10), "λ_W / C_MD²"),
        (&y, &y.ticks(10), "λ_H · C_MD²"),
    );
    body += &format!(
        r#"<path style="fill:var(--paper)" d="M{left} {top}H{right}V{bottom}H{left}Z"/>{}"#,
        cells(map, |column, row| (
            left + cell_width * column as f64,
            bottom + cell_height * row as f64
        ))
    );
    let line = zero_line(rows, columns, |row, column| {
        map.ratio[row][column].map(f64::ln)
    });
    let mut d = String::new();
    for [a, b, c, e] in line {
        let ((xa, ya), (xb, yb)) = (centre(a, b), centre(c, e));
        d += &format!("M{xa:.1} {ya:.1}L{xb:.1} {yb:.1}");
    }
    body += &format!(
        r#"<path class="contour" d="{d}"/><path class="axis" d="M{left} {top}V{bottom}H{right}"/>"#
    );
    body += &bar(right + 16.0, [bottom, top]);
    let ratios: Vec<f64> = map.ratio.iter().flatten().copied().flatten().collect();
    let ends = ratios.iter().fold([f64::INFINITY, 0.0], |[l, h], r| {
        [f64::min(l, *r), f64::max(h, *r)]
    });
    Picture {
        width,
        height,
        title: format!(
            "Rho under LS over rho under CE by the penalties, η = {}",
            map.eta
        ),
        desc: if ratios.is_empty() {
            "Everything collapses.".to_owned()
        } else {
            format!("Ratios from {} to {}.", number(ends[0]), number(ends[1]))
        },
        body,
    }
}

/// One path per colour; neighbours in a row are one rectangle.
fn cells(map: &InvariantMap, corner: impl Fn(usize, usize) -> (f64, f64)) -> String {
    let mut paths = vec![String::new(); BINS.len() + 1];
    for (row, ratios) in map.ratio.iter().enumerate() {
        let mut column = 0;
        for run in ratios.chunk_by(|a, b| bin(*a) == bin(*b)) {
            let ((x0, y0), (x1, y1)) = (corner(column, row), corner(column + run.len(), row + 1));
            paths[bin(run[0]).unwrap_or(BINS.len())] +=
                &format!("M{x0:.1} {y0:.1}H{x1:.1}V{y1:.1}H{x0:.1}Z");
            column += run.len();
        }
    }
    let style = |index: usize| {
        BINS.get(index)
            .map_or(COLLAPSED, |(_, class, opacity)| (*class, *opacity))
    };
    let tag = |(index, d): (usize, &String)| {
        let (class, opacity) = style(index);
        format!(
            r#"<path class="f {class}" fill-opacity="{opacity}" shape-rendering="crispEdges" d="{d}"/>"#
        )
    };
    paths
        .iter()
        .enumerate()
        .filter(|(_, d)| !d.is_empty())
        .map(tag)
        .collect()
}

/// The colours with the ratios between them.
fn bar(x: f64, [bottom, top]: [f64; 2]) -> String {
    let step = (top - bottom) / BINS.len() as f64;
    let mut svg = format!(r#"<text class="tick" x="{x:.1}" y="14">ratio</text>"#);
    for (index, (below, class, opacity)) in BINS.iter().enumerate() {
        let (from, to) = (
            bottom + step * index as f64,
            bottom + step * (index + 1) as f64,
        );
        svg += &format!(
            r#"<path class="f {class}" fill-opacity="{opacity}" d="M{x:.1} {from:.1}h12V{to:.1}h-12Z"/>"#
        );
        if below.is_finite() {
            let label = escape(&below.to_string());
            svg += &format!(
                r#"<text class="tick" x="{:.1}" y="{:.1}">{label}</text>"#,
                x + 17.0,
                to + 4.0
            );
        }
        if (*below - 1.0).abs() < 1e-9 {
            svg += &format!(r#"<path class="contour" d="M{:.1} {to:.1}h16"/>"#, x - 2.0);
        }
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use memdil_theory::memorization_dilation::solve;

    #[test]
    fn cells_are_what_the_solver_says_and_collapsed_ones_grey() {
        // The decays that C_MD = 0.1 had in an equal setting: collapse lies beyond 30 in the first.
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
        // The counterexample to "wherever lambda is at most 1e-3": C_MD 0.01, lambda 4e-5.
        assert!(map.ratio[0][1].unwrap() > 1.0);
        assert!(map.ratio[0][0].unwrap() < 1.0);
        assert_eq!(
            points(&map, ALPHA).count(),
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
