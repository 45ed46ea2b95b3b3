//! Arrays of every type, byte order, memory order and container.

use half::{bf16, f16};
use memdil_data::arrays::{ArrayFile, Role};
use proptest::prelude::*;
use safetensors::tensor::TensorView;

use crate::common::npz::{npy, zip};

/// The layout of a saved array.
#[derive(Clone, Copy, Debug)]
struct Layout {
    fortran_order: bool,
    big_endian: bool,
    container: Container,
}

#[derive(Clone, Copy, Debug)]
enum Container {
    Npy,
    Stored,
    Deflated,
    Safetensors,
}

fn layouts() -> impl Strategy<Value = Layout> {
    let containers = prop_oneof![
        Just(Container::Npy),
        Just(Container::Stored),
        Just(Container::Deflated),
        Just(Container::Safetensors),
    ];
    (any::<bool>(), any::<bool>(), containers).prop_map(|(fortran_order, big_endian, container)| {
        Layout {
            fortran_order,
            big_endian,
            container,
        }
    })
}

/// A type with its NumPy and safetensors names, and the bytes of a value.
struct Type {
    numpy: &'static str,
    tensor: safetensors::Dtype,
    bytes: fn(f64) -> Vec<u8>,
}

const FLOATS: [Type; 4] = [
    Type {
        numpy: "f2",
        tensor: safetensors::Dtype::F16,
        bytes: |value| f16::from_f64(value).to_le_bytes().to_vec(),
    },
    Type {
        numpy: "f4",
        tensor: safetensors::Dtype::F32,
        bytes: |value| (value as f32).to_le_bytes().to_vec(),
    },
    Type {
        numpy: "f8",
        tensor: safetensors::Dtype::F64,
        bytes: |value| value.to_le_bytes().to_vec(),
    },
    Type {
        numpy: "",
        tensor: safetensors::Dtype::BF16,
        bytes: |value| bf16::from_f64(value).to_le_bytes().to_vec(),
    },
];

/// Types of labels, which are at most 127.
const LABELS: [Type; 11] = [
    integers("i1", safetensors::Dtype::I8, |v| {
        (v as i8).to_le_bytes().to_vec()
    }),
    integers("i2", safetensors::Dtype::I16, |v| {
        (v as i16).to_le_bytes().to_vec()
    }),
    integers("i4", safetensors::Dtype::I32, |v| {
        (v as i32).to_le_bytes().to_vec()
    }),
    integers("i8", safetensors::Dtype::I64, |v| {
        (v as i64).to_le_bytes().to_vec()
    }),
    integers("u1", safetensors::Dtype::U8, |v| {
        (v as u8).to_le_bytes().to_vec()
    }),
    integers("u2", safetensors::Dtype::U16, |v| {
        (v as u16).to_le_bytes().to_vec()
    }),
    integers("u4", safetensors::Dtype::U32, |v| {
        (v as u32).to_le_bytes().to_vec()
    }),
    integers("u8", safetensors::Dtype::U64, |v| {
        (v as u64).to_le_bytes().to_vec()
    }),
    integers("f2", safetensors::Dtype::F16, |v| {
        f16::from_f64(v).to_le_bytes().to_vec()
    }),
    integers("f4", safetensors::Dtype::F32, |v| {
        (v as f32).to_le_bytes().to_vec()
    }),
    integers("f8", safetensors::Dtype::F64, |v| v.to_le_bytes().to_vec()),
];

const fn integers(
    numpy: &'static str,
    tensor: safetensors::Dtype,
    bytes: fn(f64) -> Vec<u8>,
) -> Type {
    Type {
        numpy,
        tensor,
        bytes,
    }
}

/// A file with a matrix named `name`; `None` if the container does not support the layout.
fn save(
    name: &str,
    (rows, columns): (usize, usize),
    values: &[f64],
    kind: &Type,
    layout: Layout,
) -> Option<ArrayFile> {
    let Layout {
        fortran_order,
        big_endian,
        container,
    } = layout;
    let place = |i: usize| match fortran_order {
        true => (i % rows) * columns + i / rows,
        false => i,
    };
    let mut bytes = Vec::new();
    for i in 0..values.len() {
        let mut value = (kind.bytes)(values[place(i)]);
        if big_endian {
            value.reverse();
        }
        bytes.extend(value);
    }
    if let Container::Safetensors = container {
        if fortran_order || big_endian {
            return None;
        }
        let tensor = TensorView::new(kind.tensor, vec![rows, columns], &bytes).unwrap();
        let file = safetensors::serialize([(name, tensor)], None).unwrap();
        return Some(ArrayFile::parse(&file, "a.safetensors").unwrap());
    }
    if kind.numpy.is_empty() {
        return None;
    }
    let descr = format!("{}{}", if big_endian { '>' } else { '<' }, kind.numpy);
    let array = npy(
        &descr,
        fortran_order,
        &format!("({rows}, {columns})"),
        &bytes,
    );
    Some(match container {
        Container::Npy => ArrayFile::parse(&array, "a.NPY").unwrap(),
        _ => {
            let deflated = matches!(container, Container::Deflated);
            let file = zip(&[(&format!("{name}.npy"), array)], deflated);
            ArrayFile::parse(&file, "a.npz").unwrap()
        }
    })
}

