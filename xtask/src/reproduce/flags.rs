//! The arguments of `memdil reproduce`, checked before minutes of building. Its flags are read from
//! the sources that define them, so that the two cannot differ.

use std::path::Path;

use crate::failure::Failure;

/// The structs of these files are what clap makes the flags from.
const SOURCES: [&str; 2] = [
    include_str!("../../../crates/memdil/src/reproduce/arguments.rs"),
    include_str!("../../../crates/memdil/src/arguments.rs"),
];

/// A flag of the program, as a field of one of its structs of arguments.
#[derive(Debug)]
struct Flag {
    name: String,
    /// `None` for a switch.
    value_name: Option<String>,
    /// The value may begin with a hyphen.
    takes_hyphens: bool,
    /// The value is a folder that exists.
    is_folder: bool,
}

/// The flags that were given with their values, without switches. Fails like the program on what it
/// does not know.
pub(super) fn check(given: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let mut flags = Vec::new();
    read_struct("Arguments", &mut flags);
    let mut values = Vec::new();
    let mut rest = given.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument, None),
        };
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            return Err(refused(format!("unexpected argument '{name}' found")));
        };
        let Some(value_name) = &flag.value_name else {
            match value {
                None => continue,
                Some(value) => {
                    return Err(refused(format!(
                        "unexpected value '{value}' for '{name}' found; no more were accepted"
                    )));
                }
            }
        };
        let is_value = |text: &&str| flag.takes_hyphens || !text.starts_with('-') || *text == "-";
        let Some(value) = value.or_else(|| rest.next().filter(is_value)) else {
            return Err(refused(format!(
                "a value is required for '{name} <{value_name}>' but none was supplied"
            )));
        };
        if flag.is_folder
            && let Err(reason) = existing_folder(value)
        {
            return Err(refused(format!(
                "invalid value '{value}' for '{name} <{value_name}>': {reason}"
            )));
        }
        values.push((name, value));
    }
    Ok(values)
}

fn refused(message: String) -> Failure {
    Failure::usage(format!("{message}; see --help"))
}

fn existing_folder(path: &str) -> Result<(), &'static str> {
    match Path::new(path).metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err("is not a folder; give the path of a folder"),
        Err(_) => Err("there is no such folder; make it, or correct the path"),
    }
}

/// Reads the flags of a struct of arguments, and of the structs that it flattens.
fn read_struct(name: &str, flags: &mut Vec<Flag>) {
    let opening = format!("struct {name} {{\n");
    let body = |source: &&'static str| source.split_once(&opening)?.1.split("\n}").next();
    let body = SOURCES.iter().find_map(body).unwrap_or_default();
    let mut attributes = String::new();
    for line in body.lines().map(str::trim) {
        let is_open = attributes.matches('[').count() > attributes.matches(']').count();
        if is_open || line.starts_with("#[") {
            attributes.push_str(line);
        } else if let Some((field, kind)) = field(line) {
            if attributes.contains("flatten") {
                read_struct(kind, flags);
            } else if attributes.contains("long") {
                flags.push(Flag::new(field, kind, &attributes));
            }
            attributes.clear();
        }
    }
}

/// The name and the type of a line that is a field.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, kind) = line.strip_suffix(',')?.split_once(": ")?;
    let name = name.rsplit(' ').next()?;
    (!line.starts_with("//")).then_some((name, kind))
}

impl Flag {
    fn new(field: &str, kind: &str, attributes: &str) -> Self {
        let text = |key: &str| {
            let (_, rest) = attributes.split_once(&format!("{key} = \""))?;
            rest.split('"').next()
        };
        let value_name = || text("value_name").map_or_else(|| field.to_uppercase(), str::to_owned);
        Self {
            name: format!(
                "--{}",
                text("long").map_or_else(|| field.replace('_', "-"), str::to_owned)
            ),
            value_name: (kind != "bool").then(value_name),
            takes_hyphens: attributes.contains("allow_hyphen_values"),
            is_folder: attributes.contains("existing_folder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Folder;

    fn refusal(given: &[&str]) -> Option<String> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        check(&given).err().map(|failure| failure.message)
    }

    #[test]
    fn every_field_with_the_attribute_is_a_flag() {
        let mut flags = Vec::new();
        read_struct("Arguments", &mut flags);
        let mut known: Vec<&str> = flags.iter().map(|flag| flag.name.as_str()).collect();
        // `Settings` belongs to other subcommands.
        let settings = SOURCES[1]
            .split_once("struct Settings {")
            .map(|(_, rest)| rest);
        let settings = settings
            .and_then(|rest| rest.split("\n}").next())
            .unwrap_or_default();
        let count = |text: &str| text.matches("#[arg(").count();
        let fields: usize = SOURCES.iter().copied().map(count).sum();
        assert_eq!(known.len(), fields - count(settings));
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), flags.len());
    }

    #[test]
    fn flags_of_the_program_pass() {
        let given = "--preset smoke --only=capacity --dry-run --jobs 2 --engine slurm --submit no \
                     --sbatch-arg --exclusive --checkpoint-every 0 --tensorboard --device cuda:0";
        let given: Vec<String> = given.split_whitespace().map(str::to_owned).collect();
        let values = check(&given).ok();
        let start = values.as_deref().and_then(|values| values.get(..2));
        assert_eq!(
            start,
            Some(&[("--preset", "smoke"), ("--only", "capacity")][..])
        );
    }

    #[test]
    fn other_arguments_are_refused_as_the_program_does() {
        assert_eq!(
            refusal(&["--prest", "smoke"]).as_deref(),
            Some("unexpected argument '--prest' found; see --help")
        );
        assert_eq!(
            refusal(&["--dry-run", "smoke"]).as_deref(),
            Some("unexpected argument 'smoke' found; see --help")
        );
        assert_eq!(
            refusal(&["--dry-run=yes"]).as_deref(),
            Some("unexpected value 'yes' for '--dry-run' found; no more were accepted; see --help")
        );
        let missing = "a value is required for '--out <DIR>' but none was supplied; see --help";
        assert_eq!(refusal(&["--out"]).as_deref(), Some(missing));
        assert_eq!(refusal(&["--out", "--dry-run"]).as_deref(), Some(missing));
    }

    #[test]
    fn folders_that_do_not_exist_are_refused() {
        let folder = Folder::with(&[("file", "")]);
        let path = folder.path().display().to_string();
        let file = format!("{path}/file");
        for flag in ["--data-dir", "--experiments"] {
            assert_eq!(refusal(&[flag, &path]), None);
            assert_eq!(
                refusal(&[flag, "no/such"]),
                Some(format!(
                    "invalid value 'no/such' for '{flag} <DIR>': there is no such folder; make it, \
                     or correct the path; see --help"
                ))
            );
            assert_eq!(
                refusal(&[flag, &file]),
                Some(format!(
                    "invalid value '{file}' for '{flag} <DIR>': is not a folder; give the path of a \
                     folder; see --help"
                ))
            );
        }
    }
}
