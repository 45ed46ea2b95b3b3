//! `[[claim]]` tables of an experiment file.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::ClaimError;
use crate::condition::Conditions;

/// A claim as an experiment file declares it.
///
/// | key | meaning |
/// | --- | --- |
/// | `id` | letters, digits, `-` and `_`; unique in a preset |
/// | `statement` | the claim in one sentence |
/// | `name` | the claim in a few words; left out: the id |
/// | `presets` | the presets that test it; left out: all |
/// | `where` | settings of the runs that it is about; left out: all runs |
/// | `panels` | a list of settings, each a panel with a verdict of its own; left out: one panel for each combination of settings other than loss, noise and seed |
/// | `test` | the kind of test, with the keys of [`Test`] |
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Name in verdict ids.
    pub id: String,
    /// The claim in a few words.
    pub name: String,
    /// The claim in one sentence.
    pub statement: String,
    /// Presets that test it; empty for all.
    pub presets: Vec<String>,
    /// The runs that it is about.
    pub runs: Conditions,
    /// Declared panels; empty for one for each combination of settings.
    pub panels: Vec<Conditions>,
    /// How it is tested.
    pub test: Test,
}

/// The side of the bound on which the effect is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

impl Expect {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The difference of their logarithms.
    Ratio,
    /// Their difference.
    Difference,
}

/// The evaluation from which a trend counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// A quantity of the epoch records.
    pub quantity: String,
    /// The trend begins at the first evaluation that reaches this value.
    pub at_least: f64,
}

/// A rule about the solved models, where nothing is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// rho under label smoothing lies below rho under cross-entropy at every point of a grid with
    /// $\lambda_W / C_{MD}^2 \le$ `bound`.
    LsBelowCe,
    /// The exponent of rho in $\lambda$ under label smoothing is within `bound` (relative) of 1/4.
    LsSlope,
    /// rho under cross-entropy tends to $1 - 1/\sqrt 2$: extrapolated, it ends within `bound`
    /// (relative) of it.
    CeLimit,
    /// Gradient descent on the layer-peeled model ends within `bound` (relative) of the minimum in
    /// closed form.
    DescentReachesMinimum,
}

