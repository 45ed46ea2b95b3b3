//! Gradients through the activation and normalisation of a block, one panel of units at a time.

use super::pointers::{BlockVectors, UnitPanel, inverse_deviation};
use crate::mlp::architecture::Activation;
use crate::vector::{Element, Vector, width};

/// Weight of the batch in an update of the running statistics; PyTorch's default.
const RUNNING: f64 = 0.1;

/// Adds `feature_decay` times the activated values `h` to their gradient `g`, then replaces `g` by
/// the gradient of the values before the activation.
///
/// # Safety
///
/// As for [`batch_norm`](super::normalization::batch_norm).
#[inline(always)]
pub(in crate::mlp) unsafe fn activation_backward<V: Vector>(
    g: UnitPanel<V::Scalar>,
    h: *const V::Scalar,
    activation: Activation,
    feature_decay: V::Scalar,
) {
    unsafe {
        let (decay, one) = (V::splat(feature_decay), V::splat(V::Scalar::from_f64(1.0)));
        for i in 0..g.samples {
            for v in 0..2 {
                let h = V::load(h.add(i * width::<V>() + v * V::LANES));
                let gradient = decay.mul_add(h, V::load(g.at::<V>(i, v)));
                let gradient = match activation {
                    Activation::Relu => gradient.where_positive(h),
                    Activation::Sigmoid => gradient.mul(h).mul(one.sub(h)),
                };
                gradient.store(g.at::<V>(i, v));
            }
        }
    }
}

/// The gradients of scale and shift: the sums over the samples of `g x` and of `g`.
///
/// # Safety
///
/// As for [`batch_norm`](super::normalization::batch_norm).
#[inline(always)]
pub(in crate::mlp) unsafe fn norm_gradient<V: Vector>(
    g: UnitPanel<V::Scalar>,
    x: UnitPanel<V::Scalar>,
    v: usize,
) -> [V; 2] {
    unsafe {
        let scale = g.sum::<V>(|i| V::load(g.at::<V>(i, v)).mul(V::load(x.at::<V>(i, v))));
        [scale, g.sum::<V>(|i| V::load(g.at::<V>(i, v)))]
    }
}

/// The backward pass of batch normalisation: replaces the normalised values `x` by the gradient of
/// the products, $\frac{\gamma}{\sigma} (g - \frac1n \sum g - \frac{x}{n} \sum g x)$. Also updates
/// the running statistics by those of the batch.
///
/// # Safety
///
/// As for [`batch_norm`](super::normalization::batch_norm).
#[inline(always)]
pub(in crate::mlp) unsafe fn batch_norm_backward<V: Vector>(
    g: UnitPanel<V::Scalar>,
    x: UnitPanel<V::Scalar>,
    vectors: BlockVectors<V::Scalar>,
    v: usize,
    [scale_gradient, shift_gradient]: [V; 2],
) {
    let offset = v * V::LANES;
    unsafe {
        let n = x.samples as f64;
        let number = |value: f64| V::splat(V::Scalar::from_f64(value));
        let (mean, variance) = (
            V::load(vectors.mean.add(offset)),
            V::load(vectors.variance.add(offset)),
        );
        let running_mean = vectors.running_mean.add(offset);
        let with_bias = mean.add(V::load(vectors.bias.add(offset)));
        let kept = number(1.0 - RUNNING);
        number(RUNNING)
            .mul_add(with_bias, kept.mul(V::load(running_mean)))
            .store(running_mean);
        let running_var = vectors.running_var.add(offset);
        number(RUNNING * n / (n - 1.0))
            .mul_add(variance, kept.mul(V::load(running_var)))
            .store(running_var);

        let share = number(-1.0 / n);
        let (along, constant) = (scale_gradient.mul(share), shift_gradient.mul(share));
        let factor = V::load(vectors.scale.add(offset)).mul(inverse_deviation(variance));
        for i in 0..x.samples {
            let gradient = V::load(g.at::<V>(i, v)).add(constant);
            along
                .mul_add(V::load(x.at::<V>(i, v)), gradient)
                .mul(factor)
                .store(x.at::<V>(i, v));
        }
    }
}

/// The gradient of the bias: the sums over the samples of vector `v` of a panel.
///
/// # Safety
///
/// As for [`batch_norm`](super::normalization::batch_norm).
#[inline(always)]
pub(in crate::mlp) unsafe fn bias_gradient<V: Vector>(x: UnitPanel<V::Scalar>, v: usize) -> V {
    unsafe { x.sum::<V>(|i| V::load(x.at::<V>(i, v))) }
}
