//! Normalisation and resizing, compared with hand-computed values and with Pillow.

use memdil_data::{Augmentation, DataError, Images, Input, Inputs, Pixels};
use sha2::{Digest, Sha256};

/// One image resized by `Input::Authors`, as bytes: mean 0 and std 1 yield p / 255.
fn resized(images: &Images, i: usize) -> Vec<u8> {
    let inputs = Inputs::new(images.clone(), &[0.0], &[1.0], Input::Authors).unwrap();
    assert_eq!(
        (inputs.shape(), inputs.values_per_sample()),
        ((3, 32, 32), 3072)
    );
    let values = inputs.batch(&[i]);
    let bytes: Vec<u8> = values.iter().map(|v| (v * 255.0).round() as u8).collect();
    assert_eq!(bytes[..1024], bytes[1024..2048]);
    assert_eq!(bytes[..1024], bytes[2048..]);
    bytes[..1024].to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pattern(side: usize) -> Images {
    let pixels = (0..side * side).map(|i| {
        let (y, x) = (i / side, i % side);
        (x * x + 3 * y * y + x * y) as u8
    });
    Images::new(1, side, side, pixels.collect()).unwrap()
}

#[test]
fn channels_are_normalised_separately() {
    // Two images of 3 x 1 x 2: planes (0, 51), (102, 153), (204, 255), and the same in reverse.
    let images = Images::new(
        3,
        1,
        2,
        vec![0, 51, 102, 153, 204, 255, 255, 204, 153, 102, 51, 0],
    )
    .unwrap();
    let (mean, std) = ([0.0, 0.4, 0.8], [1.0, 0.5, 0.2]);
    let inputs = Inputs::new(images.clone(), &mean, &std, Input::Native).unwrap();
    assert_eq!((inputs.shape(), inputs.values_per_sample()), ((3, 1, 2), 6));
    assert_eq!((inputs.len(), inputs.is_empty()), (2, false));
    let expected = [
        [1.0, 0.8, 0.4, 0.0, -3.0, -4.0],
        [0.0, 0.2, 0.0, 0.4, 0.0, 1.0],
    ];
    let batch = inputs.batch(&[1, 0, 1]);
    assert_eq!(batch.len(), 18);
    for (sample, expected) in batch.chunks(6).zip([expected[0], expected[1], expected[0]]) {
        for (value, expected) in sample.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{batch:?}");
        }
    }
}

#[test]
fn the_constants_of_the_paper_yield_the_known_extremes() {
    let images = Images::new(1, 1, 2, vec![0, 255]).unwrap();
    let inputs = Inputs::new(images.clone(), &[0.1307], &[0.3081], Input::Native).unwrap();
    let values = inputs.batch(&[0]);
    // -0.1307 / 0.3081 and 0.8693 / 0.3081.
    assert!((values[0] + 0.424_213).abs() < 1e-6 && (values[1] - 2.821_487).abs() < 1e-6);
}

/// Compares rows 0, 8, 15, 16 and 31 with Pillow 10.4 and 13.0 for [[0, 255], [255, 100]].
#[test]
fn growing_a_tiny_image_equals_pillow() {
    let out = resized(&Images::new(1, 2, 2, vec![0, 255, 255, 100]).unwrap(), 0);
    let ramp = |row: usize| out[row * 32 + 8..row * 32 + 24].to_vec();
    assert_eq!(
        ramp(0),
        [
            8, 24, 40, 56, 72, 88, 104, 120, 135, 151, 167, 183, 199, 215, 231, 247
        ]
    );
    assert_eq!(
        ramp(8),
        [
            16, 31, 46, 61, 76, 92, 107, 122, 136, 151, 167, 182, 197, 212, 227, 243
        ]
    );
    assert_eq!(
        ramp(15),
        [
            121, 125, 130, 133, 137, 141, 145, 149, 153, 157, 160, 165, 169, 172, 177, 180
        ]
    );
    assert_eq!(
        ramp(16),
        [
            137, 139, 141, 144, 146, 149, 151, 153, 155, 157, 160, 162, 164, 167, 169, 172
        ]
    );
    assert_eq!(
        ramp(31),
        [
            250, 240, 231, 221, 211, 202, 192, 182, 173, 163, 153, 144, 134, 124, 115, 105
        ]
    );
    for (row, left, right) in [(0, 0, 255), (8, 8, 250), (15, 120, 182), (31, 255, 100)] {
        assert!(out[row * 32..row * 32 + 8].iter().all(|&p| p == left));
        assert!(
            out[row * 32 + 24..row * 32 + 32]
                .iter()
                .all(|&p| p == right)
        );
    }
}

