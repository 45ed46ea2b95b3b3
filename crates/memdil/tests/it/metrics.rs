//! `memdil metrics` through the real binary, on real files of all three formats.

use std::fs;
use std::io::Write;

use ndarray::{Array0, Array1, Array2, s};
use ndarray_npy::{NpzReader, NpzWriter, write_npy};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

use crate::common::Scene;
use crate::metrics_errors::npy;

fn json(scene: &Scene, arguments: &str) -> Value {
    serde_json::from_str(&scene.succeed(&format!("{arguments} --json"))).unwrap()
}

/// Inputs and expected values from the authors' code.
pub(crate) struct Golden {
    features: Array2<f64>,
    labels: Array1<i64>,
    clean_labels: Array1<i64>,
    classifier: Array2<f64>,
    bias: Array1<f64>,
    expected: Vec<(&'static str, f64)>,
    file: fs::File,
}

impl Golden {
    pub(crate) fn read(name: &str) -> Self {
        let path = format!(
            "{}/../memdil-metrics/tests/golden/{name}.npz",
            env!("CARGO_MANIFEST_DIR")
        );
        let file = fs::File::open(path).unwrap();
        let mut npz = NpzReader::new(file.try_clone().unwrap()).unwrap();
        let keys = [
            ("nc1", "counted_NC1"),
            ("nc2_etf", "counted_NC2_ETF"),
            ("nc3", "counted_NC3_WH"),
            ("bias_collapse", "counted_NC4_Wh_plus_b"),
            ("ece", "ECE15_f64"),
        ];
        let mut scalar = |key: &str| {
            npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix0>(key)
                .unwrap()
                .into_scalar()
        };
        let expected = keys.map(|(name, key)| (name, scalar(key))).to_vec();
        Self {
            features: npz.by_name("h").unwrap(),
            labels: npz.by_name("labels").unwrap(),
            clean_labels: npz.by_name("orig_labels").unwrap(),
            classifier: npz.by_name("W").unwrap(),
            bias: npz.by_name("b").unwrap(),
            expected,
            file,
        }
    }

    fn check(&self, found: &Value) {
        let agree = |name: &str, found: &Value, expected: f64| {
            let found = found
                .as_f64()
                .unwrap_or_else(|| panic!("{name} is missing"));
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs(),
                "{name}: {found}, not {expected}"
            );
        };
        for &(name, expected) in &self.expected {
            agree(name, &found[name], expected);
        }
        let mut npz = NpzReader::new(self.file.try_clone().unwrap()).unwrap();
        for key in ["sum", "mean"] {
            let expected: Array0<f64> = npz.by_name(&format!("mem_{key}")).unwrap();
            agree(
                key,
                &found[format!("memorization_{key}")],
                expected.into_scalar(),
            );
        }
        let expected: Array1<f64> = npz.by_name("mem_per_class").unwrap();
        for (class, expected) in expected.into_iter().enumerate() {
            agree(
                "memorization per class",
                &found["memorization_per_class"][class],
                expected,
            );
        }
    }

    /// Writes one file per array.
    pub(crate) fn write_npy(&self, scene: &Scene) {
        write_npy(scene.path("h.npy"), &self.features).unwrap();
        write_npy(scene.path("y.npy"), &self.labels).unwrap();
        write_npy(scene.path("c.npy"), &self.clean_labels).unwrap();
        write_npy(scene.path("W.npy"), &self.classifier).unwrap();
        write_npy(scene.path("b.npy"), &self.bias).unwrap();
    }

    pub(crate) fn write_npz(&self, scene: &Scene, name: &str, mut npz: NpzWriter<fs::File>) {
        npz.add_array("features", &self.features).unwrap();
        npz.add_array("labels", &self.labels).unwrap();
        npz.add_array("clean_labels", &self.clean_labels).unwrap();
        npz.add_array("classifier", &self.classifier).unwrap();
        npz.add_array("bias", &self.bias).unwrap();
        npz.finish().unwrap();
        assert!(scene.path(name).exists());
    }

