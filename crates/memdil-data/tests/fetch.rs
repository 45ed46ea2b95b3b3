//! Downloads from a real server on this machine, well and badly behaved.

#![cfg(feature = "fetch")]
#![allow(clippy::unwrap_used)]

#[path = "common/server.rs"]
mod server;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use memdil_data::DataError;
use memdil_data::catalogue::{PublishedFile, Unpacked};
use memdil_data::fetch::{FetchEvent, FetchOptions, fetch_files};
use proptest::prelude::*;
use server::{Server, nobody, ranged, raw, send, status, wait_for_end, whole};
use sha2::{Digest, Sha256};

const NAME: &str = "images.bin";
const ALL: usize = usize::MAX;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes without a pattern that a shift would keep.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(300_000).collect()
}

fn quick() -> FetchOptions {
    FetchOptions {
        mirror: None,
        connect_timeout: Duration::from_secs(20),
        stall_timeout: Duration::from_secs(20),
        attempts: 3,
        backoff: Duration::from_millis(1),
    }
}

/// A folder, a file that belongs there, and what was said on the way.
struct Scene {
    folder: tempfile::TempDir,
    content: Vec<u8>,
    options: FetchOptions,
    log: Vec<String>,
    /// Bytes there and bytes kept from before, in the order reported.
    progress: Vec<(u64, u64)>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, content: content(), options: quick(), log: Vec::new(), progress: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn part(&self) -> PathBuf {
        self.path("images.bin.part")
    }

    fn fetch(&mut self, urls: &[&str]) -> Result<(), DataError> {
        let sha256 = sha256(&self.content);
        let bytes = self.content.len() as u64;
        let file = PublishedFile { name: NAME, bytes, sha256: &sha256, unpacked: &[], urls };
        self.fetch_file(&file)
    }

    fn fetch_file(&mut self, file: &PublishedFile<'_>) -> Result<(), DataError> {
        let (log, progress) = (&mut self.log, &mut self.progress);
        fetch_files(&[*file], self.folder.path(), &self.options, &mut |event| match event {
            FetchEvent::Progress { file, done, total, resumed } => {
                assert_eq!((file, total), (NAME, 300_000));
                progress.push((done, resumed));
            }
            other => log.push(format!("{other:?}").split([' ', '{']).next().unwrap().to_owned()),
        })
    }

    fn assert_complete(&self) {
        assert_eq!(fs::read(self.path(NAME)).unwrap(), self.content);
        assert!(!self.part().exists());
    }

    /// The error's one line, and nothing under the file's name.
    fn refused(&mut self, urls: &[&str]) -> String {
        let error = self.fetch(urls).unwrap_err();
        assert!(matches!(error, DataError::Download { .. }) && !error.is_bad_input(), "{error}");
        assert!(!self.path(NAME).exists());
        let message = error.to_string();
        assert!(!message.contains('\n'), "{message}");
        message
    }
}

