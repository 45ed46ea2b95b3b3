//! The expensive part of the neural collapse metrics on the device: class means, scatter and the
//! agreement of the classifier with the nearest class mean.

use super::arguments::Collapse;
use super::machine::{GpuMachine, MatrixProduct};
use super::memory::{download, padded, pitch, upload};
use crate::error::{KernelError, check_length};

/// Most rows per segment.
const SEGMENT: usize = 1024;

/// Features on a device, sorted by class, and the same features centred by their class means.
///
/// Sums are taken in f64. Products are taken in f32, but of centred rows, so features far from the
/// origin do not cause cancellation.
pub struct GpuFeatures<M: GpuMachine> {
    machine: M,
    features: M::Memory,
    centred: M::Memory,
    order: M::Memory,
    bounds: M::Memory,
    segment_classes: M::Memory,
    /// Class of each segment.
    segments: Vec<usize>,
    counts: Vec<usize>,
    rows: usize,
    columns: usize,
    means: Vec<f64>,
    scatter: Vec<f64>,
}

impl<M: GpuMachine> GpuFeatures<M> {
    /// Copies features to the device, computes the class means and centres the features.
    ///
    /// # Shapes
    ///
    /// `features` (n, d) row-major, `labels` (n), each below `classes`.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] if the lengths do not match; [`KernelError::Size`] if a label is not
    /// below `classes`; [`KernelError::Device`].
    pub fn new(
        machine: M,
        features: &[f32],
        labels: &[u32],
        classes: usize,
    ) -> Result<Self, KernelError> {
        let rows = labels.len();
        let columns = features.len().checked_div(rows).unwrap_or_default();
        if columns == 0 {
            return Err(KernelError::Length {
                name: "features".to_owned(),
                found: features.len(),
                expected: rows,
            });
        }
        check_length("features", features, rows * columns)?;
        if let Some(&label) = labels.iter().find(|&&label| label as usize >= classes) {
            return Err(KernelError::Size {
                name: "classes",
                value: classes,
                least: label as usize + 1,
            });
        }
        let mut counts = vec![0; classes];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by_key(|&row| labels[row as usize]);
        let (mut bounds, mut segments, mut begin) = (vec![0_u32], Vec::new(), 0);
        for (class, &count) in counts.iter().enumerate() {
            for first in (0..count).step_by(SEGMENT) {
                segments.push(class);
                bounds.push((begin + count.min(first + SEGMENT)) as u32);
            }
            begin += count;
        }
        let of_segments: Vec<u32> = segments.iter().map(|&class| class as u32).collect();
        let mut found = Self {
            features: upload(&machine, &padded(features, columns))?,
            centred: machine.zeros(4 * rows * pitch(columns))?,
            order: upload(&machine, &order)?,
            bounds: upload(&machine, &bounds)?,
            segment_classes: upload(&machine, &of_segments)?,
            machine,
            segments,
            counts,
            rows,
            columns,
            means: vec![0.0; classes * columns],
            scatter: vec![0.0; classes],
        };
        found.center()?;
        Ok(found)
    }

    /// Number of samples of each class.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Class means, (classes, d) row-major; zeros for a class without samples.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// $\sum_i \lVert h_i - \mu_k \rVert^2$ of each class.
    pub fn scatter(&self) -> &[f64] {
        &self.scatter
    }

    /// $\sum_i \sum_j (v_j^T (h_i - \mu_{y_i}))^2$ for vectors $v_j$, (m, d) row-major. This is n
    /// times NC1 for the vectors of memdil-metrics' `Moments::nc1_vectors`.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`]; [`KernelError::Device`].
    pub fn projected(&self, vectors: &[f64]) -> Result<f64, KernelError> {
        let (products, ld) = self.products(vectors)?;
        let products = self.machine.address(&products);
        let sums = self.machine.zeros(8 * self.segments.len())?;
        let argument = Collapse {
            products,
            products_ld: ld as u32,
            sums: self.machine.address(&sums),
            ..self.argument()
        };
        self.launch("square_sums", 1, &argument)?;
        Ok(self.read(&sums, self.segments.len())?.iter().sum())
    }

