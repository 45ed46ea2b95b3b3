//! What a test compares: one or more conditions, each with an expected side of a bound.

use crate::{ClaimError, Expect, Test, Unit, quantity};

/// A condition of a claim: the mean of its values lies on the expected side of the bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// What one value is.
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) expect: Expect,
    pub(crate) bound: f64,
}

impl Test {
    /// The conditions, the one that is shown first.
    pub(crate) fn conditions_tested(&self) -> Vec<Condition> {
        let condition = |what: String, unit, expect, bound| Condition {
            what,
            unit,
            expect,
            bound,
        };
        match self {
            Self::Paired {
                quantity,
                scale,
                expect,
                margin,
                ..
            } => vec![condition(
                format!("{} of {quantity} between paired runs", scale.word()),
                quantity::unit(quantity, *scale),
                *expect,
                margin * expect.sign(),
            )],
            Self::NonInferior {
                quantity,
                scale,
                better,
                margin,
                ..
            } => vec![condition(
                format!("{} of {quantity} between paired runs", scale.word()),
                quantity::unit(quantity, *scale),
                *better,
                -margin * better.sign(),
            )],
            Self::Interaction {
                quantity,
                scale,
                expect,
                ..
            } => vec![condition(
                format!(
                    "{} of {quantity} between paired runs, minus the same elsewhere",
                    scale.word()
                ),
                quantity::unit(quantity, *scale),
                *expect,
                0.0,
            )],
            Self::WithinRun {
                dose,
                response,
                scale,
                expect,
                ..
            } => vec![
                condition(
                    format!(
                        "rank correlation of the increments of {dose} with those of the {} of {response} to the \
                         reference run's, minus its mean with the {dose} of other seeds",
                        scale.word()
                    ),
                    Unit::RankCorrelation,
                    *expect,
                    0.0,
                ),
                condition(
                    format!(
                        "{} of the last {response} to that at the evaluation with the least {dose}",
                        scale.word()
                    ),
                    quantity::unit(response, *scale),
                    *expect,
                    0.0,
                ),
            ],
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
                vec![condition(
                    format!("rank correlation over {over} of {dose} with {compared}"),
                    Unit::RankCorrelation,
                    *expect,
                    0.0,
                )]
            }
            Self::Trend {
                quantity,
                scale,
                from,
                baseline,
                expect,
            } => {
                let unit = quantity::unit(quantity, *scale);
                let mut conditions = vec![condition(
                    format!(
                        "{} of the last {quantity} to that of the first evaluation with {} of at least {}",
                        scale.word(),
                        from.quantity,
                        from.at_least
                    ),
                    unit,
                    *expect,
                    0.0,
                )];
                conditions.extend(baseline.as_ref().map(|baseline| {
                    condition(
                        format!("{} of the last {quantity} to {baseline}", scale.word()),
                        unit,
                        *expect,
                        0.0,
                    )
                }));
                conditions
            }
            Self::Prediction { .. } => {
                let over = |what: &str| {
                    condition(
                        format!("log ratio of the model's mean squared error to that of {what}"),
                        Unit::Percent,
                        Expect::Below,
                        0.0,
                    )
                };
                vec![
                    over("a line in the noise level"),
                    over("the mean of the fitted runs"),
                ]
            }
            Self::Exact { .. } => Vec::new(),
        }
    }

    /// Checks the quantities that it names.
    pub(crate) fn check(&self, id: &str) -> Result<(), ClaimError> {
        let check = |key: &str, path: &str| quantity::check(id, key, path, false);
        match self {
            Self::Paired { quantity, .. } | Self::NonInferior { quantity, .. } => {
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
                check("from.quantity", &from.quantity)?;
                baseline
                    .as_ref()
                    .map_or(Ok(()), |path| check("baseline", path))
            }
            Self::Prediction { .. } | Self::Exact { .. } => Ok(()),
        }
    }
}
