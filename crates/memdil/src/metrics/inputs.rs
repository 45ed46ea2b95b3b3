//! Which array comes from which file, and the call into the metrics.

use std::borrow::Cow;
use std::path::Path;

use memdil_metrics::{Inputs, Metrics, MetricsError, measure};
use memdil_report::Sample;
use ndarray::{ArrayView1, Axis};

use super::Arguments;
use crate::arrays::{Array, BadInput, Dtype, Float, Kind, Source};

/// The arrays, by their names in an archive, which are the options' names too.
const ARRAYS: [(&str, Kind); 7] = [
    ("features", Kind::Matrix),
    ("labels", Kind::Labels),
    ("clean_labels", Kind::Labels),
    ("classifier", Kind::Matrix),
    ("bias", Kind::Vector),
    ("test_features", Kind::Matrix),
    ("test_labels", Kind::Labels),
];

/// What the archive of a run holds besides: not worth a note.
const RUN: [&str; 3] = ["logits", "test_logits", "test_clean_labels"];

/// All that was given, types and shapes checked each for itself.
pub(crate) struct Loaded {
    features: Array,
    labels: Array,
    clean_labels: Option<Array>,
    classifier: Option<Array>,
    bias: Option<Array>,
    test: Option<(Array, Array)>,
    /// Arrays of the archive that have no known name.
    pub(crate) ignored: Vec<String>,
}

impl Loaded {
    /// The arrays that the options name.
    pub(super) fn new(arguments: &Arguments) -> Result<Self, BadInput> {
        Self::read(
            Source::open(&arguments.features)?,
            arguments,
            Remedy::Option,
        )
    }

    /// The arrays of one archive.
    pub(crate) fn archive(path: &Path) -> Result<Self, BadInput> {
        let source = Source::open(path)?;
        if !source.is_archive() {
            let path = path.display();
            return Err(BadInput(format!(
                "{path}: one array is not enough; give a .npz or .safetensors that holds features and labels, as numpy.savez writes"
            )));
        }
        Self::read(source, &Arguments::default(), Remedy::Save)
    }

    fn read(mut main: Source, arguments: &Arguments, remedy: Remedy) -> Result<Self, BadInput> {
        let mut features = main.array("features", Kind::Matrix)?;
        let mut find = |name: &str, kind: Kind, option: &Option<std::path::PathBuf>| match option {
            Some(path) => from_option(name, kind, path).map(Some),
            None if main.is_archive() => main.array(name, kind),
            None => Ok(None),
        };
        let labels = find("labels", Kind::Labels, &arguments.labels)?;
        let clean_labels = find("clean_labels", Kind::Labels, &arguments.clean_labels)?;
        let classifier = find("classifier", Kind::Matrix, &arguments.classifier)?;
        let bias = find("bias", Kind::Vector, &arguments.bias)?;
        let test_features = find("test_features", Kind::Matrix, &arguments.test_features)?;
        let test_labels = find("test_labels", Kind::Labels, &arguments.test_labels)?;

        let features = features
            .take()
            .ok_or_else(|| remedy.missing("features", &main))?;
        let labels = labels.ok_or_else(|| remedy.missing("labels", &main))?;
        if let (Some(bias), None) = (&bias, &classifier) {
            return Err(remedy.half(bias, "classifier"));
        }
        let test = match (test_features, test_labels) {
            (Some(features), Some(labels)) => Some((features, labels)),
            (None, None) => None,
            (Some(given), None) => return Err(remedy.half(&given, "test_labels")),
            (None, Some(given)) => return Err(remedy.half(&given, "test_features")),
        };
        if let Some((test, _)) = &test
            && test.dtype != features.dtype
        {
            return Err(BadInput(format!(
                "{}: holds {} but the features ({}) are {}; save both as one type, a.astype(\"float32\")",
                test.place,
                test.dtype.name(),
                features.place,
                features.dtype.name()
            )));
        }
        let known =
            |name: &String| ARRAYS.iter().any(|(n, _)| n == name) || RUN.contains(&name.as_str());
        let ignored = main
            .names()
            .into_iter()
            .filter(|name| !known(name))
            .collect();
        Ok(Self {
            features,
            labels,
            clean_labels,
            classifier,
            bias,
            test,
            ignored,
        })
    }

    /// All metrics that these arrays allow.
    pub(crate) fn measure(&self, classes: Option<usize>) -> anyhow::Result<Metrics> {
        let wide = [&self.classifier, &self.bias]
            .into_iter()
            .flatten()
            .any(|array| array.dtype == Dtype::F64);
        match (&self.features.dtype, wide) {
            (Dtype::F32, false) => self.measure_as::<f32, f32>(classes),
            (Dtype::F32, true) => self.measure_as::<f32, f64>(classes),
            (_, false) => self.measure_as::<f64, f32>(classes),
            (_, true) => self.measure_as::<f64, f64>(classes),
        }
    }

    /// Some samples of the training set, and of the test set where there is one.
    pub(crate) fn samples(&self) -> anyhow::Result<(Sample, Option<Sample>)> {
        let of = |features: &Array, labels: &Array, clean_labels: Option<&Array>| {
            let rows: Vec<usize> = Sample::drawn(features.rows()).into_iter().collect();
            let picked = |labels: &Array| -> Result<Vec<usize>, BadInput> {
                let labels = labels.labels()?;
                Ok(rows.iter().map(|&row| labels[row] as usize).collect())
            };
            anyhow::Ok(Sample {
                features: match features.dtype {
                    Dtype::F32 => features
                        .matrix(&features.floats::<f32>())?
                        .select(Axis(0), &rows)
                        .mapv(f64::from),
                    _ => features
                        .matrix(&features.floats::<f64>())?
                        .select(Axis(0), &rows),
                },
                labels: picked(labels)?,
                clean_labels: clean_labels.map(picked).transpose()?,
                all: features.rows(),
            })
        };
        let train = of(&self.features, &self.labels, self.clean_labels.as_ref())?;
        let test = self
            .test
            .as_ref()
            .map(|(features, labels)| of(features, labels, None))
            .transpose()?;
        Ok((train, test))
    }

