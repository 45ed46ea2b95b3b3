//! Downloading into a temporary folder and recording the events.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use memdil_data::DataError;
use memdil_data::catalogue::PublishedFile;
use memdil_data::fetch::{FetchEvent, FetchOptions, fetch_files};
use sha2::{Digest, Sha256};

pub(crate) const NAME: &str = "images.bin";
pub(crate) const ALL: usize = usize::MAX;

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Bytes in which a shift would be detected.
pub(crate) fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(300_000).collect()
}

pub(crate) fn quick() -> FetchOptions {
    let mut options = FetchOptions::default();
    options.connect_timeout = Duration::from_secs(20);
    options.stall_timeout = Duration::from_secs(20);
    options.attempts = 3;
    options.backoff = Duration::from_millis(1);
    options
}

/// A folder, the file to download, and the recorded events.
pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) content: Vec<u8>,
    pub(crate) options: FetchOptions,
    pub(crate) log: Vec<String>,
    /// The reported numbers of bytes present and bytes resumed, in order.
    pub(crate) progress: Vec<(u64, u64)>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            content: content(),
            options: quick(),
            log: Vec::new(),
            progress: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn part(&self) -> PathBuf {
        self.path("images.bin.part")
    }

    pub(crate) fn fetch(&mut self, urls: &[&str]) -> Result<(), DataError> {
        let sha256 = sha256(&self.content);
        let bytes = self.content.len() as u64;
        let file = PublishedFile {
            name: NAME,
            bytes,
            sha256: &sha256,
            unpacked: &[],
            urls,
        };
        self.fetch_file(&file)
    }

    pub(crate) fn fetch_file(&mut self, file: &PublishedFile<'_>) -> Result<(), DataError> {
        let (log, progress) = (&mut self.log, &mut self.progress);
        fetch_files(
            &[*file],
            self.folder.path(),
            &self.options,
            &mut |event| match event {
                FetchEvent::Progress {
                    file,
                    done,
                    total,
                    resumed,
                } => {
                    assert_eq!((file, total), (NAME, 300_000));
                    progress.push((done, resumed));
                }
                other => log.push(
                    format!("{other:?}")
                        .split([' ', '{'])
                        .next()
                        .unwrap()
                        .to_owned(),
                ),
            },
        )
    }

    pub(crate) fn assert_complete(&self) {
        assert_eq!(fs::read(self.path(NAME)).unwrap(), self.content);
        assert!(!self.part().exists());
    }

    /// Returns the one-line error, and checks that the file does not exist.
    pub(crate) fn refused(&mut self, urls: &[&str]) -> String {
        let error = self.fetch(urls).unwrap_err();
        assert!(
            matches!(error, DataError::Download { .. }) && !error.is_bad_input(),
            "{error}"
        );
        assert!(!self.path(NAME).exists());
        let message = error.to_string();
        assert!(!message.contains('\n'), "{message}");
        message
    }
}
