//! Complete runs on the embedded images, which take a few seconds each.

use std::fs;
use std::path::Path;

use memdil_data::NoisyLabels;
use memdil_records::{RunFolder, RunSpec, SampleScore, Status};
