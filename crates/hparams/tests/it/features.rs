//! Choices with data, nested structs, paths, durations, secrets, old names, and the store of one section.

use std::{path::PathBuf, time::Duration};

use dodge_hparams::{HyperparameterStore, Layer, Registry};
use insta::assert_snapshot;

use crate::{
    sections::{Decay, Features, Optimizer, PpoParams, features},
    text::value,
};

fn after(assignments: &[&str]) -> Features {
    let mut registry = features();
    for assignment in assignments {
        registry.apply_set(&format!("features.{assignment}")).unwrap();
    }
    registry.get().unwrap()
}

fn refused(assignment: &str) -> String {
    features().apply_set(&format!("features.{assignment}")).unwrap_err().to_string()
}

#[test]
fn a_choice_brings_its_data() {
    assert_eq!(after(&["decay=constant"]).decay, Decay::Constant);
    assert_eq!(after(&["decay=exponential"]).decay, Decay::Exponential { end: 0.1, stairs: 10 });
    assert_eq!(after(&["decay=exponential:stairs=3"]).decay, Decay::Exponential { end: 0.1, stairs: 3 });
    assert_eq!(after(&["decay={kind='linear', end=0.5}"]).decay, Decay::Linear { end: 0.5 });
    assert_eq!(after(&["decay.end=0.5"]).decay, Decay::Linear { end: 0.5 });
    let both = ["decay=exponential", "decay.end=0.5", "decay.stairs=2"];
    assert_eq!(after(&both).decay, Decay::Exponential { end: 0.5, stairs: 2 });
    let mut registry = features();
    registry.apply_toml("[features.decay]\nkind = 'exponential'\nstairs = 7", "a test").unwrap();
    assert_eq!(registry.get::<Features>().unwrap().decay, Decay::Exponential { end: 0.1, stairs: 7 });
    assert_eq!(registry.flatten()[0], ("features/decay".to_owned(), "exponential:end=0.1,stairs=7".to_owned()));
}

