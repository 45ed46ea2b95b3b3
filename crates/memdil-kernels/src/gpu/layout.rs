//! The layout of a network in the device's memory.

use super::arguments::{Address, Layer, Trained};
use super::memory::pitch;
use crate::mlp::{Activation, Architecture, LayerPart, Norm, TensorInfo, TensorRole};
use crate::optimizer::Optimizer;

/// Most rows of a narrow batch, and fewest rows of an activation.
pub(super) const NARROW: usize = 32;

/// The layout of a block or of the classifier; offsets count f32 values.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerLayout {
    pub(super) inputs: usize,
    pub(super) units: usize,
    /// Offset of each [`LayerPart`] in its memory; zero for parts that the layer does not have.
    parts: [usize; 6],
    mean: usize,
    variance: usize,
    pub(super) normal: usize,
    pub(super) output: usize,
    pub(super) normed: bool,
    activation: u32,
}

impl LayerLayout {
    fn new(architecture: &Architecture, index: usize, rows: usize, work: &mut Counter) -> Self {
        let block = index < architecture.depth;
        let units = architecture.units(index);
        let ld = pitch(units);
        Self {
            inputs: architecture.fan_in(index),
            units,
            parts: [0; 6],
            mean: work.take(ld),
            variance: work.take(ld),
            normal: work.take(rows * ld),
            output: work.take(rows * ld),
            normed: block && architecture.norm == Norm::Batch,
            activation: match architecture.activation {
                _ if !block => 2,
                Activation::Relu => 0,
                Activation::Sigmoid => 1,
            },
        }
    }

    /// Offset of a part in the memory of parameters or of statistics.
    pub(super) fn offset(&self, part: LayerPart) -> usize {
        self.parts[part as usize]
    }

    pub(super) fn ld(&self) -> usize {
        pitch(self.units)
    }

    pub(super) fn ldx(&self) -> usize {
        pitch(self.inputs)
    }
}

/// The memory that holds a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arena {
    Values,
    Buffer(usize),
    Statistics,
}

/// A tensor and its location in memory.
#[derive(Clone, Debug)]
pub(super) struct TensorLocation {
    pub(super) tensor: TensorInfo,
    pub(super) arena: Arena,
    pub(super) offset: usize,
}

/// The layout of the whole network.
#[derive(Clone, Debug)]
pub(super) struct DeviceLayout {
    /// Blocks from the first to the last, then the classifier.
    pub(super) layers: Vec<LayerLayout>,
    /// In the order of [`Mlp::tensors`](crate::Mlp::tensors).
    pub(super) locations: Vec<TensorLocation>,
    /// Number of values of all parameters, of which the classifier's weights and bias come last.
    pub(super) values: usize,
    pub(super) statistics: usize,
    /// Number of values of the activations and temporaries of a step.
    pub(super) work: usize,
    pub(super) input: usize,
    pub(super) deltas: [usize; 2],
    pub(super) partial: usize,
    /// Number of rows of the activations.
    pub(super) rows: usize,
}

impl DeviceLayout {
    pub(super) fn new(
        architecture: &Architecture,
        optimizer: Optimizer,
        rows: usize,
        processors: u32,
    ) -> Self {
        let rows = rows.max(NARROW);
        let (mut values, mut statistics, mut work) = (Counter(0), Counter(0), Counter(0));
        let input = work.take(rows * pitch(architecture.inputs));
        let mut layers: Vec<LayerLayout> = (0..=architecture.depth)
            .map(|index| LayerLayout::new(architecture, index, rows, &mut work))
            .collect();
        let mut locations = Vec::new();
        for (tensor, key) in architecture.tensors(optimizer) {
            let (rows, columns) = tensor.rows_and_columns();
            let offset = &mut layers[key.layer].parts[key.part as usize];
            let arena = match key.buffer {
                // A buffer has the offset of its parameter, in its own memory.
                Some(index) => Arena::Buffer(index),
                None if tensor.role == TensorRole::Statistic => {
                    *offset = statistics.take(pitch(columns));
                    Arena::Statistics
                }
                None => {
                    *offset = values.take(rows * pitch(columns));
                    Arena::Values
                }
            };
            let offset = *offset;
            locations.push(TensorLocation {
                tensor,
                arena,
                offset,
            });
        }
        let widest = layers.iter().map(LayerLayout::ld).max().unwrap_or_default();
        let deltas = [work.take(rows * widest), work.take(rows * widest)];
        let partial = layers
            .iter()
            .map(|layer| splits(layer, processors).0 * NARROW * layer.ld())
            .max();
        let partial = work.take(partial.unwrap_or_default());
        Self {
            layers,
            locations,
            values: values.0,
            statistics: statistics.0,
            work: work.0,
            input,
            deltas,
            partial,
            rows,
        }
    }
}

/// The number of splits of a layer's inputs in a narrow forward pass, and the rows per split,
/// chosen for two blocks per processor if the layer is large enough.
pub(super) fn splits(layer: &LayerLayout, processors: u32) -> (usize, usize) {
    let stripes = layer.ld().div_ceil(64);
    let target = (2 * processors as usize / stripes).max(1);
    let rows = layer.inputs.div_ceil(target).max(64).next_multiple_of(16);
    (layer.inputs.div_ceil(rows), rows)
}

/// Allocates consecutive offsets, each a multiple of 64 values.
struct Counter(usize);

impl Counter {
    fn take(&mut self, count: usize) -> usize {
        let offset = self.0;
        self.0 += count.next_multiple_of(64);
        offset
    }
}

/// The base addresses of the memories.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bases {
    pub(super) values: Address,
    pub(super) buffers: [Address; 2],
    pub(super) statistics: Address,
    pub(super) work: Address,
}

impl Bases {
    pub(super) fn work(&self, offset: usize) -> Address {
        at(self.work, offset)
    }

    pub(super) fn trained(&self, offset: usize) -> Trained {
        Trained {
            value: at(self.values, offset),
            buffers: self.buffers.map(|base| at(base, offset)),
        }
    }

    pub(super) fn layer(&self, layout: &LayerLayout) -> Layer {
        Layer {
            bias: self.trained(layout.offset(LayerPart::Bias)),
            scale: self.trained(layout.offset(LayerPart::Scale)),
            shift: self.trained(layout.offset(LayerPart::Shift)),
            running_mean: at(self.statistics, layout.offset(LayerPart::RunningMean)),
            running_var: at(self.statistics, layout.offset(LayerPart::RunningVariance)),
            mean: self.work(layout.mean),
            variance: self.work(layout.variance),
            normal: self.work(layout.normal),
            output: self.work(layout.output),
            units: layout.units as u32,
            ld: layout.ld() as u32,
            normed: layout.normed.into(),
            activation: layout.activation,
        }
    }
}

/// The address of a value; null stays null.
pub(super) fn at(base: Address, offset: usize) -> Address {
    if base == 0 {
        0
    } else {
        base + 4 * offset as u64
    }
}
