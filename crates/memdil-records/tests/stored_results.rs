//! Results stored in the repository stay readable when settings are added.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use memdil_records::RunRecord;

#[test]
fn stored_results_have_valid_specifications() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/results");
    let mut runs = 0;
    for folder in fs::read_dir(results).unwrap() {
        let Ok(text) = fs::read_to_string(folder.unwrap().path().join("runs.jsonl")) else {
            continue;
        };
        for line in text.lines() {
            let mut record: RunRecord = serde_json::from_str(line).unwrap();
            assert_eq!(record.format, RunRecord::FORMAT);
            record.spec.resolve();
            record.spec.validate().unwrap();
            runs += 1;
        }
    }
    assert!(runs >= 45, "{runs}");
}
