//! Checks that the documentation is complete.

use std::path::Path;

use crate::failure::Failure;
use crate::workspace::{find, read};

/// Reports experiments, deviations named in the code, and chapters that the documentation does not
/// mention.
pub(super) fn docs(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let experiments = read(&root.join("docs/src/experiments.md"))?;
    for path in find(&root.join("experiments"), &["toml"])? {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !experiments.contains(&format!("`{name}`")) {
            faults.push(format!(
                "experiment {name}: missing from docs/src/experiments.md"
            ));
        }
    }
    let deviations = read(&root.join("docs/src/deviations.md"))?;
    let tag = ["Deviation", " `"].concat();
    for path in find(&root.join("crates"), &["rs"])? {
        for name in read(&path)?
            .split(&tag)
            .skip(1)
            .filter_map(|rest| rest.split('`').next())
        {
            if !deviations.contains(&format!("`{name}`")) {
                faults.push(format!(
                    "deviation {name}: missing from docs/src/deviations.md"
                ));
            }
        }
    }
    let summary = read(&root.join("docs/src/SUMMARY.md"))?;
    for path in find(&root.join("docs/src"), &["md"])? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name != "SUMMARY.md" && !summary.contains(&format!("({name})")) {
            faults.push(format!("docs/src/{name}: missing from SUMMARY.md"));
        }
    }
    Ok(())
}
