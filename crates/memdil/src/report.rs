//! `memdil report`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memdil_report::{MeasuredFeatures, ReportOptions, ReportedExperiment, write_report};

use crate::arguments::{check_folder, existing_folder};
use crate::claims;
use crate::failure::{BadInput, Failure};
use crate::metrics::Request;
use crate::metrics::inputs::Loaded;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil report --runs runs --config experiment.toml --preset quick --out report\n  \
    memdil report --features ce.npz --features ls.npz --out report\n  \
    memdil report --theory --out report\n\n\
    Files given with --features use the array names of memdil metrics.")]
pub(crate) struct Arguments {
    /// Folder of the runs, one subfolder per run
    #[arg(long, value_name = "DIR", required_unless_present_any = ["features", "theory", "config"])]
    pub(crate) runs: Option<PathBuf>,
    /// A .npz or .safetensors file with features and labels of any trained network; can be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) features: Vec<PathBuf>,
    /// Folder for index.html, report.md, claims.json and figures/
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Include only the runs of this manifest; can be repeated (default: every run in the folder).
    /// Results of the layer-peeled model are always included
    #[arg(long, value_name = "M.jsonl", requires = "runs")]
    pub(crate) manifest: Vec<PathBuf>,
    /// Experiment file whose claims are tested; can be repeated
    #[arg(long, value_name = "F.toml")]
    pub(crate) config: Vec<PathBuf>,
    /// Preset of the experiment files with which the runs were planned
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) preset: Option<String>,
    /// Setting that was overridden when the runs were planned; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    pub(crate) set: Vec<String>,
    /// Folder of data sets, needed if an experiment file does not list its classes; can be
    /// repeated. Data sets that are not in it are searched for in $MEMDIL_DATA_DIR, ./data and
    /// /usr/share/datasets
    #[arg(
        long = "data-dir",
        value_name = "DIR",
        requires = "config",
        value_parser = existing_folder()
    )]
    pub(crate) data_dirs: Vec<PathBuf>,
    /// Reference values to compare with, such as experiments/reference/*.toml
    #[arg(long, value_name = "F.toml", requires = "runs")]
    pub(crate) reference: Option<PathBuf>,
    /// Add the solutions of the theoretical models: curves, phase map, N classes
    #[arg(long)]
    pub(crate) theory: bool,
    /// Command that reproduces the runs, to be printed in the report
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

/// Reads the experiment files; refuses a file or an experiment that is given twice.
pub(crate) fn experiments(arguments: &Arguments) -> Result<Vec<ReportedExperiment>, Failure> {
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
                "--config {} and {}: both define the experiment '{}'; give one of them",
                paths[first].display(),
                paths[index].display(),
                one.name
            );
            return Err(BadInput(message).into());
        }
    }
    Ok(experiments)
}

/// The metrics of a file, and the samples that figures show.
fn measured(path: &Path, all: &[PathBuf]) -> Result<MeasuredFeatures, Failure> {
    let file = path.display().to_string();
    if all.iter().filter(|other| *other == path).count() > 1 {
        return Err(BadInput(format!("{file}: is given twice; give each file once")).into());
    }
    let loaded = Loaded::archive(path)?;
    let request = Request {
        per_class: true,
        ..Request::default()
    };
    let metrics = loaded.measure(request)?.metrics;
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

/// The name of a file in the report: its short name, or the path as given if another file has the
/// same short name.
fn name(path: &Path, all: &[PathBuf]) -> String {
    let same = all.iter().filter(|other| short(other) == short(path));
    let alone = same.count() == 1;
    let name = short(path).filter(|_| alone);
    name.unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The stem of the file name or, for a `features.npz`, which every run folder has, the name of the
/// folder.
fn short(path: &Path) -> Option<&OsStr> {
    let stem = path.file_stem()?;
    let folder = path.parent().and_then(Path::file_name);
    if stem == "features" {
        folder.or(Some(stem))
    } else {
        Some(stem)
    }
}
