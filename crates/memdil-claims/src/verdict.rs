//! The outcome of a claim.

use std::fmt;

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::text::{count, number};

/// How a claim fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies on the expected side of the bound, and p after Holm's correction is below
    /// [`LEVEL`](crate::LEVEL); with several conditions each interval does. Of a rule about the solved models: it
    /// holds at every point checked.
    Supported,
    /// The interval of a condition lies wholly on the other side of its bound; a rule fails
    /// somewhere.
    Refuted,
    /// Neither; [`Claim::reason`] says why.
    Inconclusive,
}

impl Verdict {
    /// A sign that does not rely on colour.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Supported => "✓",
            Self::Refuted => "✗",
            Self::Inconclusive => "○",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// What an effect is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Spearman's rank correlation, or a difference of two.
    RankCorrelation,
    /// A ratio, as a difference in percent.
    Percent,
    /// Difference of shares, in percent.
    PercentagePoints,
    /// Difference of numbers.
    Difference,
    /// Exponent of a power law.
    Exponent,
    /// Error relative to an exact value.
    RelativeError,
}

impl Unit {
    /// A value of a test (a mean log ratio, a difference of shares) in this unit.
    pub(crate) fn convert(self, value: f64) -> f64 {
        match self {
            // Capped where the number would say nothing and overflow.
            Self::Percent => 100.0 * value.min(100.0).exp_m1(),
            Self::PercentagePoints => 100.0 * value,
            _ => value,
        }
    }

    /// An effect as text: `−42.0%`, `0.870`; a ratio of eleven or more as a factor, `×13.5`.
    pub fn format(self, effect: f64) -> String {
        match self {
            Self::RankCorrelation | Self::RelativeError | Self::Difference => number(effect),
            Self::Percent if effect > 999.0 => factor(effect),
            Self::Percent => format!("{effect:+.1}%").replace('-', "−"),
            Self::PercentagePoints => format!("{effect:+.2} points").replace('-', "−"),
            Self::Exponent => format!("{effect:.4}").replace('-', "−"),
        }
    }

    /// An interval of effects as text.
    pub fn format_interval(self, [low, high]: [f64; 2]) -> String {
        if self == Self::Percent && high > 999.0 {
            return format!("[{}, {}]", factor(low), factor(high));
        }
        let text = format!("[{}, {}]", self.format(low), self.format(high));
        // The unit once.
        match self {
            Self::PercentagePoints => text.replace(" points", "") + " points",
            _ => text,
        }
    }
}

/// A difference in percent as a factor.
fn factor(percent: f64) -> String {
    format!("×{}", number(1.0 + percent / 100.0))
}

/// What [`Claim::n`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Independent seeds.
    Seeds,
    /// Settings at which a model was solved.
    Points,
}

impl Counted {
    /// `1 seed`, `4920 points`.
    pub fn count(self, n: usize) -> String {
        let many = self.label();
        count(n, many.trim_end_matches('s'), many)
    }

    /// The heading of a column of such numbers.
    pub fn label(self) -> &'static str {
        match self {
            Self::Seeds => "seeds",
            Self::Points => "points",
        }
    }
}

/// A claim, the test that decides it, and its outcome. Values that are not defined are left out.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// `experiment/data set/claim`, with `/panel` where there are several.
    pub id: String,
    /// The claim in a few words.
    pub name: String,
    /// The claim in one sentence.
    pub statement: String,
    /// How it is tested.
    pub test: String,
    /// What would refute it, in one sentence.
    pub refuted_if: String,
    /// The outcome.
    pub verdict: Verdict,
    /// Why the outcome is inconclusive, or which condition decides.
    pub reason: Option<String>,
    /// Independent seeds behind effect and p, or points checked.
    pub n: usize,
    /// Which of the two.
    pub counted: Counted,
    /// What the effect is, in a word or two.
    pub measure: String,
    /// What effect and interval are measured in.
    pub unit: Unit,
    /// Size of the effect: the mean over seeds.
    pub effect: Option<f64>,
    /// Its 95% interval (Student's t over seeds).
    pub interval: Option<[f64; 2]>,
    /// What effect and interval are compared with, where it is not zero.
    pub bound: Option<f64>,
    /// Two-sided p of the t test over seeds that the interval belongs to.
    pub p: Option<f64>,
    /// The largest p of the conditions after Holm's correction within the family: one experiment,
    /// data set and preset.
    pub p_holm: Option<f64>,
    /// Tests in the family.
    pub family: Option<usize>,
    /// Two-sided p of the signed-rank test over seeds.
    pub p_signed_rank: Option<f64>,
    /// Two-sided p of the sign test over seeds.
    pub p_sign: Option<f64>,
    /// The other conditions, each of which must hold too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Outcome>,
    /// Seeds without a value, remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The effect in each cell of the design.
    pub cells: Vec<CellEffect>,
}

/// The outcome of a further condition.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// What one value is.
    pub measure: String,
    /// What effect and interval are measured in.
    pub unit: Unit,
    /// The mean over seeds.
    pub effect: Option<f64>,
    /// Its 95% interval.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of its t test.
    pub p: Option<f64>,
}

/// The effect in one cell.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellEffect {
    /// Loss, noise, and what else a panel leaves open; or setting of the model.
    pub label: String,
    /// Seeds or points in the cell.
    pub n: usize,
    /// Size of the effect.
    pub effect: Option<f64>,
    /// Its 95% interval; left out for fewer than six seeds.
    pub interval: Option<[f64; 2]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ratios_are_factors() {
        assert_eq!(Unit::Percent.format(-42.0), "−42.0%");
        assert_eq!(Unit::Percent.format(1246.0), "×13.5");
        assert_eq!(
            Unit::Percent.format_interval([-3.0, 12.5]),
            "[−3.0%, +12.5%]"
        );
        assert_eq!(
            Unit::Percent.format_interval([467.0, 3096.0]),
            "[×5.67, ×32.0]"
        );
    }
}
