//! Runs as the report sees them: values by name, and the groups that figures and claims compare.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use memdil_records::{
    EpochRecord, RunFolder, RunRecord, RunSpec, SearchRecord, Status, TestRecord,
    find_undamaged_runs, layer_peeled_path, read_manifest,
};
use serde::{Deserialize, Serialize};

use crate::loss::Loss;
use crate::{ReportError, text};

/// A finished run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) record: RunRecord,
    pub(crate) folder: RunFolder,
    panel: Panel,
    /// What was planned, where a search found other settings.
    planned: Option<RunSpec>,
    noise_level: f64,
}

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
        match self {
            Self::Accuracy => "test accuracy, %",
            Self::Dilation => "dilation (test NC1)",
            Self::DilationCorrect => "dilation, correct samples only",
            Self::Rho => "rho",
            Self::Nc1 => "train NC1",
            Self::Nc1All => "train NC1, all samples",
            Self::Memorization => "memorization, mean",
            Self::MemorizationAll => "memorization, all samples",
            Self::RelativeMemorization => "memorization / separation",
            Self::TotalMemorization => "memorization per training sample / separation",
            Self::MemorizedAsGiven => "memorised as given",
            Self::Separation => "separation",
            Self::Nc2Etf => "NC2",
            Self::Nc3 => "NC3",
            Self::TestEce => "test ECE",
        }
    }
}

/// What is drawn in one panel: runs that differ in loss, noise level and seed only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Panel {
    pub(crate) experiment: String,
    pub(crate) source: String,
    pub(crate) classes: Vec<u32>,
    pub(crate) width: Option<usize>,
    /// `MLP 4×64`.
    pub(crate) network: String,
    /// What else is said about training, data and noise.
    extra: String,
    /// Everything but loss, noise level and seed, so that different settings never share a panel.
    settings: String,
}

impl Panel {
    /// Settings that were searched over are no part of what a panel has in common.
    fn new(spec: &RunSpec, searched: &[String]) -> Self {
        let mut settings = serde_json::to_value(spec).unwrap_or_default();
        let noise = settings["noise"]["kind"].clone();
        if let Some(settings) = settings.as_object_mut() {
            // What runs of a panel may differ in.
            for key in ["loss", "noise", "seed"] {
                settings.remove(key);
            }
        }
        for name in searched {
            let (table, key) = name.rsplit_once('.').unwrap_or(("", name));
            let pointer: String = table
                .split('.')
                .filter(|part| !part.is_empty())
                .map(|p| format!("/{p}"))
                .collect();
            if let Some(table) = settings
                .pointer_mut(&pointer)
                .and_then(serde_json::Value::as_object_mut)
            {
                table.remove(key);
            }
        }
        let mut extra = format!(", {} epochs", spec.training.epochs);
        if !searched.is_empty() {
            extra += ", settings searched";
        }
        if let Some(images) = spec.data.images_per_class {
            extra += &format!(", {images} images per class");
        }
        if let Some(images) = spec.data.test_images_per_class {
            extra += &format!(", {images} to test");
        }
        if let Some(kind) = noise.as_str().filter(|kind| *kind != "uniform") {
            extra += &format!(", {} noise", kind.replace('_', " "));
        }
        Self {
            experiment: spec.experiment.clone(),
            source: spec.data.source.name().to_owned(),
            classes: spec.data.classes.clone(),
            width: spec.model.width(),
            network: spec.model.to_string(),
            extra,
            settings: format!("{settings} {noise} {}", other_noise(spec)),
        }
    }
}

/// With latent classes, whose level is the split, the other noise.
fn other_noise(spec: &RunSpec) -> String {
    let noise = serde_json::to_value(&spec.noise).unwrap_or_default();
    let eta = noise.get("split").and_then(|_| noise.get("eta"));
    eta.map_or_else(String::new, ToString::to_string)
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            network,
            extra,
            ..
        } = self;
        write!(
            f,
            "{source} {}, {network}{extra}",
            text::classes(&self.classes)
        )
    }
}

impl Run {
    fn new(folder: RunFolder, record: RunRecord, searched: &BTreeMap<&str, Searched<'_>>) -> Self {
        let searched = searched.get(record.id.as_str());
        let panel = Panel::new(&record.spec, searched.map_or(&[], |s| s.settings));
        Self {
            planned: searched.map(|searched| searched.spec.clone()),
            noise_level: noise_level(&record),
            record,
            folder,
            panel,
        }
    }

