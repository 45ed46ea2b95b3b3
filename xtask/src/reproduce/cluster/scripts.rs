//! What is submitted: a file with the arguments of a task a line, scripts of job arrays that read
//! it, and the report's script.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::{Kind, again, kind, made_in, manifests};
use super::{
    Cluster, Engine, NAME, Options, Place, Task, absolute, data, put, quoted, search, slurm,
};
use crate::Failure;

/// Writes the task file and the scripts: arrays of at most the size that the cluster allows, then
/// the report.
pub(super) fn write(
    cluster: &Cluster,
    options: &Options,
    place: &Place<'_>,
    tasks: &[Task],
    report: &str,
) -> Result<Vec<PathBuf>, Failure> {
    // Of each attempt another, as the scripts are: tasks of an earlier one may still wait.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let file = place.folder.join(format!("tasks-{now}.txt"));
    let lines: String = tasks
        .iter()
        .map(|task| format!("{}\n", task.arguments))
        .collect();
    put(&file, &lines)?;
    let largest = if cluster.engine == Engine::Slurm {
        slurm::max_array() - 1
    } else {
        usize::MAX
    };
    write_arrays(
        cluster,
        options,
        place,
        &file,
        (tasks.len(), largest),
        report,
        now,
    )
}

/// The scripts of so many tasks, in arrays of at most that size.
fn write_arrays(
    cluster: &Cluster,
    options: &Options,
    place: &Place<'_>,
    file: &Path,
    (tasks, largest): (usize, usize),
    report: &str,
    now: u128,
) -> Result<Vec<PathBuf>, Failure> {
    let mut scripts = Vec::new();
    for first in (0..tasks).step_by(largest) {
        let count = largest.min(tasks - first);
        let text = header(cluster, options, place, Some(count))
            + &format!(
                "export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-{}}}\"\n\
                 line=$(sed -n \"$(({first} + ${{SLURM_ARRAY_TASK_ID:-${{HQ_TASK_ID:-1}}}}))p\" {})\n\
                 [ -n \"$line\" ] || {{ echo \"there is no such task\" >&2; exit 1; }}\n\
                 program={}\n\
                 eval \"exec \\\"\\$program\\\" $line\"\n",
                cluster.cpus,
                quoted(file),
                quoted(&place.program)
            );
        let script = place
            .folder
            .join(format!("runs-{now}-{}.sh", scripts.len() + 1));
        put(&script, &text)?;
        scripts.push(script);
    }
    let script = place.folder.join(format!("report-{now}.sh"));
    put(&script, &(header(cluster, options, place, None) + report))?;
    scripts.push(script);
    Ok(scripts)
}

/// How a script begins: an array of so many tasks, or one task alone, the report.
fn header(cluster: &Cluster, options: &Options, place: &Place<'_>, tasks: Option<usize>) -> String {
    let (preset, cpus, logs) = (&options.preset, cluster.cpus, place.folder.join("logs"));
    let mut text = "#!/bin/bash\n".to_owned();
    match cluster.engine {
        Engine::Slurm => {
            let log = if tasks.is_some() {
                "%A_%a.log"
            } else {
                "report.log"
            };
            // A percent sign alone means something to Slurm.
            let log = format!("{}/{}", logs.display().to_string().replace('%', "%%"), log);
            text += &format!("#SBATCH --job-name={NAME}{preset}\n#SBATCH --output=\"{log}\"\n");
            text += "#SBATCH --open-mode=append\n#SBATCH --requeue\n#SBATCH --ntasks=1\n";
            text += &format!("#SBATCH --cpus-per-task={cpus}\n");
            if let Some(gpus) = &cluster.gpus {
                text += &format!("#SBATCH --gpus-per-task={gpus}\n");
            }
            for argument in &cluster.arguments {
                text += &format!("#SBATCH {argument}\n");
            }
            if let Some(count) = tasks {
                let most = cluster
                    .max_parallel
                    .map(|most| format!("%{most}"))
                    .unwrap_or_default();
                text += &format!("#SBATCH --array=1-{count}{most}\n");
            }
            text += "set -euo pipefail\n";
        }
        Engine::HyperQueue => {
            text +=
                &format!("#HQ --name={NAME}{preset} --cpus={cpus} --stdout=none --stderr=none\n");
            if let Some(gpus) = &cluster.gpus {
                text += &format!("#HQ --resource=gpus/nvidia={gpus}\n");
            }
            if let Some(count) = tasks {
                text += &format!("#HQ --array=1-{count}\n");
            }
            let log = if tasks.is_some() {
                "hq-${HQ_JOB_ID}_${HQ_TASK_ID}.log"
            } else {
                "report.log"
            };
            text += &format!(
                "set -euo pipefail\nexec >> {}/\"{log}\" 2>&1\n",
                quoted(&logs)
            );
        }
    }
    text + &environment(std::env::var_os("MEMDIL_DATA_DIR").as_deref())
}

