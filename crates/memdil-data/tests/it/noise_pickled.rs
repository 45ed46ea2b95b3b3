//! Label sets in pickled dictionaries, the format of CIFAR-N.

use std::fs;
use std::path::{Path, PathBuf};

use memdil_data::noise::read_labels;
use memdil_data::{DataError, LabelNoise, NoisyLabels};

use crate::common::npz::npy;
use crate::common::pickle::{WRITERS, Writer};

const CLEAN: [u32; 8] = [0, 1, 2, 3, 0, 1, 2, 3];
const WORSE: [u32; 8] = [0, 1, 2, 0, 0, 1, 1, 3];
const AGGRE: [u32; 8] = [0, 1, 2, 3, 0, 1, 1, 3];

fn array(writer: Writer, labels: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = labels
        .iter()
        .flat_map(|&label| i64::from(label).to_le_bytes())
        .collect();
    writer.array(("i8", "<"), [labels.len() as u32, 0], &bytes)
}

/// The dictionary of CIFAR-10N with these clean labels.
fn dictionary(writer: Writer, clean: &[u32]) -> Vec<u8> {
    writer.dictionary(&[
        ("clean_label", array(writer, clean)),
        ("aggre_label", array(writer, &AGGRE)),
        ("worse_label", array(writer, &WORSE)),
        ("note", b"N".to_vec()),
    ])
}

/// The output of `np.save` for a dictionary: a `.npy` whose only element is the object.
fn saved(object: &[u8]) -> Vec<u8> {
    let dtype =
        b"cnumpy\ndtype\nU\x02O8\x89\x88\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb";
    // The protocol header precedes the array, and the stop instruction of the object follows it.
    let inner = &object[2..object.len() - 1];
    let body = [
        &object[..2],
        b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01)",
        dtype,
        b"\x89](",
        inner,
        b"etb.",
    ]
    .concat();
    npy("|O", false, "()", &body)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn read(path: &Path, column: Option<&str>) -> Result<NoisyLabels, DataError> {
    let noise = LabelNoise::FromFile {
        path: path.to_owned(),
        column: column.map(str::to_owned),
    };
    noise.inject(&CLEAN, 4, 1)
}

fn refusal(path: &Path, column: Option<&str>) -> String {
    let message = read(path, column).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    message
}

#[test]
fn a_column_is_read_from_every_writer_and_extension() {
    let folder = Folder::new();
    for writer in WRITERS {
        let pickle = dictionary(writer, &CLEAN);
        for (name, bytes) in [
            ("human.pkl", &pickle),
            ("human.pickle", &pickle),
            ("human", &pickle),
            ("human.npy", &saved(&pickle)),
        ] {
            let path = folder.file(name, bytes);
            let noisy = read(&path, Some("worse_label")).unwrap();
            assert_eq!(noisy.observed(), WORSE, "{writer:?} {name}");
            assert_eq!(noisy.corrupted(), 2, "{writer:?} {name}");
            let noisy = read(&path, Some("aggre_label")).unwrap();
            assert_eq!(noisy.observed(), AGGRE, "{writer:?} {name}");
        }
    }
}

#[test]
fn without_a_column_the_names_are_listed() {
    let folder = Folder::new();
    let path = folder.file("human.npy", &saved(&dictionary(Writer::Protocol5, &CLEAN)));
    let message = refusal(&path, None);
    assert!(
        message.contains("the label columns aggre_label, worse_label; "),
        "{message}"
    );
    assert!(
        message.contains("column = \"aggre_label\" (--column aggre_label)"),
        "{message}"
    );
    let message = refusal(&path, Some("worst_label"));
    assert!(
        message.contains("no label column `worst_label`; name one of clean_label, aggre_label"),
        "{message}"
    );
}

#[test]
fn a_single_column_needs_no_name() {
    let folder = Folder::new();
    let writer = Writer::Python2;
    let entries = [
        ("clean_label", array(writer, &CLEAN)),
        ("noisy_label", array(writer, &WORSE)),
    ];
    let path = folder.file("c100.pkl", &writer.dictionary(&entries));
    assert_eq!(read(&path, None).unwrap().observed(), WORSE);
    let alone = [vec![0x80, 2], array(writer, &WORSE), vec![b'.']].concat();
    let path = folder.file("alone.pkl", &alone);
    assert_eq!(read(&path, None).unwrap().observed(), WORSE);
    let message = refusal(&path, Some("noisy_label"));
    assert!(message.contains("not a dictionary"), "{message}");
}

