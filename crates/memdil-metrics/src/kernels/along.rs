//! The component of a row along a direction.

use super::dispatch::{Kernel, dispatch};
use super::real::Real;

/// $((h - \mu)^T u, \Vert h - \mu \Vert^2)$ for a row $h$, a centre $\mu$ and a direction $u$.
pub(crate) fn along<T: Real>(row: &[T], centre: &[f64], direction: &[f64]) -> (f64, f64) {
    dispatch(Along {
        row,
        centre,
        direction,
    })
}

struct Along<'a, T> {
    row: &'a [T],
    centre: &'a [f64],
    direction: &'a [f64],
}

/// Number of independent partial sums, which allow vector instructions.
const WIDTH: usize = 8;

impl<T: Real> Kernel for Along<'_, T> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> (f64, f64) {
        let (row_blocks, row_rest) = self.row.as_chunks::<WIDTH>();
        let (centre_blocks, centre_rest) = self.centre.as_chunks::<WIDTH>();
        let (unit_blocks, unit_rest) = self.direction.as_chunks::<WIDTH>();
        let (mut products, mut squares) = ([0.0; WIDTH], [0.0; WIDTH]);
        for ((values, centre), unit) in row_blocks.iter().zip(centre_blocks).zip(unit_blocks) {
            for lane in 0..WIDTH {
                let difference = values[lane].into() - centre[lane];
                products[lane] += difference * unit[lane];
                squares[lane] += difference * difference;
            }
        }
        let mut product: f64 = products.iter().sum();
        let mut square: f64 = squares.iter().sum();
        for ((&value, centre), unit) in row_rest.iter().zip(centre_rest).zip(unit_rest) {
            let difference = value.into() - centre;
            product += difference * unit;
            square += difference * difference;
        }
        (product, square)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_include_blocks_and_remainder() {
        let row: Vec<f32> = (1..=19_u8).map(f32::from).collect();
        let (centre, direction) = (vec![1.0; 19], vec![2.0; 19]);
        // Differences 0 to 18: sum 171, sum of squares 2109.
        assert_eq!(along(&row, &centre, &direction), (342.0, 2109.0));
    }
}
