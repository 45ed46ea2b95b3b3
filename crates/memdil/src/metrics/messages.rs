//! Lines about the arrays of `memdil metrics`: what is not used, what is missing, where a fault is.

use memdil_data::arrays::{Array, ArrayFile, Role};

use crate::bad_input::BadInput;

/// What the archive of a run holds besides: not worth a note. Its logits are those of its last layer.
const UNUSED: [&str; 3] = ["logits", "test_logits", "test_clean_labels"];

/// Adds to every word that has a place the place in brackets.
pub(super) fn annotate<'a>(message: &str, place: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::new();
    for part in message.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_')) {
        let word = part.trim_end_matches(|c: char| !(c.is_alphanumeric() || c == '_'));
        text += word;
        if let Some(place) = place(word) {
            text += &format!(" ({place})");
        }
        text += &part[word.len()..];
    }
    text
}

/// Which arrays of the archive are not used, and which are used though they have another name.
pub(super) fn notes(main: &ArrayFile, found: &[(Role, String)]) -> Vec<String> {
    let path = main.path();
    let is_used = |name: &String| {
        UNUSED.contains(&name.as_str())
            || found
                .iter()
                .any(|(_, place)| *place == format!("{path}: {name}"))
    };
    let unused: Vec<String> = main
        .names()
        .into_iter()
        .filter(|name| !is_used(name))
        .collect();
    let mut notes: Vec<String> = found
        .iter()
        .filter(|(role, place)| main.is_archive() && *place != format!("{path}: {}", role.name()))
        .map(|(role, place)| format!("{place} is read as {}", role.name()))
        .collect();
    if !unused.is_empty() {
        notes.push(format!("{path}: not used: {}", unused.join(", ")));
    }
    notes
}

/// What can be done about an array that is not there.
#[derive(Clone, Copy)]
pub(super) enum Remedy {
    /// Name a file by its option.
    Option,
    /// Save it in the archive: there are no options.
    Save,
}

impl Remedy {
    pub(super) fn missing(self, role: Role, file: &ArrayFile) -> anyhow::Error {
        let option = format!("give --{} FILE", role.name().replace('_', "-"));
        if !file.is_archive() {
            let path = file.path();
            return BadInput(format!("{path}: {} are needed too; {option}", role.name())).into();
        }
        let other = match self {
            Self::Option => format!(" or {option}"),
            Self::Save => String::new(),
        };
        file.lacks(role.name(), &other).into()
    }

    pub(super) fn half(self, given: &Array, other: &str) -> anyhow::Error {
        let remedy = match self {
            Self::Option => format!(
                "give --{} too",
                other.replace('_', "-").replace(" or ", " or --")
            ),
            Self::Save => "save that too".to_owned(),
        };
        BadInput(format!(
            "{}: is given without {other}; {remedy}",
            given.place()
        ))
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_in_a_message_get_their_files() {
        let place = |word: &str| match word {
            "features" => Some("h.npy"),
            "test_labels" => Some("run.npz: test_labels"),
            _ => None,
        };
        assert_eq!(
            annotate("features: row 17 holds a NaN", place),
            "features (h.npy): row 17 holds a NaN"
        );
        let found = annotate("test_labels has 3 entries, but features needs 4", place);
        assert_eq!(
            found,
            "test_labels (run.npz: test_labels) has 3 entries, but features (h.npy) needs 4"
        );
        assert_eq!(
            annotate("test_features, labels", place),
            "test_features, labels"
        );
    }
}
