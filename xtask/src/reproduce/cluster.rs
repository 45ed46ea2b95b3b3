//! `--engine slurm` and `--engine hq`: the same runs as tasks of a job array. The scheduler is the cluster's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Kind, Options, again, kind, manifest, manifests, plan};
use crate::{Failure, check, output};

/// Seconds that a task is packed to, so that what starting one costs does not count.
const TASK: f64 = 600.0;
/// How often what is missing is submitted.
const ATTEMPTS: usize = 3;
/// Between two looks at the queue, in the first minute and later.
const POLLS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];
/// Looks that may fail one after the other: a controller that starts again is away for a while.
const FAILURES: usize = 12;
/// Array size of a Slurm that says nothing else.
const MAX_ARRAY: usize = 1001;
/// File systems that other machines see.
const SHARED: [&str; 12] =
    ["nfs", "nfs4", "lustre", "gpfs", "fhgfs", "beegfs", "ceph", "fuseblk", "afs", "k-afs", "panfs", "cifs"];

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
}

pub(super) fn run(
    cluster: &Cluster,
    options: &Options,
    (experiments, preset): (&[PathBuf], &[PathBuf]),
    (program, out): (&Path, &Path),
    arguments: &[String],
) -> Result<(), Failure> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|e| Failure::inside(format!("cannot find {}: {e}", path.display())))
    };
    let out = absolute(out)?;
    if cluster.submit {
        let tool = if cluster.engine == Engine::Slurm { "sbatch" } else { "hq" };
        if let Err(failure) = output(Command::new(tool).arg("--version")) {
            return Err(Failure::usage(format!(
                "{tool} cannot be used here ({}): run this where jobs are submitted, or add --submit=no for the scripts alone",
                failure.message
            )));
        }
    }
    let place = Place { program: out.join("cluster").join("memdil"), out: &out, folder: out.join("cluster") };
    create(&place.folder.join("logs"))?;
    create(&out.join("runs"))?;
    warn_unless_shared(&out);
    if cluster.submit && cluster.engine == Engine::Slurm {
        // Jobs of an earlier call go on: they are followed, and only what they leave is submitted.
        let jobs: Vec<String> = read_jobs(&place);
        if !jobs.is_empty() && !queue(&jobs)?.is_empty() {
            eprintln!("jobs {} of an earlier call are in the queue", jobs.join(", "));
            follow(&jobs)?;
        }
    }
    // Tasks start whenever they may: what is built meanwhile is nothing to them.
    let copy = place.folder.join("memdil.tmp");
    let copied = fs::copy(program, &copy).and_then(|_| fs::rename(&copy, &place.program));
    copied
        .map_err(|e| Failure::usage(format!("cannot write {}: {e}; nothing was submitted", place.program.display())))?;
    for attempt in 1..=ATTEMPTS {
        let tasks = tasks(cluster, options, experiments, &place)?;
        let report = report(cluster, options, (experiments, preset), &place, arguments)?;
        if tasks.is_empty() && attempt > 1 {
            return finish(&place);
        }
        let scripts = write(cluster, options, &place, &tasks, &report)?;
        for before in ["report.log", "report.done"] {
            let _ = fs::remove_file(place.folder.join("logs").join(before));
        }
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
        match cluster.engine {
            Engine::Slurm => {
                let jobs = submit(&place, &scripts)?;
                eprintln!("the jobs go on without this command: called again, it follows them");
                follow(&jobs)?;
            }
            Engine::HyperQueue => {
                for script in &scripts {
                    let arrays = !tasks.is_empty() && script.file_name().is_some_and(|name| name != "report.sh");
                    let mut command = Command::new("hq");
                    command.args(["submit", "--wait", "--cpus", &cluster.cpus.to_string()]);
                    if arrays {
                        command.args(["--array", &format!("1-{}", tasks.len())]);
                    }
                    // A task that failed is tried again: what is missing says so.
                    if let Err(failure) = check(command.arg(script)) {
                        eprintln!("hq submit {} ended with status {}", script.display(), failure.status);
                    }
                }
            }
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

/// What the report's job has printed.
fn finish(place: &Place<'_>) -> Result<(), Failure> {
    let logs = place.folder.join("logs");
    let log = logs.join("report.log");
    if !logs.join("report.done").exists() {
        return Err(Failure::inside(format!("the report was not made; its log is {}", log.display())));
    }
    print!("{}", fs::read_to_string(log).unwrap_or_default());
    Ok(())
}

/// The runs that are not complete, packed by the time that they take on this machine's processor: it decides nothing else.
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
                dry.args(["sweep", "run", "--all", "--dry-run", "--manifest"]).arg(&manifest).arg("--out").arg(&runs);
                options.data(&mut dry);
                let start =
                    format!("sweep run --manifest {} --out {}{rest} --index ", quoted(&manifest), quoted(&runs));
                for (indices, seconds) in packed(&open(&output(&mut dry)?)) {
                    let list: Vec<String> = indices.iter().map(usize::to_string).collect();
                    tasks.push(Task { arguments: format!("{start}{}", list.join(",")), seconds });
                }
            }
            Kind::Own(own, true) => {
                let mut dry = Command::new(&place.program);
                dry.args([&own, "--dry-run", "--preset", &options.preset, "--config"]).arg(experiment);
                options.data(dry.arg("--out").arg(&runs));
                let text = output(&mut dry)?;
                let seconds: f64 = open(&text).iter().map(|(_, seconds)| seconds).sum();
                let count = searches(&text);
                if seconds > 0.0 {
                    let search = search(cluster, options, &own, experiment, &runs);
                    tasks.extend((0..count).map(|index| Task {
                        arguments: format!("{search} --index {index}"),
                        seconds: seconds / count as f64,
                    }));
                }
            }
            Kind::Own(_, false) | Kind::Report => {}
        }
    }
    Ok(tasks)
}

