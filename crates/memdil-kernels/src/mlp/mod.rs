//! The network: its parameters by name, and the buffers of a step.

mod backward;
mod forward;
mod layer_norm;

use crate::panels::Panels;
use crate::update::Optimizer;
use crate::{Activation, Element, Instructions, KernelError, Norm};

/// Sizes and parts of an [`Mlp`]: `depth - 1` blocks of `width` units, one of `features`, then a
/// linear classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Values of an input sample.
    pub inputs: usize,
    /// Blocks of linear map, normalisation and activation, the one of the features included.
    pub depth: usize,
    /// Units of a hidden block.
    pub width: usize,
    /// Units of the last block.
    pub features: usize,
    /// Logits.
    pub classes: usize,
    /// Normalisation of every block.
    pub norm: Norm,
    /// Activation of every block.
    pub activation: Activation,
    /// Whether the classifier stays as it is.
    pub fixed_classifier: bool,
}

/// A tensor of the network: its name and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name, `blocks.0.linear.weight` say; buffers of the optimiser are
    /// `momentum.blocks.0.linear.weight`.
    pub name: String,
    /// Rows and columns, or the length of a vector. Weights are (inputs, outputs).
    pub shape: Vec<usize>,
    /// What it is.
    pub role: Role,
}

/// What a [`Tensor`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Trained, or the weights of a fixed classifier.
    Parameter,
    /// A running mean or variance.
    Statistic,
    /// A buffer of the optimiser.
    Buffer,
}

/// A multilayer perceptron in training; see the crate's documentation for a step.
#[derive(Clone, Debug)]
pub struct Mlp<T> {
    architecture: Architecture,
    optimizer: Optimizer,
    instructions: Instructions,
    steps: u64,
    input: Panels<T>,
    blocks: Vec<Block<T>>,
    classifier: Linear<T>,
    /// The logits, then their gradient.
    logits: Panels<T>,
    /// Gradients of the products of the layer at hand and of the one below, transposed.
    transposed: [Vec<T>; 2],
    scratch: Vec<T>,
    /// Samples of the forward pass that a backward pass may follow.
    ready: Option<usize>,
}

/// A tensor with its buffers.
#[derive(Clone, Debug)]
struct Parameter<T> {
    value: Panels<T>,
    buffers: Vec<Panels<T>>,
}

#[derive(Clone, Debug)]
struct Linear<T> {
    weight: Parameter<T>,
    bias: Parameter<T>,
}

#[derive(Clone, Debug)]
struct Block<T> {
    linear: Linear<T>,
    scale: Parameter<T>,
    shift: Parameter<T>,
    running_mean: Panels<T>,
    running_var: Panels<T>,
    /// Of the batch, for every unit.
    mean: Panels<T>,
    variance: Panels<T>,
    /// With layer normalisation, mean and 1 over the deviation of every sample.
    rows: Vec<[T; 2]>,
    /// Products, then normalised values, then the gradient of the products: (samples, units).
    normal: Panels<T>,
    /// Activated values: (samples, units).
    output: Panels<T>,
}

impl<T: Element> Mlp<T> {
    /// A network of zeros (scales and running variances of ones), for the widest instructions of
    /// this processor.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`].
    pub fn new(architecture: Architecture, optimizer: Optimizer) -> Result<Self, KernelError> {
        Self::with_instructions(architecture, optimizer, Instructions::detect())
    }

    /// [`Mlp::new`] for other instructions.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`]; [`KernelError::Instructions`] where the processor does not have them.
    pub fn with_instructions(
        architecture: Architecture,
        optimizer: Optimizer,
        instructions: Instructions,
    ) -> Result<Self, KernelError> {
        let Architecture {
            inputs,
            depth,
            width,
            features,
            classes,
            norm,
            fixed_classifier,
            ..
        } = architecture;
        let sizes = [
            ("inputs", inputs),
            ("depth", depth),
            ("width", width),
            ("features", features),
        ];
        for (name, value) in sizes.into_iter().chain([("classes", classes)]) {
            if value == 0 {
                return Err(KernelError::Size {
                    name,
                    value,
                    least: 1,
                });
            }
        }
        instructions.check()?;
        let panel = T::panel_width(instructions);
        let kinds = optimizer.buffers().len();
        let parameter = |rows, cols, kinds| Parameter {
            value: Panels::zeros(rows, cols, panel),
            buffers: vec![Panels::zeros(rows, cols, panel); kinds],
        };
        let linear = |rows, cols, kinds| Linear {
            weight: parameter(rows, cols, kinds),
            bias: parameter(1, cols, kinds),
        };
        let ones = |cols| {
            let mut panels = Panels::zeros(1, cols, panel);
            panels.set(&vec![T::from_f64(1.0); cols]);
            panels
        };
        let mut fan_in = inputs;
        let blocks = (0..depth).map(|index| {
            let units = if index + 1 == depth { features } else { width };
            let normalised = if norm == Norm::None { 0 } else { kinds };
            let block = Block {
                linear: linear(fan_in, units, kinds),
                scale: Parameter {
                    value: ones(units),
                    ..parameter(1, units, normalised)
                },
                shift: parameter(1, units, normalised),
                running_mean: Panels::zeros(1, units, panel),
                running_var: ones(units),
                mean: Panels::zeros(1, units, panel),
                variance: Panels::zeros(1, units, panel),
                rows: Vec::new(),
                normal: Panels::zeros(0, units, panel),
                output: Panels::zeros(0, units, panel),
            };
            fan_in = units;
            block
        });
        Ok(Self {
            architecture,
            optimizer,
            instructions,
            steps: 0,
            input: Panels::zeros(0, inputs, panel),
            blocks: blocks.collect(),
            classifier: linear(features, classes, if fixed_classifier { 0 } else { kinds }),
            logits: Panels::zeros(0, classes, panel),
            transposed: [Vec::new(), Vec::new()],
            scratch: Vec::new(),
            ready: None,
        })
    }

