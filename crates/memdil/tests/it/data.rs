//! `memdil data` through the real binary; servers run on this machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::Value;

use crate::common::Scene;

const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

/// Names of the files in a folder.
fn files(scene: &Scene, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(scene.path(folder)).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The address of a port on which no server listens.
fn unused_address() -> String {
    format!(
        "http://{}",
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
    )
}

/// Starts a server that sends the same response to every request, and returns its address.
fn server(status: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = BufReader::new(&stream)
                .lines()
                .take_while(|line| line.as_ref().is_ok_and(|l| !l.is_empty()));
            assert!(head.count() > 0);
            let head = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        }
    });
    base
}

#[test]
fn an_unknown_name_lists_the_names() {
    let scene = Scene::new("data");
    for command in ["fetch", "verify"] {
        scene.fail(
            &format!("{command} cifar10"),
            2,
            &["cifar10", "mnist, fashion-mnist, cifar-10, cifar-100, svhn"],
        );
        scene.fail(command, 2, &["NAME"]);
    }
    assert!(files(&scene, ".").is_empty());
}

#[test]
fn list_shows_files_and_folders() {
    let scene = Scene::new("data");
    let folder = scene.path("sets/svhn");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("train_32x32.mat"), []).unwrap();
    let text = scene.succeed("list --data-dir sets");
    for part in [
        "mnist",
        "cifar-10-binary.tar.gz",
        "170052171 bytes",
        "not found",
        "1 of 2 files in sets/svhn",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let json: Value = serde_json::from_str(&scene.succeed("list --data-dir sets --json")).unwrap();
    let sets = json["sets"].as_array().unwrap();
    let names: Vec<_> = sets
        .iter()
        .map(|set| set["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["mnist", "fashion-mnist", "cifar-10", "cifar-100", "svhn"]
    );
    assert_eq!(
        (
            &sets[0]["folder"],
            &sets[0]["files"].as_array().unwrap().len()
        ),
        (&Value::Null, &4)
    );
    let svhn = &sets[4];
    assert_eq!(
        (svhn["folder"].as_str(), svhn["complete"].as_bool()),
        (Some("sets/svhn"), Some(false))
    );
    assert_eq!(
        (
            svhn["files"][0]["found"].as_bool(),
            svhn["files"][1]["found"].as_bool()
        ),
        (Some(true), Some(false))
    );
    assert_eq!(svhn["bytes"].as_u64(), Some(246_316_178));

    // Of several folders, the one that holds most files is shown.
    fs::create_dir(scene.path("empty")).unwrap();
    let text = scene.succeed("list --data-dir empty --data-dir sets");
    assert!(text.contains("1 of 2 files in sets/svhn"), "{text}");

    fs::write(folder.join("test_32x32.mat"), []).unwrap();
    let output = scene
        .command("list")
        .env("MEMDIL_DATA_DIR", "sets")
        .output()
        .unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains(" in sets/svhn")
    );
}

#[test]
fn an_unreachable_server_is_one_line_with_the_remedy() {
    let scene = Scene::new("data");
    let base = unused_address();
    let address = "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz";
    scene.fail(
        &format!("fetch mnist --url {base}"),
        1,
        &["127.0.0.1", address, "data/mnist", "by hand"],
    );
    assert_eq!(
        files(&scene, "data/mnist"),
        [".lock", "train-images-idx3-ubyte.gz.part"]
    );
    scene.fail(
        &format!("fetch svhn --data-dir sets --url {base}"),
        1,
        &["sets/svhn"],
    );
    scene.fail(
        "fetch mnist --url mirror/files",
        2,
        &["mirror/files", "http://"],
    );
}

#[cfg(feature = "hub")]
#[test]
fn an_unreachable_hub_is_one_line() {
    let scene = Scene::new("data");
    let mut command = scene.command("fetch mnist --hub");
    command
        .env("HF_ENDPOINT", unused_address())
        .env("HF_HOME", scene.path("cache"))
        .env("NO_PROXY", "127.0.0.1");
    let output = command
        .env_remove("HF_HUB_CACHE")
        .env_remove("HUGGINGFACE_HUB_CACHE")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), text.lines().count()),
        (Some(1), 1),
        "{text}"
    );
    assert!(
        text.starts_with("error: cannot get mnist from the hub: ")
            && text.contains("data/mnist by hand"),
        "{text}"
    );
    assert!(!scene.path("data").exists());
    scene.fail(
        "fetch svhn --hub",
        2,
        &["svhn is not read from the hub", "memdil data fetch svhn"],
    );
}

