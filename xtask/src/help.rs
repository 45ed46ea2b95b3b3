//! The text of `cargo xtask help`.

pub(crate) const HELP: &str = "\
Development tasks of memdil

Usage: cargo xtask <TASK>

Tasks:
  reproduce   Run the paper's experiments and write the report: build the program and run `memdil reproduce` with the same
              arguments
              [--preset smoke|quick|standard|standard-full|regime|paper-figure|paper] [--only NAME]... [--device cpu|cuda:N]
              [--jobs J] [--data-dir DIR]... [--out DIR] [--dry-run] [--engine local|slurm|hq] ..
  build       Build the program, optimised, as target/memdil: [--device cuda:N] for a GPU
  bench       Time the crates: criterion benches, [--only FILTER]
              --peers: instead, compare with NumPy and torch on the same arrays; the Python interpreter is $MEMDIL_PYTHON,
              by default python3
  gpu-check   Build for CUDA and check a GPU: every kernel, a training run, the time per step. Prints a JSON object
              [--device cuda:N] [--out FILE.json]
              --peers: also time PyTorch on the same GPU; the Python interpreter is the same as for bench
  docs        Check the documentation: build the book, check every link, and run every command, with short training runs.
              Installs mdBook once
  tidy        Check layering, sizes of files and functions, completeness of the docs, and dependencies
  messages    List every string that a user may read, with its position, for proofreading
  assets      Rebuild the embedded images from the full data set: --from DIR

Example: cargo xtask reproduce --preset smoke
";
