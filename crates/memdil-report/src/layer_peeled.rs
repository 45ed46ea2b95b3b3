//! Free features trained by gradient descent beside the closed form of the layer-peeled model.

use std::path::Path;

use memdil_claims::{Claim, Unit};
use memdil_records::{LayerPeeledEnd, LayerPeeledRecord, LayerPeeledStatus, read_layer_peeled};
use memdil_theory::layer_peeled::{LpmSetting, LpmSolution, closed_form};

use crate::ReportError;
use crate::block::{Row, Table};
use crate::exact::decided;
use crate::text::{count, number, or_dash};

/// A training and what it should have reached.
#[derive(Clone, Debug)]
pub(crate) struct Descent {
    pub(crate) record: LayerPeeledRecord,
    /// None where the minimiser does not fit into the dimension.
    exact: Option<LpmSolution>,
}

/// The trainings recorded in a folder of runs, `layer-peeled.jsonl`: by class count, loss, sign,
/// then the rest.
pub(crate) fn read(folder: &Path) -> Result<Vec<Descent>, ReportError> {
    let mut descents: Vec<Descent> = read_layer_peeled(folder)?
        .into_iter()
        .map(Descent::new)
        .collect();
    descents.sort_by_cached_key(|descent| {
        let spec = &descent.record.spec;
        let json = serde_json::to_string(spec).unwrap_or_default();
        (
            spec.nonnegative,
            descent.loss(),
            spec.classes,
            spec.dim,
            spec.seed,
            json,
        )
    });
    Ok(descents)
}

impl Descent {
    fn new(record: LayerPeeledRecord) -> Self {
        let spec = &record.spec;
        let setting = LpmSetting::new(spec.classes, spec.lambda_w, spec.lambda_h)
            .alpha(spec.loss.alpha().unwrap_or(0.0))
            .nonnegative(spec.nonnegative);
        // A specification that was read has been checked: its values are in the ranges of the
        // closed form.
        let exact = spec
            .frame_fits()
            .then(|| closed_form(&setting).ok())
            .flatten();
        Self { record, exact }
    }

    fn loss(&self) -> String {
        self.record.spec.loss.label()
    }

    /// Relative errors of objective, gap and the squared norms of features and weights.
    fn errors(&self) -> Option<[f64; 4]> {
        let (end, exact) = (self.record.end.as_ref()?, self.exact.as_ref()?);
        Some([
            relative(end.objective, exact.objective),
            relative(end.logit_gap, exact.logit_gap),
            relative(end.feature_sq_norm, exact.feature_sq_norm),
            relative(end.weight_row_sq_norm, exact.weight_row_sq_norm),
        ])
    }

    fn converged(&self) -> bool {
        self.record.status == LayerPeeledStatus::Converged
    }

    /// Deviation of the class means from the frame of the closed form.
    fn nc2_plus(&self, end: &LayerPeeledEnd) -> Option<f64> {
        let spec = &self.record.spec;
        let cosine = if spec.nonnegative {
            0.0
        } else {
            -1.0 / (spec.classes as f64 - 1.0)
        };
        let cosines = end.feature_cosines?.map(|found| (found - cosine).abs());
        Some(cosines.into_iter().fold(end.feature_norm_spread?, f64::max))
    }

    fn row(&self) -> Row {
        let LayerPeeledRecord {
            spec,
            status,
            steps,
            end,
            ..
        } = &self.record;
        let sign = if spec.nonnegative {
            "non-negative"
        } else {
            "signed"
        };
        let mut cells = vec![
            sign.to_owned(),
            self.loss(),
            spec.classes.to_string(),
            spec.dim.to_string(),
        ];
        cells.extend([spec.seed.to_string(), steps.to_string()]);
        let remark = match (status, end) {
            (LayerPeeledStatus::Diverged, _) | (_, None) => Some("✗ diverged".to_owned()),
            (LayerPeeledStatus::OutOfSteps, Some(end)) => Some(format!(
                "○ not converged: residual {} for {}",
                number(end.residual),
                number(spec.tolerance)
            )),
            _ if self.exact.is_none() => {
                Some("○ no closed form: too few dimensions for the frame".to_owned())
            }
            _ => None,
        };
        if let (None, Some(end)) = (&remark, end) {
            cells.extend(self.errors().into_iter().flatten().map(number));
            cells.push(if end.collapsed {
                "all zero".to_owned()
            } else {
                or_dash(end.nc1, number)
            });
            cells.extend([
                or_dash(self.nc2_plus(end), number),
                or_dash(end.nc3_plus, number),
            ]);
        }
        let class = if *status == LayerPeeledStatus::Diverged {
            "diverged"
        } else {
            ""
        };
        Row {
            cells,
            remark,
            class,
        }
    }
}

/// The error relative to what is expected; where that is zero (total collapse), the value itself.
fn relative(found: f64, expected: f64) -> f64 {
    let error = (found - expected).abs();
    if expected.abs() > 0.0 {
        error / expected.abs()
    } else {
        error
    }
}

/// One row per training.
pub(crate) fn table(descents: &[Descent]) -> Table {
    let columns = [
        ("features", false),
        ("loss", false),
        ("N", true),
        ("P", true),
        ("seed", true),
        ("steps", true),
        ("error: objective", true),
        ("error: gap", true),
        ("error: ‖h‖²", true),
        ("error: ‖w‖²", true),
        ("NC1", true),
        ("NC2+", true),
        ("NC3+", true),
    ];
    Table::new(&columns, descents.iter().map(Descent::row))
}

/// Supported when every training reached the closed form, refuted when one came to rest elsewhere;
/// none where nothing was trained.
pub(crate) fn claim(descents: &[Descent], tolerance: f64) -> Option<Claim> {
    let judged: Vec<&Descent> = descents.iter().filter(|d| d.exact.is_some()).collect();
    let errors: Vec<f64> = judged
        .iter()
        .filter(|d| d.converged())
        .filter_map(|d| d.errors()?.into_iter().reduce(f64::max))
        .collect();
    let largest = errors.iter().copied().reduce(f64::max);
    let open = judged.len() - errors.len();
    let (holds, reason) = match largest {
        Some(largest) if largest > tolerance => (Some(false), None),
        _ if open > 0 => (
            None,
            Some(format!(
                "{} not converged",
                count(open, "training has", "trainings have")
            )),
        ),
        Some(_) => (Some(true), None),
        None => (
            None,
            Some("no training has a closed form to compare with".to_owned()),
        ),
    };
    (!descents.is_empty()).then(|| Claim {
        test: format!(
            "Relative errors of objective, logit gap and squared norms where descent came to rest; supported if all are \
             at most {tolerance:e}, refuted otherwise"
        ),
        reason,
        measure: "largest error".to_owned(),
        unit: Unit::RelativeError,
        effect: largest,
        ..decided(holds, errors.len())
    })
}

#[cfg(test)]
mod tests {
    use memdil_losses::Loss;
    use memdil_records::{LayerPeeledSpec, Provenance};

    use super::*;
    use memdil_claims::Verdict;

    /// A training that reached the closed form, but for a relative error in the gap.
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
    fn verdicts() {
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
        // What came to rest elsewhere refutes, whatever else is open.
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
    fn rows_show_errors_and_frames() {
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
    fn errors_beside_zero_are_absolute() {
        assert!(
            (relative(1e-9, 0.0) - 1e-9).abs() < 1e-24 && (relative(2.2, 2.0) - 0.1).abs() < 1e-12
        );
    }
}
