#![allow(clippy::float_cmp, clippy::unwrap_used)]

use ndarray::array;

use super::{Flips, PmdType, level};

#[test]
fn levels_equal_the_published_formulas() {
    let logits = array![
        [2.0, 1.0, -1.0, 0.5],
        [0.1, 0.0, 0.3, 0.2],
        [-3.0, 4.0, 4.0, 0.0],
        [1.0, 9.0, 2.0, 3.0]
    ];
    for (logits, label) in logits.rows().into_iter().zip([0_usize, 1, 1, 1]) {
        let powers: Vec<f64> = logits.iter().map(|&logit: &f64| logit.exp()).collect();
        let sum: f64 = powers.iter().sum();
        let other = |&k: &usize| k != label;
        let runner_up = (0..4)
            .filter(other)
            .rev()
            .max_by(|&a, &b| powers[a].total_cmp(&powers[b]))
            .unwrap();
        let m = ((powers[label] - powers[runner_up]) / sum).max(0.0);
        for (pmd_type, expected) in [
            (PmdType::I, 0.5 - 0.5 * m * m),
            (PmdType::II, 1.0 - m.powi(3)),
            (PmdType::III, 1.0 - (m.powi(3) + m.powi(2) + m) / 3.0),
        ] {
            let (found, to) = level(logits, label as u32, pmd_type);
            assert!(
                (found - expected).abs() < 1e-14,
                "{pmd_type:?}: {found} against {expected}"
            );
            assert_eq!(to as usize, runner_up);
        }
    }
}

#[test]
fn levels_of_nearly_certain_networks_are_positive_and_ordered() {
    let at = |gap: f64| level(array![gap, 0.0, -1.0].view(), 0, PmdType::I);
    let levels: Vec<f64> = [30.0, 40.0, 100.0, 700.0].map(|gap| at(gap).0).to_vec();
    assert!(
        levels
            .windows(2)
            .all(|pair| pair[0] > pair[1] && pair[1] > 0.0),
        "{levels:?}"
    );
    // tau is about d = 2 p_1 + p_2.
    let d = 2.0 * (-40.0_f64).exp() + (-41.0_f64).exp();
    assert!((levels[1] / d - 1.0).abs() < 1e-12);
    assert_eq!(at(800.0), (0.0, 1));
    // A sample that the network assigns to another class has margin 0.
    assert_eq!(
        level(array![1.0, 800.0, 2.0].view(), 0, PmdType::I),
        (0.5, 1)
    );
}

#[test]
fn probabilities_are_proportional_to_the_levels_and_have_the_requested_mean() {
    let levels: Vec<f64> = (0..500)
        .map(|i| ((i * 37 % 500) as f64 / 500.0).powi(6) / 2.0)
        .collect();
    let flips = Flips::new(levels.clone());
    let reachable = flips.check_reachable(0.5).unwrap();
    assert_eq!(reachable, 499.0 / 500.0);
    let mut previous = vec![0.0; 500];
    for eta in [0.0, 1e-9, 0.01, 0.05, 0.07, 0.2, 0.5, 0.9, 0.99, reachable] {
        let found = flips.probabilities(eta);
        let mean = found.iter().sum::<f64>() / 500.0;
        assert!((mean - eta).abs() < 1e-13, "{eta}: {mean}");
        assert!(found.iter().zip(&previous).all(|(new, old)| new >= old));
        let factor = flips.factor(eta);
        for (p, level) in found.iter().zip(&levels) {
            assert!(
                *p == factor * level
                    || *p == 1.0 && factor * level >= 1.0 - 1e-12
                    || *level == 0.0 && *p == 0.0
            );
        }
        previous = found;
    }
    let error = flips.check_reachable(0.999).unwrap_err().to_string();
    assert!(
        error.contains("1 of 500") && error.contains("0.998"),
        "{error}"
    );
}
