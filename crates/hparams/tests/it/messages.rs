//! The messages that users read.

use std::error::Error as _;

use dodge_hparams::{HParams, Layer};
use insta::assert_snapshot;

use crate::sections::{EveryType, PpoParams, registry};

fn set(assignment: &str) -> String {
    registry().apply_set(assignment).unwrap_err().to_string()
}

fn toml(text: &str) -> String {
    let layer = Layer::File("f.toml".into());
    registry().apply_toml(text, layer).unwrap_err().to_string()
}

#[test]
fn unknown_names() {
    assert_snapshot!(set("ppp.discount=1"), @"unknown section `ppp` (--set): did you mean `ppo`?");
    assert_snapshot!(set("network.depth=1"), @"unknown section `network` (--set): available: ppo, every-type");
    assert_snapshot!(set("ppo.discuont=1"), @"unknown hyperparameter ppo.discuont (--set): did you mean `discount`?");
    assert_snapshot!(set("ppo.colour=1"), @"unknown hyperparameter ppo.colour (--set): available: discount, learning_rate, environments, rollout, batch, hidden, target_kl, schedule");
    assert_snapshot!(toml("\n[pppo]\n"), @"unknown section `pppo` (config file f.toml, line 2, column 2): did you mean `ppo`?");
    assert_snapshot!(toml("[ppo]\ndiscount = 0.5\nlearning-rate = 1\n"), @"unknown hyperparameter ppo.learning-rate (config file f.toml, line 3, column 1): did you mean `learning_rate`?");
}

