//! `memdil layer-peeled`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_records::{LayerPeeledRecord, LayerPeeledSpec, LayerPeeledStatus, layer_peeled_path};
use memdil_runner::run_layer_peeled;

use crate::arguments::{Settings, check_folder};
use crate::failure::Failure;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  memdil layer-peeled --config experiments/layer-peeled.toml --out runs\n\n\
    Writes DIR/layer-peeled.jsonl, which memdil report --runs DIR compares with the closed form. Existing \
    results with the same settings are reused, others are removed."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Folder of the runs, to which layer-peeled.jsonl is written
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_folder("--out", &arguments.out)?;
    let specs = arguments.settings.load()?.layer_peeled()?;
    let (specs, skipped): (Vec<_>, Vec<_>) = specs.into_iter().partition(|s| s.frame_fits());
    for spec in skipped {
        eprintln!(
            "note: skipped {}: no closed form in {} dimensions",
            label(&spec),
            spec.dim
        );
    }
    let mut done = 0;
    let records = run_layer_peeled(&specs, &arguments.out, |record, reused| {
        done += 1;
        let note = if reused { " (reused)" } else { "" };
        eprintln!("{done} of {}: {}{note}", specs.len(), summary(record));
    })?;
    let converged = records
        .iter()
        .filter(|r| r.status == LayerPeeledStatus::Converged)
        .count();
    println!("{converged} of {} converged", records.len());
    println!("results: {}", layer_peeled_path(&arguments.out).display());
    Ok(ExitCode::SUCCESS)
}

/// The settings that distinguish a training from the others.
fn label(spec: &LayerPeeledSpec) -> String {
    let sign = if spec.nonnegative {
        "non-negative"
    } else {
        "signed"
    };
    format!(
        "{} classes, {}, {sign}, seed {}",
        spec.classes,
        spec.loss.short_name(),
        spec.seed
    )
}

fn summary(record: &LayerPeeledRecord) -> String {
    let LayerPeeledRecord {
        spec,
        status,
        steps,
        end,
        seconds,
        ..
    } = record;
    let status = match status {
        LayerPeeledStatus::Converged => "converged",
        LayerPeeledStatus::OutOfSteps => "not converged",
        LayerPeeledStatus::Diverged => "diverged",
    };
    let reached = end.as_ref().map_or_else(String::new, |end| {
        let zero = if end.collapsed {
            ", collapsed to zero"
        } else {
            ""
        };
        format!(
            ", objective {:.9}, gap {:.6}{zero}",
            end.objective, end.logit_gap
        )
    });
    format!(
        "{}: {status} after {steps} steps in {seconds:.1} s{reached}",
        label(spec)
    )
}
