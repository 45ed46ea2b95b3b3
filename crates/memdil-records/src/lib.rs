#![doc = include_str!("../README.md")]
//!
//! ## Main items
//!
//! [`RunSpec`], [`RunFolder`], [`Provenance`], [`EpochRecord`], [`Snapshot`], [`RunRecord`],
//! [`LayerPeeledRecord`], [`SearchFolder`]

mod error;
mod folder;
mod range;
mod record;
mod spec;

pub use error::RecordError;
pub use folder::files::{create_dir, write_archive, write_atomic};
pub use folder::find::{FoundRuns, find_runs, find_undamaged_runs};
pub use folder::layer_peeled::{layer_peeled_path, read_layer_peeled, write_layer_peeled};
pub use folder::manifest::{ManifestLine, read_manifest, run_id, write_manifest};
pub use folder::run::RunFolder;
pub use folder::search::SearchFolder;
pub use record::epoch::{EpochRecord, Ranking, RankingRecord, TestRecord};
pub use record::layer::LayerRecord;
pub use record::layer_peeled::{LayerPeeledEnd, LayerPeeledRecord, LayerPeeledStatus};
pub use record::quantity::QUANTITIES;
pub use record::run::{Provenance, RunRecord, Status};
pub use record::samples::{SampleScore, SampleScores};
pub use record::search::{RetrainedRecord, SearchRecord, TrialRecord};
pub use record::snapshot::{LayerFeatures, Snapshot, SnapshotPart};
pub use record::tensorboard::event_file;
pub use record::undefined::undefined_by_reason;
pub use spec::layer_peeled::LayerPeeledSpec;
pub use spec::model::{
    ActivationSpec, ClassifierSpec, ConvolutionSpec, ConvolutionalSpec, CustomSpec, MlpSpec,
    ModelSpec, NormSpec,
};
pub use spec::optimizer::OptimizerSpec;
pub use spec::run::{RunSpec, TrainingSpec};
pub use spec::schedule::ScheduleSpec;
pub use spec::search::{Sampler, SearchRange, SearchScale, SearchSpec};
