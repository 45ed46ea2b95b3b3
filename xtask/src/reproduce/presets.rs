//! Finds the presets of experiment files by the starts of their lines, without parsing TOML.

use std::collections::BTreeSet;
use std::path::Path;

use crate::failure::Failure;
use crate::workspace::{find, read};

/// Fails, with the same messages as the program, if no file of the folder has the preset or if the
/// preset does not include one of the experiments.
pub(super) fn check(folder: &Path, preset: &str, only: &[&str]) -> Result<(), Failure> {
    let (mut known, mut names) = (BTreeSet::new(), Vec::new());
    let files = find(folder, &["toml"])?;
    for path in files.iter().filter(|path| path.parent() == Some(folder)) {
        let text = read(path)?;
        let presets = presets(&text);
        if presets.contains(preset) {
            let name = path.file_stem().unwrap_or_default();
            names.push(name.to_string_lossy().into_owned());
        }
        known.extend(presets.into_iter().map(str::to_owned));
    }
    if names.is_empty() {
        let known = Vec::from_iter(known).join(", ");
        return Err(Failure::usage(format!(
            "no experiment has the preset '{preset}'; choose one of: {known}"
        )));
    }
    match only
        .iter()
        .find(|only| !names.iter().any(|name| name == *only))
    {
        None => Ok(()),
        Some(unknown) => Err(Failure::usage(format!(
            "preset '{preset}' has no experiment '{unknown}'; it has: {}",
            names.join(", ")
        ))),
    }
}

/// The names in `[preset.NAME]`, `[preset.NAME.TABLE]` and `[[preset.NAME]]`.
fn presets(text: &str) -> BTreeSet<&str> {
    let lines = text.lines();
    let tables = lines.filter_map(|line| line.trim_start_matches('[').strip_prefix("preset."));
    tables
        .filter_map(|rest| rest.split([']', '.']).next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::TestFolder;
    use crate::workspace::root;

    #[test]
    fn presets_are_read_from_the_files_of_the_folder() {
        let folder = TestFolder::with(&[
            ("a.toml", "[preset.quick]\nseed = 1\n[preset.quick.sweep]\n"),
            ("b.toml", "[preset.quick]\n[preset.paper.sweep]\n"),
            ("c.toml", "[[preset.several]]\n[[preset.several]]\n"),
            ("folder/c.toml", "[preset.huge]\n"),
            ("d.md", "[preset.huge]\n"),
        ]);
        let refusal = |preset, only: &[&str]| {
            let result = check(folder.path(), preset, only);
            result.err().map(|failure| failure.message)
        };
        assert_eq!(refusal("quick", &["a", "b"]), None);
        assert_eq!(refusal("paper", &[]), None);
        assert_eq!(
            refusal("huge", &[]).as_deref(),
            Some("no experiment has the preset 'huge'; choose one of: paper, quick, several")
        );
        assert_eq!(refusal("several", &["c"]), None);
        assert_eq!(
            refusal("paper", &["b", "a"]).as_deref(),
            Some("preset 'paper' has no experiment 'a'; it has: b")
        );
    }

    #[test]
    fn the_presets_in_the_help_exist() {
        for preset in [
            "smoke",
            "quick",
            "standard",
            "standard-full",
            "regime",
            "paper-figure",
            "paper",
        ] {
            assert!(
                check(&root().join("experiments"), preset, &[]).is_ok(),
                "{preset}"
            );
        }
    }
}