/// A float64 rounded to a type.
fn kept(kind: &Type, value: f64) -> f64 {
    match kind.numpy {
        "f2" => f16::from_f64(value).to_f64(),
        "" => bf16::from_f64(value).to_f64(),
        "f4" => f64::from(value as f32),
        _ => value,
    }
}

fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

proptest! {
    #[test]
    fn a_matrix_is_equal_from_every_layout(
        rows in 1..6_usize, columns in 1..6_usize, seed in any::<u32>(), kind in 0..4_usize, layout in layouts(),
    ) {
        let kind = &FLOATS[kind];
        let values: Vec<f64> = (0..rows * columns)
            .map(|i| f64::from(seed.wrapping_mul(2 * i as u32 + 1)) / 1e5 - 2e4)
            .collect();
        let Some(file) = save("features", (rows, columns), &values, kind, layout) else {
            return Ok(());
        };
        let array = file.find(Role::Features).unwrap().unwrap();
        let expected = bits(values.iter().map(|&value| kept(kind, value)));
        let found = array.matrix::<f64>().unwrap();
        prop_assert_eq!(found.shape(), &[rows, columns]);
        prop_assert_eq!(bits(found.iter().copied()), expected);
        let narrow = array.matrix::<f32>().unwrap();
        let expected = values.iter().map(|&value| f64::from(kept(kind, value) as f32));
        prop_assert_eq!(bits(narrow.iter().map(|&value| value.into())), bits(expected));
    }

    #[test]
    fn labels_are_equal_from_every_layout(
        labels in prop::collection::vec(0..128_u8, 1..20), kind in 0..11_usize, layout in layouts(),
    ) {
        let values: Vec<f64> = labels.iter().map(|&label| label.into()).collect();
        let Some(file) = save("labels", (labels.len(), 1), &values, &LABELS[kind], layout) else {
            return Ok(());
        };
        let array = file.find(Role::Labels).unwrap().unwrap();
        let expected: Vec<i64> = labels.iter().map(|&label| label.into()).collect();
        prop_assert_eq!(&array.labels().unwrap()[..], &expected[..]);
    }
}

#[test]
fn matching_types_in_c_order_are_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.npy");
    let bytes: Vec<u8> = (0..6).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    std::fs::write(&path, npy("<f8", false, "(3, 2)", &bytes)).unwrap();
    let array = ArrayFile::open(&path)
        .unwrap()
        .require(Role::Features)
        .unwrap();
    assert!(array.matrix::<f64>().unwrap().is_view());
    assert!(!array.matrix::<f32>().unwrap().is_view());
    std::fs::write(&path, npy("<f8", true, "(3, 2)", &bytes)).unwrap();
    let array = ArrayFile::open(&path)
        .unwrap()
        .require(Role::Features)
        .unwrap();
    assert!(!array.matrix::<f64>().unwrap().is_view());
}

#[test]
fn an_unaligned_header_is_accepted() {
    // NumPy pads its headers to 64 bytes; other writers may not.
    let literal = b"{'descr':'<f8','fortran_order':False,'shape':(2,1)}\n";
    let values = [1.5_f64, -2.5].map(f64::to_le_bytes).concat();
    for padding in 0..8 {
        let length = (literal.len() + padding) as u16;
        let start = [&b"\x93NUMPY\x01\x00"[..], &length.to_le_bytes(), literal].concat();
        let file = [start, vec![b' '; padding], values.clone()].concat();
        let array = ArrayFile::parse(&file, "odd.npy")
            .unwrap()
            .require(Role::Features)
            .unwrap();
        let matrix = array.matrix::<f64>().unwrap();
        assert_eq!(bits(matrix.iter().copied()), bits([1.5, -2.5]), "{padding}");
    }
}

#[test]
fn a_single_array_may_have_any_other_name() {
    let array = npy("<f4", false, "(1, 1)", &1_f32.to_le_bytes());
    let find = |members: &[&str], role| {
        let entries: Vec<_> = members.iter().map(|name| (*name, array.clone())).collect();
        let file = ArrayFile::parse(&zip(&entries, false), "a.npz").unwrap();
        file.find(role)
            .unwrap()
            .map(|array| array.place().to_owned())
    };
    assert_eq!(
        find(&["arr_0.npy"], Role::Features).as_deref(),
        Some("a.npz: arr_0")
    );
    assert_eq!(
        find(&["run/H.npy"], Role::Features).as_deref(),
        Some("a.npz: run/H")
    );
    // The name belongs to another role.
    assert_eq!(find(&["logits.npy"], Role::Features), None);
    assert_eq!(find(&["arr_0.npy", "arr_1.npy"], Role::Features), None);
    let named = find(&["arr_0.npy", "X_train.npy"], Role::Features);
    assert_eq!(named.as_deref(), Some("a.npz: X_train"));
}

