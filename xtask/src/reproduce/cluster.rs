//! `--engine slurm` and `--engine hq`: the same runs as tasks of a job array. The scheduler is the
//! cluster's.

mod hyperqueue;
mod scripts;
mod slurm;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Kind, Options, kind, manifest, plan};
use crate::{Failure, output};

/// Seconds that a task is packed to, so that what starting one costs does not count.
const TASK: f64 = 600.0;
/// How often what is missing is submitted.
const ATTEMPTS: usize = 3;
/// What names of jobs begin with.
const NAME: &str = "memdil-";
/// File systems that other machines see.
const SHARED: [&str; 13] = [
    "nfs", "nfs4", "lustre", "gpfs", "fhgfs", "beegfs", "ceph", "fuseblk", "afs", "k-afs", "panfs",
    "cifs", "smb2",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Slurm,
    HyperQueue,
}

/// How tasks are submitted.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) engine: Engine,
    pub(super) submit: bool,
    /// `--partition=P` and so on, as sbatch takes them.
    pub(super) arguments: Vec<String>,
    pub(super) cpus: u16,
    /// GPUs of a task: a number, for Slurm also `type:number`.
    pub(super) gpus: Option<String>,
    pub(super) max_parallel: Option<u32>,
}

/// One line of the task file: arguments of memdil, with what they are expected to take.
#[derive(Clone, Debug, PartialEq)]
struct Task {
    arguments: String,
    seconds: f64,
}

/// Folders and program, absolute: tasks start anywhere.
struct Place<'a> {
    program: PathBuf,
    out: &'a Path,
    folder: PathBuf,
    /// Jobs that were submitted, an id a line.
    jobs: PathBuf,
}

impl Engine {
    fn tool(self) -> &'static str {
        match self {
            Self::Slurm => "sbatch",
            Self::HyperQueue => "hq",
        }
    }
}

impl Cluster {
    /// Whether jobs can be submitted here, and to a folder of that name.
    pub(super) fn check(&self, out: &Path) -> Result<(), Failure> {
        if self.engine == Engine::Slurm && out.to_string_lossy().contains(['"', '\\', '\n']) {
            let message = format!(
                "--out {}: Slurm cannot write logs below a name with \", \\ or a new line",
                out.display()
            );
            return Err(Failure::usage(message));
        }
        let tool = self.engine.tool();
        let version = if self.submit {
            output(Command::new(tool).arg("--version"))
        } else {
            Ok(String::new())
        };
        version.map(|_| ()).map_err(|failure| {
            Failure::usage(format!(
                "{tool} cannot be used here ({}): run this where jobs are submitted, or add --submit=no for the scripts alone",
                failure.message
            ))
        })
    }
}

pub(super) fn run(
    cluster: &Cluster,
    options: &Options,
    (experiments, preset): (&[PathBuf], &[PathBuf]),
    (program, out): (&Path, &Path),
    arguments: &[String],
) -> Result<(), Failure> {
    let out = std::path::absolute(out)
        .map_err(|e| Failure::inside(format!("cannot find {}: {e}", out.display())))?;
    let folder = out.join("cluster");
    let jobs = folder.join(format!("{}-jobs.txt", cluster.engine.tool()));
    let place = Place {
        program: folder.join("memdil"),
        out: &out,
        folder,
        jobs,
    };
    create(&place.folder.join("logs"))?;
    create(&out.join("runs"))?;
    warn_unless_shared(&out);
    if cluster.submit {
        place.follow_earlier(cluster.engine)?;
    }
    // Tasks start whenever they may: what is built meanwhile is nothing to them. The same program
    // stays the file that they run.
    let same = || Some(fs::read(program).ok()? == fs::read(&place.program).ok()?);
    if same() != Some(true) {
        whole(&place.program, |copy| fs::copy(program, copy).map(|_| ()))?;
    }
    for attempt in 1..=ATTEMPTS {
        let tasks = tasks(cluster, options, experiments, &place)?;
        let report = scripts::report(cluster, options, (experiments, preset), &place, arguments)?;
        if tasks.is_empty() && attempt > 1 {
            return finish(&place);
        }
        let scripts = scripts::write(cluster, options, &place, &tasks, &report)?;
        let seconds: f64 = tasks.iter().map(|task| task.seconds).sum();
        println!(
            "{} tasks, about {:.0} min of one processor; scripts in {}",
            tasks.len(),
            (seconds / 60.0).ceil(),
            place.folder.display()
        );
        if !cluster.submit {
            for script in &scripts {
                println!("{}", script.display());
            }
            return Ok(());
        }
        for before in ["report.log", "report.done"] {
            let _ = fs::remove_file(place.folder.join("logs").join(before));
        }
        match cluster.engine {
            Engine::Slurm => slurm::run(&place, &scripts)?,
            Engine::HyperQueue => hyperqueue::run(&place, &scripts)?,
        }
    }
    let left = tasks(cluster, options, experiments, &place)?;
    if left.is_empty() {
        return finish(&place);
    }
    Err(Failure::inside(format!(
        "{} tasks are not done after {ATTEMPTS} attempts; first: {}; logs are in {}",
        left.len(),
        left[0].arguments,
        place.folder.join("logs").display()
    )))
}

