//! `cargo xtask reproduce`: every experiment of a preset, then the report.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, cargo, check, root, target_directory};

struct Options {
    preset: String,
    only: Vec<String>,
    device: String,
    jobs: Option<String>,
    data_dir: Option<PathBuf>,
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = parse(arguments)?;
    let experiments = select(&options)?;
    let out = options.out.clone().unwrap_or_else(|| root().join("reproduction").join(&options.preset));
    fs::create_dir_all(&out).map_err(|e| Failure::usage(format!("cannot write {}: {e}", out.display())))?;

    eprintln!("building memdil (a first build takes minutes)");
    let program = build(&options)?;
    let mut manifests = Vec::new();
    for experiment in &experiments {
        let name = name(experiment);
        eprintln!("experiment {name}, preset {}", options.preset);
        if let Some(command) = own_command(experiment)? {
            let mut run = Command::new(&program);
            run.args([&command, "--preset", &options.preset, "--config"]).arg(experiment);
            check(run.arg("--out").arg(out.join("runs")))?;
            continue;
        }
        let manifest = out.join(format!("{name}.jsonl"));
        let mut plan = Command::new(&program);
        plan.args(["sweep", "plan", "--preset", &options.preset, "--config"]).arg(experiment);
        check(plan.arg("--out").arg(&manifest).stdout(Stdio::null()))?;
        let mut sweep = Command::new(&program);
        sweep.args(["sweep", "run", "--all", "--worker", "--device", &options.device]);
        sweep.arg("--manifest").arg(&manifest).arg("--out").arg(out.join("runs"));
        if let Some(jobs) = &options.jobs {
            sweep.args(["--jobs", jobs]);
        }
        if let Some(folder) = &options.data_dir {
            sweep.arg("--data-dir").arg(folder);
        }
        check(&mut sweep)?;
        manifests.push(manifest);
    }
    let mut report = Command::new(&program);
    report.arg("report").arg("--runs").arg(out.join("runs")).arg("--out").arg(out.join("report"));
    for manifest in &manifests {
        // Runs of earlier settings may lie in the same folder: these are the ones that count.
        report.arg("--manifest").arg(manifest);
    }
    check(report.args(["--theory", "--command", &again(arguments)]))
}

fn parse(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        preset: "quick".to_owned(),
        only: Vec::new(),
        device: "cpu".to_owned(),
        jobs: None,
        data_dir: None,
        out: None,
    };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let mut value = || {
            rest.next().cloned().ok_or_else(|| Failure::usage(format!("{flag} needs a value; see cargo xtask help")))
        };
        match flag.as_str() {
            "--preset" => options.preset = value()?,
            "--only" => options.only.push(value()?),
            "--device" => {
                options.device = value()?;
                if options.device != "cpu" && !options.device.starts_with("cuda:") {
                    return Err(Failure::usage(format!("--device {}: must be cpu or cuda:N", options.device)));
                }
            }
            "--jobs" => {
                let jobs = value()?;
                if jobs.parse::<u16>().map_or(true, |jobs| jobs == 0) {
                    return Err(Failure::usage(format!("--jobs {jobs}: must be a whole number from 1 to 65535")));
                }
                options.jobs = Some(jobs);
            }
            "--data-dir" => options.data_dir = Some(value()?.into()),
            "--out" => options.out = Some(value()?.into()),
            _ => return Err(Failure::usage(format!("reproduce does not know '{flag}'; see cargo xtask help"))),
        }
    }
    Ok(options)
}

/// The experiment files that have the preset, by name.
fn select(options: &Options) -> Result<Vec<PathBuf>, Failure> {
    let folder = root().join("experiments");
    let unreadable = |e| Failure::inside(format!("cannot read {}: {e}", folder.display()));
    let mut chosen = Vec::new();
    let mut presets = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let has: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("[preset.")?.strip_suffix(']'))
            .map(str::to_owned)
            .collect();
        if has.contains(&options.preset) {
            chosen.push(path);
        }
        presets.extend(has);
    }
    presets.sort();
    presets.dedup();
    if chosen.is_empty() {
        let message = format!("no experiment has the preset '{}'; there are: {}", options.preset, presets.join(", "));
        return Err(Failure::usage(message));
    }
    let names: Vec<String> = chosen.iter().map(|path| name(path)).collect();
    if let Some(unknown) = options.only.iter().find(|only| !names.contains(only)) {
        let message =
            format!("preset '{}' has no experiment '{unknown}'; it has: {}", options.preset, names.join(", "));
        return Err(Failure::usage(message));
    }
    chosen.retain(|path| options.only.is_empty() || options.only.contains(&name(path)));
    chosen.sort();
    Ok(chosen)
}

/// The subcommand of memdil that an experiment file names with `command = "..."`. It takes `--config`, `--preset` and
/// `--out`, the folder of runs. A file that names none is a sweep.
fn own_command(experiment: &Path) -> Result<Option<String>, Failure> {
    let text = fs::read_to_string(experiment)
        .map_err(|e| Failure::inside(format!("cannot read {}: {e}", experiment.display())))?;
    let settings = text.lines().take_while(|line| !line.starts_with('['));
    let value = settings.filter_map(|line| line.strip_prefix("command")?.trim_start().strip_prefix('=')).next();
    Ok(value.and_then(|value| value.split('"').nth(1)).map(str::to_owned))
}

fn name(experiment: &Path) -> String {
    experiment.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Builds the program and asks cargo where it is.
fn build(options: &Options) -> Result<PathBuf, Failure> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", "memdil"]).current_dir(root());
    if options.device.starts_with("cuda") {
        command.args(["--features", "cuda"]);
    }
    check(&mut command)?;
    Ok(target_directory()?.join("release").join(format!("memdil{}", std::env::consts::EXE_SUFFIX)))
}

/// This command, for the report's reader.
fn again(arguments: &[String]) -> String {
    ["cargo xtask reproduce"].into_iter().chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}
