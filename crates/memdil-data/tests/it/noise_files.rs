//! Valid and invalid label files.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use memdil_data::noise::read_labels;
use memdil_data::random::{Stream, below, stream};
use memdil_data::{DataError, LabelNoise, NoisyLabels};
use ndarray::{Array1, Array2, ShapeBuilder};
use ndarray_npy::{WritableElement, WriteNpyExt};
use proptest::prelude::*;

const CLASSES: usize = 4;

/// Clean labels, and observed labels of which about a quarter differ.
fn labels(n: usize) -> (Vec<u32>, Vec<u32>) {
    let mut rng = stream(7, Stream::Shuffle);
    let clean: Vec<u32> = (0..n).map(|_| below(&mut rng, CLASSES) as u32).collect();
    let noise = LabelNoise::Symmetric {
        eta: 0.25,
        exact_count: true,
    };
    let observed = noise.inject(&clean, CLASSES, 3).unwrap();
    (clean, observed.observed().to_vec())
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn npy<T: WritableElement>(values: Vec<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Array1::from(values).write_npy(&mut bytes).unwrap();
    bytes
}

fn npz(noisy: &NoisyLabels) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    noisy.write_npz(&mut bytes).unwrap();
    bytes.into_inner()
}

/// The file of labels with one array replaced.
fn with(noisy: &NoisyLabels, name: &str, array: Vec<u8>) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(npz(noisy))).unwrap();
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let other = format!("{name}.npy");
    assert!(names.contains(&other));
    let entries: Vec<(&str, Vec<u8>)> = names
        .iter()
        .map(|name| {
            let mut content = Vec::new();
            let mut member = archive.by_name(name).unwrap();
            member.read_to_end(&mut content).unwrap();
            let content = if *name == other {
                array.clone()
            } else {
                content
            };
            (name.as_str(), content)
        })
        .collect();
    crate::common::npz::zip(&entries, false)
}

fn csv(header: &str, clean: Option<&[u32]>, observed: &[u32]) -> String {
    let line = |(i, label): (usize, &u32)| {
        clean.map_or(format!("{label}\n"), |clean| {
            format!("{},{label}\n", clean[i])
        })
    };
    header.to_owned() + &observed.iter().enumerate().map(line).collect::<String>()
}

fn from_file(path: &Path, clean: &[u32]) -> Result<NoisyLabels, DataError> {
    LabelNoise::FromFile {
        path: path.to_owned(),
        column: None,
    }
    .inject(clean, CLASSES, 9)
}

/// The error message, which must be one line and name the file.
fn refusal<T>(path: &Path, result: Result<T, DataError>) -> String {
    let message = result.err().unwrap().to_string();
    assert!(
        message.contains(path.to_str().unwrap()) && !message.contains('\n'),
        "{message}"
    );
    message
}

#[test]
fn labels_are_read_from_every_format() {
    let folder = Folder::new();
    let (clean, observed) = labels(80);
    let both = |order: ndarray::Shape<ndarray::Ix2>| {
        let array = Array2::from_shape_fn(order, |(i, j)| i64::from([&clean, &observed][j][i]));
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).unwrap();
        bytes
    };
    let swapped = csv("observed, clean\r\n", Some(&observed), &clean).replace('\n', "\r\n");
    for (name, bytes) in [
        ("plain.csv", csv("", None, &observed).into_bytes()),
        (
            "header.csv",
            csv("\u{feff}label\n", None, &observed).into_bytes(),
        ),
        ("beside.csv", csv("", Some(&clean), &observed).into_bytes()),
        (
            "named.csv",
            csv("clean,observed\n", Some(&clean), &observed).into_bytes(),
        ),
        ("swapped.csv", swapped.into_bytes()),
        (
            "u8.npy",
            npy(observed.iter().map(|&o| o as u8).collect::<Vec<_>>()),
        ),
        (
            "i16.npy",
            npy(observed.iter().map(|&o| o as i16).collect::<Vec<_>>()),
        ),
        ("u32.npy", npy(observed.clone())),
        (
            "i64.npy",
            npy(observed.iter().map(|&o| i64::from(o)).collect::<Vec<_>>()),
        ),
        ("rows.npy", both((80, 2).set_f(false))),
        ("columns.npy", both((80, 2).set_f(true))),
    ] {
        let path = folder.file(name, bytes);
        let noisy = from_file(&path, &clean).unwrap();
        assert_eq!(
            (noisy.clean(), noisy.observed()),
            (&clean[..], &observed[..]),
            "{name}"
        );
        assert!(
            (noisy.realised() - 0.25).abs() < 1e-12 && (noisy.requested() - 0.25).abs() < 1e-12,
            "{name}"
        );
        assert_eq!(
            (noisy.kind(), noisy.seed(), noisy.classes()),
            ("from_file", 9, CLASSES)
        );
        let two_columns = ["beside", "named", "swapped", "rows", "columns"]
            .iter()
            .any(|start| name.starts_with(start));
        if two_columns {
            let message = refusal(&path, read_labels(&path));
            let expected = ["it holds clean, observed", "80 rows of 2 numbers"];
            assert!(
                expected.iter().any(|part| message.contains(part)),
                "{message}"
            );
        } else {
            assert_eq!(read_labels(&path).unwrap(), observed);
        }
        // The result can be written and read again.
        assert_eq!(
            NoisyLabels::read(&folder.file("kept.npz", npz(&noisy))).unwrap(),
            noisy
        );
    }
}

