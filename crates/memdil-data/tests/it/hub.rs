//! Comparison of our readers with candle-datasets, and files reconstructed from the hub.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::{DType, Error, Tensor};
use candle_datasets::vision::{self, cifar, mnist};
use flate2::read::GzDecoder;
use memdil_data::catalogue::{Published, PublishedFile, Unpacked};
use memdil_data::files::{CIFAR_10, IDX};
use memdil_data::verify::{FileState, verify};
use memdil_data::{DataError, DataSpec, Source, Split, hub, load};
use proptest::prelude::*;

use crate::common::download::sha256;
use crate::common::{gzip, labels_file};

const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

/// Bytes that differ between pixels, rows, planes and images; all 256 values occur.
fn pattern(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// An IDX file of `n` images of 28 x 28.
fn images_file(n: u32, seed: u32) -> Vec<u8> {
    let mut file = [2051, n, 28, 28].map(u32::to_be_bytes).concat();
    file.extend(pattern(n as usize * 784, seed));
    file
}

/// The four IDX files, in the order of `IDX`.
fn idx_files(train: u32, test: u32) -> [Vec<u8>; 4] {
    let labels = |n: u32, seed| {
        labels_file(
            &pattern(n as usize, seed)
                .iter()
                .map(|byte| byte % 10)
                .collect::<Vec<_>>(),
        )
    };
    [
        images_file(train, 1),
        labels(train, 2),
        images_file(test, 3),
        labels(test, 4),
    ]
}

fn write_files(folder: &Path, contents: &[Vec<u8>; 4]) {
    for (name, content) in IDX.iter().zip(contents) {
        fs::write(folder.join(name), content).unwrap();
    }
}

/// Both splits of a data set as read by this crate, with all classes.
fn ours(source: Source, folder: &Path) -> [Split; 2] {
    let data = load(&DataSpec::new(source), &[folder.to_owned()]).unwrap();
    [data.train, data.test]
}

/// Fails at the first pixel or label that differs; floats must equal the byte divided by 255 within
/// one unit in the last place.
fn assert_same(ours: &Split, images: &Tensor, labels: &Tensor, shape: &[usize]) {
    assert_eq!(images.dims(), shape);
    let labels = labels.to_vec1::<u8>().unwrap();
    assert!(
        labels
            .iter()
            .map(|&label| u32::from(label))
            .eq(ours.labels.iter().copied())
    );
    let pixels: usize = shape[1..].iter().product();
    let theirs = images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(
        (ours.images.len(), theirs.len()),
        (shape[0], shape[0] * pixels)
    );
    for (i, theirs) in theirs.chunks_exact(pixels).enumerate() {
        let ours = ours.images.bytes(i).unwrap();
        let differs = |(&byte, value): (&u8, &f32)| {
            (f32::from(byte) / 255.0 - value).abs() > f32::EPSILON / 2.0
        };
        let first = ours.iter().zip(theirs).position(differs);
        assert_eq!((first, ours.len()), (None, pixels), "image {i}");
    }
}

#[test]
fn idx_files_match_candle_datasets() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &idx_files(300, 70));
    let theirs = mnist::load_dir(folder.path()).unwrap();
    for source in [Source::Mnist, Source::FashionMnist] {
        let [train, test] = ours(source, folder.path());
        assert_same(
            &train,
            &theirs.train_images,
            &theirs.train_labels,
            &[300, 784],
        );
        assert_same(&test, &theirs.test_images, &theirs.test_labels, &[70, 784]);
    }
}

#[test]
fn cifar_10_matches_candle_datasets() {
    let folder = tempfile::tempdir().unwrap();
    for (k, name) in (1..).zip(CIFAR_10) {
        let mut file = pattern(10_000 * 3073, k);
        file.iter_mut().step_by(3073).for_each(|label| *label %= 10);
        fs::write(folder.path().join(name), file).unwrap();
    }
    let theirs = cifar::load_dir(folder.path()).unwrap();
    let [train, test] = ours(Source::Cifar10, folder.path());
    assert_same(
        &train,
        &theirs.train_images,
        &theirs.train_labels,
        &[50_000, 3, 32, 32],
    );
    assert_same(
        &test,
        &theirs.test_images,
        &theirs.test_labels,
        &[10_000, 3, 32, 32],
    );
}

/// Describes files by their content, fetches them with `load`, and records the events.
fn fetch(
    contents: &[Vec<u8>; 4],
    folder: &Path,
    load: impl FnOnce() -> candle_core::Result<vision::Dataset>,
) -> (Result<(), DataError>, Vec<String>) {
    let (packed, plain): (Vec<_>, Vec<_>) = contents
        .iter()
        .map(|content| (sha256(&gzip(content)), sha256(content)))
        .unzip();
    let names = IDX.map(|name| format!("{name}.gz"));
    let unpacked: [_; 4] = std::array::from_fn(|k| {
        [Unpacked {
            name: IDX[k],
            bytes: contents[k].len() as u64,
            sha256: Some(&plain[k]),
        }]
    });
    let files: [_; 4] = std::array::from_fn(|k| PublishedFile {
        name: &names[k],
        bytes: gzip(&contents[k]).len() as u64,
        sha256: &packed[k],
        unpacked: &unpacked[k],
        urls: &[],
    });
    let mut log = Vec::new();
    let done = hub::fetch_files("digits", &files, folder, load, &mut |event| {
        log.push(format!("{event:?}"))
    });
    (done, log)
}

