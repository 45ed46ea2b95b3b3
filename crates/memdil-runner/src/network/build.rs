//! Which engine trains the network of a specification.

use candle_core::{DType, Device, DeviceLocation};
use memdil_kernels::gpu::Cuda;
use memdil_models::{ImageShape, Model};
use memdil_records::{ModelSpec, NormSpec, RunSpec};

use crate::error::RunnerError;
use crate::network::candle::CandleNetwork;
use crate::network::cpu::FusedMlp;
use crate::network::gpu::GpuNetwork;
use crate::network::interface::Network;
use crate::prepare::Prepared;

/// Builds a network of one's own in f32: from the specification, whose seed should decide the
/// initial values, and the images' shape. It has as many logits as [`RunSpec::network_classes`].
pub type Build<'a> =
    &'a dyn Fn(&RunSpec, ImageShape, &Device) -> candle_core::Result<Box<dyn Model>>;

/// The network of a specification before its first step, in f32: multilayer perceptrons on
/// memdil-kernels (on a GPU without layer normalisation only), other networks on candle.
///
/// `shape` are channels, rows and columns of a sample, `classes` the number of logits.
///
/// # Errors
///
/// [`RunnerError::SmallImages`]; [`RunnerError::CustomModel`] for a network that a program of one's
/// own builds; [`RunnerError::Tensor`] when the device cannot hold it.
pub fn build_network(
    spec: &RunSpec,
    shape: (usize, usize, usize),
    classes: usize,
    device: &Device,
) -> Result<Box<dyn Network>, RunnerError> {
    let inputs = shape.0 * shape.1 * shape.2;
    Ok(match (&spec.model, device.location()) {
        (ModelSpec::Mlp(_), DeviceLocation::Cpu) => Box::new(FusedMlp::new(spec, inputs, classes)?),
        (ModelSpec::Mlp(mlp), DeviceLocation::Cuda { gpu_id }) if mlp.norm != NormSpec::Layer => {
            Box::new(GpuNetwork::new(spec, inputs, classes, Cuda::open(gpu_id)?)?)
        }
        _ => {
            let network = CandleNetwork::new(spec, shape, classes, DType::F32, device)?;
            Box::new(network)
        }
    })
}

/// The network of a run before its first step: that of its specification, or the one that a
/// program's own function builds.
pub(crate) fn build_for_run(
    spec: &RunSpec,
    data: &Prepared,
    device: &Device,
    build: Option<Build<'_>>,
) -> Result<Box<dyn Network>, RunnerError> {
    let shape = data.train_inputs.shape();
    let Some(build) = build else {
        return build_network(spec, shape, spec.network_classes(), device);
    };
    let (channels, height, width) = shape;
    let image = ImageShape {
        channels,
        height,
        width,
    };
    let model = build(spec, image, device)?;
    let inputs = channels * height * width;
    let network = CandleNetwork::from_model(spec, model, inputs, DType::F32, device)?;
    Ok(Box::new(network))
}
