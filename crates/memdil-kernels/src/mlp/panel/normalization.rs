//! Normalisation and activation of a block, one panel of units at a time.

use super::pointers::{BlockVectors, UnitPanel, inverse_deviation};
use crate::mlp::architecture::{Activation, Norm};
use crate::vector::{Element, Vector, width};

/// Normalises the products in `x` by the statistics of the batch, in place, and activates them into
/// `h`.
///
/// The bias of the linear map is not added: it only shifts the mean, which is subtracted.
///
/// # Safety
///
/// The pointers must be valid for the panel, and the processor must support the vector's
/// instructions.
#[inline(always)]
pub(in crate::mlp) unsafe fn batch_norm<V: Vector>(
    x: UnitPanel<V::Scalar>,
    h: *mut V::Scalar,
    vectors: BlockVectors<V::Scalar>,
    activation: Activation,
) {
    let number = |value: f64| V::Scalar::from_f64(value);
    let n = x.samples as f64;
    unsafe {
        for v in 0..2 {
            let offset = v * V::LANES;
            let mean = x
                .sum::<V>(|i| V::load(x.at::<V>(i, v)))
                .mul(V::splat(number(1.0 / n)));
            let squares = x.sum::<V>(|i| {
                let residual = V::load(x.at::<V>(i, v)).sub(mean);
                residual.mul(residual)
            });
            let variance = squares.mul(V::splat(number(1.0 / n)));
            mean.store(vectors.mean.add(offset));
            variance.store(vectors.variance.add(offset));
            let inverse = inverse_deviation(variance);
            let (scale, shift) = (
                V::load(vectors.scale.add(offset)),
                V::load(vectors.shift.add(offset)),
            );
            for i in 0..x.samples {
                let normal = V::load(x.at::<V>(i, v)).sub(mean).mul(inverse);
                normal.store(x.at::<V>(i, v));
                activate(scale.mul_add(normal, shift), activation)
                    .store(h.add(i * width::<V>() + offset));
            }
        }
    }
}

/// Writes the activation of `a x + b` to `h` for the products in `x`: batch normalisation by the
/// running statistics, or only the bias.
///
/// # Safety
///
/// As for [`batch_norm`].
#[inline(always)]
pub(in crate::mlp) unsafe fn affine<V: Vector>(
    x: UnitPanel<V::Scalar>,
    h: *mut V::Scalar,
    vectors: BlockVectors<V::Scalar>,
    norm: Norm,
    activation: Activation,
) {
    let one = V::Scalar::from_f64(1.0);
    unsafe {
        for v in 0..2 {
            let offset = v * V::LANES;
            let bias = V::load(vectors.bias.add(offset));
            let (factor, term) = if norm == Norm::Batch {
                let inverse = inverse_deviation(V::load(vectors.running_var.add(offset)));
                let factor = V::load(vectors.scale.add(offset)).mul(inverse);
                let centre = bias.sub(V::load(vectors.running_mean.add(offset)));
                (
                    factor,
                    centre.mul_add(factor, V::load(vectors.shift.add(offset))),
                )
            } else {
                (V::splat(one), bias)
            };
            for i in 0..x.samples {
                let value = factor.mul_add(V::load(x.at::<V>(i, v)), term);
                activate(value, activation).store(h.add(i * width::<V>() + offset));
            }
        }
    }
}

/// Normalises the products in `x` by the statistics of their rows, in place, and activates them
/// into `h`.
///
/// `rows` holds mean and reciprocal standard deviation of each sample, bias included.
///
/// # Safety
///
/// As for [`batch_norm`].
#[inline(always)]
pub(in crate::mlp) unsafe fn layer_norm<V: Vector>(
    x: UnitPanel<V::Scalar>,
    h: *mut V::Scalar,
    vectors: BlockVectors<V::Scalar>,
    rows: &[[V::Scalar; 2]],
    activation: Activation,
) {
    unsafe {
        for v in 0..2 {
            let offset = v * V::LANES;
            let bias = V::load(vectors.bias.add(offset));
            let (scale, shift) = (
                V::load(vectors.scale.add(offset)),
                V::load(vectors.shift.add(offset)),
            );
            for (i, &[mean, inverse]) in rows.iter().enumerate() {
                let centred = V::load(x.at::<V>(i, v)).add(bias).sub(V::splat(mean));
                let normal = centred.mul(V::splat(inverse));
                normal.store(x.at::<V>(i, v));
                activate(scale.mul_add(normal, shift), activation)
                    .store(h.add(i * width::<V>() + offset));
            }
        }
    }
}

/// # Safety
///
/// The processor must support the vector's instructions.
#[inline(always)]
unsafe fn activate<V: Vector>(value: V, activation: Activation) -> V {
    // A vector has at most 16 values.
    unsafe {
        match activation {
            // In this order of operands, NaN propagates.
            Activation::Relu => V::splat(V::Scalar::default()).max(value),
            Activation::Sigmoid => {
                let one = V::Scalar::from_f64(1.0);
                let mut values = [V::Scalar::default(); 16];
                value.store(values.as_mut_ptr());
                for x in &mut values[..V::LANES] {
                    *x = one / (one + (V::Scalar::default() - *x).exp());
                }
                V::load(values.as_ptr())
            }
        }
    }
}
