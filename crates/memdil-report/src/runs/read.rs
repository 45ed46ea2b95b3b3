//! Reads the runs and searches of a folder.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use memdil_records::{
    SearchFolder, SearchRecord, find_undamaged_runs, layer_peeled_path, read_manifest,
};

use super::run::Run;
use super::searches;
use crate::error::ReportError;

/// The finished runs and searches of a folder.
#[derive(Debug, Default)]
pub(crate) struct FolderRuns {
    /// Sorted in the order of the tables.
    pub(crate) runs: Vec<Run>,
    /// Ids of planned runs that have not finished.
    pub(crate) missing: Vec<String>,
    pub(crate) searches: Vec<SearchRecord>,
}

/// Reads every finished run and every search below `folder`. A folder without finished runs is
/// accepted if it has a search or a training of free features.
///
/// With manifests, only their runs are read. Runs that have not finished are listed as missing.
pub(crate) fn read_folder(folder: &Path, manifests: &[PathBuf]) -> Result<FolderRuns, ReportError> {
    let path = folder.to_owned();
    if !folder.is_dir() {
        return Err(ReportError::NoFolder { path });
    }
    let mut searches = SearchFolder::new(folder).find()?;
    searches::sort(&mut searches);
    let searched = by_retrained_run(&searches);
    let (found, damaged) = find_undamaged_runs(folder)?;
    let mut runs = Vec::new();
    for (folder, record) in found {
        let search = searched.get(record.id.as_str()).copied();
        runs.push(Run::new(folder, record, search));
    }
    let mut missing = Vec::new();
    if manifests.is_empty() {
        damaged.into_iter().next().map_or(Ok(()), Err)?;
        if runs.is_empty() && searches.is_empty() && !layer_peeled_path(folder).exists() {
            return Err(ReportError::NoRuns { path });
        }
    } else {
        // A planned run that is damaged is reported as missing.
        let known: HashSet<String> = runs.iter().map(|run| run.record.id.clone()).collect();
        let mut planned = HashSet::new();
        for manifest in manifests {
            for line in read_manifest(manifest)? {
                if !known.contains(&line.id) {
                    missing.push(line.id.clone());
                }
                planned.insert(line.id);
            }
        }
        runs.retain(|run| planned.contains(&run.record.id));
    }
    sort(&mut runs);
    Ok(FolderRuns {
        runs,
        missing,
        searches,
    })
}

/// The finished searches, by the id of their retrained run.
fn by_retrained_run(searches: &[SearchRecord]) -> BTreeMap<&str, &SearchRecord> {
    let ended = searches.iter().filter_map(|search| {
        let retrained = search.retrained.as_ref()?;
        Some((retrained.run.as_str(), search))
    });
    ended.collect()
}

/// Sorts by panel, noise level, loss and seed. The id breaks ties, so that the order does not
/// depend on the file system.
fn sort(runs: &mut [Run]) {
    runs.sort_by_cached_key(|run| {
        let id = run.record.id.clone();
        let alpha = run.loss_label();
        let panel = run.panel().clone();
        (panel, run.level(), run.loss(), alpha, run.seed(), id)
    });
}
