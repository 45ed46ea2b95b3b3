//! Residual networks for small images.

use candle_core::{DType, Device, Result, Tensor};
use memdil_kernels::candle::Tape;
use rand_chacha::ChaCha8Rng;

use crate::layers::{Convolution, ImageShape, Layers, Pass, linear, mean_over_pixels};
use crate::model::{Model, Output, Variables};
use crate::trunk::{self, Trunk};

/// The depth of a residual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResNetDepth {
    /// Two basic blocks per stage.
    R18,
    /// 3, 4, 6 and 3 basic blocks in the four stages.
    R34,
    /// 3, 4, 6 and 3 bottleneck blocks in the four stages.
    R50,
}

/// Sizes of a [`ResNet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetShape {
    /// Size of the images, which is arbitrary.
    pub image: ImageShape,
    /// Kind and number of blocks.
    pub depth: ResNetDepth,
    /// Channels of the first stage, 64 in the paper; the others have 2, 4 and 8 times as many.
    pub width: usize,
    /// Logits per sample.
    pub classes: usize,
}

/// The residual network of He et al. (2016) in its common form for 32 by 32 images: a 3 by 3 stem
/// without pooling, four stages, the mean over all pixels as penultimate features (8 `width`
/// features, or 32 `width` with bottleneck blocks) and a linear classifier.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use memdil_models::{ImageShape, Model, ResNet, ResNetDepth, ResNetShape};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let image = ImageShape { channels: 3, height: 32, width: 32 };
/// let shape = ResNetShape { image, depth: ResNetDepth::R18, width: 4, classes: 10 };
/// let network = ResNet::new(shape, &mut ChaCha8Rng::seed_from_u64(1), DType::F32, &Device::Cpu)?;
/// let output = network.forward(&Tensor::zeros((2, 3072), DType::F32, &Device::Cpu)?, false)?;
/// assert_eq!((output.features.dims(), output.logits.dims()), (&[2, 32][..], &[2, 10][..]));
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResNet {
    image: ImageShape,
    stem: Convolution,
    stages: Vec<Vec<Block>>,
    variables: Variables,
}

/// A residual block: convolutions, and the input of the block as the residual of the last one.
#[derive(Clone, Debug)]
struct Block {
    convolutions: Vec<Convolution>,
    /// Projection of the input, if the block changes its size.
    shortcut: Option<Convolution>,
}

impl ResNet {
    /// A network with PyTorch's default initialisation: weights are uniform on ±1/√fan_in,
    /// normalisation is the identity.
    ///
    /// # Errors
    ///
    /// candle's error if a size is 0 or the device cannot hold the parameters.
    pub fn new(
        shape: ResNetShape,
        rng: &mut ChaCha8Rng,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let (image, width, classes) = (shape.image, shape.width, shape.classes);
        if [image.channels, image.height, image.width, width, classes].contains(&0) {
            candle_core::bail!("{shape:?}: every size must be at least 1");
        }
        let (counts, expansion) = match shape.depth {
            ResNetDepth::R18 => ([2, 2, 2, 2], 1),
            ResNetDepth::R34 => ([3, 4, 6, 3], 1),
            ResNetDepth::R50 => ([3, 4, 6, 3], 4),
        };
        let mut layers = Layers::new(rng, dtype, device);
        let stem = layers.convolution("stem", (image.channels, width), 3, 1)?;
        let mut stages = Vec::with_capacity(counts.len());
        let mut inputs = width;
        for (stage, count) in counts.into_iter().enumerate() {
            let (inner, outputs) = (width << stage, (width << stage) * expansion);
            let mut blocks = Vec::with_capacity(count);
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("stages.{stage}.{index}");
                // Kernel, output channels and stride of each convolution.
                let plan = if expansion == 1 {
                    vec![(3, inner, stride), (3, inner, 1)]
                } else {
                    vec![(1, inner, 1), (3, inner, stride), (1, outputs, 1)]
                };
                let (mut convolutions, mut from) = (Vec::new(), inputs);
                for (at, (kernel, to, stride)) in plan.into_iter().enumerate() {
                    let name = format!("{name}.{at}");
                    convolutions.push(layers.convolution(&name, (from, to), kernel, stride)?);
                    from = to;
                }
                let same = stride == 1 && inputs == outputs;
                let mut shortcut = || {
                    layers.convolution(&format!("{name}.shortcut"), (inputs, outputs), 1, stride)
                };
                let shortcut = if same { None } else { Some(shortcut()?) };
                blocks.push(Block {
                    convolutions,
                    shortcut,
                });
                inputs = outputs;
            }
            stages.push(blocks);
        }
        let classifier = layers.linear("classifier", inputs, classes)?;
        Ok(Self {
            image,
            stem,
            stages,
            variables: layers.with_classifier(classifier),
        })
    }

    /// The same network, whose convolutions are direct sums on the CPU.
    #[must_use]
    pub fn with_direct_convolutions(mut self) -> Self {
        self.stem.use_direct_sum();
        for block in self.stages.iter_mut().flatten() {
            for convolution in block.convolutions.iter_mut().chain(&mut block.shortcut) {
                convolution.use_direct_sum();
            }
        }
        self
    }
}

impl Trunk for ResNet {
    fn trunk(&self, batch: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let images = self.image.images(batch)?;
        let mut x = self.stem.forward(&images, None, true, pass)?;
        for block in self.stages.iter().flatten() {
            x = block.forward(x, pass)?;
        }
        Ok(x)
    }

    fn head(&self, x: &Tensor) -> Result<Output> {
        let features = mean_over_pixels(x)?;
        let logits = linear(&features, &self.variables.classifier)?;
        Ok(Output { features, logits })
    }
}

impl Block {
    fn forward(&self, x: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let Some((last, first)) = self.convolutions.split_last() else {
            return Ok(x);
        };
        let mut h = x.clone();
        for convolution in first {
            h = convolution.forward(&h, None, true, pass)?;
        }
        let residual = match &self.shortcut {
            None => x,
            Some(shortcut) => shortcut.forward(&x, None, false, pass)?,
        };
        last.forward(&h, Some(&residual), true, pass)
    }
}

impl Model for ResNet {
    fn forward(&self, batch: &Tensor, train: bool) -> Result<Output> {
        trunk::forward(self, batch, train)
    }

    fn forward_with_tape(&self, batch: &Tensor) -> Result<(Output, Tape)> {
        trunk::forward_with_tape(self, batch)
    }

    /// The outputs of the stem (`stem`) and of the stages (`stages.0` to `stages.3`), each averaged
    /// over its pixels. The last one is the penultimate features.
    fn forward_layers(&self, batch: &Tensor) -> Result<Option<Vec<(String, Tensor)>>> {
        let images = self.image.images(batch)?;
        let mut pass = Pass::Evaluate;
        let mut x = self.stem.forward(&images, None, true, &mut pass)?;
        let mut layers = vec![("stem".to_owned(), mean_over_pixels(&x)?)];
        for (stage, blocks) in self.stages.iter().enumerate() {
            for block in blocks {
                x = block.forward(x, &mut pass)?;
            }
            layers.push((format!("stages.{stage}"), mean_over_pixels(&x)?));
        }
        Ok(Some(layers))
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }
}
