//! Where a loss pulls as hard as weight decay.

/// The margin at which a rising `slope` reaches -`decay`, or 0 if it starts above.
pub(super) fn balanced_margin(slope: impl Fn(f64) -> f64, decay: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while slope(high) < -decay && high < 1e6 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle) < -decay {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
