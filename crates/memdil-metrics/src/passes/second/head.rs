//! The last layer, prepared for samples that are represented by their residuals.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::error::{Counted, MetricsError, Subject};
use crate::geometry::pair_distances;
use crate::input::{to_f64, vector_to_f64};
use crate::kernels::{Real, squared_distance};
use crate::linalg::{dot, max_abs, norm, rows_of};
use crate::passes::moments::Moments;
use crate::passes::predictions::{argmax, argmax_and_lead};

/// Conservative bound on the rounding error of a product (a sum of up to 512 consecutive terms), in
/// units of epsilon.
const ROUNDINGS: f64 = 64.0;

/// Classifier, bias and class means.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) classifier: Vec<Vec<f64>>,
    bias: Vec<f64>,
    means: Array2<f64>,
    /// Logits of the class means, classes x logits.
    at_means: Array2<f64>,
    /// Squared distances between class means.
    distances: Array2<f64>,
    centred: Array2<f64>,
    /// Bounds on the rounding errors of logits and distances: a factor of the distance between a
    /// sample and its class mean, and a constant.
    logit_error: (f64, f64),
    distance_error: (f64, f64),
    /// Length of the longest component of a centred class mean outside the span of the directions.
    left_out: f64,
}

impl Head {
    pub(super) fn new<W: Real>(
        moments: &Moments,
        classifier: ArrayView2<'_, W>,
        bias: ArrayView1<'_, W>,
    ) -> Result<Self, MetricsError> {
        let (classes, dim) = (moments.classes(), moments.dim());
        let (rows, columns) = classifier.dim();
        Counted::Rows.check(Subject::Classifier, rows, Subject::NumberOfClasses, classes)?;
        Counted::Columns.check(Subject::Features, dim, Subject::Classifier, columns)?;
        Counted::Entries.check(Subject::Bias, bias.len(), Subject::Classifier, classes)?;
        let classifier = to_f64(classifier, Subject::Classifier)?;
        let bias = vector_to_f64(bias, Subject::Bias)?;
        let means = moments.means().means.clone();
        let at_means = means.dot(&classifier.t()) + ArrayView1::from(&bias);
        let mut distances = Array2::zeros((classes, classes));
        for (i, j, square) in pair_distances(moments.relative_means()) {
            (distances[[i, j]], distances[[j, i]]) = (square, square);
        }
        let centred = moments.centred();
        let centred = centred.unwrap_or_else(|_| Array2::zeros((classes, dim)));
        Ok(Self {
            logit_error: (longest_row(&classifier), max_abs(&at_means)),
            distance_error: (4.0 * longest_row(&centred), max_abs(&distances)),
            classifier: rows_of(&classifier),
            bias,
            means,
            at_means,
            distances,
            centred,
            left_out: 0.0,
        })
    }

    /// Centred class means in the coordinates of `directions`.
    pub(super) fn means_along(&mut self, directions: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut means = rows_of(&self.centred);
        let along = |mean: &mut Vec<f64>| {
            let take = |direction: &Vec<f64>| {
                let length = dot(direction, mean);
                for (value, unit) in mean.iter_mut().zip(direction) {
                    *value -= length * unit;
                }
                length
            };
            directions.iter().map(take).collect()
        };
        let coordinates = means.iter_mut().map(along).collect();
        self.left_out = means.iter().map(|mean| norm(mean)).fold(0.0, f64::max);
        coordinates
    }

    /// Computes the logits of a sample of class `label` from the products of the classifier with
    /// its residual, and returns the predicted class. The residual has a length of at most `radius`
    /// and relative rounding errors of `epsilon`.
    ///
    /// If rounding errors could change the prediction, the logits are computed from the sample
    /// itself.
    pub(super) fn logits<'s, C: Real, T: Real + 's>(
        &self,
        (label, radius, epsilon): (usize, f64, f64),
        products: &[C],
        sample: impl FnOnce() -> &'s [T],
        logits: &mut [f64],
    ) -> usize {
        for ((logit, &product), at_mean) in logits
            .iter_mut()
            .zip(products)
            .zip(self.at_means.row(label))
        {
            *logit = product.into() + at_mean;
        }
        let (predicted, lead) = argmax_and_lead(logits);
        let error = ROUNDINGS * epsilon * (self.logit_error.0 * radius + self.logit_error.1);
        if lead > error {
            return predicted;
        }
        let sample: Vec<f64> = sample().iter().map(|&value| value.into()).collect();
        for ((logit, row), bias) in logits.iter_mut().zip(&self.classifier).zip(&self.bias) {
            *logit = dot(row, &sample) + bias;
        }
        argmax(logits)
    }

    /// Returns the class mean nearest to a sample of class `label`, from the products of its
    /// residual $r$ with the centred class means: $\Vert r + m_y - m_j \Vert^2$ equals
    /// $2 r^T (m_y - m_j) + \Vert m_y - m_j \Vert^2$ up to $\Vert r \Vert^2$, which does not depend
    /// on $j$.
    pub(super) fn nearest<'s, C: Real, T: Real + 's>(
        &self,
        (label, radius, epsilon): (usize, f64, f64),
        products: &[C],
        sample: impl FnOnce() -> &'s [T],
        scratch: &mut [f64],
    ) -> usize {
        let own: f64 = products[label].into();
        for ((slot, &product), distance) in scratch
            .iter_mut()
            .zip(products)
            .zip(self.distances.row(label))
        {
            *slot = 2.0 * (product.into() - own) - distance;
        }
        let (nearest, lead) = argmax_and_lead(scratch);
        let error = 16.0 * epsilon * (self.distance_error.0 * radius + self.distance_error.1)
            + 4.0 * self.left_out * radius;
        if lead > error {
            return nearest;
        }
        let sample = sample();
        for (slot, mean) in scratch.iter_mut().zip(self.means.rows()) {
            *slot = -mean
                .to_slice()
                .map_or(f64::NAN, |mean| squared_distance(sample, mean));
        }
        argmax(scratch)
    }
}

fn longest_row(rows: &Array2<f64>) -> f64 {
    let lengths = rows.rows().into_iter().map(|row| row.dot(&row).sqrt());
    lengths.fold(0.0, f64::max)
}
