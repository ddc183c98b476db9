//! What a study varies.

use anyhow::Result;
use dodge_hparams::{Choice, Dimension, Domain, Layer, Registry, SearchSpace, Value};
use dodge_rl::{Algorithm, TrainingParams};
use serde_json::json;

use crate::failure::usage;

/// The hyperparameters that are varied: those that declare a search, without those of other algorithms and of `--set`; or those that are
/// named.
pub(crate) fn of(registry: &Registry, named: &[String]) -> Result<SearchSpace> {
    let chosen = registry.get::<TrainingParams>()?.algorithm.name();
    let others: Vec<&str> = Algorithm::options().iter().map(|it| it.name).filter(|name| *name != chosen).collect();
    let is_in =
        |name: &str, owner: &str| name.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let is_fixed = |name: &str| {
        registry
            .entries()
            .any(|entry| *entry.layer == Layer::Set && is_in(name, &format!("{}.{}", entry.section, entry.key)))
    };
    let has_effect = |name: &str| !others.iter().any(|other| is_in(name, other));
    let all = SearchSpace::of(registry, has_effect)?;
    if let Some(unknown) = named.iter().find(|it| !all.dimensions().iter().any(|one| is_in(&one.name(), it))) {
        return Err(usage(format!(
            "--vary {unknown} names nothing that can be varied with `{chosen}`: `dodge tune --space` shows what can"
        )));
    }
    let wanted = |name: &str| match named {
        [] => !is_fixed(name),
        named => named.iter().any(|it| is_in(name, it)),
    };
    let space = SearchSpace::of(registry, |name| has_effect(name) && wanted(name))?;
    if space.dimensions().is_empty() {
        return Err(usage("nothing is left to vary: everything is set by --set"));
    }
    Ok(space)
}

/// The space for people: a line for each hyperparameter.
pub(crate) fn in_words(space: &SearchSpace, registry: &Registry) -> String {
    let line = |dimension: &Dimension| {
        let values = match &dimension.domain {
            Domain::Uniform { low, high } => format!("{low} to {high}"),
            Domain::LogUniform { low, high } => format!("{low:e} to {high:e}, by ratio"),
            Domain::Integer { low, high } => format!("{low} to {high}, whole"),
            Domain::LogInteger { low, high } => format!("{low} to {high}, whole, by ratio"),
            Domain::Categorical(values) => values.iter().map(Value::to_string).collect::<Vec<_>>().join(", "),
        };
        let condition = dimension.condition.as_ref();
        let condition =
            condition.map_or_else(String::new, |(name, values)| format!(" where {name} is {}", values.join(" or ")));
        format!("{:36} {values}{condition}; now {}\n", dimension.name(), present(dimension, registry))
    };
    space.dimensions().iter().map(line).collect()
}

/// The space for other programs. Values are text as `--set` takes it, but for the ends of numbers.
pub(crate) fn in_json(space: &SearchSpace, registry: &Registry) -> Result<serde_json::Value> {
    let is_varied = |name: &String| space.dimensions().iter().any(|dimension| dimension.name() == *name);
    // Whether a condition on what is not varied holds is known already.
    let takes_part = |dimension: &&Dimension| match &dimension.condition {
        Some((name, values)) if !is_varied(name) => name.split_once('.').is_some_and(|(section, key)| {
            let shown = registry.entry(section, key).map(|entry| entry.shown()).unwrap_or_default();
            values.iter().any(|value| Some(value.as_str()) == shown.split(':').next())
        }),
        _ => true,
    };
    let one = |dimension: &Dimension| {
        let mut value = match &dimension.domain {
            Domain::Uniform { low, high } => json!({ "kind": "float", "low": low, "high": high, "log": false }),
            Domain::LogUniform { low, high } => json!({ "kind": "float", "low": low, "high": high, "log": true }),
            Domain::Integer { low, high } => {
                json!({ "kind": "integer", "low": *low as i64, "high": *high as i64, "log": false })
            }
            Domain::LogInteger { low, high } => {
                json!({ "kind": "integer", "low": *low as i64, "high": *high as i64, "log": true })
            }
            Domain::Categorical(values) => {
                json!({ "kind": "categorical", "values": values.iter().map(Value::to_string).collect::<Vec<_>>() })
            }
        };
        value["name"] = dimension.name().into();
        value["present"] = present(dimension, registry).into();
        value["when"] = match &dimension.condition {
            Some((name, values)) if is_varied(name) => json!({ "name": name, "values": values }),
            _ => serde_json::Value::Null,
        };
        value
    };
    let training: TrainingParams = registry.get()?;
    Ok(json!({
        "algorithm": training.algorithm.name(),
        "steps": training.steps,
        "validation_interval": training.validation_interval,
        "space": space.dimensions().iter().filter(takes_part).map(one).collect::<Vec<_>>(),
    }))
}

