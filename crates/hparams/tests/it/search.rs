//! Search spaces and the tuning that draws from them.

use std::collections::HashSet;

use dodge_hparams::{Error, HParams, Registry, SearchSpace, Tuning, Value};

use crate::sections::{Decay, Features, features};

fn space() -> SearchSpace {
    SearchSpace::of(&features(), |_| true).unwrap()
}

#[test]
fn the_declarations_are_the_space() {
    let space = space();
    let shown: Vec<String> = space
        .dimensions()
        .iter()
        .map(|dimension| format!("{} {:?} {:?}", dimension.name(), dimension.domain, dimension.condition))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    features.decay Categorical([Text("constant"), Text("linear"), Text("exponential")]) None
    features.optimizer.rate LogUniform { low: 0.0001, high: 0.01 } None
    features.twice Categorical([Bool(false), Bool(true)]) None
    features.batch Categorical([Integer(32), Integer(64), Integer(128)]) None
    features.decay.end LogUniform { low: 0.01, high: 0.5 } Some(("features.decay", ["exponential"]))
    features.again Integer { low: 1, high: 8 } Some(("features.twice", ["true"]))
    "#);
    let some = SearchSpace::of(&features(), |name| name.starts_with("features.optimizer.")).unwrap();
    assert_eq!(some.dimensions().len(), 1);
}

