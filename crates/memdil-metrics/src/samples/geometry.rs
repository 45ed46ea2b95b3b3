//! Distance of each sample from a class mean, and alignment with it.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::MIN_ROWS;
use crate::error::{MetricsError, Subject, finite};
use crate::input::check_samples;
use crate::kernels::{Real, Rows, along, squared_distance};
use crate::label::{Label, class};
use crate::linalg::{max_abs, norm, rows_of};
use crate::passes::Moments;

/// Distances and alignments of all samples; see [`sample_geometry`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SampleGeometry {
    /// Relative to the mean of the samples with the same given label.
    pub given: MeanGeometry,
    /// Relative to the mean of the uncorrupted samples of the clean class; `None` without clean
    /// labels, and an error if that mean is not defined for a class that occurs.
    pub clean: Option<Result<MeanGeometry, MetricsError>>,
}

/// Distance from and alignment with one class mean per sample; see [`sample_geometry`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MeanGeometry {
    /// Distance of each sample from the mean of its class, in the unit of the features.
    pub distances: Vec<f64>,
    /// Cosine per sample, in $[-1, 1]$; an error that names the class if a class mean equals the
    /// global mean.
    pub alignments: Result<Vec<f64>, MetricsError>,
}

/// Distance of each sample from the mean of its given class and of its clean class, and alignment
/// with both.
///
/// For observed labels $y$, clean labels $c$, the mean $\mu_k$ of all samples with the label $k$,
/// the mean $\nu_k$ of the uncorrupted samples ($y_i = c_i = k$), and the mean $\mu_G$ of all
/// samples:
///
/// $$\mathrm{distance}^{\mathrm{given}}_i = \Vert h_i - \mu_{y_i} \Vert, \qquad
///   \mathrm{alignment}^{\mathrm{given}}_i = \cos(h_i - \mu_G, \mu_{y_i} - \mu_G)$$
///
/// $$\mathrm{distance}^{\mathrm{clean}}_i = \Vert h_i - \nu_{c_i} \Vert, \qquad
///   \mathrm{alignment}^{\mathrm{clean}}_i = \cos(h_i - \mu_G, \nu_{c_i} - \mu_G)$$
///
/// The distances to the clean mean, summed over the corrupted samples, are
/// [`memorization`](crate::memorization()). The alignment of a sample at $\mu_G$ (up to rounding)
/// is 0, as for a sample at a right angle to the mean. Classes may be empty. With latent classes,
/// `classes` is the number of given labels, latent ones included.
///
/// # Shapes
/// `features` (samples x features), observed `labels` (samples) and `clean_labels` (samples) give
/// up to four arrays (samples). The features are read twice.
///
/// # Errors
/// No samples, mismatched lengths, a label outside `0..classes`, non-finite features, values
/// outside the range of `f64`. Parts of the result are errors if only they are undefined: alignment
/// if the mean of a class equals $\mu_G$, and both clean arrays if a class has corrupted samples
/// but no uncorrupted ones.
///
/// # Examples
/// ```
/// use ndarray::array;
/// // The last sample has a wrong label; the means of the labels are (1, 0) and (7, 0).
/// let features = array![[0.0_f32, 0.0], [2.0, 0.0], [10.0, 0.0], [4.0, 0.0]];
/// let clean_labels = [0, 0, 1, 0];
/// let found = memdil_metrics::sample_geometry(features.view(), &[0, 0, 1, 1], Some(&clean_labels), 2)?;
/// assert_eq!(found.given.distances, [1.0, 1.0, 3.0, 3.0]);
/// // The mean of all samples is (4, 0), where the last sample is.
/// assert_eq!(found.given.alignments?, [1.0, 1.0, 1.0, 0.0]);
/// let clean = found.clean.expect("clean labels are given")?;
/// assert_eq!(clean.distances, [1.0, 1.0, 0.0, 3.0]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn sample_geometry<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    clean_labels: Option<&[L]>,
    classes: usize,
) -> Result<SampleGeometry, MetricsError> {
    check_samples(Subject::Features, features.nrows())?;
    let moments = Moments::with_empty_classes(features, labels, clean_labels, classes)?;
    let given = References::given(&moments, labels);
    let clean = clean_labels.map(|clean| References::clean(&moments, clean));
    let sides = [Some(&given), clean.as_ref().and_then(|c| c.as_ref().ok())];
    let source = Rows::new(features);
    let measure = |scratch: &mut Vec<T>, row: usize| {
        let sample = source.get(row, scratch);
        let labels = [Some(labels), clean_labels];
        std::array::from_fn(|side| {
            let found = sides[side].zip(labels[side]);
            found.map_or([0.0; 2], |(references, labels)| {
                references.measure(sample, class(labels[row]))
            })
        })
    };
    let rows = (0..features.nrows()).into_par_iter();
    let found: Vec<[[f64; 2]; 2]> = rows
        .with_min_len(MIN_ROWS)
        .map_init(Vec::new, measure)
        .collect();
    Ok(SampleGeometry {
        given: given.collect("the distance from the given mean", &found, 0)?,
        clean: clean.map(|of| of?.collect("the distance from the clean mean", &found, 1)),
    })
}