#[test]
fn the_clean_column_verifies_the_order() {
    let folder = Folder::new();
    let mut other = CLEAN;
    other.swap(2, 3);
    let pickle = dictionary(Writer::Protocol5, &other);
    let path = folder.file("ordered.pkl", &pickle);
    let message = refusal(&path, Some("worse_label"));
    assert!(message.contains("clean label in row 2 is 3"), "{message}");
    assert!(message.contains("TensorFlow"), "{message}");
}

#[test]
fn superclasses_are_compared_with_superclasses() {
    let folder = Folder::new();
    let writer = Writer::Python2;
    let entries = [
        ("clean_label", array(writer, &[50; 8])),
        ("noisy_label", array(writer, &[50; 8])),
        ("clean_coarse_label", array(writer, &CLEAN)),
        ("noisy_coarse_label", array(writer, &WORSE)),
    ];
    let path = folder.file("c100.pkl", &writer.dictionary(&entries));
    let noisy = read(&path, Some("noisy_coarse_label")).unwrap();
    assert_eq!(noisy.observed(), WORSE);
    let message = refusal(&path, Some("noisy_label"));
    assert!(message.contains("label 50 in row 0"), "{message}");
}

#[test]
fn a_column_is_for_dictionaries_only() {
    let folder = Folder::new();
    let plain = npy("|u1", false, "(8,)", &WORSE.map(|label| label as u8));
    for (name, bytes) in [("labels.npy", plain), ("labels.csv", b"0\n1\n".to_vec())] {
        let path = folder.file(name, &bytes);
        let message = refusal(&path, Some("worse_label"));
        assert!(message.contains("omit `column`"), "{name}: {message}");
    }
}

#[test]
fn other_objects_are_errors() {
    let folder = Folder::new();
    for (name, bytes, part) in [
        (
            "evil.pkl",
            &b"\x80\x02cposix\nsystem\n(U\x04truetR."[..],
            "`posix.system`",
        ),
        (
            "names.pkl",
            b"\x80\x02](U\x03catU\x03doge.",
            "holds a list of 2, which is not",
        ),
        ("empty.pkl", b"\x80\x02}.", "a dictionary of 0 without"),
        (
            "negative.pkl",
            b"\x80\x02](J\xff\xff\xff\xffe.",
            "label -1 in row 0",
        ),
        ("void.pkl", b"", "is empty"),
        ("zip.pkl", b"PK\x03\x04....", "is a ZIP archive"),
        ("page.npy", b"<html>", "is a web page"),
        (
            "human.pt",
            b"PK\x03\x04....",
            "d = torch.load(f, map_location=\"cpu\")",
        ),
        (
            "old.pt",
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
            "was written by torch.save",
        ),
    ] {
        let message = refusal(&folder.file(name, bytes), None);
        assert!(message.contains(part), "{name}: {message}");
    }
}

#[test]
fn read_labels_has_its_own_remedy() {
    let folder = Folder::new();
    let path = folder.file("human.npy", &saved(&dictionary(Writer::Python2, &CLEAN)));
    let message = read_labels(&path).unwrap_err().to_string();
    assert!(
        message.contains("np.save(\"labels.npy\", d[\"aggre_label\"])"),
        "{message}"
    );
    let alone = [vec![0x80, 2], array(Writer::Python2, &WORSE), vec![b'.']].concat();
    let path = folder.file("alone.pkl", &alone);
    assert_eq!(read_labels(&path).unwrap(), WORSE);
}

#[test]
fn an_absent_column_is_not_serialized() {
    let text = r#"{"kind":"from_file","path":"noisy.npz"}"#;
    let noise: LabelNoise = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&noise).unwrap(), text);
    let text = r#"{"kind":"from_file","path":"human.npy","column":"worse_label"}"#;
    let noise: LabelNoise = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&noise).unwrap(), text);
}
