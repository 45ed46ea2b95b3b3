//! Builds the network of a specification and selects its engine.

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

/// A function that builds a user-defined network in f32 from the specification and the shape of the
/// images. The seed of the specification should determine the initial values. The network must have
/// [`RunSpec::network_classes`] logits.
pub type Build<'a> =
    &'a dyn Fn(&RunSpec, ImageShape, &Device) -> candle_core::Result<Box<dyn Model>>;

/// Builds the network of a specification in f32, with its initial values. Multilayer perceptrons
/// use memdil-kernels (on a GPU only without layer normalisation), other networks use candle.
///
/// `shape` is (channels, rows, columns) of a sample, `classes` the number of logits.
///
/// # Errors
///
/// [`RunnerError::SmallImages`]; [`RunnerError::CustomModel`] for a user-defined network;
/// [`RunnerError::Tensor`] if the device has too little memory.
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

/// Builds the network of a run with `build`, or from its specification if `build` is `None`.
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