#[test]
fn a_file_comes_whole_and_with_its_progress() {
    let mut scene = Scene::new();
    let server = Server::new(vec![whole(&scene.content)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(scene.log, ["Done"]);
    assert_eq!(scene.progress.first(), Some(&(0, 0)));
    assert_eq!(scene.progress.last(), Some(&(300_000, 0)));
    assert!(scene.progress.is_sorted());
    let [request] = &server.requests()[..] else { panic!("more than one request") };
    assert_eq!((request.path.as_str(), request.from), ("/images.bin", None));
    assert!(request.head.contains("accept-encoding: identity"), "{}", request.head);
}

#[test]
fn a_slow_body_of_unknown_length_is_waited_for() {
    let mut scene = Scene::new();
    let content = scene.content.clone();
    let server = Server::new(vec![Box::new(move |_, stream| {
        send(stream, "200 OK", &["Transfer-Encoding: chunked".to_owned()], &[]);
        for piece in content.chunks(10_000) {
            write!(stream, "{:x}\r\n", piece.len()).unwrap();
            stream.write_all(piece).and_then(|()| stream.write_all(b"\r\n")).unwrap();
            thread::sleep(Duration::from_millis(2));
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    })]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert!(scene.progress.len() > 5, "{:?}", scene.progress);
}

#[test]
fn what_is_cut_off_goes_on_where_it_stopped() {
    let mut scene = Scene::new();
    let server = Server::new(vec![ranged(&scene.content, 100_000), ranged(&scene.content, ALL)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [None, Some(100_000)]);
    assert_eq!(scene.log, ["Failed", "Done"]);
    assert_eq!(scene.progress.last(), Some(&(300_000, 100_000)));
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let mut scene = Scene::new();
    let server = Server::new(vec![ranged(&scene.content, 100_000), whole(&scene.content)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [None, Some(100_000)]);
    assert_eq!(scene.progress.last(), Some(&(300_000, 0)));
}

#[test]
fn the_part_of_an_interrupted_process_is_continued() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content[..123_456]).unwrap();
    let server = Server::new(vec![ranged(&scene.content, ALL)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [Some(123_456)]);
    assert_eq!(scene.progress.first(), Some(&(123_456, 123_456)));
}

#[test]
fn a_complete_part_needs_no_request() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content).unwrap();
    scene.fetch(&[&nobody()]).unwrap();
    scene.assert_complete();
}

#[test]
fn a_part_that_is_too_long_or_wrong_is_begun_anew() {
    let mut scene = Scene::new();
    let server = Server::new(vec![ranged(&scene.content, ALL)]);
    fs::write(scene.part(), vec![7; 300_001]).unwrap();
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [None]);

    // Right in length when continued, but not in content: only the checksum tells.
    fs::remove_file(scene.path(NAME)).unwrap();
    fs::write(scene.part(), vec![7; 5]).unwrap();
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges()[1..], [Some(5), None]);
}

#[test]
fn a_range_that_was_not_asked_for_is_not_used() {
    for (headers, status) in [
        (vec!["Content-Range: bytes 0-299999/300000".to_owned()], "206 Partial Content"),
        (vec![], "206 Partial Content"),
        (vec!["Content-Range: bytes */300000".to_owned()], "416 Range Not Satisfiable"),
    ] {
        let mut scene = Scene::new();
        fs::write(scene.part(), &scene.content[..1000]).unwrap();
        let server = Server::new(vec![raw(status, headers, scene.content.clone()), ranged(&scene.content, ALL)]);
        scene.fetch(&[&server.url(NAME)]).unwrap();
        scene.assert_complete();
        assert_eq!(server.ranges(), [Some(1000), None]);
    }
}

#[test]
fn another_file_at_the_source_leaves_the_part_to_the_next_one() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content[..1000]).unwrap();
    let range = "Content-Range: bytes 1000-1999/2000".to_owned();
    let other = Server::new(vec![raw("206 Partial Content", vec![range], vec![0; 1000])]);
    let right = Server::new(vec![ranged(&scene.content, ALL)]);
    scene.fetch(&[&other.url(NAME), &right.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!((other.ranges(), right.ranges()), (vec![Some(1000)], vec![Some(1000)]));
}

#[test]
fn wrong_bytes_are_deleted_and_both_checksums_said() {
    let mut scene = Scene::new();
    let mut wrong = scene.content.clone();
    wrong[200_000] ^= 1;
    let server = Server::new(vec![whole(&wrong)]);
    let message = scene.refused(&[&server.url(NAME)]);
    for part in [NAME, "127.0.0.1", &sha256(&wrong), &sha256(&scene.content)] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!scene.part().exists());
    assert_eq!(server.requests().len(), 1, "a source that has other bytes is not asked again");

    let right = Server::new(vec![whole(&scene.content)]);
    scene.fetch(&[&server.url(NAME), &right.url(NAME)]).unwrap();
    scene.assert_complete();
}

