//! Label smoothing against cross-entropy over noise and weight decay.

use memdil_theory::phase::{PhaseMap, phase_map};
use memdil_theory::{LossKind, MarginLoss, TheoryError};

use super::contour::zero_line;
use super::model::{ALPHA, decades, evenly, in_parallel, rho, setting, threads};
use crate::chart::{Figure, Frame, Group, Key, Picture, Scale};
use crate::claims::exact::GridPoint;
use crate::text::{escape, number, setting as short};

/// Up to this decay the claim is made.
pub(super) const CLAIMED: f64 = 1e-3;
/// The maps drawn: where the order never reverses, and where it does.
const DRAWN: [f64; 2] = [0.5, 0.1];
const ROWS: usize = 60;
const STEPS: usize = 9;
/// Coarser grids that only the claim sees: C_MD and alpha.
const CHECKED: ([f64; 4], [f64; 4]) = ([0.1, 0.5, 1.0, 5.0], [0.02, 0.05, 0.2, 0.3]);

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

#[derive(Clone, Debug)]
pub(super) struct Phase {
    maps: Vec<(f64, PhaseMap)>,
    /// Every point with a decay of at most [`CLAIMED`].
    pub(super) grid: Vec<GridPoint>,
}

impl Phase {
    pub(super) fn solve() -> Result<Self, TheoryError> {
        let map = |c_md: f64, alpha: f64, etas: &[f64], lambdas: &[f64]| {
            let smoothing = MarginLoss::new(LossKind::Ls, alpha)?;
            // Rows differ in cost: more threads than cores, so that none is idle at the end.
            phase_map(
                &setting(0.1, c_md, CLAIMED, 2),
                &smoothing,
                etas,
                lambdas,
                4 * threads(),
            )
        };
        let (mut maps, mut grid) = (Vec::new(), Vec::new());
        for c_md in DRAWN {
            let drawn = map(
                c_md,
                ALPHA,
                &evenly(0.01, 0.45, ROWS),
                &decades(-7, 0, STEPS),
            )?;
            grid.extend(points(&drawn, c_md, ALPHA));
            maps.push((c_md, drawn));
        }
        grid.extend(coarse()?);
        Ok(Self { maps, grid })
    }

    pub(super) fn figure(&self) -> Figure {
        let all = || {
            self.maps
                .iter()
                .flat_map(|(c_md, map)| points_of(map).map(move |point| (*c_md, point)))
        };
        let mut counts = Vec::new();
        for (c_md, map) in &self.maps {
            let ratios: Vec<f64> = points_of(map).map(|(_, _, ratio)| ratio).collect();
            let below = ratios.iter().filter(|ratio| **ratio < 1.0).count();
            counts.push(format!(
                "{below} of {} settings with C_MD = {c_md}",
                ratios.len()
            ));
        }
        let highest = all().max_by(|a, b| a.1.2.total_cmp(&b.1.2));
        let reversed = all()
            .filter(|(_, (_, _, ratio))| *ratio >= 1.0)
            .min_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let reversal = match (reversed, highest) {
            (Some((c_md, (eta, lambda, _))), Some((high, (high_eta, high_lambda, ratio)))) => {
                format!(
                    "The smallest λ at which it does not is {} (η = {}, C_MD = {c_md}); the largest ratio is {} at λ = {}, \
                 η = {}, C_MD = {high}.",
                    short(lambda),
                    short(eta),
                    number(ratio),
                    short(high_lambda),
                    short(high_eta)
                )
            }
            (_, Some((_, (_, _, ratio)))) => {
                format!("The largest ratio is {}: it never reverses.", number(ratio))
            }
            _ => "Everything collapses.".to_owned(),
        };
        Figure {
            name: "theory-phase".to_owned(),
            heading: "The model: where smoothing dilates less".to_owned(),
            caption: format!(
                "LS dilates less than CE in {}. {reversal}",
                counts.join(" and in ")
            ),
            reading: format!(
                "Colour: rho under LS ({ALPHA}) over rho under CE, {} settings a map; the stronger, the further from \
                 1. Grey: weight decay so strong that features and weights of one loss or both are zero, so that there \
                 is no ratio. Abrupt borders on the right are where the best solution changes its kind: noisy features \
                 stay large while class features shrink.",
                ROWS * decades(-7, 0, STEPS).len()
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
                pictures: self
                    .maps
                    .iter()
                    .map(|(c_md, map)| picture(*c_md, map))
                    .collect(),
            }],
            side_by_side: false,
        }
    }
}

/// The points of the coarse grids; cross-entropy is solved once for all alpha.
fn coarse() -> Result<Vec<GridPoint>, TheoryError> {
    let (constants, alphas) = CHECKED;
    let losses = alphas
        .iter()
        .map(|&alpha| MarginLoss::new(LossKind::Ls, alpha))
        .collect::<Result<Vec<_>, TheoryError>>()?;
    let mut places = Vec::new();
    for c_md in constants {
        for eta in evenly(0.01, 0.45, 6) {
            places.extend(
                decades(-7, -3, 1)
                    .into_iter()
                    .map(|lambda| (c_md, eta, lambda)),
            );
        }
    }
    let solved = in_parallel(&places, |&(c_md, eta, lambda)| {
        let setting = setting(eta, c_md, lambda, 2);
        let Some(ce) = rho(&setting, &MarginLoss::cross_entropy(), 2)? else {
            return Ok(Vec::new());
        };
        let point = |loss: &MarginLoss| {
            let ratio = rho(&setting, loss, 2)?.map(|ls| ls / ce);
            Ok(ratio.map(|ratio| GridPoint {
                c_md,
                alpha: loss.alpha(),
                eta,
                lambda,
                ratio,
            }))
        };
        losses
            .iter()
            .map(point)
            .collect::<Result<Vec<_>, TheoryError>>()
    })?;
    Ok(solved.into_iter().flatten().flatten().collect())
}

