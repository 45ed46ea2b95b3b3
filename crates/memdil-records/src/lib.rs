//! What a training run is, and what it leaves behind.
//!
//! A run is one [`RunSpec`] (a line of a manifest) and one folder ([`RunFolder`]) that holds
//!
//! | file | content |
//! | --- | --- |
//! | `config.toml` | the resolved specification, every default written out |
//! | `provenance.json` | [`Provenance`]: program, commit, device, threads, CPU features |
//! | `noise.npz` | clean and observed labels of the training set |
//! | `metrics.jsonl` | one [`EpochRecord`] a line |
//! | `features.npz` | features, logits and labels after the last epoch ([`Snapshot`]) |
//! | `model.safetensors` | parameters and running statistics after the last epoch |
//! | `summary.json` | the [`RunRecord`]: written last, so its presence means the run is complete |
//!
//! These are written to a temporary file, flushed to disk and renamed: no reader ever sees half a
//! file. While a run is going on there are also `.lock`, `metrics.jsonl.partial`, its last two
//! checkpoints (`checkpoint-0.safetensors` and `checkpoint-1.safetensors`) and, in a sweep,
//! `worker.log`. Beside the folders of runs, `layer-peeled.jsonl` holds one [`LayerPeeledRecord`] a
//! line, and `search/` what hyper-parameter searches leave ([`SearchFolder`]).
//! This crate trains nothing and knows no tensor library.

mod atomic;
mod error;
mod folder;
mod layer_peeled;
mod manifest;
mod metrics_check;
mod model;
mod optimizer;
mod quantity;
mod record;
mod search;
mod search_folder;
mod snapshot;
mod spec;
mod tensorboard;
mod undefined;

pub use atomic::{create_dir, write_archive, write_atomic};
pub use error::RecordError;
pub use folder::{FoundRuns, RunFolder, find_runs, find_undamaged_runs};
pub use layer_peeled::{
    LayerPeeledEnd, LayerPeeledRecord, LayerPeeledSpec, LayerPeeledStatus, layer_peeled_path,
    read_layer_peeled, write_layer_peeled,
};
pub use manifest::{ManifestLine, read_manifest, run_id, write_manifest};
pub use model::{
    ActivationSpec, ClassifierSpec, CustomSpec, MlpSpec, ModelSpec, NormSpec, ResNetSpec, VggSpec,
};
pub use optimizer::{OptimizerSpec, ScheduleSpec};
pub use quantity::QUANTITIES;
pub use record::{EpochRecord, Provenance, RunRecord, Status, TestRecord};
pub use search::{
    RetrainedRecord, Sampler, SearchRange, SearchRecord, SearchScale, SearchSpec, TrialRecord,
};
pub use search_folder::SearchFolder;
pub use snapshot::{Snapshot, SnapshotPart};
pub use spec::{RunSpec, TrainingSpec};
pub use tensorboard::event_file;
pub use undefined::undefined_by_reason;
