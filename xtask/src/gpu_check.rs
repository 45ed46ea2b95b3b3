//! `cargo xtask gpu-check`: builds for CUDA and checks a GPU: every kernel, a training run, and the
//! time per step.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::arguments;
use crate::failure::Failure;
use crate::json::number;
use crate::process::{self, output};
use crate::program::{self, check_nvcc, is_cuda};
use crate::workspace::root;

/// Depth, width and batch size of the timed steps, in the notations of the self-test and of the
/// peer.
const SIZES: [(&str, &str); 3] = [
    ("depth 9, width 2048, batch 16", "9/2048/16"),
    ("depth 4, width 512, batch 128", "4/512/128"),
    ("depth 4, width 64, batch 16", "4/64/16"),
];
/// The execution modes of PyTorch.
const MODES: [&str; 3] = ["eager", "graph", "compile"];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    arguments::check("gpu-check", given, &["--device", "--out"], &["--peers"])?;
    let device = arguments::value(given, "--device").unwrap_or("cuda:0");
    let out = arguments::value(given, "--out").map(Path::new);
    if !is_cuda(device) {
        return Err(Failure::usage(format!(
            "--device {device}: must be cuda:N; memdil selftest checks the processor"
        )));
    }
    // Checked before the output file is created.
    check_nvcc(device)?;
    let kept = out.map(open).transpose()?;
    let program = program::build(device)?;
    // A failed check is part of the JSON object, so the object is written before the status is
    // passed on.
    let mut selftest = Command::new(program);
    let ended = selftest
        .args(["selftest", "--json", "--device", device])
        .output();
    let ended = ended.map_err(|e| Failure::internal(format!("cannot start the program: {e}")))?;
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    if text.is_empty() {
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let message = stderr.trim().trim_start_matches("error: ").to_owned();
        return Err(Failure {
            message,
            status: process::status(ended.status),
        });
    }
    print!("{text}");
    if let Some((path, mut file)) = out.zip(kept) {
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()));
        written.map_err(|e| unwritable(path, &e))?;
    }
    if arguments::has(given, "--peers") {
        compare_with_torch(&text, device)?;
    }
    if ended.status.success() {
        Ok(())
    } else {
        Err(Failure::internal(
            "a check failed; see \"passed\": false above",
        ))
    }
}

/// Opens the output file before the build, which takes minutes. Its contents are kept until the
/// check has finished.
fn open(path: &Path) -> Result<File, Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(Ok(()), fs::create_dir_all);
    let file = folder.and_then(|()| File::options().create(true).append(true).open(path));
    file.map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", path.display()))
}

/// Compares the time per step with that of PyTorch on the same GPU.
fn compare_with_torch(selftest: &str, device: &str) -> Result<(), Failure> {
    let python = std::env::var_os("MEMDIL_PYTHON").unwrap_or_else(|| "python3".into());
    for (name, size) in SIZES {
        let Some(ours) = milliseconds(selftest, name) else {
            continue;
        };
        for mode in MODES {
            let mut command = Command::new(&python);
            command.arg(root().join("benches/peers/train_step.py"));
            match output(command.args([size, "--device", device, "--mode", mode])) {
                Ok(object) => match number(&object, "ms") {
                    Some(theirs) => {
                        println!(
                            "{size}: {ours:.3} ms, torch {mode} {theirs:.3} ms, ratio {:.2}",
                            ours / theirs
                        )
                    }
                    None => println!("{size}: torch {mode} printed no time"),
                },
                Err(failure) => println!("{size}: torch {mode} failed: {}", failure.message),
            }
        }
    }
    Ok(())
}

/// The time per step in the JSON object of the self-test.
fn milliseconds(selftest: &str, name: &str) -> Option<f64> {
    let (_, rest) = selftest.split_once(&format!("\"name\": \"{name}\""))?;
    number(rest, "milliseconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_by_name() {
        let object = r#"{"timings": [{ "name": "depth 4, width 64, batch 16",
            "milliseconds": 0.25, "least_mb": 4.0 }, { "name": "other", "milliseconds": 9.0 }]}"#;
        assert_eq!(
            milliseconds(object, "depth 4, width 64, batch 16").map(|ms| (ms * 100.0) as i32),
            Some(25)
        );
        assert!(milliseconds(object, "depth 5").is_none());
    }
}
