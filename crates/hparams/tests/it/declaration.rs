//! What `register` refuses, and what the declarations look like from outside.

use dodge_hparams::{Choice, ChoiceOption, Field, HParams, Kind, NumberRange, Registry, Scale};

use crate::sections::{EveryType, PpoParams, Schedule, registry};

#[track_caller]
fn refused<P: HParams>(expected: &str) {
    let mut registry = Registry::new();
    let error = registry.register::<P>().unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(registry.schemas().count(), 0);
}

const TWO: f64 = 2.0;

/// A default that only shows its value to the compiler proper.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "hidden-default")]
struct HiddenDefault {
    /// Too large.
    #[hparam(default = TWO, range = 0.0..=1.0)]
    value: f64,
}

/// A default that is no number.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "no-number")]
struct NoNumber {
    /// Not a number.
    #[hparam(default = f64::NAN)]
    value: f64,
}

/// A range without inside.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "empty-range")]
struct EmptyRange {
    /// Nowhere.
    #[hparam(default = TWO, range = TWO..1.0)]
    value: f64,
}

/// A logarithm of zero.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "log-zero")]
struct LogZero {
    /// From zero.
    #[hparam(default = 1, range = 0.0..=1.0, scale = "log")]
    value: f64,
}

/// A limit of length on a number.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "long-number")]
struct LongNumber {
    /// Counted digits.
    #[hparam(default = 1, max_len = 3)]
    value: u32,
}

/// A text that stands for no text.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "reserved")]
struct Reserved {
    /// Some or none.
    #[hparam(default = "none")]
    value: Option<String>,
}

/// One of which one is none.
#[derive(Debug, Clone, Choice)]
enum SomeOrNone {
    /// Some.
    Some,
    /// None.
    None,
}

/// A choice that stands for no choice.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "reserved-choice")]
struct ReservedChoice {
    /// Some or none.
    #[hparam(default = SomeOrNone::Some)]
    value: Option<SomeOrNone>,
}

/// Defaults that quarrel.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "quarrel", check = "Quarrel::agree")]
struct Quarrel {
    /// Left.
    #[hparam(default = 1)]
    left: u32,
    /// Right.
    #[hparam(default = 2)]
    right: u32,
}

impl Quarrel {
    fn agree(&self) -> Result<(), String> {
        if self.left == self.right {
            Ok(())
        } else {
            Err(format!("left = {} is not right = {}", self.left, self.right))
        }
    }
}

#[test]
fn mistaken_declarations_are_refused() {
    refused::<HiddenDefault>("hidden-default.value = 2.0 (default): out of range, expected 0.0 to 1.0");
    refused::<NoNumber>("no-number.value = NaN (default): not a finite number");
    refused::<EmptyRange>("invalid declaration of empty-range.value: its range is empty");
    refused::<LogZero>("invalid declaration of log-zero.value: a logarithmic scale needs a range above zero");
    refused::<LongNumber>("invalid declaration of long-number.value: max_len needs a list or a text");
    refused::<Reserved>("reserved.value = \"none\" (default): the text `none` stands for no value, choose another");
    refused::<ReservedChoice>(
        "invalid declaration of reserved-choice.value: a choice called `none` cannot be optional",
    );
    refused::<Quarrel>("section `quarrel`: left = 1 is not right = 2");
    assert_eq!(SomeOrNone::None.name(), "none");
}

#[test]
fn a_section_registers_once_and_is_read_only_then() {
    let mut registry = registry();
    let error = registry.register::<PpoParams>().unwrap_err();
    insta::assert_snapshot!(error, @"section `ppo` is registered twice: give one of the two another section name");
    let error = Registry::new().get::<PpoParams>().unwrap_err();
    insta::assert_snapshot!(error, @"section `ppo` (it::sections::PpoParams) is not registered: register it before use");
}

#[test]
fn the_schema_tells_what_was_declared() {
    let schema = PpoParams::schema();
    assert_eq!((schema.section, schema.doc), ("ppo", "Proximal policy optimisation."));
    let expected = Field::new("learning_rate", "Optimiser step size.\n\nToo large and the policy collapses.", &5e-4)
        .with_range(NumberRange::of(1e-8..=1.0))
        .with_unit("per gradient step")
        .with_scale(Scale::Log);
    assert_eq!(schema.field("learning_rate"), Some(&expected));
    let hidden = schema.field("hidden").unwrap();
    assert_eq!(hidden.kind, Kind::List(Box::new(Kind::Usize)));
    assert_eq!(hidden.max_len, Some(8));
    let options = schema.field("schedule").unwrap().kind.options().unwrap();
    assert_eq!(options[2], ChoiceOption { name: "cosine-decay", doc: "It falls along a half wave.", data: vec![] });
    assert_eq!(Schedule::from_name("cosine-decay"), Some(Schedule::CosineDecay));
    assert!(EveryType::schema().field("type").is_some());
    assert_eq!(schema.field("nothing"), None);
}