/// Arguments that make all searches of an experiment.
fn search(cluster: &Cluster, options: &Options, own: &str, experiment: &Path, runs: &Path) -> String {
    let (experiment, runs, rest) = (quoted(experiment), quoted(runs), rest(options));
    format!("{own} --preset {} --config {experiment} --out {runs}{rest} --jobs {}", options.preset, cluster.cpus)
}

/// The number in `30 searches`, a line of a search's dry run.
fn searches(dry: &str) -> usize {
    dry.lines().find_map(|line| line.strip_suffix(" searches")?.parse().ok()).unwrap_or(1)
}

/// Arguments about the machine.
fn rest(options: &Options) -> String {
    let absolute = |folder: &PathBuf| std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
    let folder = options.data_dir.as_ref().map(|folder| format!(" --data-dir {}", quoted(&absolute(folder))));
    format!(" --device {}{}", options.device, folder.unwrap_or_default())
}

/// The lines of a dry run that are not done: their places and seconds.
fn open(dry: &str) -> Vec<(usize, f64)> {
    let seconds = |line: &str| line.trim_start().split_once(" s  ")?.0.trim().parse::<f64>().ok();
    let listed = dry.lines().filter(|line| line.trim_start().starts_with("done  ") || seconds(line).is_some());
    listed.enumerate().filter_map(|(index, line)| Some((index, seconds(line)?))).collect()
}

/// Runs in their order, as many together as fill a task.
fn packed(open: &[(usize, f64)]) -> Vec<(Vec<usize>, f64)> {
    let mut packed: Vec<(Vec<usize>, f64)> = Vec::new();
    for &(index, seconds) in open {
        match packed.last_mut().filter(|(_, sum)| sum + seconds <= TASK) {
            Some((indices, sum)) => {
                indices.push(index);
                *sum += seconds;
            }
            None => packed.push((vec![index], seconds)),
        }
    }
    packed
}