#[test]
fn wrong_types() {
    assert_snapshot!(set("ppo.discount=high"), @r#"ppo.discount = "high" (--set): wrong type, expected a number, got text"#);
    assert_snapshot!(set("ppo.environments=1.5"), @"ppo.environments = 1.5 (--set): wrong type, expected an integer, got a number with a fraction");
    assert_snapshot!(set("ppo.hidden=64,wide"), @r#"ppo.hidden = [64, "wide"] (--set): element 2: wrong type, expected an integer, got text"#);
    assert_snapshot!(set("ppo.target_kl=some"), @r#"ppo.target_kl = "some" (--set): wrong type, expected a number or none, got text"#);
    assert_snapshot!(set("ppo.schedule=linaer"), @r#"ppo.schedule = "linaer" (--set): no such choice, did you mean `linear`?"#);
    assert_snapshot!(set("ppo.schedule=step"), @r#"ppo.schedule = "step" (--set): no such choice, available: constant, linear, cosine-decay"#);
    assert_snapshot!(set("every-type.flag=yes"), @r#"every-type.flag = "yes" (--set): wrong type, expected true or false, got text"#);
    assert_snapshot!(toml("[ppo]\nhidden = 64"), @"ppo.hidden = 64 (config file f.toml, line 2, column 10): wrong type, expected a list (each an integer), got an integer");
    assert_snapshot!(toml("[ppo]\nschedule = 3"), @"ppo.schedule = 3 (config file f.toml, line 2, column 12): wrong type, expected one of constant, linear, cosine-decay, got an integer");
    assert_snapshot!(toml("[ppo]\ndiscount = 2024-01-01"), @"ppo.discount = (a date or time) (config file f.toml, line 2, column 12): wrong type, expected a number, got a date or time");
    assert_snapshot!(toml("[ppo.discount]\nx = 1"), @"ppo.discount = { x = 1 } (config file f.toml, line 1, column 1): wrong type, expected a number, got a table");
    assert_snapshot!(toml("[every-type]\ntype = 3"), @"every-type.type = 3 (config file f.toml, line 2, column 8): wrong type, expected text, got an integer");
}

#[test]
fn out_of_range() {
    assert_snapshot!(set("ppo.discount=1.5"), @"ppo.discount = 1.5 (--set): out of range, expected 0.0 to 1.0");
    assert_snapshot!(set("ppo.environments=0"), @"ppo.environments = 0 (--set): out of range, expected 1 to 65536 (environments)");
    assert_snapshot!(set("ppo.environments=-1"), @"ppo.environments = -1 (--set): out of range, expected 1 to 65536 (environments)");
    assert_snapshot!(set("ppo.rollout=0"), @"ppo.rollout = 0 (--set): out of range, expected at least 1 (environment steps)");
    assert_snapshot!(set("ppo.hidden=[64, 0]"), @"ppo.hidden = [64, 0] (--set): element 2: out of range, expected 1 to 8192");
    assert_snapshot!(set("ppo.hidden=1,1,1,1,1,1,1,1,1"), @"ppo.hidden = [1, 1, 1, 1, 1, 1, 1, 1, 1] (--set): too long, expected at most 8 elements, got 9");
    assert_snapshot!(set("ppo.discount=nan"), @"ppo.discount = NaN (--set): not a finite number");
    assert_snapshot!(set("ppo.discount=-inf"), @"ppo.discount = -inf (--set): not a finite number");
    assert_snapshot!(set("every-type.small=4294967296"), @"every-type.small = 4294967296 (--set): out of range, expected 0 to 4294967295");
    assert_snapshot!(set("every-type.large=-1"), @"every-type.large = -1 (--set): out of range, expected 0 to 18446744073709551615");
    assert_snapshot!(set("every-type.large=18446744073709551616"), @"every-type.large = 18446744073709551616 (--set): out of range, expected 0 to 18446744073709551615");
    assert_snapshot!(set("every-type.signed=1e30"), @"every-type.signed = 1e30 (--set): out of range, expected -9223372036854775808 to 9223372036854775807");
    assert_snapshot!(set("every-type.single=1"), @"every-type.single = 1 (--set): out of range, expected -1.0 to below 1.0");
    assert_snapshot!(set(&format!("every-type.type={}", "x".repeat(41))), @r#"every-type.type = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" (--set): too long, expected at most 40 characters, got 41"#);
    assert_snapshot!(toml("[ppo]\ndiscount = 1e400"), @"ppo.discount = inf (config file f.toml, line 2, column 12): not a finite number");
}

#[test]
fn malformed_input() {
    assert_snapshot!(toml("[ppo]\ndiscount = = 1"), @"malformed TOML (config file f.toml, line 2, column 12): extra `=`, expected nothing");
    assert_snapshot!(toml("[ppo]\ndiscount = 1\ndiscount = 1"), @"malformed TOML (config file f.toml, line 3, column 1): duplicate key");
    assert_snapshot!(toml("[ppo"), @"malformed TOML (config file f.toml, line 1, column 5): unclosed table, expected `]`");
    assert_snapshot!(toml("discount = 1"), @"`discount` is no [section] (config file f.toml, line 1, column 1): values go below a [section] header");
    assert_snapshot!(toml("[[ppo]]\ndiscount = 1"), @"`ppo` is no [section] (config file f.toml, line 1, column 3): values go below a [section] header");
    assert_snapshot!(toml("format_version = 2"), @"format_version = 2 (config file f.toml, line 1, column 18) cannot be read: this version reads 1");
    assert_snapshot!(set("ppo.discount"), @"malformed assignment `ppo.discount` (--set): write section.key=value");
    assert_snapshot!(set("discount=0.5"), @"malformed assignment `discount=0.5` (--set): did you mean `ppo.discount`?");
    assert_snapshot!(set("nothing=0.5"), @"malformed assignment `nothing=0.5` (--set): write section.key=value");
    assert_snapshot!(set(".discount=0.5"), @"malformed assignment `.discount=0.5` (--set): write section.key=value");
    assert_snapshot!(set("ppo.=0.5"), @"malformed assignment `ppo.=0.5` (--set): write section.key=value");
    assert_snapshot!(set("ppo.discount="), @"malformed assignment `ppo.discount=` (--set): it has no value, expected a number");
    assert_snapshot!(set(""), @"malformed assignment `` (--set): write section.key=value");
}

#[test]
fn unreadable_file() {
    let error = registry().apply_toml_file("no/such.toml").unwrap_err();
    assert_snapshot!(error, @"cannot read config file no/such.toml");
    assert!(error.source().is_some());
}

#[test]
fn values_made_in_code() {
    let params = PpoParams { discount: 2.0, ..PpoParams::default() };
    assert_snapshot!(params.validate().unwrap_err(), @"ppo.discount = 2.0 (set in code): out of range, expected 0.0 to 1.0");
    let params = PpoParams { batch: 100, ..PpoParams::default() };
    assert_snapshot!(params.validate().unwrap_err(), @"section `ppo`: batch = 100 does not divide rollout = 256");
    let params = EveryType { maybe_text: Some("none".to_owned()), ..EveryType::default() };
    assert_snapshot!(params.validate().unwrap_err(), @r#"every-type.maybe_text = "none" (set in code): the text `none` stands for no value, choose another"#);
}

#[test]
fn a_resolved_configuration() {
    let mut registry = dodge_hparams::Registry::new();
    registry.register::<PpoParams>().unwrap();
    registry.apply_set("ppo.discount=0.9").unwrap();
    assert_snapshot!(registry.to_toml(), @r###"
    # Resolved hyperparameters: each value with the layer it came from.
    format_version = 1

    # Proximal policy optimisation.
    [ppo]
    # Discount of future rewards.
    # number, 0.0 to 1.0; from --set; default 0.97
    discount = 0.9
    # Optimiser step size.
    #
    # Too large and the policy collapses.
    # number, 1e-8 to 1.0 (per gradient step); from default
    learning_rate = 0.0005
    # Environments stepped together.
    # integer, 1 to 65536 (environments); from default
    environments = 64
    # Environment steps per rollout.
    # integer, at least 1 (environment steps); from default
    rollout = 256
    # Environment steps per batch; must divide the rollout.
    # integer, at least 1 (environment steps); from default
    batch = 64
    # Hidden layer widths.
    # list (each integer), 1 to 8192, at most 8 elements; from default
    hidden = [256, 256]
    # Stop an update early above this KL divergence.
    # number or none, 0.0 to 10.0; from default
    target_kl = "none"
    # How the learning rate changes.
    # one of constant, linear, cosine-decay; from default
    schedule = "linear"
    "###);
}

#[test]
fn a_template() {
    let mut registry = dodge_hparams::Registry::new();
    registry.register::<PpoParams>().unwrap();
    assert_snapshot!(registry.template(), @r###"
    # Every hyperparameter with its default. Uncomment what you change.
    format_version = 1

    # Proximal policy optimisation.
    [ppo]
    # Discount of future rewards.
    # number, 0.0 to 1.0
    #discount = 0.97
    # Optimiser step size.
    #
    # Too large and the policy collapses.
    # number, 1e-8 to 1.0 (per gradient step)
    #learning_rate = 0.0005
    # Environments stepped together.
    # integer, 1 to 65536 (environments)
    #environments = 64
    # Environment steps per rollout.
    # integer, at least 1 (environment steps)
    #rollout = 256
    # Environment steps per batch; must divide the rollout.
    # integer, at least 1 (environment steps)
    #batch = 64
    # Hidden layer widths.
    # list (each integer), 1 to 8192, at most 8 elements
    #hidden = [256, 256]
    # Stop an update early above this KL divergence.
    # number or none, 0.0 to 10.0
    #target_kl = "none"
    # How the learning rate changes.
    # one of constant, linear, cosine-decay
    #   constant: It keeps its value.
    #   linear: It falls linearly to zero.
    #   cosine-decay: It falls along a half wave.
    #schedule = "linear"
    "###);
}
