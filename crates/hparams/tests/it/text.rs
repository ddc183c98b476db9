//! How the right-hand side of an assignment is read.

use dodge_hparams::Registry;

use crate::sections::{EveryType, PpoParams, Schedule, registry};

/// Sets `every-type.KEY=TEXT` and returns the value as TOML, or the error.
fn set(assignment: &str) -> String {
    let mut registry = registry();
    if let Err(error) = registry.apply_set(&format!("every-type.{assignment}")) {
        return error.to_string();
    }
    let key = assignment.split('=').next().unwrap().trim();
    value(&registry, "every-type", key)
}

pub(crate) fn value(registry: &Registry, section: &str, key: &str) -> String {
    let entry = registry.entries().find(|entry| entry.section == section && entry.key == key);
    entry.unwrap().value.to_toml()
}

#[track_caller]
fn check(assignment: &str, expected: &str) {
    assert_eq!(set(assignment), expected);
}

#[test]
fn numbers() {
    check("double=1", "1.0");
    check("double=1e-3", "0.001");
    check("double=.5", "0.5");
    check("double=-2.", "-2.0");
    check("double= 1_000.5 ", "1000.5");
    check("single=0.1", "0.1");
    check("small=1e6", "1000000");
    check("small=0x10", "16");
    check("small=+5", "5");
    check("signed=-9223372036854775808", "-9223372036854775808");
    check("large=18446744073709551615", "18446744073709551615");
    check("double=100000000000000000000000000000000000000000", "1e41");
}

#[test]
fn text_needs_no_quotes() {
    check("type=plain words, and = signs", r#""plain words, and = signs""#);
    check("type=\"quoted\"", r#""quoted""#);
    check("type='single'", r#""single""#);
    check("type=\"half", r#""\"half""#);
    check("type=", r#""""#);
    check("type=12", r#""12""#);
    check("type=true", r#""true""#);
}

#[test]
fn lists_with_and_without_brackets() {
    check("numbers=[1, 2.5]", "[1.0, 2.5]");
    check("numbers=1,2.5", "[1.0, 2.5]");
    check("numbers=1", "[1.0]");
    check("numbers=1,2,", "[1.0, 2.0]");
    check("numbers=[]", "[]");
    check("texts=[a, b c]", r#"["a", "b c"]"#);
    check("texts=\"a,b\"", r#"["\"a", "b\""]"#);
    check("texts=[\"a,b\"]", r#"["a,b"]"#);
    check("choices=linear,cosine-decay", r#"["linear", "cosine-decay"]"#);
    check("flags=true, true", "[true, true]");
}

#[test]
fn options_take_a_value_or_none() {
    check("maybe_count=none", r#""none""#);
    check("maybe_count=9", "9");
    check("maybe_text=none", r#""none""#);
    check("maybe_text=some", r#""some""#);
    check("maybe_choice=linear", r#""linear""#);
    check("maybe_choice=none", r#""none""#);
}

#[test]
fn every_value_arrives_in_its_struct() {
    let mut registry = registry();
    for assignment in [
        "every-type.flag=false",
        "every-type.small=4",
        "every-type.large=18446744073709551615",
        "every-type.size=5",
        "every-type.signed=-7",
        "every-type.single=-0.25",
        "every-type.double=2.5",
        "every-type.type=word",
        "every-type.maybe_text=none",
        "every-type.maybe_count=none",
        "every-type.maybe_choice=cosine-decay",
        "every-type.numbers=1,2",
        "every-type.texts=x",
        "every-type.choices=constant",
        "every-type.flags=[]",
    ] {
        registry.apply_set(assignment).unwrap();
    }
    let expected = EveryType {
        flag: false,
        small: 4,
        large: u64::MAX,
        size: 5,
        signed: -7,
        single: -0.25,
        double: 2.5,
        r#type: "word".to_owned(),
        maybe_text: None,
        maybe_count: None,
        maybe_choice: Some(Schedule::CosineDecay),
        numbers: vec![1.0, 2.0],
        texts: vec!["x".to_owned()],
        choices: vec![Schedule::Constant],
        flags: vec![],
    };
    assert_eq!(registry.get::<EveryType>().unwrap(), expected);
    assert_eq!(registry.get::<PpoParams>().unwrap(), PpoParams::default());
}
