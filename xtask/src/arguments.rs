//! The arguments of a task: `--flag value`, `--flag=value`, and switches without a value.

use crate::failure::Failure;

/// Refuses arguments that a task does not know, and flags of `valued` without a value.
pub(crate) fn check(
    task: &str,
    arguments: &[String],
    valued: &[&str],
    switches: &[&str],
) -> Result<(), Failure> {
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        let flag = argument.split('=').next().unwrap_or_default();
        if valued.contains(&flag) {
            if flag == argument && rest.next().is_none() {
                return Err(Failure::usage(format!("{flag} needs a value")));
            }
        } else if !switches.contains(&argument) {
            return Err(Failure::usage(format!(
                "{task} does not know '{argument}'; see cargo xtask help"
            )));
        }
    }
    Ok(())
}

/// The value of a flag, after it or behind `=`.
pub(crate) fn value<'a>(arguments: &'a [String], flag: &str) -> Option<&'a str> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == flag {
            return rest.next().map(String::as_str);
        }
        if let Some(value) = argument
            .strip_prefix(flag)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(value);
        }
    }
    None
}

pub(crate) fn has(arguments: &[String], switch: &str) -> bool {
    arguments.iter().any(|argument| argument == switch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_flag() {
        let arguments = ["--preset=smoke", "--out", "a"].map(str::to_owned);
        assert_eq!(value(&arguments, "--preset"), Some("smoke"));
        assert_eq!(value(&arguments, "--out"), Some("a"));
        assert_eq!(value(&arguments, "--device"), None);
    }

    #[test]
    fn unknown_arguments_and_missing_values_are_refused() {
        let refused = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            let result = check("bench", &arguments, &["--only"], &["--peers"]);
            result.err().map(|failure| failure.message)
        };
        assert_eq!(refused(&["--peers", "--only", "a"]), None);
        assert_eq!(
            refused(&["--only"]).as_deref(),
            Some("--only needs a value")
        );
        assert_eq!(
            refused(&["--all"]).as_deref(),
            Some("bench does not know '--all'; see cargo xtask help")
        );
    }
}
