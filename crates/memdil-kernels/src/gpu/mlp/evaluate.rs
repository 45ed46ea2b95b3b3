//! Features and logits of a network on a device.

use bytemuck::cast_slice;

use super::network::{CHUNK, GpuMlp};
use crate::error::{KernelError, check_batch};
use crate::gpu::machine::GpuMachine;
use crate::gpu::samples::{Samples, largest};

impl<M: GpuMachine> GpuMlp<M> {
    /// Features and logits of samples in evaluation mode.
    ///
    /// # Shapes
    ///
    /// Features (indices, features) and logits (indices, classes), both row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`] if the samples do not have the network's number of inputs;
    /// [`KernelError::Index`]; [`KernelError::Device`].
    pub fn evaluate(
        &mut self,
        samples: &Samples<M>,
        indices: &[u32],
    ) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        self.check(samples, 1)?;
        if !indices.is_empty() && largest(indices) >= samples.count {
            return Err(KernelError::Index {
                name: "sample",
                value: largest(indices),
                count: samples.count,
            });
        }
        for chunk in indices.chunks(CHUNK) {
            self.machine
                .write(&mut self.evaluated.1, 0, cast_slice(chunk))?;
            let (state, order) = &self.evaluated;
            self.gather(samples, (state, order), (chunk.len(), chunk.len()))?;
            for index in 0..self.layout.layers.len() {
                self.queue_layer(index, chunk.len(), false)?;
            }
            let [.., hidden, top] = &self.layout.layers[..] else {
                continue;
            };
            let read = |offset, units| self.read_rows(&self.work, offset, (chunk.len(), units));
            features.extend(read(hidden.output, hidden.units)?);
            logits.extend(read(top.output, top.units)?);
        }
        Ok((features, logits))
    }

    /// [`evaluate`](Self::evaluate) for samples in the host's memory.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs), features (n, features), logits (n, classes), all row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`]; [`KernelError::Device`].
    pub fn evaluate_on(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        let width = self.architecture.inputs;
        check_batch(inputs, width)?;
        let mut staged = self.stage()?;
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        for chunk in inputs.chunks(staged.len() * width) {
            let n = chunk.len() / width;
            let written = staged.set_floats(&self.machine, chunk, &vec![0; n]);
            let order: Vec<u32> = (0..n as u32).collect();
            match written.and_then(|()| self.evaluate(&staged, &order)) {
                Ok((h, z)) => {
                    features.extend(h);
                    logits.extend(z);
                }
                Err(error) => {
                    self.staged = Some(staged);
                    return Err(error);
                }
            }
        }
        self.staged = Some(staged);
        Ok((features, logits))
    }
}
