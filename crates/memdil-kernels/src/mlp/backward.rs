//! From the gradient of the logits to changed parameters.

use rayon::prelude::*;

use super::forward::SMALL;
use super::{Mlp, Parameter};
use crate::block::{
    Panel, Trained, Vectors, activation_backward, batch_norm_backward, bias_gradient, norm_gradient,
};
use crate::panels::{Panels, stride};
use crate::tile::{DEPTH, Finish, Product, transpose, transposed_product};
use crate::update::{Apply, Rule, Step, with_rule};
use crate::vector::{Kernel, Vector, prefetch, width};
use crate::{Activation, Element, Instructions, KernelError, Norm};

/// Input units that are worked on at once: a multiple of every panel's width, and few enough for
/// their weights to stay in the second-level cache from the product to the update.
const UNITS: usize = 32;

impl<T: Element> Mlp<T> {
    /// Goes back from the gradient of the logits of the last [`Mlp::forward`] and updates every
    /// parameter.
    ///
    /// # Shapes
    ///
    /// `gradient` (n, classes), row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoForward`], [`KernelError::Length`]; nothing is changed then.
    pub fn backward(&mut self, gradient: &[T], step: &Step) -> Result<(), KernelError> {
        let samples = self.ready.ok_or(KernelError::NoForward)?;
        let expected = samples * self.architecture.classes;
        if gradient.len() != expected {
            let name = "gradient of the logits".to_owned();
            return Err(KernelError::Length {
                name,
                found: gradient.len(),
                expected,
            });
        }
        self.ready = None;
        T::backward(self, gradient, samples, step);
        Ok(())
    }

    pub(crate) fn update(&mut self, gradient: &[T], samples: usize, step: &Step) {
        self.steps += 1;
        let rule = |decay| Rule::new(self.optimizer, step.learning_rate, decay, self.steps);
        let (block_rule, classifier_rule) = (rule(step.decay), rule(step.classifier_decay));
        let classifier_rule = (!self.architecture.fixed_classifier).then_some(classifier_rule);

        let panel = self.logits.width;
        let padded = samples.next_multiple_of(panel);
        let widest = self
            .blocks
            .iter()
            .map(|block| block.output.cols)
            .max()
            .unwrap_or(0);
        let units = widest.max(self.architecture.classes);
        for transposed in &mut self.transposed {
            // A panel of fewer units may have more space behind it.
            transposed.resize((units + 8) * padded, T::default());
        }
        let per_task = UNITS * padded + samples * panel;
        let tasks = widest.max(self.architecture.inputs).div_ceil(UNITS);
        self.scratch.resize(per_task * tasks, T::default());

        self.logits.set(gradient);
        let [mut of_layer, mut of_below] = self.transposed.each_mut().map(|t| t.as_mut_ptr());
        let classifier = Classifier {
            gradient: &mut self.logits,
            bias: trained(&mut self.classifier.bias),
            transposed: of_layer,
            rule: classifier_rule,
        };
        T::dispatch(self.instructions, classifier);

        let depth = self.blocks.len();
        for layer in (0..=depth).rev() {
            let (below, from) = self.blocks.split_at_mut(layer);
            let (weight, gradient) = match from.first_mut() {
                Some(block) => (&mut block.linear.weight, &block.normal),
                None => (&mut self.classifier.weight, &self.logits),
            };
            let below = below.last_mut();
            let input = below.as_ref().map_or(&self.input, |block| &block.output);
            let (inputs, work) = (input.cols, samples * input.cols * gradient.cols);
            let job = Job {
                samples,
                inputs,
                outputs: gradient.cols,
                weight: trained(weight),
                rule: if layer == depth {
                    classifier_rule
                } else {
                    Some(block_rule)
                },
                input: input.values().as_ptr(),
                gradient: gradient.values().as_ptr(),
                transposed: of_layer,
                below: None,
            };
            let Some(block) = below else {
                job.run(self.instructions, &mut self.scratch, per_task, work);
                break;
            };
            let decay = if layer == depth {
                step.feature_decay / samples as f64
            } else {
                0.0
            };
            let job = Job {
                below: Some(Below {
                    units: inputs,
                    normal: block.normal.values_mut().as_mut_ptr(),
                    output: block.output.values_mut().as_mut_ptr(),
                    transposed: of_below,
                    bias: trained(&mut block.linear.bias),
                    scale: trained(&mut block.scale),
                    shift: trained(&mut block.shift),
                    running_mean: block.running_mean.values_mut().as_mut_ptr(),
                    running_var: block.running_var.values_mut().as_mut_ptr(),
                    mean: block.mean.values_mut().as_mut_ptr(),
                    variance: block.variance.values_mut().as_mut_ptr(),
                    norm: self.architecture.norm,
                    activation: self.architecture.activation,
                    feature_decay: T::from_f64(decay),
                    rule: block_rule,
                }),
                ..job
            };
            job.run(self.instructions, &mut self.scratch, per_task, work);
            if self.architecture.norm == Norm::Layer {
                block.layer_norm_backward(self.instructions, of_below, block_rule);
            }
            std::mem::swap(&mut of_layer, &mut of_below);
        }
    }
}