/// The data set that the hub would return for these files.
fn loaded(contents: &[Vec<u8>; 4]) -> vision::Dataset {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), contents);
    mnist::load_dir(folder.path()).unwrap()
}

/// Names and contents, sorted.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn loaded_data_is_written_as_the_published_files() {
    let contents = idx_files(300, 70);
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("sets/mnist");
    let (done, log) = fetch(&contents, &folder, || Ok(loaded(&contents)));
    done.unwrap();
    assert!(
        log.len() == 4 && log.iter().all(|event| event.starts_with("Done")),
        "{log:?}"
    );
    let mut expected: Vec<_> = IDX
        .iter()
        .zip(&contents)
        .map(|(&name, content)| (name.to_owned(), content.clone()))
        .collect();
    expected.push((".lock".to_owned(), Vec::new()));
    expected.sort();
    assert_eq!(listing(&folder), expected);
    // The files have the names and the folder that the readers expect.
    let [train, test] = ours(Source::Mnist, &root.path().join("sets"));
    assert_eq!((train.labels.len(), test.labels.len()), (300, 70));

    let (done, log) = fetch(&contents, &folder, || Err(Error::Msg("asked".to_owned())));
    done.unwrap();
    assert!(
        log.len() == 4 && log.iter().all(|event| event.starts_with("AlreadyThere")),
        "{log:?}"
    );
}

#[test]
fn correct_files_are_kept_and_wrong_ones_renamed() {
    let contents = idx_files(5, 5);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("train-images-idx3-ubyte.gz"), gzip(&contents[0])).unwrap();
    fs::write(path("train-labels-idx1-ubyte"), "mine").unwrap();
    fs::write(path("t10k-images-idx3-ubyte.gz"), "mine too").unwrap();
    let (done, log) = fetch(&contents, folder.path(), || Ok(loaded(&contents)));
    done.unwrap();
    let kinds: Vec<&str> = log
        .iter()
        .map(|event| event.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "AlreadyThere",
            "SetAside",
            "Done",
            "SetAside",
            "Done",
            "Done"
        ]
    );
    assert!(!path(IDX[0]).exists());
    for (name, content) in IDX.iter().zip(&contents).skip(1) {
        assert_eq!(&fs::read(path(name)).unwrap(), content);
    }
    assert_eq!(
        fs::read(path("train-labels-idx1-ubyte.wrong")).unwrap(),
        b"mine"
    );
    assert_eq!(
        fs::read(path("t10k-images-idx3-ubyte.gz.wrong")).unwrap(),
        b"mine too"
    );
}

