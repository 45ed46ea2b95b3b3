//! Layers of networks, and the builder that creates their variables.

use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use memdil_kernels::Algorithm;
use memdil_kernels::candle::{Conv2d, Tape, batch_norm, batch_norm_by, conv2d_with, max_pool2};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::model::Variables;

/// Weight of the batch in an update of the running statistics; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Channels, rows and columns of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// Converts samples (n, C height width), stored channel by channel, to images (n, height,
    /// width, C).
    pub(crate) fn images(&self, batch: &Tensor) -> Result<Tensor> {
        let shape = (batch.dim(0)?, self.channels, self.height, self.width);
        batch.reshape(shape)?.permute((0, 2, 3, 1))?.contiguous()
    }
}

/// Creates layers and collects their variables.
pub(crate) struct Layers<'a> {
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) dtype: DType,
    pub(crate) device: &'a Device,
    pub(crate) parameters: Vec<(String, Var)>,
    pub(crate) buffers: Vec<(String, Var)>,
}

impl<'a> Layers<'a> {
    pub(crate) fn new(rng: &'a mut ChaCha8Rng, dtype: DType, device: &'a Device) -> Self {
        Self {
            rng,
            dtype,
            device,
            parameters: Vec::new(),
            buffers: Vec::new(),
        }
    }

    /// A convolution: `NAME.conv.weight` is uniform on ±1/√fan_in, `NAME.norm` is the identity.
    pub(crate) fn convolution(
        &mut self,
        name: &str,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        stride: usize,
    ) -> Result<Convolution> {
        let (dtype, device) = (self.dtype, self.device);
        let fan_in = kernel * kernel * inputs;
        let shape = (kernel, kernel, inputs, outputs);
        let weight = uniform_fan_in(shape, fan_in, self.rng, dtype, device)?;
        self.parameters
            .push((format!("{name}.conv.weight"), weight.clone()));
        let name = format!("{name}.norm");
        let [scale, shift] = self.identity(&name, outputs)?;
        let running = self.running(&name, outputs)?;
        Ok(Convolution {
            weight,
            scale,
            shift,
            running,
            settings: Conv2d {
                stride,
                padding: kernel / 2,
                algorithm: None,
            },
        })
    }

    /// A linear layer: `NAME.weight` (inputs, outputs) and `NAME.bias`, uniform on ±1/√inputs.
    pub(crate) fn linear(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<[Tensor; 2]> {
        let (dtype, device) = (self.dtype, self.device);
        let weight = uniform_fan_in((inputs, outputs), inputs, self.rng, dtype, device)?;
        let bias = uniform_fan_in(outputs, inputs, self.rng, dtype, device)?;
        let tensors = [&weight, &bias].map(|var| var.as_tensor().clone());
        self.parameters.push((format!("{name}.weight"), weight));
        self.parameters.push((format!("{name}.bias"), bias));
        Ok(tensors)
    }

    /// Scale `NAME.weight` and shift `NAME.bias` of a normalisation, which start as the identity.
    pub(crate) fn identity(&mut self, name: &str, units: usize) -> Result<[Var; 2]> {
        let scale = Var::ones(units, self.dtype, self.device)?;
        let shift = Var::zeros(units, self.dtype, self.device)?;
        self.parameters
            .push((format!("{name}.weight"), scale.clone()));
        self.parameters
            .push((format!("{name}.bias"), shift.clone()));
        Ok([scale, shift])
    }

    /// Running mean and variance of batch normalisation.
    pub(crate) fn running(&mut self, name: &str, units: usize) -> Result<[Var; 2]> {
        let mean = Var::zeros(units, self.dtype, self.device)?;
        let variance = Var::ones(units, self.dtype, self.device)?;
        self.buffers
            .push((format!("{name}.running_mean"), mean.clone()));
        self.buffers
            .push((format!("{name}.running_var"), variance.clone()));
        Ok([mean, variance])
    }

    /// All variables, including the classifier.
    pub(crate) fn with_classifier(self, classifier: [Tensor; 2]) -> Variables {
        Variables {
            parameters: self.parameters,
            buffers: self.buffers,
            classifier,
        }
    }
}

/// How a network computes its outputs.
pub(crate) enum Pass {
    /// By the running statistics, without gradients.
    Evaluate,
    /// By the statistics of the batch, with candle's autograd.
    Train,
    /// By the statistics of the batch, with a tape.
    Record(Tape),
}

impl Pass {
    pub(crate) fn new(train: bool) -> Self {
        if train { Self::Train } else { Self::Evaluate }
    }

