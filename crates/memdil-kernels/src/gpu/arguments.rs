//! The arguments of the kernels: twins of the structures in kernels.cu, line by line.

use bytemuck::{Pod, Zeroable};

/// An address in the device's memory; zero is null.
pub(super) type Address = u64;

/// Declares structures of C: on each line a type, then the fields that have it.
macro_rules! structures {
    ($($(#[$doc:meta])* $name:ident {
        $($type:ty: $($field:ident),+;)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        #[repr(C)]
        pub(super) struct $name {
            $($(pub(super) $field: $type,)+)+
        }
    )+};
}

structures! {
    /// What the host sets before an epoch.
    Settings {
        f64: learning_rate, decay, classifier_decay, feature_decay;
        f64: momentum, beta1, beta2, epsilon;
        f64: loss_a, loss_b;
        u32: optimizer, decoupled, loss, unused;
    }

    /// What a step leaves for the next one.
    State {
        // Sum of the loss over the samples of the epoch.
        f64: total;
        // The loss that stopped the training.
        f64: failed;
        // Where in the order the next batch begins.
        u32: position;
        // Steps made, for Adam's bias correction.
        u32: steps;
        // 1 after a loss that is not a finite number: nothing changes any more.
        u32: stopped;
        u32: unused;
        // The rules of the step, which the device makes.
        [[u32; 12]; 2]: rules;
    }

    /// A trained tensor and the optimiser's buffers beside it.
    Trained {
        Address: value;
        [Address; 2]: buffers;
    }

    /// A layer's vectors and what the backward pass needs of its batch.
    Layer {
        Trained: bias, scale, shift;
        Address: running_mean, running_var;
        Address: mean, variance;
        Address: normal, output;
        u32: units, ld, normed, activation;
    }

    /// A batch, from the samples to the first layer's input.
    Gather {
        Address: state;
        Address: bytes;
        // Used where `bytes` is null.
        Address: floats;
        Address: order;
        Address: scale, shift;
        Address: out;
        u32: samples, rows, values, copies, plane, ld;
    }

    /// A layer of a narrow batch.
    Forward {
        Address: x, weight;
        Address: partial;
        Address: arrived;
        Layer: layer;
        u32: samples, inputs, ldx, rows_a_split;
    }

    /// The normalisation of a wide batch, or of an evaluation.
    Normalize {
        Layer: layer;
        u32: samples, unused;
    }

    /// The loss and its gradient.
    LossStep {
        Address: settings;
        Address: state;
        Address: logits, features;
        Address: transition;
        Address: labels, order;
        Address: delta;
        // Of the classifier; null where it is fixed.
        Trained: bias;
        u32: samples, rows, classes, ld, features_units, features_ld;
    }

    /// The backward pass of a narrow batch through a layer.
    Backward {
        Address: settings;
        Address: state;
        Address: x, delta;
        Trained: weight;
        // Null at the first layer.
        Address: below;
        // The one below.
        Layer: layer;
        u32: samples, inputs, units, ld, ldx, top, fixed, unused;
    }

    /// The backward pass of a wide batch through a normalisation.
    NormalizeBackward {
        Address: settings;
        Address: state;
        // Of the outputs, then of the products.
        Address: delta;
        Address: bias, scale, shift;
        Layer: layer;
        u32: samples, top;
    }

    /// The update after a wide batch.
    Update {
        Address: state;
        Trained: all;
        Address: gradient;
        // Values before the classifier, and those with its weights.
        u64: body, count;
    }

    /// The metrics of neural collapse.
    Collapse {
        Address: features;
        Address: order;
        Address: bounds;
        Address: classes;
        Address: means;
        Address: centred;
        Address: sums;
        Address: products;
        Address: logits;
        Address: distances;
        u32: columns, ld, products_ld, logits_ld, count, unused;
    }
}

// SAFETY: numbers that fill the structure; all of their bits are values.
unsafe impl Zeroable for Settings {}
// SAFETY: as above.
unsafe impl Pod for Settings {}
// SAFETY: as above.
unsafe impl Zeroable for State {}
// SAFETY: as above.
unsafe impl Pod for State {}