pub(super) fn trained<T: Element>(parameter: &mut Parameter<T>) -> Trained<T> {
    let mut buffers = [std::ptr::null_mut(); 2];
    for (pointer, buffer) in buffers.iter_mut().zip(&mut parameter.buffers) {
        *pointer = buffer.values_mut().as_mut_ptr();
    }
    Trained {
        value: parameter.value.values_mut().as_mut_ptr(),
        buffers,
    }
}

/// The backward pass through the weights of one layer and the block below it.
#[derive(Clone, Copy)]
struct Job<T> {
    samples: usize,
    inputs: usize,
    outputs: usize,
    weight: Trained<T>,
    /// `None` where the weights stay as they are.
    rule: Option<Rule<T>>,
    /// (samples, inputs).
    input: *const T,
    /// Gradient of the layer's products, (samples, outputs).
    gradient: *const T,
    /// The same as (outputs, samples).
    transposed: *const T,
    below: Option<Below<T>>,
}

/// The block below a layer.
#[derive(Clone, Copy)]
struct Below<T> {
    units: usize,
    normal: *mut T,
    output: *mut T,
    /// Where the gradient of its products goes, as (units, samples).
    transposed: *mut T,
    bias: Trained<T>,
    scale: Trained<T>,
    shift: Trained<T>,
    running_mean: *mut T,
    running_var: *mut T,
    mean: *mut T,
    variance: *mut T,
    norm: Norm,
    activation: Activation,
    feature_decay: T,
    rule: Rule<T>,
}

// SAFETY: tasks work on units of their own: on other rows of the weights and their buffers, and on
// other panels of the block below.
unsafe impl<T: Send + Sync> Send for Job<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Job<T> {}

impl<T: Element> Job<T> {
    fn run(&self, instructions: Instructions, scratch: &mut [T], per_task: usize, work: usize) {
        let tasks = self.inputs.div_ceil(UNITS);
        let serial = if work < SMALL { usize::MAX } else { 1 };
        let scratch = scratch[..tasks * per_task].par_chunks_exact_mut(per_task);
        scratch
            .enumerate()
            .with_min_len(serial)
            .for_each(|(task, scratch)| {
                T::dispatch(
                    instructions,
                    Units {
                        job: self,
                        first: task * UNITS,
                        scratch,
                    },
                );
            });
    }
}

/// The part of a [`Job`] for some input units.
struct Units<'a, T> {
    job: &'a Job<T>,
    first: usize,
    scratch: &'a mut [T],
}

impl<T: Element> Kernel<T> for Units<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            job,
            first,
            scratch,
        } = self;
        let units = UNITS.min(job.inputs - first);
        // SAFETY: `first..first + units` are this task's own units, and the pointers of a job are
        // valid for its sizes.
        unsafe {
            if job.below.is_some() {
                input_gradient::<V>(job, first, units, scratch);
            }
            if let Some(rule) = job.rule {
                with_rule!(rule, known => update::<V, _>(job, first, units, known));
            }
            if let Some(below) = &job.below {
                with_rule!(below.rule, known => block_backward::<V, _>(below, job.samples, first, units, scratch, known));
            }
        }
    }
}

