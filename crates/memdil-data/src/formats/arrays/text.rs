//! Labels in a text file.

use crate::formats::names::printable;
use crate::formats::numbers::whole;

/// Columns of labels in a text file: one number per line, or several separated by commas,
/// semicolons or tabs, with or without names in the first line.
pub(super) struct Text {
    /// The names of the columns; two unnamed columns are clean and observed labels.
    pub(super) names: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

impl Text {
    /// Splits a text file into fields; the error is a message with a remedy.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| "is not a text file in UTF-8; save it in UTF-8".to_owned())?;
        // Some editors add a byte-order mark at the start and empty lines at the end.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
        let mut rows: Vec<_> = (1..).zip(text.lines().map(fields)).collect();
        let Some(width) = rows.first().map(|(_, fields)| fields.len()) else {
            return Err("is empty; save one label per sample".to_owned());
        };
        if let Some((number, fields)) = rows.iter().find(|(_, fields)| fields.len() != width) {
            return Err(format!(
                "line {number} has {} columns, but the first line has {width}; save the same columns in every line",
                fields.len()
            ));
        }
        let is_name = |field: &String| field.parse::<f64>().is_err();
        let names = match (rows[0].1.iter().any(is_name), width) {
            (true, _) => rows.remove(0).1,
            (false, 1) => Vec::new(),
            (false, 2) => vec!["clean".to_owned(), "observed".to_owned()],
            (false, _) => (1..=width)
                .map(|column| format!("column {column}"))
                .collect(),
        };
        // pandas writes its index as a first column without a name.
        let unnamed = names.iter().filter(|name| name.is_empty()).count();
        if unnamed == 1 && names.len() == 2 {
            let index = usize::from(names[1].is_empty());
            rows.iter_mut()
                .for_each(|(_, fields)| drop(fields.remove(index)));
            return Ok(Self {
                names: Vec::new(),
                rows,
            });
        }
        if rows.is_empty() {
            return Err("holds only a line of names; save one label per sample".to_owned());
        }
        Ok(Self { names, rows })
    }

    /// The numbers of a column; the error message names the line.
    pub(super) fn column(&self, column: usize) -> Result<Vec<i64>, String> {
        let label = |(line, fields): &(usize, Vec<String>)| {
            let field = &fields[column];
            let number = field.parse().ok().or_else(|| whole(field.parse().ok()?));
            number.ok_or_else(|| {
                format!(
                    "line {line}: `{}` is not a class number; labels are integers from 0, and class names must \
                     become numbers, np.unique(names, return_inverse=True)[1]",
                    printable(field)
                )
            })
        };
        self.rows.iter().map(label).collect()
    }
}

fn fields(line: &str) -> Vec<String> {
    let fields = line.split([',', ';', '\t']);
    fields
        .map(|field| field.trim().trim_matches('"').to_owned())
        .collect()
}
