//! Scores of the training samples: how each was learned, and where its features are.

use std::io::{Read, Seek, Write};

use ndarray::{Array0, Array1, aview0};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpzError, WriteNpzError};

/// Scores of the samples trained on, one entry per sample in the order of the training set.
///
/// The scores over epochs use the logits $z$ of the training steps, computed in training mode
/// before the update; the network is the same for all samples of a batch but changes within an
/// epoch. The distances and alignments use the features $h_i$ in evaluation mode after the last
/// epoch, and are absent if they are undefined. $y_i$ is the given label and $c_i$ the clean label.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleScores {
    /// The number of epochs.
    pub epochs: u64,
    /// Index of the sample in the training set, before a validation set is held out.
    pub index: Array1<u64>,
    /// Given labels $y_i$.
    pub labels: Array1<u32>,
    /// Clean labels $c_i$.
    pub clean_labels: Array1<u32>,
    /// Mean over the epochs of the cross-entropy $-\ln p_{y_i}$ of the given label, for any
    /// training loss (cumulative sample loss).
    pub mean_loss: Array1<f64>,
    /// Mean over the epochs of $z_{y_i} - \max_{k \ne y_i} z_k$ (area under the margin, Pleiss et
    /// al. 2020).
    pub mean_margin: Array1<f64>,
    /// Number of epochs in which the sample is not predicted as its given label although it was in
    /// the epoch before (Toneva et al. 2019).
    pub forgetting_events: Array1<u32>,
    /// Whether the sample was predicted as its given label in some epoch.
    pub learned: Array1<bool>,
    /// First epoch, counted from one, from which the sample is predicted as its given label until
    /// the last epoch; 0 if it is not in the last epoch.
    pub given_since: Array1<u32>,
    /// Like `given_since`, for the clean label.
    pub clean_since: Array1<u32>,
    /// Distance $\lVert h_i - \mu_{y_i} \rVert$ to the mean of the samples with the same given label.
    pub distance_given: Option<Array1<f64>>,
    /// Distance $\lVert h_i - \nu_{c_i} \rVert$ to the mean of the uncorrupted samples of the clean
    /// class.
    pub distance_clean: Option<Array1<f64>>,
    /// Cosine between $h_i - \mu_G$ and $\mu_{y_i} - \mu_G$, where $\mu_G$ is the mean of all
    /// samples.
    pub alignment_given: Option<Array1<f64>>,
    /// Cosine between $h_i - \mu_G$ and $\nu_{c_i} - \mu_G$.
    pub alignment_clean: Option<Array1<f64>>,
}

/// A score of a sample that is computed without the clean labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleScore {
    /// [`SampleScores::mean_loss`].
    MeanLoss,
    /// [`SampleScores::mean_margin`] with the opposite sign.
    MeanMargin,
    /// [`SampleScores::forgetting_events`]; a sample that was never predicted as its given label
    /// has as many as there are epochs, which is more than any other sample can have.
    ForgettingEvents,
    /// [`SampleScores::given_since`]; a sample that is not predicted as its given label in the last
    /// epoch has the epoch after it.
    GivenSince,
    /// [`SampleScores::distance_given`].
    DistanceGiven,
    /// [`SampleScores::alignment_given`] with the opposite sign.
    AlignmentGiven,
}

impl SampleScore {
    /// All scores.
    pub const ALL: [Self; 6] = [
        Self::MeanLoss,
        Self::MeanMargin,
        Self::ForgettingEvents,
        Self::GivenSince,
        Self::DistanceGiven,
        Self::AlignmentGiven,
    ];

    /// The name of the score in records and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanLoss => "mean_loss",
            Self::MeanMargin => "mean_margin",
            Self::ForgettingEvents => "forgetting_events",
            Self::GivenSince => "given_since",
            Self::DistanceGiven => "distance_given",
            Self::AlignmentGiven => "alignment_given",
        }
    }
}