/// The script's lines that end in the report: as the local engine makes it, from what is there then.
fn report(
    cluster: &Cluster,
    options: &Options,
    (experiments, preset): (&[PathBuf], &[PathBuf]),
    place: &Place<'_>,
    arguments: &[String],
) -> Result<String, Failure> {
    let (program, runs, out) =
        (quoted(&place.program), quoted(&place.out.join("runs")), quoted(&place.out.join("report")));
    let (mut text, mut theory) = ("failed=0\n".to_owned(), false);
    for experiment in experiments {
        match kind(experiment)? {
            Kind::Own(own, false) => {
                let (preset, experiment) = (&options.preset, quoted(experiment));
                text += &format!("{program} {own} --preset {preset} --config {experiment} --out {runs} || failed=1\n");
            }
            // All its trials are there: it ends in the list of what was retrained.
            Kind::Own(own, true) => {
                let search = search(cluster, options, &own, experiment, &place.out.join("runs"));
                text += &format!("{program} {search} || failed=1\n");
            }
            Kind::Report => theory = true,
            Kind::Sweep => {}
        }
    }
    let manifests: Vec<String> = manifests(place.out, preset)?.iter().map(|manifest| quoted(manifest)).collect();
    text += &format!("arguments=(--command {})\n", quoted(Path::new(&again(arguments))));
    text += &format!("for manifest in {}; do\n", manifests.join(" "));
    text += "    if [ -e \"$manifest\" ]; then arguments+=(--manifest \"$manifest\"); some=1; fi\ndone\n";
    text += &format!("if [ -e {runs}/layer-peeled.jsonl ]; then some=1; fi\n");
    text += &format!("if [ -n \"${{some:-}}\" ]; then arguments+=(--runs {runs}); fi\n");
    let before = format!("grep -qs '\"md-theory/' {out}/claims.json");
    text += &format!("if {}; then arguments+=(--theory); fi\n", if theory { "true" } else { &before });
    text += &format!("{program} report --out {out} \"${{arguments[@]}}\"\n");
    text += &format!("touch {}\nexit $failed\n", quoted(&place.folder.join("logs").join("report.done")));
    Ok(text)
}

/// The task file and the scripts: arrays of at most the size that the cluster allows, then the report.
fn write(
    cluster: &Cluster,
    options: &Options,
    place: &Place<'_>,
    tasks: &[Task],
    report: &str,
) -> Result<Vec<PathBuf>, Failure> {
    // Of each attempt another: tasks of an earlier one may still wait.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let file = place.folder.join(format!("tasks-{now}.txt"));
    let lines: String = tasks.iter().map(|task| format!("{}\n", task.arguments)).collect();
    put(&file, &lines)?;
    let largest = if cluster.engine == Engine::Slurm { max_array() - 1 } else { usize::MAX };
    let mut scripts = Vec::new();
    let mut first = 0;
    while first < tasks.len() {
        let count = largest.min(tasks.len() - first);
        let limit = cluster.max_parallel.map(|most| format!("%{most}")).unwrap_or_default();
        let log = place.folder.join("logs").join("%A_%a.log");
        let mut text = header(cluster, options, &log);
        if cluster.engine == Engine::Slurm {
            text += &format!("#SBATCH --array=1-{count}{limit}\n");
        }
        text += &format!(
            "set -euo pipefail\n\
             export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-1}}\"\n\
             line=$(sed -n \"$(({first} + ${{SLURM_ARRAY_TASK_ID:-${{HQ_TASK_ID:-1}}}}))p\" {})\n\
             program={}\n\
             eval \"exec \\\"\\$program\\\" $line\"\n",
            quoted(&file),
            quoted(&place.program)
        );
        let script = place.folder.join(format!("runs-{}.sh", scripts.len() + 1));
        put(&script, &text)?;
        scripts.push(script);
        first += count;
    }
    let mut text = header(cluster, options, &place.folder.join("logs").join("report.log"));
    text += "set -euo pipefail\n";
    text += report;
    let script = place.folder.join("report.sh");
    put(&script, &text)?;
    scripts.push(script);
    Ok(scripts)
}

fn header(cluster: &Cluster, options: &Options, log: &Path) -> String {
    let mut text = "#!/bin/bash\n".to_owned();
    if cluster.engine == Engine::Slurm {
        text += &format!("#SBATCH --job-name={NAME}{}\n#SBATCH --output=\"{}\"\n", options.preset, log.display());
        text += "#SBATCH --open-mode=append\n#SBATCH --requeue\n#SBATCH --ntasks=1\n";
        text += &format!("#SBATCH --cpus-per-task={}\n", cluster.cpus);
        for argument in &cluster.arguments {
            text += &format!("#SBATCH {argument}\n");
        }
    }
    text
}

