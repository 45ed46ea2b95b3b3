//! The integer hash and the networks of `tests/golden/README.md`.

use memdil_kernels::{
    Activation, Architecture, Element, Instructions, Mlp, MlpElement, Norm, Optimizer, Step,
    TensorRole,
};

fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

pub(crate) fn hash(stream: u64, i: usize) -> u64 {
    mix(mix(stream).wrapping_add(i as u64))
}

/// Uniform on [-1, 1).
pub(crate) fn uniform(stream: u64, i: usize) -> f64 {
    (hash(stream, i) >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// A network with hashed weights; a fixed classifier is the canonical simplex frame.
pub(crate) fn network<T: Element>(
    architecture: Architecture,
    optimizer: Optimizer,
    with: Instructions,
) -> Mlp<T> {
    let mut mlp = Mlp::<T>::with_instructions(architecture, optimizer, with).unwrap();
    let parameters = mlp
        .tensors()
        .into_iter()
        .filter(|tensor| tensor.role == TensorRole::Parameter);
    for (stream, tensor) in parameters.enumerate() {
        let (count, stream) = (tensor.shape.iter().product(), stream as u64);
        let layer_inputs = mlp
            .get(&tensor.name.replace("bias", "weight"))
            .unwrap()
            .len()
            / tensor.shape.last().unwrap();
        let value = |i: usize| match tensor.name.as_str() {
            name if name.ends_with("norm.weight") => 1.0 + uniform(stream, i) / 4.0,
            name if name.ends_with("norm.bias") => uniform(stream, i) / 4.0,
            _ => uniform(stream, i) * (1.0 / (layer_inputs as f64).sqrt()),
        };
        let values: Vec<T> = (0..count)
            .map(|i| T::from_f64(f64::from(value(i) as f32)))
            .collect();
        mlp.set(&tensor.name, &values).unwrap();
    }
    if architecture.fixed_classifier {
        let k = architecture.classes as f64;
        let frame = |j: usize, class: usize| match j {
            _ if j >= architecture.classes => 0.0,
            _ => (k / (k - 1.0)).sqrt() * (if j == class { 1.0 } else { 0.0 } - 1.0 / k),
        };
        let (features, classes) = (architecture.features, architecture.classes);
        let rows =
            (0..features).flat_map(|j| (0..classes).map(move |class| T::from_f64(frame(j, class))));
        mlp.set("classifier.weight", &rows.collect::<Vec<T>>())
            .unwrap();
        mlp.set("classifier.bias", &vec![T::default(); classes])
            .unwrap();
    }
    mlp
}

/// Mean cross-entropy with smoothed labels, and its gradient.
pub(crate) fn cross_entropy<T: Element>(
    logits: &[T],
    labels: &[usize],
    alpha: f64,
) -> (f64, Vec<T>) {
    let (n, classes) = (labels.len(), logits.len() / labels.len());
    let (mut total, mut gradient) = (0.0, Vec::new());
    for (z, &label) in logits.chunks(classes).zip(labels) {
        let z: Vec<f64> = z.iter().map(|z| z.to_f64()).collect();
        let top = z.iter().copied().fold(f64::MIN, f64::max);
        let log = top + z.iter().map(|z| (z - top).exp()).sum::<f64>().ln();
        for (j, z) in z.iter().enumerate() {
            let target = alpha / classes as f64 + if j == label { 1.0 - alpha } else { 0.0 };
            total += target * (log - z);
            gradient.push(T::from_f64(((z - log).exp() - target) / n as f64));
        }
    }
    (total / n as f64, gradient)
}

/// Takes a step on the hashed batch `index` and returns its loss.
pub(crate) fn train<T: MlpElement>(
    mlp: &mut Mlp<T>,
    index: usize,
    samples: usize,
    alpha: f64,
    step: &Step,
) -> f64 {
    let Architecture {
        inputs, classes, ..
    } = *mlp.architecture();
    let x: Vec<T> = (0..samples * inputs)
        .map(|i| T::from_f64(uniform(1000 + index as u64, i)))
        .collect();
    let labels: Vec<usize> = (0..samples)
        .map(|i| (hash(2000 + index as u64, i) % classes as u64) as usize)
        .collect();
    let logits = mlp.forward(&x).unwrap();
    let (loss, gradient) = cross_entropy(&logits, &labels, alpha);
    let penalty = mlp.feature_penalty(step.feature_decay);
    mlp.backward(&gradient, step).unwrap();
    loss + penalty
}

pub(crate) fn architecture(
    inputs: usize,
    depth: usize,
    width: usize,
    features: usize,
    classes: usize,
) -> Architecture {
    let (norm, activation) = (Norm::Batch, Activation::Relu);
    Architecture {
        inputs,
        depth,
        width,
        features,
        classes,
        norm,
        activation,
        fixed_classifier: false,
    }
}
