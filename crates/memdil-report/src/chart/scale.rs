//! Scales that map values to pixels, and their ticks.

use crate::text::decimal;

/// A linear or logarithmic scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    domain: [f64; 2],
    range: [f64; 2],
    log: bool,
}

impl Scale {
    /// Linear, widened to the next ticks; the range of a constant is widened around it.
    pub(crate) fn linear([low, high]: [f64; 2], range: [f64; 2], most_ticks: usize) -> Self {
        let (mut low, mut high) = (low, high);
        if high - low <= 1e-12 * high.abs().max(low.abs()).max(1e-12) {
            let room = (0.1 * low.abs()).max(1e-3);
            low = if low.abs() < 1e-12 { 0.0 } else { low - room };
            high += room;
        }
        let step = nice_step(high - low, most_ticks);
        let domain = [
            (low / step + 1e-9).floor() * step,
            (high / step - 1e-9).ceil() * step,
        ];
        Self::exact(domain, range)
    }

    /// Linear without widening.
    pub(crate) fn exact(domain: [f64; 2], range: [f64; 2]) -> Self {
        Self {
            domain,
            range,
            log: false,
        }
    }

    /// Logarithmic, slightly widened; both bounds must be positive.
    pub(crate) fn log([low, high]: [f64; 2], range: [f64; 2]) -> Self {
        Self::log_exact([low / 1.18, high * 1.18], range)
    }

    /// Logarithmic without widening; both bounds must be positive.
    pub(crate) fn log_exact(domain: [f64; 2], range: [f64; 2]) -> Self {
        Self {
            domain,
            range,
            log: true,
        }
    }

    /// The pixel coordinate of a value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.domain.map(|v| self.inner(v));
        let share = (self.inner(value) - low) / (high - low);
        self.range[0] + share * (self.range[1] - self.range[0])
    }

    fn inner(&self, value: f64) -> f64 {
        if self.log {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        }
    }

    /// Values and labels of the ticks, about `most` of them.
    pub(crate) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let [low, high] = self.domain;
        if self.log {
            return log_ticks(low, high, most);
        }
        let step = nice_step(high - low, most);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let label = |value: f64| format!("{value:.decimals$}").replace('-', "−");
        // Adding 0.0 turns a negative zero, whose label would have a sign, into a positive one.
        let values = (first..=last).map(|k| k as f64 * step + 0.0);
        values.map(|value| (value, label(value))).collect()
    }
}

/// The smallest step of 1, 2 or 5 times a power of ten that a span contains at most `most` times.
fn nice_step(span: f64, most: usize) -> f64 {
    let raw = span / most.max(1) as f64;
    let power = 10.0_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|f| f * power >= raw * (1.0 - 1e-9))
        .unwrap_or(10.0);
    factor * power
}

/// Ticks at powers of ten and at the largest set of their multiples that fits into `most` ticks.
fn log_ticks(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let at = |factors: &[f64]| -> Vec<f64> {
        let all = (first..=last).flat_map(|e| factors.iter().map(move |f| f * 10.0_f64.powi(e)));
        all.filter(|v| *v >= low && *v <= high).collect()
    };
    let factors = [
        [
            1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0,
        ]
        .as_slice(),
        &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        &[1.0, 2.0, 5.0],
        &[1.0, 3.0],
        &[1.0],
    ];
    let values = factors
        .into_iter()
        .map(at)
        .find(|values| values.len() <= most)
        .unwrap_or_else(|| at(&[1.0]));
    values.into_iter().map(|v| (v, log_label(v))).collect()
}

fn log_label(value: f64) -> String {
    if (1e-3..1e4).contains(&value) {
        // Two significant digits.
        decimal(value, 1.0 - (value * 1.001).log10().floor())
    } else {
        format!("{value:.0e}").replace('-', "−")
    }
}

/// The smallest and the largest value; `None` without values.
pub(crate) fn span(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    values.into_iter().fold(None, |span, value| match span {
        None => Some([value, value]),
        Some([low, high]) => Some([f64::min(low, value), f64::max(high, value)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, most: usize) -> Vec<String> {
        scale
            .ticks(most)
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn linear_ticks_are_round_and_reach_the_ends() {
        let scale = Scale::linear([0.0, 0.93], [0.0, 100.0], 5);
        assert_eq!(
            labels(&scale, 5),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert!((scale.at(0.5) - 50.0).abs() < 1e-9);
        assert_eq!(
            labels(&Scale::linear([84.9, 99.4], [0.0, 1.0], 4), 4),
            ["80", "85", "90", "95", "100"]
        );
        assert_eq!(
            labels(&Scale::linear([-1.0, 1.0], [0.0, 1.0], 4), 4),
            ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
        );
    }

    #[test]
    fn a_constant_has_a_finite_scale() {
        for value in [0.0, 0.3, -2.0] {
            let scale = Scale::linear([value, value], [0.0, 100.0], 5);
            assert!(
                scale.at(value).is_finite() && scale.ticks(5).len() >= 2,
                "{value}"
            );
        }
    }

    #[test]
    fn log_ticks_fit_into_the_given_number() {
        assert_eq!(
            labels(&Scale::log([0.02, 1.1], [0.0, 1.0]), 7),
            ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(
            labels(&Scale::log([1e-6, 10.0], [0.0, 1.0]), 8),
            ["1e−6", "1e−5", "1e−4", "0.001", "0.01", "0.1", "1", "10"]
        );
    }
}
