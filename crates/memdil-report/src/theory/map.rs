//! Draws a map of ratios.

use memdil_theory::phase::InvariantMap;

use super::contour::zero_line;
use crate::chart::{Frame, Picture, Scale, span};
use crate::text::{escape, number, when};

/// Upper bound of the ratios, colour class and opacity of each bin.
pub(super) const BINS: [(f64, &str, f64); 12] = [
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
/// Colour class and opacity of the cells without a ratio.
const COLLAPSED: (&str, f64) = ("other", 0.75);

/// The bin of a ratio, as an index into [`BINS`]; `None` for a collapsed cell, which is grey.
pub(super) fn bin(ratio: Option<f64>) -> Option<usize> {
    let ratio = ratio?;
    let bin = BINS.iter().position(|(below, ..)| ratio < *below);
    Some(bin.unwrap_or(BINS.len() - 1))
}

pub(super) fn picture(map: &InvariantMap) -> Picture {
    const BAR: f64 = 62.0;
    let (width, height) = (480.0, 350.0);
    let frame = Frame::new(width - BAR, height).wider();
    let [left, right] = frame.x_range();
    let [bottom, top] = frame.y_range();
    let (rows, columns) = (map.features.len(), map.classifier.len());
    // Cells extend half a step beyond the outermost settings.
    let across = Scale::exact([0.0, columns as f64], [left, right]);
    let up = Scale::exact([0.0, rows as f64], [bottom, top]);
    let settings = |values: &[f64], cells: &Scale| {
        let last = values.len() - 1;
        let places = [0.5, last as f64 + 0.5].map(|cell| cells.at(cell));
        Scale::log_exact([values[0], values[last]], places)
    };
    let x = settings(&map.classifier, &across);
    let y = settings(&map.features, &up);
    let mut body = frame.axes(
        &format!("η = {}", map.eta),
        (&x, &x.ticks(10), "λ_W / C_MD²"),
        (&y, &y.ticks(10), "λ_H · C_MD²"),
    );
    body += &format!(
        r#"<path style="fill:var(--paper)" d="M{left} {top}H{right}V{bottom}H{left}Z"/>{}<path class="contour" d="{}"/><path class="axis" d="M{left} {top}V{bottom}H{right}"/>{}"#,
        cells(map, &across, &up),
        ratio_one(map, &across, &up),
        bar(right + 16.0, [bottom, top])
    );
    let desc = match span(map.ratio.iter().flatten().copied().flatten()) {
        Some([low, high]) => format!("Ratios from {} to {}.", number(low), number(high)),
        None => "All settings collapse.".to_owned(),
    };
    let eta = map.eta;
    Picture {
        width,
        height,
        title: format!("Rho under LS over rho under CE by the penalties, η = {eta}"),
        desc,
        body,
    }
}

/// The contour on which both losses have the same rho, as path data.
fn ratio_one(map: &InvariantMap, across: &Scale, up: &Scale) -> String {
    let (rows, columns) = (map.features.len(), map.classifier.len());
    let log_ratio = |row: usize, column: usize| map.ratio[row][column].map(f64::ln);
    let mut d = String::new();
    for [a, b, c, e] in zero_line(rows, columns, log_ratio) {
        let [xa, xb] = [a, c].map(|column| across.at(column + 0.5));
        let [ya, yb] = [b, e].map(|row| up.at(row + 0.5));
        d += &format!("M{xa:.1} {ya:.1}L{xb:.1} {yb:.1}");
    }
    d
}

/// One path per colour; neighbouring cells of a row with the same colour are merged.
fn cells(map: &InvariantMap, across: &Scale, up: &Scale) -> String {
    let mut paths = vec![String::new(); BINS.len() + 1];
    for (row, ratios) in map.ratio.iter().enumerate() {
        let mut column = 0;
        for same in ratios.chunk_by(|a, b| bin(*a) == bin(*b)) {
            let x0 = across.at(column as f64);
            column += same.len();
            let x1 = across.at(column as f64);
            let [y0, y1] = [row, row + 1].map(|row| up.at(row as f64));
            paths[bin(same[0]).unwrap_or(BINS.len())] +=
                &format!("M{x0:.1} {y0:.1}H{x1:.1}V{y1:.1}H{x0:.1}Z");
        }
    }
    let mut svg = String::new();
    for (index, d) in paths.iter().enumerate() {
        let bin = BINS.get(index);
        let (class, opacity) = bin.map_or(COLLAPSED, |(_, class, opacity)| (*class, *opacity));
        let tag = format!(
            r#"<path class="f {class}" fill-opacity="{opacity}" shape-rendering="crispEdges" d="{d}"/>"#
        );
        svg += &when(!d.is_empty(), tag);
    }
    svg
}

/// The colour bar, with the ratios at the boundaries of the bins.
fn bar(x: f64, [bottom, top]: [f64; 2]) -> String {
    let step = (top - bottom) / BINS.len() as f64;
    let mut svg = format!(r#"<text class="tick" x="{x:.1}" y="14">ratio</text>"#);
    for (index, (below, class, opacity)) in BINS.iter().enumerate() {
        let from = bottom + step * index as f64;
        let to = bottom + step * (index + 1) as f64;
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
