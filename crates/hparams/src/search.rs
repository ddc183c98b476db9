//! Search spaces: which values of a hyperparameter are worth trying.

use crate::error::Error;
use crate::range::{NumberRange, compare, to_f64};
use crate::registry::Registry;
use crate::schema::{Field, Kind, Scale};
use crate::search_declaration::{Search, Values};
use crate::value::Value;

impl Search {
    /// Whether the values are accepted by `field`, and can be drawn.
    pub(crate) fn check_declaration(&self, field: &Field) -> Result<(), String> {
        let domain = self.domain(field)?;
        let tried = match &domain {
            Domain::Uniform { low, high } | Domain::LogUniform { low, high } => {
                vec![Value::Float(*low), Value::Float(*high)]
            }
            Domain::Integer { low, high } | Domain::LogInteger { low, high } => {
                vec![Value::Integer(*low), Value::Integer(*high)]
            }
            Domain::Categorical(values) => values.clone(),
        };
        tried.iter().try_for_each(|value| {
            field.check(value).map_err(|problem| format!("its search tries {value}, which is {problem}"))
        })
    }

    fn domain(&self, field: &Field) -> Result<Domain, String> {
        let range = match (&self.values, &field.kind) {
            (Values::List(values), _) if values.is_empty() => return Err("its search has no values".to_owned()),
            (Values::List(values), _) => return Ok(Domain::Categorical(values.clone())),
            (Values::All, Kind::Bool) => return Ok(Domain::Categorical(vec![Value::Bool(false), Value::Bool(true)])),
            (Values::All, Kind::Choice(options)) => {
                let names = options.iter().map(|option| Value::Text(option.name.to_owned()));
                return Ok(Domain::Categorical(names.collect()));
            }
            (Values::All, _) => field.range.as_ref(),
            (Values::Range(range), _) => Some(range),
        };
        let ends = range
            .and_then(|range| Some((range.min()?, range.max()?)))
            .filter(|_| !range.is_some_and(NumberRange::excludes_max));
        let Some((low, high)) = ends else {
            return Err("its search needs a range that is closed at both ends".to_owned());
        };
        if compare(low, high).is_none_or(std::cmp::Ordering::is_gt) {
            return Err("the range of its search is empty".to_owned());
        }
        let log = field.scale == Scale::Log;
        Ok(match (&field.kind, low, high) {
            (Kind::F32 | Kind::F64, low, high) if log => Domain::LogUniform { low: to_f64(low), high: to_f64(high) },
            (Kind::F32 | Kind::F64, low, high) => Domain::Uniform { low: to_f64(low), high: to_f64(high) },
            (Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64, Value::Integer(low), Value::Integer(high)) if log => {
                Domain::LogInteger { low: *low, high: *high }
            }
            (Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64, Value::Integer(low), Value::Integer(high)) => {
                Domain::Integer { low: *low, high: *high }
            }
            _ => return Err("its search needs a list of values: only a plain number has a range to search".to_owned()),
        })
    }
}

/// How the values of one hyperparameter are drawn. Ends are included.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// Equal differences are equally likely.
    Uniform {
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// Equal ratios are equally likely.
    LogUniform {
        /// The smallest value, above zero.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// Whole numbers, all equally likely.
    Integer {
        /// The smallest value.
        low: i128,
        /// The largest value.
        high: i128,
    },
    /// Whole numbers, equal ratios about equally likely.
    LogInteger {
        /// The smallest value, above zero.
        low: i128,
        /// The largest value.
        high: i128,
    },
    /// One of these, all equally likely.
    Categorical(Vec<Value>),
}

impl Domain {
    /// The value at `share` (0 to 1) of the way through the domain.
    pub(crate) fn at(&self, share: f64) -> Value {
        let between = |low: f64, high: f64| (low + share * (high - low)).clamp(low, high);
        let by_ratio = |low: f64, high: f64| between(low.ln(), high.ln()).exp().clamp(low, high);
        match self {
            Domain::Uniform { low, high } => Value::Float(between(*low, *high)),
            Domain::LogUniform { low, high } => Value::Float(by_ratio(*low, *high)),
            // Each integer has a stretch of the same width.
            Domain::Integer { low, high } => {
                let offset = (share * ((high - low) as f64 + 1.0)).floor() as i128;
                Value::Integer((low + offset).min(*high))
            }
            Domain::LogInteger { low, high } => {
                let drawn = by_ratio(*low as f64 - 0.5, *high as f64 + 0.5).round() as i128;
                Value::Integer(drawn.clamp(*low, *high))
            }
            Domain::Categorical(values) => {
                let index = (share * values.len() as f64) as usize;
                values[index.min(values.len() - 1)].clone()
            }
        }
    }

    /// At most `points` values, spread evenly from end to end; of a categorical domain all.
    pub(crate) fn grid(&self, points: usize) -> Vec<Value> {
        let mut values: Vec<Value> = match self {
            Domain::Categorical(values) => return values.clone(),
            Domain::Integer { low, high } => {
                let even = Domain::Uniform { low: *low as f64, high: *high as f64 };
                even.grid(points).iter().map(|value| Value::Integer(to_f64(value).round() as i128)).collect()
            }
            Domain::LogInteger { low, high } => {
                let even = Domain::LogUniform { low: *low as f64, high: *high as f64 };
                even.grid(points).iter().map(|value| Value::Integer(to_f64(value).round() as i128)).collect()
            }
            _ if points <= 1 => vec![self.at(0.5)],
            _ => (0..points).map(|index| self.at(index as f64 / (points - 1) as f64)).collect(),
        };
        values.dedup();
        values
    }
}

/// One hyperparameter of a search space.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Its section.
    pub section: &'static str,
    /// Its key; of a datum of a choice `key.datum`.
    pub key: String,
    /// Its values.
    pub domain: Domain,
    /// The `section.key` that must have one of these values; else this dimension is left alone.
    pub condition: Option<(String, Vec<String>)>,
}

