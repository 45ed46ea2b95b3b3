//! Metrics of each class.

use ndarray::ArrayView2;

use super::builder::Measure;
use super::undefined::Undefined;
use crate::error::{MetricsError, Subject, finite};
use crate::geometry::angle;
use crate::input::to_f64;
use crate::kernels::Real;
use crate::label::{Label, class};
use crate::linalg::{dot, norm, rows_of};
use crate::passes::Moments;
use crate::results::Memorization;

/// The metrics of each class, and the angles between classes; see
/// [`Measure::per_class`](crate::Measure::per_class).
#[cfg_attr(
    feature = "serde",
    serde_with::skip_serializing_none,
    derive(serde::Serialize)
)]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PerClass {
    /// One entry per class, in order.
    pub classes: Vec<ClassMetrics>,
    /// Angles in degrees between the centred class means $m_k = \mu_k - \mu_G$, classes x classes.
    /// An entry is `None` if the mean of one of its classes equals $\mu_G$.
    /// [`Metrics::undefined`](crate::Metrics::undefined) then contains the reason for the first of
    /// these classes under `per_class.angles`; all angles are `None` if all class means coincide.
    ///
    /// At full collapse all angles are $\arccos(-1 / (K-1))$, except for zeros on the diagonal.
    #[doc(alias = "interference_grid")]
    pub angles: Option<Vec<Vec<Option<f64>>>>,
    /// The worst class: the one with the lowest [`nearest_mean`](ClassMetrics::nearest_mean); ties
    /// are resolved in favour of the larger [`variance`](ClassMetrics::variance), then of the lower
    /// class. `None` if `nearest_mean` is undefined.
    pub worst: Option<usize>,
}

/// The metrics of one class $k$; `None` has the same meaning as in [`Metrics`](crate::Metrics).
#[cfg_attr(
    feature = "serde",
    serde_with::skip_serializing_none,
    derive(serde::Serialize)
)]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ClassMetrics {
    /// The class $k$.
    pub class: usize,
    /// Number $n_k$ of samples with the label $k$.
    pub samples: usize,
    /// Trace of the covariance of the class, $v_k = \frac{1}{n_k} \sum_{i: y_i = k} \Vert h_i -
    /// \mu_k \Vert^2$. The mean over classes, weighted by $n_k / n$, is $\mathrm{tr}(\Sigma_W)$.
    pub variance: f64,
    /// Length of the centred class mean, $\Vert \mu_k - \mu_G \Vert$.
    #[doc(alias = "mean_norms")]
    pub mean_norm: f64,
    /// Share of the samples with the label $k$ whose [nearest class
    /// mean](crate::Moments::nearest_means) is $\mu_k$. Undefined if all class means coincide.
    pub nearest_mean: Option<f64>,
    /// Cosine between the centred class mean $\mu_k - \mu_G$ and the classifier row $W_k$; requires
    /// a classifier. As in [`nc3_dual`](crate::nc3_dual), which these cosines determine together
    /// with the lengths of the rows and means, the rows are not centred. Undefined if $\mu_k =
    /// \mu_G$ or $W_k = 0$.
    #[doc(alias = "similarities")]
    pub classifier_alignment: Option<f64>,
    /// Number of corrupted samples with the clean label $k$. This and the next two metrics require
    /// clean labels.
    pub corrupted: Option<usize>,
    /// [`memorization`](crate::memorization()): sum of the distances of these samples.
    pub memorization_sum: Option<f64>,
    /// Mean of the distances; `None` without corrupted samples.
    pub memorization_mean: Option<f64>,
}

/// Computes the metrics of each class. `memorization` is `None` without clean labels.
pub(super) fn measure_classes<T: Real, W: Real, L: Label>(
    inputs: &Measure<'_, T, W, L>,
    moments: &Moments,
    memorization: Option<Result<Memorization, MetricsError>>,
    undefined: &mut Undefined,
) -> Result<PerClass, MetricsError> {
    let mut found = PerClass {
        classes: sizes(moments)?,
        ..PerClass::default()
    };
    let nearest = agreement(inputs, moments);
    if let Some(shares) = undefined.keep("per_class.nearest_mean", nearest)? {
        for (of_class, share) in found.classes.iter_mut().zip(shares) {
            of_class.nearest_mean = Some(share);
        }
        found.worst = worst(&found.classes);
    }
    let directions = moments.class_directions();
    if let Some(classifier) = inputs.classifier {
        let cosines = directions
            .clone()
            .and_then(|of| alignments(&of, classifier));
        let name = "per_class.classifier_alignment";
        for (of_class, cosine) in found
            .classes
            .iter_mut()
            .zip(undefined.keep_each(name, cosines)?)
        {
            of_class.classifier_alignment = cosine;
        }
    }
    let angles = directions.map(|of| {
        let of_row = |a: &Direction| of.iter().map(|b| angle_between(a, b)).collect();
        of.iter().map(of_row).collect::<Vec<Vec<_>>>()
    });
    if let Some(rows) = undefined.keep("per_class.angles", angles)? {
        let kept = rows
            .into_iter()
            .map(|row| undefined.keep_each("per_class.angles", Ok(row)));
        found.angles = Some(kept.collect::<Result<_, _>>()?);
    }
    if let Some(memorization) = memorization {
        let parts = ["corrupted", "memorization_sum", "memorization_mean"];
        let memorization = undefined.keep_parts("per_class.", parts, memorization)?;
        if let Some(memorization) = memorization {
            add_memorization(&mut found.classes, &memorization);
        }
    }
    Ok(found)
}

