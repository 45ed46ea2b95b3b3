//! `cargo xtask reproduce`: every experiment of a preset, then the report.

mod cluster;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::cluster::{Cluster, Engine};
use crate::{Failure, check, output, program, root};

struct Options {
    preset: String,
    only: Vec<String>,
    device: String,
    jobs: Option<String>,
    data_dirs: Vec<PathBuf>,
    out: Option<PathBuf>,
    dry_run: bool,
    /// Where the runs are made, if not in worker processes here.
    cluster: Option<Cluster>,
}

/// What the program makes of an experiment file.
enum Kind {
    /// Runs of a manifest.
    Sweep,
    /// A subcommand that takes `--config`, `--preset` and `--out`, the folder of runs; `true` if it
    /// starts workers.
    Own(String, bool),
    /// A part of the report that needs no runs of its own.
    Report,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = parse(arguments)?;
    let Selection {
        experiments,
        preset,
    } = select(&options)?;
    let out = options
        .out
        .clone()
        .unwrap_or_else(|| root().join("reproduction").join(&options.preset));
    if let Some(cluster) = options.cluster.as_ref().filter(|_| !options.dry_run) {
        cluster.check(&out)?;
    }
    fs::create_dir_all(&out).map_err(|e| {
        let remedy = "give --out a folder that can be made there";
        Failure::usage(format!("cannot write {}: {e}; {remedy}", out.display()))
    })?;

    let program = program::build(&options.device)?;
    if let Some(cluster) = options.cluster.as_ref().filter(|_| !options.dry_run) {
        return cluster::run(
            cluster,
            &options,
            (&experiments, &preset),
            (&program, &out),
            arguments,
        );
    }
    let runs = out.join("runs");
    let (mut failed, mut theory, mut seconds) = (Vec::new(), false, 0.0);
    for (index, experiment) in experiments.iter().enumerate() {
        let name = name(experiment);
        eprintln!(
            "experiment {name} ({} of {}), preset {}",
            index + 1,
            experiments.len(),
            options.preset
        );
        let mut command = Command::new(&program);
        match kind(experiment)? {
            Kind::Report => {
                theory = true;
                continue;
            }
            Kind::Own(own, workers) => {
                command
                    .args([&own, "--preset", &options.preset, "--config"])
                    .arg(experiment);
                command.arg("--out").arg(&runs);
                if workers {
                    options.machine(&mut command);
                } else if options.dry_run {
                    eprintln!("  memdil {own}: seconds");
                    continue;
                }
            }
            Kind::Sweep => {
                plan(&options, &program, experiment, &out)?;
                let manifest = manifest(&out, experiment);
                command
                    .args(["sweep", "run", "--all", "--manifest"])
                    .arg(&manifest)
                    .arg("--out")
                    .arg(&runs);
                options.machine(&mut command);
            }
        }
        if options.dry_run {
            let text = output(&mut command)?;
            print!("{text}");
            seconds += total(&text);
        } else if let Err(failure) = check(&mut command) {
            // What was bad input to one experiment is so to its user: nothing else will be asked
            // for.
            if failure.status == 2 {
                return Err(failure);
            }
            failed.push(name);
        }
    }
    if options.dry_run {
        println!(
            "all together: about {:.0} min, {}",
            (seconds / 60.0_f64).ceil(),
            if theory {
                "and the theory, half a minute"
            } else {
                "and the report"
            }
        );
        return Ok(());
    }
    let mut report = Command::new(&program);
    report.arg("report").arg("--out").arg(out.join("report"));
    let manifests = made(&out, &preset)?;
    if !manifests.is_empty() || runs.join("layer-peeled.jsonl").exists() {
        report.arg("--runs").arg(&runs);
        for manifest in &manifests {
            // Runs of earlier settings may lie in the same folder: these are the ones that count.
            report.arg("--manifest").arg(manifest);
        }
    }
    // What an earlier report here has, this one keeps.
    let before = fs::read_to_string(out.join("report").join("claims.json")).unwrap_or_default();
    theory = theory || before.contains("\"md-theory/");
    if theory {
        report.arg("--theory");
    }
    report.args(["--preset", &options.preset]);
    options.data(&mut report);
    for experiment in &preset {
        let made = match made_in(&out, experiment)? {
            Some(made) => made.exists(),
            None => theory,
        };
        if made {
            report.arg("--config").arg(experiment);
        }
    }
    check(report.args(["--command", &again(arguments)]))?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::inside(format!(
        "runs of {} failed or diverged and are missing in the report; the same command tries again what failed",
        failed.join(", ")
    )))
}

