//! What is done with each sample.

use std::ops::Range;

use ndarray::Array2;

use super::pass::SecondPass;
use super::totals::SecondPassTotals;
use crate::kernels::{BLOCK, Centred, Real, Rows, Scratch, add_squares, squared_distance};
use crate::label::{Label, class};

/// A checked batch.
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

/// Memory that a thread keeps from range to range.
#[derive(Default)]
pub(super) struct Work<T, C> {
    scratch: Scratch<T, C>,
    products: Vec<C>,
    near: Vec<C>,
    squares: Vec<f64>,
}

impl<C: Real> SecondPass<'_, C> {
    /// The totals of a range of a batch.
    pub(super) fn collect<T: Real + Into<C>, L: Label>(
        &self,
        batch: &Batch<'_, T, L>,
        range: Range<usize>,
        work: &mut Work<T, C>,
    ) -> SecondPassTotals {
        let mut totals = self.totals.empty();
        totals.samples = range.len();
        let Work {
            scratch,
            products,
            near,
            squares,
        } = work;
        squares.clear();
        squares.resize(self.weights.len(), 0.0);
        for first in range.clone().step_by(BLOCK) {
            let rows = first..range.end.min(first + BLOCK);
            if self.projector.stride() > 0 {
                let residuals = Centred {
                    rows: batch.rows,
                    range: rows.clone(),
                    centre_of: |row| batch.label(row),
                    centres: &self.centre,
                };
                self.projector.project(residuals, scratch, products);
                add_squares(products, self.projector.stride(), squares);
            }
            if self.head.is_some() {
                if let Some(means) = &self.means {
                    means.multiply(products, self.projector.stride(), near);
                }
                let products = (&products[..], &near[..]);
                self.add_decisions(batch, rows.clone(), products, &mut scratch.row, &mut totals);
            }
            self.add_distances(batch, rows, &mut scratch.row, &mut totals);
        }
        let weighted = squares.iter().zip(&self.weights);
        let sum: f64 = weighted.map(|(square, weight)| square * weight).sum();
        totals.nc1 = totals.nc1.map(|nc1| nc1 + sum);
        totals
    }

    /// Predictions of the classifier and of the nearest class mean.
    fn add_decisions<T: Real, L: Label>(
        &self,
        batch: &Batch<'_, T, L>,
        rows: Range<usize>,
        (products, near): (&[C], &[C]),
        scratch: &mut Vec<T>,
        totals: &mut SecondPassTotals,
    ) {
        let Some(head) = &self.head else { return };
        let mut logits = vec![0.0; self.moments.classes()];
        let mut nearness = logits.clone();
        let near_stride = self.means.as_ref().map_or(0, |means| means.stride());
        for (index, row) in rows.enumerate() {
            let label = batch.label(row);
            let scale = (label, self.moments.reach(label), C::EPSILON);
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

    /// Distances of corrupted samples from the means of their clean classes.
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
            let mut distance = |means: &Option<Array2<f64>>| {
                let mean = means.as_ref()?.row(class);
                Some(squared_distance(batch.rows.get(row, scratch), mean.to_slice()?).sqrt())
            };
            totals.add_distance(class, distance(&self.own), distance(&self.others));
        }
    }
}
