//! Trains unconstrained features by gradient descent, for comparison with the theoretical minimum.

use std::path::Path;
use std::time::Instant;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use memdil_data::random::{Stream, stream};
use memdil_models::{FeatureShape, UnconstrainedFeatures};
use memdil_records::{
    LayerPeeledEnd, LayerPeeledRecord, LayerPeeledSpec, LayerPeeledStatus, create_dir,
    read_layer_peeled, write_layer_peeled,
};
use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::config::update::Update;
use crate::error::RunnerError;
use crate::network::optimizer::CandleOptimizer;
use crate::run::lock::lock;
use crate::run::provenance::provenance;

/// Trains every specification that has no result in `folder` yet, and returns the results of all
/// specifications.
///
/// The file of results is written after each training, so that an interrupted experiment resumes.
/// At the end it contains exactly these results, so that a report never mixes settings; if that is
/// already the case, nothing is written. `on_result` is called with each result, and with true if
/// the result was already stored.
///
/// # Errors
///
/// [`RunnerError`]: invalid settings, a damaged file of results, another process that works on it,
/// or a failed write.
pub fn run_layer_peeled(
    specs: &[LayerPeeledSpec],
    folder: &Path,
    mut on_result: impl FnMut(&LayerPeeledRecord, bool),
) -> Result<Vec<LayerPeeledRecord>, RunnerError> {
    for spec in specs {
        spec.validate()?;
    }
    let complete = |records: &[LayerPeeledRecord]| records.iter().map(|r| &r.spec).eq(specs);
    let mut records = read_layer_peeled(folder)?;
    let mut held = None;
    if !complete(&records) {
        create_dir(folder)?;
        held = Some(lock(&folder.join(".layer-peeled.lock"), folder)?);
        // The previous holder of the lock may have added results.
        records = read_layer_peeled(folder)?;
    }
    let mut results = Vec::with_capacity(specs.len());
    for spec in specs {
        let known = records.iter().find(|r| r.spec == *spec).cloned();
        let was_there = known.is_some();
        let record = match known {
            Some(record) => record,
            None => {
                let record = train_layer_peeled(spec)?;
                records.push(record.clone());
                write_layer_peeled(folder, &records)?;
                record
            }
        };
        on_result(&record, was_there);
        results.push(record);
    }
    if !complete(&records) {
        write_layer_peeled(folder, &results)?;
    }
    drop(held);
    Ok(results)
}

/// Trains unconstrained features by full-batch gradient descent with momentum, in f64 on the CPU.
///
/// Descent uses balanced variables $\tilde W$ and $\tilde H$ with $W = a\tilde W$,
/// $H = \sqrt{Nn}\tilde H/a$ and $a = (\lambda_H/\lambda_W)^{1/4}$, which only amounts to separate
/// learning rates for weights and features. Non-negative features are projected after each step.
/// With few spare dimensions, all dimensions of a class may become zero and stay there; this saddle
/// is recognisable by its objective in the record. Training ends when the largest entry of the
/// projected gradient over $\sqrt{\lambda_W\lambda_H}$ reaches the tolerance, after the maximum
/// number of steps, or when the objective is not finite.
///
/// # Errors
///
/// [`RunnerError`] for settings out of range, or if the tensor library fails.
pub fn train_layer_peeled(spec: &LayerPeeledSpec) -> Result<LayerPeeledRecord, RunnerError> {
    spec.validate()?;
    let (started, provenance) = (Instant::now(), provenance("cpu"));
    let mut descent = Descent::new(spec)?;
    let mut steps = 0;
    let (status, last) = loop {
        let objective = descent.objective()?;
        let value = objective.to_scalar::<f64>()?;
        if !value.is_finite() {
            break (LayerPeeledStatus::Diverged, None);
        }
        let gradients = objective.backward()?;
        let residual = descent.residual(&gradients)?;
        if residual <= spec.tolerance {
            break (LayerPeeledStatus::Converged, Some((value, residual)));
        }
        if steps == spec.steps {
            break (LayerPeeledStatus::OutOfSteps, Some((value, residual)));
        }
        descent.step(&gradients)?;
        steps += 1;
    };
    let end = last
        .map(|(value, residual)| descent.end(value, residual))
        .transpose()?;
    Ok(LayerPeeledRecord {
        format: LayerPeeledRecord::FORMAT,
        spec: spec.clone(),
        status,
        steps,
        end,
        seconds: started.elapsed().as_secs_f64(),
        provenance,
    })
}

/// The state of a training.
struct Descent<'a> {
    spec: &'a LayerPeeledSpec,
    model: UnconstrainedFeatures,
    labels: Tensor,
    /// The scales of weights and features: each equals its scale times its balanced variable.
    scales: [f64; 2],
    optimizers: [CandleOptimizer; 2],
}

