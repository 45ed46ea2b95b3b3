//! VGG networks with batch normalisation for small images.

use candle_core::{DType, Device, Result, Tensor};
use memdil_kernels::candle::Tape;
use rand_chacha::ChaCha8Rng;

use crate::layers::{Convolution, ImageShape, Layers, Pass, linear, mean_over_pixels};
use crate::model::{Model, Output, Variables};
use crate::trunk::{self, Trunk};

/// The depth of a VGG network, named by the number of layers with weights in the paper, which
/// includes its three linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VggDepth {
    /// One convolution in each of the first two stages, two in each of the others.
    V11,
    /// Two convolutions in every stage.
    V13,
    /// Two convolutions in each of the first two stages, three in each of the others.
    V16,
}

/// Sizes of a [`Vgg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VggShape {
    /// Size of the images, at least 32 by 32 pixels because they are halved five times.
    pub image: ImageShape,
    /// Number of convolutions.
    pub depth: VggDepth,
    /// Channels of the first stage, 64 in the paper; the other stages have 2, 4, 8 and 8 times as
    /// many.
    pub width: usize,
    /// Logits per sample.
    pub classes: usize,
}

/// Smallest height and width of an image.
const SMALLEST: usize = 32;

/// The network of Simonyan and Zisserman (2015) in its common form for 32 by 32 images: five stages
/// of 3 by 3 convolutions with batch normalisation and ReLU, each followed by 2 by 2 max pooling,
/// and one linear classifier on the remaining 8 `width` features.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use memdil_models::{ImageShape, Model, Vgg, VggDepth, VggShape};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let image = ImageShape { channels: 3, height: 32, width: 32 };
/// let shape = VggShape { image, depth: VggDepth::V11, width: 4, classes: 10 };
/// let network = Vgg::new(shape, &mut ChaCha8Rng::seed_from_u64(1), DType::F32, &Device::Cpu)?;
/// let output = network.forward(&Tensor::zeros((2, 3072), DType::F32, &Device::Cpu)?, false)?;
/// assert_eq!((output.features.dims(), output.logits.dims()), (&[2, 32][..], &[2, 10][..]));
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vgg {
    image: ImageShape,
    stages: Vec<Vec<Convolution>>,
    variables: Variables,
}

impl Vgg {
    /// A network with PyTorch's default initialisation: weights are uniform on ±1/√fan_in,
    /// normalisation is the identity.
    ///
    /// # Errors
    ///
    /// candle's error if a size is 0, the images are too small, or the device cannot hold the
    /// parameters.
    pub fn new(
        shape: VggShape,
        rng: &mut ChaCha8Rng,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let (image, width, classes) = (shape.image, shape.width, shape.classes);
        if [image.channels, width, classes].contains(&0) {
            candle_core::bail!("{shape:?}: every size must be at least 1");
        }
        if image.height.min(image.width) < SMALLEST {
            let ImageShape { height, width, .. } = image;
            candle_core::bail!(
                "images of {height} by {width} pixels: must be at least 32 by 32, because VGG halves them five times"
            );
        }
        let counts = match shape.depth {
            VggDepth::V11 => [1, 1, 2, 2, 2],
            VggDepth::V13 => [2, 2, 2, 2, 2],
            VggDepth::V16 => [2, 2, 3, 3, 3],
        };
        let mut layers = Layers::new(rng, dtype, device);
        let (mut stages, mut inputs) = (Vec::new(), image.channels);
        for (stage, (count, factor)) in counts.into_iter().zip([1, 2, 4, 8, 8]).enumerate() {
            let mut convolutions = Vec::new();
            for index in 0..count {
                let outputs = factor * width;
                let name = format!("stages.{stage}.{index}");
                convolutions.push(layers.convolution(&name, (inputs, outputs), 3, 1)?);
                inputs = outputs;
            }
            stages.push(convolutions);
        }
        let pixels = (image.height / SMALLEST) * (image.width / SMALLEST);
        let classifier = layers.linear("classifier", inputs * pixels, classes)?;
        Ok(Self {
            image,
            stages,
            variables: layers.with_classifier(classifier),
        })
    }

    /// The same network, whose convolutions are direct sums on the CPU.
    #[must_use]
    pub fn with_direct_convolutions(mut self) -> Self {
        for convolution in self.stages.iter_mut().flatten() {
            convolution.use_direct_sum();
        }
        self
    }
}

impl Trunk for Vgg {
    fn trunk(&self, batch: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let mut x = self.image.images(batch)?;
        for convolutions in &self.stages {
            x = stage(x, convolutions, pass)?;
        }
        Ok(x)
    }

    fn head(&self, x: &Tensor) -> Result<Output> {
        let features = x.flatten_from(1)?;
        let logits = linear(&features, &self.variables.classifier)?;
        Ok(Output { features, logits })
    }
}

/// The convolutions of a stage and the pooling after them.
fn stage(mut x: Tensor, convolutions: &[Convolution], pass: &mut Pass) -> Result<Tensor> {
    for convolution in convolutions {
        x = convolution.forward(&x, None, true, pass)?;
    }
    pass.max_pool2(&x)
}

impl Model for Vgg {
    fn forward(&self, batch: &Tensor, train: bool) -> Result<Output> {
        trunk::forward(self, batch, train)
    }

    fn forward_with_tape(&self, batch: &Tensor) -> Result<(Output, Tape)> {
        trunk::forward_with_tape(self, batch)
    }

    /// The outputs of the stages after their max pooling (`stages.0` to `stages.4`), each averaged
    /// over its pixels. If images have fewer than 64 pixels in both directions, a single pixel
    /// remains after the last stage, whose output is then the penultimate features. The penultimate
    /// features of larger images are all remaining pixels, not their average.
    fn forward_layers(&self, batch: &Tensor) -> Result<Option<Vec<(String, Tensor)>>> {
        let mut x = self.image.images(batch)?;
        let mut pass = Pass::Evaluate;
        let mut layers = Vec::with_capacity(self.stages.len());
        for (index, convolutions) in self.stages.iter().enumerate() {
            x = stage(x, convolutions, &mut pass)?;
            layers.push((format!("stages.{index}"), mean_over_pixels(&x)?));
        }
        Ok(Some(layers))
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }
}