/// Gradient of the inputs, transposed, into the scratch space: for each panel of samples, `UNITS`
/// rows.
#[inline(always)]
unsafe fn input_gradient<V: Vector>(
    job: &Job<V::Scalar>,
    first: usize,
    units: usize,
    scratch: &mut [V::Scalar],
) {
    let width = width::<V>();
    for k in (0..job.outputs).step_by(DEPTH) {
        for (q, sample) in (0..job.samples).step_by(width).enumerate() {
            // SAFETY: the caller's.
            unsafe {
                let product = Product {
                    a: job
                        .weight
                        .value
                        .add(k / width * stride::<V::Scalar>(job.inputs, width) + first * width),
                    a_stride: stride::<V::Scalar>(job.inputs, width),
                    b: job
                        .transposed
                        .add(q * stride::<V::Scalar>(job.outputs, width) + k * width),
                    c: scratch.as_mut_ptr().add(q * UNITS * width),
                    rows: units,
                    depth: DEPTH.min(job.outputs - k),
                    cols: job.samples - sample,
                    add: k > 0,
                };
                product.run::<V>();
            }
        }
    }
}

/// Gradient of the weights, straight into the update.
#[inline(always)]
unsafe fn update<V: Vector, R: Apply<V>>(
    job: &Job<V::Scalar>,
    first: usize,
    units: usize,
    rule: R,
) {
    let width = width::<V>();
    let of_samples = stride::<V::Scalar>(job.samples, width);
    let of_weight = stride::<V::Scalar>(job.inputs, width);
    for p in 0..job.outputs.div_ceil(width) {
        let offset = p * of_weight + first * width;
        // SAFETY: the caller's.
        unsafe {
            let [a, b] = job.weight.buffers;
            let rows = UpdateRows {
                weight: Trained {
                    value: job.weight.value.add(offset),
                    buffers: [a.wrapping_add(offset), b.wrapping_add(offset)],
                },
                next: of_weight,
                rule,
            };
            let input = job.input.add(first / width * of_samples);
            let gradient = job.gradient.add(p * of_samples);
            transposed_product::<V, _>(input, of_samples, gradient, units, job.samples, rows);
        }
    }
}

#[derive(Clone, Copy)]
struct UpdateRows<T, R> {
    weight: Trained<T>,
    /// Values to the same rows of the next panel.
    next: usize,
    rule: R,
}