impl<'a> Descent<'a> {
    fn new(spec: &'a LayerPeeledSpec) -> Result<Self, RunnerError> {
        let shape = FeatureShape {
            classes: spec.classes,
            samples_per_class: spec.samples_per_class,
            dim: spec.dim,
            nonnegative: spec.nonnegative,
        };
        let model =
            UnconstrainedFeatures::new(shape, &mut stream(spec.seed, Stream::Init), &Device::Cpu)?;
        let labels = model.labels()?;
        let scale = (spec.lambda_h / spec.lambda_w).powf(0.25);
        let samples = (spec.classes * spec.samples_per_class) as f64;
        let scales = [scale, samples.sqrt() / scale];
        // The weight decay is a term of the objective, so the optimiser has none.
        let update = Update::momentum(spec.momentum);
        let [weights, features] = model
            .parameters()
            .map(|(name, p)| CandleOptimizer::new(update, &[(name.to_owned(), p.clone())]));
        let optimizers = [weights?, features?];
        Ok(Self {
            spec,
            model,
            labels,
            scales,
            optimizers,
        })
    }

    fn parameters(&self) -> [&Var; 2] {
        [self.model.classifier(), self.model.features()]
    }

    fn objective(&self) -> candle_core::Result<Tensor> {
        let output = self.model.forward()?;
        let samples = output.features.dim(0)? as f64;
        let weights = (self.model.classifier().sqr()?.sum_all()? * self.spec.lambda_w)?;
        let features = (output.features.sqr()?.sum_all()? * (self.spec.lambda_h / samples))?;
        self.spec.loss.tensor(&output.logits, &self.labels)? + weights + features
    }

    /// The largest entry of the projected gradient in balanced variables, over
    /// $\sqrt{\lambda_W\lambda_H}$. At a non-negative feature that is zero, only a descent
    /// direction that increases it counts.
    fn residual(&self, gradients: &GradStore) -> candle_core::Result<f64> {
        let mut largest = 0f64;
        for (index, (parameter, scale)) in
            self.parameters().into_iter().zip(self.scales).enumerate()
        {
            let gradient = gradients
                .get(parameter)
                .ok_or_else(|| candle_core::Error::Msg("no gradient".to_owned()))?;
            let values = parameter.flatten_all()?.to_vec1::<f64>()?;
            let gradient = gradient.flatten_all()?.to_vec1::<f64>()?;
            let bounded = index == 1 && self.spec.nonnegative;
            for (value, slope) in values.into_iter().zip(gradient) {
                let slope = if bounded && value <= 0.0 {
                    slope.min(0.0)
                } else {
                    slope
                };
                largest = largest.max(scale * slope.abs());
            }
        }
        Ok(largest / (self.spec.lambda_w * self.spec.lambda_h).sqrt())
    }

    fn step(&mut self, gradients: &GradStore) -> candle_core::Result<()> {
        for (optimizer, scale) in self.optimizers.iter_mut().zip(self.scales) {
            optimizer.step(gradients, self.spec.learning_rate * scale * scale)?;
        }
        self.model.project()
    }

    fn end(&self, objective: f64, residual: f64) -> candle_core::Result<LayerPeeledEnd> {
        let [weights, features] = self.parameters().map(|p| array(p));
        let labels = self.labels.to_vec1::<u32>()?;
        Ok(measure(objective, residual, &weights?, &features?, &labels))
    }
}

fn array(tensor: &Tensor) -> candle_core::Result<Array2<f64>> {
    let shape = tensor.dims2()?;
    Array2::from_shape_vec(shape, tensor.flatten_all()?.to_vec1()?)
        .map_err(candle_core::Error::wrap)
}

/// Measures a solution. `weights` are (N, P), `features` (N n, P), sorted by class.
fn measure(
    objective: f64,
    residual: f64,
    weights: &Array2<f64>,
    features: &Array2<f64>,
    labels: &[u32],
) -> LayerPeeledEnd {
    let classes = weights.nrows();
    let logits = features.dot(&weights.t());
    let mut gaps = Vec::with_capacity(labels.len() * (classes - 1));
    for (row, &label) in logits.rows().into_iter().zip(labels) {
        let label = label as usize;
        let others = (0..classes).filter(|&j| j != label);
        gaps.extend(others.map(|j| row[label] - row[j]));
    }
    let feature_sq_norm = squares(features.iter()) / features.nrows() as f64;
    let weight_row_sq_norm = squares(weights.iter()) / classes as f64;
    let collapsed = feature_sq_norm.max(weight_row_sq_norm) <= LayerPeeledEnd::ZERO;
    let mut end = LayerPeeledEnd {
        residual,
        objective,
        collapsed,
        logit_gap: gaps.iter().sum::<f64>() / gaps.len() as f64,
        logit_gap_spread: spread(&gaps),
        feature_sq_norm,
        weight_row_sq_norm,
        nc1: None,
        feature_cosines: None,
        feature_norm_spread: None,
        nc3_plus: None,
    };
    if collapsed {
        return end;
    }
    // Undefined quantities are omitted, for example if two class means coincide.
    end.nc1 = memdil_metrics::nc1(features.view(), labels, classes).ok();
    let samples = features.nrows() / classes;
    let means: Vec<Array1<f64>> = features
        .axis_chunks_iter(Axis(0), samples)
        .filter_map(|h| h.mean_axis(Axis(0)))
        .collect();
    let norms: Vec<f64> = means.iter().map(|m| squares(m.iter()).sqrt()).collect();
    end.feature_norm_spread = finite(spread(&norms) / (norms.iter().sum::<f64>() / classes as f64));
    let cosines: Vec<f64> = (0..classes)
        .flat_map(|j| (0..j).map(move |k| (j, k)))
        .map(|(j, k)| means[j].dot(&means[k]) / (norms[j] * norms[k]))
        .collect();
    end.feature_cosines = finite(cosines.iter().sum()).map(|_| extremes(&cosines));
    let mut centre = Array1::<f64>::zeros(features.ncols());
    means
        .iter()
        .for_each(|mean| centre.scaled_add(1.0 / classes as f64, mean));
    let apart = means
        .iter()
        .zip(weights.rows())
        .map(|(mean, row)| distance_of_directions(row, (mean - &centre).view()));
    end.nc3_plus = apart
        .map(finite)
        .collect::<Option<Vec<f64>>>()
        .map(|all| all.into_iter().fold(0.0, f64::max));
    end
}