/// The environment that the program reads: many sites start tasks without that of the submission.
fn environment(data_dirs: Option<&OsStr>) -> String {
    let Some(text) = data_dirs.filter(|text| !text.is_empty()) else {
        return String::new();
    };
    let folders = std::env::split_paths(text)
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| absolute(&folder));
    // They came out of such a variable, so they fit into one.
    let text = std::env::join_paths(folders).unwrap_or_else(|_| text.to_owned());
    format!("export MEMDIL_DATA_DIR={}\n", quoted(Path::new(&text)))
}

/// The lines that end in the report: as the local engine makes it, from what is there then.
pub(super) fn report(
    cluster: &Cluster,
    options: &Options,
    (experiments, preset): (&[PathBuf], &[PathBuf]),
    place: &Place<'_>,
    arguments: &[String],
) -> Result<String, Failure> {
    let (program, runs, out) = (
        quoted(&place.program),
        quoted(&place.out.join("runs")),
        quoted(&place.out.join("report")),
    );
    let (mut text, mut theory) = ("failed=0\n".to_owned(), false);
    for experiment in experiments {
        match kind(experiment)? {
            Kind::Own(own, false) => {
                let (preset, experiment) = (&options.preset, quoted(experiment));
                text += &format!(
                    "{program} {own} --preset {preset} --config {experiment} --out {runs} || failed=1\n"
                );
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
    let manifests: Vec<String> = manifests(place.out, preset)?
        .iter()
        .map(|manifest| quoted(manifest))
        .collect();
    text += &format!(
        "arguments=(--command {})\n",
        quoted(Path::new(&again(arguments)))
    );
    text += &format!("for manifest in {}; do\n", manifests.join(" "));
    text += "    if [ -e \"$manifest\" ]; then arguments+=(--manifest \"$manifest\"); some=1; fi\ndone\n";
    text += &format!("if [ -e {runs}/layer-peeled.jsonl ]; then some=1; fi\n");
    text += &format!("if [ -n \"${{some:-}}\" ]; then arguments+=(--runs {runs}); fi\n");
    let before = format!("grep -qs '\"md-theory/' {out}/claims.json");
    text += &format!(
        "if {}; then arguments+=(--theory); fi\n",
        if theory { "true" } else { &before }
    );
    text += &format!("arguments+=(--preset {})\n", options.preset);
    if !options.data_dirs.is_empty() {
        text += &format!("arguments+=({})\n", data(options).trim_start());
    }
    for experiment in preset {
        let made = match made_in(place.out, experiment)? {
            Some(made) => format!("[ -e {} ]", quoted(&made)),
            None => "[[ \" ${arguments[*]} \" == *\" --theory \"* ]]".to_owned(),
        };
        text += &format!(
            "if {made}; then arguments+=(--config {}); fi\n",
            quoted(experiment)
        );
    }
    text += &format!("{program} report --out {out} \"${{arguments[@]}}\"\n");
    text += &format!(
        "echo $failed > {}\nexit $failed\n",
        quoted(&place.folder.join("logs").join("report.done"))
    );
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn tasks_get_the_data_folder_of_the_submission() {
        assert_eq!(environment(None), "");
        assert_eq!(environment(Some(OsStr::new(""))), "");
        let text = environment(Some(OsStr::new("/data/it's here")));
        let said = Command::new("bash")
            .args(["-c", &format!("{text}printf %s \"$MEMDIL_DATA_DIR\"")])
            .output()
            .unwrap();
        assert_eq!(said.stdout, b"/data/it's here");
    }

    #[test]
    fn tasks_get_every_folder_of_the_environment_in_full() {
        let given = std::env::join_paths(["/data/one", "two"]).unwrap();
        let two = std::env::current_dir().unwrap().join("two");
        let absolute = std::env::join_paths([Path::new("/data/one"), &two]).unwrap();
        assert_eq!(
            environment(Some(&given)),
            format!("export MEMDIL_DATA_DIR={}\n", quoted(Path::new(&absolute)))
        );
    }

    #[test]
    fn tasks_and_report_get_every_data_folder_of_the_submission() {
        let here = std::env::current_dir().unwrap();
        let arguments = ["--data-dir", ".", "--data-dir=/"].map(str::to_owned);
        let options = super::super::super::parse(&arguments).ok().unwrap();
        assert_eq!(
            data(&options),
            format!(" --data-dir {} --data-dir '/'", quoted(&here))
        );
    }

    #[test]
    fn every_task_of_every_array_gets_its_own_line() {
        let out = std::env::temp_dir().join(format!("memdil's scripts %j {}", std::process::id()));
        let folder = out.join("cluster");
        fs::create_dir_all(folder.join("logs")).unwrap();
        let place = Place {
            program: folder.join("memdil"),
            out: &out,
            jobs: folder.join("jobs"),
            folder,
        };
        fs::write(&place.program, "#!/bin/sh\nprintf '[%s]' \"$@\"\n").unwrap();
        assert!(
            Command::new("chmod")
                .arg("+x")
                .arg(&place.program)
                .status()
                .unwrap()
                .success()
        );
        let file = place.folder.join("tasks.txt");
        let lines: String = (1..=5)
            .map(|task| format!("run {} --index {task}\n", quoted(&out)))
            .collect();
        fs::write(&file, lines).unwrap();
        let options = super::super::super::parse(&["--preset".to_owned(), "smoke".to_owned()])
            .ok()
            .unwrap();
        for engine in [Engine::Slurm, Engine::HyperQueue] {
            let gpus = Some("2".to_owned());
            let cluster = Cluster {
                engine,
                submit: false,
                arguments: vec![],
                cpus: 1,
                gpus,
                max_parallel: Some(3),
            };
            let scripts = write_arrays(&cluster, &options, &place, &file, (5, 2), "true\n", 7)
                .ok()
                .unwrap();
            assert_eq!(scripts.len(), 4, "three arrays and the report");
            let mut said = Vec::new();
            for (script, ids) in scripts.iter().zip([vec![1, 2], vec![1, 2], vec![1]]) {
                let text = fs::read_to_string(script).unwrap();
                let count = ids.len();
                let (header, id) = match engine {
                    Engine::Slurm => (
                        format!("#SBATCH --array=1-{count}%3\n"),
                        "SLURM_ARRAY_TASK_ID",
                    ),
                    Engine::HyperQueue => (format!("#HQ --array=1-{count}\n"), "HQ_TASK_ID"),
                };
                assert!(text.contains(&header), "{text}");
                assert!(
                    text.contains("%%j") != text.contains("gpus/nvidia=2"),
                    "{text}"
                );
                for task in ids {
                    let mut bash = Command::new("bash");
                    let output = bash
                        .arg(script)
                        .env(id, task.to_string())
                        .env("HQ_JOB_ID", "9")
                        .output()
                        .unwrap();
                    assert!(output.status.success(), "{output:?}");
                    said.push(match engine {
                        Engine::Slurm => String::from_utf8(output.stdout).unwrap(),
                        Engine::HyperQueue => {
                            let log = place.folder.join(format!("logs/hq-9_{task}.log"));
                            let text = fs::read_to_string(&log).unwrap();
                            fs::remove_file(log).unwrap();
                            text
                        }
                    });
                }
                // One more than there are.
                let none = Command::new("bash")
                    .arg(script)
                    .env(id, "9")
                    .env("HQ_JOB_ID", "9")
                    .output()
                    .unwrap();
                assert_eq!(none.status.code(), Some(1), "{none:?}");
            }
            let expected: Vec<String> = (1..=5)
                .map(|task| format!("[run][{}][--index][{task}]", out.display()))
                .collect();
            assert_eq!(said, expected);
        }
        fs::remove_dir_all(&out).unwrap();
    }
}
