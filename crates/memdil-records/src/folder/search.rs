//! Where a search keeps its files.

use std::path::{Path, PathBuf};

use super::files::{exists, list, read_text, remove_temporary, write_json};
use crate::error::RecordError;
use crate::record::search::SearchRecord;

/// What searches leave in a folder of runs, and the only place that knows the names.
///
/// | place | content |
/// | --- | --- |
/// | `ID/` | the retrained run of a search: a run like any other of the folder |
/// | `search/ID.json` | the history of a search ([`SearchRecord`]) |
/// | `search/trials/ID/` | the run of a trial: out of the way of whoever reads the folder's runs |
/// | `search/trials.jsonl`, `search/retrained.jsonl` | manifests of both |
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

    /// The folder of all that is no retrained run.
    pub fn path(&self) -> PathBuf {
        self.runs.join("search")
    }

    /// The folder of the trials' runs.
    pub fn trials(&self) -> PathBuf {
        self.path().join("trials")
    }

    /// The history of a search.
    pub fn history(&self, id: &str) -> PathBuf {
        self.path().join(format!("{id}.json"))
    }

    /// The manifests of trials and of retrained runs; those of one search alone carry its number.
    pub fn manifests(&self, index: Option<usize>) -> [PathBuf; 2] {
        let number = index.map(|index| format!("-{index}")).unwrap_or_default();
        ["trials", "retrained"].map(|name| self.path().join(format!("{name}{number}.jsonl")))
    }

    /// The history of a search, `None` before its first.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`], or [`RecordError::Malformed`] when the file is damaged or of an
    /// unknown format.
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

    /// Removes what a process that was killed while it wrote a history of these searches, or their
    /// manifests, has left; only for who makes them.
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

    /// The histories of all searches, sorted by id; none where the folder has no searches.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
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
    let parsed = serde_json::from_str(&read_text(path)?);
    let mut record: SearchRecord = parsed.map_err(|e| {
        let reason = format!("damaged ({e}); remove it, the search goes on from its runs");
        RecordError::malformed(path, None, reason)
    })?;
    let (found, known) = (record.format, SearchRecord::FORMAT);
    let stem = path.file_stem();
    let reason = if found != known {
        format!("format {found} is not the one known here, {known}")
    } else if stem.is_none_or(|stem| stem != record.id.as_str()) {
        format!("holds the search {}", record.id)
    } else if !record.trials.is_sorted_by(|a, b| a.trial < b.trial) {
        "the trials are not in the order of their numbers".to_owned()
    } else {
        // A search of an earlier version left out what it did not know, and is the same search.
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
    fn only_temporary_files_of_these_searches_go() {
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
