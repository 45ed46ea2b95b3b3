//! Processing of the samples of a batch.

use std::ops::Range;

use super::pass::SecondPass;
use super::totals::SecondPassTotals;
use crate::kernels::{BLOCK, Centred, Real, Rows, Scratch, add_squares, squared_distance};
use crate::label::{Label, class};

/// A batch that has been checked.
pub(super) struct Batch<'a, T, L> {
    pub(super) rows: Rows<'a, T>,
    pub(super) labels: &'a [L],
    pub(super) clean: Option<&'a [L]>,
}

impl<T: Real, L: Label> Batch<'_, T, L> {
    fn label(&self, row: usize) -> usize {
        class(self.labels[row])
    }
}

/// Buffers that a thread reuses between ranges.
#[derive(Default)]
pub(super) struct Work<T, C> {
    scratch: Scratch<T, C>,
    products: Vec<C>,
    near: Vec<C>,
    squares: Vec<f64>,
}

impl<C: Real> SecondPass<'_, C> {
    /// Computes the totals of a range of a batch.
    pub(super) fn collect<T: Real + Into<C>, L: Label>(
        &self,
        batch: &Batch<'_, T, L>,
        range: Range<usize>,
        work: &mut Work<T, C>,
    ) -> SecondPassTotals {
        let mut totals = self.totals.empty();
        totals.samples = range.len();
        work.squares.clear();
        work.squares.resize(self.weights.len(), 0.0);
        for first in range.clone().step_by(BLOCK) {
            let rows = first..range.end.min(first + BLOCK);
            if self.projector.stride() > 0 {
                let residuals = Centred {
                    rows: batch.rows,
                    range: rows.clone(),
                    centre_of: |row| batch.label(row),
                    centres: &self.centre,
                };
                let products = &mut work.products;
                self.projector
                    .project(residuals, &mut work.scratch, products);
                add_squares(products, self.projector.stride(), &mut work.squares);
            }
            if self.head.is_some() {
                if let Some(means) = &self.means {
                    means.multiply(&work.products, self.projector.stride(), &mut work.near);
                }
                self.add_decisions(batch, rows.clone(), work, &mut totals);
            }
            self.add_distances(batch, rows, &mut work.scratch.row, &mut totals);
        }
        let weighted = work.squares.iter().zip(&self.weights);
        let sum: f64 = weighted.map(|(square, weight)| square * weight).sum();
        totals.nc1 = totals.nc1.map(|nc1| nc1 + sum);
        totals
    }

    /// Adds the predictions of the classifier and of the nearest class mean.
    fn add_decisions<T: Real, L: Label>(
        &self,
        batch: &Batch<'_, T, L>,
        rows: Range<usize>,
        work: &mut Work<T, C>,
        totals: &mut SecondPassTotals,
    ) {
        let Some(head) = &self.head else { return };
        let (products, near, scratch) = (&work.products, &work.near, &mut work.scratch.row);
        let mut logits = vec![0.0; self.moments.classes()];
        let mut nearness = logits.clone();
        let near_stride = self.means.as_ref().map_or(0, |means| means.stride());
        for (index, row) in rows.enumerate() {
            let label = batch.label(row);
            let scale = (label, self.moments.max_distance(label), C::EPSILON);
            let products = &products[index * self.projector.stride() + self.directions.len()..];
            let predicted = head.logits(
                scale,
                products,
                || batch.rows.get(row, scratch),
                &mut logits,
            );
            let clean = batch.clean.map(|clean| class(clean[row]));
            if let Some(predictions) = &mut totals.predictions {
                predictions.add_row(&mut logits, predicted, label, clean);
            }
            if let Some(agreeing) = &mut totals.agreeing {
                let near = &near[index * near_stride..];
                let nearest =
                    head.nearest(scale, near, || batch.rows.get(row, scratch), &mut nearness);
                *agreeing += usize::from(predicted == nearest);
            }
        }
    }

    /// Adds the distances of corrupted samples from the means of their clean classes.
    fn add_distances<T: Real, L: Label>(
        &self,
        batch: &Batch<'_, T, L>,
        rows: Range<usize>,
        scratch: &mut Vec<T>,
        totals: &mut SecondPassTotals,
    ) {
        let Some(clean) = batch.clean else { return };
        for row in rows.filter(|&row| clean[row] != batch.labels[row]) {
            let class = class(clean[row]);
            for (reference, distances) in self.references.iter().zip(&mut totals.distances) {
                let (Some(reference), Some(distances)) = (reference, distances) else {
                    continue;
                };
                if let Some(mean) = reference.means.row(class).to_slice() {
                    let sample = batch.rows.get(row, scratch);
                    distances.add_sample(class, squared_distance(sample, mean).sqrt());
                }
            }
        }
    }
}
