//! The section of measured features.

use super::features::MeasuredFeatures;
use super::figure;
use crate::classes::{self, NamedClasses};
use crate::document::{Block, Row, Section, Table};
use crate::text::{number, or_dash};

const MEASURED: &str = "These networks were given as features only. Each network is a single observation, so no claim is \
     tested on them. A dash marks a metric that is undefined or needs other inputs; docs/src/metrics.md lists the inputs of \
     each metric.";

/// Metrics in the order of the table: path, name, and meaning.
const METRICS: &str = include_str!("metrics.txt");

/// Counts, which are not rounded.
const COUNTS: [&str; 4] = ["samples", "dim", "classes", "test.samples"];

/// The section of all networks; `None` if there are none.
pub(crate) fn section(measured: &[MeasuredFeatures]) -> Option<Section> {
    if measured.is_empty() {
        return None;
    }
    let mut blocks = vec![
        Block::text(MEASURED),
        Block::Figure(figure::figure(measured)),
        Block::Table(table(measured)),
    ];
    blocks.extend(class_blocks(measured));
    for network in measured {
        for line in network.undefined() {
            blocks.push(Block::note("", format!("{}: {line}.", network.name)));
        }
    }
    Some(Section {
        id: "measured".to_owned(),
        title: "Measured features".to_owned(),
        blocks,
    })
}

/// The figure and the table of classes; empty if no network has metrics per class.
fn class_blocks(measured: &[MeasuredFeatures]) -> Vec<Block> {
    let networks: Vec<NamedClasses> = measured
        .iter()
        .filter_map(MeasuredFeatures::classes)
        .collect();
    if networks.is_empty() {
        return Vec::new();
    }
    let mut table = vec![Block::note("", classes::COLUMNS)];
    for network in &networks {
        let worst = classes::worst(network);
        table.extend(worst.map(|text| Block::text(format!("{}: {text}", network.network))));
    }
    table.push(Block::Table(classes::table(&networks)));
    let figure = classes::figure(&networks).map(Block::Figure);
    figure
        .into_iter()
        .chain([Block::fold("Classes", table)])
        .collect()
}

/// One row per metric, one column per network; metrics that no network has are omitted.
fn table(measured: &[MeasuredFeatures]) -> Table {
    let mut columns = vec![("metric".to_owned(), false)];
    columns.extend(measured.iter().map(|network| (network.name.clone(), true)));
    columns.push(("meaning".to_owned(), false));
    let mut rows = Vec::new();
    for metric in METRICS.lines() {
        let fields: Vec<&str> = metric.split('|').map(str::trim).collect();
        let (path, name, meaning) = (fields[0], fields[1], fields[2]);
        let shown = |value: f64| match path {
            path if COUNTS.contains(&path) => value.to_string(),
            _ => number(value),
        };
        let values = measured.iter().map(|network| network.value(path));
        let mut cells = vec![name.to_owned()];
        cells.extend(values.clone().map(|value| or_dash(value, shown)));
        cells.push(meaning.to_owned());
        if values.flatten().next().is_some() {
            rows.push(Row::of(cells));
        }
    }
    Table {
        columns,
        rows,
        class: "wrap",
    }
}
