//! Label noise: kinds, and how they corrupt clean labels.

use std::collections::BTreeSet;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::load::check_labels;
use crate::random::{Stream, below, stream, unit_f64};

/// A kind of label noise with its strength.
///
/// ```
/// use memdil_data::noise::LabelNoise;
///
/// let noise: LabelNoise = serde_json::from_str(r#"{"kind": "uniform", "eta": 0.2}"#)?;
/// assert_eq!(noise, LabelNoise::Uniform { eta: 0.2 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LabelNoise {
    /// With probability $\eta$ a label is drawn anew, uniformly over ALL K classes, so that a share
    /// $\eta (K-1)/K$ is corrupted on average (Nguyen et al. 2023).
    Uniform {
        /// Probability of drawing anew, in [0, 1].
        eta: f64,
    },
}

impl LabelNoise {
    /// The name of the kind as configurations write it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "uniform",
        }
    }

    /// The strength asked for, `eta`; what becomes of it is [`NoisyLabels::realised`].
    pub fn requested(&self) -> f64 {
        match *self {
            Self::Uniform { eta } => eta,
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`] if `eta` is not a number in [0, 1].
    pub fn validate(&self) -> Result<(), DataError> {
        match *self {
            Self::Uniform { eta } => check_eta(eta),
        }
    }

    /// Corrupts clean labels.
    ///
    /// The draws of a sample do not depend on `eta`: with the same seed, raising `eta` leaves the
    /// samples that are drawn anew so, with the same new labels, and adds others.
    ///
    /// # Shapes
    /// n clean labels in 0..`classes` give n observed ones.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), no label, fewer than two `classes`, a label out of range.
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let clean = vec![0, 1, 1, 0];
    /// let noisy = LabelNoise::Uniform { eta: 0.0 }.inject(&clean, 2, 1)?;
    /// assert_eq!((noisy.observed, noisy.realised), (clean, 0.0));
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn inject(&self, clean: &[u32], classes: usize, seed: u64) -> Result<NoisyLabels, DataError> {
        self.validate()?;
        check_clean(clean, classes)?;
        let mut rng = stream(seed, Stream::Noise);
        let observed: Vec<u32> = match *self {
            Self::Uniform { eta } => clean
                .iter()
                .map(|&label| {
                    // Both numbers are always drawn: that is what keeps the draws independent of eta.
                    let (u, redrawn) = (unit_f64(&mut rng), below(&mut rng, classes) as u32);
                    if u < eta { redrawn } else { label }
                })
                .collect(),
        };
        let mask: Vec<bool> = clean.iter().zip(&observed).map(|(c, o)| c != o).collect();
        let realised = share(&mask);
        Ok(NoisyLabels {
            clean: clean.to_vec(),
            observed,
            mask,
            classes,
            kind: self.kind().to_owned(),
            seed,
            requested: self.requested(),
            realised,
        })
    }
}

/// Labels before and after corruption, with how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct NoisyLabels {
    /// The labels as they were.
    pub clean: Vec<u32>,
    /// The labels that training sees.
    pub observed: Vec<u32>,
    /// Whether each observed label differs from the clean one.
    pub mask: Vec<bool>,
    /// Number of classes K.
    pub classes: usize,
    /// Kind of noise, [`LabelNoise::kind`].
    pub kind: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Strength asked for, [`LabelNoise::requested`].
    pub requested: f64,
    /// Share of labels that differ: the mean of `mask`.
    pub realised: f64,
}

impl NoisyLabels {
    /// The realised transition matrix, $T_{jk} = \\#\\{i: c_i = j, o_i = k\\} / \\#\\{i: c_i = j\\}$
    /// for clean labels c and observed labels o.
    ///
    /// # Shapes
    /// (K, K): row the clean class, column the observed one; each row sums to 1.
    ///
    /// # Errors
    /// [`DataError::EmptyClass`] if a class has no clean label, [`DataError::LabelOutOfRange`] if a label
    /// is not below `classes`.
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let noisy = LabelNoise::Uniform { eta: 0.0 }.inject(&[0, 1, 1, 0], 2, 1)?;
    /// assert_eq!(noisy.transition()?, ndarray::array![[1.0, 0.0], [0.0, 1.0]]);
    /// # Ok::<(), memdil_data::DataError>(())
    /// ```
    pub fn transition(&self) -> Result<Array2<f64>, DataError> {
        check_labels(&self.clean, self.classes)?;
        check_labels(&self.observed, self.classes)?;
        // Before the matrix is made, so that a class number far too large costs no memory.
        let present: BTreeSet<usize> = self.clean.iter().map(|&label| label as usize).collect();
        if let Some(class) = (0..self.classes).find(|class| !present.contains(class)) {
            return Err(DataError::EmptyClass { class });
        }
        let mut counts = Array2::<f64>::zeros((self.classes, self.classes));
        for (&clean, &observed) in self.clean.iter().zip(&self.observed) {
            counts[[clean as usize, observed as usize]] += 1.0;
        }
        for mut row in counts.rows_mut() {
            row /= row.sum();
        }
        Ok(counts)
    }
}

fn check_eta(eta: f64) -> Result<(), DataError> {
    if (0.0..=1.0).contains(&eta) {
        Ok(())
    } else {
        Err(DataError::OutOfRange { what: "eta", value: eta, range: "0 <= eta <= 1" })
    }
}

pub(crate) fn check_clean(clean: &[u32], classes: usize) -> Result<(), DataError> {
    if !(2..=u32::MAX as usize).contains(&classes) {
        return Err(DataError::OutOfRange {
            what: "classes",
            value: classes as f64,
            range: "2 or more, as many as labels of 32 bits can number",
        });
    }
    if clean.is_empty() {
        return Err(DataError::NoLabels);
    }
    check_labels(clean, classes)
}

pub(crate) fn share(mask: &[bool]) -> f64 {
    mask.iter().filter(|&&corrupted| corrupted).count() as f64 / mask.len() as f64
}
