//! What the paper claims, and whether these runs bear it out.

pub(crate) mod exact;
mod large_scale;
mod losses;
mod memorization;
mod order;
mod seeds;

use std::fmt;

use serde::Serialize;

use crate::ReportError;
use crate::runs::{Run, distinct};
use crate::stats::holm;
use crate::text::{count, number};
use crate::theory::Theory;

pub(crate) use order::ascending;

/// Independent seeds that a verdict needs.
pub const SEEDS_NEEDED: usize = 6;

/// The level at which a corrected p decides.
pub const LEVEL: f64 = 0.05;

/// Experiments that make a picture or a table and claim nothing.
const WITHOUT_CLAIM: [&str; 4] = [
    "features-2d",
    "fashion-mnist-reference",
    "resnet-fashion-mnist",
    "robust-losses",
];

/// How a claim fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies on the side that the claim says, and p after Holm's correction is below
    /// 0.05; of a claim about the solved models, its rule holds at every point checked.
    Supported,
    /// The same on the other side; of a claim about the solved models, its rule fails somewhere.
    Refuted,
    /// Neither; [`Claim::reason`] says why.
    Inconclusive,
}

impl Verdict {
    /// Its CSS class.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Supported => "yes",
            Self::Refuted => "no",
            Self::Inconclusive => "open",
        }
    }

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
    /// Spearman's rank correlation.
    RankCorrelation,
    /// Difference in percent, mostly of cross-entropy's value.
    Percent,
    /// Difference of percentages.
    PercentagePoints,
    /// Exponent of a power law.
    Exponent,
    /// Error relative to an exact value.
    RelativeError,
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
    pub(crate) fn count(self, n: usize) -> String {
        match self {
            Self::Seeds => count(n, "seed", "seeds"),
            Self::Points => count(n, "point", "points"),
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Seeds => "seeds",
            Self::Points => "points",
        }
    }
}

impl Unit {
    /// An effect as text: `−42.0%`, `0.870`.
    pub(crate) fn format(self, effect: f64) -> String {
        match self {
            Self::RankCorrelation | Self::RelativeError => number(effect),
            Self::Percent if effect > 999.0 => "> +999%".to_owned(),
            Self::Percent => format!("{effect:+.1}%").replace('-', "−"),
            Self::PercentagePoints => format!("{effect:+.2} points").replace('-', "−"),
            Self::Exponent => format!("{effect:.4}").replace('-', "−"),
        }
    }

    /// An interval of effects as text.
    pub(crate) fn format_interval(self, [low, high]: [f64; 2]) -> String {
        let text = format!("[{}, {}]", self.format(low), self.format(high));
        // The unit once.
        match self {
            Self::PercentagePoints => text.replace(" points", "") + " points",
            _ => text,
        }
    }
}

/// A claim, the test that decides it, and its outcome. Values that are not defined are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// `experiment/data set/claim`.
    pub id: String,
    /// The claim in a few words.
    pub name: String,
    /// The claim in one sentence.
    pub statement: String,
    /// How it is tested.
    pub test: String,
    /// The outcome.
    pub verdict: Verdict,
    /// Why the outcome is inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What limits the outcome, whatever it is: said wherever the verdict is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
    /// Independent seeds behind effect and p, or points checked.
    pub n: usize,
    /// Which of the two.
    pub counted: Counted,
    /// What the effect is, in a word or two.
    pub measure: &'static str,
    /// What effect and interval are measured in.
    pub unit: Unit,
    /// Size of the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// Its 95% interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of the signed-rank test over seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// The same after Holm's correction over all claims of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_holm: Option<f64>,
    /// Two-sided p of the sign test over seeds, which weighs no sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_sign: Option<f64>,
    /// What a reader has to know beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The effect in each cell of the design.
    pub cells: Vec<Cell>,
}

/// The effect in one cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Data set, classes, network, and loss or noise level; or setting of the model.
    pub label: String,
    /// Seeds or points in the cell.
    pub n: usize,
    /// Size of the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// Its 95% interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

/// A claim before it is judged, with the sign its effect should have.
struct Evidence {
    claim: Claim,
    expected_sign: f64,
    /// Why there is nothing to test.
    missing: Option<String>,
}