#[test]
fn a_written_file_is_read_unchanged() {
    let folder = Folder::new();
    let (clean, _) = labels(200);
    let etas = Some(vec![0.1, 0.2, 0.3, 0.4]);
    for noise in [
        LabelNoise::Uniform {
            eta: 0.4,
            exact_count: false,
        },
        LabelNoise::PerClass {
            etas,
            range: None,
            rebalance: true,
            exact_count: false,
        },
        LabelNoise::LatentClass {
            eta: 0.2,
            split: 0.5,
            exact_count: false,
        },
        LabelNoise::Transition {
            matrix: vec![vec![0.25; 4]; 4],
            exact_count: true,
        },
    ] {
        let noisy = noise.inject(&clean, CLASSES, 5).unwrap();
        let path = folder.file("ours.npz", npz(&noisy));
        assert_eq!(from_file(&path, &clean).unwrap(), noisy);

        let mut other = clean.clone();
        other[17] = (clean[17] + 1) % CLASSES as u32;
        let message = refusal(&path, from_file(&path, &other));
        assert!(message.contains("row 17"), "{message}");
        assert!(
            refusal(&path, from_file(&path, &clean[1..]))
                .contains("holds 200 labels, but there are 199")
        );
        let wider = LabelNoise::FromFile {
            path: path.clone(),
            column: None,
        }
        .inject(&clean, 5, 9);
        assert!(refusal(&path, wider).contains("4 classes"));
    }
}

#[test]
fn a_wrong_or_unverified_order_is_an_error() {
    let folder = Folder::new();
    let (clean, observed) = labels(2000);
    let reversed = |labels: &[u32]| labels.iter().rev().copied().collect::<Vec<_>>();
    let path = folder.file("reversed.csv", csv("", None, &reversed(&observed)));
    assert!(refusal(&path, from_file(&path, &clean)).contains("another order"));

    let path = folder.file(
        "beside.csv",
        csv("", Some(&reversed(&clean)), &reversed(&observed)),
    );
    let first = (0..2000).find(|&i| clean[i] != clean[1999 - i]).unwrap();
    assert!(refusal(&path, from_file(&path, &clean)).contains(&format!("row {first} ")));

    // With noise this strong, kappa cannot verify the order, but the clean column can.
    let noise = LabelNoise::Uniform {
        eta: 1.0,
        exact_count: false,
    };
    let forgotten = noise.inject(&clean, CLASSES, 1).unwrap();
    let forgotten = forgotten.observed();
    let path = folder.file("forgotten.csv", csv("", None, forgotten));
    assert!(refusal(&path, from_file(&path, &clean)).contains("by chance"));
    let path = folder.file("forgotten.csv", csv("", Some(&clean), forgotten));
    assert_eq!(from_file(&path, &clean).unwrap().observed(), forgotten);

    // Two classes agree by chance in half of the rows; noise of one third is not a wrong order.
    let two: Vec<u32> = clean.iter().map(|c| c % 2).collect();
    let noisy = LabelNoise::Symmetric {
        eta: 0.33,
        exact_count: true,
    }
    .inject(&two, 2, 1)
    .unwrap();
    let path = folder.file("two.csv", csv("", None, noisy.observed()));
    let read = LabelNoise::FromFile {
        path: path.clone(),
        column: None,
    }
    .inject(&two, 2, 9)
    .unwrap();
    assert_eq!(read.mask(), noisy.mask());
    let turned = folder.file("two.csv", csv("", None, &reversed(noisy.observed())));
    refusal(
        &turned,
        LabelNoise::FromFile {
            path: turned.clone(),
            column: None,
        }
        .inject(&two, 2, 9),
    );
}