#[test]
fn mistakes_in_data_are_explained() {
    assert_snapshot!(refused("decay=exp"), @r#"features.decay = "exp" (--set): no such choice, available: constant, linear, exponential"#);
    assert_snapshot!(refused("decay=exponentail:end=1"), @r#"features.decay = "exponentail:end=1" (--set): no such choice, did you mean `exponential`?"#);
    assert_snapshot!(refused("decay=exponential:ned=1"), @r#"features.decay = "exponential:ned=1" (--set): `exponential` has no `ned`, did you mean `end`?"#);
    assert_snapshot!(refused("decay=exponential:end=2"), @r#"features.decay = "exponential:end=2" (--set): end: out of range, expected 1e-6 to 1.0"#);
    assert_snapshot!(refused("decay=exponential:stairs=few"), @r#"features.decay = "exponential:stairs=few" (--set): stairs: wrong type, expected an integer, got text"#);
    assert_snapshot!(refused("decay=constant:end=1"), @r#"features.decay = "constant:end=1" (--set): `constant` has no `end`, there are none"#);
    assert_snapshot!(refused("decay={end=0.5}"), @"features.decay = { end = 0.5 } (--set): wrong type, expected one of constant, linear, exponential, got a table");
    assert_snapshot!(refused("decay.stairs=3"), @r#"features.decay = { kind = "linear", end = 0.0, stairs = 3 } (--set): `linear` has no `stairs`, available: end"#);
    assert_snapshot!(refused("decay.end=2"), @r#"features.decay = { kind = "linear", end = 2 } (--set): end: out of range, expected 0.0 to 1.0"#);
}

#[test]
fn a_nested_struct_is_part_of_its_section() {
    assert_eq!(after(&["optimizer.rate=0.5"]).optimizer, Optimizer { rate: 0.5, ..Optimizer::default() });
    for text in ["optimizer.rate = 0.5", "optimizer = { rate = 0.5 }", "[features.optimizer]\nrate = 0.5"] {
        let mut registry = features();
        registry.apply_toml(&format!("[features]\n{text}"), "a test").unwrap();
        assert_eq!(value(&registry, "features", "optimizer.rate"), "0.5", "{text}");
    }
    assert_snapshot!(refused("optimizer.rate=2"), @"features.optimizer.rate = 2 (--set): out of range, expected 1e-6 to 1.0");
    assert_snapshot!(refused("optimizer.rat=0.5"), @"unknown hyperparameter features.optimizer.rat (--set): did you mean `optimizer.rate`?");
    assert_snapshot!(refused("optimizer=adam"), @"unknown hyperparameter features.optimizer (--set): available: decay, optimizer.rate, optimizer.beta1, optimizer.beta2, timeout, pause, folder, files, twice, again, batch, token");
    assert_snapshot!(refused("optimizer.nothing.here=0.5"), @"unknown hyperparameter features.optimizer.nothing.here (--set): available: decay, optimizer.rate, optimizer.beta1, optimizer.beta2, timeout, pause, folder, files, twice, again, batch, token");
    let mut registry = features();
    registry.apply_set("features.optimizer.beta2=0.1").unwrap();
    assert_snapshot!(registry.validate().unwrap_err(), @"section `features`: optimizer: beta1 is above beta2");
    assert_snapshot!(Registry::new().register::<Optimizer>().unwrap_err(), @"invalid declaration of it::sections::Optimizer.section: it has none, to be part of another struct: mark the field there #[hparam(nested)]");
}

#[test]
fn durations_and_paths() {
    assert_eq!(after(&["timeout=1.5h"]).timeout, Duration::from_secs(5400));
    assert_eq!(after(&["timeout=250"]).timeout, Duration::from_secs(250));
    assert_eq!(after(&["pause=250 ms"]).pause, Some(Duration::from_millis(250)));
    assert_eq!(after(&["pause=none"]).pause, None);
    assert_eq!(after(&["folder=/x y/z"]).folder, PathBuf::from("/x y/z"));
    assert_eq!(after(&["files=a.txt,b.txt"]).files, [PathBuf::from("a.txt"), PathBuf::from("b.txt")]);
    assert_snapshot!(refused("timeout=5m"), @r#"features.timeout = "5m" (--set): wrong type, expected a duration such as 90s or 1.5h, got text"#);
    assert_snapshot!(refused("timeout=10ms"), @r#"features.timeout = "10ms" (--set): out of range, expected 1.0 to 86400.0 (seconds)"#);
    assert_snapshot!(refused("timeout=-3"), @"features.timeout = -3 (--set): out of range, expected 1.0 to 86400.0 (seconds)");
    assert_snapshot!(refused("pause=2h"), @r#"features.pause = "2h" (--set): out of range, expected 0.0 to 60.0 (seconds)"#);
    assert_snapshot!(refused("folder=''"), @r#"features.folder = "" (--set): wrong type, expected a path, got text"#);
    assert_snapshot!(refused("files=1,2,3,4"), @r#"features.files = ["1", "2", "3", "4"] (--set): too long, expected at most 3 elements, got 4"#);
}

#[test]
fn a_secret_is_nowhere_to_be_seen() {
    let mut registry = features();
    registry.apply_set("features.token=swordfish").unwrap();
    assert_eq!(registry.get::<Features>().unwrap().token.as_deref(), Some("swordfish"));
    let flat = registry.flatten();
    assert!(flat.contains(&("features/token".to_owned(), "(secret)".to_owned())));
    let shown = [registry.to_toml(), format!("{registry:?}"), registry.template(), registry.json_schema()].concat();
    assert!(!shown.contains("swordfish"), "{shown}");
    assert!(registry.to_toml().contains("# token is secret and not written here\n"));

    let text = "[features]\ntoken = \"swordfish and much more than that\"\n";
    let error = features().apply_toml(text, Layer::File("mine.toml".into())).unwrap_err();
    assert_snapshot!(error, @"features.token = (secret) (config file mine.toml, line 2, column 9): too long, expected at most 20 characters, got 33");
    assert_eq!(error.underlined(), None);
    let error = features().apply_toml("[features]\ntoken = \"swordfish\n", "a test").unwrap_err();
    assert!(error.problems().iter().all(|problem| problem.underlined().is_none()), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("swordfish"));
}

#[test]
fn an_old_name_counts_and_is_told() {
    let mut registry = features();
    let text = "[features]\ntime_limit = '5s'\noptimizer.lr = 0.5\n";
    registry.apply_toml(text, Layer::File("mine.toml".into())).unwrap();
    let params: Features = registry.get().unwrap();
    assert_eq!((params.timeout, params.optimizer.rate), (Duration::from_secs(5), 0.5));
    let told: Vec<String> = registry.deprecations().iter().map(ToString::to_string).collect();
    assert_snapshot!(told.join("\n"), @"
    features.time_limit (config file mine.toml, line 2, column 1) is called features.timeout now
    features.optimizer.lr (config file mine.toml, line 3, column 11) is called features.optimizer.rate now
    ");
    assert!(registry.entries().all(|entry| entry.key != "time_limit"));
    assert_snapshot!(refused("time_limit=0.1s"), @r#"features.timeout = "0.1s" (--set): out of range, expected 1.0 to 86400.0 (seconds)"#);
}

#[test]
fn a_store_is_valid_or_unchanged() {
    let mut store = HyperparameterStore::<PpoParams>::new().unwrap();
    store.update("a test", |ppo| ppo.discount = 0.5).unwrap();
    let error = store.update("a test", |ppo| (ppo.batch, ppo.rollout) = (100, 256)).unwrap_err();
    assert_snapshot!(error, @"section `ppo`: batch = 100 does not divide rollout = 256");
    store.set(PpoParams { discount: 2.0, environments: 0, ..PpoParams::default() }, "a test").unwrap_err();
    assert_eq!(store.get(), &PpoParams { discount: 0.5, ..PpoParams::default() });
}

#[test]
fn a_registry_hands_out_its_stores() {
    let mut registry = features();
    registry.store_mut::<Features>().unwrap().update("a test", |features| features.batch = 32).unwrap();
    assert_eq!(registry.store::<Features>().unwrap().get().batch, 32);
    assert_eq!(registry.entry("features", "batch").unwrap().layer.to_string(), "a test");
    assert!(registry.entry("features", "nothing").is_none() && registry.entry("x", "batch").is_none());
    assert!(registry.store::<PpoParams>().is_err());
    let keys: Vec<&str> = registry.section("features").unwrap().map(|entry| entry.key).collect();
    assert_eq!((keys[0], keys.len()), ("decay", 12));
    assert!(registry.section("ppo").is_none());
}

#[test]
fn configurations_and_templates_hold_all_of_it() {
    let mut registry = features();
    registry.apply_set("features.decay=exponential").unwrap();
    assert_snapshot!(registry.to_toml(), @r#"
    # Resolved hyperparameters: each value with the layer it came from.
    format_version = 1

    # Every further feature of a declaration.
    [features]
    # How the size falls.
    # one of constant, linear, exponential; from --set; default { kind = "linear", end = 0.0 }
    decay = { kind = "exponential", end = 0.1, stairs = 10 }
    # Step size.
    # number, 1e-6 to 1.0; from default
    optimizer.rate = 0.001
    # Memory of the mean.
    # number, 0.0 to below 1.0; from default
    optimizer.beta1 = 0.9
    # Memory of the variance.
    # number, 0.0 to below 1.0; from default
    optimizer.beta2 = 0.999
    # How long to wait.
    # duration, 1.0 to 86400.0 (seconds); from default
    timeout = "90s"
    # How long to rest.
    # duration or none, 0.0 to 60.0 (seconds); from default
    pause = "none"
    # Where to look.
    # path; from default
    folder = "a/b"
    # What to look at.
    # list (each path), at most 3 elements; from default
    files = ["x.txt"]
    # Whether to look twice.
    # true or false; from default
    twice = false
    # How often to look again.
    # integer, 1 to 8; from default
    again = 2
    # Samples at once.
    # integer, 1 to 4096; from default
    batch = 64
    # What opens the door.
    # text or none, at most 20 characters; from default
    # token is secret and not written here
    "#);
    assert_snapshot!(registry.template(), @r#"
    # Every hyperparameter with its default. Uncomment what you change.
    format_version = 1

    # Every further feature of a declaration.
    [features]
    # How the size falls.
    # one of constant, linear, exponential
    #   constant: It keeps its value.
    #   linear: It falls linearly.
    #     end = 0.0: What is left at the end, as a share of the start. (number, 0.0 to 1.0)
    #   exponential: It falls by the same ratio again and again.
    #     end = 0.1: What is left at the end, as a share of the start. (number, 1e-6 to 1.0)
    #     stairs = 10: How often it falls. (integer, 1 to 1000 (stairs))
    #decay = { kind = "linear", end = 0.0 }
    # Step size.
    # number, 1e-6 to 1.0
    #optimizer.rate = 0.001
    # Memory of the mean.
    # number, 0.0 to below 1.0
    #optimizer.beta1 = 0.9
    # Memory of the variance.
    # number, 0.0 to below 1.0
    #optimizer.beta2 = 0.999
    # How long to wait.
    # duration, 1.0 to 86400.0 (seconds)
    #timeout = "90s"
    # How long to rest.
    # duration or none, 0.0 to 60.0 (seconds)
    #pause = "none"
    # Where to look.
    # path
    #folder = "a/b"
    # What to look at.
    # list (each path), at most 3 elements
    #files = ["x.txt"]
    # Whether to look twice.
    # true or false
    #twice = false
    # How often to look again.
    # integer, 1 to 8
    #again = 2
    # Samples at once.
    # integer, 1 to 4096
    #batch = 64
    # What opens the door.
    # text or none, at most 20 characters
    #token = "none"
    "#);
}

#[test]
fn assignments_are_read_whether_or_not_they_are_known() {
    let text = "[old]\nb = 1\na = [1, 2]\nkind = { kind = 'linear', end = 0 }\n";
    let read = dodge_hparams::assignments(text, "a test").unwrap();
    let shown: Vec<String> = read.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(shown, ["old.b 1", "old.a [1, 2]", "old.kind linear:end=0"]);
    assert!(dodge_hparams::assignments("x = 1", "a test").is_err());
}
