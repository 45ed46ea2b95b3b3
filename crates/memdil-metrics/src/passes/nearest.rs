//! The class mean nearest to each sample.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::moments::Moments;
use super::predictions::{argmax, argmax_and_lead};
use crate::error::{Counted, MetricsError, Subject};
use crate::input::why_not_finite;
use crate::kernels::{BLOCK, Centre, Centred, Projector, Real, Rows, Scratch, squared_distance};
use crate::linalg::{norm, rows_of};

/// Conservative bound on the rounding errors of a comparison, in units of epsilon.
const ROUNDINGS: f64 = 256.0;

/// The class means in the form in which samples are compared with them.
struct Candidates<'a> {
    moments: &'a Moments,
    /// The global mean $\mu_G$, which is subtracted from the samples.
    centre: Centre<f64>,
    global: Vec<f64>,
    /// The centred means $m_k = \mu_k - \mu_G$.
    projector: Projector<f64>,
    squares: Vec<f64>,
    /// Length of the longest centred mean.
    longest: f64,
}

impl Moments {
    /// The class with the nearest mean for each sample, which may be a sample of another set than
    /// that of the means.
    ///
    /// $$\arg\min_k \Vert h_i - \mu_k \Vert$$
    ///
    /// Ties are resolved in favour of the lowest class. The share of samples for which it is their
    /// label is the accuracy of the nearest-class-mean classifier. Source: Papyan et al. 2020.
    ///
    /// # Shapes
    /// `features` (samples x features) give class numbers (samples).
    ///
    /// # Errors
    /// Fewer than two classes, a class without samples, class means that all coincide, another
    /// number of features, non-finite features, squares outside the range of `f64`.
    ///
    /// # Examples
    /// ```
    /// use memdil_metrics::Moments;
    /// use ndarray::array;
    /// let features = array![[0.0], [1.0], [6.0], [7.0], [9.0]];
    /// // The means are 7/3 and 8.
    /// let moments = Moments::of(features.view(), &[0, 0, 0, 1, 1], None, 2)?;
    /// assert_eq!(moments.nearest_means(features.view())?, [0, 0, 1, 1, 1]);
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    pub fn nearest_means<T: Real>(
        &self,
        features: ArrayView2<'_, T>,
    ) -> Result<Vec<usize>, MetricsError> {
        let (rows, columns) = features.dim();
        Counted::Columns.check(Subject::Features, columns, Subject::FirstPass, self.dim())?;
        let counts = &self.means().counts;
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            let classes = counts.len();
            return Err(MetricsError::EmptyClass { class, classes });
        }
        let candidates = Candidates::new(self, &self.centred()?);
        let source = Rows::new(features);
        let blocks = (0..rows).into_par_iter().step_by(BLOCK);
        let of_block = |work: &mut Work<T>, first: usize| {
            candidates.nearest(source, first..rows.min(first + BLOCK), work)
        };
        let found: Vec<Option<Vec<usize>>> = blocks.map_init(Work::default, of_block).collect();
        let found: Option<Vec<Vec<usize>>> = found.into_iter().collect();
        let found = found.ok_or_else(|| why_not_finite(features, "a square of the"))?;
        Ok(found.concat())
    }
}

/// Buffers that a thread reuses between blocks.
#[derive(Default)]
struct Work<T> {
    scratch: Scratch<T, f64>,
    products: Vec<f64>,
}

impl<'a> Candidates<'a> {
    fn new(moments: &'a Moments, centred: &Array2<f64>) -> Self {
        let centred = rows_of(centred);
        let squares: Vec<f64> = centred.iter().map(|mean| norm(mean).powi(2)).collect();
        Self {
            moments,
            centre: Centre::new(moments.dim(), moments.global_parts()),
            global: moments.means().global.to_vec(),
            projector: Projector::new(&centred, moments.dim()),
            longest: squares.iter().copied().fold(0.0, f64::max).sqrt(),
            squares,
        }
    }

    /// The nearest mean of each row of a block, or `None` if a value is not finite.
    fn nearest<T: Real>(
        &self,
        rows: Rows<'_, T>,
        range: Range<usize>,
        work: &mut Work<T>,
    ) -> Option<Vec<usize>> {
        let centred = Centred {
            rows,
            range: range.clone(),
            centre_of: |_| 0,
            centres: &self.centre,
        };
        let Work { scratch, products } = work;
        self.projector.project(centred, scratch, products);
        let stride = self.projector.stride();
        let mut nearness = vec![0.0; self.squares.len()];
        let nearest_of = |(index, row): (usize, usize)| {
            let sample = rows.get(row, &mut scratch.row);
            // The residual r = h - mu_G is nearest to the mean with the largest
            // 2 r m_k - |m_k|^2, because |r - m_k|^2 is |r|^2 minus this.
            let products = products[index * stride..].iter();
            for ((slot, product), square) in nearness.iter_mut().zip(products).zip(&self.squares) {
                *slot = 2.0 * product - square;
            }
            let length = squared_distance(sample, &self.global).sqrt();
            let scale = (length + self.longest) * self.longest;
            let (nearest, lead) = argmax_and_lead(&nearness);
            match scale.is_finite() {
                false => None,
                true if lead > ROUNDINGS * f64::EPSILON * scale => Some(nearest),
                true => Some(self.nearest_by_distance(sample, &mut nearness)),
            }
        };
        range.enumerate().map(nearest_of).collect()
    }

    /// The nearest mean from the distances themselves, if rounding could change the comparison.
    fn nearest_by_distance<T: Real>(&self, sample: &[T], nearness: &mut [f64]) -> usize {
        for (slot, mean) in nearness.iter_mut().zip(self.moments.means().means.rows()) {
            *slot = -mean
                .to_slice()
                .map_or(f64::NAN, |mean| squared_distance(sample, mean));
        }
        argmax(nearness)
    }
}
