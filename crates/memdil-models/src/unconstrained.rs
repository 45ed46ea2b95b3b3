//! The layer-peeled model: classifier and last-layer features as free variables.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;

use crate::layers::uniform_fan_in;
use crate::model::Output;

/// Sizes of [`UnconstrainedFeatures`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureShape {
    /// Number of classes, $N$.
    pub classes: usize,
    /// Samples per class, $n$.
    pub samples_per_class: usize,
    /// Feature dimension, $P$.
    pub dim: usize,
    /// Whether features must be non-negative, as after a ReLU.
    pub nonnegative: bool,
}

/// A linear classifier without bias whose inputs, the features of every sample, are trained like
/// its weights (Nguyen et al. 2023). It models a network whose last features can be arbitrary.
///
/// [`project`](Self::project) must be called after each step to keep features non-negative. A ReLU
/// before the classifier would not work: a feature below zero would have no gradient, and so would
/// stay there.
///
/// ```
/// use candle_core::Device;
/// use memdil_models::{FeatureShape, UnconstrainedFeatures};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let shape = FeatureShape { classes: 3, samples_per_class: 2, dim: 4, nonnegative: true };
/// let model = UnconstrainedFeatures::new(shape, &mut ChaCha8Rng::seed_from_u64(1), &Device::Cpu)?;
/// let output = model.forward()?;
/// assert_eq!(output.features.dims(), [6, 4]);
/// assert_eq!(output.logits.dims(), [6, 3]);
/// assert_eq!(model.labels()?.to_vec1::<u32>()?, [0, 0, 1, 1, 2, 2]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UnconstrainedFeatures {
    shape: FeatureShape,
    classifier: Var,
    features: Var,
}

impl UnconstrainedFeatures {
    /// Weights and features are uniform on ±1/√P in f64; non-negative features are the absolute
    /// values of such numbers.
    ///
    /// # Errors
    ///
    /// candle's error if a size is 0 or the device cannot hold the variables.
    pub fn new(shape: FeatureShape, rng: &mut ChaCha8Rng, device: &Device) -> Result<Self> {
        let (classes, samples, dim) = (shape.classes, shape.samples_per_class, shape.dim);
        if [classes, samples, dim].contains(&0) {
            candle_core::bail!("{shape:?}: every size must be at least 1");
        }
        let classifier = uniform_fan_in((classes, dim), dim, rng, DType::F64, device)?;
        let features = uniform_fan_in((classes * samples, dim), dim, rng, DType::F64, device)?;
        if shape.nonnegative {
            features.set(&features.as_detached_tensor().abs()?)?;
        }
        Ok(Self {
            shape,
            classifier,
            features,
        })
    }

    /// Features and logits of all samples.
    ///
    /// # Shapes
    ///
    /// Features $H$ (N n, P), sorted by class; logits $H W^T$ (N n, N).
    ///
    /// # Errors
    ///
    /// candle's error if the device fails.
    pub fn forward(&self) -> Result<Output> {
        let features = self.features.as_tensor().clone();
        let logits = features.matmul(&self.classifier.t()?)?;
        Ok(Output { features, logits })
    }

    /// The class of every sample, (N n).
    ///
    /// # Errors
    ///
    /// candle's error if the device fails.
    pub fn labels(&self) -> Result<Tensor> {
        let (classes, samples) = (self.shape.classes, self.shape.samples_per_class);
        let labels: Vec<u32> = (0..classes as u32)
            .flat_map(|k| std::iter::repeat_n(k, samples))
            .collect();
        Tensor::from_vec(labels, classes * samples, self.features.device())
    }

    /// Projects the features onto the admissible set: sets negative entries to zero if features
    /// must be non-negative.
    ///
    /// # Errors
    ///
    /// candle's error if the device fails.
    pub fn project(&self) -> Result<()> {
        if self.shape.nonnegative {
            self.features
                .set(&self.features.as_detached_tensor().relu()?)?;
        }
        Ok(())
    }

    /// Weights $W$ of the classifier, (N, P).
    pub fn classifier(&self) -> &Var {
        &self.classifier
    }

    /// Features $H$, (N n, P).
    pub fn features(&self) -> &Var {
        &self.features
    }

    /// All trained variables, by name.
    pub fn parameters(&self) -> [(&'static str, &Var); 2] {
        [
            ("classifier.weight", &self.classifier),
            ("features", &self.features),
        ]
    }
}
