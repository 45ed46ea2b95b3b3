//! Clean labels, alone or with their images.

use std::path::{Path, PathBuf};

use memdil_data::noise::read_labels;
use memdil_data::{DataSpec, Input, Inputs, Source, load};

use crate::arguments::DataDirs;
use crate::data::source;
use crate::failure::{BadInput, Failure};

/// Options that name the samples.
#[derive(clap::Args)]
pub(crate) struct SampleArguments {
    /// Clean labels, one per sample: .npy, .npz, .safetensors or .csv
    #[arg(long, value_name = "FILE", required_unless_present_any = ["images", "source"])]
    pub(crate) labels: Option<PathBuf>,
    /// Number of classes
    #[arg(long, value_name = "K", required_unless_present_any = ["images", "source"])]
    classes: Option<usize>,
    /// Your own images with their labels, a file as for data.npz; labels are numbered 0, 1, ... in
    /// the order of the classes
    #[arg(long, value_name = "FILE.npz", conflicts_with = "source")]
    images: Option<PathBuf>,
    /// Data set of the images and their labels, such as fashion-mnist-embedded
    #[arg(long, value_name = "NAME", value_parser = source)]
    source: Option<Source>,
    #[command(flatten)]
    data: DataDirs,
}

/// The clean labels, and the images if the options name them.
pub(crate) struct Samples {
    pub(crate) labels: Vec<u32>,
    pub(crate) classes: usize,
    pub(crate) images: Option<Inputs>,
}

impl SampleArguments {
    /// The paths of the input files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.labels, &self.images];
        files.into_iter().filter_map(|file| file.as_deref())
    }

    /// Reads the samples. Labels and classes that are given besides images must be those of the
    /// images.
    pub(crate) fn read(&self) -> Result<Samples, Failure> {
        let labels = self.labels.as_deref().map(read_labels).transpose()?;
        let source = match (&self.images, &self.source) {
            (Some(path), _) => Source::Npz(path.clone()),
            (None, Some(source)) => source.clone(),
            (None, None) => {
                return Ok(Samples {
                    labels: labels.unwrap_or_default(),
                    classes: self.classes.unwrap_or_default(),
                    images: None,
                });
            }
        };
        let spec = DataSpec::new(source);
        let name = match spec.source.npz() {
            Some(path) => path.display().to_string(),
            None => spec.source.name().to_owned(),
        };
        let data = load(&spec, &self.data.data_dirs)?;
        let classes = data.classes();
        if let Some(given) = self.classes.filter(|&given| given != classes) {
            return Err(BadInput(format!(
                "--classes {given}: {name} has {classes} classes; omit --classes"
            ))
            .into());
        }
        if let (Some(labels), Some(path)) = (labels, &self.labels) {
            check_equal(&labels, &data.train.labels).map_err(|fault| {
                BadInput(format!(
                    "{}: {fault} of {name}; omit --labels",
                    path.display()
                ))
            })?;
        }
        Ok(Samples {
            images: Some(Inputs::new(
                data.train.images,
                &data.mean,
                &data.std,
                Input::Native,
            )?),
            labels: data.train.labels,
            classes,
        })
    }
}

/// Compares labels with those of the images; the error message ends in a noun.
fn check_equal(labels: &[u32], of_images: &[u32]) -> Result<(), String> {
    let (found, n) = (labels.len(), of_images.len());
    if found != n {
        return Err(format!("holds {found} labels, but there are {n} images"));
    }
    match (0..n).find(|&row| labels[row] != of_images[row]) {
        None => Ok(()),
        Some(row) => Err(format!(
            "the label in row {row} is {}, but {} in the images",
            labels[row], of_images[row]
        )),
    }
}
