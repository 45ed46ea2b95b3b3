//! Features, logits and block outputs of a network on a device.

use bytemuck::cast_slice;

use super::network::{CHUNK, GpuMlp};
use crate::error::{KernelError, check_batch};
use crate::gpu::layout::LayerLayout;
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
        self.forward_chunks(samples, indices, |network, count| {
            let [.., hidden, top] = &network.layout.layers[..] else {
                return Ok(());
            };
            features.extend(network.output(hidden, count)?);
            logits.extend(network.output(top, count)?);
            Ok(())
        })?;
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
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        self.on_staged(inputs, |network, staged, order| {
            let (h, z) = network.evaluate(staged, order)?;
            features.extend(h);
            logits.extend(z);
            Ok(())
        })?;
        Ok((features, logits))
    }

    /// The outputs of all blocks, after the activation, for samples in the host's memory in
    /// evaluation mode. The last one is the features.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs); one (n, units of the block) per block; all row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`]; [`KernelError::Device`].
    pub fn evaluate_blocks_on(&mut self, inputs: &[f32]) -> Result<Vec<Vec<f32>>, KernelError> {
        let mut outputs = vec![Vec::new(); self.architecture.depth];
        self.on_staged(inputs, |network, staged, order| {
            network.forward_chunks(staged, order, |network, count| {
                // `zip` ends before the last layer, the classifier, which is not a block.
                for (layer, output) in network.layout.layers.iter().zip(&mut outputs) {
                    output.extend(network.output(layer, count)?);
                }
                Ok(())
            })
        })?;
        Ok(outputs)
    }

    /// Computes all layers for chunks of the samples. After each chunk, `read` receives its number
    /// of samples; the outputs of the layers are then in the working memory.
    fn forward_chunks(
        &mut self,
        samples: &Samples<M>,
        indices: &[u32],
        mut read: impl FnMut(&Self, usize) -> Result<(), KernelError>,
    ) -> Result<(), KernelError> {
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
            read(self, chunk.len())?;
        }
        Ok(())
    }

    /// Copies samples in the host's memory to the device, a part at a time, and calls `run` with
    /// the part and the indices of its samples.
    fn on_staged(
        &mut self,
        inputs: &[f32],
        mut run: impl FnMut(&mut Self, &Samples<M>, &[u32]) -> Result<(), KernelError>,
    ) -> Result<(), KernelError> {
        let width = self.architecture.inputs;
        check_batch(inputs, width)?;
        let mut staged = self.stage()?;
        let mut result = Ok(());
        for chunk in inputs.chunks(staged.len() * width) {
            let n = chunk.len() / width;
            let order: Vec<u32> = (0..n as u32).collect();
            result = staged
                .set_floats(&self.machine, chunk, &vec![0; n])
                .and_then(|()| run(self, &staged, &order));
            if result.is_err() {
                break;
            }
        }
        self.staged = Some(staged);
        result
    }

    /// The outputs of a layer for the first `count` rows of the working memory.
    fn output(&self, layer: &LayerLayout, count: usize) -> Result<Vec<f32>, KernelError> {
        self.read_rows(&self.work, layer.output, (count, layer.units))
    }
}