/// Returns the one-line error, and checks that the folder is unchanged.
fn refused(
    contents: &[Vec<u8>; 4],
    load: impl FnOnce() -> candle_core::Result<vision::Dataset>,
) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(IDX[1]), "mine").unwrap();
    let (done, log) = fetch(contents, folder.path(), load);
    let error = done.unwrap_err();
    assert!(
        matches!(error, DataError::Hub { .. }) && !error.is_bad_input(),
        "{error:?}"
    );
    assert_eq!(
        listing(folder.path()),
        [(IDX[1].to_owned(), b"mine".to_vec())]
    );
    assert!(log.is_empty(), "{log:?}");
    let message = error.to_string();
    let place = folder.path().display().to_string();
    for part in [
        "digits",
        "from the hub",
        "memdil data fetch digits",
        "t10k-labels-idx1-ubyte.gz",
        &place,
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn other_content_is_an_error_for_the_whole_set() {
    let contents = idx_files(6, 6);
    let swapped = refused(&contents, || {
        let vision::Dataset {
            train_images,
            train_labels,
            test_images,
            test_labels,
            labels,
        } = loaded(&contents);
        let (train_images, test_images) = (test_images, train_images);
        Ok(vision::Dataset {
            train_images,
            train_labels,
            test_images,
            test_labels,
            labels,
        })
    });
    assert!(
        swapped.contains("its train-images-idx3-ubyte has SHA-256"),
        "{swapped}"
    );
    // The last file to be checked.
    let mut other = contents.clone();
    other[3][8] ^= 1;
    let message = refused(&contents, || Ok(loaded(&other)));
    for part in [
        &sha256(&other[3]),
        &sha256(&contents[3]),
        "its t10k-labels-idx1-ubyte",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let message = refused(&contents, || Ok(loaded(&idx_files(5, 6))));
    assert!(message.contains("has 3936 bytes, not 4720"), "{message}");
}

#[test]
fn other_tensors_are_errors() {
    let contents = idx_files(2, 2);
    let wrong = |change: fn(&mut vision::Dataset)| {
        let mut loaded = loaded(&contents);
        change(&mut loaded);
        refused(&contents, || Ok(loaded))
    };
    wrong(|loaded| loaded.train_images = loaded.train_images.to_dtype(DType::F64).unwrap());
    wrong(|loaded| loaded.train_images = loaded.train_images.reshape((2, 28, 28)).unwrap());
    wrong(|loaded| loaded.test_labels = loaded.test_labels.to_dtype(DType::I64).unwrap());
    wrong(|loaded| loaded.test_images = (&loaded.test_images * f64::NAN).unwrap());
    wrong(|loaded| loaded.test_images = (&loaded.test_images * 255.0).unwrap());
}

#[test]
fn loader_errors_and_panics_are_one_line() {
    let contents = idx_files(1, 1);
    let message = refused(&contents, || {
        Err(Error::Msg(
            "Api error: no route\n   0: a backtrace".to_owned(),
        ))
    });
    assert!(message.contains("Api error: no route;"), "{message}");
    let message = refused(&contents, || panic!("a picture that does not decode"));
    assert!(
        message.contains("the received data is damaged;"),
        "{message}"
    );
}

#[test]
fn unsupported_data_sets_are_errors() {
    for published in [Published::Cifar10, Published::Cifar100, Published::Svhn] {
        let error = hub::fetch(published, &["/nowhere".into()], &mut |_| ()).unwrap_err();
        assert!(
            matches!(error, DataError::NotOnHub { .. }) && error.is_bad_input(),
            "{error:?}"
        );
        let message = error.to_string();
        assert!(
            message.contains(&format!("memdil data fetch {}", published.name())),
            "{message}"
        );
    }
}

/// The address of the hub is read from the environment, so this test runs itself in a child
/// process.
#[test]
fn a_network_error_names_the_data_set_and_the_remedy() {
    const FOLDER: &str = "MEMDIL_TEST_HUB_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let error = hub::fetch(
            Published::FashionMnist,
            &[PathBuf::from(folder)],
            &mut |_| (),
        )
        .unwrap_err();
        eprintln!("error: {error}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    // The listener has been closed.
    let unused_address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "hub::a_network_error_names_the_data_set_and_the_remedy",
            "--exact",
            "--nocapture",
        ])
        .env(FOLDER, root.path().join("sets"))
        .env("HF_ENDPOINT", format!("http://{unused_address}"))
        .env("HF_HOME", root.path().join("cache"))
        .env_remove("HF_HUB_CACHE")
        .env_remove("HUGGINGFACE_HUB_CACHE")
        .env("NO_PROXY", "127.0.0.1")
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.split_once("error: "))
        .unwrap()
        .1;
    let folder = root.path().join("sets/fashion-mnist");
    let place = format!("into {} by hand", folder.display());
    for part in [
        "cannot get fashion-mnist from the hub: Api error: ",
        "`memdil data fetch fashion-mnist`",
        &place,
    ] {
        assert!(line.contains(part), "{text}");
    }
    assert!(!folder.exists());
}

/// Converts the real files, if they are installed, to tensors and back.
#[test]
fn fashion_mnist_is_reconstructed_byte_by_byte() {
    if !Path::new(DEBIAN).is_dir() {
        return;
    }
    let unpack = |name: &str| {
        let mut content = Vec::new();
        let packed = fs::File::open(Path::new(DEBIAN).join(format!("{name}.gz"))).unwrap();
        GzDecoder::new(packed).read_to_end(&mut content).unwrap();
        content
    };
    let loaded = loaded(&IDX.map(unpack));
    let root = tempfile::tempdir().unwrap();
    let (set, folder) = (Published::FashionMnist, root.path().join("fashion-mnist"));
    hub::fetch_files(set.name(), set.files(), &folder, || Ok(loaded), &mut |_| ()).unwrap();
    let reports = verify(set, &[root.path().to_owned()], &mut |_, _, _| ()).unwrap();
    assert!(
        reports.len() == 4
            && reports
                .iter()
                .all(|report| report.state == FileState::ContentOk),
        "{reports:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// All pixels and labels are recovered from floats, and a single changed byte is detected.
    #[test]
    fn bytes_are_recovered_and_changes_detected(
        train in 1..4_u32,
        test in 1..4_u32,
        pixels in proptest::collection::vec(any::<u8>(), 784),
        which in 0..4_usize,
        at: prop::sample::Index,
        by in 1..=255_u8,
    ) {
        let mut contents = idx_files(train, test);
        contents[0][16..800].copy_from_slice(&pixels);
        let folder = tempfile::tempdir().unwrap();
        fetch(&contents, folder.path(), || Ok(loaded(&contents))).0.unwrap();
        for (name, content) in IDX.iter().zip(&contents) {
            prop_assert_eq!(&fs::read(folder.path().join(name)).unwrap(), content);
        }
        let mut other = contents.clone();
        let head = if which % 2 == 0 { 16 } else { 8 };
        let body = other[which].len() - head;
        other[which][head + at.index(body)] ^= by;
        refused(&contents, || Ok(loaded(&other)));
    }
}
