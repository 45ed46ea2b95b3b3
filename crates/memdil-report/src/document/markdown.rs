//! Writes the report as Markdown, which links to the figures in `figures/`.

use super::blocks::{Block, Card, Document, Table, Text};
use crate::text::{escape_markdown as escape, joined, when};

/// The whole document.
pub(crate) fn markdown(document: &Document) -> String {
    let facts = escape(&document.facts.join(" · "));
    let mut text = format!("# {}\n\n{}\n\n{facts}\n", document.title, document.purpose);
    let mut figures = 0;
    for section in &document.sections {
        text += &format!("\n## {}\n", escape(&section.title));
        text += &blocks(&section.blocks, 3, &mut figures);
    }
    text
}

/// `level` is the level of the headings, `figures` the number of figures written so far.
fn blocks(blocks: &[Block], level: usize, figures: &mut usize) -> String {
    let one = |one: &Block| format!("\n{}", block(one, level, figures));
    blocks.iter().map(one).collect()
}

fn block(block: &Block, level: usize, figures: &mut usize) -> String {
    let hashes = "#".repeat(level);
    match block {
        Block::Heading(heading) => format!("{hashes} {}\n", escape(heading)),
        Block::Text(text) => paragraph(text),
        Block::Columns(texts) => joined(texts.iter().map(paragraph), "\n"),
        Block::Cards(cards) => joined(cards.iter().map(card), "\n"),
        Block::Figure(figure) => {
            *figures += 1;
            let (name, heading) = (&figure.name, &figure.heading);
            format!(
                "{hashes} Figure {figures}: {heading}\n\n![{heading}](figures/{name}.svg)\n\n{}\n\n{}\n",
                escape(&figure.caption),
                escape(&figure.reading)
            )
        }
        Block::Table(table) => self::table(table),
        Block::Fold {
            heading, blocks, ..
        } => {
            let body = self::blocks(blocks, level + 1, figures);
            format!("{hashes} {}\n{body}", escape(heading))
        }
        // An indented block cannot be closed by the text of the command.
        Block::Code(code) => code.lines().map(|line| format!("    {line}\n")).collect(),
    }
}

fn paragraph(text: &Text) -> String {
    let lead = format!("**{}** ", escape(&text.lead));
    let lead = when(!text.lead.is_empty(), lead);
    format!("{lead}{}\n", escape(&text.text))
}

fn card(card: &Card) -> String {
    let facts = card.facts.iter();
    let facts = joined(facts.map(|(name, value)| format!("{name} {value}")), ", ");
    format!(
        "**{} {}** {} (`{}`)\n\n{}. {}\n",
        card.verdict.symbol(),
        card.verdict,
        escape(&card.statement),
        card.id,
        escape(&facts),
        escape(&card.remark)
    )
}

fn table(table: &Table) -> String {
    if table.columns.is_empty() {
        return String::new();
    }
    let mut cells = Vec::new();
    let mut alignments = Vec::new();
    for (heading, is_number) in &table.columns {
        cells.push(escape(heading));
        alignments.push(if *is_number { "---:" } else { "---" }.to_owned());
    }
    let mut text = line(&cells) + &line(&alignments);
    for row in &table.rows {
        let mut cells: Vec<String> = row.cells.iter().map(|cell| escape(cell)).collect();
        cells.extend(row.remark.as_deref().map(escape));
        cells.resize(table.columns.len(), String::new());
        text += &line(&cells);
    }
    text
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
