//! The folder that documented commands run in, with the files that they speak of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process::output;

/// Made once: runs at every noise level, and the features of one of them.
const RUNS: &str = r#"
memdil sweep plan --config "$ROOT"/experiments/memorization-dilation.toml --out plan.jsonl --set 'data.classes=[0, 1]' \
    --set seed=0 --set training.epochs=4 --set data.images_per_class=60 --set data.test_images_per_class=60
memdil sweep run --manifest plan.jsonl --out runs --all
cp runs/*_LS_eta0.4_*/features.npz features.npz
"#;

/// Made for each page: the repository as its reader has it, and files of the names that the pages
/// use.
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
    /// Where all of Fashion-MNIST is, if it is at hand.
    full_data: Option<PathBuf>,
}

/// Does the work with a scratch folder, which is removed again.
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
    // What ended the work matters more than a folder that stays.
    let removed = fs::remove_dir_all(&scratch.folder).map_err(|e| scratch.unwritable(&e));
    result.and_then(|value| removed.map(|()| value))
}

impl Scratch {
    pub(super) fn has_full_data(&self) -> bool {
        self.full_data.is_some()
    }

    /// A new folder for the commands of a page.
    pub(super) fn page(&self) -> Result<(), Failure> {
        let page = self.folder.join("page");
        if page.exists() {
            fs::remove_dir_all(&page).map_err(|e| self.unwritable(&e))?;
        }
        fs::create_dir(&page).map_err(|e| self.unwritable(&e))?;
        self.set_up("page", PAGE)
    }

    /// Runs a command of the page and says what it prints or, if it fails, with what status and
    /// why.
    pub(super) fn run(&self, command: &str) -> Result<String, String> {
        let page = self.folder.join("page");
        match command.strip_prefix("cargo xtask ") {
            None => self.shell(&page, command),
            // This program is that task.
            Some(task) => {
                let own = std::env::current_exe().map_err(|e| e.to_string())?;
                said(
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
            .map_err(|e| Failure::inside(format!("cannot prepare the commands: {e}")))
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
        said(command.env("FULL_DATA", self.full_data.clone().unwrap_or_default()))
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::inside(format!(
            "cannot write to {}: {error}",
            self.folder.display()
        ))
    }
}

/// What a command prints or, if it fails, its status and its error.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // Some programs end with a hint.
    let error = said.lines().rfind(|line| line.starts_with("error"));
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(format!(
        "{}: {}",
        output.status,
        error.or(last).unwrap_or("(nothing said)")
    ))
}

/// Features of ten classes, which lie at the corners of a simplex, with labels and the classifier
/// that tells them apart.
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

/// A pickled dictionary (protocol 2) of clean and worse labels, as CIFAR-N publishes them: every
/// tenth label is worse.
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

/// An array as `numpy.save` writes it.
fn npy(path: &Path, kind: &str, shape: &str, values: &[u8]) -> io::Result<()> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Ten bytes before it, then 118 that end with a new line: the values begin at a multiple of 64.
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
