//! Estimation of $C_{MD}$ from trained networks, and prediction of dilation.
//!
//! The tight constraint of the model implies $\rho = \eta\nu/C_{MD}$ for relative dilation $\rho$,
//! noise level $\eta$ and memorization $\nu$. Networks also dilate without noise, so the line
//! $\rho = \rho_0 + \eta\nu/C_{MD}$ is fitted to runs that differ in noise level or width.

use crate::bootstrap::{quantile, resampled};
use crate::error::{TheoryError, at_least, in_unit, not_negative, positive};
use crate::margin::MarginLoss;
use crate::memorization_dilation::{MdSetting, solve};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// The measurements of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitRow {
    /// Realised noise level $f/(1-f)$ for a corrupted fraction $f$, at least 0.
    pub eta: f64,
    /// Mean distance of corrupted training samples from the clean mean of their true class; 0 if
    /// there are none.
    pub memorization: f64,
    /// Distance between the class means of the test features, positive.
    pub separation: f64,
    /// Root mean square distance of test features from their class mean, at least 0.
    pub radius: f64,
    /// Group, for example the seed. The bootstrap draws the rows of a group together. Either all
    /// rows have a group or none.
    #[serde(default)]
    pub group: Option<u64>,
}

/// Options of the bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples, at least 1.
    pub resamples: usize,
    /// Confidence level, in [0, 1).
    pub confidence: f64,
    /// Seed of the random generator.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 2000 resamples, a confidence level of 95 % and seed 0.
    fn default() -> Self {
        Self {
            resamples: 2000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

/// A fitted line $\rho = \rho_0 + \eta\nu/C_{MD}$.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Fit {
    /// The memorization-dilation constant.
    pub c_md: f64,
    /// Lower end of the bootstrap interval; `None` if resampling cannot vary the slope, for example
    /// with a single unit.
    pub c_md_low: Option<f64>,
    /// Upper end of the bootstrap interval; also `None` if the interval of the slope includes 0, so
    /// that $C_{MD}$ is unbounded.
    pub c_md_high: Option<f64>,
    /// Relative dilation without noise.
    pub rho_0: f64,
    /// Share of the variance of $\rho$ explained by the line.
    pub r_squared: f64,
    /// Number of rows.
    pub rows: usize,
    /// Number of resampled units: groups, or rows if there are no groups.
    pub units: usize,
}

/// Fits $\rho = \rho_0 + \eta\nu/C_{MD}$ by least squares, with a percentile bootstrap interval.
///
/// The interval is computed for the slope $1/C_{MD}$ and then inverted, because the inverse is not
/// defined for resamples with a slope of 0. Sources: Nguyen et al., ICLR 2023, for the relation,
/// and Efron 1979 for the bootstrap.
///
/// # Errors
/// A number out of range, fewer than three rows, rows without variation in $\eta\nu$, groups for
/// some rows only, a slope that is not positive.
///
/// # Example
/// ```
/// use memdil_theory::fit::{Bootstrap, FitRow, fit};
/// let row = |eta: f64, memorization: f64| FitRow {
///     eta, memorization, separation: 2.0, radius: 2.0 * (0.05 + eta * memorization / 0.5), group: None,
/// };
/// let rows = [row(0.0, 0.0), row(0.1, 0.8), row(0.2, 1.1), row(0.3, 1.2)];
/// let found = fit(&rows, Bootstrap::default())?;
/// assert!((found.c_md - 0.5).abs() < 1e-12 && (found.rho_0 - 0.05).abs() < 1e-12);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn fit(rows: &[FitRow], bootstrap: Bootstrap) -> Result<Fit, TheoryError> {
    check(rows, bootstrap)?;
    let points = points(rows);
    let units = units(rows)?;
    let line = rising_line(&points)?;
    let slopes = resampled_slopes(&points, &units, bootstrap);
    // A single unit gives identical resamples. If half of the resamples have no slope, the interval
    // would describe only the others.
    let enough = units.len() > 1 && slopes.len() * 2 > bootstrap.resamples;
    let tail = 0.5 * (1.0 - bootstrap.confidence);
    let slope_at = |p: f64| enough.then(|| quantile(&slopes, p));
    let invert = |slope: f64| (slope > 0.0).then(|| 1.0 / slope);
    Ok(Fit {
        c_md: 1.0 / line.slope,
        c_md_low: slope_at(1.0 - tail).and_then(invert),
        c_md_high: slope_at(tail).and_then(invert),
        rho_0: line.intercept,
        r_squared: line.r_squared,
        rows: rows.len(),
        units: units.len(),
    })
}

/// The parameters of the line $\rho = \rho_0 + \eta\nu/C_{MD}$.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Constants {
    /// The memorization-dilation constant.
    pub c_md: f64,
    /// Relative dilation without noise.
    pub rho_0: f64,
}

/// The constants of [`fit`] without an interval. Two rows are sufficient.
///
/// # Errors
/// Same as [`fit`], except for the number of rows and the groups.
///
/// # Example
/// ```
/// use memdil_theory::fit::{FitRow, fit_line};
/// let row = |eta: f64, memorization: f64| FitRow {
///     eta, memorization, separation: 2.0, radius: 2.0 * (0.05 + eta * memorization / 0.5), group: None,
/// };
/// let found = fit_line(&[row(0.0, 0.0), row(0.3, 1.2)])?;
/// assert!((found.c_md - 0.5).abs() < 1e-12 && (found.rho_0 - 0.05).abs() < 1e-12);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn fit_line(rows: &[FitRow]) -> Result<Constants, TheoryError> {
    rows.iter().try_for_each(FitRow::check)?;
    let line = rising_line(&points(rows))?;
    Ok(Constants {
        c_md: 1.0 / line.slope,
        rho_0: line.intercept,
    })
}

