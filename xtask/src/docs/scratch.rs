//! The scratch folder in which documented commands run, with the files that they use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process::output;

/// Run once: creates runs at every noise level, and the features of one of them.
const RUNS: &str = r#"
memdil sweep plan --config "$ROOT"/experiments/memorization-dilation.toml --out plan.jsonl --set 'data.classes=[0, 1]' \
    --set seed=0 --set training.epochs=4 --set data.images_per_class=60 --set data.test_images_per_class=60
memdil sweep run --manifest plan.jsonl --out runs --all
cp runs/*_LS_eta0.4_*/features.npz features.npz
"#;

/// Run for each page: creates the files of a checkout and other files that the pages name.
const PAGE: &str = r#"
ln -s "$ROOT"/experiments "$ROOT"/examples .
test -z "$FULL_DATA" || ln -s "$FULL_DATA" data
mkdir -p target reproduction/quick
ln -s "$PROGRAM" target/
ln -s "$PREPARED"/runs reproduction/quick/
cp "$PREPARED"/*.npy .
cp experiments/memorization-dilation.toml F.toml
for name in F run ce ls; do cp "$PREPARED"/features.npz $name.npz; done
"#;

pub(super) struct Scratch {
    root: PathBuf,
    program: PathBuf,
    folder: PathBuf,
    /// The folder with the full Fashion-MNIST data, if it is available.
    full_data: Option<PathBuf>,
}

/// Calls `work` with a scratch folder, which is removed afterwards.
pub(super) fn with<T>(
    root: &Path,
    program: &Path,
    work: impl FnOnce(&Scratch) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // `fashion-mnist   30.88 MB  in data/fashion-mnist`
    let list = output(
        Command::new(program)
            .args(["data", "list"])
            .current_dir(root),
    )?;
    let place = list
        .lines()
        .find_map(|line| Some(line.strip_prefix("fashion-mnist ")?.split_once("  in ")?.1));
    let scratch = Scratch {
        root: root.to_owned(),
        program: program.to_owned(),
        folder: std::env::temp_dir().join(format!("memdil-docs-{}", std::process::id())),
        full_data: place.map(|place| root.join(place)),
    };
    let result = scratch.prepare().and_then(|()| work(&scratch));
    // An error of `work` takes precedence over a failure to remove the folder.
    let removed = fs::remove_dir_all(&scratch.folder).map_err(|e| scratch.unwritable(&e));
    result.and_then(|value| removed.map(|()| value))
}

impl Scratch {
    pub(super) fn has_full_data(&self) -> bool {
        self.full_data.is_some()
    }

    /// Creates a new folder for the commands of a page.
    pub(super) fn page(&self) -> Result<(), Failure> {
        let page = self.folder.join("page");
        if page.exists() {
            fs::remove_dir_all(&page).map_err(|e| self.unwritable(&e))?;
        }
        fs::create_dir(&page).map_err(|e| self.unwritable(&e))?;
        self.set_up("page", PAGE)
    }

    /// Runs a command of the page and returns its output or, if it fails, its status and error.
    pub(super) fn run(&self, command: &str) -> Result<String, String> {
        let page = self.folder.join("page");
        match command.strip_prefix("cargo xtask ") {
            None => self.shell(&page, command),
            // This program itself implements the task.
            Some(task) => {
                let own = std::env::current_exe().map_err(|e| e.to_string())?;
                stdout_of(
                    Command::new(own)
                        .args(task.split_whitespace())
                        .current_dir(page),
                )
            }
        }
    }

    fn prepare(&self) -> Result<(), Failure> {
        let prepared = self.folder.join("prepared");
        fs::create_dir_all(&prepared)
            .and_then(|()| arrays(&prepared))
            .map_err(|e| self.unwritable(&e))?;
        self.set_up("prepared", RUNS)
    }

    fn set_up(&self, folder: &str, script: &str) -> Result<(), Failure> {
        let result = self.shell(&self.folder.join(folder), &format!("set -e\n{script}"));
        result
            .map(|_| ())
            .map_err(|e| Failure::internal(format!("cannot prepare the commands: {e}")))
    }

    fn shell(&self, folder: &Path, script: &str) -> Result<String, String> {
        let found = std::env::var_os("PATH").unwrap_or_default();
        let own = self.program.parent().map(Path::to_owned);
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&found)));
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .current_dir(folder)
            .env("PATH", path.map_err(|e| e.to_string())?);
        command
            .env("HOME", folder)
            .env("ROOT", &self.root)
            .env("PROGRAM", &self.program);
        command.env("PREPARED", self.folder.join("prepared"));
        stdout_of(command.env("FULL_DATA", self.full_data.clone().unwrap_or_default()))
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::internal(format!(
            "cannot write to {}: {error}",
            self.folder.display()
        ))
    }
}

/// The output of a command or, if it fails, its status and error.
fn stdout_of(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    // The last line may be a hint, so a line that starts with "error" is preferred.
    let error = text.lines().rfind(|line| line.starts_with("error"));
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    Err(format!(
        "{}: {}",
        output.status,
        error.or(last).unwrap_or("(no output)")
    ))
}

/// Writes features of ten classes near the corners of a simplex, with labels and a classifier that
/// separates them.
fn arrays(folder: &Path) -> io::Result<()> {
    let (classes, samples) = (10_u32, 200_u32);
    let near = |a: u32, b: u32| if a == b { 1.0 } else { 0.0 };
    let mut features = Vec::new();
    for sample in 0..samples {
        features.extend(
            (0..classes)
                .map(|k| near(sample % classes, k) + 0.01 * f64::from(sample * (k + 3) % 17)),
        );
    }
    let classifier = (0..classes)
        .flat_map(|j| (0..classes).map(move |k| near(j, k)))
        .collect::<Vec<_>>();
    let bytes = |values: &[f64]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let labels: Vec<u8> = (0..samples)
        .flat_map(|sample| i64::from(sample % classes).to_le_bytes())
        .collect();
    npy(&folder.join("h.npy"), "<f8", "200, 10", &bytes(&features))?;
    npy(&folder.join("y.npy"), "<i8", "200,", &labels)?;
    npy(&folder.join("W.npy"), "<f8", "10, 10", &bytes(&classifier))?;
    npy(&folder.join("b.npy"), "<f8", "10,", &bytes(&[0.0; 10]))?;
    // With this classifier and bias the logits are the features.
    npy(&folder.join("l.npy"), "<f8", "200, 10", &bytes(&features))?;
    let human = pickled_labels(samples, classes);
    npy(&folder.join("CIFAR-10_human.npy"), "|O", "", &human)
}

/// A pickled dictionary (protocol 2) of clean and worse labels, in the format of CIFAR-N: every
/// tenth worse label is wrong.
fn pickled_labels(samples: u32, classes: u32) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for (name, wrong) in [("clean_label", 0), ("worse_label", 1)] {
        pickle.push(b'X');
        pickle.extend((name.len() as u32).to_le_bytes());
        pickle.extend(name.as_bytes());
        pickle.extend(b"](");
        for sample in 0..samples {
            let moved = if sample % 10 == 3 { wrong } else { 0 };
            pickle.extend([b'K', ((sample + moved) % classes) as u8]);
        }
        pickle.push(b'e');
    }
    pickle.extend(b"u.");
    pickle
}

/// Writes an array in the format of `numpy.save`.
fn npy(path: &Path, kind: &str, shape: &str, values: &[u8]) -> io::Result<()> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Ten bytes precede the header of 118 bytes, so that the values start at a multiple of 64.
    let header = format!("{header:117}\n");
    fs::write(
        path,
        [
            b"\x93NUMPY\x01\x00\x76\x00".as_slice(),
            header.as_bytes(),
            values,
        ]
        .concat(),
    )
}
