//! Layers: later ones win, each applies whole or not at all, and every value knows its own.

use std::fs;

use dodge_hparams::{Error, HParams, Layer, Value};

use crate::{
    sections::{EveryType, PpoParams, Schedule, registry},
    text::value,
};

fn layer_of(registry: &dodge_hparams::Registry, key: &str) -> String {
    let entry = registry.entries().find(|entry| entry.key == key).unwrap();
    entry.layer.to_string()
}

#[test]
fn later_layers_win_and_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.toml");
    fs::write(&path, "format_version = 1\n[ppo]\nenvironments = 8\nbatch = 32\n").unwrap();

    let mut registry = registry();
    registry
        .apply_toml("[ppo]\nenvironments = 4\ndiscount = 0.5\nbatch = 16\n", Layer::Preset("quick".to_owned()))
        .unwrap();
    registry.apply_toml_file(&path).unwrap();
    registry.apply_set("ppo.batch=128").unwrap();
    registry.apply_text("ppo", "rollout", "1e3", "--steps").unwrap();

    let ppo: PpoParams = registry.get().unwrap();
    assert_eq!((ppo.discount, ppo.environments, ppo.batch, ppo.rollout), (0.5, 8, 128, 1000));
    assert_eq!(layer_of(&registry, "discount"), "preset quick");
    assert_eq!(layer_of(&registry, "environments"), format!("config file {}", path.display()));
    assert_eq!(layer_of(&registry, "batch"), "--set");
    assert_eq!(layer_of(&registry, "rollout"), "--steps");
    assert_eq!(layer_of(&registry, "learning_rate"), "default");
}

#[test]
fn a_layer_with_a_mistake_changes_nothing() {
    let mut registry = registry();
    registry.apply_set("ppo.discount=0.5").unwrap();
    let before: Vec<_> = registry.entries().map(|entry| (entry.key, entry.value, entry.layer.clone())).collect();

    for text in [
        "[ppo]\ndiscount = 0.1\nenvironments = 0\n",
        "[ppo]\ndiscount = 0.1\n[unknown]\n",
        "[ppo]\ndiscount = 0.1\nunknown = 1\n",
        "[ppo]\ndiscount = 0.1\nbatch = 2024-01-01\n",
        "[ppo]\ndiscount = 0.1\n[every-type]\nflag = 1\n",
        "[ppo]\ndiscount = 0.1\nx =\n",
        "x = 1\n[ppo]\ndiscount = 0.1\n",
        "format_version = 2\n[ppo]\ndiscount = 0.1\n",
    ] {
        registry.apply_toml(text, "a test").unwrap_err();
    }
    let mut params = PpoParams { discount: 0.1, ..PpoParams::default() };
    params.learning_rate = f64::NAN;
    registry.apply_params(params, "a test").unwrap_err();

    let after: Vec<_> = registry.entries().map(|entry| (entry.key, entry.value, entry.layer.clone())).collect();
    assert_eq!(before, after);
}

#[test]
fn values_are_checked_together_only_when_asked() {
    let mut registry = registry();
    registry.apply_set("ppo.batch=100").unwrap();
    assert!(matches!(registry.validate(), Err(Error::Inconsistent { .. })));
    registry.apply_set("ppo.rollout=1000").unwrap();
    registry.validate().unwrap();
}

#[test]
fn params_made_in_code_are_a_layer_too() {
    let mut registry = registry();
    let params = PpoParams { discount: 0.5, schedule: Schedule::Constant, ..PpoParams::default() };
    registry.apply_params(params.clone(), "checkpoint").unwrap();
    assert_eq!(registry.get::<PpoParams>().unwrap(), params);
    assert_eq!(layer_of(&registry, "discount"), "checkpoint");
    assert_eq!(layer_of(&registry, "schedule"), "checkpoint");
    assert_eq!(layer_of(&registry, "batch"), "default");
}

#[test]
fn sections_set_and_get_by_key() {
    let mut params = PpoParams::default();
    params.set("environments", &Value::Float(8.0)).unwrap();
    assert_eq!(params.environments, 8);
    assert_eq!(params.get("environments"), Some(Value::Integer(8)));
    assert_eq!(params.get("nothing"), None);
    params.set("environments", &Value::Integer(0)).unwrap_err();
    assert_eq!(params.environments, 8);
}

#[test]
fn entries_follow_registration_and_flatten_for_tracking() {
    let mut registry = registry();
    registry.apply_set("every-type.type=a b").unwrap();
    let flat = registry.flatten();
    assert_eq!(flat.len(), registry.entries().count());
    assert_eq!(flat[0], ("ppo/discount".to_owned(), "0.97".to_owned()));
    assert_eq!(flat[5], ("ppo/hidden".to_owned(), "[256, 256]".to_owned()));
    assert_eq!(flat[6], ("ppo/target_kl".to_owned(), "none".to_owned()));
    assert_eq!(flat[7], ("ppo/schedule".to_owned(), "linear".to_owned()));
    assert!(flat.contains(&("every-type/type".to_owned(), "a b".to_owned())));
    let entry = registry.entries().next().unwrap();
    assert_eq!(entry.default, &Value::Float(0.97));
    assert_eq!(entry.field.doc, "Discount of future rewards.");
}

#[test]
fn an_integer_where_a_float_belongs_becomes_one() {
    let mut registry = registry();
    registry.apply_toml("ppo.discount = 1", "a test").unwrap();
    assert_eq!(value(&registry, "ppo", "discount"), "1.0");
    assert_eq!(registry.get::<PpoParams>().unwrap().discount, 1.0);
}

#[test]
fn a_clone_is_independent() {
    let original = registry();
    let mut copy = original.clone();
    copy.apply_set("every-type.small=9").unwrap();
    assert_eq!(original.get::<EveryType>().unwrap().small, 3);
    assert_eq!(copy.get::<EveryType>().unwrap().small, 9);
}
