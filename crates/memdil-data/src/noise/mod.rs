//! Label noise: the kinds of noise, and the corruption of clean labels.
//!
//! The variants of [`LabelNoise`] describe the kinds of noise and their settings.
//!
//! For every sample, a number u in [0, 1) and a new label are drawn, independently of the noise
//! rate; the new label is used if u is below the sample's rate. So with the same seed, raising
//! `eta` keeps the corrupted samples and adds others. This also holds per class for `per_class`
//! with `etas`, and for `transition` as long as the off-diagonal entries of a row keep their
//! proportions.
//!
//! # Exact counts
//!
//! With `exact_count = true`, the number of changed labels is fixed instead of random; the
//! documentation of each kind's `exact_count` gives the formula. The samples with the smallest u
//! are changed, and each of them moves to another class: `uniform` noise then draws from the K - 1
//! other classes instead of all classes. The new classes, and the labels that `split` moves, remain
//! random.
//!
//! # Instance-dependent noise
//!
//! `instance` and `margin` give each sample i its own flip probability, which
//! [`NoisyLabels::flip_probabilities`] returns. A label flips if u is below it.
//!
//! **`instance`** (Xia et al. 2020, "Part-dependent Label Noise"). The flip rate $q_i$ is drawn from a
//! normal distribution with standard deviation `std`, truncated to [0, 1]. A flipped label $c_i$
//! becomes $k \neq c_i$ with the probability of k in the softmax, over the K - 1 other classes, of
//! the scores $x_i W_{c_i}$. Here $x_i$ is the normalised image that enters the network, and $W_c$,
//! one matrix (values, K) per clean class c, has standard normal entries, rounded to f32.
//!
//! - The location of the normal distribution is solved so that its mean after truncation is `eta`:
//!   0.1937 for `eta = 0.2` and -0.113 for `eta = 0.05`, with `std = 0.1`. The published code uses
//!   `eta` as the location, and its rates are higher than `eta` below 1/2 and lower above.
//! - As in the published code, scores are not scaled. Their standard deviation is the norm of the
//!   image, so with hundreds of pixels the softmax is nearly 1 at one class: almost all flips of
//!   similar images of a class go to the same class. (That code passes bytes from 0 to 255, whose
//!   softmax is saturated even more.)
//! - With two classes, every flip goes to the other class and does not depend on the image.
//!   Therefore K must be at least 3.
//! - $q_i$ is the quantile of a number v, which like u is drawn independently of `eta`. Since every
//!   quantile increases with `eta`, raising `eta` keeps the corrupted samples.
//!
//! **`margin`** (PMD, Zhang et al. 2021, "Learning with Feature-Dependent Label Noise"). A network's
//! logits are given, and p is their softmax. The flip probability is $\min(1, f \tau(m_i))$ for the
//! margin $m_i = \max(0, p_{c_i} - \max_{k \neq c_i} p_k)$ and the [type](PmdType) of $\tau$, so it
//! falls with the margin. A flipped label becomes the runner-up class $\arg\max_{k \neq c_i} p_k$.
//!
//! - The factor f is solved so that the mean probability is `eta`. The published code asks the user
//!   for a factor and reports the resulting rate.
//! - The margin is that of the clean label. The published code replaces the clean label by the
//!   network's prediction, which would count the network's errors as noise.
//! - A sample never flips if $1 - m_i$ underflows to 0, at a logit lead of about 745. If `eta`
//!   exceeds the share of the other samples, the error states the largest possible `eta`.
//!
//! With `exact_count`, `eta` is replaced by the rate at which exactly $\mathrm{round}(\eta n)$ labels
//! flip.
//!
//! # Label files
//!
//! `from_file` reads a `.npz` written by [`NoisyLabels::write_npz`], or any file described in
//! [`arrays`](crate::arrays) with one label per sample, in the order of the training samples. If a
//! file holds several label sets, `column` selects one.
//!
//! A wrong order is the most common mistake, and it resembles strong noise. Therefore a file should
//! include the clean labels: as a second column (`clean,observed` in a `.csv`, or an n x 2 array
//! with the clean labels first in a `.npy`) or as a second array (`clean_labels` next to `labels`
//! in an archive). They are compared with the labels of the data set, and an error names the first
//! row that differs. If all of them agree, the order is correct, except that samples of the same
//! class could be exchanged. A file without clean labels is rejected if it agrees with the data set
//! hardly better than chance: if Cohen's kappa between clean and observed labels, which is 1 for
//! equal labels and about 0 for a wrong order, is below 0.1.
//!
//! CIFAR-N (Wei et al. 2022) is published as a pickled Python dictionary with several label sets.
//! It can be read directly, as a `.npy` of objects or a `.pkl`, without running Python code;
//! `column` selects the label set, and the `clean_label` in the dictionary verifies the order. The
//! files named `ordered` are in the order of TensorFlow's images. The following script saves one of
//! their label sets in the order of the binary (and Python) files:
//!
//! ```python
//! import numpy as np
//!
//! published = np.load("CIFAR-10_human_ordered.npy", allow_pickle=True).item()
//! order = np.load("image_order_c10.npy")  # index of TensorFlow's i-th image in the binary files
//! columns = np.empty((len(order), 2), dtype=np.int64)
//! columns[order, 0] = np.ravel(published["clean_label"])
//! columns[order, 1] = np.ravel(published["worse_label"])  # or aggre_label, random_label1, ...
//! np.save("cifar10n-worse.npy", columns)
//! # or np.savetxt("cifar10n-worse.csv", columns, fmt="%d", delimiter=",", header="clean,observed", comments="")
//! ```
//!
//! Without `order`, the first column would differ from the labels of the data set within a few
//! rows.
//!
//! The `.pt` files of CIFAR-N, which are in the order of the binary files, are in PyTorch's own
//! format and cannot be read. The following script saves the same dictionary as a `.npy`:
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
mod instance;
mod kinds;
mod label_file;
mod labels;
mod margin;
mod npz;
mod other_class;
mod per_sample;
mod pickled;
mod truncated_normal;

pub use class_map::{ClassMap, NamedMap};
pub use kinds::{LabelNoise, PmdType};
pub use label_file::read_labels;
pub use labels::NoisyLabels;
