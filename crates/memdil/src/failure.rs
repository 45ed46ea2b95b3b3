//! The errors that end the program, and their exit status.

use std::error::Error;
use std::process::ExitCode;

use memdil_data::DataError;
use memdil_records::RecordError;
use memdil_report::ReportError;
use memdil_runner::RunnerError;
use memdil_theory::TheoryError;

/// An error that ends the program: exit status 2 for bad input, 1 for any other failure.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One line with the location, the fault and the remedy; `None` if a worker process has
    /// already printed it.
    message: Option<String>,
    status: u8,
}

/// An error that distinguishes bad input from other failures.
pub(crate) trait Fault: Error {
    /// False, the default, for errors of the standard library and of JSON.
    fn is_bad_input(&self) -> bool {
        false
    }
}

/// Bad input, described in one line with the location, the fault and the remedy.
#[derive(Debug)]
pub(crate) struct BadInput(pub(crate) String);

impl Failure {
    /// Creates an internal failure, with exit status 1.
    pub(crate) fn inside(message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            status: 1,
        }
    }

    /// Creates the failure of a worker process, whose exit status becomes that of the program.
    pub(crate) fn of_worker(status: Option<i32>) -> Self {
        Self {
            message: None,
            status: status.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        }
    }

    pub(crate) fn is_bad_input(&self) -> bool {
        self.status == 2
    }

    /// Prints the message and returns the exit status.
    pub(crate) fn print(&self) -> ExitCode {
        if let Some(message) = &self.message {
            eprintln!("error: {message}");
        }
        ExitCode::from(self.status)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("a worker process failed"))
    }
}

impl<E: Fault> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            message: Some(with_sources(&error)),
            status: if error.is_bad_input() { 2 } else { 1 },
        }
    }
}

/// The messages of an error and its sources in one line; a source whose message is already
/// contained is not repeated.
fn with_sources(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let reason = cause.to_string();
        if !message.contains(&reason) {
            message = format!("{message}: {}", reason.replace('\n', " "));
        }
        source = cause.source();
    }
    message
}

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BadInput {}

impl Fault for BadInput {
    fn is_bad_input(&self) -> bool {
        true
    }
}

macro_rules! faults {
    ($($error:ty),*) => {
        $(impl Fault for $error {
            fn is_bad_input(&self) -> bool {
                <$error>::is_bad_input(self)
            }
        })*
    };
}

faults!(
    DataError,
    RecordError,
    ReportError,
    RunnerError,
    TheoryError
);

impl Fault for std::io::Error {}
impl Fault for serde_json::Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(&'static str, std::io::Error);

    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }

    #[test]
    fn a_message_contains_each_source_once() {
        let full = || std::io::Error::other("disk\nfull");
        let silent = Wrapped("cannot write a.npz", full());
        assert_eq!(with_sources(&silent), "cannot write a.npz: disk full");
        let repeated = Wrapped("cannot write: disk\nfull", full());
        assert_eq!(with_sources(&repeated), "cannot write: disk\nfull");
    }
}
