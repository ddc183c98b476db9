//! What a call costs the caller, whatever becomes of the record.

use std::{
    fs::OpenOptions,
    io::Write,
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use dodge_tracking::{Destination, RunOptions, Status, SystemClock, Tracking, TrackingOptions};

use crate::{Report, median};

const CALLS: usize = 50_000;
const ROUNDS: usize = 7;

/// Calls and plain writes take turns, so that both meet the same machine.
pub(crate) fn measure(report: &mut Report) {
    let folder = tempfile::tempdir().unwrap();
    let (mut ratios, mut calls, mut writes, mut slow) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let length = bytes_per_record(folder.path());
    for round in 0..ROUNDS {
        let write = plain_writes(&folder.path().join(format!("plain{round}")), length);
        let call = logging(&folder.path().join(format!("local{round}")), Destination::Local);
        ratios.push(call.median / write.median);
        calls.push(call.median);
        slow.push(call.p99);
        writes.push(write.median);
    }
    report.note(&format!("write(2) of {length} bytes, median"), &format!("{:.2} µs", median(writes)));
    report.at_most("log_metric, median", median(calls), 2.0, "µs");
    report.at_most("log_metric / write(2) of the same bytes", median(ratios), 2.0, "times");
    report.note("log_metric, 99th percentile", &format!("{:.2} µs", median(slow)));

    // A server that takes connections and never says a word: the worst of all.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let Destination::Remote(mut options) = uri.parse().unwrap() else { unreachable!("an address") };
    options.start_timeout = Duration::from_millis(500);
    options.request_timeout = Duration::from_secs(600);
    let silent = logging(&folder.path().join("silent"), Destination::Remote(options));
    report.at_most("log_metric, server silent, median", silent.median, 2.0, "µs");
    report.at_most("log_metric, server silent, slowest of 50,000", silent.slowest / 1000.0, 100.0, "ms");
}

struct Times {
    median: f64,
    p99: f64,
    slowest: f64,
}

impl Times {
    /// Microseconds, each of one call.
    fn of(mut work: impl FnMut(usize)) -> Self {
        let mut times = Vec::with_capacity(CALLS);
        for index in 0..CALLS {
            let begun = Instant::now();
            work(index);
            times.push(begun.elapsed().as_nanos() as f64 / 1000.0);
        }
        times.sort_by(f64::total_cmp);
        Self { median: times[CALLS / 2], p99: times[CALLS * 99 / 100], slowest: times[CALLS - 1] }
    }
}

fn plain_writes(path: &Path, length: usize) -> Times {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let bytes = vec![7; length];
    Times::of(|_| file.write_all(&bytes).unwrap())
}

/// With the options of a normal program: delivery and the group commit go on meanwhile.
fn logging(folder: &Path, destination: Destination) -> Times {
    let options = TrackingOptions::new(destination, folder, Arc::new(SystemClock));
    let tracking = Tracking::open(options.with_finish_timeout(Duration::from_secs(1))).unwrap();
    let run = tracking.start_run(&RunOptions::new("benchmark")).unwrap();
    let times = Times::of(|index| run.log_metric("train/policy_loss", index as f64, index as i64).unwrap());
    run.finish(Status::Finished).unwrap();
    times
}

/// The length of the record of such a call.
fn bytes_per_record(folder: &Path) -> usize {
    let options = TrackingOptions::new(Destination::Local, folder.join("probe"), Arc::new(SystemClock));
    let tracking = Tracking::open(options.with_delivery_interval(Duration::from_secs(3600))).unwrap();
    let run = tracking.start_run(&RunOptions::new("benchmark")).unwrap();
    let length = || tracking.spooled_runs().unwrap()[0].bytes;
    let before = length();
    run.log_metric("train/policy_loss", 0.5, 1).unwrap();
    let record = length() - before;
    run.finish(Status::Finished).unwrap();
    usize::try_from(record).unwrap()
}
