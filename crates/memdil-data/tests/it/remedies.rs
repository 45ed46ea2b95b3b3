//! Applies the remedies in error messages with NumPy.
//!
//! Each case saves an unsuitable array, checks that the message contains the remedy literally,
//! applies it in Python, and reads the result. Requires Python with NumPy, as `MEMDIL_PYTHON` or
//! `python3`: `cargo test -p memdil-data --test it remedies:: -- --ignored`.

use std::path::Path;
use std::process::Command;

use memdil_data::arrays::{ArrayFile, Role};
use memdil_data::{DataError, npz};

/// Runs Python in a folder.
fn python(folder: &Path, code: &str) {
    let program = std::env::var_os("MEMDIL_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(program)
        .current_dir(folder)
        .args(["-W", "ignore", "-c", &format!("import numpy as np\n{code}")])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{code}\n{error}");
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Matrix,
    Vector,
    Labels,
    Images,
}

fn read(path: &Path, wanted: Wanted) -> Result<(), DataError> {
    if let Wanted::Images = wanted {
        return npz::read(path).map(drop);
    }
    let file = ArrayFile::open(path)?;
    match wanted {
        Wanted::Matrix => file.require(Role::Features)?.matrix::<f32>().map(drop),
        Wanted::Vector => file.require(Role::Bias)?.vector::<f32>().map(drop),
        Wanted::Labels | Wanted::Images => file.require(Role::Labels)?.labels().map(drop),
    }
}

/// The unsuitable array `a`, and the remedy, an expression of `a`.
const ARRAYS: [(Wanted, &str, &str); 28] = [
    (
        Wanted::Matrix,
        "np.arange(6).reshape(3, 2)",
        "a.astype(\"float32\")",
    ),
    (
        Wanted::Matrix,
        "np.ones((3, 2), bool)",
        "a.astype(\"float32\")",
    ),
    (
        Wanted::Matrix,
        "np.ones((3, 2), complex)",
        "a.astype(\"float32\")",
    ),
    (
        Wanted::Matrix,
        "np.ones((3, 2), np.longdouble)",
        "a.astype(\"float32\")",
    ),
    (
        Wanted::Matrix,
        "np.array([[\"1\", \"2\"]])",
        "a.astype(\"float32\")",
    ),
    (Wanted::Matrix, "np.ones(3)", "a.reshape(len(a), -1)"),
    (
        Wanted::Matrix,
        "np.ones((3, 2, 4, 4))",
        "a.reshape(len(a), -1)",
    ),
    (
        Wanted::Matrix,
        "np.ones((3, 2), \"<u2\").view(\"V2\")",
        "(a.view(\"uint16\").astype(\"uint32\") << 16).view(\"float32\")",
    ),
    (
        Wanted::Matrix,
        "np.array([(1, 2.5), (3, 4.5)], [(\"x\", \"<f4\"), (\"y\", \"<f8\")])",
        "np.stack([a[\"x\"], a[\"y\"]], 1)",
    ),
    (
        Wanted::Matrix,
        "np.array([np.ones(3), np.zeros(3), None], object)[:2]",
        "np.stack(list(a))",
    ),
    (
        Wanted::Matrix,
        "np.array([[1.5, 2], [3, 4]], object)",
        "a.astype(\"float32\")",
    ),
    (
        Wanted::Labels,
        "np.array([0, 0x3f80], \"<u2\").view(\"V2\")",
        "(a.view(\"uint16\").astype(\"uint32\") << 16).view(\"float32\")",
    ),
    (
        Wanted::Matrix,
        "np.ones((2, 4, 3))",
        "a.reshape(-1, a.shape[-1])",
    ),
    (Wanted::Matrix, "np.ones((1, 4, 3))", "a[0]"),
    (
        Wanted::Matrix,
        "np.array([np.ones((2, 3)), np.ones((1, 3))], object)",
        "np.concatenate(list(a))",
    ),
    (
        Wanted::Labels,
        "np.array([\"1\", \"0\", \"10\"])",
        "a.astype(\"int64\")",
    ),
    (Wanted::Vector, "np.ones((1, 3))", "a.ravel()"),
    (Wanted::Vector, "np.arange(3)", "a.astype(\"float32\")"),
    (
        Wanted::Labels,
        "np.array([\"cat\", \"dog\", \"cat\"])",
        "np.unique(a, return_inverse=True)[1]",
    ),
    (
        Wanted::Labels,
        "np.array([b\"cat\", b\"dog\"])",
        "np.unique(a, return_inverse=True)[1]",
    ),
    (
        Wanted::Labels,
        "np.array([\"cat\", \"dog\"], object)",
        "np.unique(a.astype(str), return_inverse=True)[1]",
    ),
    (Wanted::Labels, "np.eye(3)", "a.argmax(1)"),
    (Wanted::Labels, "np.eye(3, dtype=bool)", "a.argmax(1)"),
    (
        Wanted::Labels,
        "np.full((4, 3), 1 / 3, \"float16\")",
        "a.argmax(1)",
    ),
    (
        Wanted::Labels,
        "np.array([[0, 7], [1, 8], [2, 7]])",
        "a[:, 1]",
    ),
    (Wanted::Labels, "np.array([[3, 7, 4]])", "a.ravel()"),
    (
        Wanted::Labels,
        "np.array([(0, 1), (1, 0)], [(\"index\", \"<i8\"), (\"label\", \"<i8\")])",
        "a[\"label\"]",
    ),
    (
        Wanted::Labels,
        "np.array([1, 0], \"datetime64[s]\")",
        "a.astype(\"int64\")",
    ),
];

#[test]
#[ignore = "needs Python with NumPy"]
fn remedies_of_arrays_work() {
    let folder = tempfile::tempdir().unwrap();
    for (wanted, array, remedy) in ARRAYS {
        python(
            folder.path(),
            &format!("np.save(\"f.npy\", {array}, allow_pickle=True)"),
        );
        let message = read(&folder.path().join("f.npy"), wanted)
            .unwrap_err()
            .to_string();
        assert!(message.contains(remedy), "{array}: {message}");
        python(
            folder.path(),
            &format!(
                "f = \"f.npy\"\na = np.load(f, allow_pickle=True)\nnp.save(\"mended.npy\", {remedy})"
            ),
        );
        let mended = read(&folder.path().join("mended.npy"), wanted);
        assert!(mended.is_ok(), "{array}: {mended:?}");
    }
}

/// The code that writes `f.npz`, the remedy, and the code that writes `mended.npz` with it.
const ARCHIVES: [(Wanted, &str, &str, &str); 5] = [
    (
        Wanted::Matrix,
        "d = {\"features\": np.ones((3, 2)), \"labels\": np.arange(3)}\nnp.savez(\"f.npz\", d)",
        "np.savez(f, **d)",
        "d = {\"features\": np.ones((3, 2)), \"labels\": np.arange(3)}\nf = \"mended.npz\"",
    ),
    (
        Wanted::Matrix,
        "import zipfile, io\nb = io.BytesIO()\nnp.save(b, np.ones((3, 2)))\n\
         zipfile.ZipFile(\"f.npz\", \"w\", zipfile.ZIP_LZMA).writestr(\"features.npy\", b.getvalue())",
        "np.savez_compressed(\"new.npz\", **np.load(\"old.npz\"))",
        "import os\nos.rename(\"f.npz\", \"old.npz\")",
    ),
    (
        Wanted::Matrix,
        "import zipfile, io\nb = io.BytesIO()\nnp.save(b, np.ones((3, 2)))\n\
         zipfile.ZipFile(\"f.npz\", \"w\", zipfile.ZIP_BZIP2).writestr(\"features.npy\", b.getvalue())",
        "np.savez_compressed(\"new.npz\", **np.load(\"old.npz\"))",
        "import os\nos.rename(\"f.npz\", \"old.npz\")",
    ),
    (
        Wanted::Images,
        "np.savez(\"f.npz\", images=np.arange(64, dtype=\"uint8\").reshape(1, 4, 4, 4), labels=[0], \
         test_images=np.zeros((1, 4, 4, 3), \"uint8\"), test_labels=[0])",
        "a[..., :3]",
        "",
    ),
    (
        Wanted::Images,
        "np.savez(\"f.npz\", images=np.arange(64, dtype=\"uint8\").reshape(4, 16), labels=[0] * 4, \
         test_images=np.zeros((1, 4, 4), \"uint8\"), test_labels=[0])",
        "a.reshape(-1, 4, 4)",
        "",
    ),
];

#[test]
#[ignore = "needs Python with NumPy"]
fn remedies_of_archives_work() {
    for (wanted, save, remedy, prepare) in ARCHIVES {
        let folder = tempfile::tempdir().unwrap();
        python(folder.path(), save);
        let message = read(&folder.path().join("f.npz"), wanted)
            .unwrap_err()
            .to_string();
        assert!(message.contains(remedy), "{save}: {message}");
        let mended = if remedy.starts_with("np.") {
            format!("{prepare}\n{remedy}")
        } else {
            format!(
                "d = dict(np.load(\"f.npz\"))\na = d[\"images\"]\nd[\"images\"] = {remedy}\nnp.savez(\"mended.npz\", **d)"
            )
        };
        python(folder.path(), &mended);
        let name = if remedy.contains("new.npz") {
            "new.npz"
        } else {
            "mended.npz"
        };
        let mended = read(&folder.path().join(name), wanted);
        assert!(mended.is_ok(), "{save}: {mended:?}");
    }
}

/// Files written by `np.save` and `np.savez` are read without a remedy.
#[test]
#[ignore = "needs Python with NumPy"]
fn files_written_by_numpy_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for (wanted, save) in [
        (Wanted::Matrix, "np.save(\"f.npy\", np.ones((3, 2)).T)"),
        (
            Wanted::Matrix,
            "np.save(\"f.npy\", np.ones((3, 2), \">f4\"))",
        ),
        (
            Wanted::Matrix,
            "np.save(\"f.npy\", np.ones((3, 2), \"float16\"))",
        ),
        (
            Wanted::Matrix,
            "m = np.lib.format.open_memmap(\"f.npy\", \"w+\", \"float32\", (np.int64(3), np.int64(2)))\nm.flush()",
        ),
        (
            Wanted::Matrix,
            "np.lib.format.write_array(open(\"f.npy\", \"wb\"), np.ones((3, 2)), version=(2, 0))",
        ),
        (
            Wanted::Matrix,
            "np.lib.format.write_array(open(\"f.npy\", \"wb\"), np.ones((3, 2)), version=(3, 0))",
        ),
        (Wanted::Labels, "np.save(\"f.npy\", np.arange(3.0))"),
        (Wanted::Labels, "np.save(\"f.npy\", np.arange(3)[:, None])"),
        (
            Wanted::Labels,
            "np.save(\"f.npy\", np.array([True, False]))",
        ),
    ] {
        python(folder.path(), save);
        let found = read(&folder.path().join("f.npy"), wanted);
        assert!(found.is_ok(), "{save}: {found:?}");
    }
    python(folder.path(), "np.savetxt(\"y.txt\", np.arange(3))");
    let found = read(&folder.path().join("y.txt"), Wanted::Labels);
    assert!(found.is_ok(), "{found:?}");
}
