//! The scale on which effects are compared, and the expected side of a bound.

use serde::Deserialize;

/// The side of the bound on which the effect is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Above the bound.
    Above,
    /// Below the bound.
    Below,
}

impl Expect {
    /// True if `value` is strictly on this side of `bound`.
    pub(crate) fn is_satisfied_by(self, value: f64, bound: f64) -> bool {
        (value - bound) * self.sign() > 0.0
    }

    /// 1 for above, -1 for below.
    pub fn sign(self) -> f64 {
        match self {
            Self::Above => 1.0,
            Self::Below => -1.0,
        }
    }

    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::Below => Self::Above,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// The scale on which two values of a quantity are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The difference of their logarithms.
    #[default]
    Ratio,
    /// The difference of the values.
    Difference,
}

impl Scale {
    /// The value on this scale, on which differences are taken.
    pub(crate) fn of(self, quantity: &str, value: f64) -> Result<f64, String> {
        match self {
            Self::Difference => Ok(value),
            Self::Ratio if value > 0.0 => Ok(value.ln()),
            Self::Ratio => Err(format!("{quantity} is zero and has no logarithm")),
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ratio => "log ratio",
            Self::Difference => "difference",
        }
    }
}
