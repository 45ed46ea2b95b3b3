//! Files, sizes, checksums and addresses of the published data sets.

use super::published_file::{PublishedFile, Unpacked};

/// A file that is available under several base addresses.
macro_rules! file {
    ($name:expr, $bytes:literal, $sha256:literal, $unpacked:expr, [$($base:literal),* $(,)?]) => {
        PublishedFile {
            name: $name,
            bytes: $bytes,
            sha256: $sha256,
            unpacked: $unpacked,
            urls: &[$(concat!($base, $name)),*],
        }
    };
}

/// Files that share their base addresses.
macro_rules! files {
    ($bases:tt $($name:expr, $bytes:literal, $sha256:literal, $unpacked:expr;)*) => {
        [$(file!($name, $bytes, $sha256, &$unpacked, $bases)),*]
    };
}

/// IDX files, with size and SHA-256 of their compressed and unpacked forms.
macro_rules! idx_files {
    ($bases:tt $($name:literal: $bytes:literal, $sha256:literal, $size:literal, $plain:literal;)*) => {
        files! { $bases $(
            concat!($name, ".gz"), $bytes, $sha256,
            [Unpacked { name: $name, bytes: $size, sha256: Some($plain) }];
        )* }
    };
}

pub(super) static MNIST: [PublishedFile<'static>; 4] = idx_files! {
    [
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ]
    "train-images-idx3-ubyte":
        9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db";
    "train-labels-idx1-ubyte":
        28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5";
    "t10k-images-idx3-ubyte":
        1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7";
    "t10k-labels-idx1-ubyte":
        4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2";
};

pub(super) static FASHION_MNIST: [PublishedFile<'static>; 4] = idx_files! {
    [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ]
    "train-images-idx3-ubyte":
        26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888";
    "train-labels-idx1-ubyte":
        29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9";
    "t10k-images-idx3-ubyte":
        4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b";
    "t10k-labels-idx1-ubyte":
        5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34";
};

/// A file of CIFAR records: labels and 3072 pixels each.
const fn records(name: &'static str, bytes: u64) -> Unpacked<'static> {
    Unpacked {
        name,
        bytes,
        sha256: None,
    }
}

const fn cifar_10_batch(name: &'static str) -> Unpacked<'static> {
    records(name, 10_000 * 3073)
}

pub(super) static CIFAR_10: [PublishedFile<'static>; 1] = files! {
    ["https://www.cs.toronto.edu/~kriz/"]
    "cifar-10-binary.tar.gz", 170052171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    [
        cifar_10_batch("cifar-10-batches-bin/data_batch_1.bin"),
        cifar_10_batch("cifar-10-batches-bin/data_batch_2.bin"),
        cifar_10_batch("cifar-10-batches-bin/data_batch_3.bin"),
        cifar_10_batch("cifar-10-batches-bin/data_batch_4.bin"),
        cifar_10_batch("cifar-10-batches-bin/data_batch_5.bin"),
        cifar_10_batch("cifar-10-batches-bin/test_batch.bin"),
    ];
};

pub(super) static CIFAR_100: [PublishedFile<'static>; 1] = files! {
    ["https://www.cs.toronto.edu/~kriz/"]
    "cifar-100-binary.tar.gz", 168513733,
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    [
        records("cifar-100-binary/train.bin", 50_000 * 3074),
        records("cifar-100-binary/test.bin", 10_000 * 3074),
    ];
};

/// The Python versions of CIFAR-10 and CIFAR-100.
pub(super) const CIFAR_PYTHON: [PublishedFile<'static>; 2] = files! {
    ["https://www.cs.toronto.edu/~kriz/"]
    "cifar-10-python.tar.gz", 170498071,
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce", [];
    "cifar-100-python.tar.gz", 169001437,
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7", [];
};

pub(super) static SVHN: [PublishedFile<'static>; 2] = files! {
    ["http://ufldl.stanford.edu/housenumbers/", "https://ufldl.stanford.edu/housenumbers/"]
    "train_32x32.mat", 182040794,
    "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", [];
    "test_32x32.mat", 64275384,
    "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", [];
};
