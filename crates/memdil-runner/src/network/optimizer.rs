//! The optimisers of candle networks, with the formulas of PyTorch.

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};

use memdil_kernels::candle::update;
use memdil_kernels::{Decay, Optimizer};

use crate::config::update::Update;

/// An optimiser on candle tensors, with its state.
#[derive(Debug)]
pub(crate) struct CandleOptimizer {
    update: Update,
    slots: Vec<Slot>,
    steps: u32,
}

#[derive(Debug)]
struct Slot {
    name: String,
    parameter: Var,
    /// The moments in the order of [`moments`].
    moments: Vec<Tensor>,
}

impl CandleOptimizer {
    pub(crate) fn new(update: Update, parameters: &[(String, Var)]) -> Result<Self> {
        let slot = |(name, parameter): &(String, Var)| {
            let moments = moments(update.optimizer)
                .iter()
                .map(|_| parameter.zeros_like().map(|m| m.detach()));
            Ok(Slot {
                name: name.clone(),
                parameter: parameter.clone(),
                moments: moments.collect::<Result<_>>()?,
            })
        };
        Ok(Self {
            update,
            slots: parameters.iter().map(slot).collect::<Result<_>>()?,
            steps: 0,
        })
    }

    pub(crate) fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        for slot in &mut self.slots {
            let decay = self.update.decay_of(&slot.name);
            let rule = self.update.optimizer;
            if slot.parameter.device().is_cpu() {
                slot.update(rule, gradients, learning_rate, decay, self.steps)?;
            } else {
                slot.compose(rule, gradients, learning_rate, decay, self.steps)?;
            }
        }
        Ok(())
    }

    /// The state by name: for each moment the tensors of all parameters, then Adam's number of
    /// steps.
    pub(crate) fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut state = Vec::new();
        for (index, moment) in moments(self.update.optimizer).iter().enumerate() {
            let named = |s: &Slot| (format!("{moment}.{}", s.name), s.moments[index].clone());
            state.extend(self.slots.iter().map(named));
        }
        if let (Optimizer::Adam { .. }, Some(slot)) = (self.update.optimizer, self.slots.first()) {
            let steps = Tensor::new(self.steps, slot.parameter.device())?;
            state.push(("step".to_owned(), steps.to_dtype(DType::F32)?));
        }
        Ok(state)
    }

    /// Sets the state from tensors in the order of [`state`](Self::state).
    pub(crate) fn set_state(&mut self, state: impl IntoIterator<Item = Tensor>) -> Result<()> {
        let mut state = state.into_iter();
        for index in 0..moments(self.update.optimizer).len() {
            for (slot, tensor) in self.slots.iter_mut().zip(&mut state) {
                slot.moments[index] = tensor;
            }
        }
        if let Some(steps) = state.next() {
            self.steps = steps.to_dtype(DType::F64)?.to_scalar::<f64>()? as u32;
        }
        Ok(())
    }
}

/// The names of the moments that an optimiser keeps for each parameter.
fn moments(optimizer: Optimizer) -> &'static [&'static str] {
    match optimizer {
        Optimizer::Sgd { .. } => &["momentum"],
        Optimizer::Adam { .. } => &["first_moment", "second_moment"],
    }
}

impl Slot {
    /// A step as a composition of candle's operations.
    fn compose(
        &mut self,
        rule: Optimizer,
        gradients: &GradStore,
        learning_rate: f64,
        decay: Decay,
        steps: u32,
    ) -> Result<()> {
        let mut p = self.parameter.as_detached_tensor();
        // A parameter without a gradient has the gradient zero: decay and momentum still apply.
        let coupled = match decay {
            Decay::Coupled(decay) => decay,
            Decay::Decoupled(_) => 0.0,
        };
        let mut g = (&p * coupled)?;
        if let Some(gradient) = gradients.get(&self.parameter) {
            g = (g + gradient)?;
        }
        if let Decay::Decoupled(decay) = decay {
            p = (p * (1.0 - learning_rate * decay))?;
        }
        let (rate, direction) = self.direction(rule, g.detach(), steps)?;
        self.parameter
            .set(&(&p - (direction * (learning_rate * rate))?)?)
    }

