//! Tables that become HTML or Markdown.

use crate::text::{escape, escape_markdown};

/// A table whose columns are text or numbers.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Heading and whether the column holds numbers.
    pub(crate) columns: Vec<(String, bool)>,
    pub(crate) rows: Vec<Row>,
}

/// A row: cells, and perhaps a remark that takes the place of those that are missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) remark: Option<String>,
    /// CSS class of the row.
    pub(crate) class: &'static str,
}

/// Headings that are known beforehand.
pub(crate) fn heads(columns: &[(&str, bool)]) -> Vec<(String, bool)> {
    columns
        .iter()
        .map(|(heading, number)| ((*heading).to_owned(), *number))
        .collect()
}

impl Table {
    /// In a wrapper that scrolls sideways on a narrow screen.
    pub(crate) fn html(&self) -> String {
        if self.columns.is_empty() {
            return String::new();
        }
        let class = |column: usize| {
            if self.columns[column].1 {
                r#" class="num""#
            } else {
                ""
            }
        };
        let mut html = r#"<div class="scroll" tabindex="0"><table><thead><tr>"#.to_owned();
        for (column, (heading, _)) in self.columns.iter().enumerate() {
            html += &format!(
                r#"<th scope="col"{}>{}</th>"#,
                class(column),
                escape(heading)
            );
        }
        html += "</tr></thead><tbody>\n";
        for row in &self.rows {
            html += &if row.class.is_empty() {
                "<tr>".to_owned()
            } else {
                format!(r#"<tr class="{}">"#, row.class)
            };
            for (column, cell) in row.cells.iter().enumerate() {
                html += &format!("<td{}>{}</td>", class(column), escape(cell));
            }
            if let Some(remark) = &row.remark {
                let rest = self.columns.len() - row.cells.len();
                html += &format!(r#"<td colspan="{rest}">{}</td>"#, escape(remark));
            }
            html += "</tr>\n";
        }
        html + "</tbody></table></div>\n"
    }

    pub(crate) fn markdown(&self) -> String {
        if self.columns.is_empty() {
            return String::new();
        }
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(
            self.columns
                .iter()
                .map(|(heading, _)| escape_markdown(heading))
                .collect(),
        );
        text += &line(
            self.columns
                .iter()
                .map(|(_, num)| if *num { "---:" } else { "---" }.to_owned())
                .collect(),
        );
        for row in &self.rows {
            let mut cells: Vec<String> =
                row.cells.iter().map(|cell| escape_markdown(cell)).collect();
            cells.extend(row.remark.as_deref().map(escape_markdown));
            cells.resize(self.columns.len(), String::new());
            text += &line(cells);
        }
        text
    }
}
