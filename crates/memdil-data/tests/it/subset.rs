//! Writing and reading subsets.

use memdil_data::subset::{Subset, write_subset};
use memdil_data::{DataError, DataSpec, Dataset, Images, Pixels, Source, Split, load};

/// Images of 1 x 1 x 2 whose pixels identify their index; labels 0, 1, 2, 0, 1, 2, ...
fn data(floats: bool) -> Dataset {
    let split = |n: usize| {
        let values = (0..2 * n).map(|i| i as u8);
        let pixels = if floats {
            Pixels::Floats(values.map(f32::from).collect())
        } else {
            Pixels::Bytes(values.collect())
        };
        let images = Images::from_pixels(1, 1, 2, pixels).unwrap();
        Split {
            images,
            labels: (0..n as u32).map(|i| i % 3).collect(),
        }
    };
    Dataset {
        name: "made up".to_owned(),
        class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        mean: vec![0.25],
        std: vec![0.5],
        train: split(30),
        test: split(12),
    }
}

fn written(data: &Dataset, subset: Subset) -> (Dataset, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.npz");
    write_subset(data, subset, &path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let spec: DataSpec = serde_json::from_value(serde_json::json!({"npz": path})).unwrap();
    assert_eq!(spec.source, Source::Npz(path.clone()));
    (load(&spec, &[]).unwrap(), std::fs::read(&path).unwrap())
}

const FIRST: Subset = Subset {
    train_per_class: 2,
    test_per_class: 1,
    seed: None,
};

#[test]
fn the_first_images_of_each_class_round_trip() {
    for floats in [false, true] {
        let data = data(floats);
        let (small, bytes) = written(&data, FIRST);
        assert_eq!(small.class_names, ["0", "1", "2"]);
        assert_eq!((&small.mean, &small.std), (&data.mean, &data.std));
        assert_eq!(
            small.train.images,
            data.train.images.select(&[0, 1, 2, 3, 4, 5])
        );
        assert_eq!(
            (small.train.labels, small.test.labels),
            (vec![0, 1, 2, 0, 1, 2], vec![0, 1, 2])
        );
        assert_eq!(bytes, written(&data, FIRST).1);
    }
}

#[test]
fn a_seed_draws_balanced_and_nested_subsets() {
    let data = data(false);
    let drawn = |train_per_class, seed| {
        written(
            &data,
            Subset {
                train_per_class,
                test_per_class: 1,
                seed: Some(seed),
            },
        )
        .0
        .train
    };
    let places = |split: &Split| -> Vec<u8> {
        (0..split.images.len())
            .map(|i| split.images.bytes(i).unwrap()[0] / 2)
            .collect()
    };
    let (small, large) = (drawn(3, 1), drawn(5, 1));
    for class in 0..3 {
        assert_eq!(
            small.labels.iter().filter(|&&label| label == class).count(),
            3
        );
    }
    assert!(
        places(&small)
            .iter()
            .all(|place| places(&large).contains(place))
    );
    assert!(places(&small).is_sorted());
    assert_ne!(places(&small), places(&drawn(3, 2)));
    assert_eq!(drawn(10, 3), data.train);
}

#[test]
fn invalid_sizes_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.npz");
    match write_subset(
        &data(false),
        Subset {
            test_per_class: 5,
            ..FIRST
        },
        &path,
    )
    .unwrap_err()
    {
        DataError::TooFewImages {
            class: 0,
            split: "test",
            wanted: 5,
            found: 4,
            ..
        } => {}
        other => panic!("{other}"),
    }
    let error = write_subset(
        &data(false),
        Subset {
            train_per_class: 0,
            ..FIRST
        },
        &path,
    )
    .unwrap_err();
    assert!(matches!(error, DataError::OutOfRange { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = write_subset(&data(false), FIRST, "/nowhere/small.npz".as_ref()).unwrap_err();
    assert!(matches!(error, DataError::Write { .. }), "{error}");
}
