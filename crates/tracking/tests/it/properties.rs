//! Properties of the whole: what is recovered from a cut spool, and what any reply does.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use dodge_tracking::{Destination, RemoteOptions, RunOptions, RunQuery, Tracking};
use proptest::prelude::*;

use crate::{
    stub::{Reply, Stub},
    support::{local, options},
};

#[derive(Debug, Clone)]
enum Call {
    Metrics(Vec<(u8, f64)>, i64),
    Param(u8, String),
    Tag(u8, String),
    Artifact(u8, Vec<u8>),
}

fn any_call() -> impl Strategy<Value = Call> {
    let value = prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(-0.0)];
    prop_oneof![
        4 => (proptest::collection::vec((0..4_u8, value), 1..4), any::<i64>()).prop_map(|(values, step)| Call::Metrics(values, step)),
        1 => (any::<u8>(), ".{0,30}").prop_map(|(key, value)| Call::Param(key, value)),
        1 => (0..3_u8, ".{0,30}").prop_map(|(key, value)| Call::Tag(key, value)),
        1 => (0..3_u8, proptest::collection::vec(any::<u8>(), 0..50)).prop_map(|(key, bytes)| Call::Artifact(key, bytes)),
    ]
}

/// What a destination holds of a run.
#[derive(Debug, Clone, Default, PartialEq)]
struct Held {
    /// Key, step, time and the bits of the value.
    metrics: Vec<(String, i64, i64, u64)>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

fn stored(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN } else { value.clamp(f64::MIN, f64::MAX) };
    if value == 0.0 { 0 } else { value.to_bits() }
}

impl Held {
    fn of(tracking: &Tracking, run_id: &str) -> Self {
        let run = tracking.read_run(run_id).unwrap();
        let mut metrics = Vec::new();
        for key in run.metrics.keys() {
            let history = tracking.metric_history(run_id, key).unwrap();
            metrics.extend(history.into_iter().map(|it| (it.key, it.step, it.timestamp, stored(it.value))));
        }
        metrics.sort_unstable();
        let tags = run.tags.into_iter().filter(|(key, _)| !key.starts_with("mlflow.")).collect();
        Self { metrics, params: run.params, tags }
    }

    /// After one more call, made at `time`.
    fn after(&self, call: &Call, time: i64) -> Self {
        let mut held = self.clone();
        match call {
            Call::Metrics(values, step) => {
                held.metrics.extend(values.iter().map(|(key, value)| (format!("m{key}"), *step, time, stored(*value))));
                held.metrics.sort_unstable();
                held.metrics.dedup();
            }
            Call::Param(key, value) => drop(held.params.entry(format!("p{key}")).or_insert_with(|| value.clone())),
            Call::Tag(key, value) => drop(held.tags.insert(format!("t{key}"), value.clone())),
            Call::Artifact(..) => {}
        }
        held
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Any sequence of calls, cut at any byte, comes back as what was logged by the calls before the cut.
    #[test]
    fn a_cut_spool_replays_to_a_prefix_of_the_calls(
        calls in proptest::collection::vec(any_call(), 1..25),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("original");
        let never = options(Destination::Local, &original).with_delivery_interval(Duration::from_secs(3600));
        let tracking = Tracking::open(never).unwrap();
        let run = tracking.start_run(&RunOptions::new("e")).unwrap();
        run.flush().unwrap();
        let spool = fs::read_dir(original.join("spool")).unwrap().next().unwrap().unwrap().path();
        let length = || fs::metadata(spool.join("records")).unwrap().len();
        // What the run holds behind each call, and how long the spool is then.
        let mut states = vec![(Held::default(), length())];
        for (number, call) in calls.iter().enumerate() {
            let time = number as i64;
            match call {
                Call::Metrics(values, step) => {
                    let values: Vec<_> = values.iter().map(|(key, value)| (format!("m{key}"), *value)).collect();
                    run.log_metrics_at(&values, *step, time).unwrap();
                }
                // A param that is there with another value is refused, and nothing is written.
                Call::Param(key, value) => drop(run.log_param(&format!("p{key}"), value)),
                Call::Tag(key, value) => run.set_tag(&format!("t{key}"), value).unwrap(),
                Call::Artifact(key, bytes) => run.log_artifact_bytes(bytes, &format!("a{key}")).unwrap(),
            }
            let next = states.last().unwrap().0.after(call, time);
            states.push((next, length()));
        }
        let records = fs::read(spool.join("records")).unwrap();
        let header = states[0].1 as usize;
        let cut = header + cut.index(records.len() - header + 1);

        let copy = folder.path().join("copy").join("spool").join(spool.file_name().unwrap());
        fs::create_dir_all(&copy).unwrap();
        fs::write(copy.join("records"), &records[..cut]).unwrap();
        fs::write(copy.join("lock"), "").unwrap();
        // The experiment of the run has this id there as well.
        local(&folder.path().join("copy")).start_run(&RunOptions::new("e")).unwrap();
        let recovered = local(&folder.path().join("copy"));
        let expected = &states.iter().rev().find(|(_, length)| *length <= cut as u64).unwrap().0;
        prop_assert_eq!(&Held::of(&recovered, run.run_id()), expected);
    }
}

fn impatient(uri: &str, folder: &Path) -> Tracking {
    let mut remote = RemoteOptions::new(uri).unwrap();
    remote.backoff_factor = 0.0;
    remote.max_retries = 0;
    let options = options(Destination::Remote(remote), folder).with_finish_timeout(Duration::from_millis(200));
    Tracking::open(options).unwrap()
}

/// Bits of real replies, so that arbitrary ones get past the first look.
fn any_reply() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("null"),
        Just("1e999"),
        Just("-1"),
        Just("\"run\""),
        Just("\"info\""),
        Just("\"run_id\""),
        Just("\"metrics\""),
        Just("\"value\""),
        Just("\"NaN\""),
        Just("\"files\""),
        Just("\"path\""),
        Just("\"../..\""),
        Just("\"is_dir\""),
        Just("true"),
        Just("\"next_page_token\""),
        Just("\"\""),
        Just("<html>"),
        Just("\"experiment\""),
        Just("\"experiment_id\""),
        Just("\"lifecycle_stage\""),
    ];
    prop_oneof![
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..100),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_reply_makes_the_client_panic_or_lose_a_record(
        replies in proptest::collection::vec((200..600_u16, any_reply()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let stub = Stub::start();
        let mut turn = 0;
        stub.answer_with(move |_| {
            turn += 1;
            // A page that names a next page for ever would be read for ever.
            let (status, body) = if turn > 30 { (404, Vec::new()) } else { replies[turn % replies.len()].clone() };
            Some(Reply::Raw(status, "", body))
        });
        let tracking = impatient(&stub.uri(), folder.path());
        let _ = tracking.experiments();
        let _ = tracking.search_runs(&RunQuery::default());
        let _ = tracking.read_run("x");
        let _ = tracking.metric_history("x", "m");
        let _ = tracking.artifacts("x");
        let _ = tracking.resume_run("x");
        if let Ok(run) = tracking.start_run(&RunOptions::new("e")) {
            run.log_metric("m", 1.0, 0).unwrap();
            let summary = run.finish(dodge_tracking::Status::Finished).unwrap();
            prop_assert!(summary.pending == 0 || summary.spool.is_some_and(|spool| spool.join("records").exists()));
        }
    }
}
