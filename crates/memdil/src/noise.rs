//! `memdil noise`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memdil_data::arrays::{ArrayFile, Role};
use memdil_data::{DataError, LabelNoise, NoiseError, NoisyLabels};
use memdil_records::write_archive;
use ndarray::Array2;
use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::{check_not_input, check_npz};
use crate::failure::{BadInput, Failure};
use crate::labelled_images::SampleArguments;

/// Matrices with more columns are printed only with `--json`.
const WIDEST: usize = 10;

#[derive(clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  \
    memdil noise --labels y.npy --classes 10 --kind uniform --eta 0.4 --seed 1 --out noisy.npz\n  \
    memdil noise --labels y.npy --classes 10 --kind asymmetric --eta 0.4 --map cifar10 --exact-count --out noisy.npz\n  \
    memdil noise --labels y.npy --classes 100 --kind asymmetric --eta 0.4 --map cifar100 --out noisy.npz\n  \
    memdil noise --labels y.csv --classes 10 --kind from_file --path CIFAR-10_human.npy --column worse_label --out noisy.npz\n  \
    memdil noise --source fashion-mnist-embedded --kind instance --eta 0.3 --out noisy.npz\n  \
    memdil noise --labels y.npy --classes 10 --kind margin --eta 0.2 --logits run/features.npz --out noisy.npz\n\n\
    Kinds and their options: uniform, symmetric, pair: --eta; asymmetric: --eta --map; transition: --matrix; \
    per_class: --etas or --range, optionally --rebalance; latent_class: --eta --split; from_file: --path, and --column for a pickled dictionary; \
    instance: --eta, optionally --std, and images (--images or --source) of at least 3 classes; \
    margin: --eta --logits, optionally --column and --pmd-type. \
    All but from_file accept --exact-count.\n\n\
    Labels are whole numbers from 0: a .npy, the array labels of a .npz or .safetensors, or a .csv with one per line. The output holds the arrays clean, observed, mask, \
    classes, kind, seed, requested and realised and, if they apply, observed_classes, rates, flip_probabilities and kept; \
    noise.kind = \"from_file\" reads it back."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    samples: SampleArguments,
    /// Kind of noise: uniform, symmetric, asymmetric, pair, transition, per_class, latent_class,
    /// instance, margin or from_file
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// Probability that the noise hits a label
    #[arg(long, value_name = "E", value_parser = finite)]
    eta: Option<f64>,
    /// Target of each class: K classes separated by commas, or cifar10 or cifar100
    #[arg(long, value_name = "MAP")]
    map: Option<String>,
    /// Transition matrix, K x K, with a row per clean class and a column per observed class: .npy,
    /// or the array `matrix` of a .npz or .safetensors
    #[arg(long, value_name = "T.npy")]
    matrix: Option<PathBuf>,
    /// Probability for each class, separated by commas
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', value_parser = finite)]
    etas: Option<Vec<f64>>,
    /// Draw the probability of each class from this range
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], value_parser = finite)]
    range: Option<Vec<f64>>,
    /// Reduce every observed class to the size of the smallest one
    #[arg(long)]
    rebalance: bool,
    /// Probability that a label k moves to the latent class K + k, after the noise of --eta
    #[arg(long, value_name = "P", value_parser = finite)]
    split: Option<f64>,
    /// Standard deviation of the flip rates before truncation to [0, 1] (default: 0.1)
    #[arg(long, value_name = "S", value_parser = finite)]
    std: Option<f64>,
    /// Logits of the samples, one row per sample: .npy, or the array `logits` of a .npz or
    /// .safetensors, such as the features.npz of a run
    #[arg(long, value_name = "FILE")]
    logits: Option<PathBuf>,
    /// How the flip probability falls with the margin: I, II or III (default: I)
    #[arg(long, value_name = "TYPE")]
    pmd_type: Option<String>,
    /// File of noisy labels: a .npz of this program, or a .npy, .npz, .safetensors, .csv or .pkl
    /// with one label per sample, such as those of CIFAR-N
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
    /// Array, column or label set of the file of noisy labels, or array of the file of logits
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// Corrupt exactly the expected number of labels
    #[arg(long)]
    exact_count: bool,
    /// Seed of the draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// File to write
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The paths of the input files.
    fn files(&self) -> Vec<&Path> {
        let files = [&self.matrix, &self.logits, &self.path];
        let files = files.into_iter().filter_map(|file| file.as_deref());
        self.samples.files().chain(files).collect()
    }
}

