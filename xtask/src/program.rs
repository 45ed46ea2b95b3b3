//! Builds the `memdil` program. Before the first build, which compiles every dependency, it prints
//! an estimate of the build time on this machine.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::arguments;
use crate::failure::Failure;
use crate::process::{check, output};
use crate::workspace::{cargo, root, target_directory};

/// A small program whose compile time measures the speed of this machine.
const SAMPLE: &str = r#"
use std::collections::{BTreeMap, HashMap};
pub fn sample(text: &str) -> (BTreeMap<String, Vec<usize>>, HashMap<usize, String>, Vec<String>) {
    let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut lengths: HashMap<usize, String> = HashMap::new();
    for (index, word) in text.split_whitespace().enumerate() {
        words.entry(word.to_lowercase()).or_default().push(index);
        lengths.insert(word.len(), format!("{word:?} at {index:>5}"));
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_by_key(|line| (line.len(), line.chars().rev().collect::<String>()));
    (words, lengths, lines)
}
"#;
/// CPU time of a first build divided by the compile time of `SAMPLE`, measured on 2 cores.
const FIRST_BUILD: f64 = 720.0;
/// The part of `FIRST_BUILD` that cannot run in parallel: the longest chain of dependent crates.
const IN_SEQUENCE: f64 = 70.0;

/// `cargo xtask build`.
pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    arguments::check("build", given, &["--device"], &[])?;
    let device = device(given)?;
    println!("{}", build(device)?.display());
    Ok(())
}

/// The requested device.
pub(crate) fn device(given: &[String]) -> Result<&str, Failure> {
    match arguments::value(given, "--device").unwrap_or("cpu") {
        device if device == "cpu" || is_cuda(device) => Ok(device),
        other => Err(Failure::usage(format!(
            "--device {other}: must be cpu or cuda:N"
        ))),
    }
}

/// Builds the program for a device and returns its path.
///
/// The build uses the profile `dev`, so that the tests reuse the compiled dependencies. Building
/// the tests replaces `target/debug/memdil` with a slower program, so this one is copied to
/// `target/memdil`.
pub(crate) fn build(device: &str) -> Result<PathBuf, Failure> {
    let mut command = cargo();
    command
        .args(["build", "--package", "memdil"])
        .current_dir(root());
    if is_cuda(device) {
        check_nvcc(device)?;
        command.args(["--features", "cuda"]);
    }
    let name = format!("memdil{}", std::env::consts::EXE_SUFFIX);
    let target = target_directory()?;
    let program = target.join(&name);
    if program.exists() {
        eprintln!("building memdil");
    } else {
        eprintln!(
            "building memdil for the first time: compiling about 250 crates takes {} on this machine; \
             later builds compile only what changed",
            first_build()
        );
    }
    check(&mut command)?;
    let copy = target.join(format!("{name}.{}", std::process::id()));
    fs::copy(target.join("debug").join(&name), &copy)
        .and_then(|_| fs::rename(&copy, &program))
        .map_err(|e| Failure::internal(format!("cannot write {}: {e}", program.display())))?;
    Ok(program)
}

/// Whether a device's name is `cuda:N`.
pub(crate) fn is_cuda(device: &str) -> bool {
    device
        .strip_prefix("cuda:")
        .is_some_and(|number| number.parse::<u16>().is_ok())
}

/// Fails with a one-line message if nvcc is missing. The build itself would fail with many lines.
pub(crate) fn check_nvcc(device: &str) -> Result<(), Failure> {
    let given = ["NVCC", "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if given || output(Command::new("nvcc").arg("--version")).is_ok() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--device {device}: nvcc not found; install the CUDA toolkit, or set CUDA_HOME"
    )))
}

/// The estimated time of a first build, as text.
fn first_build() -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    match sample() {
        Some(sample) => {
            let seconds = sample.as_secs_f64() * expected(cores);
            format!("about {:.0} min", (seconds / 60.0).max(1.0))
        }
        None => "several minutes".to_owned(),
    }
}

/// The expected time of a first build, in units of the compile time of `SAMPLE`.
fn expected(cores: usize) -> f64 {
    IN_SEQUENCE + (FIRST_BUILD - IN_SEQUENCE) / cores as f64
}

/// Measures the compile time of `SAMPLE`.
fn sample() -> Option<Duration> {
    let object = std::env::temp_dir().join(format!("memdil-sample-{}.o", std::process::id()));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let start = Instant::now();
    let mut compiler = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "obj"])
        .args(["-C", "opt-level=3", "-o"])
        .arg(&object)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // The temporary pipe is dropped at the end of the statement, which closes the compiler's input.
    let written = compiler.stdin.take()?.write_all(SAMPLE.as_bytes());
    let status = compiler.wait();
    let taken = start.elapsed();
    let _ = fs::remove_file(object);
    (written.is_ok() && status.ok()?.success()).then_some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_compiles() {
        assert!(sample().is_some());
    }

    #[test]
    fn more_cores_shorten_only_the_parallel_part_of_a_build() {
        assert!(expected(1) > expected(2));
        assert!(expected(1000) < 1.1 * IN_SEQUENCE);
    }
}