/// Compares a row, and the SHA-256 of all rows, with Pillow.
#[test]
fn growing_and_shrinking_patterns_equal_pillow() {
    let grown = resized(&pattern(28), 0);
    assert_eq!(
        grown[17 * 32..18 * 32],
        [
            147, 160, 175, 191, 210, 165, 43, 66, 89, 115, 110, 124, 155, 187, 181, 47, 83, 122,
            129, 155, 197, 176, 79, 124, 131, 178, 87, 75, 109, 139, 158, 44
        ]
    );
    assert_eq!(
        sha256(&grown),
        "3a6e32e46b2a6d64bb20e016abfb41249f97a005689c60b2960ef522f4826ded"
    );

    let shrunk = resized(&pattern(64), 0);
    assert_eq!(
        shrunk[..32],
        [
            5, 12, 27, 51, 82, 122, 169, 179, 59, 103, 178, 129, 110, 167, 96, 142, 87, 149, 110,
            147, 133, 122, 137, 119, 110, 140, 137, 124, 133, 122, 105, 103
        ]
    );
    assert_eq!(
        sha256(&shrunk),
        "4b5d7af1ade2585ea61541ffe3a884a8bd4d866f95b537812468dbdb1fbb8956"
    );
    assert_eq!(
        Some(&resized(&pattern(32), 0)[..]),
        pattern(32).pixels().as_bytes()
    );
}

/// Compares rows 14 to 17 of the first embedded test image, and the SHA-256 of all 1,000 images,
/// with Pillow.
#[cfg(feature = "embedded")]
#[test]
fn real_images_equal_pillow() {
    use memdil_data::{DataSpec, Source, load};

    let mut spec = DataSpec::new(Source::FashionMnistEmbedded);
    spec.input = Input::Authors;
    spec.images_per_class = Some(1);
    let images = load(&spec, &[]).unwrap().test.images;
    let all: Vec<u8> = (0..images.len())
        .flat_map(|i| resized(&images.select(&[i]), 0))
        .collect();
    #[rustfmt::skip]
    let rows = [
        0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0, 1, 2, 3, 23, 113, 111, 106, 124, 151, 159, 150, 156, 165, 168, 151, 151, 158, 116, 15, 0,
        0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 2, 2, 23, 95, 135, 100, 94, 128, 151, 143, 136, 152, 167, 171, 152, 152, 163, 132, 43, 0,
        0, 0, 0, 0, 0, 0, 0, 2, 4, 2, 0, 0, 0, 29, 100, 131, 114, 108, 109, 138, 150, 138, 144, 150, 159, 166, 151, 152, 163, 152, 93, 0,
        0, 0, 1, 2, 2, 1, 2, 0, 1, 0, 0, 12, 50, 96, 112, 106, 110, 115, 126, 146, 147, 140, 152, 153, 156, 160, 148, 146, 153, 161, 136, 0,
    ];
    assert_eq!(all[14 * 32..18 * 32], rows);
    assert_eq!(
        sha256(&all),
        "60ab5a28755b31bfa381679a9b981fc94402bffd613b2050cb2da869625efa8b"
    );
}

#[test]
fn colour_images_must_be_32_x_32() {
    let colour = Images::new(3, 32, 32, vec![7; 3072]).unwrap();
    let (mean, std) = ([0.5; 3], [0.25; 3]);
    let authors = Inputs::new(colour.clone(), &mean, &std, Input::Authors).unwrap();
    let native = Inputs::new(colour.clone(), &mean, &std, Input::Native).unwrap();
    assert_eq!(authors.shape(), (3, 32, 32));
    assert_eq!(authors.batch(&[0]), native.batch(&[0]));

    for (channels, height, width) in [(1, 28, 27), (3, 28, 28), (2, 32, 32)] {
        let pixels = vec![0; channels * height * width];
        let images = Images::new(channels, height, width, pixels).unwrap();
        let (mean, std) = (vec![0.5; channels], vec![0.25; channels]);
        let error = Inputs::new(images.clone(), &mean, &std, Input::Authors).unwrap_err();
        assert!(matches!(error, DataError::NoAuthorsInput { .. }), "{error}");
    }
}

