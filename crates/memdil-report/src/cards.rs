//! Claims as cards and tables: one card for all panels of a claim.

use memdil_claims::{Claim, Counted, Unit};

use crate::block::{Block, Card, Row, Table};
use crate::chart::{Glyph, Picture, Scale, mark, span};
use crate::text::{count, escape, or_dash, p_value, verdict_class};

/// The verdicts on one claim: of each panel, and of their mean.
#[derive(Clone, Debug)]
pub(crate) struct Judged<'a> {
    /// `experiment/data set/claim`, or `experiment/claim` of a rule.
    pub(crate) id: String,
    pub(crate) claims: Vec<&'a Claim>,
}

/// The verdicts, claim by claim, in their order.
pub(crate) fn judged(claims: &[Claim]) -> Vec<Judged<'_>> {
    let mut all: Vec<Judged<'_>> = Vec::new();
    for claim in claims {
        let parts: Vec<&str> = claim.id.splitn(4, '/').collect();
        let id = parts[..parts.len().min(3)].join("/");
        match all.last_mut() {
            Some(last) if last.id == id => last.claims.push(claim),
            _ => all.push(Judged {
                id,
                claims: vec![claim],
            }),
        }
    }
    all
}

impl<'a> Judged<'a> {
    /// The experiment that the claim belongs to.
    pub(crate) fn experiment(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Experiment and data set; the experiment alone of a rule about the solved models.
    pub(crate) fn group(&self) -> &str {
        self.id.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The verdict on the claim as a whole: that of the mean over panels, which comes last.
    pub(crate) fn lead(&self) -> &'a Claim {
        self.claims[self.claims.len() - 1]
    }

    /// The name without that of a panel.
    pub(crate) fn name(&self) -> &'a str {
        let name = &self.lead().name;
        if self.claims.len() > 1 {
            name.rsplit_once(", ").map_or(name, |(name, _)| name)
        } else {
            name
        }
    }

    /// `2 of 3 panels`: those with the verdict of the whole.
    fn panels(&self) -> String {
        let (panels, verdict) = (&self.claims[..self.claims.len() - 1], self.lead().verdict);
        let same = panels.iter().filter(|claim| claim.verdict == verdict);
        if panels.is_empty() {
            "–".to_owned()
        } else {
            format!("{} of {} panels", same.count(), panels.len())
        }
    }

    pub(crate) fn card(&self) -> Card {
        let lead = self.lead();
        let mut facts = vec![
            (
                lead.measure.clone(),
                or_dash(lead.effect, |e| lead.unit.format(e)),
            ),
            (lead.counted.label().to_owned(), lead.n.to_string()),
        ];
        if lead.counted == Counted::Seeds {
            let interval = or_dash(lead.interval, |ends| lead.unit.format_interval(ends));
            facts.insert(1, ("95% interval".to_owned(), interval));
            facts.push(("p (Holm)".to_owned(), or_dash(lead.p_holm, p_value)));
        }
        Card {
            verdict: lead.verdict,
            statement: lead.statement.clone(),
            id: self.id.clone(),
            facts,
            plot: self.plot(),
            remark: remark(lead),
        }
    }

