//! `memdil selftest`

use std::process::ExitCode;

use memdil_runner::{SelfTest, selftest};

use crate::failure::Failure;
use crate::progress;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  memdil selftest --device cuda:0 --json > selftest.json\n\n\
    Compares every kernel with f64 on the CPU and a short training run with the same run on the CPU, repeats and \
    resumes that run, and times training steps. The exit status is 1 if a check fails."
)]
pub(crate) struct Arguments {
    /// Device: cpu or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let bar = progress::spinner();
    let found = selftest(&arguments.device, |name| bar.set_message(name.to_owned()));
    bar.finish_and_clear();
    let found = found?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print!("{}", table(&found));
    }
    Ok(if found.passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn table(found: &SelfTest) -> String {
    let mut text = String::new();
    if let Some(card) = &found.card {
        text += &format!(
            "{}: {}, compute capability {}, {:.0} GiB, driver for CUDA {}, memory {:.0} GB/s\n",
            found.device,
            card.name,
            card.capability,
            card.memory_gib,
            card.driver,
            card.memory_gb_s
        );
    }
    for check in &found.checks {
        let verdict = if check.passed { "ok    " } else { "FAILED" };
        let value = match (&check.error, check.deviation) {
            (Some(error), _) => error.clone(),
            (None, Some(deviation)) => {
                format!("deviation {deviation:.1e}, limit {:.0e}", check.limit)
            }
            (None, None) => "not finite".to_owned(),
        };
        text += &format!("{verdict} {}: {value}\n", check.name);
    }
    for timing in &found.timings {
        let roof = timing
            .over_roof
            .map(|roof| format!(", {roof:.2} times the minimum at memory bandwidth"))
            .unwrap_or_default();
        text += &format!(
            "{}: {:.3} ms per step, at least {:.0} MB{roof}\n",
            timing.name, timing.milliseconds, timing.least_mb
        );
    }
    let failed = found.checks.iter().filter(|check| !check.passed).count();
    text + &format!("{} checks, {failed} failed\n", found.checks.len())
}
