//! Features and logits of a network on a device.

use super::step::blocks;
use super::{CHUNK, GpuMlp, unpadded};
use crate::KernelError;
use crate::gpu::arguments::Normalize;
use crate::gpu::plan::pitch;
use crate::gpu::samples::{f32_values, u32_bytes};
use crate::gpu::{Machine, Pixels, Samples, Stored};

impl<M: Machine> GpuMlp<M> {
    /// Features and logits of samples in evaluation mode.
    ///
    /// # Shapes
    ///
    /// Row by row: features (indices, features), logits (indices, classes).
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`] when the samples are not of the network's size;
    /// [`KernelError::Index`];
    /// [`KernelError::Device`].
    pub fn evaluate(
        &mut self,
        samples: &Samples<M>,
        indices: &[u32],
    ) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        self.check(samples, 1)?;
        if let Some(&value) = indices
            .iter()
            .max()
            .filter(|&&index| index as usize >= samples.count)
        {
            return Err(KernelError::Index {
                name: "sample",
                value: value as usize,
                count: samples.count,
            });
        }
        for chunk in indices.chunks(CHUNK) {
            self.machine
                .write(&mut self.evaluated.1, 0, &u32_bytes(chunk))?;
            let (state, order) = &self.evaluated;
            self.gather(samples, (state, order), (chunk.len(), chunk.len()))?;
            for index in 0..self.plan.layers.len() {
                self.products(index, chunk.len())?;
                let (layer, plan) = (
                    self.bases().layer(&self.plan.layers[index]),
                    &self.plan.layers[index],
                );
                let argument = Normalize {
                    layer,
                    samples: chunk.len() as u32,
                    unused: 0,
                };
                self.launch(
                    "normalize_by_running",
                    [blocks(chunk.len() * plan.ld()), 1],
                    &argument,
                )?;
            }
            let [.., hidden, top] = &self.plan.layers[..] else {
                continue;
            };
            features.extend(self.read_rows(hidden.output, chunk.len(), hidden.units)?);
            logits.extend(self.read_rows(top.output, chunk.len(), top.units)?);
        }
        Ok((features, logits))
    }

    /// The same for samples that are not on the device; `inputs` (n, inputs) row by row.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`]; [`KernelError::Device`].
    pub fn evaluate_on(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        let width = self.architecture.inputs;
        if inputs.is_empty() || !inputs.len().is_multiple_of(width) {
            return Err(KernelError::Batch {
                found: inputs.len(),
                inputs: width,
            });
        }
        let mut staged = self.stage()?;
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        for chunk in inputs.chunks(staged.len() * width) {
            let n = chunk.len() / width;
            let written = staged.set_floats(&self.machine, chunk, &vec![0; n]);
            match written.and_then(|()| self.evaluate(&staged, &(0..n as u32).collect::<Vec<_>>()))
            {
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

    /// Room on the device for a batch from elsewhere.
    pub(super) fn stage(&mut self) -> Result<Samples<M>, KernelError> {
        if let Some(staged) = self.staged.take() {
            return Ok(staged);
        }
        let (rows, inputs) = (self.plan.rows, self.architecture.inputs);
        let pixels = vec![0.0; rows * inputs];
        let labels = vec![0; rows];
        let stored = Stored {
            pixels: Pixels::Floats(&pixels),
            plane: inputs,
            constants: &[(1.0, 0.0)],
            copies: 1,
            labels: &labels,
        };
        Samples::new(&self.machine, &stored)
    }

    fn read_rows(
        &self,
        offset: usize,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, KernelError> {
        let mut bytes = vec![0; 4 * rows * pitch(columns)];
        self.machine.read(&self.work, 4 * offset, &mut bytes)?;
        Ok(unpadded(&f32_values(&bytes), columns))
    }
}
