//! Checks that the metrics of a run are complete.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::files::exists;
use super::run::{COPY_AGAIN, RunFolder};
use crate::error::RecordError;
use crate::record::epoch::EpochRecord;
use crate::record::run::RunRecord;

impl RunFolder {
    /// Like [`record`](Self::record), but also checks that the metrics match the record.
    ///
    /// # Errors
    ///
    /// The errors of [`record`](Self::record) and [`check_metrics`](Self::check_metrics).
    pub fn whole_record(&self) -> Result<Option<RunRecord>, RecordError> {
        let record = self.record()?;
        if let Some(record) = &record {
            self.check_metrics(record)?;
        }
        Ok(record)
    }

    /// Checks that the metrics match the record. After an interrupted copy or on a full disk, the
    /// record can be complete while the metrics are truncated.
    ///
    /// A folder without `config.toml` keeps only the record and needs no metrics.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`], or [`RecordError::Malformed`] if the last line is truncated or is not
    /// that of the record's last epoch.
    pub fn check_metrics(&self, record: &RunRecord) -> Result<(), RecordError> {
        let path = self.metrics();
        let epochs = record.last.as_ref().map_or(0, |last| last.epoch);
        let refused = |reason: String| {
            let reason = format!("{reason}; {COPY_AGAIN}");
            Err(RecordError::malformed(&path, None, reason))
        };
        if !exists(&path)? {
            if epochs > 0 && exists(&self.path().join("config.toml"))? {
                let reason = format!("is missing, but summary.json records {epochs} epochs");
                return refused(reason);
            }
            return Ok(());
        }
        let line = last_line(&path).map_err(RecordError::read(&path))?;
        let found = match &line[..] {
            [] => "is empty".to_owned(),
            line => match serde_json::from_slice(line) {
                Ok(EpochRecord { epoch, .. }) if epoch == epochs => return Ok(()),
                Ok(EpochRecord { epoch, .. }) => format!("ends with epoch {epoch}"),
                Err(error) => return refused(format!("the last line is damaged ({error})")),
            },
        };
        if epochs == 0 && line.is_empty() {
            return Ok(());
        }
        refused(format!("{found}, but summary.json records {epochs} epochs"))
    }
}

/// The last line of a file, whether or not a newline ends it. Only the tail of a large file is
/// read, because there may be thousands of runs.
fn last_line(path: &Path) -> std::io::Result<Vec<u8>> {
    const TAIL: u64 = 1 << 16;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    for start in [length.saturating_sub(TAIL), 0] {
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut tail)?;
        if tail.last() == Some(&b'\n') {
            tail.pop();
        }
        let end = tail.iter().rposition(|&byte| byte == b'\n');
        if let Some(end) = end {
            return Ok(tail.split_off(end + 1));
        }
        if start == 0 {
            return Ok(tail);
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The error of a run of three epochs with these metrics.
    fn check_error(metrics: Option<&str>) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        fs::write(folder.path().join("config.toml"), "").unwrap();
        if let Some(metrics) = metrics {
            fs::write(run.metrics(), metrics).unwrap();
        }
        let error = run.check_metrics(&record_of(3)).err()?;
        assert!(matches!(error, RecordError::Malformed { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("metrics.jsonl"), "{message}");
        assert!(message.ends_with(&format!("; {COPY_AGAIN}")), "{message}");
        Some(message)
    }

    fn line(epoch: usize) -> String {
        let record = EpochRecord {
            epoch,
            ..EpochRecord::default()
        };
        serde_json::to_string(&record).unwrap() + "\n"
    }

    fn record_of(epochs: usize) -> RunRecord {
        let text =
            include_str!("../../../../experiments/results/resnet-fashion-mnist/summary.json");
        let mut record: RunRecord = serde_json::from_str(text).unwrap();
        record.last.as_mut().unwrap().epoch = epochs;
        record
    }

    #[test]
    fn complete_metrics_are_accepted_with_and_without_a_final_newline() {
        let whole = [1, 2, 3].map(line).concat();
        assert_eq!(check_error(Some(&whole)), None);
        assert_eq!(check_error(Some(whole.trim_end())), None);
    }

    #[test]
    fn truncated_metrics_are_errors() {
        let whole = [1, 2, 3].map(line).concat();
        for end in 0..whole.len() - 1 {
            assert!(check_error(Some(&whole[..end])).is_some(), "cut at {end}");
        }
    }

    #[test]
    fn errors_describe_the_fault_of_the_metrics() {
        let whole = [1, 2, 3].map(line).concat();
        let half = check_error(Some(&whole[..whole.len() - 9])).unwrap();
        assert!(
            half.contains("metrics.jsonl: the last line is damaged (EOF"),
            "{half}"
        );
        let fewer = check_error(Some(&[1, 2].map(line).concat())).unwrap();
        let expected = "ends with epoch 2, but summary.json records 3 epochs";
        assert!(fewer.contains(expected), "{fewer}");
        let empty = check_error(Some("")).unwrap();
        assert!(
            empty.contains("is empty, but summary.json records 3 epochs"),
            "{empty}"
        );
        let missing = check_error(None).unwrap();
        assert!(
            missing.contains("is missing, but summary.json records 3 epochs"),
            "{missing}"
        );
    }

    #[test]
    fn a_last_line_longer_than_the_tail_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let long = "x".repeat(100_000);
        for (content, last) in [
            (format!("a\n{long}\n"), &long[..]),
            (format!("{long}\n{long}"), &long[..]),
            (format!("{long}\nb\n"), "b"),
            (long.clone(), &long[..]),
            ("a\n\n".to_owned(), ""),
            (String::new(), ""),
        ] {
            fs::write(&path, &content).unwrap();
            assert_eq!(last_line(&path).unwrap(), last.as_bytes());
        }
    }

    #[test]
    fn a_folder_with_only_the_record_needs_no_metrics() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        assert!(run.check_metrics(&record_of(3)).is_ok());
    }
}
