//! Names from a file as a message shows them.

/// The first of `count` names and how many follow, each cut and without line breaks.
pub(crate) fn shortened<'a>(names: impl IntoIterator<Item = &'a str>, count: usize) -> String {
    const MOST: usize = 8;
    let first: Vec<String> = names.into_iter().take(MOST).map(printable).collect();
    let first = first.join(", ");
    match count.saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A name from a file, cut and without line breaks and other control characters.
pub(crate) fn printable(name: &str) -> String {
    const LONGEST: usize = 100;
    let plain = |c: char| match c.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => c,
    };
    name.chars().take(LONGEST).map(plain).collect()
}
