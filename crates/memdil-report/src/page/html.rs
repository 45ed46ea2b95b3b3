//! The report as one HTML file.

use crate::block::{Block, Card, Document, Table, Text, Tone};
use crate::chart::style;
use crate::text::{escape, verdict_class};

/// The whole page; style and figures inside, nothing loaded from elsewhere.
pub(crate) fn html(document: &Document) -> String {
    let title = escape(document.title);
    let facts = document.facts.iter();
    let facts: String = facts
        .map(|fact| format!("<span>{}</span>", escape(fact)))
        .collect();
    let mut html = format!(
        r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/><title>{title}</title>
<style>
{}{}</style></head>
<body><main>
<header><h1>{title}</h1><p class="lede">{}</p><p class="meta">{facts}</p></header>
"#,
        style(),
        include_str!("page.css"),
        escape(document.purpose),
    );
    let mut figures = 0;
    for section in &document.sections {
        let heading = escape(&section.title);
        html += &format!(
            r#"<section id="{}"><h2>{heading}</h2>"#,
            escape(&section.id)
        );
        html += &blocks(&section.blocks, &mut figures);
        html += "</section>\n";
    }
    html + "</main></body></html>\n"
}

/// `figures` counts the figures of the page.
fn blocks(blocks: &[Block], figures: &mut usize) -> String {
    blocks.iter().map(|one| block(one, figures)).collect()
}

fn block(block: &Block, figures: &mut usize) -> String {
    match block {
        Block::Heading(heading) => format!("<h3>{}</h3>\n", escape(heading)),
        Block::Text(text) => paragraph(text),
        Block::Columns(texts) => {
            let texts: String = texts.iter().map(paragraph).collect();
            format!("<div class=\"columns\">{texts}</div>\n")
        }
        Block::Cards(cards) => {
            let cards: String = cards.iter().map(card).collect();
            format!("<div class=\"cards\">\n{cards}</div>\n")
        }
        Block::Figure(figure) => {
            *figures += 1;
            figure.html(*figures)
        }
        Block::Table(table) => self::table(table),
        Block::Fold {
            heading,
            open,
            blocks,
        } => {
            let open = if *open { " open=\"open\"" } else { "" };
            let body = self::blocks(blocks, figures);
            format!(
                "<details{open}><summary>{}</summary>{body}</details>\n",
                escape(heading)
            )
        }
        Block::Code(code) => format!("<pre>{}</pre>\n", escape(code)),
    }
}

fn paragraph(text: &Text) -> String {
    let class = class(match text.tone {
        Tone::Plain => "",
        Tone::Muted => "how",
        Tone::Warning => "missing",
    });
    let lead = if text.lead.is_empty() {
        String::new()
    } else {
        format!("<strong>{}</strong> ", escape(&text.lead))
    };
    format!("<p{class}>{lead}{}</p>\n", escape(&text.text))
}

fn card(card: &Card) -> String {
    let class = verdict_class(card.verdict);
    let fact = |(name, value): &(String, String)| {
        format!(
            "<div><dt>{}</dt><dd>{}</dd></div>",
            escape(name),
            escape(value)
        )
    };
    let plot = card.plot.as_ref().map_or_else(String::new, |plot| {
        let id = format!("plot-{}", card.id.replace('/', "-"));
        plot.tag(&escape(&id), "")
    });
    format!(
        "<article class=\"card {class}\"><span class=\"badge\"><b aria-hidden=\"true\">{}</b> {}</span><h3>{}</h3>\
         <p class=\"how\">{}</p><dl>{}</dl>{plot}<p class=\"why\">{}</p></article>\n",
        card.verdict.symbol(),
        card.verdict,
        escape(&card.statement),
        escape(&card.id),
        card.facts.iter().map(fact).collect::<String>(),
        escape(&card.remark)
    )
}

/// A class attribute; nothing without a class.
fn class(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!(" class=\"{name}\"")
    }
}

/// In a wrapper that scrolls sideways on a narrow screen.
fn table(table: &Table) -> String {
    if table.columns.is_empty() {
        return String::new();
    }
    let number = |column: usize| class(if table.columns[column].1 { "num" } else { "" });
    let columns = table.columns.iter().enumerate();
    let head = |(column, (heading, _)): (usize, &(String, bool))| {
        let number = number(column);
        format!("<th scope=\"col\"{number}>{}</th>", escape(heading))
    };
    let head: String = columns.map(head).collect();
    let wrapper = class(format!("scroll {}", table.class).trim());
    let mut html =
        format!("<div{wrapper} tabindex=\"0\"><table><thead><tr>{head}</tr></thead><tbody>\n");
    for row in &table.rows {
        html += &format!("<tr{}>", class(row.class));
        for (column, cell) in row.cells.iter().enumerate() {
            html += &format!("<td{}>{}</td>", number(column), escape(cell));
        }
        if let Some(remark) = &row.remark {
            let rest = table.columns.len() - row.cells.len();
            html += &format!("<td colspan=\"{rest}\">{}</td>", escape(remark));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}
