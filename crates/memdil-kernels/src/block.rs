//! Normalisation and activation of a block, a panel of its units at a time.

use crate::Element;
use crate::update::Apply;
use crate::vector::{Vector, width};

/// What stands between a block's product and its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Batch normalisation (Ioffe and Szegedy 2015): biased variance of the batch, unbiased in the
    /// running statistics.
    Batch,
    /// Layer normalisation (Ba et al. 2016) over a sample's units.
    Layer,
    /// Nothing.
    None,
}

/// The nonlinearity of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// $\max(0, x)$.
    Relu,
    /// $1 / (1 + e^{-x})$.
    Sigmoid,
}

/// Added to a variance before its root is taken; PyTorch's default.
pub(crate) const EPSILON: f64 = 1e-5;
/// Share of the batch in an update of the running statistics; PyTorch's default.
const RUNNING: f64 = 0.1;

/// Pointers to a panel of a block's vectors: one row of `width` values each.
#[derive(Clone, Copy)]
pub(crate) struct Vectors<T> {
    pub(crate) bias: *const T,
    pub(crate) scale: *const T,
    pub(crate) shift: *const T,
    pub(crate) running_mean: *mut T,
    pub(crate) running_var: *mut T,
    /// Of the batch, kept for the backward pass: the mean without the bias, and the biased
    /// variance.
    pub(crate) mean: *mut T,
    pub(crate) variance: *mut T,
}

impl<T> Vectors<T> {
    /// The vectors of another panel.
    ///
    /// # Safety
    ///
    /// All pointers must be valid for more than `offset` values.
    #[inline(always)]
    pub(crate) unsafe fn offset(self, offset: usize) -> Self {
        let Self {
            bias,
            scale,
            shift,
            running_mean,
            running_var,
            mean,
            variance,
        } = self;
        // SAFETY: the caller's.
        unsafe {
            Self {
                bias: bias.add(offset),
                scale: scale.add(offset),
                shift: shift.add(offset),
                running_mean: running_mean.add(offset),
                running_var: running_var.add(offset),
                mean: mean.add(offset),
                variance: variance.add(offset),
            }
        }
    }
}

/// A panel of `samples` rows.
#[derive(Clone, Copy)]
pub(crate) struct Panel<T> {
    pub(crate) start: *mut T,
    pub(crate) samples: usize,
}

impl<T: Element> Panel<T> {
    /// The vector `v` of row `i`.
    #[inline(always)]
    unsafe fn at<V: Vector<Scalar = T>>(self, i: usize, v: usize) -> *mut T {
        // SAFETY: the caller's: the row is one of the panel.
        unsafe { self.start.add(i * width::<V>() + v * V::LANES) }
    }

    /// Sums of a function of every row, in four chains so that they need not wait for each other.
    #[inline(always)]
    unsafe fn sum<V: Vector<Scalar = T>>(self, f: impl Fn(usize) -> V) -> V {
        // SAFETY: the caller's.
        unsafe {
            let zero = V::splat(T::default());
            let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
            let whole = self.samples / 4 * 4;
            let mut i = 0;
            while i < whole {
                a = a.add(f(i));
                b = b.add(f(i + 1));
                c = c.add(f(i + 2));
                d = d.add(f(i + 3));
                i += 4;
            }
            while i < self.samples {
                a = a.add(f(i));
                i += 1;
            }
            a.add(b).add(c.add(d))
        }
    }
}

