//! The options of `memdil metrics`.

use std::path::PathBuf;

#[derive(Default, clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil metrics --features h.npy --labels y.npy --classifier W.npy --bias b.npy\n  \
    memdil metrics --features run.npz --json\n\n\
    A file is a .npy with one array, or a .npz or .safetensors from which the array with the option's name is taken: \
    features, labels, clean_labels, classifier, bias, logits, test_features, test_labels, test_logits. The file of \
    --features supplies every array that has no option of its own. The only array of a file is taken whatever its name. \
    Labels may also be a .csv with one a line. Logits and labels alone give accuracy and calibration.\n\n\
    Features are float16, bfloat16, float32 or float64, labels whole numbers from 0. A metric is left out if its inputs \
    are not given: memorization needs clean labels; nc2_etf and nc3 need the classifier; nc4 and bias_collapse the bias \
    too (save zeros for a layer without bias); accuracy, ece, adaptive_ece, brier and nll need classifier and bias, or \
    else logits; dilation and rho need the test arrays. A metric that the inputs leave undefined is named with the \
    reason.\n\n\
    .npy and .safetensors files are mapped, so they may be larger than memory. Leave them unchanged meanwhile.")]
pub(crate) struct Arguments {
    /// Features, samples x features; or a .npz or .safetensors with all arrays
    #[arg(long, value_name = "FILE", required_unless_present = "logits")]
    pub(super) features: Option<PathBuf>,
    /// Labels as trained on, one a sample
    #[arg(long, value_name = "FILE")]
    pub(super) labels: Option<PathBuf>,
    /// Labels before noise, one a sample
    #[arg(long, value_name = "FILE")]
    pub(super) clean_labels: Option<PathBuf>,
    /// Weights of the last layer, classes x features
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(super) classifier: Option<PathBuf>,
    /// Bias of the last layer, one a class
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(super) bias: Option<PathBuf>,
    /// Logits, samples x classes; used without --classifier and --bias, and enough for accuracy and
    /// calibration
    #[arg(long, value_name = "FILE")]
    pub(super) logits: Option<PathBuf>,
    /// Features of samples not trained on
    #[arg(long, value_name = "FILE", requires = "features")]
    pub(super) test_features: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "FILE")]
    pub(super) test_labels: Option<PathBuf>,
    /// Their logits
    #[arg(long, value_name = "FILE")]
    pub(super) test_logits: Option<PathBuf>,
    /// Number of classes (default: the classifier's rows, the logits' columns, else the largest label plus 1)
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub(super) classes: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}