/// Name of the alignment in errors.
const ALIGNMENT: &str = "the alignment with a class mean";

/// The class means that samples are compared with.
struct References<'a> {
    means: &'a Array2<f64>,
    global: Vec<f64>,
    /// Unit vectors from the global mean to the class means; zero for a class that does not occur.
    directions: Result<Vec<Vec<f64>>, MetricsError>,
    /// Bound on the distance of a sample at the global mean that is due to rounding.
    rounding: f64,
}

impl<'a> References<'a> {
    fn given<L: Label>(moments: &'a Moments, labels: &[L]) -> Self {
        let offsets = moments.offsets_from_global();
        let rounding = moments.rounding();
        Self::new(moments, (&moments.means().means, labels), offsets, rounding)
    }

    fn clean<L: Label>(moments: &'a Moments, labels: &[L]) -> Result<Self, MetricsError> {
        let noise = moments.noise()?;
        let has_no_mean = |label: &&L| noise.uncorrupted[class(**label)] == 0;
        if let Some(&label) = labels.iter().filter(has_no_mean).min_by_key(|l| class(**l)) {
            let class = class(label);
            return Err(MetricsError::NoCleanSample { class });
        }
        let means = &noise.uncorrupted_means;
        let offsets = means - &moments.means().global;
        // Unlike the offsets of the given means, these are differences of rounded coordinates.
        let rounding = moments.rounding() + 4.0 * f64::EPSILON * max_abs(means);
        Ok(Self::new(moments, (means, labels), offsets, rounding))
    }

    /// `offsets` are the means minus the global mean, with errors of at most `rounding`.
    fn new<L: Label>(
        moments: &Moments,
        (means, labels): (&'a Array2<f64>, &[L]),
        offsets: Array2<f64>,
        rounding: f64,
    ) -> Self {
        let global = moments.means().global.to_vec();
        let mut occurs = vec![false; means.nrows()];
        labels.iter().for_each(|&label| occurs[class(label)] = true);
        let unit = |(class, offset): (usize, Vec<f64>)| {
            let length = finite(ALIGNMENT, norm(&offset))?;
            match (occurs[class], length <= rounding) {
                (false, _) => Ok(vec![0.0; offset.len()]),
                (true, true) => Err(MetricsError::MeanAtCentre { class }),
                (true, false) => Ok(offset.iter().map(|value| value / length).collect()),
            }
        };
        Self {
            means,
            directions: rows_of(&offsets)
                .into_iter()
                .enumerate()
                .map(unit)
                .collect(),
            rounding: moments.rounding() + f64::EPSILON * norm(&global),
            global,
        }
    }

    /// Distance and alignment of a sample with the mean of a class.
    fn measure<T: Real>(&self, sample: &[T], class: usize) -> [f64; 2] {
        let mean = self.means.row(class);
        let distance = mean
            .to_slice()
            .map_or(f64::NAN, |mean| squared_distance(sample, mean));
        let alignment = self.directions.as_ref().map_or(0.0, |directions| {
            let (product, square) = along(sample, &self.global, &directions[class]);
            match square.sqrt() {
                length if length <= self.rounding => 0.0,
                // `collect` reports the overflow.
                f64::INFINITY => f64::NAN,
                length => (product / length).clamp(-1.0, 1.0),
            }
        });
        [distance.sqrt(), alignment]
    }

    /// The arrays of one side of `found`.
    fn collect(
        self,
        quantity: &'static str,
        found: &[[[f64; 2]; 2]],
        side: usize,
    ) -> Result<MeanGeometry, MetricsError> {
        let part = |part: usize| {
            found
                .iter()
                .map(|row| row[side][part])
                .collect::<Vec<f64>>()
        };
        let (distances, alignments) = (part(0), part(1));
        finite(quantity, distances.iter().sum())?;
        let are_numbers = finite(ALIGNMENT, alignments.iter().sum());
        let alignments = self.directions.and(are_numbers.map(|_| alignments));
        Ok(MeanGeometry {
            distances,
            alignments,
        })
    }
}
