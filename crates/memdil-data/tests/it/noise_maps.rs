//! The predefined map of CIFAR-100's superclasses.

use memdil_data::noise::{ClassMap, NamedMap};
use memdil_data::{LabelNoise, Source};

/// The superclasses with their classes, as listed on the page of the data set, sorted by name.
const SUPERCLASSES: [[&str; 5]; 20] = [
    ["beaver", "dolphin", "otter", "seal", "whale"],
    ["aquarium_fish", "flatfish", "ray", "shark", "trout"],
    ["orchid", "poppy", "rose", "sunflower", "tulip"],
    ["bottle", "bowl", "can", "cup", "plate"],
    ["apple", "mushroom", "orange", "pear", "sweet_pepper"],
    ["clock", "keyboard", "lamp", "telephone", "television"],
    ["bed", "chair", "couch", "table", "wardrobe"],
    ["bee", "beetle", "butterfly", "caterpillar", "cockroach"],
    ["bear", "leopard", "lion", "tiger", "wolf"],
    ["bridge", "castle", "house", "road", "skyscraper"],
    ["cloud", "forest", "mountain", "plain", "sea"],
    ["camel", "cattle", "chimpanzee", "elephant", "kangaroo"],
    ["fox", "porcupine", "possum", "raccoon", "skunk"],
    ["crab", "lobster", "snail", "spider", "worm"],
    ["baby", "boy", "girl", "man", "woman"],
    ["crocodile", "dinosaur", "lizard", "snake", "turtle"],
    ["hamster", "mouse", "rabbit", "shrew", "squirrel"],
    [
        "maple_tree",
        "oak_tree",
        "palm_tree",
        "pine_tree",
        "willow_tree",
    ],
    ["bicycle", "bus", "motorcycle", "pickup_truck", "train"],
    ["lawn_mower", "rocket", "streetcar", "tank", "tractor"],
];

#[test]
fn each_class_is_mapped_to_the_next_in_its_superclass() {
    let names = Source::Cifar100.class_names();
    let map = ClassMap::Named(NamedMap::Cifar100);
    for superclass in SUPERCLASSES {
        for (place, name) in superclass.iter().enumerate() {
            let class = names.iter().position(|known| known == name).unwrap();
            let target = map.targets()[class] as usize;
            assert_eq!(names[target], superclass[(place + 1) % 5], "{name}");
        }
    }
}

#[test]
fn every_class_is_the_target_of_one_class() {
    let mut targets = ClassMap::Named(NamedMap::Cifar100).targets().to_vec();
    targets.sort_unstable();
    assert_eq!(targets, (0..100).collect::<Vec<u32>>());
}

#[test]
fn applying_the_map_five_times_is_the_identity() {
    let noise: LabelNoise =
        serde_json::from_str(r#"{"kind":"asymmetric","eta":1.0,"map":"cifar100"}"#).unwrap();
    let clean: Vec<u32> = (0..100).collect();
    let mut labels = clean.clone();
    for moves in 1..=5 {
        let moved = noise.inject(&labels, 100, 0).unwrap();
        labels = moved.observed().to_vec();
        assert_eq!(labels == clean, moves == 5, "after {moves} moves");
    }
}

#[test]
fn another_number_of_classes_is_an_error() {
    let noise: LabelNoise =
        serde_json::from_str(r#"{"kind":"asymmetric","eta":0.4,"map":"cifar100"}"#).unwrap();
    assert!(noise.validate_for(100).is_ok());
    assert_eq!(
        noise.validate_for(20).unwrap_err().to_string(),
        "`map` is for 100 classes, but there are 20"
    );
}