#[test]
fn invalid_label_files_are_errors() {
    let folder = Folder::new();
    let clean = [0, 1, 2, 3];
    let header = |descr: &str, shape: &str| {
        let literal =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [
            b"\x93NUMPY\x01\x00",
            &(literal.len() as u16).to_le_bytes()[..],
            literal.as_bytes(),
        ]
        .concat()
    };
    let whole = npy(vec![0_i64, 1, 2, 3]);
    for (name, bytes, part) in [
        ("empty.csv", vec![], "is empty; save one label per sample"),
        (
            "header.csv",
            b"label\n".to_vec(),
            "holds only a line of names",
        ),
        (
            "three.csv",
            b"0,1,2\n".to_vec(),
            "it holds column 1, column 2, column 3",
        ),
        (
            "named.csv",
            b"index,score\n0,1\n".to_vec(),
            "no array observed: it holds index, score",
        ),
        ("ragged.csv", b"0,1\n2\n".to_vec(), "line 2 has 1 columns"),
        ("float.csv", b"label\n0.5\n".to_vec(), "line 2: `0.5`"),
        (
            "negative.csv",
            b"0\n1\n-1\n3\n".to_vec(),
            "label -1 in row 2",
        ),
        ("gap.csv", b"0\n\n2\n3\n".to_vec(), "line 2: ``"),
        (
            "huge.csv",
            b"0\n99999999999\n".to_vec(),
            "label 99999999999 in row 1 is too large",
        ),
        (
            "range.csv",
            b"0\n1\n2\n4\n".to_vec(),
            "label 4 in row 3 is out of range: labels must be below 4",
        ),
        (
            "short.csv",
            b"0\n1\n2\n".to_vec(),
            "holds 3 labels, but there are 4",
        ),
        ("binary.csv", vec![0xff, 0xfe], "UTF-8"),
        ("empty.npy", vec![], "is empty"),
        ("none.npy", npy(Vec::<i64>::new()), "is empty"),
        ("pickled.npy", header("|O", "()"), "middle of its pickle"),
        (
            "objects.npy",
            [header("|O", "(4,)"), b"cos\nsystem\n.".to_vec()].concat(),
            "`os.system`",
        ),
        (
            "float.npy",
            npy(vec![0.5_f32; 4]),
            "row 0 is 0.5; labels are whole numbers",
        ),
        (
            "text.npy",
            [header("<U3", "(4,)"), vec![0; 48]].concat(),
            "class names must become numbers",
        ),
        (
            "negative.npy",
            npy(vec![0_i8, 1, -2, 3]),
            "label -2 in row 2",
        ),
        ("huge.npy", npy(vec![u64::MAX; 4]), "in row 0"),
        ("range.npy", npy(vec![0_u8, 1, 9, 3]), "label 9 in row 2"),
        (
            "long.npy",
            npy(vec![0_u8; 5]),
            "holds 5 labels, but there are 4",
        ),
        (
            "cube.npy",
            [header("|u1", "(1, 2, 3)"), vec![0; 6]].concat(),
            "has 3 dimension(s), not 1",
        ),
        (
            "wide.npy",
            [header("|u1", "(1, 3)"), vec![0; 3]].concat(),
            "has 1 rows of 3 numbers",
        ),
        (
            "cut.npy",
            whole[..whole.len() - 1].to_vec(),
            "truncated: 31 of 32 bytes",
        ),
        (
            "csv.npy",
            b"0\n1\n2\n3\n".to_vec(),
            "does not begin like a .npy file",
        ),
        ("empty.npz", vec![], "is empty, 0 bytes"),
        ("text.npz", b"0\n1\n2\n3\n".to_vec(), "not a complete .npz"),
        ("labels.pt", vec![1], "was written by torch.save"),
        ("labels", vec![1], "is not named"),
    ] {
        let path = folder.file(name, bytes);
        let message = refusal(&path, from_file(&path, &clean));
        assert!(message.contains(part), "{name}: {message}");
    }
    for name in ["gone.csv", "gone.npy", "gone.npz"] {
        let path = folder.0.path().join(name);
        let message = refusal(&path, from_file(&path, &clean));
        assert!(message.contains("cannot be read"), "{message}");
    }
}