/// $(\eta\nu, \rho)$ for each row.
fn points(rows: &[FitRow]) -> Vec<(f64, f64)> {
    rows.iter()
        .map(|r| (r.eta * r.memorization, r.radius / r.separation))
        .collect()
}

/// The regression line of the points, whose slope must be positive.
fn rising_line(points: &[(f64, f64)]) -> Result<Line, TheoryError> {
    let reason = match Line::through(points.iter().copied()) {
        Some(line) if line.slope > 0.0 => return Ok(line),
        Some(Line { slope, .. }) => {
            format!(
                "dilation does not increase with eta * memorization (slope {slope:.3e}); check the rows"
            )
        }
        None => "eta * memorization is the same in every row; add other noise levels".to_owned(),
    };
    Err(TheoryError::Fit { reason })
}

fn check(rows: &[FitRow], bootstrap: Bootstrap) -> Result<(), TheoryError> {
    at_least("rows", rows.len(), 3, "a line always fits two rows exactly")?;
    let why = "an interval requires resamples";
    at_least("resamples", bootstrap.resamples, 1, why)?;
    in_unit("confidence", bootstrap.confidence)?;
    rows.iter().try_for_each(FitRow::check)
}

impl FitRow {
    fn check(&self) -> Result<(), TheoryError> {
        positive("separation", self.separation)?;
        not_negative("eta", self.eta)?;
        not_negative("memorization", self.memorization)?;
        not_negative("radius", self.radius)
    }
}

/// The row indices of each unit of resampling.
fn units(rows: &[FitRow]) -> Result<Vec<Vec<usize>>, TheoryError> {
    if rows.iter().all(|row| row.group.is_none()) {
        return Ok((0..rows.len()).map(|i| vec![i]).collect());
    }
    let mut groups = std::collections::BTreeMap::<u64, Vec<usize>>::new();
    for (i, row) in rows.iter().enumerate() {
        let Some(group) = row.group else {
            let reason =
                format!("row {i} has no group but other rows do; set it for all rows or none");
            return Err(TheoryError::Fit { reason });
        };
        groups.entry(group).or_default().push(i);
    }
    Ok(groups.into_values().collect())
}

/// The slopes of the resamples for which a slope is defined.
fn resampled_slopes(points: &[(f64, f64)], units: &[Vec<usize>], bootstrap: Bootstrap) -> Vec<f64> {
    let slope = |drawn: &[usize]| {
        let rows = drawn.iter().flat_map(|&unit| &units[unit]);
        Line::through(rows.map(|&row| points[row])).map(|line| line.slope)
    };
    let rng = ChaCha8Rng::seed_from_u64(bootstrap.seed);
    resampled(rng, units.len(), bootstrap.resamples, slope)
}

struct Line {
    slope: f64,
    intercept: f64,
    r_squared: f64,
}

impl Line {
    /// The least squares line; `None` if all x values are equal up to rounding.
    fn through(points: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Self> {
        let count = points.clone().count() as f64;
        let (sum_x, sum_y) = points
            .clone()
            .fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in points {
            let (dx, dy) = (x - mean_x, y - mean_y);
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
        if xx <= 1e-20 * count * mean_x * mean_x || xx <= 0.0 {
            return None;
        }
        let slope = xy / xx;
        // Without variation in y, the horizontal line fits exactly.
        let r_squared = if yy > 0.0 { xy * xy / (xx * yy) } else { 1.0 };
        Some(Self {
            slope,
            intercept: mean_y - slope * mean_x,
            r_squared,
        })
    }
}

/// The predicted relative dilation for one noise level and loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Prediction {
    /// The loss, serialised as the keys `loss` and `alpha`.
    #[serde(flatten)]
    pub loss: MarginLoss,
    /// Noise level.
    pub eta: f64,
    /// Predicted relative dilation without $\rho_0$; `None` after total collapse.
    pub rho: Option<f64>,
}

/// Predicts the relative dilation for each loss and noise level, for comparison with measured
/// values.
///
/// `base` supplies the weight decay, the fitted `c_md`, the measure and the dimension; its `eta` is
/// ignored.
///
/// # Errors
/// Same as [`solve`].
///
/// # Example
/// ```
/// use memdil_theory::fit::predict;
/// use memdil_theory::{LossKind, MarginLoss, MdSetting};
/// let base = MdSetting::new(1e-3, 1e-3).noise(0.0, 0.5);
/// let losses = [MarginLoss::cross_entropy(), MarginLoss::new(LossKind::Ls, 0.1)?];
/// let found = predict(&base, &[0.05, 0.1], &losses)?;
/// assert_eq!(found.len(), 4);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn predict(
    base: &MdSetting,
    etas: &[f64],
    losses: &[MarginLoss],
) -> Result<Vec<Prediction>, TheoryError> {
    let mut predictions = Vec::with_capacity(etas.len() * losses.len());
    for &loss in losses {
        for &eta in etas {
            let rho = solve(&base.noise(eta, base.c_md), &loss)?.rho();
            predictions.push(Prediction { loss, eta, rho });
        }
    }
    Ok(predictions)
}
