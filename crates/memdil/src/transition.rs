//! `memdil transition`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_losses::estimate_transition;

use crate::arrays::{BadInput, Kind, Source};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    memdil transition --logits runs/early/features.npz\n\n\
    Prints rows that a configuration takes: loss = { kind = \"forward_correction\", transition = [[...], ...] }.\n\
    A network that has memorised its labels gives the identity: train the one for this a few epochs only.")]
pub(crate) struct Arguments {
    /// Logits of the training samples, (n, K): .npy, or the array `logits` of a .npz (a run's
    /// features.npz) or .safetensors
    #[arg(long, value_name = "F")]
    logits: PathBuf,
    /// Row i is the prediction for the sample at this quantile of the probability of class i
    #[arg(long, default_value_t = 0.97)]
    quantile: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut source = Source::open(&arguments.logits)?;
    let logits = source.array("logits", Kind::Matrix)?;
    let logits =
        logits.ok_or_else(|| BadInput(format!("{}: holds no array 'logits'", source.path())))?;
    let elements = logits.floats::<f64>();
    let transition = estimate_transition(logits.matrix(&elements)?, arguments.quantile)
        .map_err(|e| BadInput(format!("{}: {e}", source.path())))?;
    if arguments.json {
        println!("{}", serde_json::json!({ "transition": transition }));
    } else {
        println!("{}", serde_json::to_string(&transition)?);
    }
    Ok(ExitCode::SUCCESS)
}