fn squares<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.map(|v| v * v).sum()
}

fn extremes(values: &[f64]) -> [f64; 2] {
    values
        .iter()
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| {
            [low.min(*v), high.max(*v)]
        })
}

fn spread(values: &[f64]) -> f64 {
    let [low, high] = extremes(values);
    high - low
}

fn distance_of_directions(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    let (a, b) = (&a / squares(a.iter()).sqrt(), &b / squares(b.iter()).sqrt());
    squares((a - b).iter()).sqrt()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn measures_agree_with_hand_calculation() {
        // Orthogonal features of length 2; the first row of the weights is along their
        // difference, the second one is tilted.
        let features = array![[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]];
        let weights = array![[1.0, -1.0], [-1.0, 0.0]];
        let end = measure(0.5, 1e-9, &weights, &features, &[0, 0, 1, 1]);
        assert!(!end.collapsed);
        // Logits (2, -2) twice, (-2, 0) twice: gaps 4, 4, 2, 2.
        assert!((end.logit_gap - 3.0).abs() < 1e-15 && (end.logit_gap_spread - 2.0).abs() < 1e-15);
        assert!(
            (end.feature_sq_norm - 4.0).abs() < 1e-15
                && (end.weight_row_sq_norm - 1.5).abs() < 1e-15
        );
        assert_eq!(
            (end.nc1, end.feature_cosines, end.feature_norm_spread),
            (Some(0.0), Some([0.0, 0.0]), Some(0.0))
        );
        // An angle of 45 degrees between unit vectors: distance 2 sin(22.5 degrees).
        let expected = 2.0 * (std::f64::consts::PI / 8.0).sin();
        assert!((end.nc3_plus.unwrap() - expected).abs() < 1e-15);
        let zero = measure(
            0.7,
            0.0,
            &Array2::zeros((2, 2)),
            &Array2::zeros((4, 2)),
            &[0, 0, 1, 1],
        );
        assert!(zero.collapsed && zero.nc1.is_none() && zero.nc3_plus.is_none());
        // One class is at zero: quantities that need its direction are omitted.
        let half = measure(0.7, 0.0, &weights, &array![[0.0, 0.0], [0.0, 1.0]], &[0, 1]);
        assert!(half.feature_cosines.is_none() && half.nc3_plus.is_some());
    }

    #[test]
    fn the_residual_includes_gradients_that_increase_a_zero_feature() {
        let spec = LayerPeeledSpec {
            classes: 2,
            samples_per_class: 1,
            dim: 1,
            loss: memdil_losses::Loss::CrossEntropy {},
            lambda_w: 1e-3,
            lambda_h: 1e-3,
            nonnegative: true,
            seed: 0,
            learning_rate: 0.1,
            momentum: 0.0,
            steps: 1,
            tolerance: 1.0,
        };
        let descent = Descent::new(&spec).unwrap();
        descent
            .model
            .features()
            .set(&Tensor::zeros((2, 1), candle_core::DType::F64, &Device::Cpu).unwrap())
            .unwrap();
        let residual = |weights: [[f64; 1]; 2]| {
            descent
                .model
                .classifier()
                .set(&Tensor::new(&weights, &Device::Cpu).unwrap())
                .unwrap();
            descent
                .residual(&descent.objective().unwrap().backward().unwrap())
                .unwrap()
        };
        assert!(residual([[0.0], [0.0]]) <= 0.0);
        // Logits are zero, so the gradients of the features are -(w_1 - w_2)/4 and its negative,
        // and √2 times that in balanced variables. The gradient of the weights is that of the decay
        // alone: 2 λ w.
        assert!((residual([[0.01], [-0.01]]) - 0.005 * 2f64.sqrt() / 1e-3).abs() < 1e-12);
    }
}