    /// The specification that was planned: after a search, the one that it searched around.
    pub(crate) fn planned(&self) -> &RunSpec {
        self.planned.as_ref().unwrap_or(&self.record.spec)
    }

    /// The last epoch of a run that completed.
    pub(crate) fn last(&self) -> Option<&EpochRecord> {
        self.record
            .last
            .as_ref()
            .filter(|_| self.record.status == Status::Completed)
    }

    pub(crate) fn test(&self) -> Option<&TestRecord> {
        self.last()?.test.as_ref()
    }

    /// The epochs that were measured on test images too; none where only the record was kept.
    pub(crate) fn epochs(&self) -> Result<Vec<EpochRecord>, ReportError> {
        if !self.folder.metrics().exists() {
            return Ok(Vec::new());
        }
        Ok(self
            .folder
            .epochs()?
            .into_iter()
            .filter(|epoch| epoch.test.is_some())
            .collect())
    }

    pub(crate) fn diverged(&self) -> bool {
        self.record.status == Status::Diverged
    }

    pub(crate) fn loss(&self) -> Loss {
        Loss::from(&self.record.spec.loss)
    }

    /// The loss with its parameter, `LS 0.1`.
    pub(crate) fn loss_label(&self) -> String {
        self.record.spec.loss.label()
    }

    /// The parameter of the loss, where it has one.
    pub(crate) fn alpha(&self) -> Option<f64> {
        self.record.spec.loss.alpha()
    }

    /// The requested noise; with latent classes the share of latent labels.
    pub(crate) fn eta(&self) -> f64 {
        self.noise_level
    }

    pub(crate) fn seed(&self) -> u64 {
        self.record.spec.seed
    }

    /// A finite value of a run that completed.
    pub(crate) fn value(&self, quantity: Quantity) -> Option<f64> {
        let (last, test) = (self.last()?, self.test());
        let value = match quantity {
            Quantity::Accuracy => test.map(|t| 100.0 * t.accuracy),
            Quantity::Dilation => test?.dilation,
            Quantity::DilationCorrect => test?.dilation_correct,
            Quantity::Rho => test?.rho,
            Quantity::TestEce => test?.ece,
            Quantity::Nc1 => last.nc1,
            Quantity::Nc1All => last.nc1_all,
            Quantity::Nc2Etf => last.nc2_etf,
            Quantity::Nc3 => last.nc3,
            Quantity::Separation => last.separation,
            Quantity::MemorizedAsGiven => last.memorized_as_given,
            Quantity::Memorization => last.memorization_mean,
            Quantity::MemorizationAll => last.memorization_mean_all,
            Quantity::RelativeMemorization => match last.memorization_mean {
                Some(mean) => Some(mean / last.separation?),
                // The sum over no sample is zero: nothing was memorised.
                None => last.memorization_sum.filter(|sum| *sum <= 0.0),
            },
            Quantity::TotalMemorization => {
                let samples = self.record.samples[0] as f64;
                match last.memorization_sum? {
                    sum if sum > 0.0 => Some(sum / samples / last.separation?),
                    sum => Some(sum),
                }
            }
        };
        value.filter(|v| v.is_finite())
    }

    /// True when the noise is latent classes.
    pub(crate) fn is_latent(&self) -> bool {
        split(&self.record).is_some()
    }

    pub(crate) fn panel(&self) -> &Panel {
        &self.panel
    }
}

/// The degree of noise that an experiment varies.
fn noise_level(record: &RunRecord) -> f64 {
    split(record).unwrap_or(record.requested_noise)
}

/// The share of a class that gets a latent label.
fn split(record: &RunRecord) -> Option<f64> {
    let noise = serde_json::to_value(&record.spec.noise).unwrap_or_default();
    noise.get("split").and_then(serde_json::Value::as_f64)
}

/// The specification that a retrained run was searched around, and the settings that were searched.
struct Searched<'a> {
    spec: &'a RunSpec,
    settings: &'a [String],
}