/// Normalises the products in `x` by the statistics of the batch, in place, and activates them into
/// `h`.
///
/// The bias of the linear map moves the mean and nothing else, so it is left out here.
///
/// # Safety
///
/// Pointers must be valid for the panel, and the processor must have the vector's instructions.
#[inline(always)]
pub(crate) unsafe fn batch_norm<V: Vector>(
    x: Panel<V::Scalar>,
    h: *mut V::Scalar,
    vectors: Vectors<V::Scalar>,
    activation: Activation,
) {
    let number = |value: f64| V::Scalar::from_f64(value);
    let n = x.samples as f64;
    // SAFETY: the caller's.
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

/// 1 over the deviation.
#[inline(always)]
unsafe fn inverse_deviation<V: Vector>(variance: V) -> V {
    // SAFETY: the caller's.
    unsafe {
        let moved = variance.add(V::splat(V::Scalar::from_f64(EPSILON)));
        V::splat(V::Scalar::from_f64(1.0)).div(moved.sqrt())
    }
}

/// Maps the products in `x` by `a x + b` into `h`, and activates them: batch normalisation by the
/// running statistics, or no normalisation.
///
/// # Safety
///
/// As [`batch_norm`].
#[inline(always)]
pub(crate) unsafe fn affine<V: Vector>(
    x: Panel<V::Scalar>,
    h: *mut V::Scalar,
    vectors: Vectors<V::Scalar>,
    norm: Norm,
    activation: Activation,
) {
    let one = V::Scalar::from_f64(1.0);
    // SAFETY: the caller's.
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

/// Normalises the products in `x` by statistics of their rows, in place, and activates them into
/// `h`.
///
/// `rows` holds the mean and 1 over the deviation of every sample (the bias included).
///
/// # Safety
///
/// As [`batch_norm`].
#[inline(always)]
pub(crate) unsafe fn layer_norm<V: Vector>(
    x: Panel<V::Scalar>,
    h: *mut V::Scalar,
    vectors: Vectors<V::Scalar>,
    rows: &[[V::Scalar; 2]],
    activation: Activation,
) {
    // SAFETY: the caller's.
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

#[inline(always)]
unsafe fn activate<V: Vector>(value: V, activation: Activation) -> V {
    // SAFETY: the caller's; every vector fits into 16 values.
    unsafe {
        match activation {
            // In this order, what is not a number stays visible.
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

/// Makes of the gradient of the activated values `h`, held in `g`, that of the values before the
/// activation, after adding `feature_decay` times `h`.
///
/// # Safety
///
/// As [`batch_norm`].
#[inline(always)]
pub(crate) unsafe fn activation_backward<V: Vector>(
    g: Panel<V::Scalar>,
    h: *const V::Scalar,
    activation: Activation,
    feature_decay: V::Scalar,
) {
    // SAFETY: the caller's.
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

/// The gradient of the normalised values' scale and shift: sums over the samples of `g x` and `g`.
///
/// # Safety
///
/// As [`batch_norm`].
#[inline(always)]
pub(crate) unsafe fn norm_gradient<V: Vector>(
    g: Panel<V::Scalar>,
    x: Panel<V::Scalar>,
    v: usize,
) -> [V; 2] {
    // SAFETY: the caller's.
    unsafe {
        let scale = g.sum::<V>(|i| V::load(g.at::<V>(i, v)).mul(V::load(x.at::<V>(i, v))));
        [scale, g.sum::<V>(|i| V::load(g.at::<V>(i, v)))]
    }
}

/// Batch normalisation backwards: `x` holds the normalised values and is replaced by the gradient
/// of the products, $\frac{\gamma}{\sigma} (g - \frac1n \sum g - \frac{x}{n} \sum g x)$. The
/// statistics of the batch enter the running ones.
///
/// # Safety
///
/// As [`batch_norm`].
#[inline(always)]
pub(crate) unsafe fn batch_norm_backward<V: Vector>(
    g: Panel<V::Scalar>,
    x: Panel<V::Scalar>,
    vectors: Vectors<V::Scalar>,
    v: usize,
    [scale_gradient, shift_gradient]: [V; 2],
) {
    let offset = v * V::LANES;
    // SAFETY: the caller's.
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

/// Sums over the samples of a panel's vector `v`: the gradient of a bias.
///
/// # Safety
///
/// As [`batch_norm`].
#[inline(always)]
pub(crate) unsafe fn bias_gradient<V: Vector>(x: Panel<V::Scalar>, v: usize) -> V {
    // SAFETY: the caller's.
    unsafe { x.sum::<V>(|i| V::load(x.at::<V>(i, v))) }
}

/// A panel of a trained vector and its buffers.
#[derive(Clone, Copy)]
pub(crate) struct Trained<T> {
    pub(crate) value: *mut T,
    pub(crate) buffers: [*mut T; 2],
}

impl<T: Element> Trained<T> {
    /// Updates vector `v` of the panel.
    ///
    /// # Safety
    ///
    /// As [`batch_norm`].
    #[inline(always)]
    pub(crate) unsafe fn update<V: Vector<Scalar = T>, R: Apply<V>>(
        self,
        at: usize,
        rule: R,
        gradient: V,
    ) {
        // SAFETY: the caller's; buffers that the rule does not have are not touched.
        unsafe {
            let [first, second] = self.buffers;
            rule.apply(
                self.value.add(at),
                [first.wrapping_add(at), second.wrapping_add(at)],
                gradient,
            );
        }
    }
}
