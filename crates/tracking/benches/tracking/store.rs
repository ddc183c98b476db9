//! How fast metrics get into the local store.

use std::{sync::Arc, time::Instant};

use dodge_tracking::{Destination, RunOptions, Status, SystemClock, Tracking, TrackingOptions};

use crate::{Report, median};

const METRICS: i64 = 1_000_000;
const ROUNDS: usize = 3;

pub(crate) fn measure(report: &mut Report) {
    let single = (0..ROUNDS).map(|_| metrics_per_second(1)).collect();
    report.at_least("local store, a million metrics of one call each", median(single), 200_000.0, "/s");
    let tens = (0..ROUNDS).map(|_| metrics_per_second(10)).collect();
    report.at_least("local store, a million metrics, ten to a call", median(tens), 200_000.0, "/s");
}

/// From the first call until all of them can be read from the database.
fn metrics_per_second(per_call: i64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let options = TrackingOptions::new(Destination::Local, folder.path(), Arc::new(SystemClock));
    let tracking = Tracking::open(options.with_finish_timeout(std::time::Duration::from_secs(120))).unwrap();
    let run = tracking.start_run(&RunOptions::new("benchmark")).unwrap();
    let keys: Vec<String> = (0..per_call).map(|key| format!("train/metric_{key}")).collect();
    let begun = Instant::now();
    for step in 0..METRICS / per_call {
        let values: Vec<(&str, f64)> = keys.iter().map(|key| (key.as_str(), step as f64)).collect();
        run.log_metrics(&values, step).unwrap();
    }
    let summary = run.finish(Status::Finished).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(summary.is_complete(), "{summary:?}");
    METRICS as f64 / seconds
}
