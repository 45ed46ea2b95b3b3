//! Where everything of a network lies in the device's memory.

use super::arguments::{Address, Layer, Trained};
use crate::{Activation, Architecture, Norm, Optimizer, Role, Tensor};

/// Rows that a narrow batch may have, and so what every activation has at least.
pub(super) const NARROW: usize = 32;

/// The row length of a matrix with so many columns: a multiple of four values.
pub(super) fn pitch(columns: usize) -> usize {
    columns.next_multiple_of(4)
}

/// A block, or the classifier: offsets in values of f32.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerPlan {
    pub(super) inputs: usize,
    pub(super) units: usize,
    pub(super) weight: usize,
    pub(super) bias: usize,
    scale: usize,
    shift: usize,
    running_mean: usize,
    running_var: usize,
    mean: usize,
    variance: usize,
    pub(super) normal: usize,
    pub(super) output: usize,
    pub(super) normed: bool,
    activation: u32,
}

impl LayerPlan {
    pub(super) fn ld(&self) -> usize {
        pitch(self.units)
    }

    pub(super) fn ldx(&self) -> usize {
        pitch(self.inputs)
    }
}

/// Which memory a tensor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arena {
    Values,
    Buffer(usize),
    Statistics,
}

/// A tensor and where it is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) tensor: Tensor,
    pub(super) arena: Arena,
    pub(super) offset: usize,
}

impl Place {
    pub(super) fn rows_and_columns(&self) -> (usize, usize) {
        match self.tensor.shape[..] {
            [rows, columns] => (rows, columns),
            _ => (1, self.tensor.shape.iter().product()),
        }
    }
}

/// The whole network.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Blocks from the input on, then the classifier.
    pub(super) layers: Vec<LayerPlan>,
    /// In the order of [`Mlp::tensors`](crate::Mlp::tensors).
    pub(super) places: Vec<Place>,
    /// Values of all parameters, the classifier's weights and bias last.
    pub(super) values: usize,
    pub(super) statistics: usize,
    /// Values of the activations and what else a step needs.
    pub(super) work: usize,
    pub(super) input: usize,
    pub(super) deltas: [usize; 2],
    pub(super) partial: usize,
    /// Rows of the activations.
    pub(super) rows: usize,
}

impl Plan {
    pub(super) fn new(
        architecture: Architecture,
        optimizer: Optimizer,
        rows: usize,
        processors: u32,
    ) -> Self {
        let Architecture {
            inputs,
            depth,
            width,
            features,
            classes,
            norm,
            activation,
            fixed_classifier,
        } = architecture;
        let rows = rows.max(NARROW);
        let (mut values, mut statistics, mut work) = (Counter(0), Counter(0), Counter(0));
        let input = work.take(rows * pitch(inputs));
        let (mut layers, mut places, mut means) = (Vec::new(), Vec::new(), Vec::new());
        let mut fan_in = inputs;
        for index in 0..=depth {
            let top = index == depth;
            let units = if top {
                classes
            } else if index + 1 == depth {
                features
            } else {
                width
            };
            let ld = pitch(units);
            let normed = norm == Norm::Batch && !top;
            let name = if top {
                "classifier".to_owned()
            } else {
                format!("blocks.{index}.linear")
            };
            let mut place = |name: String, shape: Vec<usize>, count: usize| {
                let (tensor, offset) = (
                    Tensor {
                        name,
                        shape,
                        role: Role::Parameter,
                    },
                    values.take(count),
                );
                places.push(Place {
                    tensor,
                    arena: Arena::Values,
                    offset,
                });
                offset
            };
            let weight = place(format!("{name}.weight"), vec![fan_in, units], fan_in * ld);
            let bias = place(format!("{name}.bias"), vec![units], ld);
            let (mut scale, mut shift, mut running) = (0, 0, [0; 2]);
            if normed {
                scale = place(format!("blocks.{index}.norm.weight"), vec![units], ld);
                shift = place(format!("blocks.{index}.norm.bias"), vec![units], ld);
                running = ["mean", "var"].map(|what| {
                    let name = format!("blocks.{index}.norm.running_{what}");
                    let (tensor, offset) = (
                        Tensor {
                            name,
                            shape: vec![units],
                            role: Role::Statistic,
                        },
                        statistics.take(ld),
                    );
                    means.push(Place {
                        tensor,
                        arena: Arena::Statistics,
                        offset,
                    });
                    offset
                });
            }
            layers.push(LayerPlan {
                inputs: fan_in,
                units,
                weight,
                bias,
                scale,
                shift,
                running_mean: running[0],
                running_var: running[1],
                mean: work.take(ld),
                variance: work.take(ld),
                normal: work.take(rows * ld),
                output: work.take(rows * ld),
                normed,
                activation: match activation {
                    _ if top => 2,
                    Activation::Relu => 0,
                    Activation::Sigmoid => 1,
                },
            });
            fan_in = units;
        }
        let widest = layers.iter().map(LayerPlan::ld).max().unwrap_or_default();
        let deltas = [work.take(rows * widest), work.take(rows * widest)];
        let partial = layers
            .iter()
            .map(|layer| splits(layer, processors).0 * NARROW * layer.ld())
            .max();
        let partial = work.take(partial.unwrap_or_default());
        let parameters = places.clone();
        places.extend(means);
        for (index, kind) in optimizer.buffers().iter().enumerate() {
            for place in &parameters {
                if fixed_classifier && place.tensor.name.starts_with("classifier.") {
                    continue;
                }
                let tensor = Tensor {
                    name: format!("{kind}.{}", place.tensor.name),
                    shape: place.tensor.shape.clone(),
                    role: Role::Buffer,
                };
                places.push(Place {
                    tensor,
                    arena: Arena::Buffer(index),
                    offset: place.offset,
                });
            }
        }
        let (values, statistics, work) = (values.0, statistics.0, work.0);
        Self {
            layers,
            places,
            values,
            statistics,
            work,
            input,
            deltas,
            partial,
            rows,
        }
    }
}

/// Into how many splits a narrow forward pass cuts a layer's inputs, and the rows of each: two
/// blocks a processor where there is work for them.
pub(super) fn splits(layer: &LayerPlan, processors: u32) -> (usize, usize) {
    let stripes = layer.ld().div_ceil(64);
    let wanted = (2 * processors as usize / stripes).max(1);
    let rows = layer.inputs.div_ceil(wanted).max(64).next_multiple_of(16);
    (layer.inputs.div_ceil(rows), rows)
}

/// Hands out places one after the other, each at a multiple of 64 values.
struct Counter(usize);

impl Counter {
    fn take(&mut self, count: usize) -> usize {
        let offset = self.0;
        self.0 += count.next_multiple_of(64);
        offset
    }
}

/// The addresses of the memories.
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

    pub(super) fn layer(&self, plan: &LayerPlan) -> Layer {
        Layer {
            bias: self.trained(plan.bias),
            scale: self.trained(plan.scale),
            shift: self.trained(plan.shift),
            running_mean: at(self.statistics, plan.running_mean),
            running_var: at(self.statistics, plan.running_var),
            mean: self.work(plan.mean),
            variance: self.work(plan.variance),
            normal: self.work(plan.normal),
            output: self.work(plan.output),
            units: plan.units as u32,
            ld: plan.ld() as u32,
            normed: plan.normed.into(),
            activation: plan.activation,
        }
    }
}

/// The address of a value; none stays none.
pub(super) fn at(base: Address, offset: usize) -> Address {
    if base == 0 {
        0
    } else {
        base + 4 * offset as u64
    }
}
