//! The layer of environment variables, handed in as pairs.

use dodge_hparams::{Error, Registry};
use insta::assert_snapshot;

use crate::{
    sections::{features, registry},
    text::value,
};

fn apply(registry: &mut Registry, variables: &[(&str, &str)]) -> Result<(), Error> {
    registry.apply_environment("DODGE_", variables.iter().copied())
}

#[test]
fn variables_are_a_layer_with_their_names() {
    let mut registry = registry();
    let variables = [
        ("DODGE_PPO__LEARNING_RATE", "1e-4"),
        ("DODGE_EVERY_TYPE__TEXTS", "a,b"),
        ("DODGE_PPO__DISCOUNT", " "),
        ("DODGE_DEVICE", "cpu"),
        ("OTHER_PPO__DISCOUNT", "0.5"),
    ];
    apply(&mut registry, &variables).unwrap();
    assert_eq!(value(&registry, "ppo", "learning_rate"), "0.0001");
    assert_eq!(value(&registry, "every-type", "texts"), r#"["a", "b"]"#);
    assert_eq!(value(&registry, "ppo", "discount"), "0.97");
    let entry = registry.entry("ppo", "learning_rate").unwrap();
    assert_eq!(entry.layer.to_string(), "environment variable DODGE_PPO__LEARNING_RATE");
}

#[test]
fn nested_keys_and_data_go_on_after_another_pair_of_underscores() {
    let mut registry = features();
    let variables = [
        ("DODGE_FEATURES__OPTIMIZER__RATE", "0.5"),
        ("DODGE_FEATURES__DECAY__END", "0.25"),
        ("DODGE_FEATURES__TIMEOUT", "2h"),
    ];
    apply(&mut registry, &variables).unwrap();
    assert_eq!(value(&registry, "features", "optimizer.rate"), "0.5");
    assert_eq!(value(&registry, "features", "decay"), r#"{ kind = "linear", end = 0.25 }"#);
    assert_eq!(value(&registry, "features", "timeout"), r#""2h""#);
}

#[test]
fn mistakes_are_told_together_and_change_nothing() {
    let mut registry = registry();
    let variables = [
        ("DODGE_PPO__ENVIRONMENTS", "3"),
        ("DODGE_PPO__DISCONT", "0.5"),
        ("DODGE_POP__DISCOUNT", "0.5"),
        ("DODGE_PPO__BATCH", "many"),
    ];
    let error = apply(&mut registry, &variables).unwrap_err();
    let lines: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    unknown hyperparameter ppo.discont (environment variable DODGE_PPO__DISCONT): did you mean `discount`?
    unknown section `pop` (environment variable DODGE_POP__DISCOUNT): did you mean `ppo`?
    ppo.batch = "many" (environment variable DODGE_PPO__BATCH): wrong type, expected an integer, got text
    "#);
    assert_eq!(value(&registry, "ppo", "environments"), "64");
}
