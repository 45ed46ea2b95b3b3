use super::*;

fn read(text: &str) -> Result<Vec<Declaration>, String> {
    let file: Table = text.parse().unwrap();
    let claims = file["claim"].as_array().unwrap().iter();
    let tables: Vec<Table> = claims
        .map(|claim| claim.as_table().unwrap().clone())
        .collect();
    Declaration::read(&tables).map_err(|e| e.to_string())
}

const PAIRED: &str = r#"
    [[claim]]
    id = "ls-dilation"
    statement = "LS dilates less than CE."
    where = { "noise.eta" = { above = 0.0 } }
    test = "paired"
    quantity = "test.dilation"
    scale = "ratio"
    of = { "loss.kind" = "label_smoothing" }
    against = { "loss.kind" = "cross_entropy" }
    expect = "below"
"#;

#[test]
fn a_claim_is_parsed() {
    let claims = read(PAIRED).unwrap();
    assert_eq!(claims[0].name, "ls dilation");
    assert!(claims[0].is_tested_by(Some("quick")));
    assert!(matches!(&claims[0].test, Test::Paired(test) if test.margin == 0.0));
}

#[test]
fn errors_name_the_claim_and_the_key() {
    let cases = [
        ("expect = \"below\"", "", "missing field `expect`"),
        ("expect =", "expected =", "unknown field `expected`"),
        ("\"paired\"", "\"pairs\"", "unknown variant `pairs`"),
        ("\"ratio\"", "\"log\"", "unknown variant `log`"),
        (
            "id = \"ls-dilation\"",
            "id = \"ls/dilation\"",
            "letters, digits",
        ),
        (
            "statement = \"LS dilates less than CE.\"",
            "",
            "statement is missing",
        ),
        ("{ above = 0.0 }", "{ over = 0.0 }", "where: "),
    ];
    for (from, to, expected) in cases {
        let error = read(&PAIRED.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with("claim '"), "{error}");
    }
    let error = read(&(PAIRED.to_owned() + PAIRED)).unwrap_err();
    assert!(error.contains("used twice"), "{error}");
}
