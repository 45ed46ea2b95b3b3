//! Formats numbers and dates and escapes text, for all outputs.

use memdil_claims::Verdict;
pub(crate) use memdil_claims::{count, number, p_value};

/// The CSS class of a verdict.
pub(crate) fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "yes",
        Verdict::Refuted => "no",
        Verdict::Inconclusive => "open",
    }
}

/// The text if the condition holds, otherwise an empty string.
pub(crate) fn when(condition: bool, text: impl Into<String>) -> String {
    if condition {
        text.into()
    } else {
        String::new()
    }
}

/// Joins strings with a separator.
pub(crate) fn joined(texts: impl IntoIterator<Item = String>, separator: &str) -> String {
    texts.into_iter().collect::<Vec<_>>().join(separator)
}

/// Three significant digits without trailing zeros, for settings: `0.001`, `1e−10`, `0.45`.
pub(crate) fn setting(value: f64) -> String {
    let size = value.abs();
    let text = if size < 1e-300 {
        "0".to_owned()
    } else if (1e-3..1e4).contains(&size) {
        decimal(value, 2.0 - size.log10().floor())
    } else {
        format!("{value:.1e}").replace(".0e", "e")
    };
    text.replace('-', "−")
}

/// A decimal number without trailing zeros.
pub(crate) fn decimal(value: f64, decimals: f64) -> String {
    let decimals = decimals.max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The formatted value, or a dash if it is missing.
pub(crate) fn or_dash<T>(value: Option<T>, format: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), format)
}

/// `[low, high]`.
pub(crate) fn interval([low, high]: [f64; 2]) -> String {
    format!("[{}, {}]", number(low), number(high))
}

/// A share as a percentage with `decimals` digits.
pub(crate) fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}%", 100.0 * share)
}

/// Seconds, with one decimal below 100.
pub(crate) fn seconds(value: f64) -> String {
    if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// A class selection: `0/1`, or `0–9` for at least three consecutive classes.
pub(crate) fn classes(classes: &[u32]) -> String {
    let mut pairs = classes.windows(2);
    let consecutive = pairs.all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match classes {
        [first, .., last] if consecutive && classes.len() > 2 => format!("{first}–{last}"),
        _ => joined(classes.iter().map(u32::to_string), "/"),
    }
}

/// Escapes text for XML and HTML, including attributes. Characters that XML forbids become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let forbidden = |c: char| match c {
        '\n' | '\t' => false,
        c => c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c),
    };
    text.replace(forbidden, "\u{fffd}")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Escapes Markdown, including characters that would end a table cell.
pub(crate) fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '`' | '[' | ']' | '\\' | '_' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The UTC date of a Unix time, as `2026-11-23`.
pub(crate) fn date(unix: u64) -> String {
    // Converts days to a civil date. Years start in March, so that the leap day comes last.
    let days = unix / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// A command without its options `--only NAME`.
pub(crate) fn without_only(command: &str) -> String {
    let mut kept = Vec::new();
    let mut words = command.split(' ');
    while let Some(word) = words.next() {
        match word {
            "--only" => _ = words.next(),
            _ if word.starts_with("--only=") => {}
            _ => kept.push(word),
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let expected = [
            (0.0, "0"),
            (0.29289, "0.293"),
            (12.345, "12.3"),
            (1234.5, "1234"),
            (-0.05, "−0.0500"),
            (1.7e-6, "1.7e−6"),
            (0.00123, "0.00123"),
        ];
        for (value, text) in expected {
            assert_eq!(number(value), text);
        }
        assert_eq!(
            (p_value(0.03125), p_value(1e-5)),
            ("0.031".to_owned(), "< 0.001".to_owned())
        );
        assert_eq!(percent(0.9915, 1), "99.2%");
    }

    #[test]
    fn settings_have_no_trailing_zeros() {
        let texts = [1e-3, 1e-10, 1.8e-10, 5e-4, 0.45, 0.00278, 1.0, 250.0].map(setting);
        assert_eq!(
            texts,
            [
                "0.001",
                "1e−10",
                "1.8e−10",
                "5e−4",
                "0.45",
                "0.00278",
                "1",
                "250"
            ]
        );
    }

    #[test]
    fn consecutive_classes_are_a_range() {
        let texts = [
            &[0, 1][..],
            &[0, 1, 2],
            &[2, 3, 4, 5],
            &[0, 2, 4],
            &[2, 1, 0],
            &[],
        ]
        .map(classes);
        assert_eq!(texts, ["0/1", "0–2", "2–5", "0/2/4", "2/1/0", ""]);
    }

    #[test]
    fn unix_times_become_dates() {
        for (unix, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_164_800, "2024-02-29"),
            (1_795_392_000, "2026-11-23"),
        ] {
            assert_eq!(date(unix), text);
        }
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("<b a='1'>&\"\u{1}"),
            "&lt;b a=&#39;1&#39;&gt;&amp;&quot;\u{fffd}"
        );
        assert_eq!(escape_markdown("a|b\n*c*"), "a\\|b \\*c\\*");
    }

    #[test]
    fn a_command_without_only_runs_every_experiment() {
        let command = "memdil reproduce --only a --preset smoke --only=b --jobs 2";
        assert_eq!(
            without_only(command),
            "memdil reproduce --preset smoke --jobs 2"
        );
    }
}
