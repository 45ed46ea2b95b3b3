//! The norm of the gradient of the training objective.

use memdil_records::{ClassifierSpec, EpochRecord, ModelSpec, RunSpec};
use ndarray::Array1;

use crate::error::RunnerError;
use crate::network::interface::Network;
use crate::network::state::NamedTensor;
use crate::prepare::Prepared;

/// Learning rate of the steps that measure the gradient. A step is rounded to the precision of the
/// parameters, so a large power of two keeps more digits of the gradient.
const RATE: f64 = 1024.0;

/// Adds the norm of the gradient of loss and penalties, over all samples trained on, to the record
/// of an epoch. Parameters and momentum are unchanged.
///
/// The gradient is the change of the parameters by a step without momentum. Without batch
/// normalisation the gradient over all samples is the weighted mean of those over batches.
pub(crate) fn measure_gradient(
    network: &mut dyn Network,
    spec: &RunSpec,
    data: &Prepared,
    record: &mut EpochRecord,
) -> Result<(), RunnerError> {
    let parameters = network.model_state()?;
    let momentum = network.optimizer_state()?;
    let mut at_rest = momentum.clone();
    for buffer in &mut at_rest {
        buffer.values.fill(0.0);
    }
    let total: usize = parameters.iter().map(|tensor| tensor.values.len()).sum();
    let mut gradient = Array1::<f64>::zeros(total);
    let mut finite = true;
    for batch in data.train.chunks(spec.training.batch_size) {
        network.load_optimizer_state(&at_rest)?;
        let inputs = data.train_inputs.batch(batch);
        let output = network.step(&inputs, &data.observed(batch), &spec.loss, RATE)?;
        finite &= output.loss.is_finite();
        let share = batch.len() as f64 / data.train.len() as f64;
        let change = values(&parameters) - values(&network.model_state()?);
        gradient.scaled_add(share / RATE, &change);
        network.load_model_state(&parameters)?;
    }
    network.load_optimizer_state(&momentum)?;
    let norm = gradient.dot(&gradient).sqrt();
    if !(finite && norm.is_finite()) {
        let reason = "the loss or its gradient is not finite".to_owned();
        record.undefined.insert("gradient_norm".to_owned(), reason);
        return Ok(());
    }
    record.gradient_norm = Some(norm);
    let decay = decay_gradient(network, spec)?;
    record.gradient_over_decay = (decay > 0.0).then(|| norm / decay);
    Ok(())
}

/// The norm of the gradient of the weight decay of the classifier's weights.
fn decay_gradient(network: &dyn Network, spec: &RunSpec) -> Result<f64, RunnerError> {
    if let ModelSpec::Mlp(mlp) = &spec.model
        && mlp.classifier != ClassifierSpec::Learned
    {
        return Ok(0.0);
    }
    let (weights, _) = network.classifier()?;
    let squares = weights.iter().map(|&weight| f64::from(weight).powi(2));
    let decay = spec.optimizer.coupled_classifier_weight_decay();
    Ok(decay.unwrap_or_default() * squares.sum::<f64>().sqrt())
}

fn values(tensors: &[NamedTensor]) -> Array1<f64> {
    let values = tensors.iter().flat_map(|tensor| &tensor.values);
    values.map(|&value| f64::from(value)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
