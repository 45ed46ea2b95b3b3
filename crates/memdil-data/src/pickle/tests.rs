use std::fs;
use std::path::Path;

use super::{Value, read};

/// The same dictionary, as each Python and NumPy writes it.
fn written_by_python() -> Vec<(String, Vec<u8>)> {
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

/// Reads every file and shows a value of the dictionary.
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

fn items(value: Value<'_>) -> Vec<Value<'_>> {
    match value {
        Value::List(items) | Value::Tuple(items) => items.iter().collect(),
        other => panic!("{} is not a sequence", other.describe()),
    }
}

fn refusal(bytes: &[u8]) -> String {
    let message = read(bytes).unwrap_err();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn none_and_truth_values() {
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
fn integers_of_every_size() {
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
fn integers_beyond_64_bits_are_told_from_others() {
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
fn text_and_bytes() {
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
fn empty_values() {
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
fn tuples_of_one_to_four() {
    each("tuples", |path, value| {
        let found: Vec<_> = items(value).into_iter().map(Value::integers).collect();
        let expected: Vec<_> = (1..5)
            .map(|n| Some((1..=n).collect::<Vec<i128>>()))
            .collect();
        assert_eq!(found, expected, "{path}");
    });
}

#[test]
fn a_list_that_is_used_twice_is_seen_twice() {
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
fn arrays_in_fortran_order_say_so() {
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
fn arrays_of_integers_are_sequences_of_them() {
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
fn other_arrays_are_none() {
    for name in [
        "u1", "fortran", "f4", "bool", "names", "records", "ragged", "point",
    ] {
        each(name, |path, value| {
            assert_eq!(value.integers(), None, "{path} {name}");
        });
    }
}

#[test]
fn arrays_tell_their_type_and_shape() {
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

#[test]
fn names_of_functions_are_refused_with_the_name() {
    for (bytes, name) in [
        (&b"cos\nsystem\n(S'true'\ntR."[..], "`os.system`"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "`os.system`"),
        (b"\x80\x02cbuiltins\neval\n.", "`builtins.eval`"),
        (b"\x80\x02cnumpy\nload\n.", "`numpy.load`"),
        (
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n.",
            "`torch._utils._rebuild_tensor_v2`",
        ),
        (b"(ios\nsystem\n.", "`os.system`"),
        (b"\x80\x02c\x1b[2Jmine\nName\n.", "\\u{1b}[2Jmine.Name"),
    ] {
        let message = refusal(bytes);
        assert!(message.contains(name), "{message}");
        assert!(
            message.contains("only plain values and NumPy arrays are read"),
            "{message}"
        );
    }
}

#[test]
fn instructions_that_build_objects_are_refused() {
    for (bytes, what) in [
        (&b"\x80\x02cnumpy\nndarray\n)\x81."[..], "instance"),
        (b"\x80\x02(cnumpy\nndarray\no.", "instance"),
        (b"\x80\x02\x82\x01.", "copyreg"),
        (b"\x80\x04\x8f.", "a set"),
        (b"\x80\x02NQ.", "outside the file"),
        (b"Pstorage\n.", "outside the file"),
        (b"\x80\x05\x97.", "elsewhere"),
    ] {
        let message = refusal(bytes);
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn functions_that_are_read_are_still_not_called_on_anything_else() {
    for bytes in [
        // bytes(10**9) would take a gigabyte.
        &b"\x80\x02c__builtin__\nbytes\nJ\x00\xca\x9a;\x85R."[..],
        b"\x80\x02cnumpy\nndarray\nK\x01\x85R.",
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00rot\x86R.",
        // Building onto a dictionary would set attributes.
        b"\x80\x02}}b.",
        b"\x80\x02K\x01)R.",
    ] {
        assert!(refusal(bytes).contains("damaged"));
    }
}

#[test]
fn every_truncation_is_refused() {
    for (path, bytes) in written_by_python() {
        for length in (0..bytes.len()).step_by(7) {
            assert!(read(&bytes[..length]).is_err(), "{path}: {length} bytes");
        }
    }
}

#[test]
fn bytes_behind_the_pickle_are_refused_but_for_zeros() {
    assert!(refusal(b"N.N.").contains("2 bytes behind"));
    assert!(read(b"N.\0\0\0").is_ok());
}

#[test]
fn groups_do_not_reach_into_others() {
    for bytes in [
        &b"K\x01(\x85."[..],
        b"(t(.",
        b"1.",
        b"(K\x01u.",
        b"}(K\x01u.",
        b"]K\x01s.",
        b"0.",
        b"h\x07.",
        b"r\xff\xff\xff\xff.",
    ] {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn an_array_must_fill_its_shape() {
    let text = b"\x80\x05cnumpy._core.numeric\n_frombuffer\n(C\x03abccnumpy\ndtype\nU\x02u1\x89\x88\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbK\x03\x85U\x01CtR.";
    assert!(read(text).is_ok());
    let mut longer = text.to_vec();
    let at = longer
        .windows(3)
        .position(|part| part == b"K\x03\x85")
        .unwrap();
    longer[at + 1] = 4;
    assert!(refusal(&longer).contains("do not fill the shape [4]"));
}

#[test]
fn a_list_may_hold_itself_and_nest_without_recursion() {
    let deep = [b"]".repeat(20_000), b"a".repeat(19_999), b".".to_vec()].concat();
    // More values than the size of the file justifies.
    assert!(refusal(&deep).contains("more values"));
    let deep = [b"]q\0".repeat(5_000), b"a".repeat(4_999), vec![b'.']].concat();
    let value = read(&deep).unwrap();
    assert_eq!(value.root().describe(), "a list of 1");
    let own = read(b"]q\0h\0a.").unwrap();
    let inner = items(own.root())[0];
    assert_eq!(inner.describe(), "a list of 1");
}

#[test]
fn laughter_of_a_billion_is_bounded() {
    // Each list holds the one before ten times: 10^30 values in a few hundred bytes.
    let mut bytes = b"]q\0".to_vec();
    for level in 0..30_u8 {
        bytes.extend([b']', b'q', level + 1, b'(']);
        for _ in 0..10 {
            bytes.extend([b'h', level]);
        }
        bytes.push(b'e');
    }
    bytes.push(b'.');
    let pickle = read(&bytes).unwrap();
    assert_eq!(pickle.root().describe(), "a list of 10");

    // One text of 100,000 characters, copied by each of a thousand calls.
    let mut bytes = b"\x80\x02c_codecs\nencode\nq\0".to_vec();
    bytes.push(b'X');
    bytes.extend(200_000_u32.to_le_bytes());
    bytes.extend("\u{e9}".repeat(100_000).bytes());
    bytes.extend(b"q\x01X\x06\0\0\0latin1q\x02(");
    for _ in 0..1_000 {
        bytes.extend(b"h\0h\x01h\x02\x86R");
    }
    bytes.extend(b"l.");
    assert!(refusal(&bytes).contains("more values"));
}
