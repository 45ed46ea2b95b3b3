//! The options of `memdil metrics`.

use std::path::{Path, PathBuf};

#[derive(Default, clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil metrics --features h.npy --labels y.npy --classifier W.npy --bias b.npy\n  \
    memdil metrics --features run.npz --json\n  \
    memdil metrics --features run.npz --per-class --samples scores.npz\n\n\
    A file is a .npy with one array, or a .npz or .safetensors from which the array with the name of the option is read: \
    features, labels, clean_labels, classifier, bias, logits, test_features, test_labels, test_logits. The file of \
    --features also supplies every array whose option is not given. If a file holds only one array, its name is ignored. \
    Labels may also be a .csv with one per line. Logits and labels alone give accuracy and calibration.\n\n\
    Features are float16, bfloat16, float32 or float64, labels whole numbers from 0. A metric is omitted if its inputs \
    are not given: memorization needs clean labels; nc2_etf and nc3 need the classifier; nc4 and bias_collapse also need \
    the bias (save zeros for a layer without bias); accuracy, ece, adaptive_ece, brier and nll need classifier and bias, \
    or logits; dilation and rho need the test arrays. Metrics that are undefined for the inputs are listed with the \
    reason.\n\n\
    .npy and .safetensors files are memory-mapped, so they may be larger than memory. Do not modify them during the call.")]
pub(crate) struct Arguments {
    /// Features, samples x features; or a .npz or .safetensors with all arrays
    #[arg(long, value_name = "FILE", required_unless_present = "logits")]
    pub(super) features: Option<PathBuf>,
    /// Labels used for training, one per sample
    #[arg(long, value_name = "FILE")]
    pub(super) labels: Option<PathBuf>,
    /// Labels before noise, one per sample
    #[arg(long, value_name = "FILE")]
    pub(super) clean_labels: Option<PathBuf>,
    /// Weights of the last layer, classes x features
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(super) classifier: Option<PathBuf>,
    /// Bias of the last layer, one value per class
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(super) bias: Option<PathBuf>,
    /// Logits, samples x classes; used without --classifier and --bias, and enough for accuracy and
    /// calibration
    #[arg(long, value_name = "FILE")]
    pub(super) logits: Option<PathBuf>,
    /// Features of test samples
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(super) test_features: Option<PathBuf>,
    /// Labels of the test samples
    #[arg(long, value_name = "FILE")]
    pub(super) test_labels: Option<PathBuf>,
    /// Logits of the test samples
    #[arg(long, value_name = "FILE")]
    pub(super) test_logits: Option<PathBuf>,
    /// Number of classes (default: the rows of the classifier, or the columns of the logits, or the
    /// largest label plus 1)
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub(super) classes: Option<usize>,
    /// Add the metrics of each class, the angles between class means, and the worst class
    #[arg(long, requires = "features")]
    pub(super) per_class: bool,
    /// Write the scores of each sample (distances, alignments, loss, margin) and, with clean
    /// labels, print how well each of them finds the corrupted samples
    #[arg(long, value_name = "OUT.npz")]
    pub(super) samples: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Arguments {
    /// The paths of the input files.
    pub(super) fn files(&self) -> Vec<&Path> {
        let files = [
            &self.features,
            &self.labels,
            &self.clean_labels,
            &self.classifier,
            &self.bias,
            &self.logits,
            &self.test_features,
            &self.test_labels,
            &self.test_logits,
        ];
        files
            .into_iter()
            .filter_map(|file| file.as_deref())
            .collect()
    }
}