    /// A training pass, with a tape on the CPU.
    pub(crate) fn record(device: &Device) -> Self {
        if device.is_cpu() {
            Self::Record(Tape::default())
        } else {
            Self::Train
        }
    }

    /// Ends the tape: the last output for candle's autograd, and the tape, which is empty without
    /// [`Pass::Record`].
    pub(crate) fn finish(self, x: Tensor) -> Result<(Tensor, Tape)> {
        match self {
            Self::Record(mut tape) => Ok((tape.finish(&x)?, tape)),
            _ => Ok((x, Tape::default())),
        }
    }

    fn conv2d(&mut self, x: &Tensor, weight: &Tensor, settings: Conv2d) -> Result<Tensor> {
        match self {
            Self::Record(tape) => tape.conv2d(x, weight, settings),
            _ => conv2d_with(x, weight, settings),
        }
    }

    fn batch_norm(
        &mut self,
        x: &Tensor,
        [scale, shift]: [&Tensor; 2],
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, [Tensor; 2])> {
        match self {
            Self::Record(tape) => tape.batch_norm(x, scale, shift, residual, relu),
            _ => batch_norm(x, scale, shift, residual, relu),
        }
    }

    pub(crate) fn max_pool2(&mut self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Record(tape) => tape.max_pool2(x),
            _ => max_pool2(x),
        }
    }
}

/// Convolution and batch normalisation. A bias would be cancelled by the normalisation, so there is
/// none.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    weight: Var,
    scale: Var,
    shift: Var,
    /// Mean and variance.
    running: [Var; 2],
    settings: Conv2d,
}

impl Convolution {
    pub(crate) fn use_direct_sum(&mut self) {
        self.settings.algorithm = Some(Algorithm::Direct);
    }

    /// Normalised products, with an optional residual and ReLU.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
        pass: &mut Pass,
    ) -> Result<Tensor> {
        if let Pass::Evaluate = pass {
            // Evaluation needs no gradient; detached variables keep no intermediate tensors.
            let [weight, scale, shift] =
                [&self.weight, &self.scale, &self.shift].map(Var::as_detached_tensor);
            let running = self.running.each_ref().map(Var::as_detached_tensor);
            let running = running.each_ref();
            let products = conv2d_with(x, &weight, self.settings)?;
            return batch_norm_by(&products, running, &scale, &shift, residual, relu);
        }
        let products = pass.conv2d(x, &self.weight, self.settings)?;
        let affine = [&self.scale, &self.shift].map(Var::as_tensor);
        let (y, [batch_mean, batch_variance]) =
            pass.batch_norm(&products, affine, residual, relu)?;
        let n = (products.elem_count() / self.scale.elem_count()) as f64;
        let found = [batch_mean, (batch_variance * (n / (n - 1.0)))?];
        for (running, batch) in self.running.iter().zip(found) {
            running.set(
                &((running.as_detached_tensor() * (1.0 - MOMENTUM))? + (batch * MOMENTUM)?)?,
            )?;
        }
        Ok(y)
    }
}

/// Uniform on ±1/√fan_in, PyTorch's default for the weights and the bias of a linear layer.
pub(crate) fn uniform_fan_in(
    shape: impl Into<Shape>,
    fan_in: usize,
    rng: &mut ChaCha8Rng,
    dtype: DType,
    device: &Device,
) -> Result<Var> {
    let shape = shape.into();
    let bound = 1.0 / (fan_in as f64).sqrt();
    // 53 random bits give a uniform number in [0, 1).
    let mut draw = || (rng.next_u64() >> 11) as f64 * 2f64.powi(-53) * 2.0 * bound - bound;
    let values: Vec<f64> = (0..shape.elem_count()).map(|_| draw()).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)
}

/// Applies a linear layer, `weight` (inputs, outputs).
pub(crate) fn linear(x: &Tensor, [weight, bias]: &[Tensor; 2]) -> Result<Tensor> {
    x.matmul(weight)?.broadcast_add(bias)
}

/// Means over the pixels of images (n, height, width, C): (n, C).
pub(crate) fn mean_over_pixels(images: &Tensor) -> Result<Tensor> {
    images.flatten(1, 2)?.mean(1)
}

/// Rejects a training batch of one sample, which batch normalisation does not support.
pub(crate) fn check_batch(batch: &Tensor, train: bool) -> Result<()> {
    if train && batch.dim(0)? < 2 {
        candle_core::bail!("batch: one sample has no variance to normalise by; use two or more");
    }
    Ok(())
}
