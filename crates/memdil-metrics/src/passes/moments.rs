//! The result of the first pass: means and scatter of the classes.

use ndarray::{Array1, Array2, ArrayView1, s};

use crate::error::{MetricsError, Subject};
use crate::geometry::{pair_distances, weighted_mean};
use crate::input::check_two_classes;
use crate::kernels::Sums;
use crate::linalg::{max_abs, norm};
use crate::results::ClassMeans;

/// Counts, means and scatter of the classes: the result of [`FirstPass`](crate::FirstPass).
///
/// The methods compute the metrics that depend only on these quantities; the functions of the same
/// names define them. [`SecondPass`](crate::SecondPass) collects the other metrics.
#[derive(Clone, Debug)]
pub struct Moments {
    classes: ClassMeans,
    /// One sample of each class, and the offset of the class mean from it. Together they are more
    /// precise than a single number.
    origins: Array2<f64>,
    offsets: Array2<f64>,
    /// Class means minus the first origin, which is close to the features.
    relative: Array2<f64>,
    /// Mean of all samples minus the first origin.
    relative_global: Array1<f64>,
    /// $\sum_i \Vert h_i - \mu_k \Vert^2$ per class.
    scatter: Vec<f64>,
    /// Approximate size of the differences to the origin, which is the scale of rounding errors.
    span: f64,
    noise: Option<Noise>,
}

/// Statistics that require clean labels. Means of empty groups are never used.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    /// Number of samples per class whose observed label equals the clean label.
    pub(crate) uncorrupted: Vec<usize>,
    /// Means of the uncorrupted samples.
    pub(crate) uncorrupted_means: Array2<f64>,
    /// Number of samples per observed class whose clean class differs.
    pub(crate) corrupted: Vec<usize>,
    /// Means of the corrupted samples minus the means of all samples of the observed class.
    pub(crate) corrupted_shift: Array2<f64>,
}

impl Moments {
    /// The classes without samples, whose means are not defined.
    pub(crate) fn empty_classes(&self) -> Vec<usize> {
        let counts = self.classes.counts.iter().enumerate();
        let empty = counts.filter(|&(_, &count)| count == 0);
        empty.map(|(class, _)| class).collect()
    }

    /// Computes the moments from sums of differences to one sample of each class.
    pub(super) fn new(origins: Array2<f64>, sums: &Sums) -> Result<Self, MetricsError> {
        let Sums {
            mut offsets,
            squares,
            counts,
        } = sums.by_class(origins.nrows());
        let counts = counts.to_vec();
        let mut scatter = Vec::with_capacity(counts.len());
        for ((mut offsets, &count), square) in
            offsets.rows_mut().into_iter().zip(&counts).zip(squares)
        {
            offsets /= count.max(1) as f64;
            scatter.push((square - count as f64 * offsets.dot(&offsets)).max(0.0));
        }
        let origin = origins.row(0);
        let relative = &origins - &origin + &offsets;
        check_squares(&relative, &offsets, &sums.squares)?;
        let relative_global = weighted_mean(&relative, &counts);
        let deviations = scatter.iter().zip(&counts);
        let deviations = deviations.map(|(sum, &count)| (sum / count.max(1) as f64).sqrt());
        let span = max_abs(&relative) + deviations.fold(0.0, f64::max);
        let is_noisy = sums.counts.len() > counts.len();
        let noise = is_noisy.then(|| Noise::new(&origins, &offsets, sums));
        let classes = ClassMeans {
            means: &origins + &offsets,
            global: &relative_global + &origin,
            counts,
        };
        let mut numbers = classes.means.iter().chain(&classes.global).chain(&scatter);
        if !numbers.all(|value| value.is_finite()) {
            let (sum, array) = ("the sum of the", Subject::Features);
            return Err(MetricsError::SumOverflow { sum, array });
        }
        Ok(Self {
            classes,
            origins,
            offsets,
            relative,
            relative_global,
            scatter,
            span,
            noise,
        })
    }

    /// Means of the classes and of all samples, and the class counts.
    pub fn means(&self) -> &ClassMeans {
        &self.classes
    }

    /// Mean squared distance of the samples of each class from its mean, $v_k$.
    pub fn variances(&self) -> Vec<f64> {
        let classes = self.scatter.iter().zip(&self.classes.counts);
        classes.map(|(sum, &count)| sum / count as f64).collect()
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes.counts.len()
    }

    pub(crate) fn dim(&self) -> usize {
        self.origins.ncols()
    }

    pub(crate) fn samples(&self) -> usize {
        self.classes.counts.iter().sum()
    }

    pub(crate) fn noise(&self) -> Result<&Noise, MetricsError> {
        self.noise.as_ref().ok_or(MetricsError::NoCleanLabels)
    }

