//! Selecting a new class by given probabilities.

/// Selects another class by the probabilities of a row: the first class at which their cumulative
/// sum exceeds the fraction `v` of the total. Returns `class` itself if no other class has a
/// positive probability.
pub(super) fn other_class(row: &[f64], class: u32, v: f64) -> u32 {
    let others = || (0_u32..).zip(row).filter(|(k, p)| *k != class && **p > 0.0);
    let sum: f64 = others().map(|(_, p)| p).sum();
    let (mut up_to, mut found) = (0.0, class);
    for (k, p) in others() {
        // If rounding keeps the cumulative sum below the threshold, the last class is selected.
        found = k;
        up_to += p;
        if v * sum < up_to {
            break;
        }
    }
    found
}
