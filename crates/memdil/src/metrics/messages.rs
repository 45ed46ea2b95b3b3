//! Messages about unused and missing arrays of `memdil metrics`.

use memdil_data::arrays::{Array, ArrayFile, Role};

use crate::failure::{BadInput, Failure};

/// Arrays in the archive of a run that are ignored without a note. Its logits follow from its last
/// layer.
const UNUSED: [&str; 3] = ["logits", "test_logits", "test_clean_labels"];

/// Notes on arrays of the archive that are not used, or that are read under another name.
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

/// How a user can supply a missing array.
#[derive(Clone, Copy)]
pub(super) enum Remedy {
    /// Name its file with an option.
    Option,
    /// Save it in the archive, for commands without these options.
    Save,
}

impl Remedy {
    pub(super) fn missing(self, role: Role, file: &ArrayFile) -> Failure {
        let option = format!("give {} FILE", option(role));
        if !file.is_archive() {
            let path = file.path();
            return BadInput(format!(
                "{path}: {} are required too; {option}",
                role.name()
            ))
            .into();
        }
        let other = match self {
            Self::Option => format!(" or {option}"),
            Self::Save => String::new(),
        };
        file.lacks(role.name(), &other).into()
    }

    /// The error of an array that is given without any of `others`, one of which it requires.
    pub(super) fn half(self, given: &Array, others: &[Role]) -> Failure {
        let remedy = match self {
            Self::Option => format!("give {} too", any_of(others, option)),
            Self::Save => "save that too".to_owned(),
        };
        let others = any_of(others, |role| role.name().to_owned());
        let place = given.place();
        BadInput(format!("{place}: requires {others}; {remedy}")).into()
    }
}

/// The option for the file of an array.
fn option(role: Role) -> String {
    format!("--{}", role.name().replace('_', "-"))
}

fn any_of(roles: &[Role], name: impl Fn(Role) -> String) -> String {
    let names: Vec<String> = roles.iter().map(|&role| name(role)).collect();
    names.join(" or ")
}
