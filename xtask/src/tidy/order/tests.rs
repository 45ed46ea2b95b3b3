use super::*;
use crate::scratch::TestFolder;

const PAGE_TEXT: &str = "\
| data | `not` | this table |

## Inside the crates

| crate | modules |
| --- | --- |
| data | `low` (with `helpers`), then `high` |

## Another section

| models | `other` |
";

#[test]
fn names_outside_parentheses_are_read_from_the_page() {
    let expected = BTreeMap::from([("data", vec!["low", "high"])]);
    assert_eq!(orders(PAGE_TEXT), expected);
    assert_eq!(outside_parentheses("`a` (`b` (`c`) `d`), `e`"), ["a", "e"]);
}

/// The faults of a workspace with one crate, whose modules are `low`, `middle` and `high`.
fn faults_of(page: &str, low: &str, middle: &str) -> Vec<String> {
    let folder = TestFolder::with(&[
        (PAGE, page),
        (
            "crates/memdil-data/src/lib.rs",
            "mod low;\nmod middle;\nmod high;\n",
        ),
        ("crates/memdil-data/src/low.rs", low),
        ("crates/memdil-data/src/middle.rs", middle),
        (
            "crates/memdil-data/src/high/mod.rs",
            "mod part;\npub struct High;\n",
        ),
        (
            "crates/memdil-data/src/high/part.rs",
            "use crate::low::Low;\n",
        ),
    ]);
    let mut faults = Vec::new();
    assert!(check(folder.path(), &mut faults).is_ok());
    faults
}

const LOW: &str = "pub struct Low;\n";

#[test]
fn modules_in_order_pass() {
    assert_eq!(faults_of(PAGE_TEXT, LOW, "use crate::low::Low;\n"), [""; 0]);
}

#[test]
fn a_use_of_a_higher_module_is_reported() {
    let page = PAGE_TEXT.replace("`low` (with `helpers`), then `high`", "`high`, `low`");
    let fault = "crates/memdil-data: high uses low, which docs/src/architecture.md lists after it";
    assert_eq!(faults_of(&page, LOW, ""), [fault]);
}

#[test]
fn a_use_through_an_unlisted_module_is_reported() {
    let low = "use crate::middle::Middle;\npub struct Low(Middle);\n";
    let middle = "use crate::high::High;\npub struct Middle(High);\n";
    let found = faults_of(PAGE_TEXT, low, middle);
    let fault = "crates/memdil-data: low uses high, which docs/src/architecture.md lists after it";
    assert!(found.iter().any(|found| found == fault), "{found:?}");
}

#[test]
fn the_table_must_match_the_crates_and_modules() {
    let page = PAGE_TEXT.replace("`high`", "`higher`");
    assert_eq!(
        faults_of(&page, LOW, ""),
        [
            "crates/memdil-data: docs/src/architecture.md lists higher, which is not a module",
            "crates/memdil-data: the folder high is not listed in docs/src/architecture.md",
        ]
    );
    let page = PAGE_TEXT.replace("| data |", "| date |");
    assert_eq!(
        faults_of(&page, LOW, ""),
        [
            "crates/memdil-data: missing from the table in docs/src/architecture.md",
            "docs/src/architecture.md: unknown crate date",
        ]
    );
}
