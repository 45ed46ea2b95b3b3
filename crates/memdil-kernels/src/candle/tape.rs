//! A record of the operations of a convolutional network, and its gradient.

use std::collections::{HashMap, HashSet};

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, TensorId, Var, bail};

use super::batch_norm::{doubles, moments_of};
use super::convolution::Conv2d;
use super::values::{TensorNumber, by_type, with, wrap};
use crate::batch_norm::{Epilogue, moments, normalize, normalize_gradient};
use crate::convolution::{Algorithm, Convolution, add};
use crate::pool::{Pool, max_pool, max_pool_gradient};

/// Records operations on images, on the CPU, to compute their gradients.
///
/// Only recorded operations are differentiated. Their inputs must be results of the same tape or
/// constants: an operation of candle on a result, before [`finish`](Self::finish), would stop the
/// gradient.
///
/// candle's own backward pass keeps every intermediate tensor until its end, and adds every gradient
/// to a tensor of zeros. A tape frees the tensors of an operation with its gradient, and writes
/// gradients in place.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use memdil_kernels::candle::{Conv2d, Tape};
///
/// let weight = Var::ones((3, 3, 2, 5), DType::F32, &Device::Cpu)?;
/// let x = Tensor::ones((1, 4, 4, 2), DType::F32, &Device::Cpu)?;
/// let mut tape = Tape::default();
/// let y = tape.conv2d(&x, &weight, Conv2d { stride: 1, padding: 1, algorithm: None })?;
/// // From here on, candle records the operations.
/// let y = tape.finish(&y)?;
/// let mut gradients = y.sum_all()?.backward()?;
/// tape.backward(&mut gradients)?;
/// assert_eq!(gradients.get(&weight).map(|g| g.dims().to_vec()), Some(vec![3, 3, 2, 5]));
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Tape {
    operations: Vec<Operation>,
    /// The results of the operations.
    results: HashSet<TensorId>,
    /// The last result, and the variable that stands for it in candle's graph.
    end: Option<(TensorId, Var)>,
}

#[derive(Debug)]
enum Operation {
    Convolution {
        sizes: Convolution,
        algorithm: Option<Algorithm>,
        x: Tensor,
        weight: Tensor,
        y: TensorId,
    },
    BatchNorm {
        x: Tensor,
        affine: [Tensor; 2],
        residual: Option<TensorId>,
        y: Tensor,
        /// Mean and biased variance of each channel.
        moments: [Vec<f64>; 2],
        relu: bool,
    },
    MaxPool {
        sizes: Pool,
        x: Tensor,
        y: TensorId,
    },
}

impl Tape {
    /// [`conv2d_with`](super::conv2d_with).
    ///
    /// # Errors
    ///
    /// As there, and if `x` depends on a variable.
    pub fn conv2d(&mut self, x: &Tensor, weight: &Tensor, settings: Conv2d) -> Result<Tensor> {
        let sizes = settings.sizes(x, weight)?;
        check_input(x)?;
        self.check_parameter(weight)?;
        let algorithm = settings.algorithm;
        let (height, width) = sizes.output_size();
        let shape = (sizes.images, height, width, sizes.outputs);
        let y = by_type!(x.dtype(), T => {
            let method = sizes.method_by::<T>(algorithm);
            let y = with::<T, _>(x, |x| with(weight, |w| sizes.forward_with(method, x, w).map_err(wrap)))?;
            Tensor::from_vec(y, shape, &Device::Cpu)?
        });
        self.record(Operation::Convolution {
            sizes,
            algorithm,
            x: x.clone(),
            weight: weight.clone(),
            y: y.id(),
        });
        Ok(y)
    }

