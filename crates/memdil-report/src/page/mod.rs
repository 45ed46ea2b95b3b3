//! The report as one HTML file.

mod section;

use crate::chart::STYLE;
use crate::content::{Content, DEVIATIONS, TITLE, rules};
use crate::measured::{self, MEASURED};
use crate::tables;
use crate::text::escape;

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
        content
            .subtitle()
            .iter()
            .map(|part| format!("<span>{}</span>", escape(part)))
            .collect::<String>()
    );
    if !content.is_measured_only() {
        html += &summary(content);
    }
    let mut number = 0;
    for section in &content.sections {
        html += &section::html(content, section, &mut number);
    }
    if !content.measured.is_empty() {
        html += &format!(
            "<section id=\"measured\"><h2>Measured features</h2><p>{}</p>",
            escape(MEASURED)
        );
        let number = content.all_figures().count();
        html += &content
            .measured_figure
            .as_ref()
            .map_or_else(String::new, |figure| figure.html(number));
        html += &measured::table(&content.measured).html();
        for line in measured::undefined(&content.measured) {
            html += &format!("<p class=\"how\">{}</p>", escape(&line));
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
        tables::provenance(&content.made())
            .html()
            .replace("class=\"scroll\"", "class=\"scroll facts\""),
        content
            .command
            .as_ref()
            .map_or_else(String::new, |command| {
                format!("<h3>To run it again</h3><pre>{}</pre>", escape(command))
            })
    );
    html + "</main></body></html>\n"
}

/// Every verdict in one table, before anything else.
fn summary(content: &Content) -> String {
    let mut html = "<section id=\"claims\"><h2>Verdicts</h2>".to_owned();
    if !content.claims.is_empty() {
        html += &format!(
            "<p><strong>{}</strong> <span class=\"how\">{}</span></p>{}",
            escape(&content.tally()),
            escape(&rules(&content.claims)),
            tables::claims(&content.claims)
                .html()
                .replace("class=\"scroll\"", "class=\"scroll verdicts\"")
        );
    }
    html += &content.missing_note().map_or_else(String::new, |note| {
        format!("<p class=\"missing\">{}</p>", escape(&note))
    });
    html += &content
        .unjudged_note()
        .map_or_else(String::new, |note| format!("<p>{}</p>", escape(&note)));
    html + "</section>\n"
}
