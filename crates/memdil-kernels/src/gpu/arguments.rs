//! The arguments of the kernels. Each structure must match its counterpart in kernels.cu field by
//! field.

use bytemuck::{Pod, Zeroable};

/// An address in the device's memory; zero is null.
pub(super) type Address = u64;

/// Declares `repr(C)` structures; each line is a type followed by the fields of this type.
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
    /// Constants that the host sets before an epoch.
    Settings {
        f64: learning_rate, decay, classifier_decay, feature_decay;
        f64: momentum, beta1, beta2, epsilon;
        f64: loss_a, loss_b;
        u32: optimizer, decoupled, loss, unused;
    }

    /// State that is carried from step to step.
    State {
        // Sum of the loss over the samples of the epoch.
        f64: total;
        // The loss that stopped the training.
        f64: failed;
        // Start of the next batch in the order.
        u32: position;
        // Number of steps so far, for Adam's bias correction.
        u32: steps;
        // 1 after a loss that is not finite; later steps then change nothing.
        u32: stopped;
        u32: unused;
        // The rules of the step, computed on the device.
        [[u32; 12]; 2]: rules;
    }

    /// A trained tensor and its optimiser buffers.
    Trained {
        Address: value;
        [Address; 2]: buffers;
    }

    /// The vectors of a layer, and the values of a batch that the backward pass needs.
    Layer {
        Trained: bias, scale, shift;
        Address: running_mean, running_var;
        Address: mean, variance;
        Address: normal, output;
        u32: units, ld, normed, activation;
    }

    /// Gathers a batch from the samples into the first layer's input.
    Gather {
        Address: state;
        Address: bytes;
        // Used if `bytes` is null.
        Address: floats;
        Address: order;
        Address: scale, shift;
        Address: out;
        u32: samples, rows, values, copies, plane, ld;
    }

    /// The forward pass of a narrow batch through a layer.
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
        // Logits of the epoch's samples in their order, (samples, classes).
        Address: kept;
        // Bias of the classifier; null if the classifier is fixed.
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
        // The layer below.
        Layer: layer;
        u32: samples, inputs, units, ld, ldx, top, fixed, unused;
    }

    /// The backward pass of a wide batch through a normalisation.
    NormalizeBackward {
        Address: settings;
        Address: state;
        // Gradient of the outputs on entry, of the products on return.
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
        // Number of values before the classifier, and including its weights.
        u64: body, count;
    }

    /// Arguments of the kernels for neural collapse metrics.
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

// SAFETY: the fields are numbers without padding, and every bit pattern is a valid number.
unsafe impl Zeroable for Settings {}
// SAFETY: as above.
unsafe impl Pod for Settings {}
// SAFETY: as above.
unsafe impl Zeroable for State {}
// SAFETY: as above.
unsafe impl Pod for State {}