/// The printed results. Keys that do not apply are omitted.
#[derive(Serialize)]
struct Summary<'a> {
    kind: &'a str,
    classes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_classes: Option<usize>,
    n: usize,
    /// Number of samples that rebalancing keeps; `realised`, `corrupted` and `transition` refer to
    /// these.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<usize>,
    requested: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rates: Option<&'a [f64]>,
    realised: f64,
    corrupted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    transition: Option<Vec<Vec<f64>>>,
    /// The reason why `transition` is missing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    undefined: BTreeMap<&'static str, String>,
    seed: u64,
    out: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_npz("--out", &arguments.out)?;
    check_not_input("--out", &arguments.out, &arguments.files())?;
    let noise = kind(arguments)?;
    let samples = arguments.samples.read()?;
    let noisy = match &samples.images {
        Some(images) => {
            noise.inject_with_images(&samples.labels, images, samples.classes, arguments.seed)
        }
        None => noise.inject(&samples.labels, samples.classes, arguments.seed),
    };
    let noisy = noisy.map_err(|error| with_its_file(error, arguments))?;
    let transition = noisy.transition();
    write_archive(&arguments.out, |w| noisy.write_npz(w))?;
    let summary = summarise(&noisy, &transition, &arguments.out);
    if arguments.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        print_table(&summary)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Names the file that an error of the library is about.
fn with_its_file(error: DataError, arguments: &Arguments) -> Failure {
    match (error, &arguments.samples.labels, &arguments.matrix) {
        // The only error about the labels themselves.
        (error @ DataError::LabelOutOfRange { .. }, Some(labels), _) => {
            BadInput(format!("{}: {error}", labels.display())).into()
        }
        (
            DataError::Noise(
                error @ (NoiseError::TransitionRow { .. }
                | NoiseError::TransitionTransposed
                | NoiseError::TransitionShape { .. }
                | NoiseError::NoProbability { .. }),
            ),
            _,
            Some(matrix),
        ) => BadInput(format!("{}: {error}", matrix.display())).into(),
        (DataError::Noise(error @ NoiseError::NoImages), ..) => {
            BadInput(format!("{error}; add --images FILE.npz or --source NAME")).into()
        }
        (other, ..) => other.into(),
    }
}

/// The noise that the options describe. Options have the names of the settings of [`LabelNoise`],
/// whose deserialisation reports those that are missing or do not belong to the kind.
fn kind(arguments: &Arguments) -> Result<LabelNoise, Failure> {
    let transition = arguments.matrix.as_deref().map(matrix).transpose()?;
    let flag = |is_set: bool| is_set.then_some(Value::Bool(true));
    let given = [
        ("kind", Some(json!(arguments.kind.replace('-', "_")))),
        ("eta", arguments.eta.map(Value::from)),
        ("map", arguments.map.as_deref().map(map).transpose()?),
        ("matrix", transition),
        ("etas", arguments.etas.clone().map(Value::from)),
        ("range", arguments.range.clone().map(Value::from)),
        ("rebalance", flag(arguments.rebalance)),
        ("split", arguments.split.map(Value::from)),
        ("std", arguments.std.map(Value::from)),
        ("logits", arguments.logits.as_ref().map(|path| json!(path))),
        (
            "pmd_type",
            arguments.pmd_type.as_ref().map(|name| json!(name)),
        ),
        ("path", arguments.path.as_ref().map(|path| json!(path))),
        ("column", arguments.column.as_ref().map(|name| json!(name))),
        ("exact_count", flag(arguments.exact_count)),
    ];
    let given = given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let noise = serde_json::from_value(Value::Object(given.collect()));
    Ok(noise
        .map_err(|error| BadInput(format!("--kind {}: {error}; see --help", arguments.kind)))?)
}