    /// Sizes and parts.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Steps made so far; the bias correction of Adam depends on it.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Continues the count of steps of an earlier training.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// All tensors: parameters from the input to the classifier, running statistics, buffers of the
    /// optimiser.
    pub fn tensors(&self) -> Vec<Tensor> {
        self.named().into_iter().map(|(tensor, _)| tensor).collect()
    }

    /// A tensor's values, row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`].
    pub fn get(&self, name: &str) -> Result<Vec<T>, KernelError> {
        let found = self
            .named()
            .into_iter()
            .find(|(tensor, _)| tensor.name == name);
        found
            .map(|(_, panels)| panels.to_rows())
            .ok_or_else(|| KernelError::Unknown(name.to_owned()))
    }

    /// Replaces a tensor's values, row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`], [`KernelError::Length`].
    pub fn set(&mut self, name: &str, values: &[T]) -> Result<(), KernelError> {
        let at = self
            .named()
            .iter()
            .position(|(tensor, _)| tensor.name == name);
        let at = at.ok_or_else(|| KernelError::Unknown(name.to_owned()))?;
        let Some(panels) = self.panels_mut().into_iter().nth(at) else {
            return Err(KernelError::Unknown(name.to_owned()));
        };
        let expected = panels.rows * panels.cols;
        if values.len() != expected {
            return Err(KernelError::Length {
                name: name.to_owned(),
                found: values.len(),
                expected,
            });
        }
        panels.set(values);
        Ok(())
    }

    fn named(&self) -> Vec<(Tensor, &Panels<T>)> {
        let normed = self.architecture.norm != Norm::None;
        let mut parameters = Vec::new();
        let mut statistics = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            parameters.push((
                format!("blocks.{index}.linear.weight"),
                &block.linear.weight,
            ));
            parameters.push((format!("blocks.{index}.linear.bias"), &block.linear.bias));
            if normed {
                parameters.push((format!("blocks.{index}.norm.weight"), &block.scale));
                parameters.push((format!("blocks.{index}.norm.bias"), &block.shift));
            }
            if self.architecture.norm == Norm::Batch {
                statistics.push((
                    format!("blocks.{index}.norm.running_mean"),
                    &block.running_mean,
                ));
                statistics.push((
                    format!("blocks.{index}.norm.running_var"),
                    &block.running_var,
                ));
            }
        }
        parameters.push(("classifier.weight".to_owned(), &self.classifier.weight));
        parameters.push(("classifier.bias".to_owned(), &self.classifier.bias));
        let tensor = |name: String, role, panels: &Panels<T>| {
            let matrix = name.ends_with("linear.weight") || name.ends_with("classifier.weight");
            let shape = if matrix {
                vec![panels.rows, panels.cols]
            } else {
                vec![panels.cols]
            };
            Tensor { name, shape, role }
        };
        let mut all = Vec::new();
        for (name, parameter) in &parameters {
            all.push((
                tensor(name.clone(), Role::Parameter, &parameter.value),
                &parameter.value,
            ));
        }
        for (name, statistic) in statistics {
            all.push((tensor(name, Role::Statistic, statistic), statistic));
        }
        for (index, kind) in self.optimizer.buffers().iter().enumerate() {
            for (name, parameter) in &parameters {
                if let Some(buffer) = parameter.buffers.get(index) {
                    all.push((
                        tensor(format!("{kind}.{name}"), Role::Buffer, buffer),
                        buffer,
                    ));
                }
            }
        }
        all
    }

    /// The panels of [`Mlp::named`], in the same order.
    fn panels_mut(&mut self) -> Vec<&mut Panels<T>> {
        let norm = self.architecture.norm;
        let (mut values, mut statistics) = (Vec::new(), Vec::new());
        let mut buffers: Vec<Vec<&mut Panels<T>>> = self
            .optimizer
            .buffers()
            .iter()
            .map(|_| Vec::new())
            .collect();
        let mut parameters: Vec<&mut Parameter<T>> = Vec::new();
        for block in &mut self.blocks {
            parameters.extend([&mut block.linear.weight, &mut block.linear.bias]);
            if norm != Norm::None {
                parameters.extend([&mut block.scale, &mut block.shift]);
            }
            if norm == Norm::Batch {
                statistics.extend([&mut block.running_mean, &mut block.running_var]);
            }
        }
        parameters.extend([&mut self.classifier.weight, &mut self.classifier.bias]);
        for parameter in parameters {
            values.push(&mut parameter.value);
            for (list, buffer) in buffers.iter_mut().zip(&mut parameter.buffers) {
                list.push(buffer);
            }
        }
        values
            .into_iter()
            .chain(statistics)
            .chain(buffers.into_iter().flatten())
            .collect()
    }
}
