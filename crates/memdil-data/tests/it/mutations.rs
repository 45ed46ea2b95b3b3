//! Damaged files: readers must not panic or allocate more memory than the file justifies.
//!
//! Each reader is run on a few hundred inputs; `MEMDIL_FUZZ_CASES` sets another number.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use memdil_data::arrays::{ArrayFile, Role};
use memdil_data::cifar::{Labels, parse_archive, parse_records};
use memdil_data::files::{CIFAR_10, CIFAR_10_PYTHON, CIFAR_100};
use memdil_data::noise::read_labels;
use memdil_data::random::{ChaCha8Rng, Rng, Stream, below, stream};
use memdil_data::{idx, npz, svhn};

use crate::common::cifar::{record, tar};
use crate::common::mat::STYLES;
use crate::common::npz::{npy, zip};
use crate::common::pickle::{WRITERS, Writer};
use crate::common::{gzip, images_file, labels_file};

/// The bytes that this thread has allocated and not freed, and their maximum.
#[derive(Clone, Copy)]
struct Usage {
    live: isize,
    peak: isize,
}

thread_local! {
    static USAGE: Cell<Usage> = const { Cell::new(Usage { live: 0, peak: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    // While a thread exits, its counter may already be destroyed; nothing is counted then.
    let _ = USAGE.try_with(|usage| {
        let Usage { live, peak } = usage.get();
        usage.set(Usage {
            live: live + bytes,
            peak: peak.max(live + bytes),
        });
    });
}

#[allow(unsafe_code)]
// SAFETY: every call is forwarded unchanged to the system's allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller upholds the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller guarantees that `pointer` was allocated by `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs `work` and returns its result with the peak of memory allocated on this thread.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = USAGE.get().live;
    USAGE.set(Usage {
        live: before,
        peak: before,
    });
    let result = work();
    (result, (USAGE.get().peak - before).cast_unsigned())
}

/// False numbers for headers.
const EXTREMES: [u32; 8] = [
    0,
    1,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    u32::MAX,
    1 << 30,
];

/// Damages a file at one to four positions.
fn mutate(file: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..=below(rng, 4) {
        if file.is_empty() {
            break;
        }
        // Most damage is near the ends, which hold headers and directories.
        let reach = if below(rng, 2) == 0 {
            file.len()
        } else {
            file.len().min(256)
        };
        let mut at = below(rng, reach);
        if below(rng, 3) == 0 {
            at = file.len() - 1 - at;
        }
        match below(rng, 6) {
            0 => file[at] ^= 1 << below(rng, 8),
            1 => file[at] = rng.next_u64() as u8,
            2 => file.truncate(at),
            3 => {
                let some = vec![rng.next_u64() as u8; 1 + below(rng, 64)];
                file.splice(at..at, some);
            }
            4 => {
                let end = file.len().min(at + 1 + below(rng, 64));
                file.drain(at..end);
            }
            _ => {
                let number = EXTREMES[below(rng, EXTREMES.len())];
                let bytes = if below(rng, 2) == 0 {
                    number.to_le_bytes()
                } else {
                    number.to_be_bytes()
                };
                let end = file.len().min(at + 4);
                file[at..end].copy_from_slice(&bytes[..end - at]);
            }
        }
    }
    file
}

/// Reads damaged copies of `files`, half of the plain ones compressed after the damage, and reports
/// the number of errors and the largest peak of memory.
fn damage(
    name: &str,
    files: &[Vec<u8>],
    packed: impl Fn(&[u8]) -> Vec<u8>,
    read: impl Fn(&[u8]) -> bool,
) {
    for file in files {
        assert!(read(file), "{name}: an undamaged file is refused");
    }
    let cases = std::env::var("MEMDIL_FUZZ_CASES").map_or(400, |cases| cases.parse().unwrap());
    let mut rng = stream(cases, Stream::Noise);
    let (mut refused, mut largest) = (0_u64, 0);
    for case in 0..cases {
        let mut file = mutate(&files[below(&mut rng, files.len())], &mut rng);
        let plain = file.len();
        if below(&mut rng, 2) == 0 {
            file = packed(&file);
        }
        let (read, peak) = peak_of(|| catch_unwind(AssertUnwindSafe(|| read(&file))));
        let Ok(read) = read else {
            panic!("{name}: case {case} of {cases} panics");
        };
        refused += u64::from(!read);
        largest = largest.max(peak);
        // The limit covers buffers and decoders, the content of the file, and vectors that double.
        // Damaged compressed bytes can expand further, at most by deflate's maximum ratio (1032).
        let unpacks = if is_packed(&file) { 1032 } else { 1 };
        // The ZIP library reserves 216 bytes per entry, and the end record of an archive can claim
        // 65,535 entries.
        let buffers = if file.starts_with(b"PK") {
            1 << 24
        } else {
            1 << 18
        };
        let justified = buffers + 4 * plain + 3 * unpacks * file.len();
        assert!(
            peak <= justified,
            "{name}: case {case} of {cases} allocates {peak} bytes for {} bytes",
            file.len()
        );
    }
    eprintln!("{name}: {cases} inputs, {refused} refused, at most {largest} bytes allocated");
    assert!(
        refused > cases / 4,
        "{name}: {refused} of {cases} damaged files are rejected"
    );
}

fn is_packed(file: &[u8]) -> bool {
    let deflated = file
        .windows(10)
        .any(|bytes| bytes.starts_with(b"PK\x03\x04") && bytes[8] == 8);
    let zlib = file.starts_with(b"MATLAB");
    file.starts_with(&[0x1f, 0x8b]) || deflated || zlib
}

#[test]
fn idx_images() {
    damage(
        "idx images",
        &[images_file(5), gzip(&images_file(9))],
        gzip,
        |file| idx::parse_images(file, "x").is_ok(),
    );
}

#[test]
fn idx_labels() {
    damage("idx labels", &[labels_file(&[3; 50])], gzip, |file| {
        idx::parse_labels(file, "x").is_ok()
    });
}

#[test]
fn cifar_records() {
    let file = [record(&[1], 3), record(&[9], 7)].concat();
    damage(
        "cifar-10 records",
        std::slice::from_ref(&file),
        gzip,
        |file| parse_records(file, Labels::Cifar10, "x").is_ok(),
    );
}

#[test]
fn cifar_archives() {
    let one = record(&[5], 1);
    let entries: Vec<_> = CIFAR_10
        .iter()
        .map(|name| (*name, b'0', &one[..]))
        .collect();
    let ten = tar(&entries);
    damage("cifar-10 archive", &[gzip(&ten), ten], gzip, |file| {
        parse_archive(file, Labels::Cifar10, "x").is_ok()
    });

    let one = record(&[5, 50], 1);
    let entries: Vec<_> = CIFAR_100
        .iter()
        .map(|name| (*name, b'0', &one[..]))
        .collect();
    let hundred = tar(&entries);
    damage(
        "cifar-100 archive",
        &[gzip(&hundred), hundred],
        gzip,
        |file| parse_archive(file, Labels::Coarse, "x").is_ok(),
    );
}

#[test]
fn cifar_python_batches() {
    let pixels = [record(&[], 3), record(&[], 7)].concat();
    let labels: [(&str, &[u8]); 3] = [
        ("labels", &[1, 9]),
        ("fine_labels", &[70, 9]),
        ("coarse_labels", &[19, 0]),
    ];
    let files = WRITERS.map(|writer| writer.batch(&labels, &pixels));
    damage("cifar-10 batches for Python", &files, gzip, |file| {
        parse_records(file, Labels::Cifar10, "x").is_ok()
    });
    // Without pixels, most of the damage affects the instructions.
    let files = WRITERS.map(|writer| writer.batch(&[("fine_labels", &[]), ("labels", &[])], &[]));
    damage("empty batches for Python", &files, gzip, |file| {
        parse_records(file, Labels::Fine, "x").is_ok()
    });
}

#[test]
fn cifar_python_archives() {
    let one = Writer::Python2.batch(&[("labels", &[5])], &record(&[], 1));
    let entries: Vec<_> = CIFAR_10_PYTHON
        .iter()
        .map(|name| (*name, b'0', &one[..]))
        .collect();
    let ten = tar(&entries);
    damage(
        "cifar-10 Python archive",
        &[gzip(&ten), ten],
        gzip,
        |file| parse_archive(file, Labels::Cifar10, "x").is_ok(),
    );
}

#[test]
fn pickled_labels() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..30_u64).flat_map(u64::to_le_bytes).collect();
    // One label set, and other entries that are not labels.
    let dictionary = |writer: Writer| {
        writer.dictionary(&[
            ("worse_label", writer.array(("u8", "<"), [30, 0], &bytes)),
            ("rate", b"G?\xb9\x99\x99\x99\x99\x99\x9a".to_vec()),
            ("names", b"](U\x03catU\x03doge".to_vec()),
            ("nested", b"}(K\x01]]a\x85K\x02)u".to_vec()),
        ])
    };
    let pickles = WRITERS.map(dictionary);
    let arrays = pickles
        .each_ref()
        .map(|pickle| npy("|O", false, "()", pickle));
    for (name, files) in [("labels.pkl", pickles), ("labels.npy", arrays)] {
        let path = folder.path().join(name);
        let twice = |file: &[u8]| mutate(file, &mut stream(file.len() as u64, Stream::Split));
        damage(name, &files, twice, |file| {
            std::fs::write(&path, file).unwrap();
            read_labels(&path).is_ok()
        });
    }
}

