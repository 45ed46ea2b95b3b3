//! The memory of freed tensors.

/// Makes the process keep the memory of freed tensors for new ones. Call it once, before training a
/// convolutional network.
///
/// A training step of such a network allocates and frees tensors of many megabytes. The GNU C library
/// maps large ones anew and returns their memory when they are freed, so every step fills its tensors
/// page by page: up to a third of its time. The memory of the others fragments in the first steps,
/// so the peak grows. This function disables both; with other C libraries it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the calls only change settings of the allocator.
    #[allow(unsafe_code)]
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}