    /// [`batch_norm`](super::batch_norm).
    ///
    /// # Errors
    ///
    /// As there, and if `x` or the residual depends on a variable.
    pub fn batch_norm(
        &mut self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
    ) -> Result<(Tensor, [Tensor; 2])> {
        check_input(x)?;
        residual.map_or(Ok(()), check_input)?;
        self.check_parameter(scale)?;
        self.check_parameter(shift)?;
        let (y, moments) =
            by_type!(x.dtype(), T => normalized::<T>(x, scale, shift, residual, relu)?);
        let vector =
            |values: &Vec<f64>| Tensor::new(values.as_slice(), &Device::Cpu)?.to_dtype(x.dtype());
        let found = [vector(&moments[0])?, vector(&moments[1])?];
        self.record(Operation::BatchNorm {
            x: x.clone(),
            affine: [scale.clone(), shift.clone()],
            residual: residual.map(Tensor::id),
            y: y.clone(),
            moments,
            relu,
        });
        Ok((y, found))
    }

    /// [`max_pool2`](super::max_pool2).
    ///
    /// # Errors
    ///
    /// As there, and if `x` depends on a variable.
    pub fn max_pool2(&mut self, x: &Tensor) -> Result<Tensor> {
        check_input(x)?;
        let (images, height, width, channels) = x.dims4()?;
        let sizes = Pool {
            images,
            height,
            width,
            channels,
        };
        let shape = (images, height / 2, width / 2, channels);
        let y = by_type!(x.dtype(), T => {
            let y = with::<T, _>(x, |x| max_pool(&sizes, x).map_err(wrap))?;
            Tensor::from_vec(y, shape, &Device::Cpu)?
        });
        self.record(Operation::MaxPool {
            sizes,
            x: x.clone(),
            y: y.id(),
        });
        Ok(y)
    }

    /// Ends the record with a result: returns a tensor with its values, from which candle's autograd
    /// continues.
    ///
    /// # Errors
    ///
    /// candle's error if `y` is not a result of this tape.
    pub fn finish(&mut self, y: &Tensor) -> Result<Tensor> {
        if !self.results.contains(&y.id()) {
            bail!("tape: its end must be one of its results")
        }
        if self.end.is_some() {
            bail!("tape: it has an end already")
        }
        let variable = Var::from_tensor(y)?;
        let tensor = variable.as_tensor().clone();
        self.end = Some((y.id(), variable));
        Ok(tensor)
    }

    /// Adds the gradients of all weights, scales and shifts, from candle's gradient of the tensor of
    /// [`finish`](Self::finish). A tape without operations adds nothing.
    ///
    /// # Errors
    ///
    /// candle's error if that gradient is missing, or if `finish` was not called.
    pub fn backward(self, gradients: &mut GradStore) -> Result<()> {
        let Some((end, variable)) = self.end else {
            if self.operations.is_empty() {
                return Ok(());
            }
            bail!("tape: has no end; call finish with the last result")
        };
        let Some(gradient) = gradients.remove(&variable) else {
            bail!("tape: there is no gradient of its end")
        };
        by_type!(gradient.dtype(), T => {
            let mut open = OpenGradients::<T> {
                results: self.results,
                values: HashMap::new(),
                gradients,
            };
            open.add(end, gradient.flatten_all()?.to_vec1()?);
            drop((gradient, variable));
            for operation in self.operations.into_iter().rev() {
                open.pass(operation)?;
            }
        });
        Ok(())
    }

    /// Rejects a parameter whose gradient would not reach a variable.
    fn check_parameter(&self, parameter: &Tensor) -> Result<()> {
        let computed = parameter.track_op() && !parameter.is_variable();
        if computed || self.results.contains(&parameter.id()) {
            bail!(
                "tape: a parameter must be a variable or a constant, not the result of an operation"
            )
        }
        Ok(())
    }

    fn record(&mut self, operation: Operation) {
        self.results.insert(match &operation {
            Operation::Convolution { y, .. } | Operation::MaxPool { y, .. } => *y,
            Operation::BatchNorm { y, .. } => y.id(),
        });
        self.operations.push(operation);
    }
}

/// Rejects an input whose gradient would be lost.
fn check_input(x: &Tensor) -> Result<()> {
    if x.track_op() {
        bail!("tape: the input depends on a variable; record its operations, or detach it")
    }
    Ok(())
}

