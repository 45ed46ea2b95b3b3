//! `memdil samples`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memdil_records::{RunFolder, RunSpec, SampleScore, SampleScores, Status, write_atomic};
use serde::Serialize;

use crate::arguments::check_file;
use crate::failure::{BadInput, Failure};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil samples --run runs/one\n  \
    memdil samples --run runs/one --by mean_margin --top 100 --csv suspicious.csv\n\n\
    The list starts with the sample whose label is most likely to be wrong. The scores are those of samples.npz \
    in the folder of a finished run; they do not use the clean labels. The column `clean` is shown if some label was corrupted.")]
pub(crate) struct Arguments {
    /// Folder of a finished run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Score that orders the samples: mean_loss, mean_margin, forgetting_events, given_since,
    /// distance_given or alignment_given
    #[arg(long, value_name = "SCORE", default_value = "mean_loss", value_parser = score)]
    by: SampleScore,
    /// Number of samples to list; default: 20, or all with --csv
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Write the list to a file instead of printing it
    #[arg(long, value_name = "F.csv", conflicts_with = "json")]
    csv: Option<PathBuf>,
    /// Print one JSON object per sample
    #[arg(long)]
    json: bool,
}

/// A sample in the list.
#[derive(Serialize)]
struct Sample {
    /// Index in the training set.
    index: u64,
    given: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    clean: Option<String>,
    mean_loss: f64,
    mean_margin: f64,
    forgetting_events: u32,
    given_since: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance_given: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alignment_given: Option<f64>,
}

/// The number of samples in a printed list.
const TOP: usize = 20;

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let folder = RunFolder::new(&arguments.run);
    let place = arguments.run.display();
    let Some(record) = folder.record()? else {
        return Err(BadInput(format!(
            "{place}: contains no finished run; complete it with memdil train"
        ))
        .into());
    };
    if record.status == Status::Diverged {
        return Err(BadInput(format!(
            "{place}: the run has diverged and has no samples.npz; choose another run"
        ))
        .into());
    }
    let Some(scores) = folder.samples()? else {
        return Err(BadInput(format!(
            "{place}: samples.npz is missing (earlier versions did not write it); remove this folder and run it again"
        ))
        .into());
    };
    if let Some(path) = &arguments.csv {
        check_file("--csv", path)?;
        check_outside("--csv", path, &arguments.run)?;
    }
    let Some(suspicion) = scores.suspicion(arguments.by) else {
        let name = arguments.by.name();
        return Err(BadInput(format!(
            "{place}: {name} is undefined in this run; choose another --by"
        ))
        .into());
    };
    let mut order: Vec<usize> = (0..suspicion.len()).collect();
    order.sort_by(|&i, &j| suspicion[j].total_cmp(&suspicion[i]).then(i.cmp(&j)));
    let default = if arguments.csv.is_some() {
        order.len()
    } else {
        TOP
    };
    order.truncate(arguments.top.unwrap_or(default));
    let samples = list(&order, &scores, &record.spec);
    match &arguments.csv {
        Some(path) => write_atomic(path, |file| write_csv(&samples, file))?,
        None if arguments.json => {
            for sample in &samples {
                println!("{}", serde_json::to_string(sample)?);
            }
        }
        None => table(&samples),
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses an output file in the folder of the run, whose files it could replace.
fn check_outside(option: &str, out: &Path, run: &Path) -> Result<(), BadInput> {
    let folder = |path: &Path| path.canonicalize().ok();
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    if folder(parent.unwrap_or(Path::new("."))) == folder(run) {
        return Err(BadInput(format!(
            "{option} {}: is in the folder of the run, whose files it could replace; give a path outside",
            out.display()
        )));
    }
    Ok(())
}

fn score(text: &str) -> Result<SampleScore, String> {
    let mut scores = SampleScore::ALL.into_iter();
    scores.find(|score| score.name() == text).ok_or_else(|| {
        let names = SampleScore::ALL.map(SampleScore::name).join(", ");
        format!("must be one of {names}")
    })
}

fn list(order: &[usize], scores: &SampleScores, spec: &RunSpec) -> Vec<Sample> {
    let classes = &spec.data.classes;
    let corrupted = scores.corrupted(classes.len());
    let has_noise = corrupted.contains(&true);
    let name = |label: u32| class_name(spec, label);
    let sample = |&i: &usize| Sample {
        index: scores.index[i],
        given: name(scores.labels[i]),
        clean: has_noise.then(|| name(scores.clean_labels[i])),
        mean_loss: scores.mean_loss[i],
        mean_margin: scores.mean_margin[i],
        forgetting_events: scores.forgetting_events[i],
        given_since: scores.given_since[i],
        distance_given: scores.distance_given.as_ref().map(|values| values[i]),
        alignment_given: scores.alignment_given.as_ref().map(|values| values[i]),
    };
    order.iter().map(sample).collect()
}

/// The class of a label, by name if the data set has names; a latent class has a prime.
fn class_name(spec: &RunSpec, label: u32) -> String {
    let (k, label) = (spec.data.classes.len(), label as usize);
    let name = spec.data.source.class_name(spec.data.classes[label % k]);
    if label < k { name } else { format!("{name}'") }
}

fn write_csv(samples: &[Sample], file: &mut impl Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    for sample in samples {
        writer.serialize(sample)?;
    }
    writer.flush()
}

fn table(samples: &[Sample]) {
    let number = |value: f64| format!("{value:.4}");
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let mut rows = vec![
        [
            "index",
            "given",
            "clean",
            "loss",
            "margin",
            "forgotten",
            "since",
            "distance",
            "alignment",
        ]
        .map(str::to_owned),
    ];
    for sample in samples {
        rows.push([
            sample.index.to_string(),
            sample.given.clone(),
            sample.clean.clone().unwrap_or_default(),
            number(sample.mean_loss),
            number(sample.mean_margin),
            sample.forgetting_events.to_string(),
            sample.given_since.to_string(),
            optional(sample.distance_given),
            optional(sample.alignment_given),
        ]);
    }
    let shows_clean = samples.iter().any(|sample| sample.clean.is_some());
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 9] = std::array::from_fn(|column| width(column).unwrap_or_default());
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.filter(|(column, _)| shows_clean || *column != 2);
        let line: Vec<String> = cells
            .map(|(_, (cell, width))| format!("{cell:>width$}"))
            .collect();
        println!("{}", line.join("  "));
    }
}
