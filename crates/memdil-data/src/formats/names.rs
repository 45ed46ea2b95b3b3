//! Names from a file, made safe to print in a message.

/// The first few of `count` names and the number of omitted names; each name is [`printable`].
pub(crate) fn shortened<'a>(names: impl IntoIterator<Item = &'a str>, count: usize) -> String {
    const MAX_NAMES: usize = 8;
    let first: Vec<String> = names.into_iter().take(MAX_NAMES).map(printable).collect();
    let first = first.join(", ");
    match count.saturating_sub(MAX_NAMES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Truncates a name from a file and replaces its control characters.
pub(crate) fn printable(name: &str) -> String {
    const MAX_LENGTH: usize = 100;
    let plain = |c: char| match c.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => c,
    };
    name.chars().take(MAX_LENGTH).map(plain).collect()
}
