use super::*;

fn rates(schedule: &ScheduleSpec, epochs: usize) -> Vec<f64> {
    (1..=epochs)
        .map(|epoch| schedule.learning_rate(0.8, epoch, epochs))
        .collect()
}

fn near(found: &[f64], expected: &[f64]) {
    let same = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-15);
    assert!(same, "{found:?} {expected:?}");
}

#[test]
fn rates_agree_with_hand_calculation() {
    near(
        &rates(
            &ScheduleSpec::Step {
                patience: 2,
                gamma: 0.5,
            },
            5,
        ),
        &[0.8, 0.8, 0.4, 0.4, 0.2],
    );
    let milestones = vec![1, 3];
    near(
        &rates(
            &ScheduleSpec::MultiStep {
                milestones,
                gamma: 0.1,
            },
            4,
        ),
        &[0.8, 0.08, 0.08, 0.008],
    );
    near(
        &rates(
            &ScheduleSpec::MultiStep {
                milestones: Vec::new(),
                gamma: 0.1,
            },
            2,
        ),
        &[0.8, 0.8],
    );
    // Cosines of 0, 45, 90 and 135 degrees between 0.8 and 0.2; epoch 5 would have the minimum.
    let half = 0.3 * 0.5f64.sqrt();
    let cosine = ScheduleSpec::Cosine {
        minimum_learning_rate: 0.2,
    };
    near(&rates(&cosine, 4), &[0.8, 0.5 + half, 0.5, 0.5 - half]);
}

#[test]
fn errors_name_the_setting_out_of_range() {
    for (schedule, expected) in [
        (
            ScheduleSpec::Step {
                patience: 0,
                gamma: 0.1,
            },
            "schedule.patience = 0",
        ),
        (
            ScheduleSpec::MultiStep {
                milestones: vec![0, 2],
                gamma: 0.1,
            },
            "schedule.milestones = [0, 2]",
        ),
        (
            ScheduleSpec::MultiStep {
                milestones: vec![2, 2],
                gamma: 0.1,
            },
            "schedule.milestones = [2, 2]",
        ),
        (
            ScheduleSpec::MultiStep {
                milestones: vec![2],
                gamma: 1.5,
            },
            "schedule.gamma = 1.5",
        ),
        (
            ScheduleSpec::Cosine {
                minimum_learning_rate: 0.9,
            },
            "schedule.minimum_learning_rate = 0.9",
        ),
        (
            ScheduleSpec::Cosine {
                minimum_learning_rate: f64::NAN,
            },
            "schedule.minimum_learning_rate = NaN",
        ),
    ] {
        let error = schedule.validate(0.8).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