/// Values of one byte each, copies of copies, and memo numbers that do not exist.
#[test]
fn malicious_pickles_take_little_memory() {
    let megabyte = 1 << 20;
    let repeated = |part: &[u8]| {
        let mut file = b"\x80\x04}(C\x04datac_codecs\nencode\nq\x00X\x04\x00\x00\x00\xc3\xa9\xc3\xa9q\x01X\x06\x00\x00\x00latin1q\x02]q\x03".to_vec();
        file.extend(part.repeat(megabyte / part.len()));
        file.push(b'.');
        file
    };
    let mut largest = 0;
    for part in [
        &b"]"[..],
        b"}",
        b"(",
        b"N",
        b"2",
        b")",
        b"\x94",
        b"]\x94",
        b"(t",
        b"]K\x01a",
        b"]K\x01a0",
        b"(]l",
        b"((d",
        b"K\x01\x85",
        b"h\x03\x85q\x03",
        b"h\x03h\x03\x86q\x03",
        b"h\x03h\x03a0",
        b"h\x03(K\x01K\x01e0",
        b"h\x00h\x01h\x02\x86R",
        b"cnumpy\ndtype\n",
        b"I1\nI2\n",
        b"G\x00\x00\x00\x00\x00\x00\x00\x00",
        b"r\xff\xff\x00\x00",
        b"V\xe9\n",
        b"S'\\n'\n",
    ] {
        let file = repeated(part);
        let (result, peak) = peak_of(|| parse_records(&file, Labels::Cifar10, "x"));
        assert!(result.is_err(), "{part:?}");
        largest = largest.max(peak);
        assert!(
            peak < 22 * file.len(),
            "{part:?} takes {peak} bytes for {}",
            file.len()
        );
    }
    eprintln!("pickles of {megabyte} bytes: at most {largest} bytes allocated");
}

