//! How effects are compared: on which scale, and on which side of a bound.

use serde::Deserialize;

/// The side of the bound on which the effect is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

impl Expect {
    /// True where a value lies on this side of a bound.
    pub(crate) fn is_side(self, value: f64, bound: f64) -> bool {
        (value - bound) * self.sign() > 0.0
    }

    /// 1 or -1.
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

/// How two values of a quantity are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The difference of their logarithms.
    #[default]
    Ratio,
    /// Their difference.
    Difference,
}

impl Scale {
    /// A value whose differences are compared.
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
