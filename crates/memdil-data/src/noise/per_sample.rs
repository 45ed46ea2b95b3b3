//! Noise with a flip probability for each sample.

/// Selects the samples that flip at the rate `eta` or, with `exact_count`, exactly
/// $\mathrm{round}(\eta n)$ samples.
///
/// `flips` returns which of the `n` samples flip at a rate, and must only add samples as the rate
/// grows, from none at 0 to at least the exact number at `highest`. An exact number is obtained by
/// raising or lowering the rate until that number of samples flips. So a sample is selected with
/// nearly its own probability, and a larger number only adds samples.
pub(super) fn select(
    eta: f64,
    exact_count: bool,
    (n, highest): (usize, f64),
    flips: impl Fn(f64) -> Vec<bool>,
) -> Vec<bool> {
    if !exact_count {
        return flips(eta);
    }
    let count = (eta * n as f64).round() as usize;
    let number = |flips: &[bool]| flips.iter().filter(|&&flips| flips).count();
    let (mut low, mut high) = (0.0, highest);
    let (mut selected, mut more) = (vec![false; n], flips(highest));
    for _ in 0..64 {
        if number(&more) == count {
            return more;
        }
        let middle = 0.5 * (low + high);
        let found = flips(middle);
        if number(&found) <= count {
            (low, selected) = (middle, found);
        } else {
            (high, more) = (middle, found);
        }
    }
    // Samples that start to flip at the same rate are selected in their order.
    let mut missing = count - number(&selected);
    for (selected, more) in selected.iter_mut().zip(more) {
        if missing > 0 && more && !*selected {
            *selected = true;
            missing -= 1;
        }
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::select;

    #[test]
    fn exact_numbers_follow_the_thresholds_and_ties_the_order() {
        let starts = [0.5, 0.1, 0.5, 0.9, 0.5, 0.2];
        let flips = |eta: f64| starts.map(|start| start < eta).to_vec();
        let selected = |eta| select(eta, true, (6, 1.0), flips);
        let count = |count: usize| selected(count as f64 / 6.0);
        let indices = |of: Vec<bool>| (0..6).filter(|&i| of[i]).collect::<Vec<_>>();
        assert_eq!(indices(count(0)), [] as [usize; 0]);
        assert_eq!(indices(count(1)), [1]);
        assert_eq!(indices(count(2)), [1, 5]);
        assert_eq!(indices(count(3)), [0, 1, 5]);
        assert_eq!(indices(count(4)), [0, 1, 2, 5]);
        assert_eq!(indices(count(5)), [0, 1, 2, 4, 5]);
        assert_eq!(indices(count(6)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(indices(select(0.15, false, (6, 1.0), flips)), [1]);
    }
}
