//! Rejected pickles, and limits on memory.

use super::super::read;
use super::{items, written_by_python};

fn refusal(bytes: &[u8]) -> String {
    let message = read(bytes).unwrap_err();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn other_functions_are_refused_by_name() {
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
fn supported_functions_are_refused_with_other_arguments() {
    for bytes in [
        // In Python, bytes(10**9) would take a gigabyte.
        &b"\x80\x02c__builtin__\nbytes\nJ\x00\xca\x9a;\x85R."[..],
        b"\x80\x02cnumpy\nndarray\nK\x01\x85R.",
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00rot\x86R.",
        // In Python, building onto a dictionary would set attributes.
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
fn only_zeros_may_follow_the_pickle() {
    assert!(refusal(b"N.N.").contains("2 bytes after"));
    assert!(read(b"N.\0\0\0").is_ok());
}

#[test]
fn a_group_cannot_pop_values_of_another_group() {
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
fn recursive_and_deeply_nested_lists_are_read() {
    let deep = [b"]".repeat(20_000), b"a".repeat(19_999), b".".to_vec()].concat();
    // Without memo instructions, the values exceed the budget for the file size.
    assert!(refusal(&deep).contains("more values"));
    let deep = [b"]q\0".repeat(5_000), b"a".repeat(4_999), vec![b'.']].concat();
    let value = read(&deep).unwrap();
    assert_eq!(value.root().describe(), "a list of 1");
    let own = read(b"]q\0h\0a.").unwrap();
    let inner = items(own.root())[0];
    assert_eq!(inner.describe(), "a list of 1");
}

#[test]
fn exponential_expansion_is_bounded() {
    // Each list holds the previous one ten times: 10^30 values in a few hundred bytes.
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

    // A string of 100,000 characters is copied by each of a thousand calls.
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

#[test]
fn labels_in_lists_of_one_stay_within_the_budget() {
    // The shortest encoding of `y.tolist()` for an (n, 1) array.
    let mut bytes = b"\x80\x04](".to_vec();
    bytes.extend(b"]\x94K\x03a".repeat(100_000));
    bytes.extend(b"e.");
    let pickle = read(&bytes).unwrap();
    assert_eq!(pickle.root().integers(), Some(vec![3; 100_000]));
}