/// The normalised values, with mean and biased variance of each channel.
fn normalized<T: TensorNumber>(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    residual: Option<&Tensor>,
    relu: bool,
) -> Result<(Tensor, [Vec<f64>; 2])> {
    let channels = scale.elem_count();
    let found = with::<T, _>(x, |x| moments(x, channels).map_err(wrap))?;
    let y = with(x, |x| {
        with(scale, |scale| {
            with(shift, |shift| {
                let run = |residual: Option<&[T]>| {
                    let epilogue = Epilogue { residual, relu };
                    normalize(x, &found, scale, shift, epilogue).map_err(wrap)
                };
                match residual {
                    Some(residual) => with(residual, |r| run(Some(r))),
                    None => run(None),
                }
            })
        })
    })?;
    Ok((
        Tensor::from_vec(y, x.shape(), &Device::Cpu)?,
        doubles(&found),
    ))
}

/// The gradients of results whose operations are still to be differentiated.
struct OpenGradients<'a, T> {
    /// The results of all operations.
    results: HashSet<TensorId>,
    values: HashMap<TensorId, Vec<T>>,
    /// The gradients of variables.
    gradients: &'a mut GradStore,
}

impl<T: TensorNumber> OpenGradients<'_, T> {
    /// Adds to the gradient of a result; other tensors need no gradient.
    fn add(&mut self, of: TensorId, more: Vec<T>) {
        if !self.results.contains(&of) {
            return;
        }
        match self.values.get_mut(&of) {
            None => {
                self.values.insert(of, more);
            }
            Some(sum) => add(sum, &more),
        }
    }

    fn store(&mut self, variable: &Tensor, gradient: Vec<T>) -> Result<()> {
        let mut gradient = Tensor::from_vec(gradient, variable.shape(), &Device::Cpu)?;
        if let Some(other) = self.gradients.get(variable) {
            gradient = (other + gradient)?;
        }
        self.gradients.insert(variable, gradient);
        Ok(())
    }

    /// Differentiates an operation, and frees its tensors.
    fn pass(&mut self, operation: Operation) -> Result<()> {
        match operation {
            Operation::Convolution {
                sizes,
                algorithm,
                x,
                weight,
                y,
            } => {
                let method = sizes.method_by::<T>(algorithm);
                let Some(g) = self.values.remove(&y) else {
                    return Ok(());
                };
                let of_weight = with(&x, |x| {
                    sizes.weight_gradient_with(method, x, &g).map_err(wrap)
                })?;
                self.store(&weight, of_weight)?;
                let x = x.id();
                if self.results.contains(&x) {
                    let sum = self.values.remove(&x);
                    let of_x = with(&weight, |w| {
                        let found = sizes.summed_input_gradient(method, &g, w, sum);
                        found.map_err(wrap)
                    })?;
                    self.values.insert(x, of_x);
                }
            }
            Operation::BatchNorm {
                x,
                affine: [scale, shift],
                residual,
                y,
                moments,
                relu,
            } => {
                let Some(g) = self.values.remove(&y.id()) else {
                    return Ok(());
                };
                let moments = moments_of::<T>(&moments);
                let found = with(&x, |x| {
                    let epilogue = Epilogue {
                        // Only its presence counts; its values are not read.
                        residual: residual.map(|_| x),
                        relu,
                    };
                    with(&y, |y| {
                        with(&scale, |scale| {
                            with(&shift, |shift| {
                                let found =
                                    normalize_gradient(x, y, g, &moments, [scale, shift], epilogue);
                                found.map_err(wrap)
                            })
                        })
                    })
                })?;
                self.store(&scale, found.scale)?;
                self.store(&shift, found.shift)?;
                if let (Some(id), Some(of_residual)) = (residual, found.residual) {
                    self.add(id, of_residual);
                }
                self.add(x.id(), found.values);
            }
            Operation::MaxPool { sizes, x, y } => {
                let Some(g) = self.values.remove(&y) else {
                    return Ok(());
                };
                let of_x = with(&x, |x| max_pool_gradient(&sizes, x, &g).map_err(wrap))?;
                self.add(x.id(), of_x);
            }
        }
        Ok(())
    }
}
