//! The files of hyper-parameter searches.

use std::path::{Path, PathBuf};

use super::files::{exists, list, read_text, remove_temporary, write_json};
use crate::error::RecordError;
use crate::record::search::SearchRecord;

/// The files of searches in a folder of runs. Their names are defined only here.
///
/// | path | content |
/// | --- | --- |
/// | `ID/` | the retrained run of a search: a run like any other of the folder |
/// | `search/ID.json` | the history of a search ([`SearchRecord`]) |
/// | `search/trials/ID/` | the run of a trial, in a subfolder so that [`find_runs`](crate::find_runs) does not find it |
/// | `search/trials.jsonl`, `search/retrained.jsonl` | manifests of the trials and of the retrained runs |
#[derive(Clone, Debug)]
pub struct SearchFolder {
    runs: PathBuf,
}

impl SearchFolder {
    /// The searches in a folder of runs, which need not exist yet.
    pub fn new(runs: impl Into<PathBuf>) -> Self {
        Self { runs: runs.into() }
    }

    /// The folder of runs.
    pub fn runs(&self) -> &Path {
        &self.runs
    }

    /// The folder `search/`, which holds everything except the retrained runs.
    pub fn path(&self) -> PathBuf {
        self.runs.join("search")
    }

    /// The folder of the trials' runs.
    pub fn trials(&self) -> PathBuf {
        self.path().join("trials")
    }

    /// The path of the history of a search.
    pub fn history(&self, id: &str) -> PathBuf {
        self.path().join(format!("{id}.json"))
    }

    /// The paths of the manifests of trials and of retrained runs. The manifests of a single search
    /// have its index in their names.
    pub fn manifests(&self, index: Option<usize>) -> [PathBuf; 2] {
        let number = index.map(|index| format!("-{index}")).unwrap_or_default();
        ["trials", "retrained"].map(|name| self.path().join(format!("{name}{number}.jsonl")))
    }

    /// Reads the history of a search; `None` if it has none yet.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`], or [`RecordError::Malformed`] if the file is damaged or of an
    /// unsupported format.
    pub fn read(&self, id: &str) -> Result<Option<SearchRecord>, RecordError> {
        let path = self.history(id);
        if !exists(&path)? {
            return Ok(None);
        }
        read(&path).map(Some)
    }

    /// Writes the history of a search atomically.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn write(&self, record: &SearchRecord) -> Result<(), RecordError> {
        write_json(&self.history(&record.id), record)
    }

    /// Removes the temporary files that killed processes left of the histories of these searches
    /// and of their manifests. The caller must be the only writer of these files.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`] or [`RecordError::Write`].
    pub fn remove_temporary<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
        index: Option<usize>,
    ) -> Result<(), RecordError> {
        let histories = ids.into_iter().map(|id| self.history(id));
        let ours: Vec<PathBuf> = histories.chain(self.manifests(index)).collect();
        remove_temporary(&self.path(), |file| ours.iter().any(|own| own == file))
    }

    /// The histories of all searches, sorted by id; empty if the folder has no searches.
    ///
    /// # Errors
    ///
    /// The same as for [`read`](Self::read).
    pub fn find(&self) -> Result<Vec<SearchRecord>, RecordError> {
        let folder = self.path();
        if !exists(&folder)? {
            return Ok(Vec::new());
        }
        let mut records = Vec::new();
        for path in list(&folder)? {
            if path.extension().is_some_and(|ending| ending == "json") {
                records.push(read(&path)?);
            }
        }
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }
}

fn read(path: &Path) -> Result<SearchRecord, RecordError> {
    const REMOVE: &str = "remove this file; the search resumes from its runs";
    let parsed = serde_json::from_str(&read_text(path)?);
    let mut record: SearchRecord = parsed.map_err(|e| {
        let reason = format!("damaged ({e}); {REMOVE}");
        RecordError::malformed(path, None, reason)
    })?;
    let (found, known) = (record.format, SearchRecord::FORMAT);
    let stem = path.file_stem();
    let reason = if found != known {
        format!("format {found} is not supported, only {known}; {REMOVE}")
    } else if stem.is_none_or(|stem| stem != record.id.as_str()) {
        format!(
            "holds the search {}; rename the file to {}.json",
            record.id, record.id
        )
    } else if !record.trials.is_sorted_by(|a, b| a.trial < b.trial) {
        format!("the trials are not sorted by number; {REMOVE}")
    } else {
        // An earlier version omits the settings that it did not have; the search is still the same.
        record.spec.resolve();
        return Ok(record);
    };
    Err(RecordError::malformed(path, None, reason))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_temporary_files_of_the_given_searches_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let searches = SearchFolder::new(folder.path());
        fs::create_dir(searches.path()).unwrap();
        let stay = [
            "a.json",
            "b.json.tmp7",
            "a.json.tmp",
            "trials-2.jsonl.tmp7",
            "trials.jsonl.tmp7",
            "notes.tmp7",
        ];
        for name in stay.iter().chain(&[
            "a.json.tmp7",
            "trials-1.jsonl.tmp7",
            "retrained-1.jsonl.tmp81",
        ]) {
            fs::write(searches.path().join(name), "half").unwrap();
        }
        searches.remove_temporary(["a"], Some(1)).unwrap();
        let left = fs::read_dir(searches.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut left: Vec<String> = left.collect();
        left.sort();
        let mut stay = stay.map(str::to_owned).to_vec();
        stay.sort();
        assert_eq!(left, stay);
    }
}
