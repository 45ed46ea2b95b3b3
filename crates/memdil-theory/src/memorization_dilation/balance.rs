//! The margin at which loss and weight decay are in balance.

/// The margin at which an increasing `slope` equals `-decay`, or 0 if it is already larger at 0.
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
