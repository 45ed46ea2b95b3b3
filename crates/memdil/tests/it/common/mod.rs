//! Runs the program as a user would, in a temporary folder.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The settings of a small run on embedded images.
pub(crate) const SETTINGS: &str = r#"
experiment = "probe"
loss = { kind = "cross_entropy" }
noise = { kind = "uniform", eta = 0.2 }
model = { kind = "mlp", depth = 2, width = 8 }
optimizer = { kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 0.0 }
schedule = { kind = "step", patience = 20, gamma = 0.1 }
training = { epochs = 1, batch_size = 16, evaluate_every = 1 }
seed = 0

[data]
source = "fashion-mnist-embedded"
classes = [0, 1]
images_per_class = 20
test_images_per_class = 10

"#;

pub(crate) struct Scene {
    folder: tempfile::TempDir,
    subcommand: &'static str,
}

impl Scene {
    /// Creates an empty folder. Calls pass their arguments to `subcommand` or, if that is empty, to
    /// the program.
    pub(crate) fn new(subcommand: &'static str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            subcommand,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memdil"));
        command
            .args(self.subcommand.split_whitespace())
            .args(arguments.split_whitespace());
        command
            .current_dir(self.folder.path())
            .env_remove("MEMDIL_DATA_DIR");
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn succeed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Checks the exit status, and that standard error is one line that contains all of `expected`.
    pub(crate) fn fail(&self, arguments: &str, status: i32, expected: &[&str]) -> Output {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments}: {text}");
        assert_eq!(text.lines().count(), 1, "{arguments}: {text}");
        for expected in expected {
            assert!(
                text.contains(expected),
                "{arguments}: {text} does not contain {expected}"
            );
        }
        output
    }

    /// As [`fail`](Self::fail) with exit status 2, and nothing on standard output.
    pub(crate) fn refuse(&self, arguments: &str, expected: &[&str]) {
        assert!(
            self.fail(arguments, 2, expected).stdout.is_empty(),
            "{arguments}"
        );
    }
}
