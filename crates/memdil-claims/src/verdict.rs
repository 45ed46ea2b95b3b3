//! Claims with their verdicts, effects and units.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::text::{count, number};

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval of every condition is on the expected side of its bound, and the largest p
    /// after Holm's correction is below [`LEVEL`](crate::LEVEL). A rule about the solved models
    /// holds at every point checked.
    Supported,
    /// The interval of some condition is entirely on the wrong side of its bound. A rule about
    /// the solved models fails at some point.
    Refuted,
    /// Neither supported nor refuted; [`Claim::reason`] has the reason.
    Inconclusive,
}

impl Verdict {
    /// A symbol that is readable without colour.
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

/// The unit of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Spearman's rank correlation, or the difference of two such correlations.
    RankCorrelation,
    /// A ratio, expressed as a difference in percent.
    Percent,
    /// The difference of two shares, in percentage points.
    PercentagePoints,
    /// The difference of two numbers.
    Difference,
    /// The exponent of a power law.
    Exponent,
    /// The error relative to an exact value.
    RelativeError,
}

impl Unit {
    /// Converts a value of a test (a mean log ratio, a difference of shares) to this unit.
    pub(crate) fn convert(self, value: f64) -> f64 {
        match self {
            // Capped: larger values are meaningless and would overflow.
            Self::Percent => 100.0 * value.min(100.0).exp_m1(),
            Self::PercentagePoints => 100.0 * value,
            _ => value,
        }
    }

    /// An effect as text: `−42.0%`, `0.870`; ratios of eleven or more as factors, `×13.5`.
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
        // Print the unit only once.
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

/// The things that [`Claim::n`] counts.
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

    /// The heading of a table column with these counts.
    pub fn label(self) -> &'static str {
        match self {
            Self::Seeds => "seeds",
            Self::Points => "points",
        }
    }
}

/// A claim, its test, and the outcome. Undefined values are omitted from the JSON.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// `experiment/data set/claim`, followed by `/panel` if there are several panels.
    pub id: String,
    /// The claim in a few words.
    pub name: String,
    /// The claim in one sentence.
    pub statement: String,
    /// A description of the test.
    pub test: String,
    /// The outcome that would refute the claim, in one sentence.
    pub refuted_if: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason for an inconclusive verdict, or the condition that decides.
    pub reason: Option<String>,
    /// The number of independent seeds that effect and p are computed from, or of points checked.
    pub n: usize,
    /// Whether `n` counts seeds or points.
    pub counted: Counted,
    /// A short name of the effect.
    pub measure: String,
    /// The unit of effect and interval.
    pub unit: Unit,
    /// The effect: the mean over seeds.
    pub effect: Option<f64>,
    /// The 95% interval of the effect (Student's t over seeds).
    pub interval: Option<[f64; 2]>,
    /// The bound that effect and interval are compared with, if it is not zero.
    pub bound: Option<f64>,
    /// The two-sided p of the t test over seeds against the bound.
    pub p: Option<f64>,
    /// The largest p of the conditions after Holm's correction within the family: one experiment,
    /// data set and preset.
    pub p_holm: Option<f64>,
    /// The number of tests in the family.
    pub family: Option<usize>,
    /// The two-sided p of the signed-rank test over seeds.
    pub p_signed_rank: Option<f64>,
    /// The two-sided p of the sign test over seeds.
    pub p_sign: Option<f64>,
    /// The further conditions, all of which must hold too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Outcome>,
    /// Missing values by reason, and other remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The values of the test by seed, one per condition, before conversion to the unit of the
    /// effect: a log ratio for percent, a difference of shares for percentage points. Empty for
    /// points.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<u64, Vec<f64>>,
    /// The effect in each cell of the design.
    pub cells: Vec<CellEffect>,
}

/// The outcome of a further condition.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// A description of one value.
    pub measure: String,
    /// The unit of effect and interval.
    pub unit: Unit,
    /// The mean over seeds.
    pub effect: Option<f64>,
    /// The 95% interval of the effect.
    pub interval: Option<[f64; 2]>,
    /// The two-sided p of the t test.
    pub p: Option<f64>,
}

/// The effect in one cell.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellEffect {
    /// Loss, noise, and the other settings that vary within the panel, or the setting of the model.
    pub label: String,
    /// The number of seeds or points in the cell.
    pub n: usize,
    /// The effect.
    pub effect: Option<f64>,
    /// The 95% interval of the effect; omitted for fewer than six seeds.
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
