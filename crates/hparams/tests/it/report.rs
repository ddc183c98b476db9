//! All problems at once, each underlined where it stands.

use std::fs;

use dodge_hparams::{Error, Layer};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::sections::{features, registry};

/// What the program prints of an error.
fn report(error: &Error) -> String {
    let problems = error.problems().iter().map(|problem| match problem.underlined() {
        Some(underlined) => format!("{problem}\n{underlined}"),
        None => problem.to_string(),
    });
    problems.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_problem_of_a_file_is_underlined() {
    let text = "\
stray = 1

[ppo]
discont = 0.9
environments = 0   # none
hidden = [64,
    \"wide\"]
schedule = \"linaer\"

[pop]
batch = 3
[every-type]
flag = 1979-05-27
";
    let error = registry().apply_toml(text, Layer::File("mine.toml".into())).unwrap_err();
    assert_snapshot!(report(&error), @r#"
    `stray` is no [section] (config file mine.toml, line 1, column 1): values go below a [section] header
      |
    1 | stray = 1
      | ^^^^^
    unknown hyperparameter ppo.discont (config file mine.toml, line 4, column 1): did you mean `discount`?
      |
    4 | discont = 0.9
      | ^^^^^^^
    ppo.environments = 0 (config file mine.toml, line 5, column 16): out of range, expected 1 to 65536 (environments)
      |
    5 | environments = 0   # none
      |                ^
    ppo.hidden = [64, "wide"] (config file mine.toml, line 6, column 10): element 2: wrong type, expected an integer, got text
      |
    6 | hidden = [64,
      |          ^^^^
    ppo.schedule = "linaer" (config file mine.toml, line 8, column 12): no such choice, did you mean `linear`?
      |
    8 | schedule = "linaer"
      |            ^^^^^^^^
    unknown section `pop` (config file mine.toml, line 10, column 2): did you mean `ppo`?
       |
    10 | [pop]
       |  ^^^
    every-type.flag = (a date or time) (config file mine.toml, line 13, column 8): wrong type, expected true or false, got a date or time
       |
    13 | flag = 1979-05-27
       |        ^^^^^^^^^^
    "#);
    assert_eq!(error.to_string().matches("; ").count(), error.problems().len() - 1);
}

#[test]
fn every_mistake_of_the_language_is_underlined() {
    let text = "[ppo]\ndiscount = 0.9.1\n[features\nbatch = = 3\n";
    let error = features().apply_toml(text, Layer::File("mine.toml".into())).unwrap_err();
    assert_snapshot!(report(&error), @"
    malformed TOML (config file mine.toml, line 2, column 15): invalid float, expected nothing
      |
    2 | discount = 0.9.1
      |               ^^
    malformed TOML (config file mine.toml, line 3, column 10): unclosed table, expected `]`
      |
    3 | [features
      |          ^
    malformed TOML (config file mine.toml, line 4, column 9): extra `=`, expected nothing
      |
    4 | batch = = 3
      |         ^
    ");
}

#[test]
fn what_is_no_text_is_underlined_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(&path, b"[ppo]\nx = \xff\xfe").unwrap();
    let error = registry().apply_toml_file(&path).unwrap_err();
    assert_snapshot!(error.underlined().unwrap(), @"
      |
    2 | x = ��
      |     ^
    ");
}

#[test]
fn every_section_is_validated() {
    let mut registry = features();
    registry.register::<crate::sections::PpoParams>().unwrap();
    registry.apply_set("ppo.batch=100").unwrap();
    registry.apply_set("features.optimizer.beta2=0.5").unwrap();
    assert_snapshot!(report(&registry.validate().unwrap_err()), @"
    section `features`: optimizer: beta1 is above beta2
    section `ppo`: batch = 100 does not divide rollout = 256
    ");
}

#[test]
fn there_is_an_end_to_what_is_told() {
    let lines: String = (0..5000).map(|number| format!("wrong_{number} = 1\n")).collect();
    for text in [format!("[ppo]\n{lines}"), lines.clone(), lines.replace(" = 1", "").replace("wrong", "[wrong] x =")] {
        let error = registry().apply_toml(&text, "a test").unwrap_err();
        assert_eq!(error.problems().len(), Error::MOST_PROBLEMS);
    }
}

#[test]
fn several_are_flattened() {
    let one = || registry().apply_set("ppo.x=1").unwrap_err();
    Error::all([]).unwrap();
    assert!(matches!(Error::all([one()]), Err(Error::UnknownKey { .. })));
    let nested = Error::all([Error::all([one(), one()]).unwrap_err(), one()]).unwrap_err();
    assert_eq!(nested.problems().len(), 3);
}

proptest! {
    /// Tables, arrays and values as the parser accepts them, with names and values that are right now and then.
    #[test]
    fn any_toml_gives_a_value_or_a_list_of_problems(
        lines in prop::collection::vec((
            prop::sample::select(vec![
                "[ppo]", "[features]", "[features.optimizer]", "[features.decay]", "[[ppo]]", "[x]", "[ppo.hidden]",
                "format_version", "discount", "hidden", "schedule", "decay", "decay.end", "decay.kind", "optimizer",
                "optimizer.rate", "optimizer.lr", "timeout", "time_limit", "token", "files", "\"a b\"", "",
            ]),
            prop::sample::select(vec![
                "1", "-1", "0.5", "1e999", "nan", "true", "\"linear\"", "\"exponential:end=0.2,stairs=3\"", "\"linear:\"",
                "\":=,\"", "{ kind = \"exponential\", end = 9 }", "{ kind = 3 }", "{}", "{ rate = 0.5, lr = [] }", "[]",
                "[1, \"x\"]", "[[1]]", "\"90s\"", "\"none\"", "\"\"", "1979-05-27", "99999999999999999999999999999999999999999",
            ]),
        ), 0..12),
    ) {
        let text: String = lines
            .iter()
            .map(|(name, value)| if name.starts_with('[') { format!("{name}\n") } else { format!("{name} = {value}\n") })
            .collect();
        let mut registry = registry();
        registry.register::<crate::sections::Features>().unwrap();
        let before = registry.to_toml();
        match registry.apply_toml(&text, "a test") {
            Ok(()) => {
                // Whatever was accepted is written so that it reads back to the same values.
                let mut copy = registry.clone();
                copy.apply_toml(&registry.to_toml(), "a test").unwrap();
                prop_assert!(registry.entries().map(|entry| entry.value).eq(copy.entries().map(|entry| entry.value)));
            }
            Err(error) => {
                prop_assert!(!error.problems().is_empty() && !report(&error).is_empty());
                prop_assert_eq!(registry.to_toml(), before);
            }
        }
    }
}
