//! Downloads from a local server, including faulty behaviour of the server.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use crate::common::download::{ALL, NAME, Scene, quick, sha256};
use crate::common::server::{
    Server, ranged, raw, send, status, unused_address, wait_for_disconnect, whole,
};

#[test]
fn a_download_reports_its_progress() {
    let mut scene = Scene::new();
    let server = Server::new(vec![whole(&scene.content)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(scene.log, ["Done"]);
    assert_eq!(scene.progress.first(), Some(&(0, 0)));
    assert_eq!(scene.progress.last(), Some(&(300_000, 0)));
    assert!(scene.progress.is_sorted());
    let [request] = &server.requests()[..] else {
        panic!("more than one request")
    };
    assert_eq!((request.path.as_str(), request.from), ("/images.bin", None));
    assert!(
        request.head.contains("accept-encoding: identity"),
        "{}",
        request.head
    );
}

#[test]
fn a_slow_body_of_unknown_length_is_read() {
    let mut scene = Scene::new();
    let content = scene.content.clone();
    let server = Server::new(vec![Box::new(move |_, stream| {
        send(
            stream,
            "200 OK",
            &["Transfer-Encoding: chunked".to_owned()],
            &[],
        );
        for piece in content.chunks(10_000) {
            write!(stream, "{:x}\r\n", piece.len()).unwrap();
            stream
                .write_all(piece)
                .and_then(|()| stream.write_all(b"\r\n"))
                .unwrap();
            thread::sleep(Duration::from_millis(2));
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    })]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert!(scene.progress.len() > 5, "{:?}", scene.progress);
}

#[test]
fn an_interrupted_download_resumes() {
    let mut scene = Scene::new();
    let server = Server::new(vec![
        ranged(&scene.content, 100_000),
        ranged(&scene.content, ALL),
    ]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [None, Some(100_000)]);
    assert_eq!(scene.log, ["Failed", "Done"]);
    assert_eq!(scene.progress.last(), Some(&(300_000, 100_000)));
}

#[test]
fn a_server_without_ranges_restarts_the_download() {
    let mut scene = Scene::new();
    let server = Server::new(vec![ranged(&scene.content, 100_000), whole(&scene.content)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [None, Some(100_000)]);
    assert_eq!(scene.progress.last(), Some(&(300_000, 0)));
}

#[test]
fn a_range_that_was_not_requested_is_ignored() {
    for (headers, status) in [
        (
            vec!["Content-Range: bytes 0-299999/300000".to_owned()],
            "206 Partial Content",
        ),
        (vec![], "206 Partial Content"),
        (
            vec!["Content-Range: bytes */300000".to_owned()],
            "416 Range Not Satisfiable",
        ),
    ] {
        let mut scene = Scene::new();
        fs::write(scene.part(), &scene.content[..1000]).unwrap();
        let server = Server::new(vec![
            raw(status, headers, scene.content.clone()),
            ranged(&scene.content, ALL),
        ]);
        scene.fetch(&[&server.url(NAME)]).unwrap();
        scene.assert_complete();
        assert_eq!(server.ranges(), [Some(1000), None]);
    }
}

#[test]
fn the_next_source_resumes_after_another_file_size() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content[..1000]).unwrap();
    let range = "Content-Range: bytes 1000-1999/2000".to_owned();
    let other = Server::new(vec![raw("206 Partial Content", vec![range], vec![0; 1000])]);
    let right = Server::new(vec![ranged(&scene.content, ALL)]);
    scene.fetch(&[&other.url(NAME), &right.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(
        (other.ranges(), right.ranges()),
        (vec![Some(1000)], vec![Some(1000)])
    );
}

#[test]
fn wrong_bytes_are_deleted_and_checksums_reported() {
    let mut scene = Scene::new();
    let mut wrong = scene.content.clone();
    wrong[200_000] ^= 1;
    let server = Server::new(vec![whole(&wrong)]);
    let message = scene.refused(&[&server.url(NAME)]);
    for part in [NAME, "127.0.0.1", &sha256(&wrong), &sha256(&scene.content)] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!scene.part().exists());
    assert_eq!(
        server.requests().len(),
        1,
        "a source with other bytes is not tried again"
    );

    let right = Server::new(vec![whole(&scene.content)]);
    scene.fetch(&[&server.url(NAME), &right.url(NAME)]).unwrap();
    scene.assert_complete();
}

#[test]
fn a_missing_file_leads_to_the_next_source() {
    let mut scene = Scene::new();
    let without = Server::new(vec![status("404 Not Found")]);
    let with = Server::new(vec![whole(&scene.content)]);
    scene
        .fetch(&[&unused_address(), &without.url(NAME), &with.url(NAME)])
        .unwrap();
    scene.assert_complete();
    assert_eq!((without.requests().len(), with.requests().len()), (1, 1));
    assert_eq!(scene.log, ["Failed", "Failed", "Done"]);
}

#[test]
fn server_errors_are_retried_a_limited_number_of_times() {
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
fn excess_bytes_are_an_error() {
    let mut scene = Scene::new();
    let announced = Server::new(vec![whole(&[&scene.content[..], &[0]].concat())]);
    let message = scene.refused(&[&announced.url(NAME)]);
    assert!(
        message.contains("has 300001 bytes, not 300000"),
        "{message}"
    );

    // The server never stops sending, so the client must close the connection.
    let endless = Server::new(vec![Box::new(|_, stream| {
        send(stream, "200 OK", &[], &[]);
        while stream.write_all(&[0; 10_000]).is_ok() {}
    })]);
    let message = scene.refused(&[&endless.url(NAME)]);
    assert!(message.contains("more than 300000 bytes"), "{message}");
    assert_eq!(fs::metadata(scene.part()).unwrap().len(), 0);
}

#[test]
fn a_stalled_download_times_out_and_resumes() {
    let mut scene = Scene::new();
    scene.options.stall_timeout = Duration::from_secs(1);
    let content = scene.content.clone();
    let stall = Server::new(vec![Box::new(move |_, stream| {
        send(
            stream,
            "200 OK",
            &["Content-Length: 300000".to_owned()],
            &content[..50_000],
        );
        wait_for_disconnect(stream);
    })]);
    scene.options.attempts = 1;
    let message = scene.refused(&[&stall.url(NAME)]);
    assert!(
        message.contains("no response for 1s after 50000 of 300000 bytes"),
        "{message}"
    );

    scene.options = quick();
    let server = Server::new(vec![ranged(&scene.content, ALL)]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(server.ranges(), [Some(50_000)]);
}

#[test]
fn a_redirect_keeps_the_range() {
    let mut scene = Scene::new();
    fs::write(scene.part(), &scene.content[..1000]).unwrap();
    let target = Server::new(vec![ranged(&scene.content, ALL)]);
    let location = format!("Location: {}", target.url("elsewhere"));
    let server = Server::new(vec![raw(
        "302 Found",
        vec![location, "Content-Length: 0".to_owned()],
        Vec::new(),
    )]);
    scene.fetch(&[&server.url(NAME)]).unwrap();
    scene.assert_complete();
    assert_eq!(target.ranges(), [Some(1000)]);
    assert_eq!(target.requests()[0].path, "/elsewhere");
}

#[test]
fn a_network_error_names_host_and_folder() {
    let mut scene = Scene::new();
    let url = format!("{}/far/images.bin", unused_address());
    let message = scene.refused(&[&url]);
    let folder = scene.folder.path().display().to_string();
    for part in ["127.0.0.1: ", "refused", &url, &folder, "--url", "by hand"] {
        assert!(message.contains(part), "{message}");
    }
    let message = scene.refused(&[]);
    assert!(message.contains("no source"), "{message}");
}

#[test]
fn a_mirror_replaces_the_sources() {
    for slash in ["", "/"] {
        let mut scene = Scene::new();
        let (source, mirror) = (
            Server::new(vec![whole(b"x")]),
            Server::new(vec![whole(&scene.content)]),
        );
        scene.options.mirror = Some(format!("{}/copies{slash}", mirror.base));
        scene.fetch(&[&source.url(NAME)]).unwrap();
        scene.assert_complete();
        assert_eq!(mirror.requests()[0].path, "/copies/images.bin");
        assert!(source.requests().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The file is correct wherever the connection breaks.
    #[test]
    fn the_file_is_correct_after_any_disconnections(breaks in proptest::collection::vec(0..120_000_usize, 0..5)) {
        let mut scene = Scene::new();
        scene.options.attempts = 6;
        let mut replies: Vec<_> = breaks.iter().map(|&bytes| ranged(&scene.content, bytes)).collect();
        replies.push(ranged(&scene.content, ALL));
        let server = Server::new(replies);
        scene.fetch(&[&server.url(NAME)]).unwrap();
        scene.assert_complete();
    }
}
