//! The report as Markdown.

use crate::chart::Figure;
use crate::content::{Content, DEVIATIONS, TITLE, rules};
use crate::layer_peeled;
use crate::measured::{self, MEASURED};
use crate::search::{self, SEARCH};
use crate::section::Section;
use crate::tables;
use crate::text::escape_markdown;

/// A figure with its number.
fn figure(figure: &Figure, number: usize) -> String {
    let (name, heading) = (&figure.name, &figure.heading);
    let (caption, reading) = (
        escape_markdown(&figure.caption),
        escape_markdown(&figure.reading),
    );
    format!(
        "\n### Figure {number}: {heading}\n\n![{heading}](figures/{name}.svg)\n\n{caption}\n\n{reading}\n"
    )
}

/// The same content as the page; figures stand in `figures/`.
pub(crate) fn markdown(content: &Content) -> String {
    let (purpose, subtitle) = (content.purpose(), content.subtitle().join(" · "));
    let mut text = format!("# {TITLE}\n\n{purpose}\n\n{}\n", escape_markdown(&subtitle));
    if !content.is_measured_only() {
        text += "\n## Verdicts\n\n";
    }
    if !content.claims.is_empty() {
        text += &format!(
            "**{}** {}\n\n{}",
            content.tally(),
            rules(&content.claims),
            tables::claims(&content.claims).markdown()
        );
    }
    text += &content.missing_note().map_or_else(String::new, |note| {
        format!("\n{}\n", escape_markdown(&note))
    });
    text += &content.unjudged_note().map_or_else(String::new, |note| {
        format!("\n{}\n", escape_markdown(&note))
    });
    let mut number = 0;
    for section in &content.sections {
        text += &self::section(content, section, &mut number);
    }
    if !content.measured.is_empty() {
        text += &format!("\n## Measured features\n\n{}\n", escape_markdown(MEASURED));
        let number = content.all_figures().count();
        text += &content
            .measured_figure
            .as_ref()
            .map_or_else(String::new, |f| figure(f, number));
        text += &format!("\n{}", measured::table(&content.measured).markdown());
        for line in measured::undefined(&content.measured) {
            text += &format!("\n{}\n", escape_markdown(&line));
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
        let lines: String = command
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect();
        text += &format!("\nTo run it again:\n\n{lines}");
    }
    text
}

/// One experiment.
fn section(content: &Content, section: &Section, number: &mut usize) -> String {
    let mut text = format!(
        "\n## {}\n\n{}\n",
        escape_markdown(section.title()),
        escape_markdown(section.question())
    );
    if !section.meaning.is_empty() {
        text += &format!(
            "\n**What it means.** {}\n",
            escape_markdown(&section.meaning)
        );
    }
    for figure in &section.figures {
        *number += 1;
        text += &self::figure(figure, *number);
    }
    text += &section
        .fits
        .as_ref()
        .map_or_else(String::new, |fits| format!("\n{}", fits.markdown()));
    if section.experiment == "layer-peeled" && !content.layer_peeled.is_empty() {
        text += &format!(
            "\n{}",
            layer_peeled::table(&content.layer_peeled).markdown()
        );
    }
    if !section.searches.is_empty() {
        text += &format!(
            "\n### Search\n\n{}\n\n{}",
            escape_markdown(SEARCH),
            search::summary(&section.searches).markdown()
        );
        for (heading, table) in search::markdown_trials(&section.searches) {
            text += &format!("\n#### {}\n\n{table}", escape_markdown(&heading));
        }
    }
    for claim in section.claims(&content.claims) {
        text += &format!(
            "\n### {}\n\n`{}`: {} {}. {}.\n",
            escape_markdown(&claim.statement),
            claim.id,
            claim.verdict.symbol(),
            claim.verdict,
            escape_markdown(&claim.test)
        );
        for note in tables::notes(claim) {
            text += &format!("\n{}\n", escape_markdown(&note));
        }
        if !claim.cells.is_empty() {
            text += &format!("\n{}", tables::cells(claim).markdown());
        }
    }
    let runs = &content.runs[section.runs.clone()];
    if !runs.is_empty() {
        text += &format!("\n### Runs\n\n{}", tables::runs(runs).markdown());
    }
    for (name, said) in [
        ("Where it differs from the paper.", section.differs()),
        ("Made from", &section.provenance),
    ] {
        if !said.is_empty() {
            text += &format!("\n**{name}** {}\n", escape_markdown(said));
        }
    }
    if let Some(again) = &section.again {
        text += &format!("\nTo run it again:\n\n    {again}\n");
    }
    text
}
