//! From trained networks to the model: estimating $C_{MD}$ and predicting dilation.
//!
//! The model's tight constraint says $\rho = \eta\nu/C_{MD}$. Networks also dilate without noise,
//! so over runs that differ in noise level or width $\rho = \rho_0 + \eta\nu/C_{MD}$ is fitted.

use crate::bootstrap::{quantile, resampled};
use crate::error::{TheoryError, at_least, in_unit, not_negative, positive};
use crate::margin::MarginLoss;
use crate::memorization_dilation::{MdSetting, solve};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// What one run measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitRow {
    /// Realised noise level $f/(1-f)$, at least 0.
    pub eta: f64,
    /// Mean distance of corrupted training samples from the clean mean of their true class; 0
    /// without any.
    pub memorization: f64,
    /// Distance of the class means on test features, positive.
    pub separation: f64,
    /// Root mean square distance of test features from their class mean, at least 0.
    pub radius: f64,
    /// Rows of one group (a seed) are drawn together in the bootstrap; all rows have one, or none
    /// has.
    #[serde(default)]
    pub group: Option<u64>,
}

/// How the interval is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Resampled fits, at least 1.
    pub resamples: usize,
    /// Coverage, in [0, 1).
    pub confidence: f64,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 2000 resamples, 95 %, seed 0.
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
    /// Lower end of the bootstrap interval; absent if resampling cannot vary the slope, as with a
    /// single unit.
    pub c_md_low: Option<f64>,
    /// Upper end; absent also where the interval of the slope reaches 0, so that nothing bounds
    /// $C_{MD}$.
    pub c_md_high: Option<f64>,
    /// Dilation without noise.
    pub rho_0: f64,
    /// Share of the variance of $\rho$ that the line explains.
    pub r_squared: f64,
    /// Number of rows.
    pub rows: usize,
    /// Number of units resampled: groups, or rows without groups.
    pub units: usize,
}

/// Least squares for $\rho = \rho_0 + \eta\nu/C_{MD}$ with a percentile bootstrap interval.
///
/// The interval is taken on the slope $1/C_{MD}$ and inverted: a slope has a distribution where its
/// inverse has none. Source: relation Nguyen et al., ICLR 2023; bootstrap Efron 1979.
///
/// # Errors
/// A number out of range, by name; fewer than three rows; rows without variation in $\eta\nu$; some
/// rows with and some without group; a slope that is not positive.
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
    // One unit is drawn again and again; half of the draws without variation means that the
    // interval would describe the rest only.
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

/// The line $\rho = \rho_0 + \eta\nu/C_{MD}$ alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Constants {
    /// The memorization-dilation constant.
    pub c_md: f64,
    /// Dilation without noise.
    pub rho_0: f64,
}

/// The constants of [`fit`] without an interval: two rows are enough.
///
/// # Errors
/// As [`fit`], but for the number of rows and groups.
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

/// $(\eta\nu, \rho)$ of every row.
fn points(rows: &[FitRow]) -> Vec<(f64, f64)> {
    rows.iter()
        .map(|r| (r.eta * r.memorization, r.radius / r.separation))
        .collect()
}

/// The line through the points, whose slope must be positive.
fn rising_line(points: &[(f64, f64)]) -> Result<Line, TheoryError> {
    let reason = match Line::through(points.iter().copied()) {
        Some(line) if line.slope > 0.0 => return Ok(line),
        Some(Line { slope, .. }) => {
            format!("dilation does not grow with eta * memorization (slope {slope:.3e})")
        }
        None => "eta * memorization is the same in every row; add other noise levels".to_owned(),
    };
    Err(TheoryError::Fit { reason })
}

fn check(rows: &[FitRow], bootstrap: Bootstrap) -> Result<(), TheoryError> {
    at_least("rows", rows.len(), 3, "two rows fit every line")?;
    let why = "an interval needs draws";
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

/// Indices of rows that are drawn together.
fn units(rows: &[FitRow]) -> Result<Vec<Vec<usize>>, TheoryError> {
    if rows.iter().all(|row| row.group.is_none()) {
        return Ok((0..rows.len()).map(|i| vec![i]).collect());
    }
    let mut groups = std::collections::BTreeMap::<u64, Vec<usize>>::new();
    for (i, row) in rows.iter().enumerate() {
        let Some(group) = row.group else {
            let reason = format!("row {i} has no group but others have one");
            return Err(TheoryError::Fit { reason });
        };
        groups.entry(group).or_default().push(i);
    }
    Ok(groups.into_values().collect())
}

/// The slopes of resampled points that have one.
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
    /// The least squares line; `None` if all abscissae agree to rounding.
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
        // A horizontal cloud is explained completely by its horizontal line.
        let r_squared = if yy > 0.0 { xy * xy / (xx * yy) } else { 1.0 };
        Some(Self {
            slope,
            intercept: mean_y - slope * mean_x,
            r_squared,
        })
    }
}

/// The model's relative dilation at one noise level under one loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Prediction {
    /// The loss, as the keys `loss` and `alpha`.
    #[serde(flatten)]
    pub loss: MarginLoss,
    /// Noise level.
    pub eta: f64,
    /// Predicted relative dilation without $\rho_0$; absent after total collapse.
    pub rho: Option<f64>,
}

/// What the model predicts for every loss at every noise level, to lay over measured values.
///
/// `base` supplies weight decay, the fitted `c_md`, measure and dimension; its `eta` is replaced.
///
/// # Errors
/// As [`solve`].
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