/// The value that stands, of a datum that of its choice.
fn present(dimension: &Dimension, registry: &Registry) -> String {
    let key = dimension.key.as_str();
    let entry = registry.entry(dimension.section, key);
    let entry = entry.or_else(|| registry.entry(dimension.section, key.rsplit_once('.')?.0));
    entry.map_or_else(String::new, |entry| entry.shown())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sets: &[&str], named: &[&str]) -> Result<Vec<String>> {
        let mut registry = crate::sections::registry().unwrap();
        sets.iter().for_each(|it| registry.apply_set(it).unwrap());
        let named: Vec<String> = named.iter().map(|&it| it.to_owned()).collect();
        Ok(of(&registry, &named)?.dimensions().iter().map(Dimension::name).collect())
    }

    #[test]
    fn what_the_algorithm_declares_is_varied_but_for_what_is_set() {
        let all = names(&[], &[]).unwrap();
        assert!(all.contains(&"apg.learning_rate".to_owned()) && all.iter().all(|name| name.starts_with("apg.")));
        assert!(names(&["training.algorithm=ppo"], &[]).unwrap().iter().all(|name| name.starts_with("ppo.")));
        let fewer = names(&["apg.learning_rate=0.01", "apg.learning_rate_schedule=constant"], &[]).unwrap();
        assert_eq!(fewer.len() + 2, all.len());
        assert!(!fewer.iter().any(|name| name.starts_with("apg.learning_rate")));
        assert_eq!(names(&["apg.dropout=0.1"], &["apg.dropout"]).unwrap(), ["apg.dropout"]);
        assert_eq!(names(&[], &["apg"]).unwrap(), all);
    }

    #[test]
    fn what_cannot_be_varied_is_told() {
        for unknown in ["apg.drop", "ppo.discount", "apg.max_gradient_norm"] {
            let error = names(&[], &[unknown]).unwrap_err().to_string();
            assert!(error.contains(&format!("--vary {unknown} names nothing")), "{error}");
        }
        let all = names(&[], &[]).unwrap();
        let set: Vec<String> = all
            .iter()
            .map(|name| match name.as_str() {
                "apg.learning_rate_schedule" => format!("{name}=constant"),
                "apg.environments" => format!("{name}=64"),
                name => format!("{name}=0.01"),
            })
            .collect();
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        assert!(names(&set, &[]).unwrap_err().to_string().contains("nothing is left to vary"));
    }

    #[test]
    fn other_programs_get_values_as_set_takes_them() {
        let mut registry = crate::sections::registry().unwrap();
        registry.apply_set("apg.learning_rate_schedule=exponential:end=0.5").unwrap();
        let space = of(&registry, &["apg".to_owned()]).unwrap();
        let told = in_json(&space, &registry).unwrap();
        for one in told["space"].as_array().unwrap() {
            let name = one["name"].as_str().unwrap();
            let values = one["values"].as_array().into_iter().flatten();
            let texts: Vec<&str> = values.chain([&one["present"]]).map(|value| value.as_str().unwrap()).collect();
            for text in texts {
                registry.apply_set(&format!("{name}={text}")).unwrap();
            }
        }
        assert_eq!(told["algorithm"], "apg");
        let words = in_words(&space, &registry);
        assert!(words.contains("1e-5 to 1e-2, by ratio") && words.contains("exponential:end=0.5"), "{words}");
    }
}
