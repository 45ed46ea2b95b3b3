//! The experiment files of a reproduction.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_records::{RecordError, create_dir, write_atomic};
use memdil_runner::Experiment;

use crate::failure::{BadInput, Failure};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../experiments/", $name, ".toml")))),*]
    };
}

/// The experiment files of this repository, by name.
const EMBEDDED: &[(&str, &str)] = embedded![
    "capacity",
    "fashion-mnist-reference",
    "features-2d",
    "generalization",
    "jumps",
    "large-scale",
    "latent-classes",
    "layer-peeled",
    "layers",
    "md-theory",
    "memorization-dilation",
    "minority-collapse",
    "resnet-fashion-mnist",
    "robust-losses",
    "theory-regime",
];

/// The kind of an experiment file, which decides the command that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Runs of a manifest.
    Sweep,
    /// Searches over hyper-parameters.
    Search,
    /// Trainings of free features, which take seconds.
    LayerPeeled,
    /// A part of the report that needs no runs of its own.
    Report,
}

/// An experiment file.
#[derive(Clone, Debug)]
pub(super) struct ExperimentFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// The experiment files of a reproduction.
#[derive(Debug)]
pub(super) struct Selection {
    /// The experiments to run.
    pub(super) experiments: Vec<ExperimentFile>,
    /// All experiments that have the preset.
    pub(super) of_preset: Vec<ExperimentFile>,
}

impl Kind {
    /// The kind that the key `command` of an experiment file names.
    fn of(experiment: &Experiment, path: &Path) -> Result<Self, BadInput> {
        match experiment.command() {
            None => Ok(Self::Sweep),
            Some("search") => Ok(Self::Search),
            Some("layer-peeled") => Ok(Self::LayerPeeled),
            Some("report") => Ok(Self::Report),
            Some(other) => Err(BadInput(format!(
                "{}: command = \"{other}\" is unknown: must be search, layer-peeled or report, or omitted for a sweep",
                path.display()
            ))),
        }
    }
}

impl Selection {
    /// Selects the experiments that have a preset: those named in `only`, or all if it is empty.
    ///
    /// The files are those of `folder` or, without a folder, the built-in ones as written to `out`.
    pub(super) fn new(
        folder: Option<&Path>,
        out: &Path,
        preset: &str,
        only: &[String],
    ) -> Result<Self, Failure> {
        let files = match folder {
            Some(folder) => read_folder(folder)?,
            None => built_in(&built_in_folder(out)),
        };
        let (mut of_preset, mut presets) = (Vec::new(), BTreeSet::new());
        for (path, text) in files {
            let experiment = Experiment::parse(&path, &text, None, &[])?;
            let its_presets = experiment.presets();
            if its_presets.iter().any(|name| name == preset) {
                of_preset.push(ExperimentFile {
                    name: stem(&path),
                    kind: Kind::of(&experiment, &path)?,
                    path,
                });
            }
            presets.extend(its_presets);
        }
        if let (Some(folder), true) = (folder, presets.is_empty()) {
            let folder = folder.display();
            let reason = format!(
                "{folder}: contains no .toml file with presets; give a folder of experiment files"
            );
            return Err(BadInput(reason).into());
        }
        if of_preset.is_empty() {
            let known = Vec::from_iter(presets).join(", ");
            let reason = format!("no experiment has the preset '{preset}'; choose one of: {known}");
            return Err(BadInput(reason).into());
        }
        let names: Vec<&str> = of_preset.iter().map(|file| file.name.as_str()).collect();
        if let Some(unknown) = only.iter().find(|only| !names.contains(&only.as_str())) {
            let reason = format!(
                "preset '{preset}' has no experiment '{unknown}'; it has: {}",
                names.join(", ")
            );
            return Err(BadInput(reason).into());
        }
        let mut experiments = of_preset.clone();
        experiments.retain(|file| only.is_empty() || only.contains(&file.name));
        let searches = of_preset.iter().filter(|file| file.kind == Kind::Search);
        let searches: Vec<&str> = searches.map(|file| file.name.as_str()).collect();
        if searches.len() > 1 {
            let reason = format!(
                "preset '{preset}': {} are searches, but only one experiment can be a search; use a preset for each",
                searches.join(" and ")
            );
            return Err(BadInput(reason).into());
        }
        Ok(Self {
            experiments,
            of_preset,
        })
    }
}

/// Writes the built-in experiment files to the output folder.
pub(super) fn write_built_in(out: &Path) -> Result<(), RecordError> {
    let folder = built_in_folder(out);
    create_dir(&folder)?;
    built_in(&folder)
        .iter()
        .try_for_each(|(path, text)| write_atomic(path, |file| file.write_all(text.as_bytes())))
}

fn built_in_folder(out: &Path) -> PathBuf {
    out.join("experiments")
}

/// The paths of the built-in experiment files in a folder, with their contents.
fn built_in(folder: &Path) -> Vec<(PathBuf, String)> {
    let file =
        |(name, text): &(&str, &str)| (folder.join(format!("{name}.toml")), (*text).to_owned());
    EMBEDDED.iter().map(file).collect()
}

/// The paths of the `.toml` files of a folder, sorted, with their contents.
fn read_folder(folder: &Path) -> Result<Vec<(PathBuf, String)>, BadInput> {
    let unreadable = |path: &Path, error: std::io::Error| {
        BadInput(format!("cannot read {}: {error}", path.display()))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            files.push((path, text));
        }
    }
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn select(preset: &str, only: &[&str]) -> Result<Selection, Failure> {
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        Selection::new(None, Path::new("out"), preset, &only)
    }

    fn names(files: &[ExperimentFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn every_experiment_of_the_repository_is_built_in() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        assert_eq!(built_in(&repository), read_folder(&repository).unwrap());
    }

    #[test]
    fn a_preset_selects_its_experiments() {
        let quick = select("quick", &[]).unwrap();
        assert_eq!(names(&quick.experiments), names(&quick.of_preset));
        assert!(names(&quick.of_preset).contains(&"features-2d"));
        let one = select("standard", &["capacity"]).unwrap();
        assert_eq!(names(&one.experiments), ["capacity"]);
        assert_eq!(one.of_preset.len(), 8);
    }

    #[test]
    fn an_unknown_preset_or_experiment_is_refused() {
        let preset = select("huge", &[]).unwrap_err().to_string();
        assert!(
            preset.starts_with(
                "no experiment has the preset 'huge'; choose one of: algorithms, embedded, jumps, margin, paper"
            ),
            "{preset}"
        );
        let name = select("quick", &["nothing"]).unwrap_err().to_string();
        assert!(
            name.starts_with("preset 'quick' has no experiment 'nothing'; it has: capacity"),
            "{name}"
        );
    }
}
