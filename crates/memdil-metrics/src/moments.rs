//! What the first pass knows: means and scatter of the classes, and every metric that needs no
//! more.

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

use crate::collapse::between_class_directions;
use crate::error::finite;
use crate::input::{
    Label, Real, check_labels, check_samples, check_two_classes, first_empty_class,
};
use crate::kernels::{Sums, squared_distance};
use crate::linalg::{max_abs, norm, rows_of};
use crate::{ClassMeans, FirstPass, MetricsError};

/// Counts, means and scatter of the classes: what [`FirstPass`] collected.
///
/// Its methods are the metrics that follow from these alone, each named and defined like the
/// function of the same name.
/// [`SecondPass`](crate::SecondPass) gives the others.
#[derive(Clone, Debug)]
pub struct Moments {
    classes: ClassMeans,
    /// One sample of each class, and what the class mean is off it: together they have more digits
    /// than one number.
    origins: Array2<f64>,
    offsets: Array2<f64>,
    /// Class means less the first of the origins: a point near the features.
    relative: Array2<f64>,
    /// Mean of all samples less the same.
    relative_global: Array1<f64>,
    /// $\sum_i \Vert h_i - \mu_k \Vert^2$ of each class.
    scatter: Vec<f64>,
    /// Rough size of differences to the origin: the scale of rounding errors.
    span: f64,
    noise: Option<Noise>,
}

/// What clean labels add. Means of groups without samples are zero and never used.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    /// Samples of each class whose observed label is the clean one.
    pub(crate) uncorrupted: Vec<usize>,
    /// Their means.
    pub(crate) uncorrupted_means: Array2<f64>,
    /// Samples observed as each class and born as another.
    pub(crate) corrupted: Vec<usize>,
    /// Their means less the means of all samples observed as the class.
    pub(crate) corrupted_shift: Array2<f64>,
}

impl Moments {
    /// One pass over features in memory (or mapped into it).
    ///
    /// # Errors
    /// Those of [`FirstPass::add`] and [`FirstPass::finish`].
    pub fn of<T: Real, L: Label>(
        features: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
        classes: usize,
    ) -> Result<Self, MetricsError> {
        check_samples("features", features.nrows())?;
        check_labels("labels", labels, "features", features.nrows(), classes)?;
        if let Some(class) = first_empty_class(
            labels.iter().map(|&label| Some(crate::input::class(label))),
            classes,
        ) {
            return Err(MetricsError::EmptyClass { class, classes });
        }
        let mut pass = FirstPass::new(classes, features.ncols())?;
        pass.add(features, labels, clean_labels)?;
        pass.finish()
    }

    /// As [`of`](Self::of), but classes may be absent: see [`FirstPass::finish_with_gaps`].
    pub(crate) fn of_present<T: Real, L: Label>(
        features: ArrayView2<'_, T>,
        labels: &[L],
        classes: usize,
    ) -> Result<Self, MetricsError> {
        check_samples("features", features.nrows())?;
        check_labels("labels", labels, "features", features.nrows(), classes)?;
        let mut pass = FirstPass::new(classes, features.ncols())?;
        pass.add(features, labels, None)?;
        pass.finish_with_gaps()
    }

    /// The classes without a sample, which have no mean.
    pub(crate) fn absent(&self) -> Vec<usize> {
        let counts = self.classes.counts.iter().enumerate();
        let absent = counts.filter(|&(_, &count)| count == 0);
        absent.map(|(class, _)| class).collect()
    }

