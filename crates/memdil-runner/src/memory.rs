//! The memory of freed tensors.

/// Makes the process keep the memory of freed tensors for new ones. Call it once, before training a
/// convolutional network.
///
/// A training step of such a network allocates and frees tensors of many megabytes. By default, the
/// GNU C library maps large ones separately and returns their memory to the system when they are
/// freed, so every step faults in all pages again; the memory of the others fragments. This function
/// disables separate mappings and the return of memory, for the whole process until its end: memory
/// once used, also for reading data, stays with the process. With other C libraries it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the calls only change settings of the allocator.
    #[allow(unsafe_code)]
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
    }
}
