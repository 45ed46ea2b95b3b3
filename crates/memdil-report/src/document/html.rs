//! Writes the report as one HTML file.

use super::blocks::{Block, Card, Document, Table, Text, Tone};
use crate::chart::style;
use crate::text::{escape, verdict_class, when};

/// The whole page, self-contained: styles and figures are inline.
pub(crate) fn html(document: &Document) -> String {
    let title = escape(document.title);
    let mut facts = String::new();
    for fact in &document.facts {
        facts += &format!("<span>{}</span>", escape(fact));
    }
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
        let (id, heading) = (escape(&section.id), escape(&section.title));
        html += &format!(r#"<section id="{id}"><h2>{heading}</h2>"#);
        html += &blocks(&section.blocks, &mut figures);
        html += "</section>\n";
    }
    html + "</main></body></html>\n"
}

/// `figures` is the number of figures written so far.
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
            let (open, heading) = (when(*open, " open=\"open\""), escape(heading));
            let body = self::blocks(blocks, figures);
            format!("<details{open}><summary>{heading}</summary>{body}</details>\n")
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
    let lead = format!("<strong>{}</strong> ", escape(&text.lead));
    let lead = when(!text.lead.is_empty(), lead);
    format!("<p{class}>{lead}{}</p>\n", escape(&text.text))
}

fn card(card: &Card) -> String {
    let class = verdict_class(card.verdict);
    let mut facts = String::new();
    for (name, value) in &card.facts {
        let (name, value) = (escape(name), escape(value));
        facts += &format!("<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    let id = escape(&format!("plot-{}", card.id.replace('/', "-")));
    let plot = card.plot.iter().map(|plot| plot.tag(&id, ""));
    let plot: String = plot.collect();
    format!(
        "<article class=\"card {class}\"><span class=\"badge\"><b aria-hidden=\"true\">{}</b> {}</span><h3>{}</h3>\
         <p class=\"how\">{}</p><dl>{facts}</dl>{plot}<p class=\"why\">{}</p></article>\n",
        card.verdict.symbol(),
        card.verdict,
        escape(&card.statement),
        escape(&card.id),
        escape(&card.remark)
    )
}

/// A class attribute; empty without a class.
fn class(name: &str) -> String {
    when(!name.is_empty(), format!(" class=\"{name}\""))
}

/// A table in a wrapper that scrolls horizontally on a narrow screen.
fn table(table: &Table) -> String {
    if table.columns.is_empty() {
        return String::new();
    }
    let mut numbers = Vec::new();
    let mut head = String::new();
    for (heading, is_number) in &table.columns {
        let number = class(if *is_number { "num" } else { "" });
        head += &format!("<th scope=\"col\"{number}>{}</th>", escape(heading));
        numbers.push(number);
    }
    let wrapper = class(format!("scroll {}", table.class).trim());
    let mut html =
        format!("<div{wrapper} tabindex=\"0\"><table><thead><tr>{head}</tr></thead><tbody>\n");
    for row in &table.rows {
        html += &format!("<tr{}>", class(row.class));
        for (number, cell) in numbers.iter().zip(&row.cells) {
            html += &format!("<td{number}>{}</td>", escape(cell));
        }
        if let Some(remark) = &row.remark {
            let rest = table.columns.len() - row.cells.len();
            html += &format!("<td colspan=\"{rest}\">{}</td>", escape(remark));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}
