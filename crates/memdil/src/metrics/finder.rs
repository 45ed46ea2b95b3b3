//! Finds arrays in the main file and in the files of the options.

use std::path::PathBuf;

use memdil_data::DataError;
use memdil_data::arrays::{Array, ArrayFile, Role};

use super::messages::Remedy;
use crate::failure::Failure;

/// Finds arrays and records which ones the main file supplied.
pub(super) struct Finder<'a> {
    main: &'a ArrayFile,
    /// Whether features are not given, so that only logits and labels are used.
    logits_only: bool,
    /// The role and the location of each array of the main file that is used.
    pub(super) found: Vec<(Role, String)>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(main: &'a ArrayFile, logits_only: bool) -> Self {
        Self {
            main,
            logits_only,
            found: Vec::new(),
        }
    }

    /// The features of the main file.
    pub(super) fn features(&mut self) -> Result<Option<Array>, Failure> {
        let features = if self.logits_only {
            None
        } else {
            features(self.main)?
        };
        self.note(Role::Features, features.as_ref());
        Ok(features)
    }

    /// The array of a role, from the file of its option if given, otherwise from the main file.
    pub(super) fn find(
        &mut self,
        role: Role,
        option: &Option<PathBuf>,
    ) -> Result<Option<Array>, Failure> {
        if let Some(path) = option {
            let file = ArrayFile::open(path)?;
            return match file.find(role)? {
                Some(array) => Ok(Some(array)),
                None => Err(Remedy::Option.missing(role, &file)),
            };
        }
        let needs_features = matches!(role, Role::Classifier | Role::Bias | Role::TestFeatures);
        if self.logits_only && needs_features {
            return Ok(None);
        }
        let array = match self.main.named(role)? {
            None if role == Role::Labels => only_labels(self.main)?,
            array => array,
        };
        self.note(role, array.as_ref());
        Ok(array)
    }

    fn note(&mut self, role: Role, array: Option<&Array>) {
        let place = array.map(|array| (role, array.place().to_owned()));
        self.found.extend(place);
    }
}

/// The features of an archive: by name, or the only matrix of floats among the arrays without a
/// known name (`np.savez(f, h, y)` names them `arr_0` and `arr_1`).
fn features(main: &ArrayFile) -> Result<Option<Array>, Failure> {
    let features = match main.find(Role::Features)? {
        // If there are logits, a matrix without a known name need not be the features.
        None if main.named(Role::Logits)?.is_none() => {
            main.only(|array| array.matrix_shape().is_ok_and(|(_, columns)| columns > 1))?
        }
        features => features,
    };
    if let Some(features) = &features {
        features.matrix_shape()?;
    }
    Ok(features)
}

/// The labels of an archive, if only one of the arrays without a known name can be labels.
fn only_labels(main: &ArrayFile) -> Result<Option<Array>, DataError> {
    main.only(|array| !array.dtype().is_float() && array.labels().is_ok())
}
