//! Products of rows with so few vectors that a register can hold the sums of each.

use std::ops::Range;

use super::{Centre, Kernel, Rows, dispatch};
use crate::input::Real;

/// Vectors of a group: a register of sums each, and some to spare for the row.
const GROUP: usize = 12;

/// Most vectors for which this layout is faster than tiles: two groups, while a group fits into the
/// first-level cache.
pub(crate) fn most(dim: usize) -> usize {
    if dim <= 1024 { 2 * GROUP } else { GROUP }
}

/// A few vectors, in groups that are padded with zero vectors to a number that there is a loop for.
#[derive(Clone, Debug)]
pub(crate) struct Few<C: Real> {
    dim: usize,
    groups: Vec<Group<C>>,
}

#[derive(Clone, Debug)]
struct Group<C: Real> {
    width: usize,
    /// By block of features as long as a register, vector: the entries.
    packed: Vec<C::Register>,
    /// By vector: the entries past the last whole block.
    rest: Vec<C>,
}

impl<C: Real> Few<C> {
    pub(crate) fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        Self {
            dim,
            groups: vectors
                .chunks(GROUP)
                .map(|vectors| Group::new(vectors, dim))
                .collect(),
        }
    }

    pub(crate) fn stride(&self) -> usize {
        self.groups.iter().map(|group| group.width).sum()
    }

    pub(crate) fn project<T: Real + Into<C>>(
        &self,
        rows: Rows<'_, T>,
        range: Range<usize>,
        centre_of: impl Fn(usize) -> usize,
        centres: &Centre<C>,
        scratch: &mut Vec<T>,
        out: &mut Vec<C>,
    ) {
        dispatch(Project {
            few: self,
            rows,
            range,
            centre_of,
            centres,
            scratch,
            out,
        });
    }
}

impl<C: Real> Group<C> {
    fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        let width = [1, 2, 4, 6, 9]
            .into_iter()
            .find(|&width| width >= vectors.len())
            .unwrap_or(GROUP);
        let entry = |vector: usize, feature: usize| {
            C::from_f64(vectors.get(vector).map_or(0.0, |v| v[feature]))
        };
        let length = C::ZERO_REGISTER.as_ref().len();
        let blocks = dim / length;
        let mut packed = Vec::with_capacity(blocks * width);
        for (block, vector) in
            (0..blocks).flat_map(|block| (0..width).map(move |vector| (block, vector)))
        {
            let mut register = C::ZERO_REGISTER;
            let lanes = register.as_mut().iter_mut().enumerate();
            lanes.for_each(|(lane, slot)| *slot = entry(vector, block * length + lane));
            packed.push(register);
        }
        let rest = (0..width)
            .flat_map(|vector| (blocks * length..dim).map(move |feature| (vector, feature)));
        Self {
            width,
            packed,
            rest: rest
                .map(|(vector, feature)| entry(vector, feature))
                .collect(),
        }
    }
}

struct Project<'a, 'r, T, C: Real, F> {
    few: &'a Few<C>,
    rows: Rows<'r, T>,
    range: Range<usize>,
    centre_of: F,
    centres: &'a Centre<C>,
    scratch: &'a mut Vec<T>,
    out: &'a mut Vec<C>,
}

impl<T: Real + Into<C>, C: Real, F: Fn(usize) -> usize> Kernel for Project<'_, '_, T, C, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self {
            few,
            rows,
            range,
            centre_of,
            centres,
            scratch,
            out,
        } = self;
        let stride = few.stride();
        out.clear();
        out.resize(range.len() * stride, C::ZERO);
        let mut offset = 0;
        for group in &few.groups {
            for (index, row) in range.clone().enumerate() {
                let values = rows.get(row, scratch);
                let from = centre_of(row) * few.dim;
                let centre = (
                    &centres.high[from..][..few.dim],
                    &centres.low[from..][..few.dim],
                );
                let out = &mut out[index * stride + offset..][..group.width];
                let Group { packed, rest, .. } = group;
                match group.width {
                    1 => out
                        .copy_from_slice(&C::products::<T, 1, FUSED>(values, centre, packed, rest)),
                    2 => out
                        .copy_from_slice(&C::products::<T, 2, FUSED>(values, centre, packed, rest)),
                    4 => out
                        .copy_from_slice(&C::products::<T, 4, FUSED>(values, centre, packed, rest)),
                    6 => out
                        .copy_from_slice(&C::products::<T, 6, FUSED>(values, centre, packed, rest)),
                    9 => out
                        .copy_from_slice(&C::products::<T, 9, FUSED>(values, centre, packed, rest)),
                    _ => out.copy_from_slice(&C::products::<T, GROUP, FUSED>(
                        values, centre, packed, rest,
                    )),
                }
            }
            offset += group.width;
        }
    }
}

/// Products of one row, less its centre, with `N` vectors. Plain indices over arrays of known size:
/// so the compiler keeps all sums in registers.
#[inline(always)]
pub(crate) fn products<
    T: Real + Into<C>,
    C: Real,
    const L: usize,
    const N: usize,
    const FUSED: bool,
>(
    row: &[T],
    (high, low): (&[C], &[C]),
    vectors: &[[C; L]],
    rest: &[C],
) -> [C; N] {
    let (row, row_rest) = row.as_chunks::<L>();
    let (high, high_rest) = high.as_chunks::<L>();
    let (low, low_rest) = low.as_chunks::<L>();
    let blocks = row.len();
    let (high, low) = (&high[..blocks], &low[..blocks]);
    let vectors = &vectors.as_chunks::<N>().0[..blocks];
    let mut sums = [[C::ZERO; L]; N];
    for block in 0..blocks {
        let (values, high, low, vectors) = (row[block], high[block], low[block], &vectors[block]);
        let mut centred = [C::ZERO; L];
        for lane in 0..L {
            let value: C = values[lane].into();
            centred[lane] = (value - high[lane]) - low[lane];
        }
        for vector in 0..N {
            let entries = vectors[vector];
            for lane in 0..L {
                let sum = sums[vector][lane];
                sums[vector][lane] = if FUSED {
                    centred[lane].mul_add(entries[lane], sum)
                } else {
                    centred[lane] * entries[lane] + sum
                };
            }
        }
    }
    let mut products = add_lanes(sums);
    for feature in 0..row_rest.len() {
        let value: C = row_rest[feature].into();
        let centred = (value - high_rest[feature]) - low_rest[feature];
        for vector in 0..N {
            products[vector] = products[vector] + centred * rest[vector * row_rest.len() + feature];
        }
    }
    products
}

/// The sum of each array. Not inlined, lest the compiler reshapes the loop before it for the sake
/// of these few additions.
#[inline(never)]
fn add_lanes<C: Real, const L: usize, const N: usize>(mut sums: [[C; L]; N]) -> [C; N] {
    let mut totals = [C::ZERO; N];
    for vector in 0..N {
        let lanes = &mut sums[vector];
        // Halves onto each other, so that additions do not wait for one another.
        let mut half = L;
        while half > 1 {
            half /= 2;
            for lane in 0..half {
                lanes[lane] = lanes[lane] + lanes[lane + half];
            }
        }
        totals[vector] = lanes[0];
    }
    totals
}
