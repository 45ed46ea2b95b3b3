//! The embedded images are the first ones of Fashion-MNIST, and can be reproduced.

#[path = "../../examples/embed/subset.rs"]
mod subset;

use std::path::Path;

use memdil_data::{DataSpec, Dataset, Images, Source, load};

const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";
const SUMS: &str = include_str!("../../assets/SHA256SUMS");

fn load_all(source: Source, images_per_class: Option<usize>) -> Dataset {
    let mut spec = DataSpec::new(source);
    spec.images_per_class = images_per_class;
    load(&spec, &[DEBIAN.into()]).unwrap()
}

#[test]
fn the_files_match_their_checksums() {
    let files: [(&str, &[u8]); 4] = [
        (
            "train-images-idx3-ubyte.gz",
            include_bytes!("../../assets/train-images-idx3-ubyte.gz"),
        ),
        (
            "train-labels-idx1-ubyte.gz",
            include_bytes!("../../assets/train-labels-idx1-ubyte.gz"),
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            include_bytes!("../../assets/t10k-images-idx3-ubyte.gz"),
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            include_bytes!("../../assets/t10k-labels-idx1-ubyte.gz"),
        ),
    ];
    let listed = files.map(|(name, bytes)| format!("{}  {name}\n", subset::sha256_hex(bytes)));
    assert_eq!(listed.concat(), SUMS);
}

#[test]
fn the_content_is_pinned_and_balanced() {
    let data = load_all(Source::FashionMnistEmbedded, None);
    assert_eq!(data.class_names.len(), 10);
    for (split, per_class) in [(&data.train, 600), (&data.test, 100)] {
        assert_eq!(split.images.len(), 10 * per_class);
        assert_eq!(split.images.size(), [1, 28, 28]);
        for class in 0..10 {
            let count = split.labels.iter().filter(|&&label| label == class).count();
            assert_eq!(count, per_class);
        }
    }
    // The unpacked files.
    let labels = |labels: &[u32]| {
        let bytes: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
        subset::sha256_hex(&subset::labels_file(bytes.into_iter()))
    };
    let images = |images: &Images| subset::sha256_hex(&subset::images_file(images));
    assert_eq!(
        images(&data.train.images),
        "cf313073c7eb485392848071d5c433571d7166043e971e3345b095cc30518084"
    );
    assert_eq!(
        labels(&data.train.labels),
        "097b93fbcf9bd5bc648b1a457ddc55c9e4ab49afb33f9ecae8ce068399a75e3a"
    );
    assert_eq!(
        images(&data.test.images),
        "7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef"
    );
    assert_eq!(
        labels(&data.test.labels),
        "3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909"
    );
}

/// Runs only if the full files are installed; the previous test always pins the content.
#[test]
fn the_images_are_the_first_ones_of_each_class() {
    let embedded = load_all(Source::FashionMnistEmbedded, Some(600));
    assert_eq!(
        embedded.train,
        load_all(Source::FashionMnistEmbedded, None).train
    );
    if Path::new(DEBIAN).is_dir() {
        let full = load_all(Source::FashionMnist, Some(600));
        assert_eq!(full.train, embedded.train);
        let first = subset::first_per_class(&full.test.labels, 100);
        assert_eq!(full.test.images.select(&first), embedded.test.images);
    }
}

#[test]
fn the_files_are_reproducible() {
    assert_eq!(
        subset::first_per_class(&[4, 4, 1, 4, 1, 1, 0], 2),
        [0, 1, 2, 4, 6]
    );
    let images = Images::new(1, 2, 2, vec![9, 8, 7, 6, 1, 2, 3, 4]).unwrap();
    let file = subset::images_file(&images);
    assert_eq!(file[..16], [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]);
    assert_eq!(file[16..], [9, 8, 7, 6, 1, 2, 3, 4]);
    assert_eq!(
        subset::labels_file([5, 6].into_iter()),
        [0, 0, 8, 1, 0, 0, 0, 2, 5, 6]
    );

    let packed = subset::gzip(&file);
    assert_eq!(packed, subset::gzip(&file));
    // Deflate, no name, no time, best level, unknown system: nothing depends on the machine.
    assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    assert_eq!(
        memdil_data::idx::parse_images(&packed, "again").unwrap(),
        images
    );
}