/// A kind of test. All but `exact` reduce the runs to one value per seed, averaged over the cells
/// of a panel, and compare the values with a bound (zero unless a margin is declared) by Student's
/// t test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Runs `of` one setting beside runs `against` another, equal in all other settings and in the
    /// seed.
    Paired {
        /// What is compared.
        quantity: String,
        /// As a ratio or as a difference.
        scale: Scale,
        /// The runs compared.
        of: Conditions,
        /// The runs that they are compared with.
        against: Conditions,
        /// The expected side.
        expect: Expect,
        /// The effect must exceed this, in units of the scale.
        #[serde(default)]
        margin: f64,
    },
    /// As `paired`; the claim is that the runs are not worse than those they are compared with by
    /// more than the margin.
    NonInferior {
        /// What is compared.
        quantity: String,
        /// As a ratio or as a difference.
        scale: Scale,
        /// The runs compared.
        of: Conditions,
        /// The runs that they are compared with.
        against: Conditions,
        /// The better side.
        better: Expect,
        /// The largest tolerable loss, positive, in units of the scale.
        margin: f64,
    },
    /// A paired effect in runs `within` some settings, minus the same effect in runs `beyond` them.
    Interaction {
        /// What is compared.
        quantity: String,
        /// As a ratio or as a difference.
        scale: Scale,
        /// The runs compared.
        of: Conditions,
        /// The runs that they are compared with.
        against: Conditions,
        /// Where the effect should be on the expected side of the effect `beyond`.
        within: Conditions,
        /// The settings of comparison.
        beyond: Conditions,
        /// The expected side.
        expect: Expect,
    },
    /// Along training: Spearman's correlation of the increments of a dose with those of a response
    /// (the log ratio or difference to the response of a reference run at the same epoch), minus
    /// the mean of the same correlation with the doses of the other seeds. A second condition: the
    /// response itself moves to the expected side from the evaluation at which the dose is least to
    /// the last.
    WithinRun {
        /// The quantity that may drive the response.
        dose: String,
        /// The quantity that responds; positive for ratios.
        response: String,
        /// How it is compared with the reference; left out: as a ratio.
        #[serde(default = "ratio")]
        scale: Scale,
        /// Settings in which the reference run differs.
        reference: Conditions,
        /// The expected side.
        expect: Expect,
    },
    /// Over the values of a setting (five at least): Spearman's correlation of a dose with the
    /// logarithm of a response, over the response of a reference run where one is declared.
    Dose {
        /// The setting that varies.
        over: String,
        /// The quantity that may drive the response.
        dose: String,
        /// The quantity that responds; positive for ratios.
        response: String,
        /// How it is compared with the reference; left out: as a ratio.
        #[serde(default = "ratio")]
        scale: Scale,
        /// Settings in which the reference run differs.
        #[serde(default)]
        reference: Conditions,
        /// The expected side.
        expect: Expect,
    },
    /// Along training: the last evaluation against the first from which the trend counts. With a
    /// baseline, a second condition: the last value lies on the expected side of the baseline of
    /// the same evaluation.
    Trend {
        /// What is compared.
        quantity: String,
        /// As a ratio or as a difference.
        scale: Scale,
        /// From when.
        from: Start,
        /// Another quantity of the same record.
        #[serde(default)]
        baseline: Option<String>,
        /// The expected side.
        expect: Expect,
    },
    /// The memorization-dilation model, fitted to the runs `fit` of the other seeds, predicts rho
    /// (from NC1) of all other runs with a smaller mean squared error than a line in the noise
    /// level and than the mean, both fitted to the same runs.
    Prediction {
        /// The runs that the constants are fitted to.
        fit: Conditions,
    },
    /// A rule about the solved models.
    Exact {
        /// Which.
        rule: Rule,
        /// Its bound.
        bound: f64,
    },
}

fn ratio() -> Scale {
    Scale::Ratio
}

impl Test {
    /// What the effect is, in a word or two.
    pub(crate) fn measure(&self) -> &'static str {
        match self {
            Self::Paired { .. } | Self::NonInferior { .. } => "difference",
            Self::Interaction { .. } => "difference of differences",
            Self::WithinRun { .. } => "own minus other seeds",
            Self::Dose { .. } => "rank correlation",
            Self::Trend { .. } => "change",
            Self::Prediction { .. } => "error over the baseline's",
            Self::Exact { .. } => "at worst",
        }
    }
}

impl Declaration {
    /// Reads the claims of an experiment file.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] naming the claim and the key that is missing, unknown or of the
    /// wrong type, or an id that is used twice.
    pub fn read(tables: &[Table]) -> Result<Vec<Self>, ClaimError> {
        let mut declarations: Vec<Self> = Vec::with_capacity(tables.len());
        for (index, table) in tables.iter().enumerate() {
            let declaration = Self::from_table(index, table.clone())?;
            let overlaps = |other: &Self| {
                let anywhere = other.presets.is_empty() || declaration.presets.is_empty();
                other.id == declaration.id
                    && (anywhere
                        || other
                            .presets
                            .iter()
                            .any(|p| declaration.presets.contains(p)))
            };
            if declarations.iter().any(overlaps) {
                return Err(ClaimError::declaration(
                    &declaration.id,
                    "this id is used twice in a preset",
                ));
            }
            declarations.push(declaration);
        }
        Ok(declarations)
    }

