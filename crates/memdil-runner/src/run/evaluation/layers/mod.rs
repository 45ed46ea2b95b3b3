//! Metrics of the layers of a network.
//!
//! The outputs of all layers of all samples would not fit in memory, so every metric is computed
//! from two passes over the samples, in chunks. Only the outputs of one chunk exist at a time,
//! besides a few classes x width tables per layer.

mod archive;
mod chunks;
mod first;
mod second;

use memdil_records::{EpochRecord, LayerRecord, RunSpec};

pub(crate) use self::archive::write_layers;
use self::chunks::Layers;
use self::first::FirstPasses;
use self::second::SecondPasses;
use crate::error::RunnerError;
use crate::network::interface::{ImageSet, Network};
use crate::prepare::Prepared;
use crate::run::evaluation::collector::Collector;

/// Checks that the layers of a network can be measured.
pub(crate) fn check_layers(
    network: &mut dyn Network,
    spec: &RunSpec,
    data: &Prepared,
) -> Result<(), RunnerError> {
    Layers::new(network, spec, data).map(|_| ())
}

/// Adds the metrics of the layers to the record of an epoch; the reasons of undefined metrics are
/// added to `undefined`.
pub(crate) fn measure_layers(
    network: &mut dyn Network,
    spec: &RunSpec,
    data: &Prepared,
    record: &mut EpochRecord,
) -> Result<(), RunnerError> {
    let mut layers = Layers::new(network, spec, data)?;
    let (widths, sizes) = (layers.widths(), layers.classes());
    let mut firsts = Vec::with_capacity(widths.len());
    for &width in &widths {
        firsts.push(FirstPasses::new(width, sizes)?);
    }
    for set in [ImageSet::Train, ImageSet::Test] {
        layers.for_each_chunk(set, |labels, outputs| {
            let passes = firsts.iter_mut().zip(outputs);
            passes.for_each(|(pass, output)| pass.add(output.features.view(), labels));
        })?;
    }
    let means: Vec<_> = firsts.into_iter().map(FirstPasses::finish).collect();
    let mut seconds: Vec<_> = means.iter().map(SecondPasses::new).collect();
    for set in [ImageSet::Train, ImageSet::Test] {
        layers.for_each_chunk(set, |labels, outputs| {
            let passes = seconds.iter_mut().zip(outputs);
            passes.for_each(|(pass, output)| pass.add(output.features.view(), labels));
        })?;
    }
    let mut collector = Collector {
        undefined: std::mem::take(&mut record.undefined),
    };
    let mut found = Vec::with_capacity(widths.len());
    for (index, (second, (name, width))) in
        seconds.into_iter().zip(layers.into_shapes()).enumerate()
    {
        let layer = LayerRecord {
            name,
            width,
            ..LayerRecord::default()
        };
        found.push(second.finish(layer, &format!("layers.{index}"), &mut collector));
    }
    record.undefined = collector.undefined;
    record.set_layers(found);
    explain_ratios(record);
    Ok(())
}

/// Adds the reasons of undefined ratios between layers.
fn explain_ratios(record: &mut EpochRecord) {
    let last = record.layers.as_ref().map_or(0, Vec::len).saturating_sub(1);
    for (ratio, value, name) in [
        (
            record.layers_dilation_ratio,
            "test_dilation",
            "layers_dilation_ratio",
        ),
        (
            record.layers_memorization_ratio,
            "memorization_over_separation",
            "layers_memorization_ratio",
        ),
    ] {
        let reasons = [0, last].map(|index| format!("layers.{index}.{value}"));
        let reason = reasons.iter().find_map(|key| record.undefined.get(key));
        if let (None, Some(reason)) = (ratio, reason.cloned()) {
            record.undefined.insert(name.to_owned(), reason);
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::unwrap_used)]
mod tests;