    pub(crate) fn write_safetensors(&self, scene: &Scene) {
        let floats = |values: &[f64]| {
            values
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let integers = |values: &[i64]| {
            values
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let (n, d, k) = (
            self.features.nrows(),
            self.features.ncols(),
            self.bias.len(),
        );
        let arrays = [
            (
                "features",
                Dtype::F64,
                vec![n, d],
                floats(self.features.as_slice().unwrap()),
            ),
            (
                "labels",
                Dtype::I64,
                vec![n],
                integers(self.labels.as_slice().unwrap()),
            ),
            (
                "clean_labels",
                Dtype::I64,
                vec![n],
                integers(self.clean_labels.as_slice().unwrap()),
            ),
            (
                "classifier",
                Dtype::F64,
                vec![k, d],
                floats(self.classifier.as_slice().unwrap()),
            ),
            (
                "bias",
                Dtype::F64,
                vec![k],
                floats(self.bias.as_slice().unwrap()),
            ),
        ];
        let views = arrays.iter().map(|(name, dtype, shape, bytes)| {
            (
                *name,
                TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
            )
        });
        fs::write(
            scene.path("all.safetensors"),
            safetensors::serialize(views, None).unwrap(),
        )
        .unwrap();
    }
}

/// Encodes a value in the little-endian bytes of a type.
type Bytes = fn(f64) -> Vec<u8>;

/// The same features and labels in every type, byte order, memory order and container.
#[test]
fn every_layout_gives_the_same_metrics() {
    let scene = Scene::new("metrics");
    let (rows, columns) = (12, 3);
    // Multiples of 1/8 below 16 are float16, bfloat16 and float32 alike.
    let value = |i: usize| (i * 37 % 128) as f64 / 8.0 - 7.5;
    let labels: Vec<u8> = (0..rows as u8).map(|i| i % 3).collect();
    let array = |descr: &str, fortran_order: bool, bytes: Bytes, reverse: bool| {
        let mut data = Vec::new();
        for i in 0..rows * columns {
            let index = if fortran_order {
                (i % rows) * columns + i / rows
            } else {
                i
            };
            let mut element = bytes(value(index));
            if reverse {
                element.reverse();
            }
            data.extend(element);
        }
        let order = if fortran_order { "True" } else { "False" };
        npy(
            &format!("'{descr}'"),
            order,
            &format!("({rows}, {columns})"),
            &data,
        )
    };
    fs::write(
        scene.path("y.npy"),
        npy("'|u1'", "False", &format!("({rows}, 1)"), &labels),
    )
    .unwrap();
    let types: [(&str, Bytes); 3] = [
        ("f2", |value| {
            half::f16::from_f64(value).to_le_bytes().to_vec()
        }),
        ("f4", |value| (value as f32).to_le_bytes().to_vec()),
        ("f8", |value| value.to_le_bytes().to_vec()),
    ];
    let mut outputs: Vec<(String, String)> = Vec::new();
    for (kind, bytes) in types {
        for (order, reverse) in [('<', false), ('>', true)] {
            for fortran_order in [false, true] {
                let file = array(&format!("{order}{kind}"), fortran_order, bytes, reverse);
                fs::write(scene.path("h.npy"), &file).unwrap();
                let name = format!("{order}{kind} {fortran_order}");
                outputs.push((
                    name,
                    scene.succeed("--features h.npy --labels y.npy --json"),
                ));
                for method in [
                    zip::CompressionMethod::Stored,
                    zip::CompressionMethod::Deflated,
                ] {
                    let mut archive =
                        zip::ZipWriter::new(fs::File::create(scene.path("h.npz")).unwrap());
                    let options =
                        zip::write::SimpleFileOptions::default().compression_method(method);
                    archive.start_file("features.npy", options).unwrap();
                    archive.write_all(&file).unwrap();
                    archive.finish().unwrap();
                    let name = format!("{order}{kind} {fortran_order} {method}");
                    outputs.push((
                        name,
                        scene.succeed("--features h.npz --labels y.npy --json"),
                    ));
                }
            }
        }
    }
    let tensors: [(Dtype, Bytes); 4] = [
        (Dtype::F16, types[0].1),
        (Dtype::BF16, |value| {
            half::bf16::from_f64(value).to_le_bytes().to_vec()
        }),
        (Dtype::F32, types[1].1),
        (Dtype::F64, types[2].1),
    ];
    for (dtype, bytes) in tensors {
        let data: Vec<u8> = (0..rows * columns).flat_map(|i| bytes(value(i))).collect();
        let tensor = TensorView::new(dtype, vec![rows, columns], &data).unwrap();
        let file = safetensors::serialize([("features", tensor)], None).unwrap();
        fs::write(scene.path("h.safetensors"), file).unwrap();
        let output = scene.succeed("--features h.safetensors --labels y.npy --json");
        outputs.push((format!("{dtype:?}"), output));
    }
    // float64 is summed in float64; all other types are converted to float32.
    let is_wide = |name: &str| name.contains("f8") || name == "F64";
    for wide in [false, true] {
        let mut group = outputs.iter().filter(|(name, _)| is_wide(name) == wide);
        let (_, first) = group.next().unwrap();
        for (name, output) in group {
            assert_eq!(output, first, "{name}");
        }
    }
    assert_eq!(outputs.len(), 3 * 2 * 2 * 3 + 4);
}

const ALL: &str =
    "--features h.npy --labels y.npy --clean-labels c.npy --classifier W.npy --bias b.npy";

#[test]
fn golden_values_from_every_format() {
    for name in ["metrics_a", "metrics_b"] {
        let (scene, golden) = (Scene::new("metrics"), Golden::read(name));
        golden.write_npy(&scene);
        let create = |name: &str| fs::File::create(scene.path(name)).unwrap();
        golden.write_npz(&scene, "stored.npz", NpzWriter::new(create("stored.npz")));
        golden.write_npz(
            &scene,
            "packed.npz",
            NpzWriter::new_compressed(create("packed.npz")),
        );
        golden.write_safetensors(&scene);
        let first = scene.succeed(&format!("{ALL} --json"));
        golden.check(&serde_json::from_str(&first).unwrap());
        for file in ["stored.npz", "packed.npz", "all.safetensors"] {
            assert_eq!(
                scene.succeed(&format!("--features {file} --json")),
                first,
                "{name} {file}"
            );
        }
        // Arrays can be read from separate files and archives, and override those of the main
        // archive.
        let mixed = "--features h.npy --labels stored.npz --clean-labels all.safetensors --classifier W.npy --bias b.npy";
        assert_eq!(scene.succeed(&format!("{mixed} --json")), first);
        assert_eq!(
            scene.succeed("--features stored.npz --labels y.npy --json"),
            first
        );
        let other = json(&scene, "--features stored.npz --labels c.npy");
        assert_ne!(
            other["nc1"],
            serde_json::from_str::<Value>(&first).unwrap()["nc1"]
        );
    }
}

#[test]
fn element_types_do_not_matter() {
    let (scene, golden) = (Scene::new("metrics"), Golden::read("metrics_b"));
    golden.write_npy(&scene);
    let whole = json(&scene, ALL);
    macro_rules! labels {
        ($($type:ty),*) => { $(
            write_npy(scene.path("l.npy"), &golden.labels.mapv(|label| label as $type)).unwrap();
            assert_eq!(json(&scene, &ALL.replace("y.npy", "l.npy")), whole, stringify!($type));
        )* };
    }
    labels!(u8, u16, u32, u64, i8, i16, i32);
    let close = |found: Value, key: &str| {
        let (found, expected) = (found[key].as_f64().unwrap(), whole[key].as_f64().unwrap());
        assert!(
            (found / expected - 1.0).abs() < 1e-4,
            "{key}: {found}, not {expected}"
        );
    };
    write_npy(
        scene.path("h.npy"),
        &golden.features.mapv(|value| value as f32),
    )
    .unwrap();
    close(json(&scene, ALL), "nc1");
    close(json(&scene, ALL), "bias_collapse");
    write_npy(
        scene.path("W.npy"),
        &golden.classifier.mapv(|value| value as f32),
    )
    .unwrap();
    close(json(&scene, ALL), "bias_collapse");
    write_npy(scene.path("b.npy"), &golden.bias.mapv(|value| value as f32)).unwrap();
    close(json(&scene, ALL), "bias_collapse");
    close(json(&scene, ALL), "ece");
}

#[test]
fn metrics_without_their_inputs_are_omitted() {
    let (scene, golden) = (Scene::new("metrics"), Golden::read("metrics_b"));
    golden.write_npy(&scene);
    let found = json(&scene, "--features h.npy --labels y.npy");
    assert!(found["nc1"].is_f64());
    for absent in [
        "memorization",
        "nc2_etf",
        "nc3",
        "bias_collapse",
        "ece",
        "test",
    ] {
        assert!(found.get(absent).is_none(), "{absent} in {found}");
    }
    let found = json(&scene, "--features h.npy --labels y.npy --classifier W.npy");
    assert!(found["nc2_etf"].is_f64() && found["nc3"].is_f64());
    assert!(
        found.get("ece").is_none() && found.get("bias_collapse").is_none(),
        "{found}"
    );

    // Unseen samples: nc1 of the test arrays is the dilation.
    write_npy(scene.path("ht.npy"), &golden.features.slice(s![..250, ..])).unwrap();
    write_npy(scene.path("yt.npy"), &golden.clean_labels.slice(s![..250])).unwrap();
    let test = json(
        &scene,
        "--features h.npy --labels y.npy --test-features ht.npy --test-labels yt.npy",
    );
    let alone = json(&scene, "--features ht.npy --labels yt.npy");
    assert_eq!(test["test"]["dilation"], alone["nc1"], "{test}");
    assert_eq!(test["nc1"], found["nc1"]);
}

#[test]
fn the_number_of_classes() {
    let scene = Scene::new("metrics");
    let features = Array2::from_shape_fn((6, 2), |(i, j)| (10 * (i % 2) + i * i * (j + 1)) as f32);
    write_npy(scene.path("h.npy"), &features).unwrap();
    write_npy(
        scene.path("y.npy"),
        &Array1::from_vec(vec![0_u8, 1, 0, 1, 0, 1]),
    )
    .unwrap();
    let both = "--features h.npy --labels y.npy";
    assert_eq!(
        json(&scene, both),
        json(&scene, &format!("{both} --classes 2"))
    );
    scene.refuse(&format!("{both} --classes 3"), &["class number 2"]);
    scene.refuse(&format!("{both} --classes 1"), &["1"]);
    scene.refuse(&format!("{both} --classes 0"), &["0"]);
    scene.refuse(&format!("{both} --classes -2"), &["classes", "--help"]);
    scene.refuse(
        &format!("{both} --classes 18446744073709551615"),
        &["class number 2"],
    );
    // The largest label of any array counts, unless there is a classifier, whose rows count.
    write_npy(
        scene.path("c.npy"),
        &Array1::from_vec(vec![0_u8, 1, 0, 1, 0, 2]),
    )
    .unwrap();
    scene.refuse(&format!("{both} --clean-labels c.npy"), &["class number 2"]);
    write_npy(scene.path("W.npy"), &Array2::<f32>::eye(2)).unwrap();
    scene.refuse(
        &format!("{both} --clean-labels c.npy --classifier W.npy"),
        &["clean_labels (c.npy)", "row 5"],
    );
}

#[test]
fn metrics_are_printed_in_groups() {
    let (scene, golden) = (Scene::new("metrics"), Golden::read("metrics_b"));
    golden.write_npy(&scene);
    let table = scene.succeed(ALL);
    let title = |title: &str| {
        table
            .lines()
            .position(|line| line == title)
            .unwrap_or_else(|| panic!("{title}: {table}"))
    };
    assert!(
        title("collapse") < title("memorization") && title("memorization") < title("calibration"),
        "{table}"
    );
    let line = table
        .lines()
        .find(|line| line.trim_start().starts_with("nc1 "))
        .unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["nc1", "0.679655"]
    );
    let help = scene.succeed("--help");
    assert!(
        help.contains("Example") && help.contains("--test-labels") && help.contains("save zeros"),
        "{help}"
    );
    // Unknown names are noted, as they may be misspelled.
    let mut npz = NpzWriter::new(fs::File::create(scene.path("x.npz")).unwrap());
    npz.add_array("features", &golden.features).unwrap();
    npz.add_array("labels", &golden.labels).unwrap();
    npz.add_array("clean_label", &golden.labels).unwrap();
    npz.finish().unwrap();
    let output = scene.run("--features x.npz --json");
    assert!(
        output.status.success()
            && String::from_utf8(output.stderr)
                .unwrap()
                .contains("clean_label")
    );
}
