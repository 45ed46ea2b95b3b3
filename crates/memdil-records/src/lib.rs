//! Specifications of training runs, and the records and files that runs write.
//!
//! A run has a specification ([`RunSpec`], a line of a manifest) and a folder ([`RunFolder`]) with
//! these files:
//!
//! | file | content |
//! | --- | --- |
//! | `config.toml` | the resolved specification, with all defaults filled in |
//! | `provenance.json` | [`Provenance`]: program, commit, device, threads, CPU features |
//! | `noise.npz` | clean and observed labels of the training set |
//! | `metrics.jsonl` | one [`EpochRecord`] per line |
//! | `features.npz` | features, logits and labels after the last epoch ([`Snapshot`]) |
//! | `model.safetensors` | parameters and running statistics after the last epoch |
//! | `summary.json` | the [`RunRecord`]; written last, so its presence means that the run is complete |
//!
//! Each file is written to a temporary file, flushed to disk and renamed, so that a reader never
//! sees an incomplete file. The folder of an unfinished run also contains `.lock`,
//! `metrics.jsonl.partial`, the last two checkpoints (`checkpoint-0.safetensors` and
//! `checkpoint-1.safetensors`) and, in a sweep, `worker.log`. The parent folder, which holds the
//! folders of all runs, also contains `layer-peeled.jsonl` (one [`LayerPeeledRecord`] per line) and
//! `search/`, the files of hyper-parameter searches ([`SearchFolder`]).
//!
//! This crate does not train and does not depend on a tensor library.

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
pub use record::epoch::{EpochRecord, TestRecord};
pub use record::layer_peeled::{LayerPeeledEnd, LayerPeeledRecord, LayerPeeledStatus};
pub use record::quantity::QUANTITIES;
pub use record::run::{Provenance, RunRecord, Status};
pub use record::search::{RetrainedRecord, SearchRecord, TrialRecord};
pub use record::snapshot::{Snapshot, SnapshotPart};
pub use record::tensorboard::event_file;
pub use record::undefined::undefined_by_reason;
pub use spec::layer_peeled::LayerPeeledSpec;
pub use spec::model::{
    ActivationSpec, ClassifierSpec, ConvolutionalSpec, CustomSpec, MlpSpec, ModelSpec, NormSpec,
};
pub use spec::optimizer::OptimizerSpec;
pub use spec::run::{RunSpec, TrainingSpec};
pub use spec::schedule::ScheduleSpec;
pub use spec::search::{Sampler, SearchRange, SearchScale, SearchSpec};