    /// Number of samples whose predicted class has the nearest class mean, which is n times NC4.
    /// The first of equal logits or distances counts.
    ///
    /// # Shapes
    ///
    /// `logits` (n, classes) row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`]; [`KernelError::Size`] for a class without samples;
    /// [`KernelError::Device`].
    pub fn agreeing(&self, logits: &[f32]) -> Result<usize, KernelError> {
        let classes = self.counts.len();
        if self.counts.contains(&0) {
            return Err(KernelError::Size {
                name: "samples of a class",
                value: 0,
                least: 1,
            });
        }
        check_length("logits", logits, self.rows * classes)?;
        // A shift of all means does not change distances; this one moves the first mean to zero.
        let first: Vec<f64> = self.means[..self.columns].to_vec();
        let moved: Vec<f64> = self
            .means
            .chunks_exact(self.columns)
            .flat_map(|m| m.iter().zip(&first).map(|(a, b)| a - b))
            .collect();
        let mean = |k: usize| &moved[k * self.columns..][..self.columns];
        let distance = |i: usize| {
            mean(i / classes)
                .iter()
                .zip(mean(i % classes))
                .map(|(a, b)| (a - b) * (a - b))
                .sum()
        };
        let distances: Vec<f64> = (0..classes * classes).map(distance).collect();
        let (products, ld) = self.products(&moved)?;
        let (logits, distances) = (
            upload(&self.machine, logits)?,
            upload(&self.machine, &distances)?,
        );
        let sums = self.machine.zeros(8 * self.segments.len())?;
        let argument = Collapse {
            products: self.machine.address(&products),
            products_ld: ld as u32,
            logits: self.machine.address(&logits),
            logits_ld: classes as u32,
            distances: self.machine.address(&distances),
            sums: self.machine.address(&sums),
            count: classes as u32,
            ..self.argument()
        };
        self.launch("agreements", 1, &argument)?;
        Ok(self.read(&sums, self.segments.len())?.iter().sum::<f64>() as usize)
    }

    fn center(&mut self) -> Result<(), KernelError> {
        let (columns, segments) = (self.columns, self.segments.len());
        let sums = self.machine.zeros(8 * segments * columns)?;
        let argument = Collapse {
            sums: self.machine.address(&sums),
            ..self.argument()
        };
        self.launch("segment_sums", columns.div_ceil(64) as u32, &argument)?;
        for (sum, &class) in self
            .read(&sums, segments * columns)?
            .chunks_exact(columns)
            .zip(&self.segments)
        {
            let mean = &mut self.means[class * columns..][..columns];
            mean.iter_mut()
                .zip(sum)
                .for_each(|(mean, sum)| *mean += sum);
        }
        for (mean, &count) in self.means.chunks_exact_mut(columns).zip(&self.counts) {
            mean.iter_mut()
                .for_each(|value| *value /= count.max(1) as f64);
        }
        let means = upload(&self.machine, &self.means)?;
        let argument = Collapse {
            means: self.machine.address(&means),
            ..argument
        };
        self.launch("center", 1, &argument)?;
        for (square, &class) in self.read(&sums, segments)?.iter().zip(&self.segments) {
            self.scatter[class] += square;
        }
        Ok(())
    }

    /// Products of the centred rows with vectors, (n, ld), and the row length `ld`.
    fn products(&self, vectors: &[f64]) -> Result<(M::Memory, usize), KernelError> {
        let (columns, ld) = (self.columns, pitch(self.columns));
        let count = vectors.len() / columns;
        check_length("vectors", vectors, count.max(1) * columns)?;
        let single: Vec<f32> = vectors.iter().map(|&v| v as f32).collect();
        let (vectors, products) = (
            upload(&self.machine, &single)?,
            self.machine.zeros(4 * self.rows * pitch(count))?,
        );
        let product = MatrixProduct {
            m: self.rows,
            n: count,
            k: columns,
            a: (self.machine.address(&self.centred), ld),
            b: (self.machine.address(&vectors), columns),
            c: (self.machine.address(&products), pitch(count)),
            transpose_a: false,
            transpose_b: true,
        };
        // SAFETY: the memories have the sizes of the product, and live until it is done because the
        // read below waits for it.
        unsafe { self.machine.product(&product)? };
        // Waits for the product before `vectors` is dropped.
        self.machine.read(&products, 0, &mut [0; 4])?;
        Ok((products, pitch(count)))
    }

    fn argument(&self) -> Collapse {
        Collapse {
            features: self.machine.address(&self.features),
            order: self.machine.address(&self.order),
            bounds: self.machine.address(&self.bounds),
            classes: self.machine.address(&self.segment_classes),
            centred: self.machine.address(&self.centred),
            columns: self.columns as u32,
            ld: pitch(self.columns) as u32,
            ..Collapse::default()
        }
    }

    fn launch(
        &self,
        kernel: &'static str,
        blocks: u32,
        argument: &Collapse,
    ) -> Result<(), KernelError> {
        // SAFETY: every address points to memory of the sizes in the structure, which lives until
        // the result is read.
        unsafe {
            self.machine
                .launch(kernel, [blocks, self.segments.len() as u32], argument)
        }
    }

    fn read(&self, memory: &M::Memory, count: usize) -> Result<Vec<f64>, KernelError> {
        download(&self.machine, memory, 0, count)
    }
}

impl<M: GpuMachine> std::fmt::Debug for GpuFeatures<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuFeatures")
            .field("rows", &self.rows)
            .field("columns", &self.columns)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
