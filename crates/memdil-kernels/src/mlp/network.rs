//! The network: its parameters by name, and the buffers of a step.

use super::architecture::{Architecture, LayerPart, Norm, TensorInfo, TensorKey};
use crate::error::{KernelError, check_length};
use crate::optimizer::Optimizer;
use crate::tile::Panels;
use crate::update::ParameterPointers;
use crate::vector::{Element, Instructions};

/// A multilayer perceptron in training; the crate's documentation shows a training step.
#[derive(Clone, Debug)]
pub struct Mlp<T> {
    pub(super) architecture: Architecture,
    pub(super) optimizer: Optimizer,
    pub(super) instructions: Instructions,
    pub(super) steps: u64,
    pub(super) input: Panels<T>,
    pub(super) blocks: Vec<MlpBlock<T>>,
    pub(super) classifier: LinearParameters<T>,
    /// The logits; the backward pass replaces them by their gradient.
    pub(super) logits: Panels<T>,
    /// Transposed gradients of the products of the current layer and of the layer below.
    pub(super) transposed: [Vec<T>; 2],
    pub(super) scratch: Vec<T>,
    /// Number of samples of a forward pass that no backward pass has used yet.
    pub(super) ready: Option<usize>,
}

/// A tensor with its optimiser buffers.
#[derive(Clone, Debug)]
pub(super) struct Parameter<T> {
    pub(super) value: Panels<T>,
    pub(super) buffers: Vec<Panels<T>>,
}

impl<T: Element> Parameter<T> {
    fn zeros(rows: usize, cols: usize, panel: usize, buffers: usize) -> Self {
        let value = Panels::zeros(rows, cols, panel);
        Self {
            buffers: vec![value.clone(); buffers],
            value,
        }
    }