fn map(text: &str) -> Result<Value, BadInput> {
    if text.chars().all(char::is_alphanumeric) && text.starts_with(char::is_alphabetic) {
        return Ok(json!(text));
    }
    let classes: Result<Vec<u32>, _> = text.split(',').map(|class| class.trim().parse()).collect();
    match classes {
        Ok(classes) => Ok(json!(classes)),
        Err(_) => Err(BadInput(format!(
            "--map {text}: not a list of classes; give K classes separated by commas, or cifar10 or cifar100"
        ))),
    }
}

fn matrix(path: &Path) -> Result<Value, Failure> {
    let array = ArrayFile::open(path)?.require(Role::Matrix)?;
    let matrix = array.matrix::<f64>()?;
    if let Some(((row, column), entry)) =
        matrix.indexed_iter().find(|(_, entry)| !entry.is_finite())
    {
        let place = array.place();
        return Err(BadInput(format!(
            "{place}: matrix[{row}][{column}] = {entry} is not a probability: must be in [0, 1]"
        ))
        .into());
    }
    Ok(matrix
        .rows()
        .into_iter()
        .map(|row| Value::from(row.to_vec()))
        .collect())
}

fn finite(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| "must be a finite number".to_owned())
}

fn summarise<'a>(
    noisy: &'a NoisyLabels,
    transition: &Result<Array2<f64>, DataError>,
    out: &Path,
) -> Summary<'a> {
    let rows = |matrix: &Array2<f64>| matrix.rows().into_iter().map(|row| row.to_vec()).collect();
    Summary {
        kind: noisy.kind(),
        classes: noisy.classes(),
        observed_classes: (noisy.observed_classes() != noisy.classes())
            .then_some(noisy.observed_classes()),
        n: noisy.clean().len(),
        kept: noisy.kept().map(<[usize]>::len),
        requested: noisy.requested(),
        rates: noisy.rates(),
        realised: noisy.realised(),
        corrupted: noisy.corrupted(),
        transition: transition.as_ref().ok().map(rows),
        undefined: transition
            .as_ref()
            .err()
            .map(|why| ("transition", why.to_string()))
            .into_iter()
            .collect(),
        seed: noisy.seed(),
        out: out.display().to_string(),
    }
}

/// Prints one line per value, and the transition matrix last.
fn print_table(summary: &Summary<'_>) -> Result<(), Failure> {
    let digits = |row: &[f64]| {
        row.iter()
            .map(|share| format!("{share:.4}"))
            .collect::<Vec<_>>()
            .join("  ")
    };
    let lines = [
        ("kind", Some(summary.kind.to_owned())),
        ("classes", Some(summary.classes.to_string())),
        (
            "observed_classes",
            summary.observed_classes.map(|classes| classes.to_string()),
        ),
        ("n", Some(summary.n.to_string())),
        ("kept", summary.kept.map(|kept| kept.to_string())),
        ("requested", Some(format!("{:.6}", summary.requested))),
        (
            "rates",
            summary
                .rates
                .filter(|rates| rates.len() <= WIDEST)
                .map(digits),
        ),
        ("realised", Some(format!("{:.6}", summary.realised))),
        ("corrupted", Some(summary.corrupted.to_string())),
        ("seed", Some(summary.seed.to_string())),
        ("out", Some(summary.out.clone())),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            println!("{name:<18} {value}");
        }
    }
    match summary.transition.as_deref() {
        Some(rows) if rows.iter().all(|row| row.len() <= WIDEST) => {
            println!("transition (rows: clean classes, columns: observed classes)");
            for row in rows {
                println!("  {}", digits(row));
            }
        }
        Some(rows) => println!("{:<18} ({} rows, see --json)", "transition", rows.len()),
        None => {}
    }
    for (name, why) in &summary.undefined {
        eprintln!("note: {name} has no value: {why}");
    }
    Ok(())
}
