//! Measured values by name.

use serde::{Deserialize, Serialize};

/// A measured value, by the name it has in the records and in a reference file.
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
    /// Over all noisy samples, those held out included.
    Nc1All,
    Memorization,
    /// Over the samples of `Nc1All`.
    MemorizationAll,
    /// `Memorization` over `Separation`; zero in a run without corrupted samples.
    RelativeMemorization,
    /// Sum over corrupted samples divided by all samples trained on and by `Separation`.
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

    /// The label, and the path in the records; none for what is worked out from several values.
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
