//! The table of trainings.

use memdil_records::{LayerPeeledRecord, LayerPeeledStatus};

use super::descent::Descent;
use crate::document::{Row, Table};
use crate::text::{number, or_dash};

/// One row per training.
pub(crate) fn table(descents: &[Descent]) -> Table {
    let headings = "features | loss | #N | #P | #seed | #steps | #error: objective | #error: gap | \
                    #error: ‖h‖² | #error: ‖w‖² | #NC1 | #NC2+ | #NC3+";
    Table::new(headings, descents.iter().map(row))
}

fn row(descent: &Descent) -> Row {
    let LayerPeeledRecord {
        spec, status, end, ..
    } = &descent.record;
    let diverged = *status == LayerPeeledStatus::Diverged;
    let sign = if spec.nonnegative {
        "non-negative"
    } else {
        "signed"
    };
    let mut cells = vec![
        sign.to_owned(),
        descent.loss(),
        spec.classes.to_string(),
        spec.dim.to_string(),
        spec.seed.to_string(),
        descent.record.steps.to_string(),
    ];
    let remark = match end {
        Some(end) if *status == LayerPeeledStatus::OutOfSteps => Some(format!(
            "○ not converged: residual {}, tolerance {}",
            number(end.residual),
            number(spec.tolerance)
        )),
        Some(_) if !diverged && descent.exact.is_none() => {
            Some("○ no closed form: too few dimensions for the frame".to_owned())
        }
        Some(end) if !diverged => {
            cells.extend(descent.errors().into_iter().flatten().map(number));
            cells.push(if end.collapsed {
                "all zero".to_owned()
            } else {
                or_dash(end.nc1, number)
            });
            cells.push(or_dash(descent.nc2_plus(end), number));
            cells.push(or_dash(end.nc3_plus, number));
            None
        }
        _ => Some("✗ diverged".to_owned()),
    };
    Row {
        cells,
        remark,
        class: if diverged { "diverged" } else { "" },
    }
}
