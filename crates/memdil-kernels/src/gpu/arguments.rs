//! What the kernels take: twins of the structures in kernels.cu, in the same order.

use bytemuck::{Pod, Zeroable};

/// An address in the device's memory; zero for none.
pub(super) type Address = u64;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Settings {
    pub(super) learning_rate: f64,
    pub(super) decay: f64,
    pub(super) classifier_decay: f64,
    pub(super) feature_decay: f64,
    pub(super) momentum: f64,
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) loss_a: f64,
    pub(super) loss_b: f64,
    pub(super) optimizer: u32,
    pub(super) decoupled: u32,
    pub(super) loss: u32,
    pub(super) unused: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct State {
    pub(super) total: f64,
    pub(super) failed: f64,
    pub(super) position: u32,
    pub(super) steps: u32,
    pub(super) stopped: u32,
    pub(super) unused: u32,
    /// The rules of the step, which the device makes.
    pub(super) rules: [[u32; 12]; 2],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Trained {
    pub(super) value: Address,
    pub(super) buffers: [Address; 2],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Layer {
    pub(super) bias: Trained,
    pub(super) scale: Trained,
    pub(super) shift: Trained,
    pub(super) running_mean: Address,
    pub(super) running_var: Address,
    pub(super) mean: Address,
    pub(super) variance: Address,
    pub(super) normal: Address,
    pub(super) output: Address,
    pub(super) units: u32,
    pub(super) ld: u32,
    pub(super) normed: u32,
    pub(super) activation: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Gather {
    pub(super) state: Address,
    pub(super) bytes: Address,
    pub(super) floats: Address,
    pub(super) order: Address,
    pub(super) scale: Address,
    pub(super) shift: Address,
    pub(super) out: Address,
    pub(super) samples: u32,
    pub(super) rows: u32,
    pub(super) values: u32,
    pub(super) copies: u32,
    pub(super) plane: u32,
    pub(super) ld: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Forward {
    pub(super) x: Address,
    pub(super) weight: Address,
    pub(super) partial: Address,
    pub(super) arrived: Address,
    pub(super) layer: Layer,
    pub(super) samples: u32,
    pub(super) inputs: u32,
    pub(super) ldx: u32,
    pub(super) rows_a_split: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Normalize {
    pub(super) layer: Layer,
    pub(super) samples: u32,
    pub(super) unused: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct LossStep {
    pub(super) settings: Address,
    pub(super) state: Address,
    pub(super) logits: Address,
    pub(super) features: Address,
    pub(super) transition: Address,
    pub(super) labels: Address,
    pub(super) order: Address,
    pub(super) delta: Address,
    pub(super) bias: Trained,
    pub(super) samples: u32,
    pub(super) rows: u32,
    pub(super) classes: u32,
    pub(super) ld: u32,
    pub(super) features_units: u32,
    pub(super) features_ld: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Backward {
    pub(super) settings: Address,
    pub(super) state: Address,
    pub(super) x: Address,
    pub(super) delta: Address,
    pub(super) weight: Trained,
    pub(super) below: Address,
    pub(super) layer: Layer,
    pub(super) samples: u32,
    pub(super) inputs: u32,
    pub(super) units: u32,
    pub(super) ld: u32,
    pub(super) ldx: u32,
    pub(super) top: u32,
    pub(super) fixed: u32,
    pub(super) unused: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct NormalizeBackward {
    pub(super) settings: Address,
    pub(super) state: Address,
    pub(super) delta: Address,
    pub(super) bias: Address,
    pub(super) scale: Address,
    pub(super) shift: Address,
    pub(super) layer: Layer,
    pub(super) samples: u32,
    pub(super) top: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Update {
    pub(super) state: Address,
    pub(super) all: Trained,
    pub(super) gradient: Address,
    pub(super) body: u64,
    pub(super) count: u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Collapse {
    pub(super) features: Address,
    pub(super) order: Address,
    pub(super) bounds: Address,
    pub(super) classes: Address,
    pub(super) means: Address,
    pub(super) centred: Address,
    pub(super) sums: Address,
    pub(super) products: Address,
    pub(super) logits: Address,
    pub(super) distances: Address,
    pub(super) columns: u32,
    pub(super) ld: u32,
    pub(super) products_ld: u32,
    pub(super) logits_ld: u32,
    pub(super) count: u32,
    pub(super) unused: u32,
}

// SAFETY: numbers that fill the structure; all of their bits are values.
unsafe impl Zeroable for Settings {}
// SAFETY: as above.
unsafe impl Pod for Settings {}
// SAFETY: as above.
unsafe impl Zeroable for State {}
// SAFETY: as above.
unsafe impl Pod for State {}
