//! `memdil report --features`, for networks that other programs trained, through the real binary.

use std::fs;

use ndarray::{Array1, Array2, s};
use ndarray_npy::{NpzWriter, write_npy};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::common::Scene;

/// Features of three classes, each near its own axis, with noise that depends on the sample.
fn features(n: usize, spread: f64) -> Array2<f64> {
    Array2::from_shape_fn((n, 4), |(i, j)| {
        let noise = ((i * 31 + j * 17) % 101) as f64 / 101.0 - 0.5;
        f64::from(u8::from(i % 3 == j)) * 5.0 + spread * noise
    })
}

fn labels(n: usize) -> Array1<i64> {
    (0..n as i64).map(|i| i % 3).collect()
}

/// Training and test features; every tenth training label is wrong.
fn write_npz(scene: &Scene, name: &str, n: usize, spread: f64) {
    let mut given = labels(n);
    given
        .slice_mut(s![..;10])
        .mapv_inplace(|label| (label + 1) % 3);
    fs::create_dir_all(scene.path(name).parent().unwrap()).unwrap();
    let mut npz = NpzWriter::new(fs::File::create(scene.path(name)).unwrap());
    npz.add_array("features", &features(n, spread)).unwrap();
    npz.add_array("labels", &given).unwrap();
    npz.add_array("clean_labels", &labels(n)).unwrap();
    npz.add_array("test_features", &features(30, 2.0 * spread))
        .unwrap();
    npz.add_array("test_labels", &labels(30)).unwrap();
    npz.finish().unwrap();
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn features_of_any_framework_can_be_reported() {
    let scene = Scene::new("");
    write_npz(&scene, "ce.npz", 60, 1.0);
    let (h, y) = (features(2400, 0.5).mapv(|v| v as f32), labels(2400));
    let h: Vec<u8> = h.iter().flat_map(|v| v.to_le_bytes()).collect();
    let y: Vec<u8> = y.iter().flat_map(|v| v.to_le_bytes()).collect();
    let arrays = [
        (
            "features",
            TensorView::new(Dtype::F32, vec![2400, 4], &h).unwrap(),
        ),
        (
            "labels",
            TensorView::new(Dtype::I64, vec![2400], &y).unwrap(),
        ),
    ];
    fs::write(
        scene.path("ls.safetensors"),
        safetensors::serialize(arrays, None).unwrap(),
    )
    .unwrap();
    let both = "report --features ce.npz --features ls.safetensors --out";
    assert_eq!(
        scene.succeed(&format!("{both} r")),
        "report: r/index.html\n"
    );

    let page = fs::read_to_string(scene.path("r/index.html")).unwrap();
    let text = fs::read_to_string(scene.path("r/report.md")).unwrap();
    assert!(
        !page.contains("NaN")
            && !page.contains("id=\"claims\"")
            && page.contains("2 networks measured")
    );
    assert_eq!(
        fs::read_to_string(scene.path("r/claims.json"))
            .unwrap()
            .trim(),
        "[]"
    );
    // The numbers are those of `memdil metrics`.
    for (file, column) in [("ce.npz", 1), ("ls.safetensors", 2)] {
        let json: serde_json::Value =
            serde_json::from_str(&scene.succeed(&format!("metrics --features {file} --json")))
                .unwrap();
        let row = text
            .lines()
            .find(|line| line.starts_with("| NC1 |"))
            .unwrap();
        let cell: f64 = row
            .split('|')
            .nth(column + 1)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let expected = json["nc1"].as_f64().unwrap();
        assert!(
            (cell - expected).abs() < 5e-3 * expected,
            "{file}: {cell}, not {expected}"
        );
    }
    assert!(
        text.lines()
            .any(|line| line.starts_with("| dilation | 0.") && line.contains("| – |")),
        "{text}"
    );

    // Each network has a map of the angles between its three classes, and rows of the table.
    let angles = fs::read_to_string(scene.path("r/figures/class-angles.svg")).unwrap();
    assert_eq!(count(&angles, "shape-rendering=\"crispEdges\""), 2 * 6);
    for row in ["| 2 | 20 | ", "| 2 | 800 | "] {
        assert_eq!(count(&text, row), 1, "{text}");
    }

    let svg = fs::read_to_string(scene.path("r/figures/measured-features.svg")).unwrap();
    let strokes = |kind: &str, stroke: &str| {
        let paths = svg
            .split("<path class=\"")
            .filter(|path| path.starts_with(kind));
        paths
            .map(|path| count(path.split("/>").next().unwrap(), stroke))
            .collect::<Vec<_>>()
    };
    // The legend has three dots per class and two crosses; the pictures show 54 and 6 of 60
    // training samples, 30 test samples, and 1000 of 2400 training samples.
    assert_eq!(
        strokes("dots", "h0").iter().sum::<usize>(),
        9 + 54 + 30 + 1000
    );
    assert_eq!(strokes("crosses", "l5 5").iter().sum::<usize>(), 2 + 6);
    assert_eq!(
        count(&svg, "<text class=\"class\""),
        9,
        "three numbers in each of three pictures"
    );
    assert!(
        text.contains("At most 1000 samples, chosen at random"),
        "{text}"
    );

    scene.succeed(&format!("{both} again"));
    assert_eq!(
        fs::read_to_string(scene.path("again/index.html")).unwrap(),
        page
    );
}

#[test]
fn files_with_equal_names_are_shown_with_their_folders() {
    let scene = Scene::new("report");
    write_npz(&scene, "one/h.npz", 30, 1.0);
    write_npz(&scene, "two/h.npz", 30, 2.0);
    scene.succeed("--features one/h.npz --features two/h.npz --out r");
    let text = fs::read_to_string(scene.path("r/report.md")).unwrap();
    assert!(text.contains("| one/h.npz | two/h.npz |"), "{text}");
    // The features.npz of a run has the name of its folder.
    write_npz(&scene, "runs/seed0/features.npz", 30, 1.0);
    scene.succeed("--features runs/seed0/features.npz --features one/h.npz --out r");
    let text = fs::read_to_string(scene.path("r/report.md")).unwrap();
    assert!(text.contains("| seed0 | h |"), "{text}");
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let scene = Scene::new("report");
    write_npy(scene.path("h.npy"), &features(30, 1.0)).unwrap();
    let npz = |name: &str, bad: bool| {
        let mut npz = NpzWriter::new(fs::File::create(scene.path(name)).unwrap());
        let mut h = features(30, 1.0);
        if bad {
            h[[7, 1]] = f64::NAN;
            npz.add_array("labels", &labels(30)).unwrap();
        } else {
            npz.add_array("test_features", &h).unwrap();
        }
        npz.add_array("features", &h).unwrap();
        npz.finish().unwrap();
    };
    npz("unlabelled.npz", false);
    npz("nan.npz", true);
    scene.refuse(
        "--features h.npy --out r",
        &["h.npy", "give a .npz or .safetensors"],
    );
    scene.refuse(
        "--features unlabelled.npz --out r",
        &[
            "unlabelled.npz: has no array labels",
            "save one by that name\n",
        ],
    );
    scene.refuse("--features nan.npz --out r", &["nan.npz", "row 7"]);
    scene.refuse("--features none.npz --out r", &["none.npz"]);
    scene.refuse(
        "--features nan.npz --features nan.npz --out r",
        &["nan.npz: is given twice"],
    );
    let mut npz = NpzWriter::new(fs::File::create(scene.path("point.npz")).unwrap());
    npz.add_array("features", &Array2::<f64>::ones((30, 4)))
        .unwrap();
    npz.add_array("labels", &labels(30)).unwrap();
    npz.finish().unwrap();
    write_npz(&scene, "good.npz", 30, 1.0);
    scene.succeed("--features good.npz --features point.npz --out points");
    let page = std::fs::read_to_string(scene.path("points/report.md")).unwrap();
    let why = "point: cdnv, hyperspherical\\_energy, nc1, nc1\\_ratio, nc2\\_equiangle, nc2\\_equinorm, \
               nc2\\_etf\\_means, per\\_class.angles, per\\_class.nearest\\_mean have no value: the class means \
               coincide";
    assert!(page.contains(why), "{page}");
    // A page that memdil did not write is not overwritten.
    std::fs::create_dir(scene.path("site")).unwrap();
    std::fs::write(scene.path("site/index.html"), "important").unwrap();
    scene.refuse(
        "--features good.npz --out site",
        &["site/index.html", "choose another folder"],
    );
    assert_eq!(
        std::fs::read(scene.path("site/index.html")).unwrap(),
        b"important"
    );
    for arguments in ["--out r", "--features nan.npz --manifest m.jsonl --out r"] {
        let output = scene.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("--runs"),
            "{arguments}"
        );
    }
    assert!(!scene.path("r").exists());
}
