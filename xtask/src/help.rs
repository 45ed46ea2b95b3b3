//! The text of `cargo xtask help`.

pub(crate) const HELP: &str = "\
The project's own tasks

Usage: cargo xtask <TASK>

Tasks:
  reproduce   Build the program and run `memdil reproduce`, which has the same arguments: run the paper's experiments and
              write the report
              [--preset smoke|quick|standard|standard-full|paper] [--only NAME]... [--device cpu|cuda:N] [--jobs J]
              [--data-dir DIR]... [--out DIR] [--dry-run] [--engine local|slurm|hq] ..
  build       Build the program, optimised, as target/memdil: [--device cuda:N] for a GPU
  bench       Time the crates: criterion benches, [--only FILTER]
              --peers: memdil-metrics beside NumPy and torch on the same arrays instead; the Python interpreter is
              $MEMDIL_PYTHON, else python3
  gpu-check   Build for CUDA and check a GPU: every kernel, a training, the time of a step. Prints one JSON object
              [--device cuda:N] [--out FILE.json]
              --peers: then PyTorch's steps on the same card; the interpreter is that of bench
  docs        Check the documentation: build the book, follow every link, and run every command it shows, shortened where it
              trains. Downloads mdBook once
  tidy        Check what the compiler does not: layering, file sizes, docs, dependencies
  assets      Make the embedded images again from the full data set: --from DIR

Example: cargo xtask reproduce --preset smoke
";
