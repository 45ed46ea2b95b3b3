//! `memdil eval`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_records::{undefined_by_reason, write_archive};
use memdil_runner::evaluate_run;

use crate::arguments::{Machine, check_folder, check_npz};
use crate::failure::Failure;
use crate::layers;
use crate::metrics::{rankings_text, table};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil eval --run runs/one --json\n  \
    memdil eval --run runs/one --features-out features.npz\n  \
    memdil eval --run runs/one --layers\n\n\
    If the run is not finished, the network of its newest checkpoint is measured.\n\n\
    Columns of --layers, with their names in the JSON object:\n  \
    nc1         NC1 of the training samples with the given labels (nc1)\n  \
    ncm-given   training samples nearest to the mean of their given label (ncm_accuracy_given)\n  \
    ncm-clean   training samples nearest to the clean mean of their clean label (ncm_accuracy_clean)\n  \
    as-given    corrupted samples nearest to the clean mean of their given label (corrupted_nearest_given)\n  \
    as-clean    corrupted samples nearest to the clean mean of their clean label (corrupted_nearest_clean)\n  \
    memo        mean distance of corrupted samples to the clean mean of their true class (memorization_mean)\n  \
    separation  mean distance between clean means (separation)\n  \
    memo/sep    the ratio of these two (memorization_over_separation)\n  \
    dilation    NC1 of the test samples (test_dilation)\n  \
    test-ncm    test samples nearest to the clean mean of their class (test_ncm_accuracy)\n\n\
    A clean mean is that of the uncorrupted training samples of a class.")]
pub(crate) struct Arguments {
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Write the features, logits and labels of the training and test sets, and the classifier
    #[arg(long, value_name = "F.npz")]
    features_out: Option<PathBuf>,
    /// Also measure the layers of the network: a line per layer, or `layers` in the JSON object
    #[arg(long)]
    layers: bool,
    /// Write the outputs of the layers to a folder, one NN-NAME.npz per layer
    #[arg(long, value_name = "DIR")]
    layers_out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(out) = &arguments.features_out {
        check_npz("--features-out", out)?;
    }
    if let Some(out) = &arguments.layers_out {
        check_folder("--layers-out", out)?;
    }
    let options = arguments
        .machine
        .options()
        .layers(arguments.layers)
        .layers_out(arguments.layers_out.clone());
    let evaluated = evaluate_run(&arguments.run, &options, |path, reason| {
        eprintln!("warning: {}: checkpoint not used: {reason}", path.display());
    })?;
    if let Some(out) = &arguments.features_out {
        write_archive(out, |w| evaluated.snapshot.write_npz(w))?;
    }
    let record = &evaluated.record;
    if !evaluated.finished {
        let at = evaluated
            .within_epoch
            .map(|(done, all)| format!(", {done} of {all} samples"));
        eprintln!(
            "note: the run is not finished: epoch {}{}",
            record.epoch,
            at.unwrap_or_default()
        );
    }
    if arguments.json {
        println!("{}", serde_json::to_string(record)?);
        return Ok(ExitCode::SUCCESS);
    }
    let values = serde_json::to_value(record)?;
    print!("{}", table::text(&values));
    print!("{}", rankings_text(&values["ranking"]));
    if let Some(layers) = &record.layers {
        print!("\n{}", layers::text(layers));
    }
    for line in undefined_by_reason(&record.undefined) {
        eprintln!("note: {line}");
    }
    Ok(ExitCode::SUCCESS)
}
