//! Files that `memdil metrics` refuses, with the error messages.

use std::fs;

use ndarray::{Array1, Array2};
use ndarray_npy::{NpzWriter, write_npy};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::common::Scene;
use crate::metrics::Golden;

/// A .npy file with any header.
pub(crate) fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
    [
        b"\x93NUMPY\x01\x00",
        &(header.len() as u16).to_le_bytes()[..],
        header.as_bytes(),
        data,
    ]
    .concat()
}

#[test]
fn bad_arrays_are_refused_with_file_and_remedy() {
    let scene = Scene::new("metrics");
    write_npy(
        scene.path("h.npy"),
        &Array2::from_shape_fn((4, 2), |(i, j)| (i * i + j) as f32),
    )
    .unwrap();
    write_npy(scene.path("y.npy"), &Array1::from_vec(vec![0_i32, 1, 0, 1])).unwrap();
    let zeros = [0_u8; 64];
    let good = npy("'<f4'", "False", "(4, 2)", &zeros[..32]);
    for (bytes, expected) in [
        (
            npy("'<i8'", "False", "(4, 2)", &zeros),
            ["int64", "astype(\"float32\")"],
        ),
        (
            npy("'|O'", "False", "(4, 2)", b"\x80\x04]."),
            ["one pickled Python object (a list of 0)", "save"],
        ),
        (npy("'<c8'", "False", "(4, 2)", &zeros), ["<c8", "save"]),
        (
            npy("[('a', '<f4')]", "False", "(4, 2)", &zeros[..32]),
            ["records with the columns a", "np.stack([a[\"a\"]], 1)"],
        ),
        (
            npy("'<f4'", "False", "(8,)", &zeros[..32]),
            ["1 dimension(s), not 2", "reshape"],
        ),
        (
            npy("'<f4'", "False", "()", &zeros[..4]),
            ["0 dimension(s), not 2", "one row per sample"],
        ),
        (
            npy("'<f4'", "False", "(4, 2, 1)", &zeros[..32]),
            ["3 dimension(s), not 2", "reshape"],
        ),
        (npy("'<f4'", "False", "(0, 2)", b""), ["empty", "0 x 2"]),
        (npy("'<f4'", "False", "(4, 0)", b""), ["empty", "4 x 0"]),
        (
            npy("'<f4'", "False", "(4611686018427387904, 4)", &zeros[..32]),
            ["shape", "exceeds any memory"],
        ),
        (
            npy("'<f4'", "False", "(2147483648, 2147483648)", &zeros[..32]),
            ["shape", "exceeds any memory"],
        ),
        (
            npy("'<f4'", "False", "(100000000, 100)", &zeros[..32]),
            ["truncated", "40000000000"],
        ),
        (good[..good.len() - 1].to_vec(), ["truncated", "31 of 32"]),
        (
            [&good[..], b"x"].concat(),
            ["1 bytes after the end", "save"],
        ),
        (good[..30].to_vec(), ["header", "save"]),
        (b"".to_vec(), ["empty", "save"]),
        (
            b"sepal,petal\n1,2\n".to_vec(),
            ["not begin like a .npy", "numpy.save"],
        ),
    ] {
        fs::write(scene.path("bad.npy"), bytes).unwrap();
        scene.refuse(
            "--features bad.npy --labels y.npy",
            &["bad.npy: ", expected[0], expected[1]],
        );
    }
    // A single column has the same layout in both memory orders.
    fs::write(
        scene.path("one.npy"),
        npy("'<f4'", "True", "(4, 1)", &1_f32.to_le_bytes().repeat(4)),
    )
    .unwrap();
    // The file is read; its class means coincide, so some metrics are undefined.
    let found = scene.succeed("--features one.npy --labels y.npy --json");
    assert!(found.contains("class means coincide"), "{found}");

    let labels = |values: &[i64]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let big = u64::MAX.to_le_bytes();
    for (bytes, expected) in [
        (
            npy("'<f4'", "False", "(4,)", &0.5_f32.to_le_bytes().repeat(4)),
            ["row 0 is 0.5", "whole numbers"],
        ),
        (
            npy("'<U1'", "False", "(4,)", &zeros[..16]),
            ["class names", "np.unique(a, return_inverse=True)[1]"],
        ),
        (
            npy(
                "'<i8'",
                "False",
                "(4, 2)",
                &labels(&[0, 1, 1, 0, 1, 0, 0, 1]),
            ),
            ["one-hot", "a.argmax(1)"],
        ),
        (
            npy("'<i8'", "False", "(4,)", &labels(&[0, 1, -1, 1])),
            ["labels (bad.npy)", "-1 occurs once"],
        ),
        (npy("'<u8'", "False", "(1,)", &big), ["row 0", "int64"]),
        (
            npy("'<i8'", "False", "(3,)", &labels(&[0, 1, 1])),
            ["3", "4"],
        ),
        (
            npy("'<i8'", "False", "(4,)", &labels(&[0, 1, 3, 1])),
            ["only 0 to 1 and 3", "np.unique"],
        ),
        (
            npy("'<i8'", "False", "(4,)", &labels(&[0, 1, i64::MAX, 1])),
            ["and 9223372036854775807", "np.unique"],
        ),
    ] {
        fs::write(scene.path("bad.npy"), bytes).unwrap();
        scene.refuse("--features h.npy --labels bad.npy", &expected);
    }
    let mut features = Array2::from_shape_fn((4, 2), |(i, j)| (i * i + j) as f32);
    features[[2, 1]] = f32::NAN;
    write_npy(scene.path("nan.npy"), &features).unwrap();
    scene.refuse(
        "--features nan.npy --labels y.npy",
        &["features (nan.npy)", "row 2", "NaN"],
    );
    let unseen = "--features h.npy --labels y.npy --test-features nan.npy --test-labels y.npy";
    scene.refuse(unseen, &["test_features (nan.npy)", "row 2", "NaN"]);
    write_npy(scene.path("W.npy"), &Array2::<f32>::eye(3)).unwrap();
    scene.refuse("--features h.npy --labels y.npy --classifier W.npy", &["3"]);
    write_npy(scene.path("b.npy"), &Array2::<f32>::eye(2)).unwrap();
    scene.refuse(
        "--features h.npy --labels y.npy --classifier W.npy --bias b.npy",
        &["b.npy", "not 1"],
    );
}

