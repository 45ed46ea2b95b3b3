//! Sums of the first pass: count, sum and sum of squares per group of samples, in `f64`.

use std::ops::Range;

use ndarray::{Array1, Array2, s};

use super::dispatch::{Kernel, dispatch};
use super::real::Real;
use super::rows::Rows;

/// Sums, per group of samples, of the differences to the group's origin.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    /// $\sum_i (h_i - o_g)$, groups x features.
    pub(crate) offsets: Array2<f64>,
    /// $\sum_i \Vert h_i - o_g \Vert^2$; non-finite if and only if a feature is non-finite or the
    /// squares overflow.
    pub(crate) squares: Array1<f64>,
    pub(crate) counts: Array1<usize>,
}

impl Sums {
    pub(crate) fn new(groups: usize, dim: usize) -> Self {
        Self {
            offsets: Array2::zeros((groups, dim)),
            squares: Array1::zeros(groups),
            counts: Array1::zeros(groups),
        }
    }

    /// Sums per class. Class $k$ consists of group $k$ and, if there are twice as many groups as
    /// classes, group $K + k$.
    pub(crate) fn by_class(&self, classes: usize) -> Self {
        let part = |groups: Range<usize>| Self {
            offsets: self.offsets.slice(s![groups.clone(), ..]).to_owned(),
            squares: self.squares.slice(s![groups.clone()]).to_owned(),
            counts: self.counts.slice(s![groups]).to_owned(),
        };
        let mut total = part(0..classes);
        if self.counts.len() > classes {
            total.add(&part(classes..2 * classes));
        }
        total
    }

    /// Adds sums with the same origins.
    pub(crate) fn add(&mut self, other: &Self) {
        self.offsets += &other.offsets;
        self.squares += &other.squares;
        self.counts += &other.counts;
    }
}

/// Number of rows that are sorted by group at a time.
const WINDOW: usize = 512;

/// Adds a range of rows to sums.
pub(crate) struct AddRows<'a, 'r, T, G> {
    pub(crate) rows: Rows<'r, T>,
    pub(crate) range: Range<usize>,
    /// The group of a row.
    pub(crate) group_of: G,
    /// The origin of a group is row `group % origins.nrows()`.
    pub(crate) origins: &'a Array2<f64>,
    pub(crate) sums: &'a mut Sums,
}

impl<T: Real, G: Fn(usize) -> usize> Kernel for AddRows<'_, '_, T, G> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (rows, range, origins, sums) = (self.rows, self.range, self.origins, self.sums);
        let mut scratch: [Vec<T>; TOGETHER] = std::array::from_fn(|_| Vec::new());
        let groups = sums.counts.len();
        let window = WINDOW.max(groups);
        let (mut order, mut ends) = (vec![0; window], vec![0; groups]);
        for start in range.clone().step_by(window) {
            let end = range.end.min(start + window);
            // Rows of the same group are added together, so that their sums are read and written
            // less often.
            sort_by_group(start..end, &self.group_of, &mut ends, &mut order);
            let mut from = 0;
            for (group, &to) in ends.iter().enumerate() {
                let run = &order[from..to];
                from = to;
                let origin = origins.row(group % origins.nrows());
                let mut total = sums.offsets.row_mut(group);
                let (Some(origin), Some(total)) = (origin.to_slice(), total.as_slice_mut()) else {
                    continue;
                };
                let (blocks, rest) = run.as_chunks::<TOGETHER>();
                let mut squares = 0.0;
                for block in blocks {
                    let [a, b, c, d] = &mut scratch;
                    let values = [
                        rows.get(block[0], a),
                        rows.get(block[1], b),
                        rows.get(block[2], c),
                        rows.get(block[3], d),
                    ];
                    squares += add_block(values, origin, total);
                }
                for &row in rest {
                    squares += add_block([rows.get(row, &mut scratch[0])], origin, total);
                }
                sums.squares[group] += squares;
                sums.counts[group] += run.len();
            }
        }
    }
}

