//! The report as Markdown; figures lie beside it in `figures/`.

use crate::block::{Block, Card, Document, Table, Text};
use crate::text::escape_markdown as escape;

/// The same document as the page.
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

/// Headings are of the given level; `figures` counts the figures.
fn blocks(blocks: &[Block], level: usize, figures: &mut usize) -> String {
    let one = |one: &Block| format!("\n{}", block(one, level, figures));
    blocks.iter().map(one).collect()
}

fn block(block: &Block, level: usize, figures: &mut usize) -> String {
    let hashes = "#".repeat(level);
    match block {
        Block::Heading(heading) => format!("{hashes} {}\n", escape(heading)),
        Block::Text(text) => paragraph(text),
        Block::Columns(texts) => texts.iter().map(paragraph).collect::<Vec<_>>().join("\n"),
        Block::Cards(cards) => cards.iter().map(card).collect::<Vec<_>>().join("\n"),
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
        // Indented, so that nothing in the command can end the block.
        Block::Code(code) => code.lines().map(|line| format!("    {line}\n")).collect(),
    }
}

fn paragraph(text: &Text) -> String {
    let lead = if text.lead.is_empty() {
        String::new()
    } else {
        format!("**{}** ", escape(&text.lead))
    };
    format!("{lead}{}\n", escape(&text.text))
}

fn card(card: &Card) -> String {
    let fact = |(name, value): &(String, String)| format!("{name} {value}");
    let facts: Vec<String> = card.facts.iter().map(fact).collect();
    format!(
        "**{} {}** {} (`{}`)\n\n{}. {}\n",
        card.verdict.symbol(),
        card.verdict,
        escape(&card.statement),
        card.id,
        escape(&facts.join(", ")),
        escape(&card.remark)
    )
}

fn table(table: &Table) -> String {
    if table.columns.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let columns = || table.columns.iter();
    let mut text = line(columns().map(|(heading, _)| escape(heading)).collect());
    let align = |number: bool| if number { "---:" } else { "---" }.to_owned();
    text += &line(columns().map(|(_, number)| align(*number)).collect());
    for row in &table.rows {
        let mut cells: Vec<String> = row.cells.iter().map(|cell| escape(cell)).collect();
        cells.extend(row.remark.as_deref().map(escape));
        cells.resize(table.columns.len(), String::new());
        text += &line(cells);
    }
    text
}