    pub(super) fn pointers(&mut self) -> ParameterPointers<T> {
        let mut buffers = [std::ptr::null_mut(); 2];
        for (pointer, buffer) in buffers.iter_mut().zip(&mut self.buffers) {
            *pointer = buffer.values_mut().as_mut_ptr();
        }
        ParameterPointers {
            value: self.value.values_mut().as_mut_ptr(),
            buffers,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct LinearParameters<T> {
    pub(super) weight: Parameter<T>,
    pub(super) bias: Parameter<T>,
}

impl<T: Element> LinearParameters<T> {
    fn zeros(rows: usize, cols: usize, panel: usize, buffers: usize) -> Self {
        Self {
            weight: Parameter::zeros(rows, cols, panel, buffers),
            bias: Parameter::zeros(1, cols, panel, buffers),
        }
    }
}

/// A block of linear map, normalisation and activation.
#[derive(Clone, Debug)]
pub(super) struct MlpBlock<T> {
    pub(super) linear: LinearParameters<T>,
    pub(super) scale: Parameter<T>,
    pub(super) shift: Parameter<T>,
    pub(super) running_mean: Panels<T>,
    pub(super) running_var: Panels<T>,
    /// Mean of the batch per unit; `variance` is its biased variance.
    pub(super) mean: Panels<T>,
    pub(super) variance: Panels<T>,
    /// For layer normalisation, mean and reciprocal standard deviation of each sample.
    pub(super) rows: Vec<[T; 2]>,
    /// Products, then normalised values, then the gradient of the products, (samples, units).
    pub(super) normal: Panels<T>,
    /// Activated values, (samples, units).
    pub(super) output: Panels<T>,
}

impl<T: Element> MlpBlock<T> {
    fn new(linear: LinearParameters<T>, panel: usize, buffers: usize) -> Self {
        let units = linear.bias.value.cols;
        let zeros = linear.bias.value.clone();
        let mut ones = zeros.clone();
        ones.set(&vec![T::from_f64(1.0); units]);
        let mut scale = Parameter::zeros(1, units, panel, buffers);
        scale.value = ones.clone();
        Self {
            linear,
            scale,
            shift: Parameter::zeros(1, units, panel, buffers),
            running_mean: zeros.clone(),
            running_var: ones,
            mean: zeros.clone(),
            variance: zeros,
            rows: Vec::new(),
            normal: Panels::zeros(0, units, panel),
            output: Panels::zeros(0, units, panel),
        }
    }
}

impl<T: Element> Mlp<T> {
    /// A network whose tensors are zero (scales and running variances are one), for the widest
    /// instructions of this processor.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`].
    pub fn new(architecture: Architecture, optimizer: Optimizer) -> Result<Self, KernelError> {
        Self::with_instructions(architecture, optimizer, Instructions::detect())
    }

    /// [`Mlp::new`] for given instructions.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`]; [`KernelError::Instructions`] if the processor does not support them.
    pub fn with_instructions(
        architecture: Architecture,
        optimizer: Optimizer,
        instructions: Instructions,
    ) -> Result<Self, KernelError> {
        architecture.check()?;
        instructions.check()?;
        let Architecture { depth, norm, .. } = architecture;
        let panel = T::panel_width(instructions);
        let kinds = optimizer.buffers().len();
        let linear = |layer, buffers| {
            let (rows, cols) = (architecture.fan_in(layer), architecture.units(layer));
            LinearParameters::zeros(rows, cols, panel, buffers)
        };
        let normalised = if norm == Norm::None { 0 } else { kinds };
        let block = |layer| MlpBlock::new(linear(layer, kinds), panel, normalised);
        let of_classifier = if architecture.fixed_classifier {
            0
        } else {
            kinds
        };
        Ok(Self {
            architecture,
            optimizer,
            instructions,
            steps: 0,
            input: Panels::zeros(0, architecture.inputs, panel),
            blocks: (0..depth).map(block).collect(),
            classifier: linear(depth, of_classifier),
            logits: Panels::zeros(0, architecture.classes, panel),
            transposed: [Vec::new(), Vec::new()],
            scratch: Vec::new(),
            ready: None,
        })
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Number of steps so far, which Adam's bias correction depends on.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets the number of steps, to resume an earlier training.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// All tensors: parameters from the input to the classifier, then running statistics, then
    /// buffers of the optimiser.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let tensors = self.architecture.tensors(self.optimizer).into_iter();
        tensors.map(|(tensor, _)| tensor).collect()
    }

    /// The values of a tensor, row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`].
    pub fn get(&self, name: &str) -> Result<Vec<T>, KernelError> {
        Ok(self.panels(self.key(name)?).to_rows())
    }

    /// Replaces the values of a tensor, row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`], [`KernelError::Length`].
    pub fn set(&mut self, name: &str, values: &[T]) -> Result<(), KernelError> {
        let key = self.key(name)?;
        let panels = self.panels_mut(key);
        check_length(name, values, panels.rows * panels.cols)?;
        panels.set(values);
        Ok(())
    }

    fn key(&self, name: &str) -> Result<TensorKey, KernelError> {
        let tensors = self.architecture.tensors(self.optimizer);
        let found = tensors.into_iter().find(|(tensor, _)| tensor.name == name);
        found
            .map(|(_, key)| key)
            .ok_or_else(|| KernelError::Unknown(name.to_owned()))
    }

    fn panels(&self, key: TensorKey) -> &Panels<T> {
        let parameter = match (key.part, self.blocks.get(key.layer)) {
            (LayerPart::RunningMean, Some(block)) => return &block.running_mean,
            (LayerPart::RunningVariance, Some(block)) => return &block.running_var,
            (LayerPart::Scale, Some(block)) => &block.scale,
            (LayerPart::Shift, Some(block)) => &block.shift,
            (LayerPart::Weight, Some(block)) => &block.linear.weight,
            (_, Some(block)) => &block.linear.bias,
            (LayerPart::Weight, None) => &self.classifier.weight,
            (_, None) => &self.classifier.bias,
        };
        match key.buffer {
            Some(index) => &parameter.buffers[index],
            None => &parameter.value,
        }
    }

    /// [`panels`](Self::panels), mutably.
    fn panels_mut(&mut self, key: TensorKey) -> &mut Panels<T> {
        let parameter = match (key.part, self.blocks.get_mut(key.layer)) {
            (LayerPart::RunningMean, Some(block)) => return &mut block.running_mean,
            (LayerPart::RunningVariance, Some(block)) => return &mut block.running_var,
            (LayerPart::Scale, Some(block)) => &mut block.scale,
            (LayerPart::Shift, Some(block)) => &mut block.shift,
            (LayerPart::Weight, Some(block)) => &mut block.linear.weight,
            (_, Some(block)) => &mut block.linear.bias,
            (LayerPart::Weight, None) => &mut self.classifier.weight,
            (_, None) => &mut self.classifier.bias,
        };
        match key.buffer {
            Some(index) => &mut parameter.buffers[index],
            None => &mut parameter.value,
        }
    }
}
