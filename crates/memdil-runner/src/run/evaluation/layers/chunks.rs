//! The outputs of the layers for the samples of a set, in chunks.

use memdil_records::RunSpec;

use crate::error::RunnerError;
use crate::network::interface::{CHUNK, ImageSet, LayerOutput, Network};
use crate::prepare::Prepared;
use crate::run::evaluation::corruption::{given_true, kept_with_latent};

/// The layers of a network, and the samples that pass through them.
pub(super) struct Layers<'a> {
    network: &'a mut dyn Network,
    spec: &'a RunSpec,
    data: &'a Prepared,
    /// Name and width of each layer.
    shapes: Vec<(String, usize)>,
    inputs: Vec<f32>,
}

/// Numbers of classes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classes {
    /// Those of the test set.
    pub(super) true_classes: usize,
    /// Those of the given labels, which may include latent classes.
    pub(super) given: usize,
}

/// The labels of a chunk.
pub(super) enum ChunkLabels {
    Train(TrainLabels),
    Test(Vec<u32>),
}

/// The labels of a chunk of training samples.
pub(super) struct TrainLabels {
    /// The given labels, including latent ones.
    pub(super) given: Vec<u32>,
    /// The rows of the samples that are compared with their clean labels; `None` for all.
    pub(super) kept: Option<Vec<usize>>,
    /// The given labels of these samples, with latent labels replaced by some wrong true class.
    pub(super) given_true: Vec<u32>,
    /// The clean labels of these samples.
    pub(super) clean: Vec<u32>,
    /// The rows of the uncorrupted samples, and their labels.
    pub(super) uncorrupted: (Vec<usize>, Vec<u32>),
}

impl<'a> Layers<'a> {
    /// Determines names and widths with one sample.
    pub(super) fn new(
        network: &'a mut dyn Network,
        spec: &'a RunSpec,
        data: &'a Prepared,
    ) -> Result<Self, RunnerError> {
        let mut layers = Self {
            network,
            spec,
            data,
            shapes: Vec::new(),
            inputs: Vec::new(),
        };
        let outputs = layers.forward(ImageSet::Train, &data.train[..1])?;
        if outputs.is_empty() {
            return Err(layers.no_layers());
        }
        let shapes = outputs.into_iter();
        layers.shapes = shapes
            .map(|output| (output.name, output.features.ncols()))
            .collect();
        Ok(layers)
    }

    pub(super) fn widths(&self) -> Vec<usize> {
        self.shapes.iter().map(|(_, width)| *width).collect()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.shapes.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn into_shapes(self) -> Vec<(String, usize)> {
        self.shapes
    }

    pub(super) fn classes(&self) -> Classes {
        Classes {
            true_classes: self.data.labels.classes(),
            given: self.data.labels.observed_classes(),
        }
    }

    /// The given and the clean labels of the training samples, and the labels of the test samples.
    pub(super) fn labels(&self) -> [Vec<u32>; 3] {
        let (data, labels) = (self.data, &self.data.labels);
        let pick = |labels: &[u32]| data.train.iter().map(|&i| labels[i]).collect();
        let test = data.test_labels.clone();
        [pick(labels.observed()), pick(labels.clean()), test]
    }

    /// Calls `visit` with the labels and the outputs of all layers for each chunk of the training
    /// samples or of the test samples.
    pub(super) fn for_each_chunk(
        &mut self,
        set: ImageSet,
        mut visit: impl FnMut(&ChunkLabels, &[LayerOutput]),
    ) -> Result<(), RunnerError> {
        let data = self.data;
        let test: Vec<usize>;
        let samples = match set {
            ImageSet::Train => &data.train,
            ImageSet::Test => {
                test = (0..data.test_labels.len()).collect();
                &test
            }
        };
        for chunk in samples.chunks(CHUNK) {
            let outputs = self.forward(set, chunk)?;
            self.check(&outputs, chunk.len())?;
            visit(&self.labels_of(set, chunk), &outputs);
        }
        Ok(())
    }

    fn labels_of(&self, set: ImageSet, samples: &[usize]) -> ChunkLabels {
        let pick = |labels: &[u32]| samples.iter().map(|&i| labels[i]).collect::<Vec<_>>();
        if set == ImageSet::Test {
            return ChunkLabels::Test(pick(&self.data.test_labels));
        }
        let labels = &self.data.labels;
        let (given, clean) = (pick(labels.observed()), pick(labels.clean()));
        let rows = (0..samples.len()).filter(|&row| given[row] == clean[row]);
        let uncorrupted = rows.map(|row| (row, given[row])).unzip();
        let Classes {
            true_classes,
            given: given_classes,
        } = self.classes();
        let kept =
            (given_classes > true_classes).then(|| kept_with_latent(&given, &clean, true_classes));
        let [given_kept, clean] = match &kept {
            None => [given.clone(), clean],
            Some(rows) => {
                [&given, &clean].map(|labels| rows.iter().map(|&row| labels[row]).collect())
            }
        };
        ChunkLabels::Train(TrainLabels {
            given_true: given_true(&given_kept, &clean, true_classes),
            given,
            kept,
            clean,
            uncorrupted,
        })
    }

    fn forward(
        &mut self,
        set: ImageSet,
        samples: &[usize],
    ) -> Result<Vec<LayerOutput>, RunnerError> {
        let inputs = match set {
            ImageSet::Train => &self.data.train_inputs,
            ImageSet::Test => &self.data.test_inputs,
        };
        self.inputs
            .resize(samples.len() * inputs.values_per_sample(), 0.0);
        inputs.fill(samples, &mut self.inputs);
        let outputs = self.network.forward_layers(&self.inputs)?;
        outputs.ok_or_else(|| self.no_layers())
    }

    /// Checks that the layers of a chunk are those of the first sample. The widths of user-defined
    /// networks could differ between batches.
    fn check(&self, outputs: &[LayerOutput], samples: usize) -> Result<(), RunnerError> {
        let found = outputs
            .iter()
            .map(|output| (&output.name, output.features.dim()));
        let expected = self
            .shapes
            .iter()
            .map(|(name, width)| (name, (samples, *width)));
        if found.clone().eq(expected) {
            return Ok(());
        }
        let shown = found.map(|(name, (n, width))| format!("{name} ({n}, {width})"));
        Err(RunnerError::ChangedLayers {
            name: self.spec.model.to_string(),
            found: format!(
                "{} for {samples} samples",
                shown.collect::<Vec<_>>().join(", ")
            ),
        })
    }

    fn no_layers(&self) -> RunnerError {
        RunnerError::NoLayers {
            name: self.spec.model.to_string(),
        }
    }
}

impl TrainLabels {
    /// Whether the network has latent classes.
    pub(super) fn is_latent(&self) -> bool {
        self.kept.is_some()
    }
}
