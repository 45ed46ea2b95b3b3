//! Whether the metrics of a run are whole.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::files::exists;
use super::run::{COPY_AGAIN, RunFolder};
use crate::error::RecordError;
use crate::record::epoch::EpochRecord;
use crate::record::run::RunRecord;

impl RunFolder {
    /// As [`record`](Self::record), when the metrics go with it.
    ///
    /// # Errors
    ///
    /// Those of [`record`](Self::record) and of [`check_metrics`](Self::check_metrics).
    pub fn whole_record(&self) -> Result<Option<RunRecord>, RecordError> {
        let record = self.record()?;
        if let Some(record) = &record {
            self.check_metrics(record)?;
        }
        Ok(record)
    }

    /// Refuses metrics that do not match the record: after an interrupted copy or on a full disk, the
    /// record can be complete while the metrics are truncated.
    ///
    /// A folder that holds the record alone, without `config.toml`, need not have metrics.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`], or [`RecordError::Malformed`] when the last line is cut or is not
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
                let reason = format!("is missing, but summary.json is of {epochs} epochs");
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
        refused(format!("{found}, but summary.json is of {epochs} epochs"))
    }
}

/// The last line of a file, with or without its end; of a large one only the tail is read, for there
/// may be thousands of runs.
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

    /// A run of three epochs with these metrics, and what is wrong with them.
    fn wrong(metrics: Option<&str>) -> Option<String> {
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
    fn whole_metrics_are_right_with_and_without_a_last_line_end() {
        let whole = [1, 2, 3].map(line).concat();
        assert_eq!(wrong(Some(&whole)), None);
        assert_eq!(wrong(Some(whole.trim_end())), None);
    }

    #[test]
    fn metrics_cut_anywhere_are_refused() {
        let whole = [1, 2, 3].map(line).concat();
        for end in 0..whole.len() - 1 {
            assert!(wrong(Some(&whole[..end])).is_some(), "cut at {end}");
        }
    }

    #[test]
    fn what_is_wrong_with_metrics_is_told() {
        let whole = [1, 2, 3].map(line).concat();
        let half = wrong(Some(&whole[..whole.len() - 9])).unwrap();
        assert!(
            half.contains("metrics.jsonl: the last line is damaged (EOF"),
            "{half}"
        );
        let fewer = wrong(Some(&[1, 2].map(line).concat())).unwrap();
        let expected = "ends with epoch 2, but summary.json is of 3 epochs";
        assert!(fewer.contains(expected), "{fewer}");
        let empty = wrong(Some("")).unwrap();
        assert!(
            empty.contains("is empty, but summary.json is of 3 epochs"),
            "{empty}"
        );
        let missing = wrong(None).unwrap();
        assert!(
            missing.contains("is missing, but summary.json is of 3 epochs"),
            "{missing}"
        );
    }

    #[test]
    fn lines_longer_than_the_tail_are_read_whole() {
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
    fn a_record_that_was_kept_alone_needs_no_metrics() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        assert!(run.check_metrics(&record_of(3)).is_ok());
    }
}