    /// The same step on the CPU, in place.
    fn update(
        &mut self,
        rule: Optimizer,
        gradients: &GradStore,
        learning_rate: f64,
        decay: Decay,
        steps: u32,
    ) -> Result<()> {
        let zero;
        let gradient = match gradients.get(&self.parameter) {
            Some(gradient) => gradient,
            None => {
                zero = self.parameter.zeros_like()?;
                &zero
            }
        };
        let (parameter, moments) = (self.parameter.as_tensor(), &self.moments);
        update(
            rule,
            parameter,
            moments,
            gradient,
            learning_rate,
            decay,
            steps,
        )
    }

    /// The factor of the learning rate, and the direction of the step.
    fn direction(&mut self, rule: Optimizer, g: Tensor, steps: u32) -> Result<(f64, Tensor)> {
        match (rule, self.moments.as_mut_slice()) {
            (Optimizer::Sgd { momentum, nesterov }, [velocity]) => {
                *velocity = (&g + (&*velocity * momentum)?)?;
                let direction = if nesterov {
                    (g + (&*velocity * momentum)?)?
                } else {
                    velocity.clone()
                };
                Ok((1.0, direction))
            }
            (
                Optimizer::Adam {
                    beta1,
                    beta2,
                    epsilon,
                },
                [first, second],
            ) => {
                *first = ((&*first * beta1)? + (&g * (1.0 - beta1))?)?;
                *second = ((&*second * beta2)? + (g.sqr()? * (1.0 - beta2))?)?;
                let [rest1, rest2] = [beta1, beta2].map(|beta| 1.0 - beta.powf(f64::from(steps)));
                let denominator = ((second.sqrt()? / rest2.sqrt())? + epsilon)?;
                Ok((1.0 / rest1, (&*first / denominator)?))
            }
            _ => candle_core::bail!("the number of moments does not match the optimiser"),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Minimises f(p) = 3 p from p = 2 with the learning rate 0.1.
    fn check(update: Update, name: &str, expected: [f64; 2]) {
        let p = Var::new(&[2f64], &Device::Cpu).unwrap();
        let mut optimizer = CandleOptimizer::new(update, &[(name.to_owned(), p.clone())]).unwrap();
        for expected in expected {
            let gradients = (p.as_tensor() * 3.0)
                .unwrap()
                .sum_all()
                .unwrap()
                .backward()
                .unwrap();
            optimizer.step(&gradients, 0.1).unwrap();
            let value = p.to_vec1::<f64>().unwrap()[0];
            assert!(
                (value - expected).abs() < 1e-12,
                "{update:?} {name}: {value}, not {expected}"
            );
        }
    }

    #[test]
    fn two_steps_of_gradient_descent_agree_with_hand_calculation() {
        let sgd = |nesterov| Update {
            optimizer: Optimizer::Sgd {
                momentum: 0.9,
                nesterov,
            },
            decay: Decay::Coupled(0.5),
            classifier_decay: Decay::Coupled(1.0),
        };
        // v = 3 + 1 = 4, p = 1.6; v = 3.6 + 3 + 0.8 = 7.4, p = 0.86.
        check(sgd(false), "blocks.0.linear.weight", [1.6, 0.86]);
        // v = 3 + 2 = 5, p = 1.5; v = 4.5 + 3 + 1.5 = 9, p = 0.6.
        check(sgd(false), "classifier.weight", [1.5, 0.6]);
        // v = 4, p = 2 - 0.1 (4 + 3.6) = 1.24; g = 3.62, v = 3.6 + 3.62 = 7.22, p = 1.24 - 0.1
        // (3.62 + 6.498) = 0.2282.
        check(sgd(true), "blocks.0.linear.weight", [1.24, 0.2282]);
    }

    #[test]
    fn two_steps_of_adam_agree_with_hand_calculation() {
        let adam = |decay: fn(f64) -> Decay| Update {
            optimizer: Optimizer::Adam {
                beta1: 0.5,
                beta2: 0.75,
                epsilon: 1.0,
            },
            decay: decay(0.5),
            classifier_decay: decay(0.0),
        };
        // g = 4: m = 2, v = 4; m/(1 - 0.5) = 4, sqrt(v)/sqrt(1 - 0.75) = 4: p = 2 - 0.1 4/5 = 1.92.
        // g = 3.96: m = 2.98, v = 3 + 3.9204 = 6.9204; corrected by 0.75 and 0.4375.
        let second = 1.92 - 0.1 * (2.98 / 0.75) / ((6.9204f64 / 0.4375).sqrt() + 1.0);
        check(
            adam(Decay::Coupled),
            "blocks.0.linear.weight",
            [1.92, second],
        );
        // g is always 3: the corrected moments are 3 and 9, so p shrinks by 0.95 and then moves by
        // 0.1 3/4 = 0.075.
        check(
            adam(Decay::Decoupled),
            "blocks.0.linear.weight",
            [1.825, 1.65875],
        );
        check(adam(Decay::Decoupled), "classifier.bias", [1.925, 1.85]);
    }

    /// Values on [-1, 1), as many as a task of a step has and some more.
    fn random(seed: usize, dtype: DType) -> Tensor {
        let mixed = |i: usize| (i + seed * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
        let values: Vec<f64> = (0..3 * 7001)
            .map(|i| mixed(i) as f64 / 2f64.powi(52) - 1.0)
            .collect();
        let tensor = Tensor::from_vec(values, (7001, 3), &Device::Cpu).unwrap();
        tensor.to_dtype(dtype).unwrap()
    }

    /// The bits of parameter and moments.
    fn bits(slot: &Slot) -> Vec<u64> {
        let tensors = [slot.parameter.as_tensor()]
            .into_iter()
            .chain(&slot.moments);
        let values = tensors.flat_map(|tensor| {
            let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
            flat.to_vec1::<f64>().unwrap()
        });
        values.map(f64::to_bits).collect()
    }

    /// Three steps by both paths from the same state. The second has no gradient, and the gradient of
    /// the third is not contiguous.
    fn check_paths(optimizer: Optimizer, decay: Decay, dtype: DType) {
        let slot = || Slot {
            name: "classifier.weight".to_owned(),
            parameter: Var::from_tensor(&random(1, dtype)).unwrap(),
            moments: moments(optimizer)
                .iter()
                .map(|_| random(2, dtype).abs().unwrap())
                .collect(),
        };
        let (mut in_place, mut composed) = (slot(), slot());
        for (steps, rate) in [(1, 0.1), (2, 0.01), (3, 0.1)] {
            let gradient = random(2 + steps as usize, dtype);
            let gradients = |p: &Var| {
                let mut gradients = p.sum_all().unwrap().backward().unwrap();
                match steps {
                    1 => gradients.insert(p, gradient.clone()),
                    2 => gradients.remove(p),
                    _ => {
                        let turned = gradient.reshape((3, 7001)).unwrap().t().unwrap();
                        gradients.insert(p, turned)
                    }
                };
                gradients
            };
            let [ours, theirs] = [&in_place, &composed].map(|slot| gradients(&slot.parameter));
            in_place
                .update(optimizer, &ours, rate, decay, steps)
                .unwrap();
            composed
                .compose(optimizer, &theirs, rate, decay, steps)
                .unwrap();
            let [ours, theirs] = [&in_place, &composed].map(bits);
            let different = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count();
            assert_eq!(
                different, 0,
                "{optimizer:?}, {decay:?}, {dtype:?}, step {steps}"
            );
        }
    }

    #[test]
    fn steps_in_place_have_the_bits_of_composed_steps() {
        let sgd = |momentum, nesterov| Optimizer::Sgd { momentum, nesterov };
        let adam = Optimizer::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        };
        for optimizer in [sgd(0.0, false), sgd(0.9, false), sgd(0.9, true), adam] {
            for decay in [
                Decay::Coupled(0.0),
                Decay::Coupled(0.03),
                Decay::Decoupled(0.03),
            ] {
                for dtype in [DType::F32, DType::F64] {
                    check_paths(optimizer, decay, dtype);
                }
            }
        }
    }
}
