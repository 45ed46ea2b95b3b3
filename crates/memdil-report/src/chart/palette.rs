//! The colours of the report, shared by the page, the SVG files and the PNG files.

use std::fmt::Write;

/// Name, colour in the light theme, colour in the dark theme.
type Colour = (&'static str, &'static str, &'static str);

/// Background, text and intermediate colours. Text colours have a contrast of at least 4.5.
const SURFACES: [Colour; 9] = [
    ("paper", "#ffffff", "#14181f"),
    ("soft", "#f5f7fa", "#1b212a"),
    ("ink", "#1b2330", "#e4e9f0"),
    ("muted", "#586474", "#9aa7b8"),
    ("axis", "#9aa5b4", "#667386"),
    ("grid", "#e6eaf0", "#272e39"),
    ("yes", "#00704f", "#4fd1a5"),
    ("no", "#b3261e", "#ff8a80"),
    ("open", "#7a6200", "#e2c35a"),
];

/// Colours of losses and classes; each name is also a CSS class.
const SERIES: [Colour; 19] = [
    ("ce", "#0067a8", "#5cb3ef"),
    ("ls", "#c54f00", "#ff9552"),
    ("lr", "#00855f", "#3ccfa2"),
    ("mse", "#9b4a8c", "#dd93cf"),
    ("fl", "#8a6100", "#d9ab3c"),
    ("gce", "#b02a4c", "#f28aa3"),
    ("sce", "#3f4fbf", "#9aa7ff"),
    ("fc", "#4a6b1a", "#a5cc6a"),
    ("other", "#586474", "#9aa7b8"),
    ("class0", "#5546c8", "#a297ff"),
    ("class1", "#9a6d00", "#e8b83f"),
    ("class2", "#00856b", "#38cfae"),
    ("class3", "#c2306e", "#ff86b3"),
    ("class4", "#097bb8", "#5cc0f5"),
    ("class5", "#c54f09", "#ff9c5b"),
    ("class6", "#4f7a12", "#a9d45f"),
    ("class7", "#8d4bb0", "#d49bf0"),
    ("class8", "#7a5236", "#d0a07c"),
    ("class9", "#5f6b7a", "#aab6c4"),
];

/// Number of classes with distinct colours.
pub(crate) const CLASSES: usize = 10;

/// The CSS class of a class; colours repeat after [`CLASSES`].
pub(crate) fn class_colour(class: usize) -> &'static str {
    SERIES[SERIES.len() - CLASSES + class % CLASSES].0
}

fn colours() -> impl Iterator<Item = &'static Colour> {
    SURFACES.iter().chain(&SERIES)
}

/// The style sheet of all charts for browsers, which follows the reader's theme.
pub(crate) fn style() -> String {
    let property = |(name, colour): (&str, &str)| format!("--{name}:{colour};");
    let light: String = colours().map(|c| property((c.0, c.1))).collect();
    let dark: String = colours().map(|c| property((c.0, c.2))).collect();
    format!(
        ":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{}",
        rules()
    )
}

/// Replaces custom properties, which only browsers support, by the colours of the light theme.
pub(super) fn light(text: &str) -> String {
    colours().fold(text.to_owned(), |text, (name, light, _)| {
        text.replace(&format!("var(--{name})"), light)
    })
}

/// The CSS rules of text, lines and marks, with a fill and a stroke for each series colour.
pub(super) fn rules() -> String {
    let mut rules = include_str!("chart.css").to_owned();
    for (name, ..) in SERIES {
        _ = writeln!(
            rules,
            ".chart .f.{name} {{ fill: var(--{name}) }} .chart .s.{name} {{ stroke: var(--{name}) }}"
        );
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of sRGB.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        f64::max(a, b) / f64::min(a, b)
    }

    #[test]
    fn text_and_series_have_enough_contrast_in_both_themes() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 1e-9);
        let of = |name: &str| *colours().find(|colour| colour.0 == name).unwrap();
        let (paper, soft) = (of("paper"), of("soft"));
        for name in ["ink", "muted", "yes", "no", "open"] {
            let (_, light, dark) = of(name);
            for (_, on_light, on_dark) in [paper, soft] {
                assert!(contrast(light, on_light) >= 4.5, "{name}");
                assert!(contrast(dark, on_dark) >= 4.5, "{name}");
            }
        }
        for (name, light, dark) in SERIES {
            assert!(contrast(light, paper.1) >= 4.5, "{name}");
            assert!(contrast(dark, paper.2) >= 4.5, "{name}");
        }
    }

    #[test]
    fn print_style_has_no_custom_properties() {
        assert!(rules().contains("var(--ce)"));
        assert!(!light(&rules()).contains("var("));
    }
}
