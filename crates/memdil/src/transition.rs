//! `memdil transition`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_data::arrays::{ArrayFile, Role};
use memdil_losses::estimate_transition;
use memdil_metrics::{MetricsError, Subject, looks_like_probabilities};

use crate::failure::{BadInput, Failure};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    memdil transition --logits runs/early/features.npz\n\n\
    Prints the rows of the matrix, for an experiment file: loss = { kind = \"forward_correction\", transition = [[...], ...] }.\n\
    A network that has memorised its labels yields the identity matrix, so train it for only a few epochs.")]
pub(crate) struct Arguments {
    /// Logits of the training samples, (n, K): .npy, or the array `logits` of a .npz (a run's
    /// features.npz) or .safetensors; not probabilities
    #[arg(long, value_name = "F")]
    logits: PathBuf,
    /// Row i is the prediction for the sample at this quantile of the probability of class i
    #[arg(long, default_value_t = 0.97)]
    quantile: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let logits = ArrayFile::open(&arguments.logits)?.require(Role::Logits)?;
    let place = logits.place();
    let matrix = logits.matrix::<f64>()?;
    if looks_like_probabilities(matrix.view()) {
        let array = Subject::Logits;
        let error = MetricsError::Probabilities { array };
        return Err(BadInput(format!("{place}: {error}")).into());
    }
    let transition = estimate_transition(matrix.view(), arguments.quantile)
        .map_err(|error| BadInput(format!("{place}: {error}")))?;
    if arguments.json {
        println!("{}", serde_json::json!({ "transition": transition }));
    } else {
        println!("{}", serde_json::to_string(&transition)?);
    }
    Ok(ExitCode::SUCCESS)
}