/// What was searched, by retrained run.
fn searched(searches: &[SearchRecord]) -> BTreeMap<&str, Searched<'_>> {
    let mut searched = BTreeMap::new();
    for SearchRecord {
        spec,
        settings,
        retrained,
        ..
    } in searches
    {
        if let Some(retrained) = retrained {
            searched.insert(retrained.run.as_str(), Searched { spec, settings });
        }
    }
    searched
}

/// Refuses what is not a folder, before anything in it is read.
pub(crate) fn check_folder(folder: &Path) -> Result<(), ReportError> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(ReportError::NoFolder {
        path: folder.to_owned(),
    })
}

/// Every finished run below `folder`, in the order of the tables. There may be no run where free
/// features were trained or a search is under way.
///
/// With manifests only their runs, of which none has to have finished: the report names those that are
/// missing.
pub(crate) fn read_runs(
    folder: &Path,
    manifests: &[PathBuf],
    searches: &[SearchRecord],
) -> Result<Vec<Run>, ReportError> {
    check_folder(folder)?;
    let searched = searched(searches);
    let new = |(folder, record)| Run::new(folder, record, &searched);
    let (found, damaged) = find_undamaged_runs(folder)?;
    let mut runs: Vec<Run> = found.into_iter().map(new).collect();
    if manifests.is_empty() {
        damaged.into_iter().next().map_or(Ok(()), Err)?;
    } else {
        // What is planned and damaged is missing, and said to be so.
        let mut planned = HashSet::new();
        for manifest in manifests {
            planned.extend(read_manifest(manifest)?.into_iter().map(|line| line.id));
        }
        runs.retain(|run| planned.contains(&run.record.id));
    }
    if runs.is_empty()
        && manifests.is_empty()
        && searches.is_empty()
        && !layer_peeled_path(folder).exists()
    {
        return Err(ReportError::NoRuns {
            path: folder.to_owned(),
        });
    }
    sort(&mut runs);
    Ok(runs)
}

/// The runs of the manifests that have not finished.
pub(crate) fn missing(runs: &[Run], manifests: &[PathBuf]) -> Result<Vec<String>, ReportError> {
    let known: HashSet<&str> = runs.iter().map(|run| run.record.id.as_str()).collect();
    let mut missing = Vec::new();
    for manifest in manifests {
        let lines = read_manifest(manifest)?.into_iter();
        missing.extend(
            lines
                .map(|line| line.id)
                .filter(|id| !known.contains(id.as_str())),
        );
    }
    Ok(missing)
}

/// By panel, noise level, loss and seed; ids settle what is left, so that the order never depends
/// on the disk.
pub(crate) fn sort(runs: &mut [Run]) {
    runs.sort_by_cached_key(|run| {
        let alpha = run.loss_label();
        (
            run.panel().clone(),
            Level::of(run),
            run.loss(),
            alpha,
            run.seed(),
            run.record.id.clone(),
        )
    });
}

/// A noise level as a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level(pub(crate) f64);

impl Level {
    pub(crate) fn of(run: &Run) -> Self {
        Self(run.eta())
    }
}

impl Eq for Level {}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The distinct values of a key, sorted.
pub(crate) fn distinct<'a, T: Ord>(
    runs: impl IntoIterator<Item = &'a Run>,
    key: impl Fn(&'a Run) -> T,
) -> Vec<T> {
    let keys: std::collections::BTreeSet<T> = runs.into_iter().map(key).collect();
    keys.into_iter().collect()
}

/// The losses among some runs.
pub(crate) fn losses<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<Loss> {
    distinct(runs, Run::loss)
}

/// The runs of each panel.
pub(crate) fn by_panel<'a>(runs: &[&'a Run]) -> Vec<(&'a Panel, Vec<&'a Run>)> {
    let mut panels: BTreeMap<&Panel, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        panels.entry(run.panel()).or_default().push(run);
    }
    panels.into_iter().collect()
}

/// The runs at a noise level.
pub(crate) fn at<'a>(runs: &[&'a Run], level: Level) -> Vec<&'a Run> {
    let here = runs.iter().copied();
    here.filter(|run| Level::of(run) == level).collect()
}

/// The runs with a loss.
pub(crate) fn under<'a>(runs: &[&'a Run], loss: Loss) -> Vec<&'a Run> {
    let here = runs.iter().copied();
    here.filter(|run| run.loss() == loss).collect()
}