#[test]
fn other_files_and_types_are_described() {
    let entries = [("features.npy", npy("|O", false, "()", b"pickle"))];
    for (file, name, expected) in [
        (
            zip(&entries, false),
            "run.npy",
            "is a .npz file named .npy; rename it to .npz",
        ),
        (
            zip(&entries, false),
            "run",
            "is a .npz file; add .npz to its name",
        ),
        (
            npy("<f4", false, "()", &[0; 4]),
            "run.NPZ",
            "is a .npy file named .npz; rename it to .npy",
        ),
        (
            zip(&[("a/data.pkl", vec![])], false),
            "model.pt",
            "was written by torch.save",
        ),
        (b"1,2".to_vec(), "h.dat", "is not named .npy"),
    ] {
        let message = ArrayFile::parse(&file, name).err().unwrap().to_string();
        assert!(
            message.starts_with(&format!("{name}: {expected}")),
            "{message}"
        );
    }
}

#[test]
fn a_unique_name_inside_a_folder_is_found() {
    let array = npy("|u1", false, "(1,)", &[0]);
    let find = |members: &[&str]| {
        let entries: Vec<_> = members.iter().map(|name| (*name, array.clone())).collect();
        let file = ArrayFile::parse(&zip(&entries, false), "a.npz").unwrap();
        file.require(Role::Labels)
            .map(|array| array.place().to_owned())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        find(&["run/labels.npy", "run/other.npy"]).as_deref(),
        Ok("a.npz: run/labels")
    );
    // The array without a folder has precedence.
    assert_eq!(
        find(&["run/labels.npy", "labels.npy"]).as_deref(),
        Ok("a.npz: labels")
    );
    let error = find(&["train/labels.npy", "test/labels.npy"]).unwrap_err();
    assert!(
        error.contains("has no array labels: it holds test/labels, train/labels"),
        "{error}"
    );
    // Entries that are not arrays are ignored.
    assert_eq!(
        find(&["__MACOSX/._y.npy", "readme.txt", "run/", "y.npy"]).as_deref(),
        Ok("a.npz: y")
    );
}

/// The keys of the dictionary all refer to the same string of a megabyte, which its description
/// must not copy for every entry.
#[test]
fn a_hostile_dictionary_is_described_in_one_short_line() {
    let mut pickle = b"\x80\x02}(".to_vec();
    pickle.extend(b"X\x00\x00\x10\x00");
    pickle.extend(vec![b'\n'; 1 << 20]);
    pickle.extend(b"q\x01N");
    pickle.extend(b"h\x01N".repeat(1 << 18));
    pickle.extend(b"u.");
    let file = ArrayFile::parse(&pickle, "d.pkl").unwrap();
    let message = file
        .require(Role::Labels)
        .unwrap()
        .labels()
        .unwrap_err()
        .to_string();
    assert!(message.len() < 4000, "{}", message.len());
    assert!(message.contains("and 262137 more"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn labels_that_are_not_class_numbers_are_described() {
    let of = |descr: &str, shape: &str, bytes: &[u8]| {
        let file = ArrayFile::parse(&npy(descr, false, shape, bytes), "y.npy").unwrap();
        file.require(Role::Labels)
            .unwrap()
            .class_numbers()
            .err()
            .unwrap()
            .to_string()
    };
    for (descr, shape, bytes, expected) in [
        (
            "|u1",
            "(2, 3)",
            vec![0, 0, 1, 1, 0, 0],
            "they are one-hot; save a.argmax(1)",
        ),
        (
            "|b1",
            "(2, 2)",
            vec![0, 1, 1, 0],
            "they are one-hot; save a.argmax(1)",
        ),
        ("|u1", "(2, 3)", vec![0, 1, 1, 1, 0, 0], "(multi-label)"),
        ("|u1", "(2, 3)", vec![0, 0, 0, 1, 0, 0], "(multi-label)"),
        (
            "|u1",
            "(2, 2)",
            vec![7, 1, 8, 2],
            "save the column that holds the labels, a[:, 1], or a.ravel()",
        ),
        ("|u1", "(1, 3)", vec![7, 1, 8], "save a.ravel()"),
        (
            "<f4",
            "(1, 2)",
            [0.25_f32, 0.75].map(f32::to_le_bytes).concat(),
            "they are probabilities; save a.argmax(1)",
        ),
        (
            "<f4",
            "(2,)",
            [1.0, f32::NAN].map(f32::to_le_bytes).concat(),
            "the label in row 1 is NaN",
        ),
        (
            "|i1",
            "(3,)",
            vec![0, 0x9c, 0x9c],
            "label -100 (PyTorch's mark of ignored samples) in row 1 and 1 others",
        ),
        (
            "<U2",
            "(1,)",
            vec![0; 8],
            "np.unique(a, return_inverse=True)[1]",
        ),
        ("|V2", "(1,)", vec![0; 2], "two raw bytes per element"),
    ] {
        let message = of(descr, shape, &bytes);
        assert!(message.contains(expected), "{descr} {shape}: {message}");
    }
}
