//! Values and gradients of the operations on tensors, compared with candle's own.

use candle_core::{DType, Device, Result, Tensor, Var};
use memdil_kernels::candle::{self, plain};
use proptest::prelude::*;

fn var(shape: impl Into<candle_core::Shape>, seed: usize) -> Result<Var> {
    let shape = shape.into();
    let mixed = |i: usize| (i + seed * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let values: Vec<f64> = (0..shape.elem_count())
        .map(|i| mixed(i) as f64 / 8_388_608.0 - 1.0)
        .collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)
}

fn distance(a: &Tensor, b: &Tensor) -> Result<f64> {
    (a - b)?.abs()?.flatten_all()?.max(0)?.to_scalar()
}

/// Compares values and the gradients of all variables; the values are weighted so that the
/// gradients are not constant.
fn agree(ours: &Tensor, theirs: &Tensor, variables: &[&Var]) -> Result<()> {
    assert!(distance(ours, theirs)? < 1e-11);
    let weights = var(ours.shape(), 99)?.as_detached_tensor();
    let [ours, theirs] = [ours, theirs].map(|y| y.mul(&weights)?.sum_all()?.backward());
    let (ours, theirs) = (ours?, theirs?);
    for (at, variable) in variables.iter().enumerate() {
        let (ours, theirs) = (ours.get(variable).unwrap(), theirs.get(variable).unwrap());
        assert!(distance(ours, theirs)? < 1e-10, "variable {at}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn convolutions_match_candle(n in 1usize..4, size in 3usize..8, inputs in 1usize..6, outputs in 1usize..6, stride in 1usize..3,
                    kernel in prop_oneof![Just(1usize), Just(3)]) {
        let (x, w) = (var((n, size, size + 1, inputs), 1).unwrap(), var((kernel, kernel, inputs, outputs), 2).unwrap());
        // candle's gradient of the images requires that the kernel ends at the last pixel.
        prop_assume!((size + 2 * (kernel / 2) - kernel) % stride == 0 && (size + 1 + 2 * (kernel / 2) - kernel) % stride == 0);
        let ours = candle::conv2d(&x, &w, stride, kernel / 2).unwrap();
        agree(&ours, &plain::conv2d(&x, &w, stride, kernel / 2).unwrap(), &[&x, &w]).unwrap();
    }

    #[test]
    fn normalisations_match_candle(n in 2usize..300, channels in 1usize..40, relu: bool, with_residual: bool) {
        let (x, r) = (var((n, 1, 2, channels), 1).unwrap(), var((n, 1, 2, channels), 2).unwrap());
        let (scale, shift) = (var(channels, 3).unwrap(), var(channels, 4).unwrap());
        let residual = with_residual.then(|| r.as_tensor());
        let (ours, [mean, variance]) = candle::batch_norm(&x, &scale, &shift, residual, relu).unwrap();
        let (theirs, expected) = plain::batch_norm(&x, &scale, &shift, residual, relu).unwrap();
        assert!(distance(&mean, &expected[0]).unwrap() < 1e-13 && distance(&variance, &expected[1]).unwrap() < 1e-13);
        let variables = if with_residual { vec![&x, &scale, &shift, &r] } else { vec![&x, &scale, &shift] };
        agree(&ours, &theirs, &variables).unwrap();
        let by = [&shift, &var(channels, 5).unwrap().sqr().unwrap()].map(|v: &Tensor| v.clone());
        let ours = candle::batch_norm_by(&x, [&by[0], &by[1]], &scale, &shift, residual, relu).unwrap();
        let theirs = plain::batch_norm_by(&x, [&by[0], &by[1]], &scale, &shift, residual, relu).unwrap();
        assert!(distance(&ours, &theirs).unwrap() < 1e-9);
    }

    #[test]
    fn pooling_matches_candle(n in 1usize..4, height in 2usize..9, width in 2usize..9, channels in 1usize..6) {
        let x = var((n, height, width, channels), 1).unwrap();
        agree(&candle::max_pool2(&x).unwrap(), &plain::max_pool2(&x).unwrap(), &[&x]).unwrap();
    }
}

#[test]
fn mismatched_shapes_and_types_are_errors() {
    let x = Tensor::zeros((1, 4, 4, 2), DType::F32, &Device::Cpu).unwrap();
    let w = Tensor::zeros((3, 3, 3, 2), DType::F32, &Device::Cpu).unwrap();
    let error = candle::conv2d(&x, &w, 1, 1).unwrap_err().to_string();
    assert!(error.contains("must be (k, k, 2, outputs)"), "{error}");
    let w = Tensor::zeros((3, 3, 2, 2), DType::F64, &Device::Cpu).unwrap();
    assert!(candle::conv2d(&x, &w, 1, 1).is_err());
    let half = x.to_dtype(DType::F16).unwrap();
    assert!(
        candle::max_pool2(&half)
            .unwrap_err()
            .to_string()
            .contains("f32 or f64")
    );
}
