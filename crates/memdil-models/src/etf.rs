//! The simplex equiangular tight frame, as a fixed classifier.

use candle_core::Result;

/// Rows of a simplex equiangular tight frame: K unit vectors of `dim` values, any two with cosine
/// $-1/(K-1)$ (Papyan et al. 2020; as a fixed classifier Zhu et al. 2021).
///
/// With `dim` at least K, this is the canonical frame,
/// $w_k = \sqrt{K/(K-1)} (e_k - \frac1K \sum_j e_j)$ in the first K dimensions. Each class has its
/// own dimension, so non-negative features can align with the frame. With $K - 1$ dimensions, the
/// frame is expressed in Helmert's basis: with $m = j + 1$ and zero-based k and j, $w_{kj}$ is
/// $\sqrt{K/(K-1)}/\sqrt{m(m+1)}$ times 1 for $k < m$, $-m$ for $k = m$, and 0 for $k > m$.
/// Non-negative features cannot align with the last class of this frame.
///
/// # Shapes
///
/// (K, dim), row-major.
///
/// # Errors
///
/// candle's error if there are fewer than two classes or fewer than K - 1 dimensions.
///
/// ```
/// let frame = memdil_models::simplex_etf(2, 3)?;
/// let s = 0.5f64.sqrt();
/// let expected = [s, -s, 0.0, -s, s, 0.0];
/// assert!(frame.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn simplex_etf(classes: usize, dim: usize) -> Result<Vec<f64>> {
    if classes < 2 || dim + 1 < classes {
        candle_core::bail!(
            "simplex frame of {classes} classes in {dim} dimensions: must have at least 2 classes and K - 1 dimensions"
        );
    }
    let k = classes as f64;
    let scale = (k / (k - 1.0)).sqrt();
    let canonical = |row: usize, column: usize| match column {
        _ if column >= classes => 0.0,
        _ if column == row => 1.0 - 1.0 / k,
        _ => -1.0 / k,
    };
    let helmert = |row: usize, column: usize| {
        let m = (column + 1) as f64;
        let length = (m * (m + 1.0)).sqrt();
        match row {
            _ if row <= column => 1.0 / length,
            _ if row == column + 1 => -m / length,
            _ => 0.0,
        }
    };
    let entry = |row, column| {
        scale
            * if dim >= classes {
                canonical(row, column)
            } else {
                helmert(row, column)
            }
    };
    Ok((0..classes)
        .flat_map(|row| (0..dim).map(move |column| entry(row, column)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_unit_length_and_are_equiangular() {
        for (classes, dim) in [(2, 1), (2, 2), (3, 2), (3, 7), (10, 9), (10, 10), (10, 12)] {
            let frame = simplex_etf(classes, dim).unwrap();
            assert_eq!(frame.len(), classes * dim);
            let rows: Vec<&[f64]> = frame.chunks(dim).collect();
            for (i, a) in rows.iter().enumerate() {
                for (j, b) in rows.iter().enumerate() {
                    let product: f64 = a.iter().zip(*b).map(|(x, y)| x * y).sum();
                    let expected = if i == j {
                        1.0
                    } else {
                        -1.0 / (classes - 1) as f64
                    };
                    assert!(
                        (product - expected).abs() < 1e-14,
                        "{classes} {dim}: {product}"
                    );
                }
            }
        }
        assert!(simplex_etf(4, 2).is_err() && simplex_etf(1, 2).is_err());
    }
}
