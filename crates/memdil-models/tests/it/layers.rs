//! The outputs of layers, compared with the penultimate features and the structure of the networks.

use candle_core::{DType, Device, Tensor};
use memdil_models::{
    ImageShape, Mlp, MlpShape, MlpVariant, Model, Norm, Output, ResNet, ResNetDepth, ResNetShape,
    Variables, Vgg, VggDepth, VggShape,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(5)
}

fn batch(n: usize, inputs: usize) -> Tensor {
    let values: Vec<f32> = (0..n * inputs)
        .map(|i| ((i * i + 3 * i) % 17) as f32 / 8.0 - 1.0)
        .collect();
    Tensor::from_vec(values, (n, inputs), &Device::Cpu).unwrap()
}

fn image(side: usize) -> ImageShape {
    ImageShape {
        channels: 3,
        height: side,
        width: side,
    }
}

fn vgg(side: usize) -> Vgg {
    let shape = VggShape {
        image: image(side),
        depth: VggDepth::V11,
        width: 4,
        classes: 3,
    };
    Vgg::new(shape, &mut rng(), DType::F32, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Checks names and widths, and returns whether the last layer equals the penultimate features.
fn check(network: &dyn Model, x: &Tensor, expected: &[(&str, usize)]) -> bool {
    // Running statistics that differ from those of the batch show which ones are used.
    network.forward(x, true).unwrap();
    let features = network.forward(x, false).unwrap().features;
    let layers = network.forward_layers(x).unwrap().unwrap();
    let found: Vec<(&str, usize)> = layers
        .iter()
        .map(|(name, output)| (name.as_str(), output.dims2().unwrap().1))
        .collect();
    assert_eq!(found, expected);
    for (_, output) in &layers {
        assert_eq!(output.dim(0).unwrap(), x.dim(0).unwrap());
    }
    values(&layers.last().unwrap().1) == values(&features)
}

#[test]
fn perceptrons_have_the_outputs_of_their_blocks() {
    for norm in [Norm::Batch, Norm::Layer, Norm::None] {
        let shape = MlpShape {
            inputs: 5,
            depth: 3,
            width: 7,
            features: 2,
            classes: 2,
        };
        let variant = MlpVariant {
            norm,
            ..MlpVariant::default()
        };
        let network = Mlp::new(shape, variant, &mut rng(), DType::F32, &Device::Cpu).unwrap();
        let expected = [("blocks.0", 7), ("blocks.1", 7), ("blocks.2", 2)];
        assert!(check(&network, &batch(6, 5), &expected));
    }
}

#[test]
fn residual_networks_have_the_outputs_of_stem_and_stages() {
    for (depth, factor) in [(ResNetDepth::R18, 1), (ResNetDepth::R50, 4)] {
        let shape = ResNetShape {
            image: image(8),
            depth,
            width: 4,
            classes: 3,
        };
        let network = ResNet::new(shape, &mut rng(), DType::F32, &Device::Cpu).unwrap();
        let expected = [
            ("stem", 4),
            ("stages.0", 4 * factor),
            ("stages.1", 8 * factor),
            ("stages.2", 16 * factor),
            ("stages.3", 32 * factor),
        ];
        assert!(check(&network, &batch(3, 3 * 64), &expected));
    }
}

#[test]
fn vgg_networks_have_the_pooled_outputs_of_their_stages() {
    let expected = [
        ("stages.0", 4),
        ("stages.1", 8),
        ("stages.2", 16),
        ("stages.3", 32),
        ("stages.4", 32),
    ];
    assert!(check(&vgg(32), &batch(2, 3 * 32 * 32), &expected));
    // Four pixels remain, so the features have four times the values of the averaged layer.
    let (network, x) = (vgg(64), batch(2, 3 * 64 * 64));
    assert!(!check(&network, &x, &expected));
    let features = network.forward(&x, false).unwrap().features;
    let averaged = features.reshape((2, 4, 32)).unwrap().mean(1).unwrap();
    let layers = network.forward_layers(&x).unwrap().unwrap();
    for (a, b) in values(&layers[4].1).iter().zip(values(&averaged)) {
        assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} {b}");
    }
}

#[test]
fn a_network_without_the_method_has_no_layers() {
    #[derive(Debug)]
    struct Plain(Variables);
    impl Model for Plain {
        fn forward(&self, batch: &Tensor, _train: bool) -> candle_core::Result<Output> {
            Ok(Output {
                features: batch.clone(),
                logits: batch.clone(),
            })
        }
        fn variables(&self) -> &Variables {
            &self.0
        }
    }
    let zeros = Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap();
    let network = Plain(Variables {
        parameters: Vec::new(),
        buffers: Vec::new(),
        classifier: [zeros.clone(), zeros],
    });
    assert!(network.forward_layers(&batch(2, 2)).unwrap().is_none());
}
