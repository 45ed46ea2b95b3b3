//! `memdil report`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memdil_report::{MeasuredFeatures, ReportOptions, ReportedExperiment, write_report};

use crate::arguments::{check_folder, existing_folder};
use crate::claims;
use crate::failure::{BadInput, Failure};
use crate::metrics::inputs::Loaded;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil report --runs runs --config experiment.toml --preset quick --out report\n  \
    memdil report --features ce.npz --features ls.npz --out report\n  \
    memdil report --theory --out report\n\n\
    A file of --features holds arrays by the names that memdil metrics reads.")]
pub(crate) struct Arguments {
    /// Folder with one folder a run
    #[arg(long, value_name = "DIR", required_unless_present_any = ["features", "theory", "config"])]
    pub(crate) runs: Option<PathBuf>,
    /// A .npz or .safetensors with features and labels of a network that anything trained; can be
    /// given many times
    #[arg(long, value_name = "FILE")]
    pub(crate) features: Vec<PathBuf>,
    /// Folder for index.html, report.md, claims.json and figures/
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Count only the runs of this manifest; can be given many times (default: every run in the
    /// folder). Records of the layer-peeled model are shown in any case
    #[arg(long, value_name = "M.jsonl", requires = "runs")]
    pub(crate) manifest: Vec<PathBuf>,
    /// Experiment file whose claims are tested; can be given many times
    #[arg(long, value_name = "F.toml")]
    pub(crate) config: Vec<PathBuf>,
    /// Preset of the experiment files that the runs were made with
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) preset: Option<String>,
    /// A setting that was changed when the runs were planned; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    pub(crate) set: Vec<String>,
    /// Folder of data sets, for classes that an experiment file leaves out; can be given many times.
    /// Missing data sets are looked up in $MEMDIL_DATA_DIR, ./data and /usr/share/datasets
    #[arg(
        long = "data-dir",
        value_name = "DIR",
        requires = "config",
        value_parser = existing_folder()
    )]
    pub(crate) data_dirs: Vec<PathBuf>,
    /// Numbers to compare with, as experiments/reference/*.toml
    #[arg(long, value_name = "F.toml", requires = "runs")]
    pub(crate) reference: Option<PathBuf>,
    /// Add the solved models: curves, phase map, N classes
    #[arg(long)]
    pub(crate) theory: bool,
    /// Command that makes these runs again, to be printed in the report
    #[arg(long, value_name = "TEXT")]
    pub(crate) command: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_folder("--out", &arguments.out)?;
    let experiments = experiments(arguments)?;
    let mut features = Vec::new();
    for path in &arguments.features {
        features.push(measured(path, &arguments.features)?);
    }
    let mut options = ReportOptions::new(&arguments.out);
    options.runs.clone_from(&arguments.runs);
    options.features = features;
    options.manifests.clone_from(&arguments.manifest);
    options.experiments = experiments;
    options.reference.clone_from(&arguments.reference);
    options.theory = arguments.theory;
    options.command.clone_from(&arguments.command);
    let report = write_report(&options)?;
    if arguments.runs.is_some() || !arguments.config.is_empty() {
        println!("{}", report.terminal_table());
    }
    println!("report: {}", report.html.display());
    Ok(ExitCode::SUCCESS)
}

/// The experiment files, each experiment once.
fn experiments(arguments: &Arguments) -> Result<Vec<ReportedExperiment>, Failure> {
    let (preset, set) = (arguments.preset.as_deref(), &arguments.set);
    let paths = &arguments.config;
    for (index, path) in paths.iter().enumerate() {
        if paths[..index].contains(path) {
            let file = path.display();
            let message = format!("--config {file}: is given twice; give each file once");
            return Err(BadInput(message).into());
        }
    }
    let mut experiments: Vec<ReportedExperiment> = Vec::new();
    for path in paths {
        experiments.push(claims::of_file(path, preset, set, &arguments.data_dirs)?);
    }
    for (index, one) in experiments.iter().enumerate() {
        let mut before = experiments[..index].iter();
        if let Some(first) = before.position(|other| other.name == one.name) {
            let message = format!(
                "--config {} and {}: both are of the experiment '{}'; give one of them",
                paths[first].display(),
                paths[index].display(),
                one.name
            );
            return Err(BadInput(message).into());
        }
    }
    Ok(experiments)
}

/// The metrics of a file, and what is drawn of it.
fn measured(path: &Path, all: &[PathBuf]) -> Result<MeasuredFeatures, Failure> {
    let file = path.display().to_string();
    if all.iter().filter(|other| *other == path).count() > 1 {
        return Err(BadInput(format!("{file}: is given twice; give each file once")).into());
    }
    let loaded = Loaded::archive(path)?;
    let metrics = loaded.measure(None)?;
    for note in &loaded.notes {
        eprintln!("note: {note}");
    }
    let (train, test) = loaded.samples()?;
    Ok(MeasuredFeatures {
        name: name(path, all),
        metrics: serde_json::to_value(&metrics)?,
        train,
        test,
    })
}

/// What a file is called in the report: the path as given where another file would be called the
/// same.
fn name(path: &Path, all: &[PathBuf]) -> String {
    let same = all.iter().filter(|other| short(other) == short(path));
    let alone = same.count() == 1;
    let name = short(path).filter(|_| alone);
    name.unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The stem of a file's name; the folder of a run, whose every folder has a `features.npz`.
fn short(path: &Path) -> Option<&OsStr> {
    let stem = path.file_stem()?;
    let folder = path.parent().and_then(Path::file_name);
    if stem == "features" {
        folder.or(Some(stem))
    } else {
        Some(stem)
    }
}
