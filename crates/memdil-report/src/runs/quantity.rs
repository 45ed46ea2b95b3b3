//! The names of measured values.

use serde::{Deserialize, Serialize};

/// A measured value; its serialized name is the key in a reference file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quantity {
    /// Test accuracy in percent.
    Accuracy,
    Dilation,
    /// NC1 of the test samples that are classified correctly.
    DilationCorrect,
    Rho,
    Nc1,
    /// NC1 over all noisy samples, including held-out ones.
    Nc1All,
    Memorization,
    /// Memorization over the same samples as `Nc1All`.
    MemorizationAll,
    /// `Memorization` divided by `Separation`; zero in a run without corrupted samples.
    RelativeMemorization,
    /// Sum over corrupted samples, divided by the number of training samples and by `Separation`.
    TotalMemorization,
    MemorizedAsGiven,
    Separation,
    Nc2Etf,
    Nc3,
    TestEce,
}

impl Quantity {
    pub(crate) fn label(self) -> &'static str {
        self.label_and_path().0
    }

    /// The label, and the path in the records, which is empty for a value that is computed from
    /// several others.
    pub(super) fn label_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Accuracy => ("test accuracy, %", "test.accuracy"),
            Self::Dilation => ("dilation (test NC1)", "test.dilation"),
            Self::DilationCorrect => ("dilation, correct samples only", "test.dilation_correct"),
            Self::Rho => ("rho", "test.rho"),
            Self::Nc1 => ("train NC1", "nc1"),
            Self::Nc1All => ("train NC1, all samples", "nc1_all"),
            Self::Memorization => ("memorization, mean", "memorization_mean"),
            Self::MemorizationAll => ("memorization, all samples", "memorization_mean_all"),
            Self::RelativeMemorization => ("memorization / separation", ""),
            Self::TotalMemorization => ("memorization per training sample / separation", ""),
            Self::MemorizedAsGiven => ("memorised as given", "memorized_as_given"),
            Self::Separation => ("separation", "separation"),
            Self::Nc2Etf => ("NC2", "nc2_etf"),
            Self::Nc3 => ("NC3", "nc3"),
            Self::TestEce => ("test ECE", "test.ece"),
        }
    }
}
