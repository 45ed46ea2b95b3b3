//! The project's own tasks. It builds and starts programs; it links none of the workspace's crates
//! and has no dependencies, so that the first command a newcomer types starts at once.

mod assets;
mod bench;
mod docs;
mod gpu_check;
mod program;
mod reproduce;
mod tidy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

const HELP: &str = "\
The project's own tasks

Usage: cargo xtask <TASK>

Tasks:
  reproduce   Run the paper's experiments and write the report
              [--preset smoke|quick|standard|standard-full|paper] [--only NAME]... [--device cpu|cuda:N] [--jobs J]
              [--data-dir DIR]... [--out DIR]
              --dry-run: list the runs and the time they will take, and run nothing
              --engine slurm|hq: make the runs as tasks of a cluster's job array, [--submit=no] for its scripts alone
              [--partition P] [--account A] [--time T] [--cpus-per-task C] [--gpus-per-task G] [--max-parallel M]
              [--sbatch-arg X]...
  build       Build the program, optimised, as target/memdil: [--device cuda:N] for a GPU
  bench       Time the crates: criterion benches, [--only FILTER]
              --peers: memdil-metrics beside NumPy and torch on the same arrays instead; the Python interpreter is
              $MEMDIL_PYTHON, else python3
  gpu-check   Build for CUDA and check a GPU: every kernel, a training, the time of a step. Prints one JSON object
              [--device cuda:N] [--out FILE.json]
              --peers: then PyTorch's steps on the same card; the interpreter is that of bench
  docs        Check the documentation: build the book, follow every link, and run every command it shows, shortened where it
              trains. Downloads mdBook once
  tidy        Check what the compiler does not: layering, file sizes, docs, dependencies
  assets      Make the embedded images again from the full data set: --from DIR

Example: cargo xtask reproduce --preset smoke
";

/// Why a task ended: what to say, and the exit status (2 bad usage or input, 1 failure inside).
struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: 2,
        }
    }

    fn inside(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: 1,
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let arguments: Vec<String> = arguments.collect();
    let result = match task.as_deref() {
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        _ if arguments.iter().any(|a| a == "--help" || a == "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some("reproduce") => reproduce::run(&arguments),
        Some("build") => program::run(&arguments),
        Some("bench") => bench::run(&arguments),
        Some("docs") => docs::run(&arguments),
        Some("gpu-check") => gpu_check::run(&arguments),
        Some("tidy") => tidy::run(&arguments),
        Some("assets") => assets::run(&arguments),
        Some(other) => Err(Failure::usage(format!(
            "there is no task '{other}'; see cargo xtask help"
        ))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("error: {}", failure.message);
            }
            ExitCode::from(failure.status)
        }
    }
}

/// The workspace's root.
fn root() -> PathBuf {
    // Asked at run time: with a shared target directory this program may have been built in another
    // checkout.
    let own =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&own)
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// The cargo that runs this task. It does not see what cargo told this program about its own
/// package: build scripts that watch that would run again, and with them much of the workspace
/// would be compiled again.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Whether a device's name is `cuda:N`.
fn is_cuda(device: &str) -> bool {
    device
        .strip_prefix("cuda:")
        .is_some_and(|number| number.parse::<u16>().is_ok())
}

/// Says so in one line where a build for CUDA would end in many.
fn check_nvcc(device: &str) -> Result<(), Failure> {
    let given = ["NVCC", "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if given || output(Command::new("nvcc").arg("--version")).is_ok() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--device {device}: a build for CUDA needs nvcc, which is not found: install the CUDA toolkit, or set CUDA_HOME"
    )))
}

/// Where cargo puts what it builds.
fn target_directory() -> Result<PathBuf, Failure> {
    let metadata = output(
        cargo()
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(root()),
    )?;
    let value = metadata
        .split_once("\"target_directory\":\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    let (folder, _) =
        value.ok_or_else(|| Failure::inside("cargo metadata names no target directory"))?;
    Ok(folder.replace("\\\\", "\\").into())
}

/// Runs a command to its end. A command that fails has said why itself: its status is passed on, in
/// silence.
///
/// Its standard input is a pipe that this process holds: a command that watches it ends when this
/// process is killed.
fn check(command: &mut Command) -> Result<(), Failure> {
    let run = |command: &mut Command| {
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let held = child.stdin.take();
        let status = child.wait();
        drop(held);
        status
    };
    let status = run(command).map_err(|e| {
        Failure::inside(format!(
            "cannot start {}: {e}",
            command.get_program().to_string_lossy()
        ))
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Failure {
        message: String::new(),
        status: self::status(status),
    })
}

/// What a command prints, if it succeeds.
fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|e| Failure::inside(format!("cannot start {program}: {e}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    // Its last line says what went wrong; this program says "error" itself.
    let text = String::from_utf8_lossy(&output.stderr);
    let message = text
        .trim()
        .lines()
        .next_back()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned();
    Err(Failure {
        message,
        status: status(output.status),
    })
}

/// The exit status to pass on for a command that failed.
fn status(status: ExitStatus) -> u8 {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
}

/// The first number with a key in JSON.
fn number(object: &str, key: &str) -> Option<f64> {
    let (_, rest) = object.split_once(&format!("\"{key}\":"))?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|e| Failure::inside(format!("cannot read {}: {e}", path.display())))
}

/// All files below a folder with one of the extensions, build outputs left out.
fn find(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |e| Failure::inside(format!("cannot read {}: {e}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.extend(find(&path, extensions)?);
        } else if path
            .extension()
            .is_some_and(|e| extensions.iter().any(|x| e == *x))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