#[test]
fn a_wrong_response_is_not_kept() {
    let scene = Scene::new("data");
    let arguments = |base: String| format!("fetch mnist --data-dir sets --url {base}");
    scene.fail(
        &arguments(server("404 Not Found", Vec::new())),
        1,
        &["404", "train-images-idx3-ubyte.gz"],
    );
    scene.fail(
        &arguments(server("200 OK", vec![0; 100])),
        1,
        &["has 100 bytes, not 9912422"],
    );

    // A body of the right size is refused by its checksum. Without a terminal, progress is printed
    // as lines.
    let output = scene.run(&arguments(server("200 OK", vec![0; 9_912_422])));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(1), 0),
        "{text}"
    );
    let (last, progress) = text
        .lines()
        .collect::<Vec<_>>()
        .split_last()
        .map(|(l, p)| (*l, p.to_vec()))
        .unwrap();
    assert!(
        last.contains("SHA-256") && last.contains("440fcabf73cc"),
        "{text}"
    );
    assert_eq!(progress.len(), 10, "{text}");
    assert!(progress[9].contains("9.91 MB of 9.91 MB"), "{text}");
    assert_eq!(files(&scene, "sets/mnist"), [".lock"]);
}

#[test]
fn verify_names_what_is_missing_or_wrong() {
    let scene = Scene::new("data");
    scene.fail(
        "verify mnist",
        2,
        &[
            "mnist not found in data, /usr/share/datasets (or in mnist, MNIST/raw there)",
            "memdil data fetch mnist",
            "--data-dir",
        ],
    );

    let folder = scene.path("data/svhn");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("train_32x32.mat"), [1, 2, 3]).unwrap();
    let output = scene.run("verify svhn --json");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), text.lines().count()),
        (Some(2), 2),
        "{text}"
    );
    assert!(
        text.contains("data/svhn/train_32x32.mat: has 3 bytes, not 182040794"),
        "{text}"
    );
    assert!(text.contains("test_32x32.mat: missing"), "{text}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (json["name"].as_str(), json["ok"].as_bool()),
        (Some("svhn"), Some(false))
    );
    assert_eq!(json["files"][0]["state"], "wrong_size");
    assert_eq!(
        (&json["files"][0]["found"], &json["files"][1]["state"]),
        (&3.into(), &"missing".into())
    );
}

/// Uses the files of Debian's package, if it is installed, as a complete download.
#[test]
fn correct_files_need_no_network() {
    if !Path::new(DEBIAN).is_dir() {
        return;
    }
    let scene = Scene::new("data");
    fs::create_dir_all(scene.path("sets/fashion-mnist")).unwrap();
    for entry in fs::read_dir(DEBIAN).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(
            &from,
            scene
                .path("sets/fashion-mnist")
                .join(from.file_name().unwrap()),
        )
        .unwrap();
    }
    let text = scene.succeed(&format!(
        "fetch fashion-mnist --data-dir sets --url {}",
        unused_address()
    ));
    assert_eq!(text, "fashion-mnist: complete in sets/fashion-mnist\n");
    assert_eq!(files(&scene, "sets/fashion-mnist").len(), 4);

    let text = scene.succeed("verify fashion-mnist --data-dir sets");
    assert_eq!(
        text.lines()
            .filter(|line| line.ends_with(": ok (content)"))
            .count(),
        4,
        "{text}"
    );
    let json: Value =
        serde_json::from_str(&scene.succeed("verify fashion-mnist --data-dir sets --json"))
            .unwrap();
    assert_eq!(
        (json["ok"].as_bool(), json["files"][3]["state"].as_str()),
        (Some(true), Some("content_ok"))
    );

    let labels = scene.path("sets/fashion-mnist/t10k-labels-idx1-ubyte.gz");
    let mut bytes = fs::read(&labels).unwrap();
    bytes.truncate(3000);
    fs::write(labels, bytes).unwrap();
    scene.fail(
        "verify fashion-mnist --data-dir sets",
        2,
        &["t10k-labels-idx1-ubyte.gz: has 3000 bytes, not 5148"],
    );
}
