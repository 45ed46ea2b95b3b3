//! The report as one HTML file.

use crate::chart::STYLE;
use crate::claims::{Claim, Counted, Unit, Verdict};
use crate::content::{Content, DEVIATIONS, THEORY, TITLE, rules};
use crate::layer_peeled::{self, LAYER_PEELED};
use crate::measured::{self, MEASURED};
use crate::search;
use crate::tables;
use crate::text::{escape, or_dash, p_value};

/// The whole page; style and figures inside, nothing loaded from elsewhere.
pub(crate) fn page(content: &Content) -> String {
    let mut html = format!(
        r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/><title>{TITLE}</title>
<style>
{STYLE}{}</style></head>
<body><main>
<header><h1>{TITLE}</h1><p class="lede">{}</p><p class="meta">{}</p></header>
"#,
        include_str!("page.css"),
        escape(content.purpose()),
        content.subtitle().iter().map(|part| format!("<span>{}</span>", escape(part))).collect::<String>()
    );
    if !content.is_measured_only() {
        html += &claims(content);
    }
    if !content.figures.is_empty() {
        html += "<section id=\"figures\"><h2>Figures</h2>\n";
        for (index, figure) in content.figures.iter().enumerate() {
            html += &figure.html(index + 1);
        }
        html += "</section>\n";
    }
    if !content.theory.is_empty() {
        html += &format!("<section id=\"theory\"><h2>Theory</h2><p>{}</p>\n", escape(THEORY));
        for (index, figure) in content.theory.iter().enumerate() {
            html += &figure.html(content.figures.len() + index + 1);
        }
        html += "</section>\n";
    }
    if !content.layer_peeled.is_empty() {
        html += &format!(
            "<section id=\"layer-peeled\"><h2>Layer-peeled model</h2><p>{}</p>{}</section>\n",
            escape(LAYER_PEELED),
            layer_peeled::table(&content.layer_peeled).html()
        );
    }
    if !content.searches.is_empty() {
        let number = content.figures.len() + content.theory.len() + 1;
        html += &search::html(&content.searches, content.search_figure.as_ref(), number);
    }
    if !content.measured.is_empty() {
        html += &format!("<section id=\"measured\"><h2>Measured features</h2><p>{}</p>", escape(MEASURED));
        let number = content.all_figures().count();
        html += &content.measured_figure.as_ref().map_or_else(String::new, |figure| figure.html(number));
        html += &measured::table(&content.measured).html();
        for line in measured::undefined(&content.measured) {
            html += &format!("<p class=\"how\">{}</p>", escape(&line));
        }
        html += "</section>\n";
    }
    if !content.runs.is_empty() {
        html += &format!(
            "<section id=\"runs\"><h2>Runs</h2><p class=\"how\">Values after the last epoch. realised: share of wrong \
             training labels; test %: test accuracy; mem.: distance of corrupted training samples to the mean of their \
             true class; as given: share of them predicted as the wrong label they were given; s: \
             seconds.</p>{}</section>\n",
            tables::runs(&content.runs).html()
        );
    }
    if !content.claims.is_empty() {
        html += "<section id=\"details\"><h2>Claims in detail</h2>\n";
        for claim in &content.claims {
            html += &detail(content, claim);
        }
        html += "</section>\n";
    }
    if let Some(comparison) = &content.comparison {
        html += &format!(
            "<section id=\"reference\"><h2>Beside the reference</h2><p><strong>{}</strong> {}</p>{}</section>\n",
            escape(&comparison.headline()),
            escape(&comparison.explanation()),
            tables::comparison(comparison).html()
        );
    }
    html += &format!(
        "<section id=\"provenance\"><h2>Deviations and provenance</h2><p>{}</p>{}{}</section>\n",
        escape(DEVIATIONS),
        tables::provenance(&content.made()).html().replace("class=\"scroll\"", "class=\"scroll facts\""),
        content
            .command
            .as_ref()
            .map_or_else(String::new, |command| { format!("<h3>To run it again</h3><pre>{}</pre>", escape(command)) })
    );
    html + "</main></body></html>\n"
}