#[test]
fn equal_seeds_give_equal_trials() {
    let trials = |seed| {
        let mut tuning = Tuning::random(space(), &features(), seed);
        (0..20).map(|_| tuning.ask().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(trials(3), trials(3));
    assert_ne!(trials(3), trials(4));
    // A seed stays worth writing down: the same trial on every machine and in every version.
    insta::assert_snapshot!(format!("{:?}", trials(3)[0].values), @r#"[("features.decay", Text("linear")), ("features.optimizer.rate", Float(0.00014541305357488804)), ("features.twice", Bool(false)), ("features.batch", Integer(32))]"#);
}

#[test]
fn trials_cover_the_space_and_respect_conditions() {
    let registry = features();
    let mut tuning = Tuning::random(space(), &registry, 1);
    let (mut rates, mut agains, mut kinds) = (Vec::new(), HashSet::new(), HashSet::new());
    for _ in 0..600 {
        let trial = tuning.ask().unwrap();
        let mut tried = registry.clone();
        trial.apply(&mut tried).unwrap();
        let params: Features = tried.get().unwrap();
        let names: Vec<&str> = trial.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.contains(&"features.again"), params.twice);
        assert_eq!(names.contains(&"features.decay.end"), matches!(params.decay, Decay::Exponential { .. }));
        assert!([32, 64, 128].contains(&params.batch));
        rates.push(params.optimizer.rate);
        agains.insert(params.again);
        kinds.insert(format!("{:?}", params.decay).split(' ').next().unwrap().to_owned());
        let layer = tried.entry("features", "batch").unwrap().layer.to_string();
        assert_eq!(layer, format!("trial {}", trial.number));
    }
    assert_eq!(agains, (1..=8).collect());
    assert_eq!(kinds.len(), 3);
    // On a logarithmic scale half of the draws lie below the geometric mean of 1e-4 and 1e-2.
    let below = rates.iter().filter(|rate| **rate < 1e-3).count();
    assert!((240..360).contains(&below), "{below}");
}

#[test]
fn a_grid_is_every_combination_once() {
    let registry = features();
    let mut tuning = Tuning::grid(space(), &registry, 3);
    let mut seen = HashSet::new();
    while let Some(trial) = tuning.ask() {
        trial.apply(&mut registry.clone()).unwrap();
        assert!(seen.insert(format!("{:?}", trial.values)), "{trial:?}");
        assert_eq!(trial.number + 1, seen.len());
    }
    // 3 rates, 3 batches; constant, linear, or exponential with 3 ends; not twice, or twice with 3 of again.
    assert_eq!(seen.len(), 3 * 3 * (2 + 3) * (1 + 3));
}

#[test]
fn a_condition_outside_of_the_space_looks_at_the_registry() {
    let mut registry = features();
    let only_again = |registry: &Registry| {
        let space = SearchSpace::of(registry, |name| name == "features.again").unwrap();
        Tuning::random(space, registry, 1).ask().unwrap().values.len()
    };
    assert_eq!(only_again(&registry), 0);
    registry.apply_set("features.twice=true").unwrap();
    assert_eq!(only_again(&registry), 1);
}

#[test]
fn the_first_trial_can_be_what_stands() {
    let mut registry = features();
    registry.apply_set("features.decay=exponential:end=0.25").unwrap();
    let space = SearchSpace::of(&registry, |_| true).unwrap();
    let mut tuning = Tuning::random(space.clone(), &registry, 1).with_present_first();
    let first = tuning.ask().unwrap();
    let mut tried = registry.clone();
    first.apply(&mut tried).unwrap();
    assert_eq!(tried.get::<Features>().unwrap(), registry.get().unwrap());
    assert!(first.values.iter().any(|(name, value)| name == "features.decay.end" && *value == Value::Float(0.25)));
    assert_ne!(tuning.ask().unwrap().values, first.values);
}

/// How far from the best place on the axes of rate and batch.
fn told_score(values: &[(String, Value)]) -> f64 {
    let value = |name: &str| values.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let Some(Value::Float(rate)) = value("features.optimizer.rate") else { panic!("{values:?}") };
    let batch = if value("features.batch") == Some(&Value::Integer(64)) { 1.0 } else { 0.0 };
    batch - (rate.ln() - 3e-3_f64.ln()).abs()
}

fn studied(mut tuning: Tuning) -> Tuning {
    for _ in 0..60 {
        let trial = tuning.ask().unwrap();
        trial.apply(&mut features()).unwrap();
        let score = told_score(&trial.values);
        tuning.tell(trial, score);
    }
    tuning
}

#[test]
fn parzen_estimators_find_more_than_chance_and_the_same_each_time() {
    for seed in 1..4 {
        let tpe = studied(Tuning::tpe(space(), &features(), seed).with_present_first());
        let random = studied(Tuning::random(space(), &features(), seed).with_present_first());
        let late = |tuning: &Tuning| tuning.told()[30..].iter().map(|(_, score)| score).sum::<f64>() / 30.0;
        assert!(late(&tpe) > late(&random) + 0.5, "{} and {}", late(&tpe), late(&random));
        assert_eq!(tpe.told(), studied(Tuning::tpe(space(), &features(), seed).with_present_first()).told());
        // Nothing is known yet: both draw by the seed.
        assert_eq!(tpe.told()[1..5], random.told()[1..5]);
    }
}

#[test]
fn the_best_is_the_first_of_the_highest() {
    let mut tuning = Tuning::grid(space(), &features(), 2);
    assert_eq!(tuning.best(), None);
    for score in [f64::NAN, 1.0, 3.0, 3.0, f64::NEG_INFINITY] {
        let trial = tuning.ask().unwrap();
        tuning.tell(trial, score);
    }
    let (best, score) = tuning.best().unwrap();
    assert_eq!((best.number, score), (2, 3.0));
    assert_eq!(tuning.told().len(), 5);
}

/// A search that leaves its range.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "outside")]
struct Outside {
    /// A share.
    #[hparam(default = 0.5, range = 0.0..=1.0, search = 0.0..=2.0)]
    share: f64,
}

/// A search without an end.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "open")]
struct Open {
    /// A count.
    #[hparam(default = 5, range = 1.., search)]
    count: u32,
}

/// A search of nothing that could be drawn.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "text")]
struct Text {
    /// A text.
    #[hparam(default = "", search)]
    text: String,
}

/// Conditions without a beginning.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "circle")]
struct Circle {
    /// One.
    #[hparam(default = true, search, search_when = "two = true")]
    one: bool,
    /// Two.
    #[hparam(default = true, search, search_when = "one = true")]
    two: bool,
}

/// A condition without an object.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "lost")]
struct Lost {
    /// One.
    #[hparam(default = true, search, search_when = "other.two = true")]
    one: bool,
}

#[test]
fn searches_that_make_no_sense_are_refused() {
    fn refused<P: HParams>() -> String {
        let mut registry = Registry::new();
        let space = registry.register::<P>().and_then(|()| SearchSpace::of(&registry, |_| true));
        match space {
            Err(error @ Error::InvalidDeclaration { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }
    let messages = [refused::<Outside>(), refused::<Open>(), refused::<Text>(), refused::<Circle>(), refused::<Lost>()];
    insta::assert_snapshot!(messages.join("\n"), @"
    invalid declaration of outside.share: its search tries 2.0, which is out of range, expected 0.0 to 1.0
    invalid declaration of open.count: its search needs a range that is closed at both ends
    invalid declaration of text.text: its search needs a range that is closed at both ends
    invalid declaration of circle.one: the conditions of its search go round in a circle
    invalid declaration of lost.one: its search asks for other.two, which does not exist
    ");
}