#[test]
fn the_arrays_of_a_file_must_agree() {
    let folder = Folder::new();
    let (clean, _) = labels(40);
    let latent = LabelNoise::LatentClass {
        eta: 0.5,
        split: 0.5,
        exact_count: false,
    };
    let latent = latent.inject(&clean, CLASSES, 2).unwrap();
    let etas = Some(vec![0.1, 0.2, 0.3, 0.4]);
    let cut = LabelNoise::PerClass {
        etas,
        range: None,
        rebalance: true,
        exact_count: false,
    };
    let cut = cut.inject(&clean, CLASSES, 2).unwrap();
    let kept = cut.kept().unwrap();
    let kept_as = |kept: &[usize]| npy(kept.iter().map(|&i| i as u64).collect());
    let reversed: Vec<usize> = kept.iter().rev().copied().collect();
    for (noisy, name, array, part) in [
        (
            &latent,
            "observed_classes",
            npy(vec![4_u64]),
            "out of range",
        ),
        (
            &latent,
            "observed_classes",
            npy(vec![9_u64]),
            "observed_classes = 9",
        ),
        (&cut, "rates", npy(vec![0.1; 3]), "3 rates for 4"),
        (
            &cut,
            "rates",
            npy(vec![0.1, 0.2, f64::NAN, 0.0]),
            "rates[2] = NaN",
        ),
        (&cut, "kept", kept_as(&[]), "`kept`"),
        (&cut, "kept", kept_as(&[kept, &[40]].concat()), "`kept`"),
        (&cut, "kept", kept_as(&reversed), "`kept`"),
        (
            &cut,
            "kept",
            kept_as(&[&kept[..1], kept].concat()),
            "`kept`",
        ),
    ] {
        let path = folder.file("bad.npz", with(noisy, name, array));
        let message = refusal(&path, NoisyLabels::read(&path));
        assert!(message.contains(part), "{part}: {message}");
    }
}

proptest! {
    /// A damaged file is an error, or yields labels that pass every check.
    #[test]
    fn damaged_files_never_panic(
        at in any::<proptest::sample::Index>(), byte: u8, cut: bool, which in 0..4_usize,
    ) {
        let folder = Folder::new();
        let (clean, observed) = labels(30);
        let etas = Some(vec![0.1, 0.2, 0.3, 0.4]);
        let cut_noise = LabelNoise::PerClass { etas, range: None, rebalance: true, exact_count: false };
        let ours = npz(&cut_noise.inject(&clean, CLASSES, 2).unwrap());
        let (name, mut bytes) = [
            ("a.npz", ours),
            ("a.npy", npy(observed.iter().map(|&o| i64::from(o)).collect::<Vec<_>>())),
            ("a.csv", csv("clean,observed\n", Some(&clean), &observed).into_bytes()),
            ("b.csv", csv("", None, &observed).into_bytes()),
        ]
        .into_iter()
        .nth(which)
        .unwrap();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let path = folder.file(name, bytes);
        match from_file(&path, &clean) {
            Ok(noisy) => {
                prop_assert_eq!(noisy.clean(), &clean);
                prop_assert_eq!(noisy.observed().len(), 30);
                prop_assert!(noisy.observed().iter().all(|&label| (label as usize) < noisy.observed_classes()));
            }
            Err(error) => {
                let message = error.to_string();
                prop_assert!(message.contains(name) && !message.contains('\n'), "{message}");
            }
        }
    }
}
