//! One experiment on the page.

use memdil_claims::{Claim, Counted, Unit, Verdict};

use crate::content::Content;
use crate::section::Section;
use crate::table::Table;
use crate::text::{count, escape, or_dash, p_value};
use crate::{layer_peeled, search, tables};

/// `number` counts the figures of the page.
pub(super) fn html(content: &Content, section: &Section, number: &mut usize) -> String {
    let mut html = format!(
        "<section id=\"experiment-{}\"><h2>{}</h2><p>{}</p>\n",
        section.experiment,
        escape(section.title()),
        escape(section.question())
    );
    let claims = section.claims(&content.claims);
    if !claims.is_empty() {
        html += &format!(
            "<div class=\"cards\">\n{}</div>",
            claims.iter().map(|claim| card(claim)).collect::<String>()
        );
    }
    if !section.meaning.is_empty() {
        html += &format!(
            "<p class=\"meaning\"><strong>What it means.</strong> {}</p>",
            escape(&section.meaning)
        );
    }
    for figure in &section.figures {
        *number += 1;
        html += &figure.html(*number);
    }
    html += &section.fits.as_ref().map_or_else(String::new, Table::html);
    if section.experiment == "layer-peeled" && !content.layer_peeled.is_empty() {
        html += &layer_peeled::table(&content.layer_peeled).html();
    }
    if !section.searches.is_empty() {
        html += &search::html(&section.searches);
    }
    if !claims.is_empty() {
        let details = claims.iter().map(|claim| detail(claim)).collect::<String>();
        html += &folded(
            &format!("How {} tested, cell by cell", are(claims.len())),
            &details,
        );
    }
    let runs = &content.runs[section.runs.clone()];
    if !runs.is_empty() {
        let how = "<p class=\"how\">Values after the last epoch. realised: share of wrong training labels; test %: test \
                   accuracy; mem.: distance of corrupted training samples to the mean of their true class; as given: share \
                   of them predicted as the wrong label they were given; s: seconds.</p>";
        let table = tables::runs(runs).html();
        html += &folded(
            &format!("{}, one a row", count(runs.len(), "run", "runs")),
            &format!("{how}{table}"),
        );
    }
    for (name, text) in [
        ("Where it differs from the paper.", section.differs()),
        ("Made from", &section.provenance),
    ] {
        if !text.is_empty() {
            html += &format!(
                "<p class=\"how\"><strong>{name}</strong> {}</p>",
                escape(text)
            );
        }
    }
    if let Some(again) = &section.again {
        html += &format!(
            "<p class=\"how\"><strong>To run it again:</strong> <code>{}</code></p>",
            escape(again)
        );
    }
    html + "</section>\n"
}

fn are(claims: usize) -> &'static str {
    if claims == 1 {
        "the claim is"
    } else {
        "the claims are"
    }
}

fn folded(heading: &str, body: &str) -> String {
    format!(
        "<details><summary>{}</summary>{body}</details>\n",
        escape(heading)
    )
}

fn badge(verdict: Verdict) -> String {
    format!(
        r#"<span class="badge {}"><b aria-hidden="true">{}</b> {verdict}</span>"#,
        tables::class(verdict),
        verdict.symbol()
    )
}

fn card(claim: &Claim) -> String {
    let mut html = format!(
        "<article class=\"card {}\">{}<h3>{}</h3>",
        tables::class(claim.verdict),
        badge(claim.verdict),
        escape(&claim.statement)
    );
    html += &format!("<p class=\"how\">{}</p>", escape(&claim.id));
    html += &facts(claim);
    html += &interval_bar(claim);
    for why in claim
        .reason
        .iter()
        .chain(claim.reason.is_none().then_some(&claim.refuted_if))
    {
        html += &format!("<p class=\"why\">{}</p>", escape(why));
    }
    html + "</article>\n"
}

/// Effect, interval, seeds and p in one wrapping line; where nothing is random, effect and points.
fn facts(claim: &Claim) -> String {
    let effect = (
        claim.measure.as_str(),
        or_dash(claim.effect, |e| claim.unit.format(e)),
    );
    let n = (claim.counted.label(), claim.n.to_string());
    let facts = match claim.counted {
        Counted::Points => vec![effect, n],
        Counted::Seeds => vec![
            effect,
            (
                "95% interval",
                claim
                    .interval
                    .map_or_else(|| "–".to_owned(), |i| claim.unit.format_interval(i)),
            ),
            n,
            ("p", or_dash(claim.p, p_value)),
            ("p (Holm)", or_dash(claim.p_holm, p_value)),
            ("p (sign)", or_dash(claim.p_sign, p_value)),
        ],
    };
    let item = |(name, value): (&str, String)| {
        format!(
            "<div><dt>{}</dt><dd>{}</dd></div>",
            escape(name),
            escape(&value)
        )
    };
    format!(
        "<dl>{}</dl>",
        facts.into_iter().map(item).collect::<String>()
    )
}

/// Effect and interval beside zero, nothing where no chance is involved; what lies beyond the ends
/// of the scale is cut there.
fn interval_bar(claim: &Claim) -> String {
    let Some(effect) = claim.effect.filter(|_| claim.counted == Counted::Seeds) else {
        return String::new();
    };
    let (end, labels) = match claim.unit {
        Unit::RankCorrelation => (1.0, ["−1", "0", "1"]),
        Unit::Percent => (100.0, ["−100%", "0", "+100%"]),
        Unit::PercentagePoints => (10.0, ["−10", "0", "+10"]),
        Unit::Exponent | Unit::RelativeError | Unit::Difference => return String::new(),
    };
    let at = |value: f64| 150.0 + 120.0 * (value / end).clamp(-1.0, 1.0);
    let mut svg =
        r#"<path class="axis" d="M30 12H270"/><path class="zero" d="M150 4V20"/>"#.to_owned();
    for (x, label) in [30, 150, 270].into_iter().zip(labels) {
        svg += &format!(r#"<text class="tick" x="{x}" y="34" text-anchor="middle">{label}</text>"#);
    }
    if let Some([low, high]) = claim.interval {
        svg += &format!(
            r#"<path class="range" d="M{:.1} 12H{:.1}"/>"#,
            at(low),
            at(high)
        );
    }
    svg += &format!(
        r#"<circle class="point" cx="{:.1}" cy="12" r="4"/>"#,
        at(effect)
    );
    format!(r#"<svg class="chart interval" viewBox="0 0 300 40" aria-hidden="true">{svg}</svg>"#)
}

fn detail(claim: &Claim) -> String {
    let mut html = format!(
        "<article class=\"detail\"><h3>{} {}</h3>",
        escape(&claim.statement),
        badge(claim.verdict)
    );
    html += &format!(
        "<p class=\"how\">{}: {}.</p>",
        escape(&claim.id),
        escape(&claim.test)
    );
    for note in tables::notes(claim) {
        html += &format!("<p>{}</p>", escape(&note));
    }
    if !claim.cells.is_empty() {
        html += &tables::cells(claim).html();
    }
    html + "</article>\n"
}
