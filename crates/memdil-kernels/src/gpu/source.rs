//! The source of the kernels and their names.

/// The kernels in CUDA C.
pub const SOURCE: &str = include_str!("kernels.cu");

/// Names of the kernels.
pub const KERNELS: [&str; 14] = [
    "gather",
    "forward_16",
    "forward_32",
    "backward_16",
    "backward_32",
    "normalize",
    "normalize_by_running",
    "normalize_backward",
    "update",
    "loss_step",
    "segment_sums",
    "center",
    "square_sums",
    "agreements",
];