/// (eta, lambda, ratio) of the cells that have one.
fn points_of(map: &PhaseMap) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
    let of_row = |(row, eta): (usize, &f64)| {
        let (eta, ratios) = (*eta, &map.ratio[row]);
        map.lambdas
            .iter()
            .zip(ratios)
            .filter_map(move |(lambda, ratio)| Some((eta, *lambda, (*ratio)?)))
    };
    map.etas.iter().enumerate().flat_map(of_row)
}

fn points(map: &PhaseMap, c_md: f64, alpha: f64) -> impl Iterator<Item = GridPoint> + '_ {
    // A hair of room for rounding in the grid.
    let claimed = points_of(map).filter(|(_, lambda, _)| *lambda <= CLAIMED * (1.0 + 1e-9));
    claimed.map(move |(eta, lambda, ratio)| GridPoint {
        c_md,
        alpha,
        eta,
        lambda,
        ratio,
    })
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

fn picture(c_md: f64, map: &PhaseMap) -> Picture {
    const BAR: f64 = 62.0;
    let (width, height) = (480.0, 350.0);
    let frame = Frame::new(width - BAR, height);
    let [left, right] = frame.x_range();
    let [bottom, top] = frame.y_range();
    // Cells reach half a step beyond the outer settings.
    let (rows, columns) = (map.etas.len(), map.lambdas.len());
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
    let x = Scale::log_exact([map.lambdas[0], map.lambdas[columns - 1]], [x0, x1]);
    let y = Scale::exact([map.etas[0], map.etas[rows - 1]], [y0, y1]);
    let mut body = frame.axes(
        &format!("C_MD = {c_md}"),
        (&x, &x.ticks(10), "weight decay λ"),
        (&y, &y.ticks(6), "noise level η"),
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
    let ratios: Vec<f64> = points_of(map).map(|(_, _, ratio)| ratio).collect();
    let ends = ratios.iter().fold([f64::INFINITY, 0.0], |[l, h], r| {
        [f64::min(l, *r), f64::max(h, *r)]
    });
    Picture {
        width,
        height,
        title: format!("Rho under LS over rho under CE by weight decay and noise, C_MD = {c_md}"),
        desc: if ratios.is_empty() {
            "Everything collapses.".to_owned()
        } else {
            format!("Ratios from {} to {}.", number(ends[0]), number(ends[1]))
        },
        body,
    }
}

/// One path a colour; neighbours in a row are one rectangle.
fn cells(map: &PhaseMap, corner: impl Fn(usize, usize) -> (f64, f64)) -> String {
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
        // Decays on both sides of the collapse of LS, at about 0.33, and of CE, at about 0.37.
        let (etas, lambdas) = ([0.1, 0.4], [1e-4, 4e-3, 0.35, 2.0]);
        let smoothing = MarginLoss::new(LossKind::Ls, ALPHA).unwrap();
        let map = phase_map(&setting(0.1, 0.1, 1e-3, 2), &smoothing, &etas, &lambdas, 2).unwrap();
        for (row, &eta) in etas.iter().enumerate() {
            for (column, &lambda) in lambdas.iter().enumerate() {
                let setting = setting(eta, 0.1, lambda, 2);
                let ce = solve(&setting, &MarginLoss::cross_entropy()).unwrap().rho();
                let ls = solve(&setting, &smoothing).unwrap().rho();
                match (ce, ls, map.ratio[row][column]) {
                    (Some(ce), Some(ls), Some(ratio)) => {
                        assert!((ls / ce / ratio - 1.0).abs() < 1e-6);
                        let index = bin(Some(ratio)).unwrap();
                        assert!(
                            ratio < BINS[index].0 && (index == 0 || ratio >= BINS[index - 1].0)
                        );
                        assert_eq!(BINS[index].1, if ratio < 1.0 { "ls" } else { "ce" });
                    }
                    (ce, ls, ratio) => {
                        assert!((ce.is_none() || ls.is_none()) && ratio.is_none());
                        assert_eq!(bin(ratio), None);
                    }
                }
            }
        }
        assert!(map.ratio[1][1].unwrap() > 1.0 && map.ratio[1][3].is_none());
        assert_eq!(
            points_of(&map).count(),
            map.ratio.iter().flatten().flatten().count()
        );
        assert!(points(&map, 0.1, ALPHA).all(|point| point.lambda <= 1e-3));

        let svg = picture(0.1, &map).body;
        let grey = svg
            .split("<path ")
            .find(|tag| tag.contains("f other"))
            .unwrap();
        let none = map
            .ratio
            .iter()
            .map(|row| row.iter().filter(|cell| cell.is_none()).count())
            .collect::<Vec<_>>();
        // One rectangle a row, as wide as its cells without a ratio.
        assert_eq!(
            grey.matches('M').count(),
            none.iter().filter(|n| **n > 0).count()
        );
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