/// Writes the manifest of an experiment.
fn plan(options: &Options, program: &Path, experiment: &Path, out: &Path) -> Result<(), Failure> {
    let mut plan = Command::new(program);
    plan.args(["sweep", "plan", "--preset", &options.preset, "--config"])
        .arg(experiment);
    options.data(&mut plan);
    plan.arg("--out").arg(manifest(out, experiment));
    // A dry run shows the claims.
    if !options.dry_run {
        plan.stdout(Stdio::null());
    }
    check(&mut plan)
}

impl Options {
    /// Where the data sets are, if that was said.
    fn data(&self, command: &mut Command) {
        for folder in &self.data_dirs {
            command.arg("--data-dir").arg(folder);
        }
    }

    /// Arguments of commands that start workers.
    fn machine(&self, command: &mut Command) {
        command.args(["--device", &self.device]);
        if let Some(jobs) = &self.jobs {
            command.args(["--jobs", jobs]);
        }
        self.data(command);
        // A worker ends when this process does.
        command.arg(if self.dry_run {
            "--dry-run"
        } else {
            "--worker"
        });
    }
}

/// The seconds in `about 2 min (120 s) for ..`, the last line of a dry run.
fn total(text: &str) -> f64 {
    let last = text.lines().next_back().unwrap_or_default();
    last.split_once('(')
        .and_then(|(_, rest)| rest.split_once(" s)")?.0.parse().ok())
        .unwrap_or_default()
}

fn parse(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        preset: "quick".to_owned(),
        only: Vec::new(),
        device: "cpu".to_owned(),
        jobs: None,
        data_dirs: Vec::new(),
        out: None,
        dry_run: false,
        cluster: None,
    };
    let mut cluster = Cluster {
        engine: Engine::Slurm,
        submit: true,
        arguments: Vec::new(),
        cpus: 1,
        gpus: None,
        max_parallel: None,
    };
    let (mut engine, mut about_jobs) = ("local".to_owned(), None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        // `--submit=no` is `--submit no`.
        let (flag, mut given) = match argument
            .split_once('=')
            .filter(|(flag, _)| flag.starts_with("--"))
        {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let mut value = || {
            let value = given.take().or_else(|| rest.next().cloned());
            value.filter(|value| !value.is_empty()).ok_or_else(|| {
                Failure::usage(format!("{flag} needs a value; see cargo xtask help"))
            })
        };
        let number = |value: String| {
            let wrong = || {
                Failure::usage(format!(
                    "{flag} {value}: must be a whole number from 1 to 65535"
                ))
            };
            value
                .parse::<u16>()
                .ok()
                .filter(|&n| n > 0)
                .ok_or_else(wrong)
        };
        if matches!(
            flag,
            "--submit"
                | "--partition"
                | "--account"
                | "--time"
                | "--gpus-per-task"
                | "--cpus-per-task"
                | "--max-parallel"
                | "--sbatch-arg"
        ) {
            about_jobs = Some(flag.to_owned());
        }
        match flag {
            "--engine" => engine = value()?,
            "--submit" => {
                cluster.submit = match value()?.as_str() {
                    "yes" => true,
                    "no" => false,
                    other => {
                        return Err(Failure::usage(format!(
                            "--submit {other}: must be yes or no"
                        )));
                    }
                }
            }
            "--partition" | "--account" | "--time" => {
                let value = value()?;
                cluster.arguments.push(format!("{flag}={value}"));
            }
            "--sbatch-arg" => cluster.arguments.push(value()?),
            "--gpus-per-task" => cluster.gpus = Some(value()?),
            "--cpus-per-task" => cluster.cpus = number(value()?)?,
            "--max-parallel" => cluster.max_parallel = Some(number(value()?)?.into()),
            "--preset" => options.preset = value()?,
            "--only" => options.only.push(value()?),
            "--device" => {
                options.device = value()?;
                if options.device != "cpu" && !crate::is_cuda(&options.device) {
                    return Err(Failure::usage(format!(
                        "--device {}: must be cpu or cuda:N",
                        options.device
                    )));
                }
            }
            "--jobs" => {
                options.jobs = Some(number(value()?)?.to_string());
            }
            "--data-dir" => options.data_dirs.push(existing_folder(value()?)?),
            "--out" => options.out = Some(value()?.into()),
            "--dry-run" if given.is_none() => options.dry_run = true,
            "--dry-run" => return Err(Failure::usage("--dry-run takes no value".to_owned())),
            _ => {
                return Err(Failure::usage(format!(
                    "reproduce does not know '{flag}'; see cargo xtask help"
                )));
            }
        }
    }
    options.cluster = match engine.as_str() {
        "local" => None,
        "slurm" => Some(cluster),
        "hq" if !cluster.arguments.is_empty() || cluster.max_parallel.is_some() => {
            return Err(Failure::usage(
                "--engine hq: partitions, accounts and limits are those of its workers",
            ));
        }
        "hq" if cluster
            .gpus
            .as_ref()
            .is_some_and(|gpus| gpus.parse::<u16>().is_err()) =>
        {
            return Err(Failure::usage(
                "--engine hq: --gpus-per-task must be a number; types are those of its workers",
            ));
        }
        "hq" => Some(Cluster {
            engine: Engine::HyperQueue,
            ..cluster
        }),
        other => {
            return Err(Failure::usage(format!(
                "--engine {other}: must be local, slurm or hq"
            )));
        }
    };
    match about_jobs {
        Some(flag) if options.cluster.is_none() => Err(Failure::usage(format!(
            "{flag} is for --engine slurm or hq"
        ))),
        _ => Ok(options),
    }
}

