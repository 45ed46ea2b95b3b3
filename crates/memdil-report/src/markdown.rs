//! The report as Markdown.

use crate::chart::Figure;
use crate::content::{Content, DEVIATIONS, THEORY, TITLE, rules};
use crate::layer_peeled::{self, LAYER_PEELED};
use crate::measured::{self, MEASURED};
use crate::search::{self, SEARCH};
use crate::tables;
use crate::text::escape_markdown;

/// A figure with its number.
fn figure(figure: &Figure, number: usize) -> String {
    let (name, heading) = (figure.name, &figure.heading);
    let (caption, reading) = (escape_markdown(&figure.caption), escape_markdown(&figure.reading));
    format!("\n### Figure {number}: {heading}\n\n![{heading}](figures/{name}.svg)\n\n{caption}\n\n{reading}\n")
}

/// The same content as the page; figures stand in `figures/`.
pub(crate) fn markdown(content: &Content) -> String {
    let (purpose, subtitle) = (content.purpose(), content.subtitle().join(" · "));
    let mut text = format!("# {TITLE}\n\n{purpose}\n\n{}\n", escape_markdown(&subtitle));
    if !content.is_measured_only() {
        text += "\n## Claims\n\n";
    }
    if !content.claims.is_empty() {
        text += &format!(
            "**{}** {}\n\n{}",
            content.tally(),
            rules(&content.claims),
            tables::claims(&content.claims).markdown()
        );
    }
    text += &content.unjudged_note().map_or_else(String::new, |note| format!("\n{}\n", escape_markdown(&note)));
    if !content.figures.is_empty() {
        text += "\n## Figures\n";
    }
    for (index, figure) in content.figures.iter().chain(&content.theory).enumerate() {
        if index == content.figures.len() {
            text += &format!("\n## Theory\n\n{}\n", escape_markdown(THEORY));
        }
        text += &self::figure(figure, index + 1);
    }
    if !content.layer_peeled.is_empty() {
        text += &format!(
            "\n## Layer-peeled model\n\n{}\n\n{}",
            escape_markdown(LAYER_PEELED),
            layer_peeled::table(&content.layer_peeled).markdown()
        );
    }
    if !content.searches.is_empty() {
        text +=
            &format!("\n## Search\n\n{}\n\n{}", escape_markdown(SEARCH), search::summary(&content.searches).markdown());
        text += &content
            .search_figure
            .as_ref()
            .map_or_else(String::new, |f| figure(f, content.figures.len() + content.theory.len() + 1));
        for (heading, table) in search::markdown_trials(&content.searches) {
            text += &format!("\n### {}\n\n{table}", escape_markdown(&heading));
        }
    }
    if !content.measured.is_empty() {
        text += &format!("\n## Measured features\n\n{}\n", escape_markdown(MEASURED));
        let number = content.all_figures().count();
        text += &content.measured_figure.as_ref().map_or_else(String::new, |f| figure(f, number));
        text += &format!("\n{}", measured::table(&content.measured).markdown());
        for line in measured::undefined(&content.measured) {
            text += &format!("\n{}\n", escape_markdown(&line));
        }
    }
    if !content.runs.is_empty() {
        text += &format!("\n## Runs\n\n{}", tables::runs(&content.runs).markdown());
    }
    if !content.claims.is_empty() {
        text += "\n## Claims in detail\n";
    }
    for claim in &content.claims {
        text += &format!(
            "\n### {}\n\n`{}`: {} {}. {}.\n",
            escape_markdown(&claim.statement),
            claim.id,
            claim.verdict.symbol(),
            claim.verdict,
            escape_markdown(&claim.test)
        );
        for note in &claim.notes {
            text += &format!("\n{}\n", escape_markdown(note));
        }
        if !claim.cells.is_empty() {
            text += &format!("\n{}", tables::cells(claim).markdown());
        }
    }
    if let Some(comparison) = &content.comparison {
        text += &format!(
            "\n## Beside the reference\n\n**{}** {}\n\n{}",
            escape_markdown(&comparison.headline()),
            escape_markdown(&comparison.explanation()),
            tables::comparison(comparison).markdown()
        );
    }
    text += &format!(
        "\n## Deviations and provenance\n\n{DEVIATIONS}\n\n{}",
        tables::provenance(&content.made()).markdown()
    );
    if let Some(command) = &content.command {
        // Indented, so that nothing in the command can end the block.
        let lines: String = command.lines().map(|line| format!("    {line}\n")).collect();
        text += &format!("\nTo run it again:\n\n{lines}");
    }
    text
}
