//! Parses the arguments of a task: `--flag value`, `--flag=value`, and switches without a value.

use crate::failure::Failure;

/// Fails on unknown arguments, and on flags of `valued` without a value.
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
                "{task}: unknown argument '{argument}'; see cargo xtask help"
            )));
        }
    }
    Ok(())
}

/// The first value of a flag.
pub(crate) fn value<'a>(arguments: &'a [String], flag: &str) -> Option<&'a str> {
    values(arguments, flag).next()
}

/// All values of a flag that may be repeated.
pub(crate) fn values<'a>(arguments: &'a [String], flag: &str) -> impl Iterator<Item = &'a str> {
    let before = std::iter::once(None).chain(arguments.iter().map(Some));
    before.zip(arguments).filter_map(move |(before, argument)| {
        if before.is_some_and(|before| before == flag) {
            return Some(argument.as_str());
        }
        argument.strip_prefix(flag)?.strip_prefix('=')
    })
}

pub(crate) fn has(arguments: &[String], switch: &str) -> bool {
    arguments.iter().any(|argument| argument == switch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_after_their_flag() {
        let arguments = ["--preset=smoke", "--out", "a"].map(str::to_owned);
        assert_eq!(value(&arguments, "--preset"), Some("smoke"));
        assert_eq!(value(&arguments, "--out"), Some("a"));
        assert_eq!(value(&arguments, "--device"), None);
        let arguments = ["--only=a", "--only", "b"].map(str::to_owned);
        assert!(values(&arguments, "--only").eq(["a", "b"]));
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
            Some("bench: unknown argument '--all'; see cargo xtask help")
        );
    }
}
