use memdil_claims::Verdict;
use memdil_losses::Loss;
use memdil_records::{
    LayerPeeledEnd, LayerPeeledRecord, LayerPeeledSpec, LayerPeeledStatus, Provenance,
};

use super::descent::{Descent, relative};
use super::{claim, table};

/// A training that reached the closed form up to a relative error in the logit gap.
fn descent(classes: usize, nonnegative: bool, error: f64) -> Descent {
    let spec = LayerPeeledSpec {
        classes,
        samples_per_class: 2,
        dim: 4,
        loss: Loss::LabelSmoothing { alpha: 0.1 },
        lambda_w: 5e-3,
        lambda_h: 5e-3,
        nonnegative,
        seed: 0,
        learning_rate: 0.5,
        momentum: 0.9,
        steps: 10,
        tolerance: 1e-8,
    };
    let provenance = Provenance {
        version: String::new(),
        commit: String::new(),
        lockfile_sha256: String::new(),
        rustc: String::new(),
        platform: String::new(),
        cpu: String::new(),
        cpu_features: Vec::new(),
        threads: 1,
        device: "cpu".to_owned(),
        started_unix: 0,
    };
    let mut record = LayerPeeledRecord {
        format: LayerPeeledRecord::FORMAT,
        spec,
        status: LayerPeeledStatus::Converged,
        steps: 5,
        end: None,
        seconds: 0.1,
        provenance,
    };
    if let Some(exact) = Descent::new(record.clone()).exact {
        let cosine = if nonnegative {
            0.0
        } else {
            -1.0 / (classes as f64 - 1.0)
        };
        record.end = Some(LayerPeeledEnd {
            residual: 1e-9,
            objective: exact.objective,
            collapsed: false,
            logit_gap: exact.logit_gap * (1.0 + error),
            logit_gap_spread: 0.0,
            feature_sq_norm: exact.feature_sq_norm,
            weight_row_sq_norm: exact.weight_row_sq_norm,
            nc1: Some(0.0),
            feature_cosines: Some([cosine - 3e-7, cosine + 1e-7]),
            feature_norm_spread: Some(2e-7),
            nc3_plus: Some(0.0),
        });
    }
    Descent::new(record)
}

#[test]
fn a_claim_needs_converged_trainings_with_small_errors() {
    let judge = |descents: &[Descent]| claim(descents, 1e-6).unwrap();
    let good = [descent(3, true, 5e-7), descent(4, false, -2e-7)];
    let found = judge(&good);
    assert_eq!(
        (found.verdict, found.n, found.reason),
        (Verdict::Supported, 2, None)
    );
    assert!((found.effect.unwrap() - 5e-7).abs() < 1e-12);
    assert_eq!(found.unit.format(found.effect.unwrap()), "5.0e−7");
    assert_eq!(judge(&[descent(3, true, 2e-6)]).verdict, Verdict::Refuted);
    let mut slow = descent(3, true, 1.0);
    slow.record.status = LayerPeeledStatus::OutOfSteps;
    let open = judge(&[good[0].clone(), slow.clone()]);
    assert_eq!((open.verdict, open.n), (Verdict::Inconclusive, 1));
    assert_eq!(open.reason.as_deref(), Some("1 training has not converged"));
    // A training that converged elsewhere refutes the claim even if others have not converged.
    assert_eq!(
        judge(&[slow, descent(3, true, 2e-6)]).verdict,
        Verdict::Refuted
    );
    // Five orthogonal directions do not fit into four dimensions.
    assert_eq!(
        judge(&[descent(5, true, 0.0)]).verdict,
        Verdict::Inconclusive
    );
    assert_eq!(claim(&[], 1e-6), None);
}

#[test]
fn rows_show_errors_and_deviations_from_the_frame() {
    let mut diverged = descent(3, true, 0.0);
    (diverged.record.status, diverged.record.end) = (LayerPeeledStatus::Diverged, None);
    let table = table(&[descent(3, true, 0.0), descent(4, false, 1e-3), diverged]);
    let cells: Vec<&[String]> = table.rows.iter().map(|row| row.cells.as_slice()).collect();
    assert_eq!(cells[0].len(), table.columns.len());
    assert_eq!(cells[0][..4], ["non-negative", "LS 0.1", "3", "4"]);
    assert_eq!(
        (cells[0][11].as_str(), cells[1][11].as_str()),
        ("3.0e−7", "3.0e−7")
    );
    assert_eq!(cells[1][7], "1.0e−3");
    assert!(cells[2].len() == 6 && table.rows[2].remark.as_deref() == Some("✗ diverged"));
}

#[test]
fn errors_are_absolute_if_zero_is_expected() {
    assert!((relative(1e-9, 0.0) - 1e-9).abs() < 1e-24 && (relative(2.2, 2.0) - 0.1).abs() < 1e-12);
}
