use super::*;

fn kl(a: f64, z: f64) -> f64 {
    let p = 1.0 / (1.0 + (-z).exp());
    (1.0 - a) * ((1.0 - a) / p).ln() + a * (a / (1.0 - p)).ln()
}

#[test]
fn values_equal_the_definition() {
    for z in [-5.0, -0.3, 0.0, 1.7, 2.0, 4.0, 9.0] {
        let ce = MarginLoss::cross_entropy().derivatives(z)[0];
        assert!((ce - (1.0 + (-z).exp()).ln()).abs() < 1e-14);
        let ls = MarginLoss::new(LossKind::Ls, 0.2).unwrap();
        let direct = 0.9 * (1.0 + (-z).exp()).ln() + 0.1 * (1.0 + z.exp()).ln();
        assert!((ls.derivatives(z)[0] + ls.infimum() - direct).abs() < 1e-14);
        let lr = MarginLoss::new(LossKind::Lr, 0.2).unwrap();
        let direct = if z < 4f64.ln() { kl(0.2, z) } else { 0.0 };
        assert!((lr.derivatives(z)[0] - direct).abs() < 1e-14);
    }
}

#[test]
fn derivatives_equal_finite_differences() {
    for loss in [
        MarginLoss::cross_entropy(),
        MarginLoss::new(LossKind::Ls, 0.1).unwrap(),
        MarginLoss::new(LossKind::Lr, 0.3).unwrap(),
    ] {
        for z in [-40.0, -3.0, -0.1, 0.2, 0.8, 3.0, 7.0] {
            let h = 1e-5;
            let (up, down) = (loss.derivatives(z + h), loss.derivatives(z - h));
            let at = loss.derivatives(z);
            assert!(((up[0] - down[0]) / (2.0 * h) - at[1]).abs() < 1e-8, "{z}");
            assert!(((up[1] - down[1]) / (2.0 * h) - at[2]).abs() < 1e-8, "{z}");
        }
    }
}

#[test]
fn little_smoothing_is_nearly_cross_entropy() {
    let ls = MarginLoss::new(LossKind::Ls, 1e-13).unwrap();
    for z in [-3.0, 2.0, 10.0, 25.0] {
        let (ce, ls) = (logistic(z), ls.derivatives(z));
        for (a, b) in ce.iter().zip(ls) {
            assert!((a - b).abs() < 3e-12, "{z} {a} {b}");
        }
    }
    // The two formulas agree at the transition.
    let well = Well::new(0.05);
    let (below, above) = (
        well.derivatives(well.target - 1.0 - 1e-9),
        well.derivatives(well.target - 1.0 + 1e-9),
    );
    assert!(
        below.iter().zip(above).all(|(a, b)| (a - b).abs() < 2e-9),
        "{below:?} {above:?}"
    );
}

#[test]
fn far_margins_stay_finite() {
    for loss in [
        MarginLoss::cross_entropy(),
        MarginLoss::new(LossKind::Ls, 0.1).unwrap(),
        MarginLoss::new(LossKind::Lr, 0.1).unwrap(),
    ] {
        for z in [-1e6, 1e6] {
            assert!(loss.derivatives(z).iter().all(|v| v.is_finite()), "{z}");
        }
    }
}

#[test]
fn invalid_alpha_is_reported_by_name() {
    for alpha in [-0.1, 1.0, f64::NAN] {
        let message = MarginLoss::new(LossKind::Ls, alpha)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("alpha") && message.contains("[0, 1)"),
            "{message}"
        );
    }
    assert!(MarginLoss::new(LossKind::Ce, 0.1).is_err());
    assert!(MarginLoss::try_from(&Loss::Mse {}).is_err());
}

#[test]
fn json_contains_loss_and_alpha() {
    let loss = MarginLoss::new(LossKind::Ls, 0.1).unwrap();
    let text = serde_json::to_string(&loss).unwrap();
    assert_eq!(text, r#"{"loss":"ls","alpha":0.1}"#);
    assert_eq!(serde_json::from_str::<MarginLoss>(&text).unwrap(), loss);
    assert!(serde_json::from_str::<MarginLoss>(r#"{"loss":"ls","alpha":2.0}"#).is_err());
}