    fn measure_as<T: Float, W: Float>(&self, classes: Option<usize>) -> anyhow::Result<Metrics> {
        let labels = self.labels.labels()?;
        let clean_labels = self.clean_labels.as_ref().map(Array::labels).transpose()?;
        let test_labels = self
            .test
            .as_ref()
            .map(|(_, labels)| labels.labels())
            .transpose()?;
        let features = self.features.floats::<T>();
        let test_features = self
            .test
            .as_ref()
            .map(|(features, _)| (features, features.floats::<T>()));
        let classifier = self
            .classifier
            .as_ref()
            .map(|array| (array, array.floats::<W>()));
        let bias = self.bias.as_ref().map(Array::floats::<W>);

        let all = [Some(&labels), clean_labels.as_ref(), test_labels.as_ref()];
        let classes = classes.or_else(|| self.classifier.as_ref().map(Array::rows));
        let test_features = test_features
            .as_ref()
            .map(|(array, elements)| array.matrix(elements))
            .transpose()?;
        let inputs = Inputs {
            features: self.features.matrix(&features)?,
            labels: &labels,
            classes: classes.unwrap_or_else(|| largest(&all)),
            clean_labels: clean_labels.as_deref(),
            classifier: classifier
                .as_ref()
                .map(|(array, elements)| array.matrix(elements))
                .transpose()?,
            bias: bias.as_deref().map(ArrayView1::from),
            test: test_features.zip(test_labels.as_deref()),
        };
        Ok(measure(&inputs).map_err(|error| self.name_files(&error))?)
    }

    /// The message of an error, with the file behind each array that it names.
    fn name_files(&self, error: &MetricsError) -> BadInput {
        let (test_features, test_labels) = self.test.as_ref().map(|(h, y)| (h, y)).unzip();
        let arrays = [
            Some(&self.features),
            Some(&self.labels),
            self.clean_labels.as_ref(),
            self.classifier.as_ref(),
            self.bias.as_ref(),
            test_features,
            test_labels,
        ];
        let place = |word: &str| {
            let named = ARRAYS
                .iter()
                .zip(arrays)
                .find(|((name, _), _)| *name == word);
            named
                .and_then(|(_, array)| array)
                .map(|array| array.place.as_str())
        };
        BadInput(annotate(&error.to_string(), place))
    }
}

/// Adds to every word that has a place the place in brackets.
fn annotate<'a>(message: &str, place: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::new();
    for part in message.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_')) {
        let word = part.trim_end_matches(|c: char| !(c.is_alphanumeric() || c == '_'));
        text += word;
        if let Some(place) = place(word) {
            text += &format!(" ({place})");
        }
        text += &part[word.len()..];
    }
    text
}

/// Classes are counted from 0, so there is one more than the largest label.
fn largest(labels: &[Option<&Cow<'_, [i64]>>]) -> usize {
    let largest = labels
        .iter()
        .flatten()
        .flat_map(|labels| labels.iter())
        .max();
    largest.map_or(0, |&label| {
        usize::try_from(label).map_or(usize::MAX, |label| label.saturating_add(1))
    })
}

fn from_option(name: &str, kind: Kind, path: &Path) -> Result<Array, BadInput> {
    let mut source = Source::open(path)?;
    source
        .array(name, kind)?
        .ok_or_else(|| Remedy::Option.missing(name, &source))
}

/// What can be done about an array that is not there.
#[derive(Clone, Copy)]
enum Remedy {
    /// Name a file by its option.
    Option,
    /// Save it in the archive: there are no options.
    Save,
}

impl Remedy {
    fn missing(self, name: &str, source: &Source) -> BadInput {
        let path = source.path();
        if !source.is_archive() {
            return BadInput(format!(
                "{path}: {name} are needed too; give --{} FILE",
                name.replace('_', "-")
            ));
        }
        let there = source.names().join(", ");
        let there = if there.is_empty() {
            "nothing".to_owned()
        } else {
            there
        };
        let option = match self {
            Self::Option => format!(" or give --{} FILE", name.replace('_', "-")),
            Self::Save => String::new(),
        };
        BadInput(format!(
            "{path}: has no array {name}, it holds {there}; save one by that name{option}"
        ))
    }

    fn half(self, given: &Array, other: &str) -> BadInput {
        let remedy = match self {
            Self::Option => format!("give --{} too", other.replace('_', "-")),
            Self::Save => "save that too".to_owned(),
        };
        BadInput(format!(
            "{}: is given without {other}; {remedy}",
            given.place
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_in_a_message_get_their_files() {
        let place = |word: &str| match word {
            "features" => Some("h.npy"),
            "test_labels" => Some("run.npz: test_labels"),
            _ => None,
        };
        assert_eq!(
            annotate("features: row 17 holds a NaN", place),
            "features (h.npy): row 17 holds a NaN"
        );
        let found = annotate("test_labels has 3 entries, but features needs 4", place);
        assert_eq!(
            found,
            "test_labels (run.npz: test_labels) has 3 entries, but features (h.npy) needs 4"
        );
        assert_eq!(
            annotate("test_features, labels", place),
            "test_features, labels"
        );
    }
}