    fn from_table(index: usize, mut table: Table) -> Result<Self, ClaimError> {
        let place = match table.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => format!("number {}", index + 1),
        };
        let error = |reason: String| ClaimError::declaration(&place, reason);
        let mut take = |key: &str| table.remove(key);
        let text = |key: &str, value: Option<Value>| match value {
            Some(Value::String(text)) if !text.trim().is_empty() && !text.contains('\n') => {
                Ok(text)
            }
            Some(_) => Err(error(format!("{key} must be a text in one line"))),
            None => Err(error(format!("lacks {key} = \"...\""))),
        };
        let id = text("id", take("id"))?;
        if !id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        {
            return Err(error(
                "id must consist of letters, digits, '-' and '_'".to_owned(),
            ));
        }
        let statement = text("statement", take("statement"))?;
        let name = match take("name") {
            None => id.replace('-', " "),
            name => text("name", name)?,
        };
        let presets = take("presets").map_or(Ok(Vec::new()), Value::try_into);
        let runs = take("where").map_or(Ok(Conditions::default()), Value::try_into);
        let panels = take("panels").map_or(Ok(Vec::new()), Value::try_into);
        let read = |key: &str, e: toml::de::Error| error(format!("{key}: {}", one_line(&e)));
        Ok(Self {
            name,
            statement,
            presets: presets.map_err(|e| read("presets", e))?,
            runs: runs.map_err(|e| read("where", e))?,
            panels: panels.map_err(|e| read("panels", e))?,
            test: Value::Table(table)
                .try_into()
                .map_err(|e| error(one_line(&e)))?,
            id,
        })
    }

    /// Checks quantities, numbers, and that keys have a use.
    pub(crate) fn check(&self) -> Result<(), ClaimError> {
        self.test.check(&self.id)?;
        if matches!(self.test, Test::Exact { .. })
            && !(self.runs.is_empty() && self.panels.is_empty())
        {
            let reason = "where and panels have no use in an exact test, which has no runs";
            return Err(ClaimError::declaration(&self.id, reason));
        }
        Ok(())
    }

    /// True when this preset tests the claim.
    pub fn is_tested_by(&self, preset: Option<&str>) -> bool {
        self.presets.is_empty() || preset.is_some_and(|name| self.presets.iter().any(|p| p == name))
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', "; ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Declaration>, String> {
        let file: Table = text.parse().unwrap();
        let claims = file["claim"].as_array().unwrap().iter();
        let tables: Vec<Table> = claims
            .map(|claim| claim.as_table().unwrap().clone())
            .collect();
        Declaration::read(&tables).map_err(|e| e.to_string())
    }

    const PAIRED: &str = r#"
        [[claim]]
        id = "ls-dilation"
        statement = "LS dilates less than CE."
        where = { "noise.eta" = { above = 0.0 } }
        test = "paired"
        quantity = "test.dilation"
        scale = "ratio"
        of = { "loss.kind" = "label_smoothing" }
        against = { "loss.kind" = "cross_entropy" }
        expect = "below"
    "#;

    #[test]
    fn a_claim_is_read() {
        let claims = read(PAIRED).unwrap();
        assert_eq!(claims[0].name, "ls dilation");
        assert!(claims[0].is_tested_by(Some("quick")));
        assert!(matches!(&claims[0].test, Test::Paired { margin, .. } if *margin == 0.0));
    }

    #[test]
    fn faults_are_named() {
        let cases = [
            ("expect = \"below\"", "", "missing field `expect`"),
            ("expect =", "expected =", "unknown field `expected`"),
            ("\"paired\"", "\"pairs\"", "unknown variant `pairs`"),
            ("\"ratio\"", "\"log\"", "unknown variant `log`"),
            (
                "id = \"ls-dilation\"",
                "id = \"ls/dilation\"",
                "letters, digits",
            ),
            (
                "statement = \"LS dilates less than CE.\"",
                "",
                "lacks statement",
            ),
            ("{ above = 0.0 }", "{ over = 0.0 }", "where: "),
        ];
        for (from, to, expected) in cases {
            let error = read(&PAIRED.replace(from, to)).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(error.starts_with("claim '"), "{error}");
        }
        let error = read(&(PAIRED.to_owned() + PAIRED)).unwrap_err();
        assert!(error.contains("used twice"), "{error}");
    }
}
