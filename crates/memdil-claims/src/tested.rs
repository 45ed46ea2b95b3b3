//! What a test compares: one or more conditions, each with an expected side of a bound.

use crate::{ClaimError, Expect, Scale, Start, Test, Unit, quantity};

/// A condition of a claim: the mean of its values lies on the expected side of the bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// What one value is.
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) expect: Expect,
    pub(crate) bound: f64,
}

impl Condition {
    /// About zero.
    fn new(what: String, unit: Unit, expect: Expect) -> Self {
        Self {
            what,
            unit,
            expect,
            bound: 0.0,
        }
    }

    /// Of the comparison of a quantity, `what` after its scale in words.
    fn compared(quantity: &str, scale: Scale, what: &str, expect: Expect) -> Self {
        let words = format!("{} of {what}", scale.word());
        Self::new(words, quantity::unit(quantity, scale), expect)
    }
}

impl Test {
    /// The conditions, the one that is shown first.
    pub(crate) fn conditions_tested(&self) -> Vec<Condition> {
        match self {
            Self::Paired {
                quantity,
                scale,
                expect,
                margin,
                ..
            } => vec![Condition {
                bound: margin * expect.sign(),
                ..Condition::compared(
                    quantity,
                    *scale,
                    &format!("{quantity} between paired runs"),
                    *expect,
                )
            }],
            Self::NonInferior {
                quantity,
                scale,
                better,
                margin,
                ..
            } => vec![Condition {
                bound: -margin * better.sign(),
                ..Condition::compared(
                    quantity,
                    *scale,
                    &format!("{quantity} between paired runs"),
                    *better,
                )
            }],
            Self::Interaction {
                quantity,
                scale,
                expect,
                ..
            } => {
                let what = format!("{quantity} between paired runs, minus the same elsewhere");
                vec![Condition::compared(quantity, *scale, &what, *expect)]
            }
            Self::WithinRun {
                dose,
                response,
                scale,
                expect,
                ..
            } => course(dose, response, *scale, *expect),
            Self::Dose {
                over,
                dose,
                response,
                scale,
                reference,
                expect,
            } => {
                let compared = match reference.is_empty() {
                    true => response.clone(),
                    false => format!("the {} of {response} to the reference run's", scale.word()),
                };
                let what = format!("rank correlation over {over} of {dose} with {compared}");
                vec![Condition::new(what, Unit::RankCorrelation, *expect)]
            }
            Self::Trend {
                quantity,
                scale,
                from,
                baseline,
                expect,
            } => {
                let Start {
                    quantity: reaches,
                    at_least,
                } = from;
                let start = format!(
                    "the last {quantity} to that of the first evaluation with {reaches} of at least {at_least}"
                );
                let beyond = baseline
                    .as_ref()
                    .map(|baseline| format!("the last {quantity} to {baseline}"));
                let all = [start].into_iter().chain(beyond);
                all.map(|what| Condition::compared(quantity, *scale, &what, *expect))
                    .collect()
            }
            Self::Prediction { .. } => ["a line in the noise level", "the mean of the fitted runs"]
                .map(|baseline| {
                    let what = format!(
                        "log ratio of the model's mean squared error to that of {baseline}"
                    );
                    Condition::new(what, Unit::Percent, Expect::Below)
                })
                .to_vec(),
            Self::Exact { .. } => Vec::new(),
        }
    }

    /// Checks the quantities and numbers that it names.
    pub(crate) fn check(&self, id: &str) -> Result<(), ClaimError> {
        let check = |key: &str, path: &str| quantity::check(id, key, path, false);
        let number = |key: &str, value: f64, valid: bool, range: &str| {
            let reason = format!("{key} = {value}: must be {range}");
            if valid && value.is_finite() {
                Ok(())
            } else {
                Err(ClaimError::declaration(id, reason))
            }
        };
        match self {
            Self::Paired {
                quantity, margin, ..
            } => {
                number("margin", *margin, *margin >= 0.0, "at least 0 and finite")?;
                quantity::check(id, "quantity", quantity, true)
            }
            Self::NonInferior {
                quantity, margin, ..
            } => {
                number("margin", *margin, *margin > 0.0, "above 0 and finite")?;
                quantity::check(id, "quantity", quantity, true)
            }
            Self::Interaction { quantity, .. } => check("quantity", quantity),
            Self::WithinRun { dose, response, .. } | Self::Dose { dose, response, .. } => {
                check("dose", dose)?;
                check("response", response)
            }
            Self::Trend {
                quantity,
                from,
                baseline,
                ..
            } => {
                check("quantity", quantity)?;
                number("from.at_least", from.at_least, true, "finite")?;
                check("from.quantity", &from.quantity)?;
                baseline
                    .as_ref()
                    .map_or(Ok(()), |path| check("baseline", path))
            }
            Self::Exact { bound, .. } => {
                number("bound", *bound, *bound > 0.0, "above 0 and finite")
            }
            Self::Prediction { .. } => Ok(()),
        }
    }
}

fn course(dose: &str, response: &str, scale: Scale, expect: Expect) -> Vec<Condition> {
    let follows = format!(
        "rank correlation of the increments of {dose} with those of the {} of {response} to the reference run's, minus \
         its mean with the {dose} of other seeds",
        scale.word()
    );
    let moves = format!("the last {response} to that at the evaluation with the least {dose}");
    vec![
        Condition::new(follows, Unit::RankCorrelation, expect),
        Condition::compared(response, scale, &moves, expect),
    ]
}