    /// Effect and interval of every panel beside zero; `None` where nothing is random.
    fn plot(&self) -> Option<Picture> {
        const WIDTH: f64 = 340.0;
        const ENDS: [f64; 2] = [104.0, 250.0];
        const STEP: f64 = 18.0;
        let unit = self.lead().unit;
        let place = |value: f64| match unit {
            // A ratio: halving is as far from zero as doubling.
            Unit::Percent => (value.max(-99.9) / 100.0).ln_1p(),
            _ => value,
        };
        let seeds = self
            .claims
            .iter()
            .filter(|claim| claim.counted == Counted::Seeds);
        let rows: Vec<(&&Claim, f64)> = seeds.filter_map(|c| Some((c, c.effect?))).collect();
        let ends = rows.iter().flat_map(|(claim, effect)| {
            let ends = claim.interval.unwrap_or([*effect; 2]);
            ends.map(place)
        });
        let bound = self.lead().bound;
        let [low, high] =
            span(ends.chain([0.0]).chain(bound.map(place))).filter(|[low, high]| low < high)?;
        let x = Scale::exact([low, high], ENDS);
        let bottom = STEP * rows.len() as f64 + 2.0;
        let mut body = String::new();
        for (value, dashes) in [(Some(0.0), ""), (bound, r#" stroke-dasharray="3 3""#)] {
            let Some(value) = value else { continue };
            let x = x.at(place(value));
            let label = if dashes.is_empty() {
                "0".to_owned()
            } else {
                unit.format(value)
            };
            body += &format!(
                r#"<path class="zero"{dashes} d="M{x:.1} 2V{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 13.0,
                escape(&label.replace(" points", ""))
            );
        }
        let mut lines = Vec::new();
        for (index, (claim, effect)) in rows.iter().enumerate() {
            let y = STEP * (index as f64 + 0.5) + 2.0;
            let panel = panel(claim);
            let class = verdict_class(claim.verdict);
            let text = unit.format(*effect).replace(" points", "");
            if let Some([low, high]) = claim.interval.map(|ends| ends.map(|end| x.at(place(end)))) {
                body += &format!(r#"<path class="range {class}" d="M{low:.1} {y:.1}H{high:.1}"/>"#);
            }
            let mean = self.claims.len() > 1 && index + 1 == rows.len();
            let glyph = if mean { Glyph::Diamond } else { Glyph::Circle };
            body += &mark(
                glyph,
                x.at(place(*effect)),
                y,
                4.0,
                &format!("point {class}"),
            );
            body += &format!(
                r#"<text class="tick" x="0" y="{0:.1}">{1}</text><text class="tick" x="{WIDTH}" y="{0:.1}" text-anchor="end">{2} {3}</text>"#,
                y + 4.0,
                escape(&shortened(panel)),
                escape(&text),
                claim.verdict.symbol()
            );
            lines.push(format!("{panel}: {text}, {}", claim.verdict));
        }
        Some(Picture {
            width: WIDTH,
            height: bottom + 18.0,
            title: format!("{}: effect and 95% interval", self.name()),
            desc: lines.join("; ") + ".",
            body,
        })
    }

    /// How the claim was tested, panel by panel.
    pub(crate) fn details(&self) -> Vec<Block> {
        let lead = self.lead();
        let mut blocks = vec![
            Block::Heading(lead.statement.clone()),
            Block::note("", format!("{}: {}.", self.id, lead.test)),
        ];
        for claim in &self.claims {
            let mut text = format!("{} {}. ", claim.verdict.symbol(), claim.verdict);
            text += &notes(claim).join(" ");
            let panel = if self.claims.len() > 1 {
                panel(claim)
            } else {
                ""
            };
            let lead = if panel.is_empty() {
                String::new()
            } else {
                format!("{panel}:")
            };
            blocks.push(Block::note(&lead, text));
            if !claim.cells.is_empty() {
                blocks.push(Block::Table(cells(claim)));
            }
        }
        blocks
    }
}

/// The panel of a verdict, as its id names it.
fn panel(claim: &Claim) -> &str {
    claim.id.splitn(4, '/').nth(3).unwrap_or("all")
}

/// The p that Holm's correction starts from: every condition must hold, so that the largest counts.
fn largest_p(claim: &Claim) -> Option<f64> {
    let conditions = claim.conditions.iter().map(|condition| condition.p);
    let all: Option<Vec<f64>> = conditions.chain([claim.p]).collect();
    all?.into_iter().reduce(f64::max)
}

/// Why a claim is inconclusive or which condition decides, and how the other conditions fared.
fn reason(claim: &Claim) -> String {
    let mut text = claim.reason.clone().unwrap_or_default();
    for condition in &claim.conditions {
        let value = format!(
            "{} {}",
            or_dash(condition.effect, |effect| condition.unit.format(effect)),
            or_dash(condition.interval, |ends| condition
                .unit
                .format_interval(ends))
        );
        // The deciding condition is named already.
        if text.ends_with(&condition.measure) {
            text += &format!(": {value}");
        } else {
            let separator = if text.is_empty() { "" } else { "; " };
            text += &format!(
                "{separator}second condition: {}: {value}",
                condition.measure
            );
        }
    }
    text
}

/// The rule of a claim about solved models, why a claim is inconclusive, further conditions, and what
/// would refute it.
fn remark(claim: &Claim) -> String {
    let mut sentences = Vec::new();
    if claim.counted == Counted::Points {
        sentences.push(claim.test.clone());
    }
    sentences.extend(Some(reason(claim)).filter(|reason| !reason.is_empty()));
    let sentences = sentences.iter().map(|text| sentence(text));
    sentences.collect::<String>() + &claim.refuted_if
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    format!("{}{}. ", first.collect::<String>(), rest.as_str())
}

/// A label short enough to stay beside its mark.
fn shortened(text: &str) -> String {
    const MOST: usize = 15;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

/// Every claim in one row.
pub(crate) fn verdicts(all: &[Judged<'_>]) -> Table {
    let columns = [
        ("claim", false),
        ("verdict", false),
        ("n", true),
        ("effect", true),
        ("95% interval", true),
        ("p", true),
        ("p (Holm)", true),
        ("same verdict in", true),
        ("why", false),
    ];
    let mut rows = Vec::new();
    for same in all.chunk_by(|a, b| a.group() == b.group()) {
        rows.push(Row::group(same[0].group().to_owned()));
        rows.extend(same.iter().map(|judged| {
            let claim = judged.lead();
            Row {
                cells: vec![
                    judged.name().to_owned(),
                    format!("{} {}", claim.verdict.symbol(), claim.verdict),
                    claim.counted.count(claim.n),
                    or_dash(claim.effect, |e| claim.unit.format(e)),
                    or_dash(claim.interval, |ends| claim.unit.format_interval(ends)),
                    or_dash(largest_p(claim), p_value),
                    or_dash(claim.p_holm, p_value),
                    judged.panels(),
                    claim
                        .reason
                        .as_ref()
                        .map_or_else(String::new, |_| reason(claim)),
                ],
                class: verdict_class(claim.verdict),
                remark: None,
            }
        }));
    }
    Table {
        class: "verdicts",
        ..Table::new(&columns, rows)
    }
}

/// Details of a verdict: further conditions, other tests, remarks.
fn notes(claim: &Claim) -> Vec<String> {
    let mut notes = vec![claim.refuted_if.clone()];
    for condition in &claim.conditions {
        notes.push(format!(
            "Condition: {}: {}, 95% interval {}, p {}.",
            condition.measure,
            or_dash(condition.effect, |effect| condition.unit.format(effect)),
            or_dash(condition.interval, |ends| condition
                .unit
                .format_interval(ends)),
            or_dash(condition.p, p_value)
        ));
    }
    if let Some(family) = claim.family {
        notes.push(format!(
            "p {}, corrected for {} {}; signed-rank test {}, sign test {}.",
            or_dash(claim.p, p_value),
            count(family, "test", "tests"),
            or_dash(claim.p_holm, p_value),
            or_dash(claim.p_signed_rank, p_value),
            or_dash(claim.p_sign, p_value)
        ));
    }
    notes.extend(claim.reason.iter().map(|reason| format!("{reason}.")));
    notes.extend(claim.notes.iter().cloned());
    notes
}

/// The effect of a claim in each cell.
fn cells(claim: &Claim) -> Table {
    let mut columns = vec![("cell", false), (claim.counted.label(), true)];
    let random = claim.counted == Counted::Seeds;
    columns.extend(if random {
        vec![("effect", true), ("95% interval", true)]
    } else {
        vec![(claim.measure.as_str(), true)]
    });
    let row = |cell: &memdil_claims::CellEffect| {
        let mut cells = vec![
            cell.label.clone(),
            cell.n.to_string(),
            or_dash(cell.effect, |e| claim.unit.format(e)),
        ];
        if random {
            cells.push(or_dash(cell.interval, |ends| {
                claim.unit.format_interval(ends)
            }));
        }
        Row::of(cells)
    };
    Table::new(&columns, claim.cells.iter().map(row))
}
