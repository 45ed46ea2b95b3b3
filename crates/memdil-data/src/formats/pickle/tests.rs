//! Reading pickles that Python wrote.

use std::fs;
use std::path::Path;

use super::{Value, read};

/// Pickles of the same dictionary, written by several versions of Python and NumPy.
pub(super) fn written_by_python() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pickles");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "pkl"))
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert_eq!(files.len(), 13);
    files
}

/// Reads every file and checks one value of the dictionary.
fn each(name: &str, check: impl Fn(&str, Value<'_>)) {
    for (path, bytes) in written_by_python() {
        let pickle = read(&bytes).unwrap_or_else(|message| panic!("{path} {message}"));
        let value = pickle.root().get(name);
        check(
            &path,
            value.unwrap_or_else(|| panic!("{path} lacks {name}")),
        );
    }
}

pub(super) fn items(value: Value<'_>) -> Vec<Value<'_>> {
    match value {
        Value::List(items) | Value::Tuple(items) => items.iter().collect(),
        other => panic!("{} is not a sequence", other.describe()),
    }
}

#[test]
fn none_and_booleans_are_read() {
    each("none", |path, value| {
        assert!(matches!(value, Value::None), "{path}");
    });
    each("true", |path, value| {
        assert!(matches!(value, Value::Bool(true)), "{path}");
    });
    each("false", |path, value| {
        assert!(matches!(value, Value::Bool(false)), "{path}");
    });
}

#[test]
fn integers_of_every_size_are_read() {
    let expected: [i128; 15] = [
        0,
        1,
        255,
        256,
        65535,
        65536,
        -1,
        -100,
        (1 << 30) - 1,
        1 << 30,
        -(1 << 30),
        -(1 << 30) - 1,
        (1 << 31) - 1,
        1 << 40,
        -(1 << 40),
    ];
    each("integers", |path, value| {
        assert_eq!(value.integers().as_deref(), Some(&expected[..]), "{path}");
    });
}

#[test]
fn integers_beyond_64_bits_are_huge() {
    each("wide", |path, value| {
        let found: Vec<Option<i128>> = items(value)
            .into_iter()
            .map(|item| match item {
                Value::Integer(value) => Some(value),
                Value::Huge => None,
                other => panic!("{path}: {}", other.describe()),
            })
            .collect();
        let expected = [
            Some(i128::from(i64::MAX)),
            Some(1 << 63),
            Some(i128::from(u64::MAX)),
            None,
            Some(i128::from(i64::MIN)),
            None,
        ];
        assert_eq!(found, expected, "{path}");
        assert_eq!(value.integers(), None, "{path}");
    });
}

#[test]
fn floats_are_bit_equal() {
    each("floats", |path, value| {
        let found: Vec<f64> = items(value)
            .into_iter()
            .map(|item| match item {
                Value::Float(value) => value,
                other => panic!("{path}: {}", other.describe()),
            })
            .collect();
        assert_eq!(found, [0.1, -2.0, 1e300], "{path}");
    });
}

#[test]
fn text_and_bytes_are_read() {
    each("text", |path, value| {
        assert_eq!(value.text(), Some("h\u{e9}llo \u{20ac} \\ \n"), "{path}");
    });
    each("bytes", |path, value| {
        let Value::Bytes(bytes) = value else {
            panic!("{path}: {}", value.describe());
        };
        assert_eq!(bytes, b"\x00\xff\n\\'\"a", "{path}");
    });
}

#[test]
fn empty_values_are_read() {
    each("empty", |path, value| {
        let described: Vec<String> = items(value).into_iter().map(Value::describe).collect();
        let expected = [
            "a tuple of 0",
            "a list of 0",
            "a dictionary of 0",
            "a string",
            "bytes",
        ];
        assert_eq!(described, expected, "{path}");
    });
}

#[test]
fn tuples_of_every_length_are_read() {
    each("tuples", |path, value| {
        let found: Vec<_> = items(value).into_iter().map(Value::integers).collect();
        let expected: Vec<_> = (1..5)
            .map(|n| Some((1..=n).collect::<Vec<i128>>()))
            .collect();
        assert_eq!(found, expected, "{path}");
    });
}

#[test]
fn a_shared_list_occurs_twice() {
    each("shared", |path, value| {
        let found: Vec<_> = items(value).into_iter().map(Value::integers).collect();
        assert_eq!(found, [Some(vec![1, 2]), Some(vec![1, 2])], "{path}");
    });
}

#[test]
fn ordered_dictionaries_are_dictionaries() {
    each("ordered", |path, value| {
        assert!(matches!(value.get("a"), Some(Value::Integer(2))), "{path}");
        assert!(matches!(value.get("b"), Some(Value::Integer(1))), "{path}");
    });
}

#[test]
fn arrays_of_bytes_keep_their_shape() {
    each("u1", |path, value| {
        let Value::Array(array) = value else {
            panic!("{path}: {}", value.describe());
        };
        assert_eq!(array.descr(), "|u1", "{path}");
        assert_eq!(array.shape(), [2, 3], "{path}");
        assert!(!array.fortran(), "{path}");
        assert_eq!(
            array.bytes(),
            Some(&[250, 251, 252, 253, 254, 255][..]),
            "{path}"
        );
    });
}

#[test]
fn fortran_order_is_reported() {
    each("fortran", |path, value| {
        let Value::Array(array) = value else {
            panic!("{path}: {}", value.describe());
        };
        assert!(array.fortran(), "{path}");
        let first: Vec<u8> = array.bytes().unwrap().iter().step_by(4).copied().collect();
        assert_eq!(first, [0, 3, 1, 4, 2, 5], "{path}");
    });
}

#[test]
fn integer_arrays_are_integer_sequences() {
    for (name, expected) in [
        ("big", &[1, -2, 70_000][..]),
        ("column", &[3, 0, 9]),
        ("whole", &[4, 2]),
    ] {
        each(name, |path, value| {
            assert_eq!(value.integers().as_deref(), Some(expected), "{path} {name}");
        });
    }
}

#[test]
fn other_arrays_are_not_integer_sequences() {
    for name in [
        "u1", "fortran", "f4", "bool", "names", "records", "ragged", "point",
    ] {
        each(name, |path, value| {
            assert_eq!(value.integers(), None, "{path} {name}");
        });
    }
}

#[test]
fn arrays_are_described_by_type_and_shape() {
    for (name, expected) in [
        ("big", "an array of >i4 [3]"),
        ("f4", "an array of <f4 [2]"),
        ("bool", "an array of |b1 [2]"),
        ("names", "an array of <U2 [2]"),
        ("records", "an array of records [2]"),
        ("ragged", "an array of |O [2]"),
        ("point", "an array of <i8 []"),
        ("nothing", "an array of <f8 [0, 3]"),
    ] {
        each(name, |path, value| {
            assert_eq!(value.describe(), expected, "{path}");
        });
    }
}

#[test]
fn objects_of_an_array_are_values() {
    each("ragged", |path, value| {
        let Value::Array(array) = value else {
            panic!("{path}: {}", value.describe());
        };
        let objects = array.objects().unwrap();
        let found: Vec<_> = objects.iter().map(Value::integers).collect();
        assert_eq!(found, [Some(vec![1, 2]), Some(vec![3])], "{path}");
    });
}

#[test]
fn numpy_scalars_are_plain_values() {
    each("scalars", |path, value| {
        let found: Vec<String> = items(value)
            .into_iter()
            .map(|item| format!("{item:?}"))
            .collect();
        let expected = ["Integer(3)", "Integer(200)", "Float(0.25)", "Bool(true)"];
        assert_eq!(found, expected, "{path}");
    });
}