/// The claims of every experiment and data set among the runs, judged together; then those about
/// the solved models, which take no part in Holm's correction because no chance is involved.
///
/// # Errors
///
/// When the epochs of a run cannot be read.
pub(crate) fn evaluate(
    runs: &[Run],
    theory: Option<&Theory<'_>>,
) -> Result<Vec<Claim>, ReportError> {
    let mut evidence = Vec::new();
    for (experiment, source) in groups(runs) {
        let group: Vec<&Run> = runs
            .iter()
            .filter(|r| {
                r.record.spec.experiment == experiment && r.record.spec.data.source.name() == source
            })
            .collect();
        let id = |claim: &str| format!("{experiment}/{source}/{claim}");
        match experiment.as_str() {
            "generalization" => {
                for (loss, name) in [("LS", "ls"), ("LR", "lr")] {
                    evidence.push(losses::evidence(
                        &group,
                        loss,
                        losses::Effect::Accuracy,
                        id(name),
                    ));
                }
            }
            "large-scale" => {
                evidence.push(large_scale::collapse(&group, id("collapse"))?);
                evidence.push(large_scale::dilation(&group, id("dilation")));
            }
            _ => {
                evidence.push(memorization::evidence(&group, id("a")));
                for (loss, name) in [("LS", "b-ls"), ("LR", "b-lr")] {
                    evidence.push(losses::evidence(
                        &group,
                        loss,
                        losses::Effect::Dilation,
                        id(name),
                    ));
                }
            }
        }
    }
    evidence.extend(
        theory
            .iter()
            .flat_map(|theory| order::evidence(&theory.practice)),
    );
    let mut claims = judge(evidence);
    claims.extend(theory.iter().flat_map(|theory| theory.claims()));
    Ok(claims)
}

/// Experiments among the runs that make no claim.
pub(crate) fn unjudged(runs: &[Run]) -> Vec<String> {
    let mut experiments = distinct(runs, |run| run.record.spec.experiment.clone());
    experiments.retain(|experiment| WITHOUT_CLAIM.contains(&experiment.as_str()));
    experiments
}

fn groups(runs: &[Run]) -> Vec<(String, String)> {
    let key = |run: &Run| {
        (
            run.record.spec.experiment.clone(),
            run.record.spec.data.source.name().to_owned(),
        )
    };
    let mut groups = distinct(runs, key);
    groups.retain(|(experiment, _)| !WITHOUT_CLAIM.contains(&experiment.as_str()));
    groups
}

/// Corrects every p for all the others, then decides.
fn judge(evidence: Vec<Evidence>) -> Vec<Claim> {
    // Too few seeds decide nothing, and so weigh on no other claim.
    let decidable = |claim: &Claim| claim.p.filter(|_| claim.n >= SEEDS_NEEDED);
    let tested: Vec<f64> = evidence
        .iter()
        .filter_map(|e| decidable(&e.claim))
        .collect();
    let mut corrected = holm(&tested).into_iter();
    let judged = evidence.into_iter().map(|Evidence { mut claim, expected_sign, missing }| {
        claim.p_holm = decidable(&claim).and_then(|_| corrected.next());
        (claim.verdict, claim.reason) = match (claim.interval, claim.p, claim.p_holm) {
            _ if missing.is_some() => (Verdict::Inconclusive, missing),
            _ if claim.n < SEEDS_NEEDED => {
                (Verdict::Inconclusive, Some(format!("{} of the {SEEDS_NEEDED} seeds that a verdict needs", claim.n)))
            }
            (Some([low, high]), ..) if low <= 0.0 && high >= 0.0 => {
                (Verdict::Inconclusive, Some("the interval crosses zero".to_owned()))
            }
            (Some([low, _]), Some(p), Some(p_holm)) if p_holm >= LEVEL => {
                let side = if low * expected_sign > 0.0 {
                    "the interval agrees with the claim"
                } else {
                    "the interval contradicts the claim"
                };
                let reason = format!(
                    "{side}, but p = {p:.3} becomes {p_holm:.3} after Holm's correction: more seeds are needed"
                );
                (Verdict::Inconclusive, Some(reason))
            }
            (Some([low, _]), Some(_), Some(_)) if low * expected_sign > 0.0 => (Verdict::Supported, None),
            (Some(_), Some(_), Some(_)) => (Verdict::Refuted, None),
            _ => (Verdict::Inconclusive, Some("the effect has no interval".to_owned())),
        };
        claim
    });
    judged.collect()
}
