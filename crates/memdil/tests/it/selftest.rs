//! `memdil selftest` through the real binary.

use serde_json::Value;

use crate::common::Scene;

#[test]
fn the_cpu_passes() {
    let scene = Scene::new("selftest");
    let found: Value = serde_json::from_str(&scene.succeed("--json")).unwrap();
    assert_eq!(
        (&found["device"], &found["passed"]),
        (&"cpu".into(), &true.into())
    );
    let checks = found["checks"].as_array().unwrap();
    assert!(checks.len() >= 7, "{checks:?}");
    for check in checks {
        assert!(
            check["deviation"].as_f64().unwrap() <= check["limit"].as_f64().unwrap(),
            "{check}"
        );
    }
    // Different arithmetic gives different rounding errors.
    assert!(
        checks
            .iter()
            .any(|check| check["deviation"].as_f64().unwrap() > 0.0),
        "{checks:?}"
    );
    let timings = found["timings"].as_array().unwrap();
    assert!(
        timings.len() == 3
            && timings
                .iter()
                .all(|t| t["milliseconds"].as_f64().unwrap() > 0.0),
        "{timings:?}"
    );
    assert!(found["provenance"]["commit"].is_string(), "{found}");
}

#[test]
fn a_missing_device_is_one_line() {
    let scene = Scene::new("selftest");
    scene.refuse(
        "--device cuda:99 --json",
        &[
            "device 'cuda:99': this program was built without CUDA support",
            "--features cuda",
        ],
    );
    scene.refuse("--device gpu", &["device 'gpu': must be cpu or cuda:N"]);
}
