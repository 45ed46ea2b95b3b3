//! Gradients by a tape, compared with candle's own backward pass.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor};
use memdil_models::{
    ImageShape, Model, Output, ResNet, ResNetDepth, ResNetShape, Vgg, VggDepth, VggShape,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const CLASSES: usize = 3;

fn image(side: usize) -> ImageShape {
    ImageShape {
        channels: 3,
        height: side,
        width: side,
    }
}

/// The networks of a type, each with the side of its images; equal values in every call.
fn networks(dtype: DType) -> Result<Vec<(Box<dyn Model>, usize)>> {
    let rng = || ChaCha8Rng::seed_from_u64(11);
    let resnet = |depth, width| {
        let shape = ResNetShape {
            image: image(8),
            depth,
            width,
            classes: CLASSES,
        };
        ResNet::new(shape, &mut rng(), dtype, &Device::Cpu)
    };
    let vgg = VggShape {
        image: image(32),
        depth: VggDepth::V11,
        width: 6,
        classes: CLASSES,
    };
    Ok(vec![
        // With 16 channels, the network in f32 uses Winograd's algorithm.
        (Box::new(resnet(ResNetDepth::R18, 16)?), 8),
        (Box::new(resnet(ResNetDepth::R50, 4)?), 8),
        (
            Box::new(Vgg::new(vgg, &mut rng(), dtype, &Device::Cpu)?),
            32,
        ),
    ])
}

/// Values on [-1, 1).
fn numbers(n: usize, dtype: DType) -> Result<Tensor> {
    let mixed = |i: usize| (i + 7).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let values: Vec<f64> = (0..n)
        .map(|i| mixed(i) as f64 / 8_388_608.0 - 1.0)
        .collect();
    Tensor::from_vec(values, n, &Device::Cpu)?.to_dtype(dtype)
}

fn batch(images: usize, side: usize, dtype: DType) -> Result<Tensor> {
    let values = 3 * side * side;
    numbers(images * values, dtype)?.reshape((images, values))
}

/// A loss that depends on features and logits.
fn loss(output: &Output) -> Result<Tensor> {
    let weights = numbers(output.logits.elem_count(), output.logits.dtype())?;
    let logits = output
        .logits
        .mul(&weights.reshape(output.logits.shape())?)?;
    logits.sum_all()? + (output.features.sqr()?.sum_all()? * 0.01)?
}

/// Euclidean norm.
fn norm(tensor: &Tensor) -> Result<f64> {
    let squares = tensor.to_dtype(DType::F64)?.sqr()?.sum_all()?;
    squares.to_scalar::<f64>().map(f64::sqrt)
}

fn gradients_by_candle(network: &dyn Model, x: &Tensor) -> Result<GradStore> {
    loss(&network.forward(x, true)?)?.backward()
}

fn gradients_by_tape(network: &dyn Model, x: &Tensor) -> Result<GradStore> {
    let (output, tape) = network.forward_with_tape(x)?;
    let mut gradients = loss(&output)?.backward()?;
    tape.backward(&mut gradients)?;
    Ok(gradients)
}

/// Compares the gradients of all parameters, and the running statistics after the pass.
fn check(dtype: DType, tolerance: f64) -> Result<()> {
    for ((candle, side), (tape, _)) in networks(dtype)?.into_iter().zip(networks(dtype)?) {
        let x = batch(5, side, dtype)?;
        let expected = gradients_by_candle(candle.as_ref(), &x)?;
        let found = gradients_by_tape(tape.as_ref(), &x)?;
        let (ours, theirs) = (tape.variables(), candle.variables());
        for ((name, ours), (_, theirs)) in ours.parameters.iter().zip(&theirs.parameters) {
            let [found, expected] = [found.get(ours), expected.get(theirs)].map(Option::unwrap);
            let (error, size) = (norm(&(found - expected)?)?, norm(expected)?);
            assert!(size > 0.0, "{name}");
            assert!(error <= tolerance * size, "{name}: {error}, norm {size}");
        }
        for ((name, ours), (_, theirs)) in ours.buffers.iter().zip(&theirs.buffers) {
            assert_eq!(
                norm(&(ours.as_tensor() - theirs.as_tensor())?)?,
                0.0,
                "{name}"
            );
        }
    }
    Ok(())
}

#[test]
fn gradients_in_f64_match_candle() {
    check(DType::F64, 1e-12).unwrap();
}

#[test]
fn gradients_in_f32_match_candle() {
    check(DType::F32, 1e-5).unwrap();
}

#[test]
fn a_tape_does_not_change_the_outputs() {
    for dtype in [DType::F32, DType::F64] {
        let pairs = networks(dtype)
            .unwrap()
            .into_iter()
            .zip(networks(dtype).unwrap());
        for ((candle, side), (tape, _)) in pairs {
            let x = batch(3, side, dtype).unwrap();
            let expected = candle.forward(&x, true).unwrap();
            let (found, _) = tape.forward_with_tape(&x).unwrap();
            for (found, expected) in [
                (found.features, expected.features),
                (found.logits, expected.logits),
            ] {
                assert_eq!(norm(&(found - expected).unwrap()).unwrap(), 0.0);
            }
        }
    }
}

#[test]
fn a_batch_of_one_sample_is_an_error() {
    for (network, side) in networks(DType::F32).unwrap() {
        let x = batch(1, side, DType::F32).unwrap();
        assert!(network.forward_with_tape(&x).is_err());
    }
}

/// ResNet-18 in f32: the relative difference of every gradient between Winograd's algorithm and direct
/// sums.
#[test]
fn winograd_gradients_agree_with_direct_sums() {
    let network = || {
        let shape = ResNetShape {
            image: image(32),
            depth: ResNetDepth::R18,
            width: 8,
            classes: CLASSES,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        ResNet::new(shape, &mut rng, DType::F32, &Device::Cpu).unwrap()
    };
    let x = batch(6, 32, DType::F32).unwrap();
    let gradients = |network: ResNet| -> Vec<(String, Vec<f64>)> {
        let (output, tape) = network.forward_with_tape(&x).unwrap();
        let loss = output.logits.sqr().unwrap().sum_all().unwrap();
        let mut store = loss.backward().unwrap();
        tape.backward(&mut store).unwrap();
        let values = |tensor: &Tensor| -> Result<Vec<f64>> {
            tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
        };
        let parameters = network.variables().parameters.iter();
        parameters
            .map(|(name, p)| (name.clone(), values(store.get(p).unwrap()).unwrap()))
            .collect()
    };
    let direct = gradients(network().with_direct_convolutions());
    for ((name, found), (_, expected)) in gradients(network()).iter().zip(&direct) {
        let norm =
            |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
        let relative = difference / norm(&mut expected.iter().copied());
        assert!(relative < 1e-4, "{name}: {relative:e}");
    }
}