/// A unit vector, or the reason why it is undefined.
type Direction = Result<Vec<f64>, MetricsError>;

/// The metrics that the moments determine.
fn sizes(moments: &Moments) -> Result<Vec<ClassMetrics>, MetricsError> {
    let counts = moments.means().counts.iter();
    let parts = counts
        .zip(moments.variances())
        .zip(rows_of(&moments.offsets_from_global()));
    let of_class = |(class, ((&samples, variance), offset)): (usize, ((&usize, f64), Vec<f64>))| {
        Ok(ClassMetrics {
            class,
            samples,
            variance: finite("per_class.variance", variance)?,
            mean_norm: finite("per_class.mean_norm", norm(&offset))?,
            ..ClassMetrics::default()
        })
    };
    parts.enumerate().map(of_class).collect()
}

/// The share of samples per class whose nearest mean is that of their label.
fn agreement<T: Real, W: Real, L: Label>(
    inputs: &Measure<'_, T, W, L>,
    moments: &Moments,
) -> Result<Vec<f64>, MetricsError> {
    let mut agreeing = vec![0_usize; inputs.classes];
    let nearest = moments.nearest_means(inputs.features)?;
    for (&label, nearest) in inputs.labels.iter().zip(nearest) {
        agreeing[nearest] += usize::from(class(label) == nearest);
    }
    let counts = &moments.means().counts;
    let shares = agreeing.iter().zip(counts);
    Ok(shares.map(|(&own, &all)| own as f64 / all as f64).collect())
}

/// See [`PerClass::worst`].
fn worst(classes: &[ClassMetrics]) -> Option<usize> {
    let rank = |of: &&ClassMetrics| (of.nearest_mean.unwrap_or_default(), -of.variance);
    let order = |a: &&ClassMetrics, b: &&ClassMetrics| {
        let ((share, variance), (others, other_variance)) = (rank(a), rank(b));
        share
            .total_cmp(&others)
            .then(variance.total_cmp(&other_variance))
    };
    classes.iter().min_by(order).map(|of| of.class)
}

/// The cosine between each direction and the classifier row of its class.
fn alignments<W: Real>(
    directions: &[Direction],
    classifier: ArrayView2<'_, W>,
) -> Result<Vec<Result<f64, MetricsError>>, MetricsError> {
    let array = Subject::Classifier;
    let rows = rows_of(&to_f64(classifier, array)?);
    let cosine = |(direction, row): (&Direction, Vec<f64>)| {
        let largest = row
            .iter()
            .fold(0.0_f64, |largest, value| largest.max(value.abs()));
        if largest == 0.0 {
            return Err(MetricsError::ZeroNorm { array });
        }
        // Squares of scaled entries neither overflow nor underflow.
        let row: Vec<f64> = row.iter().map(|value| value / largest).collect();
        let cosine = dot(direction.as_ref().map_err(Clone::clone)?, &row) / norm(&row);
        Ok(cosine.clamp(-1.0, 1.0))
    };
    Ok(directions.iter().zip(rows).map(cosine).collect())
}

/// The angle in degrees between two directions.
fn angle_between(a: &Direction, b: &Direction) -> Result<f64, MetricsError> {
    let (a, b) = (
        a.as_ref().map_err(Clone::clone)?,
        b.as_ref().map_err(Clone::clone)?,
    );
    Ok(angle(a, b))
}

fn add_memorization(classes: &mut [ClassMetrics], memorization: &Memorization) {
    let parts = memorization.per_class.iter().zip(&memorization.counts);
    for (of_class, (&sum, &count)) in classes.iter_mut().zip(parts) {
        of_class.corrupted = Some(count);
        of_class.memorization_sum = Some(sum);
        of_class.memorization_mean = (count > 0).then(|| sum / count as f64);
    }
}