impl<V: Vector, R: Apply<V>> Finish<V> for UpdateRows<V::Scalar, R> {
    #[inline(always)]
    unsafe fn prepare(self, row: usize) {
        let offset = self.next + row * width::<V>();
        let bytes = width::<V>() * size_of::<V::Scalar>();
        for line in (0..bytes).step_by(64) {
            prefetch(
                self.weight
                    .value
                    .wrapping_add(offset)
                    .wrapping_byte_add(line),
            );
            for buffer in self.weight.buffers.iter().take(R::BUFFERS) {
                prefetch(buffer.wrapping_add(offset).wrapping_byte_add(line));
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(self, row: usize, sums: [V; 2]) {
        // SAFETY: the caller's.
        unsafe {
            self.weight.update(row * width::<V>(), self.rule, sums[0]);
            self.weight
                .update(row * width::<V>() + V::LANES, self.rule, sums[1]);
        }
    }
}

/// Through activation and normalisation of the block below, for the panels of some of its units.
#[inline(always)]
unsafe fn block_backward<V: Vector, R: Apply<V>>(
    below: &Below<V::Scalar>,
    samples: usize,
    first: usize,
    units: usize,
    scratch: &mut [V::Scalar],
    rule: R,
) {
    let width = width::<V>();
    let padded = samples.next_multiple_of(width);
    for part in (0..units).step_by(width) {
        let (unit, left) = (first + part, width.min(units - part));
        // SAFETY: the caller's; the scratch space ends with a panel of `samples` rows.
        unsafe {
            let start = scratch.as_mut_ptr();
            let g = Panel {
                start: start.add(UNITS * padded),
                samples,
            };
            for (q, sample) in (0..samples).step_by(width).enumerate() {
                let rows = width.min(samples - sample);
                transpose::<V>(
                    start.add((q * UNITS + part) * width),
                    left,
                    g.start.add(sample * width),
                    rows,
                );
            }
            let panel = unit / width * stride::<V::Scalar>(samples, width);
            let output = below.output.add(panel);
            activation_backward::<V>(g, output, below.activation, below.feature_decay);
            let x = Panel {
                start: below.normal.add(panel),
                samples,
            };
            let vectors = Vectors {
                bias: below.bias.value.add(unit),
                scale: below.scale.value.add(unit),
                shift: below.shift.value.add(unit),
                running_mean: below.running_mean.add(unit),
                running_var: below.running_var.add(unit),
                mean: below.mean.add(unit),
                variance: below.variance.add(unit),
            };
            for v in 0..2 {
                let at = unit + v * V::LANES;
                match below.norm {
                    Norm::Batch => {
                        let gradients = norm_gradient::<V>(g, x, v);
                        batch_norm_backward(g, x, vectors, v, gradients);
                        below.scale.update(at, rule, gradients[0]);
                        below.shift.update(at, rule, gradients[1]);
                    }
                    Norm::Layer => {
                        let gradients = norm_gradient::<V>(g, x, v);
                        let scale = V::load(below.scale.value.add(at));
                        for i in 0..samples {
                            let offset = i * width + v * V::LANES;
                            V::load(g.start.add(offset))
                                .mul(scale)
                                .store(output.add(offset));
                        }
                        below.scale.update(at, rule, gradients[0]);
                        below.shift.update(at, rule, gradients[1]);
                    }
                    Norm::None => {
                        for i in 0..samples {
                            let offset = i * width + v * V::LANES;
                            V::load(g.start.add(offset)).store(x.start.add(offset));
                        }
                    }
                }
            }
            if below.norm != Norm::Layer {
                finish_panel::<V, R>(x, below.bias, unit, below.units, below.transposed, rule);
            }
        }
    }
}

/// Updates the bias by the gradient of the products, and transposes that.
#[inline(always)]
pub(super) unsafe fn finish_panel<V: Vector, R: Apply<V>>(
    x: Panel<V::Scalar>,
    bias: Trained<V::Scalar>,
    unit: usize,
    units: usize,
    transposed: *mut V::Scalar,
    rule: R,
) {
    let width = width::<V>();
    let left = width.min(units - unit);
    // SAFETY: the caller's.
    unsafe {
        for v in 0..2 {
            bias.update(unit + v * V::LANES, rule, bias_gradient::<V>(x, v));
        }
        transpose_panel::<V>(x, unit, left, units, transposed);
    }
}

/// Transposes the panel of columns `unit..unit + left` of a (samples, units) matrix into one of
/// (units, samples).
#[inline(always)]
unsafe fn transpose_panel<V: Vector>(
    x: Panel<V::Scalar>,
    unit: usize,
    left: usize,
    units: usize,
    transposed: *mut V::Scalar,
) {
    let width = width::<V>();
    for (q, sample) in (0..x.samples).step_by(width).enumerate() {
        let rows = width.min(x.samples - sample);
        // SAFETY: the caller's.
        unsafe {
            let to = transposed.add(q * stride::<V::Scalar>(units, width) + unit * width);
            transpose::<V>(x.start.add(sample * width), rows, to, left);
        }
    }
}

/// The gradient of the logits: bias of the classifier and transpose.
struct Classifier<'a, T> {
    gradient: &'a mut Panels<T>,
    bias: Trained<T>,
    transposed: *mut T,
    rule: Option<Rule<T>>,
}

impl<T: Element> Kernel<T> for Classifier<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (samples, units, stride) = (
            self.gradient.rows,
            self.gradient.cols,
            self.gradient.stride(),
        );
        for (j, panel) in self
            .gradient
            .values_mut()
            .chunks_exact_mut(stride)
            .enumerate()
        {
            let (x, unit) = (
                Panel {
                    start: panel.as_mut_ptr(),
                    samples,
                },
                j * width::<V>(),
            );
            // SAFETY: the transpose has room for all units and samples.
            unsafe {
                match self.rule {
                    Some(rule) => with_rule!(rule, known => {
                        finish_panel::<V, _>(x, self.bias, unit, units, self.transposed, known);
                    }),
                    None => {
                        transpose_panel::<V>(
                            x,
                            unit,
                            width::<V>().min(units - unit),
                            units,
                            self.transposed,
                        );
                    }
                }
            }
        }
    }
}
