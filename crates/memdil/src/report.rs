//! `memdil report`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_report::{ReportOptions, write_report};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  memdil report --runs runs --out report")]
pub(crate) struct Arguments {
    /// Folder with one folder a run
    #[arg(long, value_name = "DIR")]
    runs: PathBuf,
    /// Folder for index.html, report.md, claims.json and figures/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Count only the runs of this manifest; can be given many times (default: every run in the folder)
    #[arg(long, value_name = "M.jsonl")]
    manifest: Vec<PathBuf>,
    /// Numbers to compare with, as experiments/reference/*.toml
    #[arg(long, value_name = "F.toml")]
    reference: Option<PathBuf>,
    /// Add the solved models: curves, phase map, N classes
    #[arg(long)]
    theory: bool,
    /// Command that makes these runs again, to be printed in the report
    #[arg(long, value_name = "TEXT")]
    command: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = write_report(&ReportOptions {
        runs: arguments.runs.clone(),
        out: arguments.out.clone(),
        manifests: arguments.manifest.clone(),
        reference: arguments.reference.clone(),
        theory: arguments.theory,
        command: arguments.command.clone(),
    })?;
    println!("{}", report.terminal_table());
    println!("report: {}", report.html.display());
    Ok(ExitCode::SUCCESS)
}