fn claims(content: &Content) -> String {
    let mut html = "<section id=\"claims\"><h2>Claims</h2>".to_owned();
    if !content.claims.is_empty() {
        html += &format!(
            "<p><strong>{}</strong> <span class=\"how\">{}</span></p><div class=\"cards\">\n",
            escape(&content.tally()),
            escape(&rules(&content.claims))
        );
        for claim in &content.claims {
            html += &card(content, claim);
        }
        html += "</div>";
    }
    html += &content.unjudged_note().map_or_else(String::new, |note| format!("<p>{}</p>", escape(&note)));
    html + "</section>\n"
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "yes",
        Verdict::Refuted => "no",
        Verdict::Inconclusive => "open",
    }
}

fn badge(verdict: Verdict) -> String {
    format!(r#"<span class="badge {}"><b aria-hidden="true">{}</b> {verdict}</span>"#, class(verdict), verdict.symbol())
}

fn card(content: &Content, claim: &Claim) -> String {
    let mut html = format!(
        "<article class=\"card {}\">{}<h3>{}</h3>",
        class(claim.verdict),
        badge(claim.verdict),
        escape(&claim.statement)
    );
    if let Some(group) = content.group_of(claim) {
        html += &format!("<p class=\"how\">{}</p>", escape(group));
    }
    html += &facts(claim);
    html += &interval_bar(claim);
    html +=
        &claim.reason.as_ref().map_or_else(String::new, |reason| format!("<p class=\"why\">{}</p>", escape(reason)));
    html + "</article>\n"
}

/// Effect, interval, seeds and p in one wrapping line; where nothing is random, effect and points.
fn facts(claim: &Claim) -> String {
    let effect = (claim.measure, or_dash(claim.effect, |e| claim.unit.format(e)));
    let n = (claim.counted.label(), claim.n.to_string());
    let facts = match claim.counted {
        Counted::Points => vec![effect, n],
        Counted::Seeds => vec![
            effect,
            ("95% interval", claim.interval.map_or_else(|| "–".to_owned(), |i| claim.unit.format_interval(i))),
            n,
            ("p", or_dash(claim.p, p_value)),
            ("p (Holm)", or_dash(claim.p_holm, p_value)),
            ("p (sign)", or_dash(claim.p_sign, p_value)),
        ],
    };
    let item =
        |(name, value): (&str, String)| format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(&value));
    format!("<dl>{}</dl>", facts.into_iter().map(item).collect::<String>())
}

/// Effect and interval beside zero, nothing where no chance is involved; what lies beyond the ends of the scale is cut there.
fn interval_bar(claim: &Claim) -> String {
    let Some(effect) = claim.effect.filter(|_| claim.counted == Counted::Seeds) else { return String::new() };
    let (end, labels) = match claim.unit {
        Unit::RankCorrelation => (1.0, ["−1", "0", "1"]),
        Unit::Percent => (100.0, ["−100%", "0", "+100%"]),
        Unit::Exponent | Unit::RelativeError => return String::new(),
    };
    let at = |value: f64| 150.0 + 120.0 * (value / end).clamp(-1.0, 1.0);
    let mut svg = r#"<path class="axis" d="M30 12H270"/><path class="zero" d="M150 4V20"/>"#.to_owned();
    for (x, label) in [30, 150, 270].into_iter().zip(labels) {
        svg += &format!(r#"<text class="tick" x="{x}" y="34" text-anchor="middle">{label}</text>"#);
    }
    if let Some([low, high]) = claim.interval {
        svg += &format!(r#"<path class="range" d="M{:.1} 12H{:.1}"/>"#, at(low), at(high));
    }
    svg += &format!(r#"<circle class="point" cx="{:.1}" cy="12" r="4"/>"#, at(effect));
    format!(r#"<svg class="chart interval" viewBox="0 0 300 40" aria-hidden="true">{svg}</svg>"#)
}

fn detail(content: &Content, claim: &Claim) -> String {
    let mut html = format!("<article class=\"detail\"><h3>{} {}</h3>", escape(&claim.statement), badge(claim.verdict));
    if let Some(group) = content.group_of(claim) {
        html += &format!("<p class=\"how\">{}</p>", escape(group));
    }
    html += &format!("<p class=\"how\">{}.</p>", escape(&claim.test));
    for note in &claim.notes {
        html += &format!("<p>{}</p>", escape(note));
    }
    if !claim.cells.is_empty() {
        html += &tables::cells(claim).html();
    }
    html + "</article>\n"
}
