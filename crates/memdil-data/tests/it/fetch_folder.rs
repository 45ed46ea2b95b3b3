//! Existing files in the download folder, locks and disk errors.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use memdil_data::DataError;
use memdil_data::catalogue::{PublishedFile, Unpacked};
use memdil_data::fetch::{FetchEvent, fetch_files};

use crate::common::download::{ALL, NAME, Scene, content, quick, sha256};
use crate::common::server::{Server, ranged, unused_address, whole};

#[test]
fn a_partial_file_of_another_process_is_resumed() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content[..123_456]).unwrap();
    let server = Server::new(vec![ranged(&scene.content, ALL)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [Some(123_456)]);
    assert_eq!(scene.progress.first(), Some(&(123_456, 123_456)));
}

#[test]
fn a_complete_partial_file_needs_no_request() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content).unwrap();
    scene.fetch(&[&unused_address()]).unwrap();
    scene.assert_complete();
}

#[test]
fn a_wrong_partial_file_is_downloaded_again() {
    let mut scene = Scene::new();
    let server = Server::new(vec![ranged(&scene.content, ALL)]);
    fs::write(scene.part(), vec![7; 300_001]).unwrap();
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [None]);

    // The resumed file has the correct length but wrong content, which only the checksum detects.
    fs::remove_file(scene.path(NAME)).unwrap();
    fs::write(scene.part(), vec![7; 5]).unwrap();
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges()[1..], [Some(5), None]);
}

#[test]
fn a_correct_file_is_kept_even_if_recompressed() {
    let mut scene = Scene::new();
    fs::write(scene.path(NAME), &scene.content).unwrap();
    scene.fetch(&[&unused_address()]).unwrap();
    assert_eq!(scene.log, ["AlreadyThere"]);
    assert_eq!(
        fs::read_dir(scene.folder.path()).unwrap().count(),
        1,
        "neither a lock nor a partial file"
    );

    let pack = |level| {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(&scene.content).unwrap();
        encoder.finish().unwrap()
    };
    let (published, packed_anew) = (pack(Compression::best()), pack(Compression::none()));
    fs::write(scene.path("labels.gz"), &packed_anew).unwrap();
    let (outer, inner) = (sha256(&published), sha256(&scene.content));
    let file = PublishedFile {
        name: "labels.gz",
        bytes: published.len() as u64,
        sha256: &outer,
        unpacked: &[Unpacked {
            name: "labels",
            bytes: 300_000,
            sha256: Some(&inner),
        }],
        urls: &[],
    };
    scene.fetch_file(&file).unwrap();
    assert_eq!(fs::read(scene.path("labels.gz")).unwrap(), packed_anew);
}

#[test]
fn a_wrong_file_is_renamed() {
    let mut scene = Scene::new();
    fs::write(scene.path(NAME), b"mine").unwrap();
    scene.refused(&[&unused_address()]);
    assert_eq!(scene.log, ["SetAside", "Failed"]);
    assert_eq!(fs::read(scene.path("images.bin.wrong")).unwrap(), b"mine");
}

#[test]
fn an_invalid_mirror_is_bad_input() {
    for url in [
        "",
        "example",
        "ftp://example.org",
        "http://",
        "file:///data",
        "http://a b",
    ] {
        let mut scene = Scene::new();
        scene.options.mirror = Some(url.to_owned());
        let error = scene.fetch(&[]).unwrap_err();
        assert!(
            matches!(error, DataError::BadUrl { .. }) && error.is_bad_input(),
            "{url}: {error}"
        );
    }
}

#[test]
fn concurrent_downloads_into_a_folder_wait() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::new(vec![whole(&content)]);
    let fetch = |path: &Path| {
        let (sha256, url) = (sha256(&content), server.url(NAME));
        let file = PublishedFile {
            name: NAME,
            bytes: 300_000,
            sha256: &sha256,
            unpacked: &[],
            urls: &[&url],
        };
        let mut log = String::new();
        fetch_files(&[file], path, &quick(), &mut |event| match event {
            FetchEvent::Waiting { .. } => log.push('w'),
            FetchEvent::AlreadyThere { .. } => log.push('a'),
            FetchEvent::Done { .. } => log.push('d'),
            _ => {}
        })
        .unwrap();
        log
    };
    let held = fs::File::create(folder.path().join(".lock")).unwrap();
    held.lock().unwrap();
    let mut logs = thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| fetch(folder.path())));
        thread::sleep(Duration::from_millis(100));
        assert!(
            server.requests().is_empty(),
            "requests are not sent while the lock is held"
        );
        drop(held);
        both.map(|thread| thread.join().unwrap())
    });
    logs.sort();
    assert_eq!(logs.map(|log| log.replace('w', "")), ["a", "d"]);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), content);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_reported() {
    let mut scene = Scene::new();
    std::os::unix::fs::symlink("/dev/full", scene.part()).unwrap();
    let server = Server::new(vec![whole(&scene.content)]);
    let error = scene.fetch(&[&server.url(NAME)]).unwrap_err();
    assert!(
        matches!(error, DataError::Write { .. }) && !error.is_bad_input(),
        "{error}"
    );
    let message = error.to_string();
    assert!(
        message.contains("images.bin.part: No space left") && message.contains("free some space"),
        "{message}"
    );
    assert!(!scene.path(NAME).exists());
}

#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("mnist");
    let wanted = PublishedFile {
        name: NAME,
        bytes: 1,
        sha256: "",
        unpacked: &[],
        urls: &[],
    };
    let error = fetch_files(&[wanted], &folder, &quick(), &mut |_| ()).unwrap_err();
    assert!(
        error.to_string().contains(file.path().to_str().unwrap()),
        "{error}"
    );
}