#[test]
fn svhn_files() {
    let files: Vec<_> = STYLES
        .iter()
        .map(|style| {
            style.file(&[
                style.images(2, |i, c, y, x| (i + c + y + x) as u8),
                style.labels(&[10, 3]),
            ])
        })
        .collect();
    damage("svhn", &files, gzip, |file| svhn::parse(file, "x").is_ok());
}

/// Files with 4 x 3 features and labels, or with labels only, by name.
fn array_files() -> [(&'static str, Vec<u8>); 5] {
    let features: Vec<u8> = (0..12).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    let labels = [0_i64, 1, 2, 1].map(i64::to_le_bytes).concat();
    let entries = [
        ("features.npy", npy("<f8", true, "(4, 3)", &features)),
        ("labels.npy", npy("<i8", false, "(4, 1)", &labels)),
    ];
    let tensor = |dtype, shape: &[usize], bytes| {
        safetensors::tensor::TensorView::new(dtype, shape.to_vec(), bytes).unwrap()
    };
    let tensors = [
        (
            "features",
            tensor(safetensors::Dtype::BF16, &[4, 3], &features[..24]),
        ),
        ("labels", tensor(safetensors::Dtype::I64, &[4], &labels)),
    ];
    [
        ("a.npy", entries[1].1.clone()),
        ("stored.npz", zip(&entries, false)),
        ("deflated.npz", zip(&entries, true)),
        (
            "a.safetensors",
            safetensors::serialize(tensors, None).unwrap(),
        ),
        ("a.csv", b"clean,labels\n0,0\n1,1\n1,2\n2.0,1\n".to_vec()),
    ]
}

#[test]
fn arrays() {
    let twice = |file: &[u8]| mutate(file, &mut stream(file.len() as u64, Stream::Split));
    for (name, file) in array_files() {
        damage(name, &[file], twice, |bytes| {
            let Ok(file) = ArrayFile::parse(bytes, name) else {
                return false;
            };
            let labels = file.find(Role::Labels).and_then(|array| match array {
                Some(array) => array.labels().map(|labels| labels.len() == 4),
                None => Ok(false),
            });
            let features = match name {
                "a.npy" | "a.csv" => Ok(true),
                _ => file.find(Role::Features).and_then(|array| match array {
                    Some(array) => array.matrix::<f32>().map(|matrix| matrix.dim() == (4, 3)),
                    None => Ok(false),
                }),
            };
            labels.is_ok_and(|whole| whole) && features.is_ok_and(|whole| whole)
        });
    }
}

#[test]
fn npz_files() {
    let floats: Vec<u8> = (0..36_u8)
        .flat_map(|i| f32::from(i).to_le_bytes())
        .collect();
    let bytes: Vec<u8> = (0..36).collect();
    let of = |dtype, train: &[u8], test: &[u8]| {
        let entries = [
            ("images.npy", npy(dtype, false, "(4, 3, 3)", train)),
            ("labels.npy", npy("<i8", false, "(4,)", &[0; 32])),
            ("test_images.npy", npy(dtype, false, "(2, 1, 3, 3)", test)),
            ("test_labels.npy", npy("|u1", false, "(2,)", &[1, 2])),
        ];
        [zip(&entries, false), zip(&entries, true)]
    };
    let files = [
        of("<f4", &floats, &floats[..72]),
        of("|u1", &bytes, &bytes[..18]),
    ]
    .concat();
    // Archives are not compressed again, so damage is always applied to the file itself.
    let twice = |file: &[u8]| mutate(file, &mut stream(file.len() as u64, Stream::Split));
    damage("npz", &files, twice, |file| {
        npz::parse(file, "x.npz").is_ok()
    });
}

#[test]
fn a_false_zip_directory_does_not_allocate() {
    let small = npy("|u1", false, "(1,)", &[0]);
    let zeros = npy("|u1", false, "(100000,)", &[0; 100_000]);
    let mut file = zip(&[("zeros.npy", zeros), ("labels.npy", small)], false);
    let end = file.len() - 22;
    let directory = u32::from_le_bytes(file[end + 16..end + 20].try_into().unwrap());
    // The end record of 64-bit archives, its locator, and the end record that refers to it.
    let mut wide = [
        &b"PK\x06\x06"[..],
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0],
        &[0; 8],
    ]
    .concat();
    for number in [100_000, 100_000, u64::from(u32::MAX), u64::from(directory)] {
        wide.extend(number.to_le_bytes());
    }
    wide.extend(
        [
            &b"PK\x06\x07\0\0\0\0"[..],
            &(end as u64).to_le_bytes(),
            &[1, 0, 0, 0],
        ]
        .concat(),
    );
    file[end + 8..end + 20].fill(0xff);
    file.splice(end..end, wide);
    let (result, peak) = peak_of(|| npz::parse(&file, "liar.npz"));
    let message = result.unwrap_err().to_string();
    assert!(message.contains("is not a complete .npz file"), "{message}");
    assert!(peak < 1 << 18, "{peak}");
}

#[test]
fn a_decompression_bomb_is_an_error() {
    // 2^31 bytes of zeros after a correct header, in gzip members of 2^20 zeros each.
    let mut file = gzip(
        &[
            &[0, 0, 8, 3][..],
            &[1_u32 << 21, 32, 32].map(u32::to_be_bytes).concat(),
        ]
        .concat(),
    );
    let member = gzip(&vec![0; 1 << 20]);
    for _ in 0..1 << 11 {
        file.extend_from_slice(&member);
    }
    let (result, peak) = peak_of(|| idx::parse_images(&file, "bomb"));
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains("bomb claims more than 1073741824 bytes"),
        "{message}"
    );
    assert!(peak < 1 << 20, "{peak}");
}
