//! Models that predict rho from the noise level, the loss and the penalties of a run.

use memdil_theory::memorization_dilation::{collapsed_separation, solve};
use memdil_theory::{FeatureMeasure, JumpDilation, Jumps, MarginLoss, MdSetting, TheoryError};
use serde::Deserialize;

/// A model of relative dilation with one constant. Except for the first, the constant is the one
/// for which the model's rho of the fitted runs with noise has their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predictor {
    /// The memorization-dilation model, with $C_{MD}$ from its constraint: the slope of rho in
    /// $\eta\nu$.
    #[default]
    MemorizationDilation,
    /// The same, with the $C_{MD}$ for which its solution has the rho of the fitted runs.
    MemorizationDilationSolved,
    /// The model with jumps, whose risk includes the unseen features.
    Jumps,
    /// Jumps if the training features collapse completely and unseen features are not part of the
    /// risk. The dose is proportional to the distance of the class features.
    JumpsAfterCollapse,
    /// The same with a slope relative to the distance of the class features: the dose is
    /// proportional to the noise level.
    JumpsRelative,
    /// The ball of the memorization-dilation model under the same conditions: rho grows linearly
    /// with the noise level.
    BallRelative,
}

/// The settings of a run that a model uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunSetting {
    pub(super) loss: MarginLoss,
    /// The model's $\lambda_W$ and $\lambda_H$.
    pub(super) lambda: f64,
    /// Ratio of noisy to clean samples.
    pub(super) eta: f64,
    /// The square of rho (from NC1) over NC1, half the number of features.
    pub(super) per_nc1: f64,
}

impl Predictor {
    pub(super) const ALL: [Self; 6] = [
        Self::MemorizationDilation,
        Self::MemorizationDilationSolved,
        Self::Jumps,
        Self::JumpsAfterCollapse,
        Self::JumpsRelative,
        Self::BallRelative,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MemorizationDilation => "memorization-dilation model",
            Self::MemorizationDilationSolved => {
                "memorization-dilation model, C_MD from its solution"
            }
            Self::Jumps => "model with jumps in the risk",
            Self::JumpsAfterCollapse => "model with jumps after collapse",
            Self::JumpsRelative => "model with jumps after collapse, relative slope",
            Self::BallRelative => "model with a ball after collapse, relative slope",
        }
    }

    /// Rho (from NC1) for a constant, with the rho of clean networks; `None` if the features
    /// collapse to zero.
    pub(super) fn rho(
        self,
        run: &RunSetting,
        constant: f64,
        rho_0: f64,
    ) -> Result<Option<f64>, TheoryError> {
        if run.eta <= 0.0 {
            return Ok(Some(rho_0));
        }
        let setting = MdSetting::new(run.lambda, run.lambda).noise(run.eta, constant);
        let jumps = match self {
            Self::MemorizationDilation | Self::MemorizationDilationSolved => {
                let rho = solve(&setting, &run.loss)?.rho();
                return Ok(rho.map(|rho| rho_0 + rho));
            }
            Self::BallRelative => return Ok(Some(rho_0 + run.eta / constant)),
            Self::Jumps => {
                let setting = setting.measure(FeatureMeasure::Jumps);
                solve(&setting, &run.loss)?.solution().and_then(|s| s.jumps)
            }
            Self::JumpsAfterCollapse => {
                let apart = collapsed_separation(&setting, &run.loss)?;
                let dose = apart.map(|apart| 2.0 * run.eta * apart / constant);
                dose.map(after_collapse).transpose()?
            }
            Self::JumpsRelative => Some(after_collapse(2.0 * run.eta / constant)?),
        };
        // Jumps add to the spread that clean networks have, and move the class means.
        let rho =
            |jumps: JumpDilation| ((rho_0 / jumps.shrink).powi(2) + run.per_nc1 * jumps.nc1).sqrt();
        Ok(jumps.map(rho))
    }

    /// The constant for which the mean error over the cells is zero, the largest of those that a
    /// grid separates; `None` if there is none between the smallest and the largest constant.
    pub(super) fn constant(
        self,
        cells: &[(RunSetting, f64)],
        rho_0: f64,
    ) -> Result<Option<f64>, TheoryError> {
        let error = |log: f64| -> Result<Option<f64>, TheoryError> {
            let mut sum = 0.0;
            for (run, measured) in cells {
                match self.rho(run, log.exp(), rho_0)? {
                    Some(rho) => sum += rho - measured,
                    None => return Ok(None),
                }
            }
            Ok(Some(sum))
        };
        let mut above = None;
        for step in 0..=STEPS {
            let log = LARGEST - f64::from(step) * (LARGEST - SMALLEST) / f64::from(STEPS);
            let Some(found) = error(log)? else {
                above = None;
                continue;
            };
            if let Some((high, before)) = above
                && (before < 0.0) != (found < 0.0)
            {
                return bisect(error, [log, high], found < 0.0).map(Some);
            }
            above = Some((log, found));
        }
        Ok(None)
    }
}

/// Logarithms of the largest and the smallest constant that are tried, and the number of steps
/// between them.
const LARGEST: f64 = 7.0;
const SMALLEST: f64 = -9.0;
const STEPS: u32 = 32;

fn after_collapse(dose: f64) -> Result<JumpDilation, TheoryError> {
    Ok(JumpDilation::after_collapse(Jumps::new(dose)?))
}

/// The root of a function between two logarithms; `negative` says its sign at the lower one.
fn bisect(
    error: impl Fn(f64) -> Result<Option<f64>, TheoryError>,
    [mut low, mut high]: [f64; 2],
    negative: bool,
) -> Result<f64, TheoryError> {
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        match error(middle)? {
            Some(found) if (found < 0.0) == negative => low = middle,
            _ => high = middle,
        }
    }
    Ok((0.5 * (low + high)).exp())
}