#[test]
fn bad_files_and_missing_arrays() {
    let scene = Scene::new("metrics");
    write_npy(
        scene.path("h.npy"),
        &Array2::from_shape_fn((4, 2), |(i, j)| (i * i + j) as f32),
    )
    .unwrap();
    write_npy(scene.path("y.npy"), &Array1::from_vec(vec![0_i32, 1, 0, 1])).unwrap();
    write_npy(scene.path("b.npy"), &Array1::from_vec(vec![0_f32, 1.0])).unwrap();
    fs::create_dir(scene.path("folder.npy")).unwrap();
    for (name, bytes) in [
        ("h.csv", "1,2\n"),
        ("h.npz", "PK"),
        ("h.safetensors", "{}"),
        ("e.npz", ""),
        ("e.safetensors", ""),
    ] {
        fs::write(scene.path(name), bytes).unwrap();
    }
    let mut npz = NpzWriter::new(fs::File::create(scene.path("half.npz")).unwrap());
    npz.add_array("a", &Array2::<f32>::eye(2)).unwrap();
    npz.add_array("b", &Array2::<f32>::eye(2)).unwrap();
    npz.finish().unwrap();
    let (half, names) = ([0_u8; 16], ["a.weight", "a.bias", "b.weight", "b.bias"]);
    let weights = names.map(|name| {
        let tensor = TensorView::new(Dtype::BF16, vec![4, 2], &half).unwrap();
        (name, tensor)
    });
    fs::write(
        scene.path("b.safetensors"),
        safetensors::serialize(weights, None).unwrap(),
    )
    .unwrap();
    for (arguments, expected) in [
        ("--labels y.npy", ["--features", "--help"]),
        ("--features h.npy", ["labels", "--labels FILE"]),
        (
            "--features absent.npy --labels y.npy",
            ["absent.npy", "check the path"],
        ),
        (
            "--features h.npy --labels absent.npy",
            ["absent.npy", "check the path"],
        ),
        (
            "--features folder.npy --labels y.npy",
            ["folder.npy", "is a folder"],
        ),
        (
            "--features h.csv --labels y.npy",
            ["h.csv", "only labels are read"],
        ),
        ("--features h --labels y.npy", ["h: ", "check the path"]),
        ("--features h.npz", ["h.npz", "not a complete .npz file"]),
        (
            "--features h.safetensors",
            ["h.safetensors", "not a complete .safetensors file"],
        ),
        ("--features e.npz", ["e.npz", "empty"]),
        ("--features e.safetensors", ["e.safetensors", "empty"]),
        (
            "--features half.npz --labels y.npy",
            ["no array features", "it holds a, b"],
        ),
        (
            "--features h.npy --labels half.npz",
            ["no array labels", "it holds a, b"],
        ),
        (
            "--features b.safetensors --labels y.npy",
            [
                "b.safetensors",
                "is a checkpoint of weights (a.bias, a.weight",
            ],
        ),
        (
            "--features h.npy --labels y.npy --bias b.npy",
            ["b.npy", "--classifier"],
        ),
        (
            "--features h.npy --labels y.npy --test-features h.npy",
            ["h.npy", "--test-labels"],
        ),
        (
            "--features h.npy --labels y.npy --test-labels y.npy",
            ["y.npy", "--test-features"],
        ),
        (
            "--features h.npy --labels y.npy --frob",
            ["--frob", "--help"],
        ),
    ] {
        scene.refuse(arguments, &expected);
    }
}

/// The unit tests fuzz the reader alone; this test includes the computation of the metrics.
#[test]
fn damaged_files_never_cause_a_panic() {
    let (scene, golden) = (Scene::new("metrics"), Golden::read("metrics_a"));
    golden.write_npy(&scene);
    golden.write_npz(
        &scene,
        "packed.npz",
        NpzWriter::new_compressed(fs::File::create(scene.path("packed.npz")).unwrap()),
    );
    golden.write_safetensors(&scene);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for (name, arguments) in [
        ("h.npy", "--features x/h.npy --labels y.npy"),
        (
            "y.npy",
            "--features h.npy --labels x/y.npy --clean-labels c.npy",
        ),
        ("packed.npz", "--features x/packed.npz"),
        ("all.safetensors", "--features x/all.safetensors"),
    ] {
        fs::create_dir_all(scene.path("x")).unwrap();
        let whole = fs::read(scene.path(name)).unwrap();
        for round in 0..40 {
            let mut bytes = whole.clone();
            match round % 2 {
                0 => bytes.truncate(random(whole.len())),
                _ => (0..1 + round / 4).for_each(|_| bytes[random(whole.len())] ^= 1 << random(8)),
            }
            fs::write(scene.path("x").join(name), bytes).unwrap();
            let output = scene.run(arguments);
            let text = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => assert_eq!(round % 2, 1, "{name}: a cut file was accepted"),
                Some(2) => assert_eq!(text.lines().count(), 1, "{name}: {text}"),
                _ => panic!("{name}: {:?} {text}", output.status),
            }
        }
    }
}
