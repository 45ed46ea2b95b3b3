//! The purpose of an array, and the names by which it is recognised.

/// The purpose of an array in an archive.
///
/// Each role is recognised by its own name and by the common names of Keras (`x_train`), MedMNIST
/// (`train_images`) and scripts, in upper or lower case. The first matching name is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Features, samples x features.
    Features,
    /// Training labels.
    Labels,
    /// Labels before noise.
    CleanLabels,
    /// Labels after noise, in a file of noisy labels.
    ObservedLabels,
    /// Weights of the last layer, classes x features.
    Classifier,
    /// Bias of the last layer.
    Bias,
    /// Logits, samples x classes.
    Logits,
    /// Features of test samples.
    TestFeatures,
    /// Labels of test samples.
    TestLabels,
    /// Logits of test samples.
    TestLogits,
    /// Training images.
    Images,
    /// Test images.
    TestImages,
    /// A transition matrix.
    Matrix,
}

impl Role {
    const ALL: [Self; 13] = [
        Self::Features,
        Self::Labels,
        Self::CleanLabels,
        Self::ObservedLabels,
        Self::Classifier,
        Self::Bias,
        Self::Logits,
        Self::TestFeatures,
        Self::TestLabels,
        Self::TestLogits,
        Self::Images,
        Self::TestImages,
        Self::Matrix,
    ];

    /// The role's own name, which is also the name of the option of `memdil metrics`.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// The names by which the role is recognised.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Features => &["features", "train_features", "embeddings", "x_train", "h"],
            Self::Labels => &["labels", "train_labels", "y_train", "label", "targets", "y"],
            Self::CleanLabels => &["clean_labels", "clean", "clean_label"],
            Self::ObservedLabels => &[
                "observed",
                "noisy_labels",
                "noisy",
                "labels",
                "train_labels",
                "y_train",
                "label",
                "targets",
                "y",
            ],
            Self::Classifier => &["classifier", "classifier.weight", "fc.weight", "weight"],
            Self::Bias => &["bias", "classifier.bias", "fc.bias"],
            Self::Logits => &["logits", "train_logits"],
            Self::TestFeatures => &["test_features", "test_embeddings", "x_test"],
            Self::TestLabels => &["test_labels", "y_test", "test_targets"],
            Self::TestLogits => &["test_logits"],
            Self::Images => &["images", "train_images", "x_train"],
            Self::TestImages => &["test_images", "x_test"],
            Self::Matrix => &["matrix", "transition", "T"],
        }
    }

    /// Whether its arrays hold labels, which may be read from a text file.
    pub(super) fn is_labels(self) -> bool {
        self.kind() == Self::Labels
    }

    /// Whether an array of this name may have the role: the name does not belong to any role, or
    /// belongs to a role of the same kind.
    pub(super) fn accepts(self, name: &str) -> bool {
        let mut same_kind = Self::ALL.iter().filter(|role| role.kind() == self.kind());
        !Self::is_known(name) || same_kind.any(|role| role.has(name))
    }

    fn has(self, name: &str) -> bool {
        let is_name = |known: &&str| name.eq_ignore_ascii_case(known);
        self.names().iter().any(is_name)
    }

    /// The role of training samples that holds the same kind of array.
    fn kind(self) -> Self {
        match self {
            Self::CleanLabels | Self::ObservedLabels | Self::TestLabels => Self::Labels,
            Self::TestFeatures => Self::Features,
            Self::TestLogits => Self::Logits,
            Self::TestImages => Self::Images,
            other => other,
        }
    }

    /// Whether a name belongs to any role.
    pub(super) fn is_known(name: &str) -> bool {
        Self::ALL.iter().any(|role| role.has(name))
    }
}