impl SampleScores {
    /// The values of a score, larger for a sample whose label is more likely to be wrong; `None` if
    /// they are absent.
    pub fn suspicion(&self, score: SampleScore) -> Option<Vec<f64>> {
        let opposite = |values: &Array1<f64>| values.iter().map(|value| -value).collect();
        let never = |count: u64| count as f64;
        Some(match score {
            SampleScore::MeanLoss => self.mean_loss.to_vec(),
            SampleScore::MeanMargin => opposite(&self.mean_margin),
            SampleScore::ForgettingEvents => {
                let pairs = self.forgetting_events.iter().zip(&self.learned);
                pairs
                    .map(|(&events, &learned)| match learned {
                        true => f64::from(events),
                        false => never(self.epochs),
                    })
                    .collect()
            }
            SampleScore::GivenSince => {
                let epoch = |&since: &u32| match since {
                    0 => never(self.epochs + 1),
                    since => f64::from(since),
                };
                self.given_since.iter().map(epoch).collect()
            }
            SampleScore::DistanceGiven => self.distance_given.as_ref()?.to_vec(),
            SampleScore::AlignmentGiven => opposite(self.alignment_given.as_ref()?),
        })
    }

    /// Writes an archive in NumPy's .npz format; its arrays have the names of the fields.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_npz(&self, writer: impl Write + Seek) -> Result<(), WriteNpzError> {
        let mut npz = NpzWriter::new(writer);
        npz.add_array("epochs", &aview0(&self.epochs))?;
        npz.add_array("index", &self.index)?;
        npz.add_array("labels", &self.labels)?;
        npz.add_array("clean_labels", &self.clean_labels)?;
        npz.add_array("mean_loss", &self.mean_loss)?;
        npz.add_array("mean_margin", &self.mean_margin)?;
        npz.add_array("forgetting_events", &self.forgetting_events)?;
        npz.add_array("learned", &self.learned)?;
        npz.add_array("given_since", &self.given_since)?;
        npz.add_array("clean_since", &self.clean_since)?;
        for (name, array) in [
            ("distance_given", &self.distance_given),
            ("distance_clean", &self.distance_clean),
            ("alignment_given", &self.alignment_given),
            ("alignment_clean", &self.alignment_clean),
        ] {
            if let Some(array) = array {
                npz.add_array(name, array)?;
            }
        }
        npz.finish()?;
        Ok(())
    }

    /// Reads an archive of [`SampleScores::write_npz`].
    ///
    /// # Errors
    ///
    /// The error of the reader if an array is missing, or of another type.
    pub fn read_npz(reader: impl Read + Seek) -> Result<Self, ReadNpzError> {
        let mut npz = NpzReader::new(reader)?;
        let epochs: Array0<u64> = npz.by_name("epochs")?;
        let names = npz.names()?;
        let mut optional = |name: &str| -> Result<Option<Array1<f64>>, ReadNpzError> {
            let is_stored = names.iter().any(|n| n.trim_end_matches(".npy") == name);
            is_stored.then(|| npz.by_name(name)).transpose()
        };
        Ok(Self {
            epochs: epochs.into_scalar(),
            distance_given: optional("distance_given")?,
            distance_clean: optional("distance_clean")?,
            alignment_given: optional("alignment_given")?,
            alignment_clean: optional("alignment_clean")?,
            index: npz.by_name("index")?,
            labels: npz.by_name("labels")?,
            clean_labels: npz.by_name("clean_labels")?,
            mean_loss: npz.by_name("mean_loss")?,
            mean_margin: npz.by_name("mean_margin")?,
            forgetting_events: npz.by_name("forgetting_events")?,
            learned: npz.by_name("learned")?,
            given_since: npz.by_name("given_since")?,
            clean_since: npz.by_name("clean_since")?,
        })
    }

    /// Checks that all arrays have the same length and finite values; the error is the reason.
    pub(crate) fn check(&self) -> Result<(), String> {
        let n = self.labels.len();
        let integers = [
            ("index", self.index.len()),
            ("clean_labels", self.clean_labels.len()),
            ("forgetting_events", self.forgetting_events.len()),
            ("learned", self.learned.len()),
            ("given_since", self.given_since.len()),
            ("clean_since", self.clean_since.len()),
        ];
        let numbers = [
            ("mean_loss", Some(&self.mean_loss)),
            ("mean_margin", Some(&self.mean_margin)),
            ("distance_given", self.distance_given.as_ref()),
            ("distance_clean", self.distance_clean.as_ref()),
            ("alignment_given", self.alignment_given.as_ref()),
            ("alignment_clean", self.alignment_clean.as_ref()),
        ];
        let numbers = numbers
            .iter()
            .filter_map(|&(name, array)| Some((name, array?)));
        let lengths = numbers.clone().map(|(name, array)| (name, array.len()));
        if let Some((name, found)) = integers.into_iter().chain(lengths).find(|&(_, m)| m != n) {
            return Err(format!("{name} has {found} entries for {n} labels"));
        }
        for (name, array) in numbers {
            if let Some(row) = array.iter().position(|value| !value.is_finite()) {
                return Err(format!("{name} is {} in row {row}", array[row]));
            }
        }
        Ok(())
    }

    /// Whether the given label of each sample differs from its clean label. A latent class
    /// $K + k$ counts as class $k$ of `classes`.
    pub fn corrupted(&self, classes: usize) -> Vec<bool> {
        let pairs = self.labels.iter().zip(&self.clean_labels);
        pairs
            .map(|(&given, &clean)| given as usize % classes != clean as usize)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ndarray::array;

    use super::*;

    /// Three epochs of an uncorrupted and a corrupted sample.
    fn two_samples() -> SampleScores {
        SampleScores {
            epochs: 3,
            index: array![0, 1],
            labels: array![0, 1],
            clean_labels: array![0, 0],
            mean_loss: array![0.25, 0.5],
            mean_margin: array![2.0, -1.0],
            forgetting_events: array![2, 0],
            learned: array![true, false],
            given_since: array![3, 0],
            clean_since: array![1, 1],
            distance_given: Some(array![1.0, 4.0]),
            distance_clean: None,
            alignment_given: Some(array![1.0, -1.0]),
            alignment_clean: None,
        }
    }

    #[test]
    fn an_archive_is_read_as_it_was_written() {
        let mut scores = SampleScores {
            epochs: 3,
            index: array![0, 4],
            labels: array![3, 0],
            clean_labels: array![1, 1],
            mean_loss: array![0.25, 1e-300],
            mean_margin: array![-0.1, 7.0],
            forgetting_events: array![2, 0],
            learned: array![true, false],
            given_since: array![3, 0],
            clean_since: array![0, 1],
            distance_given: Some(array![0.5, 0.0]),
            distance_clean: None,
            alignment_given: Some(array![-1.0, 1.0]),
            alignment_clean: None,
        };
        for _ in 0..2 {
            let mut file = Cursor::new(Vec::new());
            scores.write_npz(&mut file).unwrap();
            assert_eq!(SampleScores::read_npz(file).unwrap(), scores);
            (scores.distance_given, scores.distance_clean) = (None, Some(array![2.0, 3.0]));
        }
        assert_eq!(scores.corrupted(2), [false, true]);
    }

    #[test]
    fn damaged_arrays_are_found() {
        let whole = two_samples();
        assert_eq!(whole.check(), Ok(()));
        let mut short = whole.clone();
        short.mean_margin = array![2.0];
        assert_eq!(
            short.check().unwrap_err(),
            "mean_margin has 1 entries for 2 labels"
        );
        let mut undefined = whole;
        undefined.distance_given = Some(array![1.0, f64::NAN]);
        assert_eq!(
            undefined.check().unwrap_err(),
            "distance_given is NaN in row 1"
        );
    }

    #[test]
    fn suspicious_samples_have_large_scores() {
        let scores = two_samples();
        let expected = [
            [0.25, 0.5],
            [-2.0, 1.0],
            [2.0, 3.0],
            [3.0, 4.0],
            [1.0, 4.0],
            [-1.0, 1.0],
        ];
        for (score, expected) in SampleScore::ALL.into_iter().zip(expected) {
            assert_eq!(
                scores.suspicion(score),
                Some(expected.to_vec()),
                "{score:?}"
            );
        }
    }
}
