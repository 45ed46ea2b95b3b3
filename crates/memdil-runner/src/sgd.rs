//! Stochastic gradient descent as PyTorch defines it.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

/// $v \leftarrow \mu v + (g + \lambda p)$, then $p \leftarrow p - \eta v$: the weight decay is part of the gradient.
#[derive(Debug)]
pub(crate) struct Sgd {
    parameters: Vec<(Var, Tensor)>,
    momentum: f64,
    weight_decay: f64,
}

impl Sgd {
    pub(crate) fn new(parameters: impl IntoIterator<Item = Var>, momentum: f64, weight_decay: f64) -> Result<Self> {
        let at_rest = |p: Var| p.zeros_like().map(|velocity| (p, velocity.detach()));
        let parameters = parameters.into_iter().map(at_rest).collect::<Result<_>>()?;
        Ok(Self { parameters, momentum, weight_decay })
    }

    pub(crate) fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        for (parameter, velocity) in &mut self.parameters {
            // Without a path from the loss the gradient is zero, not absent: decay and momentum go on.
            let p = parameter.as_detached_tensor();
            let mut step = (&p * self.weight_decay)?;
            if let Some(gradient) = gradients.get(parameter) {
                step = (step + gradient)?;
            }
            step = (step + (&*velocity * self.momentum)?)?;
            parameter.set(&(&p - (&step * learning_rate)?)?)?;
            *velocity = step.detach();
        }
        Ok(())
    }

    pub(crate) fn velocities(&self) -> impl Iterator<Item = &Tensor> {
        self.parameters.iter().map(|(_, velocity)| velocity)
    }

    /// One for each parameter, in their order.
    pub(crate) fn set_velocities(&mut self, velocities: Vec<Tensor>) {
        for ((_, velocity), new) in self.parameters.iter_mut().zip(velocities) {
            *velocity = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn two_steps_by_hand() {
        // f(p) = 3 p, p = 2, lr 0.1, momentum 0.9, decay 0.5:
        // v1 = 3 + 1 = 4, p1 = 1.6; v2 = 3.6 + 3 + 0.8 = 7.4, p2 = 0.86.
        let p = Var::new(&[2f64], &Device::Cpu).unwrap();
        let mut sgd = Sgd::new([p.clone()], 0.9, 0.5).unwrap();
        for expected in [1.6, 0.86] {
            let gradients = (p.as_tensor() * 3.0).unwrap().sum_all().unwrap().backward().unwrap();
            sgd.step(&gradients, 0.1).unwrap();
            let value = p.to_vec1::<f64>().unwrap()[0];
            assert!((value - expected).abs() < 1e-12, "{value}");
        }
    }
}
