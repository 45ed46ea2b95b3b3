use super::*;
use crate::catalogue::files::layout::IDX;
use crate::catalogue::files::roots::{DEBIAN, roots_or};

fn touch(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, []).unwrap();
}

#[test]
fn arguments_precede_the_environment_and_the_defaults() {
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    let of_env = |text| roots_or(&[], Some(OsStr::new(text)));
    assert_eq!(roots_or(&[], None), paths(&["data", DEBIAN]));
    assert_eq!(of_env(""), paths(&["data", DEBIAN]));
    assert_eq!(of_env("/env"), paths(&["/env", "data", DEBIAN]));
    let several = env::join_paths(["/env", "/other"]).unwrap();
    assert_eq!(
        roots_or(&paths(&["/one", "/two"]), Some(several.as_os_str())),
        paths(&["/one", "/two", "/env", "/other", "data", DEBIAN])
    );
}

#[test]
fn a_folder_given_twice_is_searched_once() {
    let given = ["data", "/one", "/one"].map(PathBuf::from);
    assert_eq!(
        roots_or(&given, Some(OsStr::new("/one"))),
        ["data", "/one", DEBIAN].map(PathBuf::from)
    );
}

#[test]
fn own_images_are_searched_for_in_every_folder() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [first, second] = folders.each_ref().map(|folder| folder.path().to_owned());
    let own = Path::new("sets/mine.npz");
    let find = || find_npz(own, std::slice::from_ref(&first), Some(second.as_os_str()));
    let message = find().unwrap_err().to_string();
    for place in [own.to_owned(), first.join(own), second.join(own)] {
        assert!(message.contains(&place.display().to_string()), "{message}");
    }
    assert!(message.starts_with("sets/mine.npz not found"), "{message}");
    assert!(
        message.contains("name its folder with --data-dir"),
        "{message}"
    );
    touch(&second.join(own));
    let found = find().unwrap();
    assert_eq!(found, [second.join(own)]);
    touch(&first.join(own));
    let found = find().unwrap();
    assert_eq!(found, [first.join(own)]);
}

#[test]
fn an_absolute_path_is_tried_once() {
    let own = Path::new("/nowhere/mine.npz");
    let message = find_npz(own, &[PathBuf::from("/data")], None)
        .unwrap_err()
        .to_string();
    assert_eq!(message.matches("mine.npz").count(), 2, "{message}");
}

#[test]
fn an_incomplete_folder_is_skipped() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let raw = second.path().join("FashionMNIST/raw");
    touch(&first.path().join(IDX[0]));
    for (i, name) in IDX.iter().enumerate() {
        touch(&raw.join(format!("{name}{}", if i % 2 == 0 { "" } else { ".gz" })));
    }
    let source = Source::FashionMnist;
    let roots = [first.path().to_owned(), second.path().to_owned()];
    let found = find_in(&source, &layout(&source).unwrap(), &roots).unwrap();
    assert_eq!(found[0], raw.join("train-images-idx3-ubyte"));
    assert_eq!(found[3], raw.join("t10k-labels-idx1-ubyte.gz"));

    let alone = find_in(&source, &layout(&source).unwrap(), &roots[..1]);
    let message = alone.unwrap_err().to_string();
    assert!(
        message.contains(first.path().to_str().unwrap()),
        "{message}"
    );
    assert!(
        message.contains("FashionMNIST/raw") && message.contains(IDX[3]),
        "{message}"
    );
    assert!(!message.contains('\n'), "{message}");
}
