//! Scores of single samples: their archive, and how well they find corrupted labels.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use memdil_metrics::{LogitScores, MeanGeometry, MetricsError, Ranking, SampleGeometry, ranking};
use ndarray::ArrayView1;
use ndarray_npy::{NpzWriter, WriteNpzError};

/// Scores that do not use clean labels, and whether samples with a wrong label have larger values.
const SUSPICION: [(&str, bool); 4] = [
    ("distance_given", true),
    ("alignment_given", false),
    ("loss", true),
    ("margin", false),
];

/// Arrays with one value per sample.
pub(crate) struct SampleScores {
    labels: Vec<i64>,
    clean_labels: Option<Vec<i64>>,
    /// Name and values of each array.
    scores: Vec<(&'static str, Vec<f64>)>,
    /// The reason for each array that is undefined for the inputs.
    pub(super) undefined: BTreeMap<String, String>,
}

/// Ranking of the corrupted samples by each score.
pub(super) type Rankings = BTreeMap<&'static str, Ranking>;

impl SampleScores {
    /// The scores of samples with these labels and clean labels.
    pub(super) fn new(
        (labels, clean_labels): (&[i64], Option<&[i64]>),
        geometry: Option<Result<SampleGeometry, MetricsError>>,
        of_logits: Option<Result<LogitScores, MetricsError>>,
    ) -> Result<Self, MetricsError> {
        let mut found = Self {
            labels: labels.to_vec(),
            clean_labels: clean_labels.map(<[i64]>::to_vec),
            scores: Vec::new(),
            undefined: BTreeMap::new(),
        };
        if let Some(geometry) = geometry.transpose()? {
            found.add_means(["distance_given", "alignment_given"], Ok(geometry.given));
            if let Some(clean) = geometry.clean {
                found.add_means(["distance_clean", "alignment_clean"], clean);
            }
        }
        if let Some(of_logits) = of_logits.transpose()? {
            found.scores.push(("loss", of_logits.losses));
            found.scores.push(("margin", of_logits.margins));
        }
        Ok(found)
    }

    fn add_means(
        &mut self,
        [distance, alignment]: [&'static str; 2],
        found: Result<MeanGeometry, MetricsError>,
    ) {
        let (distances, alignments) = match found {
            Ok(found) => (Ok(found.distances), found.alignments),
            Err(reason) => (Err(reason.clone()), Err(reason)),
        };
        for (name, values) in [(distance, distances), (alignment, alignments)] {
            match values {
                Ok(values) => self.scores.push((name, values)),
                Err(reason) => {
                    let name = format!("samples.{name}");
                    self.undefined.insert(name, reason.to_string());
                }
            }
        }
    }

    /// How well each score finds the corrupted samples; `None` without clean labels, and empty if
    /// no sample is corrupted or all are.
    pub(super) fn rankings(&self) -> Result<Option<Rankings>, MetricsError> {
        let Some(clean) = &self.clean_labels else {
            return Ok(None);
        };
        let pairs = self.labels.iter().zip(clean);
        let corrupted: Vec<bool> = pairs.map(|(given, clean)| given != clean).collect();
        let mut found = BTreeMap::new();
        for (name, rises) in SUSPICION {
            let Some((_, values)) = self.scores.iter().find(|(own, _)| *own == name) else {
                continue;
            };
            let sign = if rises { 1.0 } else { -1.0 };
            let scores: Vec<f64> = values.iter().map(|value| sign * value).collect();
            if let Some(of_score) = ranking(&scores, &corrupted)? {
                found.insert(name, of_score);
            }
        }
        Ok(Some(found))
    }

    /// Writes an archive with the labels and all scores.
    pub(super) fn write_npz(&self, out: impl Write + Seek) -> Result<(), WriteNpzError> {
        let mut npz = NpzWriter::new(out);
        npz.add_array("labels", &ArrayView1::from(&self.labels))?;
        if let Some(clean) = &self.clean_labels {
            npz.add_array("clean_labels", &ArrayView1::from(clean))?;
        }
        for (name, values) in &self.scores {
            npz.add_array(*name, &ArrayView1::from(values))?;
        }
        npz.finish()?;
        Ok(())
    }
}