#[test]
fn the_next_source_is_tried_when_one_has_no_such_file() {
    let mut scene = Scene::new();
    let without = Server::new(vec![status("404 Not Found")]);
    let with = Server::new(vec![whole(&scene.content)]);
    scene.fetch(&[&nobody(), &without.url(NAME), &with.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!((without.requests().len(), with.requests().len()), (1, 1));
    assert_eq!(scene.log, ["Failed", "Failed", "Done"]);
}

#[test]
fn a_server_in_trouble_is_asked_a_bounded_number_of_times() {
    let mut scene = Scene::new();
    let server = Server::new(vec![status("503 Service Unavailable")]);
    let message = scene.refused(&[&server.url(NAME)]);
    assert!(message.contains("503"), "{message}");
    assert_eq!(server.requests().len(), 3);
    let cut = Server::new(vec![ranged(&scene.content, 10)]);
    let message = scene.refused(&[&cut.url(NAME)]);
    assert!(message.contains(" of 300000 bytes"), "{message}");
    assert_eq!(cut.ranges(), [None, Some(10), Some(20)]);
    assert_eq!(fs::metadata(scene.part()).unwrap().len(), 30);
}

#[test]
fn more_bytes_than_published_are_not_taken() {
    let mut scene = Scene::new();
    let announced = Server::new(vec![whole(&[&scene.content[..], &[0]].concat())]);
    let message = scene.refused(&[&announced.url(NAME)]);
    assert!(message.contains("has 300001 bytes, not 300000"), "{message}");

    // Never ends by itself: that the client stops is what ends it.
    let endless = Server::new(vec![Box::new(|_, stream| {
        send(stream, "200 OK", &[], &[]);
        while stream.write_all(&[0; 10_000]).is_ok() {}
    })]);
    let message = scene.refused(&[&endless.url(NAME)]);
    assert!(message.contains("more than 300000 bytes"), "{message}");
    assert_eq!(fs::metadata(scene.part()).unwrap().len(), 0);
}

#[test]
fn a_silent_server_is_given_up_and_continued() {
    let mut scene = Scene::new();
    scene.options.stall_timeout = Duration::from_secs(1);
    let content = scene.content.clone();
    let stall = Server::new(vec![Box::new(move |_, stream| {
        send(stream, "200 OK", &["Content-Length: 300000".to_owned()], &content[..50_000]);
        wait_for_end(stream);
    })]);
    scene.options.attempts = 1;
    let message = scene.refused(&[&stall.url(NAME)]);
    assert!(message.contains("silent for 1s after 50000 of 300000 bytes"), "{message}");

    scene.options = quick();
    let server = Server::new(vec![ranged(&scene.content, ALL)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [Some(50_000)]);
}

#[test]
fn a_redirect_is_followed_with_the_range() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content[..1000]).unwrap();
    let target = Server::new(vec![ranged(&scene.content, ALL)]);
    let location = format!("Location: {}", target.url("elsewhere"));
    let server = Server::new(vec![raw("302 Found", vec![location, "Content-Length: 0".to_owned()], Vec::new())]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(target.ranges(), [Some(1000)]);
    assert_eq!(target.requests()[0].path, "/elsewhere");
}

#[test]
fn a_file_that_is_right_is_left_alone_even_if_packed_anew() {
    let mut scene = Scene::new();
    fs::write(scene.path(NAME), &scene.content).unwrap();
    scene.fetch(&[&nobody()]).unwrap();
    assert_eq!(scene.log, ["AlreadyThere"]);
    assert_eq!(fs::read_dir(scene.folder.path()).unwrap().count(), 1, "no lock and no part");

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
        unpacked: &[Unpacked { name: "labels", bytes: 300_000, sha256: Some(&inner) }],
        urls: &[],
    };
    scene.fetch_file(&file).unwrap();
    assert_eq!(fs::read(scene.path("labels.gz")).unwrap(), packed_anew);
}

#[test]
fn a_wrong_file_makes_way_but_is_not_lost() {
    let mut scene = Scene::new();
    fs::write(scene.path(NAME), b"mine").unwrap();
    scene.refused(&[&nobody()]);
    assert_eq!(scene.log, ["SetAside", "Failed"]);
    assert_eq!(fs::read(scene.path("images.bin.wrong")).unwrap(), b"mine");
}

#[test]
fn without_network_the_line_names_host_and_folder() {
    let mut scene = Scene::new();
    let url = format!("{}/far/images.bin", nobody());
    let message = scene.refused(&[&url]);
    let folder = scene.folder.path().display().to_string();
    for part in ["127.0.0.1: ", "refused", &url, &folder, "--url", "by hand"] {
        assert!(message.contains(part), "{message}");
    }
    let message = scene.refused(&[]);
    assert!(message.contains("no source"), "{message}");
}

#[test]
fn a_mirror_is_asked_instead_of_the_sources() {
    for slash in ["", "/"] {
        let mut scene = Scene::new();
        let (source, mirror) = (Server::new(vec![whole(b"x")]), Server::new(vec![whole(&scene.content)]));
        scene.options.mirror = Some(format!("{}/copies{slash}", mirror.base));
        scene.fetch(&[&source.url(NAME)]).unwrap();
        scene.assert_complete();
        assert_eq!(mirror.requests()[0].path, "/copies/images.bin");
        assert!(source.requests().is_empty());
    }
}

#[test]
fn a_mirror_that_is_no_address_is_bad_input() {
    for url in ["", "example", "ftp://example.org", "http://", "file:///data", "http://a b"] {
        let mut scene = Scene::new();
        scene.options.mirror = Some(url.to_owned());
        let error = scene.fetch(&[]).unwrap_err();
        assert!(matches!(error, DataError::BadUrl { .. }) && error.is_bad_input(), "{url}: {error}");
    }
}

#[test]
fn two_downloads_into_one_folder_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::new(vec![whole(&content)]);
    let fetch = |path: &Path| {
        let (sha256, url) = (sha256(&content), server.url(NAME));
        let file = PublishedFile { name: NAME, bytes: 300_000, sha256: &sha256, unpacked: &[], urls: &[&url] };
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
        assert!(server.requests().is_empty(), "nobody downloads while the lock is held");
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
fn a_full_disk_is_said() {
    let mut scene = Scene::new();
    std::os::unix::fs::symlink("/dev/full", scene.part()).unwrap();
    let server = Server::new(vec![whole(&scene.content)]);
    let error = scene.fetch(&[&server.url(NAME)]).unwrap_err();
    assert!(matches!(error, DataError::Write { .. }) && !error.is_bad_input(), "{error}");
    let message = error.to_string();
    assert!(message.contains("images.bin.part: No space left") && message.contains("make room"), "{message}");
    assert!(!scene.path(NAME).exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("mnist");
    let wanted = PublishedFile { name: NAME, bytes: 1, sha256: "", unpacked: &[], urls: &[] };
    let error = fetch_files(&[wanted], &folder, &quick(), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Wherever a connection breaks, the file is right in the end.
    #[test]
    fn any_breaks_end_in_the_same_file(breaks in proptest::collection::vec(0..120_000_usize, 0..5)) {
        let mut scene = Scene::new();
        scene.options.attempts = 6;
        let mut replies: Vec<_> = breaks.iter().map(|&bytes| ranged(&scene.content, bytes)).collect();
        replies.push(ranged(&scene.content, ALL));
        let server = Server::new(replies);
        scene.fetch(&[&server.url(NAME)]).unwrap();
        scene.assert_complete();
    }
}
