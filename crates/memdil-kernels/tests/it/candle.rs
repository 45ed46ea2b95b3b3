//! Values and gradients of the operations on tensors, compared with candle's own.

use candle_core::{DType, Device, Result, Tensor, Var};
use memdil_kernels::candle::{self, Conv2d, Tape, plain};
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

/// A convolution whose results have the size of its images.
const SAME: Conv2d = Conv2d {
    stride: 1,
    padding: 1,
    algorithm: None,
};

/// Two convolutions with the same weights, which candle's graph also reads after the tape.
#[test]
fn gradients_of_a_shared_weight_are_added() {
    let (x, w) = (var((2, 5, 4, 3), 1).unwrap(), var((3, 3, 3, 3), 2).unwrap());
    let loss = |y: &Tensor| {
        let weights = var(y.shape(), 3)?.as_detached_tensor();
        y.mul(&weights)?.sum_all()? + w.sqr()?.sum_all()?
    };
    let y = candle::conv2d(&x, &w, 1, 1).unwrap();
    let y = candle::conv2d(&y, &w, 1, 1).unwrap();
    let expected = loss(&y).unwrap().backward().unwrap();

    let mut tape = Tape::default();
    let x = x.as_detached_tensor();
    let y = tape.conv2d(&x, &w, SAME).unwrap();
    let y = tape.conv2d(&y, &w, SAME).unwrap();
    let y = tape.finish(&y).unwrap();
    let mut found = loss(&y).unwrap().backward().unwrap();
    tape.backward(&mut found).unwrap();
    let [found, expected] = [found, expected].map(|store| store.get(&w).unwrap().clone());
    assert!(distance(&found, &expected).unwrap() < 1e-12);
}

/// A result with two uses: as the values and as the residual of a normalisation.
#[test]
fn gradients_of_a_shared_result_are_added() {
    let (x, w) = (var((3, 4, 4, 2), 1).unwrap(), var((3, 3, 2, 5), 2).unwrap());
    let (scale, shift) = (var(5, 3).unwrap(), var(5, 4).unwrap());
    let loss = |y: &Tensor| y.mul(&var(y.shape(), 5)?.as_detached_tensor())?.sum_all();
    let y = candle::conv2d(&x, &w, 1, 1).unwrap();
    let (y, _) = candle::batch_norm(&y, &scale, &shift, Some(&y), true).unwrap();
    let y = candle::max_pool2(&y).unwrap();
    let expected = loss(&y).unwrap().backward().unwrap();

    let mut tape = Tape::default();
    let x = x.as_detached_tensor();
    let y = tape.conv2d(&x, &w, SAME).unwrap();
    let (y, _) = tape.batch_norm(&y, &scale, &shift, Some(&y), true).unwrap();
    let y = tape.max_pool2(&y).unwrap();
    let y = tape.finish(&y).unwrap();
    let mut found = loss(&y).unwrap().backward().unwrap();
    tape.backward(&mut found).unwrap();
    for variable in [&w, &scale, &shift] {
        let [found, expected] = [&found, &expected].map(|store| store.get(variable).unwrap());
        assert!(distance(found, expected).unwrap() < 1e-12);
    }
}

#[test]
fn a_tape_without_its_end_is_an_error() {
    let (x, w) = (var((1, 4, 4, 2), 1).unwrap(), var((3, 3, 2, 2), 2).unwrap());
    let record = || {
        let mut tape = Tape::default();
        let x = x.as_detached_tensor();
        let y = tape.conv2d(&x, &w, SAME).unwrap();
        (tape, y)
    };
    let mut unrelated = w.sum_all().unwrap().backward().unwrap();
    let (tape, _) = record();
    let error = tape.backward(&mut unrelated).unwrap_err().to_string();
    assert!(error.contains("call finish"), "{error}");

    let (mut tape, y) = record();
    tape.finish(&y).unwrap();
    let error = tape.backward(&mut unrelated).unwrap_err().to_string();
    assert!(error.contains("no gradient of its end"), "{error}");

    Tape::default().backward(&mut unrelated).unwrap();
}

#[test]
fn a_tape_rejects_tensors_whose_gradient_would_be_lost() {
    let (x, w) = (var((1, 4, 4, 2), 1).unwrap(), var((3, 3, 2, 2), 2).unwrap());
    let mut tape = Tape::default();
    let error = tape.conv2d(&x, &w, SAME).unwrap_err().to_string();
    assert!(error.contains("depends on a variable"), "{error}");
    assert!(tape.max_pool2(&x).is_err());
    let y = tape.conv2d(&x.as_detached_tensor(), &w, SAME).unwrap();
    let error = tape.finish(&(&y * 2.0).unwrap()).unwrap_err().to_string();
    assert!(error.contains("one of its results"), "{error}");

    let computed = (w.as_tensor() * 2.0).unwrap();
    let images = x.as_detached_tensor();
    let error = tape.conv2d(&images, &computed, SAME).unwrap_err();
    assert!(error.to_string().contains("must be a variable"), "{error}");
    let result = tape.conv2d(&w.as_detached_tensor(), &w, SAME).unwrap();
    let error = tape.conv2d(&images, &result, SAME).unwrap_err();
    assert!(error.to_string().contains("must be a variable"), "{error}");

    tape.finish(&y).unwrap();
    let error = tape.finish(&y).unwrap_err().to_string();
    assert!(error.contains("has an end already"), "{error}");
}

#[test]
fn a_tape_rejects_mismatched_shapes_and_types() {
    let x = Tensor::zeros((1, 4, 4, 2), DType::F32, &Device::Cpu).unwrap();
    let w = Tensor::zeros((3, 3, 3, 2), DType::F32, &Device::Cpu).unwrap();
    let mut tape = Tape::default();
    assert!(tape.conv2d(&x, &w, SAME).is_err());
    let w = Tensor::zeros((3, 3, 2, 2), DType::F64, &Device::Cpu).unwrap();
    assert!(tape.conv2d(&x, &w, SAME).is_err());
    assert!(tape.max_pool2(&x.to_dtype(DType::F16).unwrap()).is_err());
    // An operation that failed is not recorded.
    let mut unrelated = Var::from_tensor(&x)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    tape.backward(&mut unrelated).unwrap();
}
