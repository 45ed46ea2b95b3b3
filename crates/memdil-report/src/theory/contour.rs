//! The zero contour of a function on a grid.

/// The segments of the zero contour, by marching squares with linear interpolation along edges. A
/// square has the centres of four neighbouring cells as its corners; squares with a missing value
/// are skipped. Segments are (x, y, x, y) in grid steps from the centre of the first cell.
pub(super) fn zero_line(
    rows: usize,
    columns: usize,
    value: impl Fn(usize, usize) -> Option<f64>,
) -> Vec<[f64; 4]> {
    let mut segments = Vec::new();
    for row in 0..rows.saturating_sub(1) {
        for column in 0..columns.saturating_sub(1) {
            let around = [(0, 0), (0, 1), (1, 1), (1, 0)].map(|(r, c)| (row + r, column + c));
            let values = around.map(|(r, c)| value(r, c));
            let [Some(a), Some(b), Some(c), Some(d)] = values else {
                continue;
            };
            let values = [a, b, c, d];
            let mut crossings = Vec::new();
            for i in 0..4 {
                let j = (i + 1) % 4;
                if (values[i] < 0.0) != (values[j] < 0.0) {
                    let share = values[i] / (values[i] - values[j]);
                    let along =
                        |from: usize, to: usize| from as f64 + share * (to as f64 - from as f64);
                    crossings.push([
                        along(around[i].1, around[j].1),
                        along(around[i].0, around[j].0),
                    ]);
                }
            }
            // There are two crossings, or four at a saddle; consecutive ones are joined.
            for pair in crossings.chunks_exact(2) {
                segments.push([pair[0][0], pair[0][1], pair[1][0], pair[1][1]]);
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_contour_is_exact() {
        // x + y = 2.5
        let segments = zero_line(5, 5, |row, column| Some(row as f64 + column as f64 - 2.5));
        assert!(!segments.is_empty());
        for [x0, y0, x1, y1] in segments {
            assert!((x0 + y0 - 2.5).abs() < 1e-12 && (x1 + y1 - 2.5).abs() < 1e-12);
            assert!((x0 - x1).hypot(y0 - y1) > 0.5);
        }
    }

    #[test]
    fn constant_signs_and_missing_values_have_no_contour() {
        assert!(zero_line(4, 4, |_, _| Some(1.0)).is_empty());
        assert!(
            zero_line(4, 4, |row, column| (column != 1)
                .then_some(row as f64 - 1.5))
            .len()
                == 1
        );
        assert!(zero_line(0, 0, |_, _| Some(1.0)).is_empty());
    }
}