#[test]
fn unsuitable_constants_are_errors() {
    let images = Images::new(1, 1, 1, vec![0]).unwrap();
    for (mean, std) in [
        (vec![0.5, 0.5], vec![0.25]),
        (vec![0.5], vec![]),
        (vec![0.5], vec![0.0]),
        (vec![0.5], vec![-1.0]),
        (vec![0.5], vec![f32::INFINITY]),
        (vec![f32::NAN], vec![0.25]),
    ] {
        let error = Inputs::new(images.clone(), &mean, &std, Input::Native).unwrap_err();
        assert!(matches!(error, DataError::Normalisation { .. }), "{error}");
    }
    for pixels in [vec![1, 2, 3], vec![]] {
        assert!(Images::new(1, 2, 0, pixels.clone()).is_err());
        assert_eq!(
            Images::new(1, 2, 2, pixels.clone()).is_ok(),
            pixels.is_empty()
        );
    }
}

#[test]
fn floats_are_normalised_without_scaling() {
    let pixels = Pixels::Floats(vec![0.0, 0.5, -1.0, 2.0]);
    let images = Images::from_pixels(2, 1, 1, pixels).unwrap();
    let inputs = Inputs::new(images.clone(), &[0.5, 1.0], &[0.25, 2.0], Input::Native).unwrap();
    assert_eq!(inputs.batch(&[1, 0]), [-6.0, 0.5, -2.0, -0.25]);

    let grey = |side: usize| {
        Images::from_pixels(1, side, side, Pixels::Floats(vec![3.0; side * side])).unwrap()
    };
    let authors = Inputs::new(grey(32), &[1.0], &[2.0], Input::Authors).unwrap();
    assert_eq!(
        (authors.shape(), authors.batch(&[0])),
        ((3, 32, 32), vec![1.0; 3072])
    );
    let error = Inputs::new(grey(28), &[1.0], &[2.0], Input::Authors).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::FloatResize {
                height: 28,
                width: 28
            }
        ),
        "{error}"
    );
}

#[test]
fn augmented_images_are_shifted_and_mirrored() {
    // All pixels of the 3 x 3 image differ; 0 is black.
    let images = Images::new(
        1,
        3,
        3,
        (1..=9).map(|i| i * 10).cycle().take(9 * 400).collect(),
    )
    .unwrap();
    let inputs = Inputs::new(images, &[0.5], &[0.25], Input::Native).unwrap();
    let number = |byte: u8| f32::from(byte) * (1.0 / (255.0 * 0.25_f64)) as f32 - 2.0;
    let mut expected = std::collections::HashSet::new();
    for (down, right, flip) in (0..9).flat_map(|i| [(i / 3, i % 3, false), (i / 3, i % 3, true)]) {
        let image: Vec<u32> = (0..9)
            .map(|i| {
                let (row, column) = (i / 3 + down, (if flip { 2 - i % 3 } else { i % 3 }) + right);
                let inside = (1..4).contains(&row) && (1..4).contains(&column);
                number(if inside {
                    10 * (3 * (row - 1) + column - 1 + 1) as u8
                } else {
                    0
                })
                .to_bits()
            })
            .collect();
        expected.insert(image);
    }
    assert_eq!(expected.len(), 18);

    let augmentation = Augmentation {
        crop: 1,
        flip: true,
    };
    let all: Vec<usize> = (0..400).collect();
    let mut out = vec![0.0; 400 * 9];
    inputs.fill_augmented(&all, augmentation, (7, 2), &mut out);
    let found: Vec<Vec<u32>> = out
        .chunks(9)
        .map(|sample| sample.iter().map(|x| x.to_bits()).collect())
        .collect();
    // 400 draws miss one of 18 transforms with probability 18 (17/18)^400, about 1e-9.
    assert_eq!(
        found
            .iter()
            .cloned()
            .collect::<std::collections::HashSet<_>>(),
        expected
    );

    // The result does not depend on the order or the batch.
    let mut some = vec![0.0; 2 * 9];
    inputs.fill_augmented(&[399, 3], augmentation, (7, 2), &mut some);
    assert_eq!(some, [&out[399 * 9..], &out[27..36]].concat());
    let mut next = vec![0.0; 400 * 9];
    inputs.fill_augmented(&all, augmentation, (7, 3), &mut next);
    assert_ne!(next, out);
    inputs.fill_augmented(
        &all,
        Augmentation {
            crop: 0,
            flip: false,
        },
        (7, 2),
        &mut next,
    );
    assert_eq!(next, inputs.batch(&all));
}