    /// The entries of the class means, each as a sum of two numbers.
    pub(crate) fn mean_parts(&self) -> impl Iterator<Item = (f64, f64)> {
        self.origins
            .iter()
            .copied()
            .zip(self.offsets.iter().copied())
    }

    /// The entries of the global mean, each as a sum of two numbers.
    pub(super) fn global_parts(&self) -> impl Iterator<Item = (f64, f64)> {
        let origin = self.origins.row(0).to_vec().into_iter();
        origin.zip(self.relative_global.to_vec())
    }

    pub(crate) fn relative_means(&self) -> &Array2<f64> {
        &self.relative
    }

    /// Rows $m_k = \mu_k - \mu_G$. It is an error if all are zero up to rounding.
    pub(crate) fn centred(&self) -> Result<Array2<f64>, MetricsError> {
        check_two_classes(self.classes())?;
        let centred = self.offsets_from_global();
        if max_abs(&centred) <= self.rounding() {
            return Err(MetricsError::ZeroScatter);
        }
        Ok(centred)
    }

    /// Rows $\mu_k - \mu_G$.
    pub(crate) fn offsets_from_global(&self) -> Array2<f64> {
        &self.relative - &self.relative_global
    }

    /// Bound on the difference of equal means that is due to rounding.
    pub(crate) fn rounding(&self) -> f64 {
        f64::EPSILON * (self.samples() as f64).sqrt() * self.span
    }

    /// Upper bound on the distance of any sample of a class from the class mean.
    pub(crate) fn max_distance(&self, class: usize) -> f64 {
        self.scatter[class].sqrt()
    }

    /// $\mathrm{tr}(\Sigma_W)$.
    pub(crate) fn within(&self) -> f64 {
        self.scatter.iter().sum::<f64>() / self.samples() as f64
    }

    /// Squared distances of all pairs of class means, as (i, j, square) with $j < i$. It is an
    /// error if two means coincide.
    pub(crate) fn distinct_pairs(&self) -> Result<Vec<(usize, usize, f64)>, MetricsError> {
        let distances = pair_distances(&self.relative);
        let rounding = self.rounding();
        let mut pairs = distances.iter();
        match pairs.find(|(_, _, square)| square.sqrt() <= rounding) {
            Some(&(second, first, _)) => Err(MetricsError::SameMean { first, second }),
            None => Ok(distances),
        }
    }

    /// Unit vectors along $m_k = \mu_k - \mu_G$. It is an error if one of these is zero.
    pub(crate) fn directions(&self) -> Result<Vec<Vec<f64>>, MetricsError> {
        self.class_directions()?.into_iter().collect()
    }

    /// The unit vector along $m_k = \mu_k - \mu_G$ of each class, which is an error if $m_k$ is
    /// zero. The whole result is an error if all are.
    pub(crate) fn class_directions(
        &self,
    ) -> Result<Vec<Result<Vec<f64>, MetricsError>>, MetricsError> {
        let centred = self.centred()?;
        let rounding = self.rounding();
        let unit = |(class, row): (usize, ArrayView1<'_, f64>)| {
            let row = row.to_vec();
            let length = norm(&row);
            if length <= rounding {
                return Err(MetricsError::MeanAtCentre { class });
            }
            Ok(row.iter().map(|value| value / length).collect())
        };
        Ok(centred.rows().into_iter().enumerate().map(unit).collect())
    }
}

impl Noise {
    /// Computes the statistics from sums over the uncorrupted samples of each class, followed by
    /// those over the corrupted samples.
    fn new(origins: &Array2<f64>, offsets: &Array2<f64>, sums: &Sums) -> Self {
        let classes = origins.nrows();
        let mut uncorrupted_means = origins.clone();
        let mut corrupted_shift = -offsets;
        for class in 0..classes {
            for (mut mean, group) in [
                (uncorrupted_means.row_mut(class), class),
                (corrupted_shift.row_mut(class), classes + class),
            ] {
                let count = sums.counts[group] as f64;
                mean.scaled_add(1.0 / count.max(1.0), &sums.offsets.row(group));
            }
        }
        Self {
            uncorrupted: sums.counts.slice(s![..classes]).to_vec(),
            uncorrupted_means,
            corrupted: sums.counts.slice(s![classes..]).to_vec(),
            corrupted_shift,
        }
    }
}

/// Returns an error if the squares of all differences underflow.
fn check_squares(
    relative: &Array2<f64>,
    offsets: &Array2<f64>,
    squares: &Array1<f64>,
) -> Result<(), MetricsError> {
    let least = f64::MIN_POSITIVE / f64::EPSILON;
    let scale = max_abs(relative).max(max_abs(offsets));
    if scale > 0.0 && scale * scale < least && squares.iter().all(|&square| square < least) {
        let (sum, array) = ("the sum of squared", Subject::Features);
        return Err(MetricsError::SumOverflow { sum, array });
    }
    Ok(())
}
