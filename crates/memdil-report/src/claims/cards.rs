//! Formats claims as cards, one card per claim for all its panels.

use memdil_claims::{Claim, Counted, Unit};

use super::judged::{JudgedClaim, effect, interval, panel};
use crate::chart::{Glyph, Picture, Scale, mark, span, tick};
use crate::document::Card;
use crate::text::{escape, or_dash, p_value, verdict_class};

/// Width of a picture.
const WIDTH: f64 = 340.0;
/// Pixel range of the axis.
const ENDS: [f64; 2] = [104.0, 250.0];
/// Height of a row.
const STEP: f64 = 18.0;

/// The card of a claim.
pub(crate) fn card(judged: &JudgedClaim<'_>) -> Card {
    let lead = judged.lead();
    let mut facts = vec![
        (lead.measure.clone(), effect(lead.unit, lead.effect)),
        (lead.counted.label().to_owned(), lead.n.to_string()),
    ];
    if lead.counted == Counted::Seeds {
        let interval = interval(lead.unit, lead.interval);
        facts.insert(1, ("95% interval".to_owned(), interval));
        facts.push(("p (Holm)".to_owned(), or_dash(lead.p_holm, p_value)));
    }
    Card {
        verdict: lead.verdict,
        statement: lead.statement.clone(),
        id: judged.id.clone(),
        facts,
        plot: plot(judged),
        remark: remark(lead),
    }
}

/// A plot of the effects and intervals of all panels; `None` for a claim about solved models.
fn plot(judged: &JudgedClaim<'_>) -> Option<Picture> {
    let (unit, bound) = (judged.lead().unit, judged.lead().bound);
    let mut rows = Vec::new();
    let mut values = vec![0.0];
    values.extend(bound);
    for claim in &judged.verdicts {
        if let (Counted::Seeds, Some(effect)) = (claim.counted, claim.effect) {
            rows.push((*claim, effect));
            values.extend(claim.interval.unwrap_or([effect; 2]));
        }
    }
    let ends = span(values.into_iter().map(|value| axis_position(unit, value)));
    let x = Scale::exact(ends.filter(|[low, high]| low < high)?, ENDS);
    let bottom = STEP * rows.len() as f64 + 2.0;
    let mut body = reference_line(x.at(0.0), bottom, "", "0");
    if let Some(bound) = bound {
        let (at, dashes) = (
            x.at(axis_position(unit, bound)),
            r#" stroke-dasharray="3 3""#,
        );
        body += &reference_line(at, bottom, dashes, &short(unit, bound));
    }
    let mut lines = Vec::new();
    for (index, (claim, effect)) in rows.iter().enumerate() {
        let mean = judged.has_panels() && index + 1 == rows.len();
        let glyph = if mean { Glyph::Diamond } else { Glyph::Circle };
        body += &row(claim, *effect, unit, glyph, index, &x);
        let effect = short(unit, *effect);
        lines.push(format!("{}: {effect}, {}", panel(claim), claim.verdict));
    }
    Some(Picture {
        width: WIDTH,
        height: bottom + 18.0,
        title: format!("{}: effect and 95% interval", judged.name()),
        desc: lines.join("; ") + ".",
        body,
    })
}

/// The coordinate of a value on the axis.
fn axis_position(unit: Unit, value: f64) -> f64 {
    match unit {
        // Percentages are ratios: on a logarithmic axis, halving is as far from zero as doubling.
        Unit::Percent => (value.max(-99.9) / 100.0).ln_1p(),
        _ => value,
    }
}

/// An effect, without the word "points".
fn short(unit: Unit, effect: f64) -> String {
    unit.format(effect).replace(" points", "")
}

/// A vertical line across all rows, with its label below.
fn reference_line(x: f64, bottom: f64, dashes: &str, label: &str) -> String {
    let line = format!(r#"<path class="zero"{dashes} d="M{x:.1} 2V{bottom:.1}"/>"#);
    line + &tick(x, bottom + 13.0, "middle", label)
}

/// The row of a verdict: panel, interval, mark, effect and symbol.
fn row(claim: &Claim, effect: f64, unit: Unit, glyph: Glyph, index: usize, x: &Scale) -> String {
    let y = STEP * (index as f64 + 0.5) + 2.0;
    let class = verdict_class(claim.verdict);
    let at = |value: f64| x.at(axis_position(unit, value));
    let mut svg = String::new();
    if let Some([low, high]) = claim.interval.map(|ends| ends.map(at)) {
        svg += &format!(r#"<path class="range {class}" d="M{low:.1} {y:.1}H{high:.1}"/>"#);
    }
    svg += &mark(glyph, at(effect), y, 4.0, &format!("point {class}"));
    svg + &format!(
        r#"<text class="tick" x="0" y="{0:.1}">{1}</text><text class="tick" x="{WIDTH}" y="{0:.1}" text-anchor="end">{2} {3}</text>"#,
        y + 4.0,
        escape(&shortened(panel(claim))),
        escape(&short(unit, effect)),
        claim.verdict.symbol()
    )
}

/// Truncates a label so that it does not overlap the plot.
fn shortened(text: &str) -> String {
    const MOST: usize = 15;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

/// Why a claim is inconclusive or which condition decides it, and the results of the other
/// conditions.
pub(super) fn reason(claim: &Claim) -> String {
    let mut text = claim.reason.clone().unwrap_or_default();
    for condition in &claim.conditions {
        let (measure, unit) = (&condition.measure, condition.unit);
        let interval = interval(unit, condition.interval);
        let value = effect(unit, condition.effect) + " " + &interval;
        // The reason already ends with the name of the deciding condition.
        if text.ends_with(measure) {
            text += &format!(": {value}");
        } else {
            let separator = if text.is_empty() { "" } else { "; " };
            text += &format!("{separator}second condition: {measure}: {value}");
        }
    }
    text
}

/// The rule of a claim about solved models, why a claim is inconclusive, further conditions, and
/// the result that would refute it.
fn remark(claim: &Claim) -> String {
    let mut remark = String::new();
    if claim.counted == Counted::Points {
        remark += &sentence(&claim.test);
    }
    let reason = reason(claim);
    if !reason.is_empty() {
        remark += &sentence(&reason);
    }
    remark + &claim.refuted_if
}

/// Adds a capital letter, a full stop and a space.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    format!("{}{}. ", first.collect::<String>(), rest.as_str())
}
