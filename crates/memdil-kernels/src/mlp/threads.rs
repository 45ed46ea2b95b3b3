//! The distribution of a layer's tasks over threads.

/// Number of multiplications below which a layer is computed on one thread.
const SMALL: usize = 1 << 19;

/// The least number of tasks per thread. If the work is small or the pool has one thread, it is so
/// large that the calling thread runs all tasks: rayon would switch to the pool's thread and back,
/// and the core of that thread may not have the data in its cache.
pub(super) fn tasks_per_thread(multiplications: usize) -> usize {
    if multiplications < SMALL || rayon::current_num_threads() == 1 {
        usize::MAX
    } else {
        1
    }
}