/// Submits the arrays and, behind them, the report. What was accepted is written down at once.
fn submit(place: &Place<'_>, scripts: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut jobs: Vec<String> = Vec::new();
    for (index, script) in scripts.iter().enumerate() {
        let mut command = Command::new("sbatch");
        command.arg("--parsable");
        if index + 1 == scripts.len() && !jobs.is_empty() {
            command.arg(format!("--dependency=afterany:{}", jobs.join(":")));
        }
        match output(command.arg(script)) {
            Ok(id) => jobs.push(id.trim().split(';').next().unwrap_or_default().to_owned()),
            Err(failure) => {
                let before = if jobs.is_empty() {
                    "nothing was submitted".to_owned()
                } else {
                    format!(
                        "jobs {} were submitted before it: scancel them, or call again to follow them",
                        jobs.join(" ")
                    )
                };
                return Err(Failure::usage(format!(
                    "sbatch refuses {}: {}; {before}",
                    script.display(),
                    failure.message
                )));
            }
        }
        put(&place.folder.join("jobs.txt"), &format!("{}\n", jobs.join("\n")))
            .map_err(|failure| Failure::usage(format!("{}; jobs {} are submitted", failure.message, jobs.join(" "))))?;
    }
    eprintln!("submitted as {}", jobs.join(", "));
    Ok(jobs)
}

/// What names of jobs begin with.
const NAME: &str = "memdil-";

/// Waits until none of the jobs is in the queue.
fn follow(jobs: &[String]) -> Result<(), Failure> {
    let (started, mut shown, mut failures) = (Instant::now(), String::new(), 0);
    loop {
        match queue(jobs) {
            Ok(states) if states.is_empty() => return Ok(()),
            Ok(states) => {
                failures = 0;
                let text: Vec<String> = states.iter().map(|(state, n)| format!("{n} {state}")).collect();
                let text = text.join(", ");
                if text != shown {
                    eprintln!("{} min: {text}", started.elapsed().as_secs() / 60);
                    shown = text;
                }
            }
            Err(failure) if failures >= FAILURES => {
                let jobs = jobs.join(", ");
                return Err(Failure::inside(format!(
                    "squeue does not answer ({}); jobs {jobs} go on: call again to follow them",
                    failure.message
                )));
            }
            Err(_) => failures += 1,
        }
        std::thread::sleep(POLLS[usize::from(started.elapsed() > Duration::from_secs(60))]);
    }
}

/// Tasks of the jobs in the queue, by state and, of those that wait, the reason.
fn queue(jobs: &[String]) -> Result<BTreeMap<String, usize>, Failure> {
    let text = output(Command::new("squeue").args(["--me", "--noheader", "--array", "--format=%F|%j|%T|%r"]))?;
    let mut states = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [job, name, state, reason] = fields[..] else { continue };
        if name.starts_with(NAME) && jobs.iter().any(|known| known == job) {
            let state = state.to_lowercase();
            let state = if state == "pending" { format!("{state} ({reason})") } else { state };
            *states.entry(state).or_insert(0) += 1;
        }
    }
    Ok(states)
}

fn read_jobs(place: &Place<'_>) -> Vec<String> {
    let text = fs::read_to_string(place.folder.join("jobs.txt")).unwrap_or_default();
    text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

/// The largest array that Slurm takes; its indices stay below.
fn max_array() -> usize {
    let text = output(Command::new("scontrol").args(["show", "config"])).unwrap_or_default();
    let value = text.lines().find(|line| line.starts_with("MaxArraySize")).and_then(|line| line.split_once('='));
    value.and_then(|(_, value)| value.trim().parse().ok()).filter(|&n: &usize| n > 1).unwrap_or(MAX_ARRAY)
}

fn warn_unless_shared(out: &Path) {
    let found = output(Command::new("stat").args(["--file-system", "--format=%T"]).arg(out)).unwrap_or_default();
    let found = found.trim();
    if !found.is_empty() && !SHARED.contains(&found) {
        eprintln!("warning: {} is on {found}: other machines see it only if it is shared with them", out.display());
    }
}

fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::usage(format!("cannot write {}: {e}", folder.display())))
}

/// Writes a file whole.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let temporary = path.with_extension("tmp");
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|e| Failure::usage(format!("cannot write {}: {e}; nothing more was submitted", path.display())))
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
        assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 2, 3, 4]);
        let indices: Vec<Vec<usize>> = packed(&found).into_iter().map(|(indices, _)| indices).collect();
        assert_eq!(indices, [vec![0, 2], vec![3], vec![4]]);
        assert!(packed(&[]).is_empty());
        assert_eq!((searches("30 searches\n   1.0 s  a\n"), searches("")), (30, 1));
    }

    #[test]
    fn paths_are_safe_in_a_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
