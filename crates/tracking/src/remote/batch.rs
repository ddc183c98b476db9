//! What goes into one `log-batch` call.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::{
    parent::{PARENT, own_parent_id},
    record::Record,
};

/// Limits of one `log-batch` call: metrics, params, tags, and all together.
const MAX_METRICS: usize = 1000;
const MAX_PARAMS: usize = 100;
const MAX_TAGS: usize = 100;
const MAX_ITEMS: usize = 1000;

/// One entry of a `log-batch` call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    Metric { key: &'a str, value: f64, timestamp: i64, step: i64 },
    Param(&'a str, &'a str),
    Tag(&'a str, &'a str),
}

impl Item<'_> {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Metric { key, step, .. } => format!("metric `{key}` at step {step}"),
            Self::Param(key, _) => format!("param `{key}`"),
            Self::Tag(key, _) => format!("tag `{key}`"),
        }
    }
}

/// The entries of as many records from the front as one call takes, and how many records that is. `parents` has the
/// server's ids of runs that a tag names by ours.
pub(super) fn pack<'a>(records: &'a [Record], parents: &'a HashMap<String, String>) -> (Vec<Item<'a>>, usize) {
    let mut items = Vec::new();
    let (mut metrics, mut params, mut tags) = (0, 0, 0);
    // A param twice in one call is refused even if equal; of a tag the last must win.
    let mut keys = HashSet::new();
    let mut count = 0;
    for record in records {
        let fits = match record {
            Record::Metrics { values, .. } => {
                metrics += values.len();
                metrics <= MAX_METRICS
            }
            Record::Params(pairs) => {
                params += pairs.len();
                params <= MAX_PARAMS && pairs.iter().all(|(key, _)| keys.insert(('p', key)))
            }
            Record::Tags(pairs) => {
                tags += pairs.len();
                // A key may stand twice within one record: the earlier value is left out below.
                tags <= MAX_TAGS && !pairs.iter().any(|(key, _)| keys.contains(&('t', key)))
            }
            Record::Start(_) | Record::Artifact(_) | Record::End { .. } | Record::Resume | Record::Extra(_) => false,
        };
        if !fits || metrics + params + tags > MAX_ITEMS {
            break;
        }
        match record {
            Record::Metrics { timestamp, step, values } => {
                items.extend(values.iter().map(|(key, value)| Item::Metric {
                    key,
                    value: *value,
                    timestamp: *timestamp,
                    step: *step,
                }))
            }
            Record::Params(pairs) => items.extend(pairs.iter().map(|(k, v)| Item::Param(k, v))),
            Record::Tags(pairs) => {
                let mut last_first: Vec<_> = pairs.iter().rev().collect();
                last_first.retain(|(key, _)| keys.insert(('t', key)));
                items.extend(last_first.iter().rev().map(|(key, value)| {
                    let parent = own_parent_id(value).filter(|_| key == PARENT).and_then(|id| parents.get(id));
                    Item::Tag(key, parent.unwrap_or(value))
                }));
            }
            Record::Start(_) | Record::Artifact(_) | Record::End { .. } | Record::Resume | Record::Extra(_) => {}
        }
        count += 1;
    }
    (items, count)
}

pub(super) fn body(run_id: &str, items: &[Item<'_>]) -> Value {
    let (mut metrics, mut params, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Metric { key, value, timestamp, step } => metrics.push(json!({
                "key": key,
                "value": metric_value(*value),
                "timestamp": timestamp,
                "step": step,
            })),
            Item::Param(key, value) => params.push(json!({"key": key, "value": value})),
            Item::Tag(key, value) => tags.push(json!({"key": key, "value": value})),
        }
    }
    json!({"run_id": run_id, "metrics": metrics, "params": params, "tags": tags})
}

/// JSON has no NaN, and a server that is sent one drops the rest of the message without a word;
/// the strings are what its protocol takes.
fn metric_value(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value == f64::INFINITY {
        json!("Infinity")
    } else if value == f64::NEG_INFINITY {
        json!("-Infinity")
    } else {
        json!(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(count: usize) -> Record {
        Record::Metrics { timestamp: 1, step: 2, values: (0..count).map(|i| (format!("m{i}"), i as f64)).collect() }
    }

    fn pairs(prefix: &str, count: usize) -> Vec<(String, String)> {
        (0..count).map(|i| (format!("{prefix}{i}"), "v".to_owned())).collect()
    }

    #[test]
    fn a_call_keeps_every_limit() {
        let records = [metrics(500), metrics(500), metrics(1)];
        assert_eq!(pack(&records, &HashMap::new()).1, 2);
        let records = [metrics(500), Record::Params(pairs("p", 20)), metrics(481)];
        assert_eq!(pack(&records, &HashMap::new()).1, 2);
        let records: Vec<Record> = (0..7).map(|i| Record::Params(pairs(&format!("p{i}_"), 20))).collect();
        assert_eq!(pack(&records, &HashMap::new()).1, 5);
        let records: Vec<Record> = (0..7).map(|i| Record::Tags(pairs(&format!("t{i}_"), 20))).collect();
        assert_eq!(pack(&records, &HashMap::new()).1, 5);
    }

    #[test]
    fn a_key_never_stands_twice_in_a_call() {
        let tag = |value: &str| Record::Tags(vec![("t".to_owned(), value.to_owned())]);
        assert_eq!(pack(&[tag("a"), tag("b")], &HashMap::new()).1, 1);
        let param = || Record::Params(pairs("p", 1));
        assert_eq!(pack(&[param(), param()], &HashMap::new()).1, 1);
        let twice = Record::Tags(vec![("t".to_owned(), "old".to_owned()), ("t".to_owned(), "new".to_owned())]);
        let records = [twice];
        let parents = HashMap::new();
        let (items, _) = pack(&records, &parents);
        assert!(matches!(items.as_slice(), [Item::Tag("t", "new")]), "{items:?}");
    }

    #[test]
    fn artifacts_and_ends_wait_for_their_turn() {
        let end = Record::End { status: crate::Status::Finished, end_time: 1 };
        assert_eq!(pack(&[metrics(1), end, metrics(1)], &HashMap::new()).1, 1);
    }

    #[test]
    fn numbers_that_json_lacks_are_sent_as_strings() {
        assert_eq!(metric_value(f64::NAN), json!("NaN"));
        assert_eq!(metric_value(f64::INFINITY), json!("Infinity"));
        assert_eq!(metric_value(f64::NEG_INFINITY), json!("-Infinity"));
        let largest = metric_value(f64::MAX).to_string();
        assert_eq!(largest.parse::<f64>().unwrap(), f64::MAX);
    }
}