/// A folder of data sets, which must be there.
fn existing_folder(given: String) -> Result<PathBuf, Failure> {
    let folder = PathBuf::from(&given);
    let reason = match folder.metadata() {
        Ok(found) if found.is_dir() => return Ok(folder),
        Ok(_) => "is not a folder; give the folder that holds the data sets",
        Err(_) => "there is no such folder; make it, or correct the path",
    };
    Err(Failure::usage(format!("--data-dir {given}: {reason}")))
}

/// The manifest of an experiment's sweep.
fn manifest(out: &Path, experiment: &Path) -> PathBuf {
    out.join(format!("{}.jsonl", name(experiment)))
}

/// The manifests of a preset's experiments that have been made in a folder, now or before: with
/// `--only` the report shows one experiment more, and keeps the others.
fn made(out: &Path, preset: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut manifests = manifests(out, preset)?;
    manifests.retain(|manifest| manifest.exists());
    Ok(manifests)
}

/// The manifests that a preset's experiments have, once they are made.
fn manifests(out: &Path, preset: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut manifests = Vec::new();
    for experiment in preset {
        let layer_peeled = matches!(kind(experiment)?, Kind::Own(own, false) if own != "search");
        manifests.extend(made_in(out, experiment)?.filter(|_| !layer_peeled));
    }
    Ok(manifests)
}

/// The file that an experiment leaves in the output folder; none of a part of the report.
fn made_in(out: &Path, experiment: &Path) -> Result<Option<PathBuf>, Failure> {
    Ok(match kind(experiment)? {
        Kind::Sweep => Some(manifest(out, experiment)),
        Kind::Own(own, _) if own == "search" => Some(out.join("runs/search/retrained.jsonl")),
        Kind::Own(..) => Some(out.join("runs/layer-peeled.jsonl")),
        Kind::Report => None,
    })
}

/// Experiment files, by name.
struct Selection {
    /// Those to make.
    experiments: Vec<PathBuf>,
    /// All that have the preset.
    preset: Vec<PathBuf>,
}

