//! Groups verdicts by claim.

use memdil_claims::{Claim, Unit};

use crate::text::or_dash;

/// The verdicts on one claim: one per panel, then one on their mean.
#[derive(Clone, Debug)]
pub(crate) struct JudgedClaim<'a> {
    /// `experiment/data set/claim`, or `experiment/claim` for a claim about the solved models.
    pub(super) id: String,
    pub(super) verdicts: Vec<&'a Claim>,
}

/// Groups the verdicts by claim, in their order.
pub(crate) fn judged(claims: &[Claim]) -> Vec<JudgedClaim<'_>> {
    let mut all: Vec<JudgedClaim<'_>> = Vec::new();
    for claim in claims {
        let parts: Vec<&str> = claim.id.splitn(4, '/').collect();
        let id = parts[..parts.len().min(3)].join("/");
        match all.last_mut() {
            Some(last) if last.id == id => last.verdicts.push(claim),
            _ => all.push(JudgedClaim {
                id,
                verdicts: vec![claim],
            }),
        }
    }
    all
}

impl<'a> JudgedClaim<'a> {
    /// The experiment that the claim belongs to.
    pub(crate) fn experiment(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Experiment and data set; only the experiment for a claim about the solved models.
    pub(super) fn group(&self) -> &str {
        self.id.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The verdict on the claim as a whole: the last one, on the mean over panels.
    pub(super) fn lead(&self) -> &'a Claim {
        self.verdicts[self.verdicts.len() - 1]
    }

    /// The name of the claim without the name of a panel.
    pub(super) fn name(&self) -> &'a str {
        let name = &self.lead().name;
        match name.rsplit_once(", ") {
            Some((name, _)) if self.has_panels() => name,
            _ => name,
        }
    }

    pub(super) fn has_panels(&self) -> bool {
        self.verdicts.len() > 1
    }
}

/// The panel in the id of a verdict, or `all`.
pub(super) fn panel(claim: &Claim) -> &str {
    claim.id.splitn(4, '/').nth(3).unwrap_or("all")
}

/// `✓ supported`.
pub(super) fn verdict(claim: &Claim) -> String {
    format!("{} {}", claim.verdict.symbol(), claim.verdict)
}

/// An effect in its unit, or a dash.
pub(super) fn effect(unit: Unit, effect: Option<f64>) -> String {
    or_dash(effect, |effect| unit.format(effect))
}

/// An interval of effects in their unit, or a dash.
pub(super) fn interval(unit: Unit, interval: Option<[f64; 2]>) -> String {
    or_dash(interval, |ends| unit.format_interval(ends))
}
