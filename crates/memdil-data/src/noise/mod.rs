//! Label noise: kinds, and how they corrupt clean labels.
//!
//! Each variant of [`LabelNoise`] explains what the kind does with its settings.
//!
//! For every sample a number u in [0, 1) and a new label are drawn, whatever the strength is; the
//! label is taken where u lies below the sample's rate. So with the same seed, raising `eta` leaves
//! the samples that were hit as they are and adds others. This also holds for each class of
//! `per_class` with `etas`, and for `transition` as long as the entries of a row beside the
//! diagonal stay in proportion.
//!
//! # Exact counts
//!
//! With `exact_count = true` the number of labels that differ is no longer random: those with the
//! smallest u are taken, as many as the rate says (how many that is, is said with each kind's
//! `exact_count`), and none of them keeps its class (where `uniform` noise would draw from all
//! classes, the new label is one of the K - 1 others). Which class a label moves to, and which
//! labels `split` moves, stays random.
//!
//! # Label files
//!
//! `from_file` takes a `.npz` that [`NoisyLabels::write_npz`] wrote, or one label per sample in any
//! file that [`arrays`](crate::arrays) describes, in the order of the training samples. A wrong
//! order is the usual mistake, and it looks like strong noise. So a file should carry the clean
//! labels as well: in a second column (`clean,observed` in a `.csv`, an array n x 2 with the clean
//! labels first in a `.npy`) or as a second array (`clean_labels` beside `labels` in an archive).
//! They are compared with those of the data set: where all agree, the order is the same but for
//! samples that share a class with their neighbours in a sorted file; where one differs, its row is
//! named. A file without clean labels is refused if it agrees with the data set hardly better than
//! chance: if Cohen's kappa of clean and observed labels, 1 for equal labels and about 0 for a wrong
//! order, is below 0.1. Of several label sets in a file, `column` names one.
//!
//! CIFAR-N (Wei et al. 2022) publishes a pickled Python dictionary with several label sets. It is
//! read as it is, as a `.npy` of objects or a `.pkl`, without Python and without calling anything;
//! `column` names the label set, and `clean_label` beside it proves the order. The files named
//! `ordered` are in the order of TensorFlow's images. This saves one of their label sets in the
//! order of the binary (and Python) files:
//!
//! ```python
//! import numpy as np
//!
//! published = np.load("CIFAR-10_human_ordered.npy", allow_pickle=True).item()
//! order = np.load("image_order_c10.npy")  # place of TensorFlow's i-th image in the binary files
//! columns = np.empty((len(order), 2), dtype=np.int64)
//! columns[order, 0] = np.ravel(published["clean_label"])
//! columns[order, 1] = np.ravel(published["worse_label"])  # or aggre_label, random_label1, ...
//! np.save("cifar10n-worse.npy", columns)
//! # or np.savetxt("cifar10n-worse.csv", columns, fmt="%d", delimiter=",", header="clean,observed", comments="")
//! ```
//!
//! Had `order` been forgotten, the first column would differ from the data set's labels within a
//! few rows.
//!
//! A `.pt` of CIFAR-N is PyTorch's own format, which is not read. This saves the same dictionary
//! as a `.npy` that is, in the order of the binary files:
//!
//! ```python
//! import numpy as np
//! import torch
//!
//! np.save("CIFAR-10_human.npy", torch.load("CIFAR-10_human.pt", weights_only=False))
//! ```

mod check;
mod class_map;
mod draw;
mod expected;
mod from_file;
mod kinds;
mod label_file;
mod labels;
mod npz;
mod pickled;

pub use class_map::{ClassMap, NamedMap};
pub use kinds::LabelNoise;
pub use label_file::read_labels;
pub use labels::NoisyLabels;
