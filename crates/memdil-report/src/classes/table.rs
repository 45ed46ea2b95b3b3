//! The table of metrics per class.

use super::values::{Class, NamedClasses};
use crate::document::{Row, Table};
use crate::text::{number, or_dash, percent};

/// The meaning of the columns.
pub(crate) const COLUMNS: &str = "Columns: samples: training samples whose given label is the class; variance: their mean squared \
     distance to the class mean; norm: distance of the class mean to the mean of all samples; nearest: share of the samples that \
     are nearest to the mean of their class; alignment: cosine between the centred class mean and the classifier row of the \
     class; corrupted: samples of the true class whose given label is wrong; memorization: their mean distance to the mean of the \
     uncorrupted samples.";

/// One row per class for each network.
pub(crate) fn table<'a>(networks: impl IntoIterator<Item = &'a NamedClasses>) -> Table {
    let mut rows = Vec::new();
    for network in networks {
        rows.push(Row::group(network.network.clone()));
        let classes = network.classes.classes.iter();
        rows.extend(classes.map(|class| row(network, class)));
    }
    let headings =
        "class | #samples | #variance | #norm | #nearest | #alignment | #corrupted | #memorization";
    Table::new(headings, rows)
}

fn row(network: &NamedClasses, class: &Class) -> Row {
    Row::of(vec![
        network.label(class.class),
        class.samples.to_string(),
        number(class.variance),
        number(class.mean_norm),
        or_dash(class.nearest_mean, |share| percent(share, 1)),
        or_dash(class.classifier_alignment, number),
        or_dash(class.corrupted, |samples| samples.to_string()),
        or_dash(class.memorization_mean, number),
    ])
}

/// The worst class, in a sentence; `None` if it is undefined.
pub(crate) fn worst(network: &NamedClasses) -> Option<String> {
    let worst = network.classes.worst?;
    let of = network
        .classes
        .classes
        .iter()
        .find(|of| of.class == worst)?;
    let (label, variance) = (network.label(worst), number(of.variance));
    let share = of.nearest_mean?;
    // The worst class has the lowest share.
    Some(if share < 1.0 {
        let share = percent(share, 1);
        format!("The worst class is {label}: {share} of its samples are nearest to its mean.")
    } else {
        format!(
            "All samples are nearest to the mean of their class; {label} has the largest variance, {variance}."
        )
    })
}