fn select(options: &Options) -> Result<Selection, Failure> {
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
            .filter_map(|line| {
                line.trim_start_matches('[')
                    .strip_prefix("preset.")
                    .filter(|_| line.starts_with('['))
            })
            .map(|line| {
                line.trim_end_matches(']')
                    .split('.')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        if has.contains(&options.preset) {
            chosen.push(path);
        }
        presets.extend(has);
    }
    presets.sort();
    presets.dedup();
    if chosen.is_empty() {
        let message = format!(
            "no experiment has the preset '{}'; there are: {}",
            options.preset,
            presets.join(", ")
        );
        return Err(Failure::usage(message));
    }
    let names: Vec<String> = chosen.iter().map(|path| name(path)).collect();
    if let Some(unknown) = options.only.iter().find(|only| !names.contains(only)) {
        let message = format!(
            "preset '{}' has no experiment '{unknown}'; it has: {}",
            options.preset,
            names.join(", ")
        );
        return Err(Failure::usage(message));
    }
    chosen.sort();
    let experiments = chosen
        .iter()
        .filter(|path| options.only.is_empty() || options.only.contains(&name(path)))
        .cloned()
        .collect();
    Ok(Selection {
        experiments,
        preset: chosen,
    })
}

/// What an experiment file is for: a sweep, unless it names a subcommand of memdil with
/// `command = "..."`.
fn kind(experiment: &Path) -> Result<Kind, Failure> {
    Ok(match setting(experiment, "command")?.as_deref() {
        None => Kind::Sweep,
        Some("report") => Kind::Report,
        Some(own) => Kind::Own(own.to_owned(), own == "search"),
    })
}

/// A string before the first table of an experiment file.
fn setting(experiment: &Path, key: &str) -> Result<Option<String>, Failure> {
    let text = fs::read_to_string(experiment)
        .map_err(|e| Failure::inside(format!("cannot read {}: {e}", experiment.display())))?;
    let settings = text.lines().take_while(|line| !line.starts_with('['));
    let value = settings
        .filter_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))
        .next();
    Ok(value
        .and_then(|value| value.split('"').nth(1))
        .map(str::to_owned))
}

fn name(experiment: &Path) -> String {
    experiment
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// This command, for the report's reader.
fn again(arguments: &[String]) -> String {
    ["cargo xtask reproduce"]
        .into_iter()
        .chain(arguments.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn options(arguments: &str) -> Options {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        parse(&arguments)
            .map_err(|failure| failure.message)
            .unwrap()
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| name(path)).collect()
    }

    #[test]
    fn a_preset_selects_its_experiments() {
        let quick = select(&options("")).ok().unwrap();
        assert_eq!(names(&quick.experiments), names(&quick.preset));
        assert!(names(&quick.preset).contains(&"features-2d".to_owned()));
        let one = select(&options("--preset standard --only capacity"))
            .ok()
            .unwrap();
        assert_eq!(names(&one.experiments), ["capacity"]);
        assert_eq!(one.preset.len(), 8);
        for (arguments, expected) in [
            (
                "--preset huge",
                "no experiment has the preset 'huge'; there are: embedded, paper",
            ),
            (
                "--only nothing",
                "preset 'quick' has no experiment 'nothing'; it has: features-2d",
            ),
        ] {
            let message = select(&options(arguments)).err().unwrap().message;
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn the_report_has_what_was_made_in_its_folder_searches_too() {
        let out = std::env::temp_dir().join(format!("memdil-reproduce-{}", std::process::id()));
        fs::create_dir_all(out.join("runs/search")).unwrap();
        let preset = select(&options("--preset standard")).ok().unwrap().preset;
        let made = || -> Vec<PathBuf> {
            let made = made(&out, &preset).ok().unwrap();
            made.into_iter()
                .map(|path| path.strip_prefix(&out).unwrap().to_owned())
                .collect()
        };
        assert!(made().is_empty());
        for file in [
            "memorization-dilation.jsonl",
            "runs/search/retrained.jsonl",
            "of-another-preset.jsonl",
        ] {
            fs::write(out.join(file), "").unwrap();
        }
        let found = made();
        fs::remove_dir_all(&out).unwrap();
        assert_eq!(
            found,
            ["runs/search/retrained.jsonl", "memorization-dilation.jsonl"].map(PathBuf::from)
        );
    }

    #[test]
    fn seconds_are_those_of_the_last_line_of_a_dry_run() {
        assert!(
            (total("  1.0 s  a\nabout 2 min 5 s (125 s) for 3 of 3 runs, 2 at a time\n") - 125.0)
                .abs()
                < 1e-9
        );
        assert!(total("nothing to do").abs() < 1e-9);
    }
}
