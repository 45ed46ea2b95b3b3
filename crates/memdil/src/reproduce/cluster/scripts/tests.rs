use std::fs;
use std::process::Command;

use super::*;

#[test]
fn scripts_export_the_data_folder() {
    assert_eq!(environment(None), "");
    assert_eq!(environment(Some(OsStr::new(""))), "");
    let text = environment(Some(OsStr::new("/data/it's here")));
    let printed = Command::new("bash")
        .args(["-c", &format!("{text}printf %s \"$MEMDIL_DATA_DIR\"")])
        .output()
        .unwrap();
    assert_eq!(printed.stdout, b"/data/it's here");
}

#[test]
fn scripts_export_all_data_folders_as_absolute_paths() {
    let given = std::env::join_paths(["/data/one", "two"]).unwrap();
    let two = std::env::current_dir().unwrap().join("two");
    let absolute = std::env::join_paths([Path::new("/data/one"), &two]).unwrap();
    assert_eq!(
        environment(Some(&given)),
        format!("export MEMDIL_DATA_DIR={}\n", quoted(Path::new(&absolute)))
    );
}

/// Runs each task of the arrays in bash and returns the arguments of the program calls. A task
/// number beyond the last must fail.
fn run_all(scripts: &[PathBuf], scheduler: Scheduler, sizes: &[usize]) -> Vec<String> {
    let mut called = Vec::new();
    for (script, size) in scripts.iter().zip(sizes) {
        let text = fs::read_to_string(script).unwrap();
        let (header, id) = match scheduler {
            Scheduler::Slurm => (
                format!("#SBATCH --array=1-{size}%3\n"),
                "SLURM_ARRAY_TASK_ID",
            ),
            Scheduler::HyperQueue => (format!("#HQ --array=1-{size}\n"), "HQ_TASK_ID"),
        };
        assert!(text.contains(&header), "{text}");
        assert!(
            text.contains("%%j") != text.contains("gpus/nvidia=2"),
            "{text}"
        );
        let task = |number: usize| {
            Command::new("bash")
                .arg(script)
                .env(id, number.to_string())
                .env("HQ_JOB_ID", "9")
                .output()
                .unwrap()
        };
        for number in 1..=*size {
            let output = task(number);
            assert!(output.status.success(), "{output:?}");
            called.push(match scheduler {
                Scheduler::Slurm => String::from_utf8(output.stdout).unwrap(),
                Scheduler::HyperQueue => {
                    let logs = script.with_file_name("logs");
                    let log = logs.join(format!("hq-9_{number}.log"));
                    let text = fs::read_to_string(&log).unwrap();
                    fs::remove_file(log).unwrap();
                    text
                }
            });
        }
        let beyond = task(9);
        assert_eq!(beyond.status.code(), Some(1), "{beyond:?}");
    }
    called
}

#[test]
fn each_task_runs_its_own_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("memdil's scripts %j");
    for scheduler in [Scheduler::Slurm, Scheduler::HyperQueue] {
        let place = Place::new(&out, scheduler);
        place.create().unwrap();
        fs::write(&place.program, "#!/bin/sh\nprintf '[%s]' \"$@\"\n").unwrap();
        let executable = Command::new("chmod").arg("+x").arg(&place.program).status();
        assert!(executable.unwrap().success());
        let cluster = Cluster {
            scheduler,
            submit: false,
            arguments: vec![],
            cpus: 1,
            gpus: Some("2".to_owned()),
            max_parallel: Some(3),
        };
        let batch = Batch {
            cluster: &cluster,
            preset: "smoke",
            place: &place,
            stamp: 7,
            largest: 2,
        };
        let lines: Vec<String> = (1..=5)
            .map(|task| format!("run {} --index {task}", quoted(&out)))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let scripts = batch.write(&lines, "true\n").unwrap();
        assert_eq!(scripts.arrays.len(), 3);
        let expected: Vec<String> = (1..=5)
            .map(|task| format!("[run][{}][--index][{task}]", out.display()))
            .collect();
        assert_eq!(run_all(&scripts.arrays, scheduler, &[2, 2, 1]), expected);
    }
}
