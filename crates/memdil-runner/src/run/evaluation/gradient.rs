//! The norm of the gradient of the training objective.

use memdil_records::{EpochRecord, RunSpec};
use ndarray::Array1;

use crate::error::RunnerError;
use crate::network::interface::{CHUNK, Network};
use crate::network::state::NamedTensor;
use crate::prepare::Prepared;

/// Learning rate of the steps that measure the gradient. A step is rounded to the precision of the
/// parameters, so a large power of two keeps more digits of the gradient.
const RATE: f64 = 1024.0;

/// Adds the norm of the gradient of loss and penalties, over all samples trained on, to the record
/// of an epoch. The network and its optimiser are unchanged.
///
/// The gradient is the change of the parameters by a step without momentum. Without normalisation
/// the gradient over all samples is the weighted mean of those over chunks, which bounds the
/// memory.
pub(crate) fn measure_gradient(
    network: &mut dyn Network,
    spec: &RunSpec,
    data: &Prepared,
    record: &mut EpochRecord,
) -> Result<(), RunnerError> {
    let parameters = network.model_state()?;
    let buffers = network.optimizer_state()?;
    let total: usize = parameters.iter().map(|tensor| tensor.values.len()).sum();
    let mut gradient = Array1::<f64>::zeros(total);
    let mut without_momentum = buffers.clone();
    for buffer in &mut without_momentum {
        buffer.values.fill(0.0);
    }
    for chunk in data.train.chunks(CHUNK) {
        network.load_optimizer_state(&without_momentum)?;
        let inputs = data.train_inputs.batch(chunk);
        network.step(&inputs, &data.observed(chunk), &spec.loss, RATE)?;
        let share = chunk.len() as f64 / data.train.len() as f64;
        let change = values(&parameters) - values(&network.model_state()?);
        gradient.scaled_add(share / RATE, &change);
        network.load_model_state(&parameters)?;
    }
    network.load_optimizer_state(&buffers)?;
    let norm = gradient.dot(&gradient).sqrt();
    if !norm.is_finite() {
        return Ok(());
    }
    record.gradient_norm = Some(norm);
    let (weights, _) = network.classifier()?;
    let squares = weights.mapv(f64::from).mapv(|weight| weight * weight);
    let decay = spec.optimizer.coupled_classifier_weight_decay();
    let decay = decay.unwrap_or_default() * squares.sum().sqrt();
    record.gradient_over_decay = (decay > 0.0).then(|| norm / decay);
    Ok(())
}

fn values(tensors: &[NamedTensor]) -> Array1<f64> {
    let values = tensors.iter().flat_map(|tensor| &tensor.values);
    values.map(|&value| f64::from(value)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
