//! The layers of a network as a text table.

use std::fmt::Write;

use memdil_records::LayerRecord;

use crate::metrics::table;

type Column = (&'static str, fn(&LayerRecord) -> Option<f64>);

/// The columns after the name and the width. Shorter than the names in `--json`, so that the table
/// fits on a wide terminal; the help of `memdil eval` explains them.
const COLUMNS: [Column; 10] = [
    ("nc1", |l| l.nc1),
    ("ncm-given", |l| l.ncm_accuracy_given),
    ("ncm-clean", |l| l.ncm_accuracy_clean),
    ("as-given", |l| l.corrupted_nearest_given),
    ("as-clean", |l| l.corrupted_nearest_clean),
    ("memo", |l| l.memorization_mean),
    ("separation", |l| l.separation),
    ("memo/sep", |l| l.memorization_over_separation),
    ("dilation", |l| l.test_dilation),
    ("test-ncm", |l| l.test_ncm_accuracy),
];

/// One line per layer; undefined values are hyphens.
pub(crate) fn text(layers: &[LayerRecord]) -> String {
    let name_width = layers.iter().map(|layer| layer.name.len()).max();
    let name_width = name_width.unwrap_or_default().max("layer".len());
    let mut text = format!("layers\n  {:<name_width$} {:>6}", "layer", "width");
    for (heading, _) in COLUMNS {
        let _ = write!(text, " {heading:>10}");
    }
    for layer in layers {
        let _ = write!(text, "\n  {:<name_width$} {:>6}", layer.name, layer.width);
        for (_, value) in COLUMNS {
            let value = value(layer).map_or_else(|| "-".to_owned(), table::short);
            let _ = write!(text, " {value:>10}");
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_layer_with_hyphens_for_undefined_values() {
        let layer = |name: &str, nc1| LayerRecord {
            name: name.to_owned(),
            width: 64,
            nc1,
            test_dilation: Some(0.25),
            ..LayerRecord::default()
        };
        let found = text(&[layer("stem", Some(2.0)), layer("stages.0", None)]);
        let words = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let lines: Vec<_> = found.lines().map(words).collect();
        assert_eq!(lines[1][..4], ["layer", "width", "nc1", "ncm-given"]);
        assert_eq!(lines[2][..4], ["stem", "64", "2.00000", "-"]);
        assert_eq!(lines[3][..3], ["stages.0", "64", "-"]);
        assert_eq!(lines[3][10], "0.250000");
        let lengths: Vec<_> = found.lines().skip(1).map(str::len).collect();
        assert!(
            lengths.iter().all(|&length| length == lengths[0]),
            "{found}"
        );
    }
}
