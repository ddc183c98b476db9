//! A configuration written by the registry reads back to the same values.

use dodge_hparams::{Registry, Value};
use proptest::prelude::*;

use crate::sections::{EveryType, Features, PpoParams, Schedule, registry};

fn schedule() -> impl Strategy<Value = Schedule> {
    prop::sample::select(vec![Schedule::Constant, Schedule::Linear, Schedule::CosineDecay])
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

fn not_none() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("reserved", |text| text != "none")
}

prop_compose! {
    fn every_type()(
        (flag, small, large, size, signed) in any::<(bool, u32, u64, usize, i64)>(),
        single in (-1.0_f32..1.0),
        double in finite(),
        text in prop::collection::vec(any::<char>(), 0..=40),
        maybe_text in prop::option::of(not_none()),
        maybe_count in any::<Option<u32>>(),
        maybe_choice in prop::option::of(schedule()),
        numbers in prop::collection::vec(finite(), 0..5),
        texts in any::<Vec<String>>(),
        choices in prop::collection::vec(schedule(), 0..5),
        flags in any::<Vec<bool>>(),
    ) -> EveryType {
        EveryType {
            flag, small, large, size, signed, single, double,
            r#type: text.into_iter().collect(),
            maybe_text, maybe_count, maybe_choice, numbers, texts, choices, flags,
        }
    }
}

prop_compose! {
    fn ppo()(
        discount in 0.0..=1.0,
        learning_rate in 1e-8..=1.0,
        environments in 1_usize..=65536,
        batch in 1_u64..1000,
        batches in 1_u64..1000,
        hidden in prop::collection::vec(1_usize..=8192, 0..=8),
        target_kl in prop::option::of(0.0..=10.0),
        schedule in schedule(),
    ) -> PpoParams {
        PpoParams {
            discount, learning_rate, environments, rollout: batch * batches, batch, hidden,
            target_kl, schedule,
        }
    }
}

proptest! {
    #[test]
    fn resolved_configurations_read_back(
        every_type in every_type(),
        ppo in ppo(),
        layer in any::<String>(),
    ) {
        let mut registry = registry();
        registry.apply_params(ppo.clone(), layer.clone()).unwrap();
        registry.apply_params(every_type.clone(), layer).unwrap();
        let mut copy = self::registry();
        copy.apply_toml(&registry.to_toml(), "a test").unwrap();
        copy.validate().unwrap();
        prop_assert_eq!(copy.get::<PpoParams>().unwrap(), ppo);
        prop_assert_eq!(copy.get::<EveryType>().unwrap(), every_type);
    }

    #[test]
    fn single_precision_survives_its_decimal_form(bits in any::<u32>()) {
        use dodge_hparams::Parameter;
        let value = f32::from_bits(bits);
        prop_assume!(value.is_finite());
        prop_assert_eq!(f32::from_value(&value.to_value()).unwrap().to_bits(), bits);
    }
}

#[test]
fn no_value_overrides_a_default_that_is_one() {
    let mut registry = registry();
    registry.apply_set("every-type.maybe_text=none").unwrap();
    let mut copy = self::registry();
    copy.apply_toml(&registry.to_toml(), "a test").unwrap();
    assert_eq!(copy.get::<EveryType>().unwrap().maybe_text, None);
}

fn values(registry: &Registry) -> Vec<Value> {
    registry.entries().map(|entry| entry.value).collect()
}

proptest! {
    /// Whatever lines of the template are uncommented: the values are the defaults, and know that they were set.
    #[test]
    fn the_template_is_the_defaults(uncommented in prop::collection::vec(any::<bool>(), 64)) {
        let mut defaults = registry();
        defaults.register::<Features>().unwrap();
        let template = defaults.template();
        // A comment starts with "# ", a commented assignment with "#key".
        let is_assignment = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty());
        prop_assert!(template.lines().filter(|line| is_assignment(line)).count() == defaults.entries().count());
        let mut choices = uncommented.iter();
        let mut chosen = 0;
        let lines: Vec<&str> = template
            .lines()
            .map(|line| {
                let uncomment = is_assignment(line) && *choices.next().unwrap();
                chosen += usize::from(uncomment);
                if uncomment { &line[1..] } else { line }
            })
            .collect();
        let mut copy = defaults.clone();
        copy.apply_toml(&lines.join("\n"), "template").unwrap();
        copy.validate().unwrap();
        prop_assert_eq!(values(&copy), values(&defaults));
        prop_assert_eq!(copy.entries().filter(|entry| entry.layer.to_string() == "template").count(), chosen);
    }
}
