//! Numbers that two runs have together.

use memdil_metrics::{correct, dilation, rho};
use memdil_records::{Snapshot, SnapshotPart};
use ndarray::Axis;

use crate::runs::finished::Run;
use crate::runs::no_value::NoValue;

/// A quantity of the test samples that both runs predict right: of the one and of the other.
pub(super) fn values(path: &str, [of, against]: [&Run<'_>; 2]) -> Result<[f64; 2], NoValue> {
    let classes = of.classes();
    let (of, against) = (of.snapshot()?, against.snapshot()?);
    let (Some(Snapshot { test: of, .. }), Some(Snapshot { test: against, .. })) = (of, against)
    else {
        return Err("the features of a run were not kept".into());
    };
    if of.labels != against.labels {
        return Err("the runs of a pair have different test samples".into());
    }
    if of.logits.ncols() != classes {
        return Err(format!("{path} is not defined for latent classes").into());
    }
    let labels = of.labels.to_vec();
    let undefined = |reason| format!("{path} is not defined: {reason}");
    let mut both = correct(of.logits.view(), &labels).map_err(undefined)?;
    let right = correct(against.logits.view(), &labels).map_err(undefined)?;
    both.retain(|row| right.binary_search(row).is_ok());
    let labels: Vec<u32> = both.iter().map(|&row| labels[row]).collect();
    let value = |part: &SnapshotPart| {
        let features = part.features.select(Axis(0), &both);
        let found = match path {
            "pair.rho_correct" => rho(features.view(), &labels, classes),
            _ => dilation(features.view(), &labels, classes),
        };
        found.map_err(undefined)
    };
    Ok([value(&of)?, value(&against)?])
}
