//! Products of rows with a few vectors, each of which has its own register of sums.

use super::centre::Centred;
use super::dispatch::Kernel;
use super::real::Real;

/// Number of vectors per group: one register of sums per vector, with registers to spare for the
/// row.
const GROUP: usize = 12;

/// Largest number of vectors for which this layout is faster than tiles: two groups if a group fits
/// into the first-level cache, otherwise one.
pub(super) fn max_vectors(dim: usize) -> usize {
    if dim <= 1024 { 2 * GROUP } else { GROUP }
}

/// A few vectors in groups, padded with zero vectors to one of the supported widths.
#[derive(Clone, Debug)]
pub(crate) struct Few<C: Real> {
    dim: usize,
    groups: Vec<Group<C>>,
}

#[derive(Clone, Debug)]
struct Group<C: Real> {
    width: usize,
    /// Entries, indexed by (block of features of register length, vector).
    packed: Vec<C::Register>,
    /// Entries after the last complete block, indexed by vector.
    rest: Vec<C>,
}

impl<C: Real> Few<C> {
    pub(super) fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        let groups = vectors.chunks(GROUP).map(|group| Group::new(group, dim));
        let groups = groups.collect();
        Self { dim, groups }
    }

    pub(super) fn stride(&self) -> usize {
        self.groups.iter().map(|group| group.width).sum()
    }
}

impl<C: Real> Group<C> {
    fn new(vectors: &[Vec<f64>], dim: usize) -> Self {
        let mut widths = [1, 2, 4, 6, 9].into_iter();
        let width = widths
            .find(|&width| width >= vectors.len())
            .unwrap_or(GROUP);
        let entry = |vector: usize, feature: usize| {
            C::from_f64(vectors.get(vector).map_or(0.0, |v| v[feature]))
        };
        let length = C::ZERO_REGISTER.as_ref().len();
        let whole = dim / length * length;
        let mut packed = Vec::with_capacity(dim / length * width);
        for start in (0..whole).step_by(length) {
            for vector in 0..width {
                let mut register = C::ZERO_REGISTER;
                for (lane, slot) in register.as_mut().iter_mut().enumerate() {
                    *slot = entry(vector, start + lane);
                }
                packed.push(register);
            }
        }
        let mut rest = Vec::with_capacity(width * (dim - whole));
        for vector in 0..width {
            rest.extend((whole..dim).map(|feature| entry(vector, feature)));
        }
        Self {
            width,
            packed,
            rest,
        }
    }

    /// Products of one centred row with `N` vectors.
    #[inline(always)]
    fn products<T: Real + Into<C>, const N: usize, const FUSED: bool>(
        &self,
        row: &[T],
        centre: (&[C], &[C]),
        out: &mut [C],
    ) {
        let products = C::products::<T, N, FUSED>(row, centre, &self.packed, &self.rest);
        out.copy_from_slice(&products);
    }
}

/// Products of centred rows with all vectors. `out` receives one row of products per row.
pub(super) struct ProjectFew<'a, 'r, T, C: Real, F> {
    pub(super) few: &'a Few<C>,
    pub(super) centred: Centred<'a, 'r, T, C, F>,
    pub(super) scratch: &'a mut Vec<T>,
    pub(super) out: &'a mut Vec<C>,
}

impl<T: Real + Into<C>, C: Real, F: Fn(usize) -> usize> Kernel for ProjectFew<'_, '_, T, C, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (block, stride) = (self.centred, self.few.stride());
        self.out.clear();
        self.out.resize(block.range.len() * stride, C::ZERO);
        let mut offset = 0;
        for group in &self.few.groups {
            for (index, row) in block.range.clone().enumerate() {
                let values = block.rows.get(row, self.scratch);
                let centre = block.point(row, 0, self.few.dim);
                let out = &mut self.out[index * stride + offset..][..group.width];
                match group.width {
                    1 => group.products::<T, 1, FUSED>(values, centre, out),
                    2 => group.products::<T, 2, FUSED>(values, centre, out),
                    4 => group.products::<T, 4, FUSED>(values, centre, out),
                    6 => group.products::<T, 6, FUSED>(values, centre, out),
                    9 => group.products::<T, 9, FUSED>(values, centre, out),
                    _ => group.products::<T, GROUP, FUSED>(values, centre, out),
                }
            }
            offset += group.width;
        }
    }
}