    /// From sums about one sample of each class.
    pub(crate) fn new(origins: Array2<f64>, sums: &Sums) -> Result<Self, MetricsError> {
        let classes = origins.nrows();
        let noisy = sums.counts.len() > classes;
        let of_group = |group: usize| (sums.counts[group] as f64, sums.offsets.row(group));
        let mut counts = sums.counts[..classes].to_vec();
        let (mut offsets, mut squares) = (
            sums.offsets.slice(ndarray::s![..classes, ..]).to_owned(),
            sums.squares[..classes].to_vec(),
        );
        if noisy {
            for class in 0..classes {
                counts[class] += sums.counts[classes + class];
                squares[class] += sums.squares[classes + class];
            }
            offsets += &sums.offsets.slice(ndarray::s![classes.., ..]);
        }
        let origin = origins.row(0);
        let mut scatter = Vec::with_capacity(classes);
        for ((mut offsets, &count), square) in
            offsets.rows_mut().into_iter().zip(&counts).zip(squares)
        {
            offsets /= count.max(1) as f64;
            scatter.push((square - count as f64 * offsets.dot(&offsets)).max(0.0));
        }
        let relative = &origins - &origin + &offsets;
        // Squares may vanish beside others, not where all do and differences do not.
        let (least, scale) = (
            f64::MIN_POSITIVE / f64::EPSILON,
            max_abs(&relative).max(max_abs(&offsets)),
        );
        if scale > 0.0 && scale * scale < least && sums.squares.iter().all(|&square| square < least)
        {
            return Err(MetricsError::Overflow {
                quantity: "the sum of squared features",
            });
        }
        let relative_global = weighted_mean(&relative, &counts);
        let spread = scatter
            .iter()
            .zip(&counts)
            .map(|(sum, &count)| (sum / count.max(1) as f64).sqrt())
            .fold(0.0, f64::max);
        let span = max_abs(&relative) + spread;

        let noise = noisy.then(|| {
            let mut uncorrupted_means = origins.clone();
            let mut corrupted_shift = -offsets.clone();
            for class in 0..classes {
                let (count, sum) = of_group(class);
                uncorrupted_means
                    .row_mut(class)
                    .scaled_add(1.0 / count.max(1.0), &sum);
                let (count, sum) = of_group(classes + class);
                corrupted_shift
                    .row_mut(class)
                    .scaled_add(1.0 / count.max(1.0), &sum);
            }
            Noise {
                uncorrupted: sums.counts[..classes].to_vec(),
                uncorrupted_means,
                corrupted: sums.counts[classes..].to_vec(),
                corrupted_shift,
            }
        });
        let means = ClassMeans {
            means: &origins + &offsets,
            global: &relative_global + &origin,
            counts,
        };
        if !means
            .means
            .iter()
            .chain(&means.global)
            .chain(&scatter)
            .all(|value| value.is_finite())
        {
            return Err(MetricsError::Overflow {
                quantity: "the sum of the features",
            });
        }
        Ok(Self {
            classes: means,
            origins,
            offsets,
            relative,
            relative_global,
            scatter,
            span,
            noise,
        })
    }

    /// Means of the classes and of all samples, and the counts.
    pub fn means(&self) -> &ClassMeans {
        &self.classes
    }

    /// Mean squared distance of the samples of each class from its mean, $v_k$.
    pub fn variances(&self) -> Vec<f64> {
        self.scatter
            .iter()
            .zip(&self.classes.counts)
            .map(|(sum, &count)| sum / count as f64)
            .collect()
    }

    /// Means of the uncorrupted samples of each class, as
    /// [`uncorrupted_class_means`](crate::uncorrupted_class_means).
    ///
    /// # Errors
    /// The first pass had no clean labels; a class without an uncorrupted sample.
    pub fn uncorrupted_means(&self) -> Result<ClassMeans, MetricsError> {
        let noise = self.noise()?;
        if let Some(class) = noise.uncorrupted.iter().position(|&count| count == 0) {
            return Err(MetricsError::NoCleanSample { class });
        }
        let global = weighted_mean(&noise.uncorrupted_means, &noise.uncorrupted);
        Ok(ClassMeans {
            means: noise.uncorrupted_means.clone(),
            global,
            counts: noise.uncorrupted.clone(),
        })
    }

