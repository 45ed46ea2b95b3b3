//! Formats numbers as text.

/// A number with three significant digits and a typographic minus sign; very small and very large
/// values in scientific notation.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let text = if size < 1e-12 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else {
        let decimals = (2.0 - size.log10().floor()).clamp(0.0, 5.0) as usize;
        format!("{value:.decimals$}")
    };
    text.replace('-', "−")
}

/// A p value with three decimals, or `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

/// A count with its noun: `1 seed`, `2 seeds`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {many}")
    }
}
