//! Access to settings by their dotted names.

use toml::{Table, Value};

use crate::error::{RunnerError, override_error};

/// Sets a dotted key; missing tables are created.
pub(crate) fn set(table: &mut Table, key: &str, value: Value) -> Result<(), RunnerError> {
    let mut parts = key.split('.').peekable();
    let mut table = table;
    while let Some(part) = parts.next() {
        if part.is_empty() {
            break;
        }
        if parts.peek().is_none() {
            table.insert(part.to_owned(), value);
            return Ok(());
        }
        let inner = table
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        table = match inner {
            Value::Table(inner) => inner,
            _ => {
                let reason = format!("'{part}' is a value, not a table");
                return Err(override_error(key, reason));
            }
        };
    }
    Err(override_error(key, "a part of the name is empty"))
}

/// Parses a TOML value. Text that is not a TOML value becomes a string, so that
/// `data.source=fashion-mnist` needs no quotes.
pub(crate) fn parse_value(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The message of a TOML error on one line; its `Display` spans several lines.
pub(crate) fn one_line(error: &toml::de::Error, text: Option<&str>) -> String {
    let message = error.message().replace('\n', "; ");
    match (text, error.span()) {
        (Some(text), Some(span)) => {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        _ => message,
    }
}
