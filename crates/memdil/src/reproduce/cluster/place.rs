//! The folder of a cluster's scripts, logs and program, and the list of submitted jobs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use memdil_records::{create_dir, write_atomic};

use super::options::Scheduler;
use super::process::output;
use crate::arguments::own_program;
use crate::failure::{BadInput, Failure};

/// Types of file systems that several machines can share.
const SHARED: [&str; 13] = [
    "nfs", "nfs4", "lustre", "gpfs", "fhgfs", "beegfs", "ceph", "fuseblk", "afs", "k-afs", "panfs",
    "cifs", "smb2",
];

/// The paths of scripts and logs, all absolute.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// The program that tasks run.
    pub(super) program: PathBuf,
    /// The file of submitted jobs, one identifier per line.
    jobs: PathBuf,
}

impl Place {
    pub(super) fn new(out: &Path, scheduler: Scheduler) -> Self {
        let folder = out.join("cluster");
        Self {
            program: folder.join("memdil"),
            jobs: folder.join(format!("{}-jobs.txt", scheduler.tool())),
            folder,
        }
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The file to which the report's job writes its exit status.
    pub(super) fn report_status(&self) -> PathBuf {
        self.logs().join("report.done")
    }

    pub(super) fn report_log(&self) -> PathBuf {
        self.logs().join("report.log")
    }

    pub(super) fn create(&self) -> Result<(), Failure> {
        create_dir(&self.logs())?;
        warn_unless_shared(&self.folder);
        Ok(())
    }

    /// Copies this program to the path that tasks run. Tasks may start much later, and a program
    /// that is built by then must not replace theirs. An equal file is not replaced.
    pub(super) fn copy_program(&self) -> Result<(), Failure> {
        let own = own_program()?;
        let same = || Some(fs::read(&own).ok()? == fs::read(&self.program).ok()?);
        if same() == Some(true) {
            return Ok(());
        }
        let temporary = self.program.with_extension("tmp");
        fs::copy(&own, &temporary)
            .and_then(|_| fs::rename(&temporary, &self.program))
            .map_err(|error| {
                let _ = fs::remove_file(&temporary);
                let path = self.program.display();
                BadInput(format!(
                    "cannot write {path}: {error}; nothing was submitted"
                ))
            })?;
        Ok(())
    }

    /// Writes a file for the submission.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, BadInput> {
        let path = self.folder.join(name);
        write_text(&path, text)
            .map_err(|reason| BadInput(format!("{reason}; no further job was submitted")))?;
        Ok(path)
    }

    /// The jobs that an earlier call submitted.
    pub(super) fn submitted_before(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.jobs).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    /// Records a submitted job. `answer` is the output of the scheduler, with the identifier.
    pub(super) fn submitted(
        &self,
        script: &Path,
        answer: Result<String, Failure>,
        jobs: &mut Vec<String>,
    ) -> Result<(), BadInput> {
        let before = jobs.join(" ");
        let id = answer.map_err(|error| {
            let before = if before.is_empty() {
                "nothing was submitted".to_owned()
            } else {
                format!(
                    "jobs {before} were submitted before it; cancel them, or repeat the command to follow them"
                )
            };
            BadInput(format!("{} was refused: {error}; {before}", script.display()))
        })?;
        // With several clusters, Slurm prints `12;name-of-the-cluster`.
        let id = id.trim().split(';').next().unwrap_or_default();
        jobs.push(id.to_owned());
        write_text(&self.jobs, &format!("{}\n", jobs.join("\n")))
            .map_err(|reason| BadInput(format!("{reason}; jobs {} are submitted", jobs.join(" "))))
    }
}

fn write_text(path: &Path, text: &str) -> Result<(), String> {
    write_atomic(path, |file| file.write_all(text.as_bytes())).map_err(|error| error.to_string())
}

fn warn_unless_shared(folder: &Path) {
    let mut stat = Command::new("stat");
    stat.args(["--file-system", "--format=%T"]).arg(folder);
    let found = output(&mut stat).unwrap_or_default();
    let found = found.trim();
    if !found.is_empty() && !SHARED.contains(&found) {
        let folder = folder.display();
        eprintln!(
            "warning: {folder} is on a file system of type {found}; tasks on other machines need a shared one"
        );
    }
}