impl Place<'_> {
    /// Waits for jobs of an earlier call, which go on: only what they leave is submitted.
    fn follow_earlier(&self, engine: Engine) -> Result<(), Failure> {
        let text = fs::read_to_string(&self.jobs).unwrap_or_default();
        let jobs: Vec<String> = text
            .lines()
            .map(str::to_owned)
            .filter(|line| !line.is_empty())
            .collect();
        let said = || eprintln!("following jobs {} of an earlier call", jobs.join(", "));
        match engine {
            Engine::Slurm if !jobs.is_empty() && !slurm::queue(&jobs)?.is_empty() => {
                said();
                slurm::follow(&jobs)
            }
            Engine::HyperQueue if !jobs.is_empty() => {
                said();
                // A server that was started anew does not know them: then there is nothing to wait
                // for.
                if hyperqueue::follow(&jobs).is_err() {
                    eprintln!("the server does not know them: what is missing is submitted again");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The id of a script that was submitted; `before` are the jobs that were.
    fn submitted(
        &self,
        script: &Path,
        answer: Result<String, Failure>,
        before: &[String],
    ) -> Result<String, Failure> {
        answer.map(|id| id.trim().to_owned()).map_err(|failure| {
            let before = if before.is_empty() {
                "nothing was submitted".to_owned()
            } else {
                format!(
                    "jobs {} were submitted before it: cancel them, or call again to follow them",
                    before.join(" ")
                )
            };
            Failure::usage(format!(
                "{} was refused: {}; {before}",
                script.display(),
                failure.message
            ))
        })
    }

    /// Writes down what was submitted.
    fn remember(&self, jobs: &[String]) -> Result<(), Failure> {
        put(&self.jobs, &format!("{}\n", jobs.join("\n"))).map_err(|failure| {
            Failure::usage(format!(
                "{}; jobs {} are submitted",
                failure.message,
                jobs.join(" ")
            ))
        })
    }
}

/// What the report's job has printed.
fn finish(place: &Place<'_>) -> Result<(), Failure> {
    let logs = place.folder.join("logs");
    let log = logs.join("report.log");
    let Ok(failed) = fs::read_to_string(logs.join("report.done")) else {
        return Err(Failure::inside(format!(
            "the report was not made; its log is {}",
            log.display()
        )));
    };
    print!("{}", fs::read_to_string(&log).unwrap_or_default());
    if failed.trim() == "0" {
        return Ok(());
    }
    Err(Failure::inside(format!(
        "an experiment failed and is missing in the report: see {}",
        log.display()
    )))
}

/// The runs that are not complete, packed by the time that they take on this machine's processor:
/// it decides nothing else.
fn tasks(
    cluster: &Cluster,
    options: &Options,
    experiments: &[PathBuf],
    place: &Place<'_>,
) -> Result<Vec<Task>, Failure> {
    let runs = place.out.join("runs");
    let mut tasks = Vec::new();
    for experiment in experiments {
        let rest = rest(options);
        match kind(experiment)? {
            Kind::Sweep => {
                plan(options, &place.program, experiment, place.out)?;
                let manifest = manifest(place.out, experiment);
                let mut dry = Command::new(&place.program);
                dry.args(["sweep", "run", "--all", "--dry-run", "--manifest"])
                    .arg(&manifest)
                    .arg("--out")
                    .arg(&runs);
                options.data(&mut dry);
                let start = format!(
                    "sweep run --manifest {} --out {}{rest} --index ",
                    quoted(&manifest),
                    quoted(&runs)
                );
                tasks.extend(packed(&start, &open(&output(&mut dry)?)));
            }
            Kind::Own(own, true) => {
                let mut dry = Command::new(&place.program);
                dry.args([&own, "--dry-run", "--preset", &options.preset, "--config"])
                    .arg(experiment);
                options.data(dry.arg("--out").arg(&runs));
                let start = format!(
                    "{} --index ",
                    search(cluster, options, &own, experiment, &runs)
                );
                tasks.extend(packed(&start, &open(&output(&mut dry)?)));
            }
            Kind::Own(_, false) | Kind::Report => {}
        }
    }
    Ok(tasks)
}

/// Arguments that make all searches of an experiment.
fn search(
    cluster: &Cluster,
    options: &Options,
    own: &str,
    experiment: &Path,
    runs: &Path,
) -> String {
    let (experiment, runs, rest) = (quoted(experiment), quoted(runs), rest(options));
    format!(
        "{own} --preset {} --config {experiment} --out {runs}{rest} --jobs {}",
        options.preset, cluster.cpus
    )
}

/// Arguments about the machine.
fn rest(options: &Options) -> String {
    format!(" --device {}{}", options.device, data(options))
}

/// Arguments about the data sets, from wherever a task is started.
fn data(options: &Options) -> String {
    let argument = |folder: &PathBuf| format!(" --data-dir {}", quoted(&absolute(folder)));
    options.data_dirs.iter().map(argument).collect()
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The runs of a dry run that are not done, or its searches, whose trials it lists as
/// `search: trial`: their places and seconds.
fn open(dry: &str) -> Vec<(usize, f64)> {
    let mut found: Vec<(&str, Option<f64>)> = Vec::new();
    for (state, name) in dry
        .lines()
        .filter_map(|line| line.trim_start().split_once("  "))
    {
        let seconds = state
            .strip_suffix(" s")
            .and_then(|seconds| seconds.parse::<f64>().ok());
        if seconds.is_none() && state != "done" {
            continue;
        }
        let name = name.split(": ").next().unwrap_or(name);
        match found.last_mut().filter(|(last, _)| *last == name) {
            Some((_, sum)) => {
                *sum = seconds.map_or(*sum, |seconds| Some(seconds + sum.unwrap_or_default()))
            }
            None => found.push((name, seconds)),
        }
    }
    found
        .iter()
        .enumerate()
        .filter_map(|(index, (_, seconds))| Some((index, (*seconds)?)))
        .collect()
}

/// Tasks of as many runs together as fill one, in their order; `start` is what is before their
/// places.
fn packed(start: &str, open: &[(usize, f64)]) -> Vec<Task> {
    let mut packed: Vec<Task> = Vec::new();
    for &(index, seconds) in open {
        match packed
            .last_mut()
            .filter(|task| task.seconds + seconds <= TASK)
        {
            Some(task) => {
                task.arguments += &format!(",{index}");
                task.seconds += seconds;
            }
            None => packed.push(Task {
                arguments: format!("{start}{index}"),
                seconds,
            }),
        }
    }
    packed
}

fn warn_unless_shared(out: &Path) {
    let found = output(
        Command::new("stat")
            .args(["--file-system", "--format=%T"])
            .arg(out),
    )
    .unwrap_or_default();
    let found = found.trim();
    if !found.is_empty() && !SHARED.contains(&found) {
        eprintln!(
            "warning: {} is on {found}: other machines see it only if it is shared with them",
            out.display()
        );
    }
}

fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)
        .map_err(|e| Failure::usage(format!("cannot write {}: {e}", folder.display())))
}

/// Writes a file of text.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    whole(path, |temporary| fs::write(temporary, text))
}

/// Writes a file whole or not at all.
fn whole(path: &Path, write: impl Fn(&Path) -> std::io::Result<()>) -> Result<(), Failure> {
    let temporary = path.with_extension("tmp");
    write(&temporary)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|e| {
            let _ = fs::remove_file(&temporary);
            Failure::usage(format!(
                "cannot write {}: {e}; nothing more was submitted",
                path.display()
            ))
        })
}

/// For a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_packed_into_minutes() {
        let dry = "   250.0 s  a\n    done  b\n  250.0 s  c\n  250.0 s  d\n 1000.0 s  e\nabout 30 min (1750 s) for 4 of 5 runs, 2 at a time\n";
        let found = open(dry);
        assert_eq!(
            found.iter().map(|(index, _)| *index).collect::<Vec<_>>(),
            [0, 2, 3, 4]
        );
        let lines: Vec<String> = packed("run ", &found)
            .into_iter()
            .map(|task| task.arguments)
            .collect();
        assert_eq!(lines, ["run 0,2", "run 3", "run 4"]);
        assert!(packed("run ", &[]).is_empty());
    }

    #[test]
    fn a_search_is_open_as_long_as_one_of_its_trials_is() {
        let dry = "3 searches\n  done  a: trial 1\n  2.0 s  a: trial 2\n  0.5 s  a: retrained\n  done  b: trial 1\n  \
                   done  b: retrained\n  0.0 s  c: retrained\nabout 3 s (2.5 s) for 3 of 6 runs, 2 at a time\n";
        assert_eq!(open(dry), [(0, 2.5), (2, 0.0)]);
    }

    #[test]
    fn paths_are_safe_in_a_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
