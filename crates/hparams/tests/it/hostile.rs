//! Input that nobody writes by accident: an error, never a panic and never a long wait.

use std::fs;

use dodge_hparams::{Error, SIZE_LIMIT_BYTES};
use proptest::prelude::*;

use crate::sections::registry;

fn apply(text: &str) -> Result<(), Error> {
    registry().apply_toml(text, "a test")
}

#[test]
fn deep_nesting_is_refused() {
    let deep = 200_000;
    for text in [
        format!("[ppo]\nhidden = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("[ppo]\nhidden = {}", "[".repeat(deep)),
        format!("[ppo]\nhidden = {}1{}", "{a=".repeat(deep), "}".repeat(deep)),
        format!("[{}]", vec!["a"; deep].join(".")),
        format!("{} = 1", vec!["ppo"; deep].join(".")),
    ] {
        let error = apply(&text).unwrap_err().to_string();
        assert!(error.len() < 500, "{error}");
    }
    let mut registry = registry();
    let error = registry.apply_set(&format!("ppo.hidden={}", "[".repeat(deep)));
    assert!(error.unwrap_err().to_string().len() < 500);
}

#[test]
fn moderate_nesting_is_a_wrong_type() {
    let text = format!("[ppo]\nhidden = {}{}", "[".repeat(60), "]".repeat(60));
    assert!(matches!(apply(&text), Err(Error::InvalidValue { .. })));
    let text = "[ppo.discount.a.b]\nc = 1";
    assert!(matches!(apply(text), Err(Error::InvalidValue { .. })));
}

#[test]
fn long_names_and_values_give_short_messages() {
    let long = "x".repeat(500_000);
    for text in [
        format!("[{long}]"),
        format!("{long} = 1"),
        format!("[ppo]\n{long} = 1"),
        format!("[ppo]\nschedule = \"{long}\""),
        format!("[ppo]\ndiscount = 1{}", "0".repeat(500_000)),
        format!("[ppo]\nhidden = [{}]", "1,".repeat(200_000)),
    ] {
        let error = apply(&text).unwrap_err().to_string();
        assert!(error.chars().count() < 500, "{error}");
    }
}

#[test]
fn size_is_bounded_in_text_and_file() {
    let text = " ".repeat(SIZE_LIMIT_BYTES as usize + 1);
    insta::assert_snapshot!(apply(&text).unwrap_err(), @"a test is larger than 1048576 bytes: is it a configuration?");
    apply(&text[1..]).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    fs::write(&path, &text).unwrap();
    let error = registry().apply_toml_file(&path);
    assert!(matches!(error, Err(Error::TooLarge { .. })));
    fs::write(&path, &text[1..]).unwrap();
    registry().apply_toml_file(&path).unwrap();
}

#[test]
fn a_file_that_is_no_text_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("binary.toml");
    fs::write(&path, b"[ppo]\nx = \xff").unwrap();
    match registry().apply_toml_file(&path) {
        Err(Error::MalformedToml { place, .. }) => {
            assert_eq!(place.position.map(|position| (position.line, position.column)), Some((2, 5)));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(registry().apply_toml_file(folder.path()), Err(Error::Unreadable { .. })));
}

#[test]
fn byte_order_mark_and_windows_lines_are_read() {
    let mut registry = registry();
    registry.apply_toml("\u{feff}[ppo]\r\ndiscount = 0.5\r\n", "a test").unwrap();
    assert_eq!(registry.flatten()[0].1, "0.5");
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = apply(&text);
        let _ = registry().apply_set(&text);
    }

    #[test]
    fn no_likely_text_panics(
        lines in prop::collection::vec(
            "(\\[?ppo\\]?|discount|hidden|a\\.b|#|=|\"|'|\\[|\\]|\\{|\\}|,|1|-|0x|inf|nan|e9|\\n| ){0,8}",
            0..6,
        ),
    ) {
        let text = lines.join("\n");
        let _ = apply(&text);
        let _ = registry().apply_set(&format!("ppo.{text}"));
        let _ = registry().apply_set(&format!("ppo.hidden={text}"));
    }

    #[test]
    fn no_value_panics_or_wraps(
        text in "-?[0-9]{1,45}(\\.[0-9]{0,3})?(e[+-]?[0-9]{1,3})?",
        key in prop::sample::select(vec!["small", "large", "size", "signed", "single", "double"]),
    ) {
        let mut registry = registry();
        if registry.apply_set(&format!("every-type.{key}={text}")).is_ok() {
            let flat = registry.flatten();
            let stored = &flat.iter().find(|(name, _)| name.ends_with(key)).unwrap().1;
            let (stored, typed): (f64, f64) = (stored.parse().unwrap(), text.parse().unwrap());
            let tolerance = if key == "single" { 1e-6 } else { 1e-15 };
            prop_assert!((stored - typed).abs() <= typed.abs() * tolerance + 1e-44);
        }
    }
}