impl Dimension {
    /// `section.key`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

/// The hyperparameters of a registry that a search may vary.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpace {
    /// Each after the one that its condition asks for.
    pub(crate) dimensions: Vec<Dimension>,
}

impl SearchSpace {
    /// Every hyperparameter that declares a search, and every such datum of a choice, on the condition that its choice is
    /// chosen. `wanted` says of a `section.key` whether it takes part.
    ///
    /// # Errors
    /// [`Error::InvalidDeclaration`] where a condition asks for what does not exist, or conditions go round in a circle.
    pub fn of(registry: &Registry, wanted: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let mut waiting = Vec::new();
        for schema in registry.schemas() {
            for field in &schema.fields {
                waiting.extend(dimension(schema.section, field.key.to_owned(), field, None)?);
                for option in field.kind.options().into_iter().flatten() {
                    for datum in &option.data {
                        let chosen = (format!("{}.{}", schema.section, field.key), vec![option.name.to_owned()]);
                        let key = format!("{}.{}", field.key, datum.key);
                        waiting.extend(dimension(schema.section, key, datum, Some(chosen))?);
                    }
                }
            }
        }
        waiting.retain(|dimension| wanted(&dimension.name()));
        for dimension in &waiting {
            if let Some((name, _)) = &dimension.condition
                && !registry.entries().any(|entry| format!("{}.{}", entry.section, entry.key) == *name)
            {
                return Err(invalid(dimension, format!("its search asks for {name}, which does not exist")));
            }
        }
        let mut dimensions: Vec<Dimension> = Vec::new();
        while !waiting.is_empty() {
            let names: Vec<String> = waiting.iter().map(Dimension::name).collect();
            let is_ready =
                |dimension: &Dimension| dimension.condition.as_ref().is_none_or(|(name, _)| !names.contains(name));
            let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_ready);
            if ready.is_empty() {
                return Err(invalid(&rest[0], "the conditions of its search go round in a circle".to_owned()));
            }
            dimensions.extend(ready);
            waiting = rest;
        }
        Ok(Self { dimensions })
    }

    /// The dimensions, each after the one that its condition asks for.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }
}

fn dimension(
    section: &'static str,
    key: String,
    field: &Field,
    chosen: Option<(String, Vec<String>)>,
) -> Result<Option<Dimension>, Error> {
    let Some(search) = &field.search else { return Ok(None) };
    let condition = search.when.map(|(name, value)| {
        let name = if name.contains('.') { name.to_owned() } else { format!("{section}.{name}") };
        (name, vec![value.to_owned()])
    });
    let domain = search.domain(field).map_err(|message| Error::InvalidDeclaration {
        section: section.to_owned(),
        key: key.clone(),
        message,
    })?;
    Ok(Some(Dimension { section, key, domain, condition: chosen.or(condition) }))
}

fn invalid(dimension: &Dimension, message: String) -> Error {
    Error::InvalidDeclaration { section: dimension.section.to_owned(), key: dimension.key.clone(), message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Domain;
    use crate::Value;
    use crate::range::to_f64;

    proptest! {
        #[test]
        fn draws_and_grids_stay_inside(low in -1000_i64..1000, width in 0_i64..1000, share in 0.0..1.0, points in 1_usize..9) {
            let (low, high) = (i128::from(low), i128::from(low + width));
            let above = low.abs() + 1;
            for domain in [
                Domain::Integer { low, high },
                Domain::LogInteger { low: above, high: above + high - low },
                Domain::Uniform { low: low as f64, high: high as f64 },
                Domain::LogUniform { low: above as f64, high: (above + high - low) as f64 },
            ] {
                let (Domain::Integer { low, high } | Domain::LogInteger { low, high }) = &domain else {
                    let (Domain::Uniform { low, high } | Domain::LogUniform { low, high }) = &domain else { continue };
                    let inside = |value: &Value| (*low..=*high).contains(&to_f64(value));
                    prop_assert!(inside(&domain.at(share)) && domain.grid(points).iter().all(inside));
                    continue;
                };
                let inside = |value: &Value| matches!(value, Value::Integer(value) if (low..=high).contains(&value));
                prop_assert!(inside(&domain.at(share)) && domain.grid(points).iter().all(inside));
            }
        }
    }

    #[test]
    fn grids_reach_both_ends() {
        let domain = Domain::LogUniform { low: 1e-4, high: 1e-2 };
        let values: Vec<f64> = domain.grid(3).iter().map(to_f64).collect();
        assert!((values[0] / 1e-4 - 1.0).abs() < 1e-9 && (values[1] / 1e-3 - 1.0).abs() < 1e-9);
        assert!((values[2] / 1e-2 - 1.0).abs() < 1e-9);
        assert_eq!(Domain::Integer { low: 1, high: 3 }.grid(9).len(), 3);
        assert_eq!(Domain::Uniform { low: 0.0, high: 1.0 }.grid(1), [Value::Float(0.5)]);
    }
}
