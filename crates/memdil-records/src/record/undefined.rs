//! Describes undefined metrics in words.

use std::collections::BTreeMap;

/// One line per reason, with the names of the metrics that have no value for this reason.
///
/// `undefined` maps the name of each metric to its reason, as in a record.
///
/// ```
/// let why = "the class means coincide".to_owned();
/// let undefined = [("nc1".to_owned(), why.clone()), ("nc3".to_owned(), why)].into();
/// let lines = memdil_records::undefined_by_reason(&undefined);
/// assert_eq!(lines, ["nc1, nc3 have no value: the class means coincide"]);
/// ```
pub fn undefined_by_reason(undefined: &BTreeMap<String, String>) -> Vec<String> {
    let mut names_by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, reason) in undefined {
        names_by_reason.entry(reason).or_default().push(name);
    }
    let line = |(reason, names): (&str, Vec<&str>)| {
        let have = if names.len() == 1 { "has" } else { "have" };
        format!("{} {have} no value: {reason}", names.join(", "))
    };
    names_by_reason.into_iter().map(line).collect()
}