/// Writes the rows of a range to the front of `order`, group by group, and the end of each group to
/// `ends`.
#[inline(always)]
fn sort_by_group(
    range: Range<usize>,
    group_of: impl Fn(usize) -> usize,
    ends: &mut [usize],
    order: &mut [usize],
) {
    ends.fill(0);
    range.clone().for_each(|row| ends[group_of(row)] += 1);
    let mut start = 0;
    for end in ends.iter_mut() {
        start += std::mem::replace(end, start);
    }
    for row in range {
        let slot = &mut ends[group_of(row)];
        order[*slot] = row;
        *slot += 1;
    }
}

/// Number of rows of a group that are added at a time.
const TOGETHER: usize = 4;
/// Number of features processed at a time, with independent sums in vector registers.
const WIDTH: usize = 8;

/// Adds the differences between `N` rows and `origin` to `total`, and returns the sum of their
/// squares.
#[inline(always)]
fn add_block<T: Real, const N: usize>(rows: [&[T]; N], origin: &[f64], total: &mut [f64]) -> f64 {
    let (origin_blocks, origin_rest) = origin.as_chunks::<WIDTH>();
    let (total_blocks, total_rest) = total.as_chunks_mut::<WIDTH>();
    let count = origin_blocks.len();
    let total_blocks = &mut total_blocks[..count];
    let (mut row_blocks, mut row_rests) = ([&[][..]; N], rows);
    for row in 0..N {
        row_blocks[row] = &rows[row].as_chunks::<WIDTH>().0[..count];
        row_rests[row] = &rows[row][WIDTH * count..][..origin_rest.len()];
    }
    let mut squares = [0.0; WIDTH];
    for index in 0..count {
        let (start, mut sum) = (origin_blocks[index], total_blocks[index]);
        for row in row_blocks {
            let values = row[index];
            for lane in 0..WIDTH {
                let difference = values[lane].into() - start[lane];
                sum[lane] += difference;
                squares[lane] += difference * difference;
            }
        }
        total_blocks[index] = sum;
    }
    let mut rest = 0.0;
    for (index, (start, sum)) in origin_rest.iter().zip(total_rest).enumerate() {
        for row in row_rests {
            let difference = row[index].into() - start;
            *sum += difference;
            rest += difference * difference;
        }
    }
    squares.iter().sum::<f64>() + rest
}

/// $\Vert h - \mu \Vert^2$.
pub(crate) fn squared_distance<T: Real>(row: &[T], mean: &[f64]) -> f64 {
    dispatch(SquaredDistance { row, mean })
}

struct SquaredDistance<'a, T> {
    row: &'a [T],
    mean: &'a [f64],
}

impl<T: Real> Kernel for SquaredDistance<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let (row_blocks, row_rest) = self.row.as_chunks::<WIDTH>();
        let (mean_blocks, mean_rest) = self.mean.as_chunks::<WIDTH>();
        let mut lanes = [0.0; WIDTH];
        for (values, mean) in row_blocks.iter().zip(mean_blocks) {
            for lane in 0..WIDTH {
                let difference = values[lane].into() - mean[lane];
                lanes[lane] += difference * difference;
            }
        }
        let rest = row_rest.iter().zip(mean_rest);
        let rest: f64 = rest
            .map(|(&value, mean)| (value.into() - mean).powi(2))
            .sum();
        lanes.iter().sum::<f64>() + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_by_group_is_stable() {
        let groups = [2, 0, 2, 3, 0];
        let (mut ends, mut order) = (vec![9; 5], vec![9; 6]);
        sort_by_group(10..15, |row| groups[row - 10], &mut ends, &mut order);
        assert_eq!(
            (order, ends),
            (vec![11, 14, 10, 12, 13, 9], vec![2, 2, 4, 5, 5])
        );
    }
}