    /// Vectors $v_j$ with $\mathrm{NC1} = \frac1n \sum_i \sum_j (v_j^T (h_i - \mu_{y_i}))^2$: for
    /// whoever has the features elsewhere, on a GPU say.
    ///
    /// # Shapes
    /// (at most $K - 1$, $d$).
    ///
    /// # Errors
    /// Fewer than two classes, class means that coincide.
    pub fn nc1_vectors(&self) -> Result<Array2<f64>, MetricsError> {
        let (directions, squares) = between_class_directions(&self.centred()?)?;
        Ok(Array2::from_shape_fn(
            (directions.len(), self.dim()),
            |(j, i)| directions[j][i] / squares[j].sqrt(),
        ))
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

    /// Class means, entry by entry, as sums of two numbers.
    pub(crate) fn mean_parts(&self) -> impl Iterator<Item = (f64, f64)> {
        self.origins
            .iter()
            .copied()
            .zip(self.offsets.iter().copied())
    }

    pub(crate) fn relative_means(&self) -> &Array2<f64> {
        &self.relative
    }

    /// Rows $m_k = \mu_k - \mu_G$; an error if they are all zero up to the rounding of the sums
    /// behind them.
    pub(crate) fn centred(&self) -> Result<Array2<f64>, MetricsError> {
        check_two_classes(self.classes())?;
        let centred = &self.relative - &self.relative_global;
        let rounding = self.rounding();
        if max_abs(&centred) <= rounding {
            Err(MetricsError::ZeroScatter)
        } else {
            Ok(centred)
        }
    }

    /// What rounding may have made of means that are equal.
    fn rounding(&self) -> f64 {
        f64::EPSILON * (self.samples() as f64).sqrt() * self.span
    }

    /// More than the distance of any sample of a class from its mean.
    pub(crate) fn reach(&self, class: usize) -> f64 {
        self.scatter[class].sqrt()
    }

    /// $\mathrm{tr}\,\Sigma_W$.
    pub(crate) fn within(&self) -> f64 {
        self.scatter.iter().sum::<f64>() / self.samples() as f64
    }

    /// See [`radius`](crate::radius).
    ///
    /// # Errors
    /// A value beyond the range of `f64`.
    pub fn radius(&self) -> Result<f64, MetricsError> {
        finite("radius", self.within().sqrt())
    }

    /// See [`separation`](crate::separation).
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide.
    pub fn separation(&self) -> Result<f64, MetricsError> {
        finite(
            "separation",
            crate::dilation::mean_pair_distance(&self.centred()?),
        )
    }

    /// See [`rho`](crate::rho).
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide, a value beyond the range of `f64`.
    pub fn rho(&self) -> Result<f64, MetricsError> {
        finite("rho", self.radius()? / self.separation()?)
    }

    /// Squared distances of all pairs of class means, as (i, j, square) with $j < i$; an error
    /// where two coincide.
    pub(crate) fn distinct_pairs(&self) -> Result<Vec<(usize, usize, f64)>, MetricsError> {
        let distances = pair_distances(&self.relative);
        let rounding = self.rounding();
        match distances
            .iter()
            .find(|(_, _, square)| square.sqrt() <= rounding)
        {
            Some(&(second, first, _)) => Err(MetricsError::SameMean { first, second }),
            None => Ok(distances),
        }
    }

    /// Unit vectors along $m_k = \mu_k - \mu_G$; an error where one is zero.
    pub(crate) fn directions(&self) -> Result<Vec<Vec<f64>>, MetricsError> {
        let centred = self.centred()?;
        let rounding = self.rounding();
        let unit = |(class, row): (usize, ndarray::ArrayView1<'_, f64>)| {
            let row = row.to_vec();
            let length = norm(&row);
            if length <= rounding {
                return Err(MetricsError::MeanAtCentre { class });
            }
            Ok(row.iter().map(|value| value / length).collect())
        };
        centred.rows().into_iter().enumerate().map(unit).collect()
    }
}

/// The mean over samples, from the means of classes.
fn weighted_mean(means: &Array2<f64>, counts: &[usize]) -> Array1<f64> {
    let mut sum = Array1::zeros(means.ncols());
    for (mean, &count) in means.rows().into_iter().zip(counts) {
        sum.scaled_add(count as f64, &mean);
    }
    sum / counts.iter().sum::<usize>() as f64
}

/// Squared distance of every pair of rows $j < i$, as (i, j, square).
pub(crate) fn pair_distances(rows: &Array2<f64>) -> Vec<(usize, usize, f64)> {
    let rows = rows_of(rows);
    let of_row = |i: usize| {
        (0..i)
            .map(|j| (i, j, squared_distance(&rows[i], &rows[j])))
            .collect::<Vec<_>>()
    };
    (0..rows.len())
        .into_par_iter()
        .flat_map_iter(of_row)
        .collect()
}
