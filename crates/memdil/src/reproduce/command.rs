//! Runs `memdil reproduce`.

use std::process::ExitCode;

use memdil_records::create_dir;
use memdil_runner::{check_device, end_with_parent};

use super::arguments::Arguments;
use super::cluster::Cluster;
use super::experiments::Selection;
use super::reproduction::Reproduction;
use super::{cluster, local};
use crate::arguments::check_folder;
use crate::failure::{BadInput, Failure};

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let cluster = Cluster::of(arguments)?.filter(|_| !arguments.dry_run);
    if arguments.processes.worker {
        end_with_parent();
    }
    check_device(&arguments.machine().device)?;
    let out = arguments.out();
    check_folder("--out", &out)?;
    let out = std::path::absolute(out)?;
    let folder = arguments.experiments.as_deref();
    let selection = Selection::new(folder, &out, &arguments.preset, &arguments.only)?;
    let job = Reproduction {
        arguments,
        selection,
        out,
    };
    if let Some(cluster) = &cluster {
        cluster.check(&job)?;
    }
    job.check_preset()?;
    create_dir(&job.out).map_err(|error| BadInput(error.to_string()))?;
    match cluster {
        Some(cluster) => cluster::run(&cluster, &job),
        None if arguments.dry_run => local::estimate(&job),
        None => local::run(&job),
    }
}
