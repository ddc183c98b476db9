//! What servers say: MLflow to one who reads runs and to one who delivers a run, an acquisition service, and the web to one
//! who downloads. The first byte chooses among the four; the others are the replies, one after the other.

#![no_main]

use std::sync::OnceLock;
use std::time::Duration;
use std::{fs, io};

use dodge_data::{AcquisitionClient, AcquisitionOptions, DownloadOptions, DownloadRequest, Downloader, Unwatched};
use dodge_fuzz::server;
use dodge_fuzz::tracked::Tracked;
use dodge_tracking::RunQuery;
use libfuzzer_sys::fuzz_target;

static TRACKED: OnceLock<Tracked> = OnceLock::new();

fn read(tracked: &Tracked) {
    let tracking = &tracked.tracking;
    let _ = tracking.experiments();
    let _ = tracking.search_runs(&RunQuery::default().with_limit(3000));
    let _ = tracking.read_run("a");
    let _ = tracking.metric_history("a", "loss");
    let files = tracking.artifacts("a").unwrap_or_default();
    for file in files.iter().take(3) {
        let _ = tracking.read_artifact("a", &file.path, &mut io::sink());
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let _ = tracking.export_run("a", &folder.path().join("export"));
    assert!(fs::read_dir(folder.path()).expect("the folder is there").count() <= 1);
}

fn deliver(tracked: &Tracked) {
    tracked.put_template();
    let report = tracked.tracking.sync().expect("the spool can be read");
    assert!(report.completed.len() + report.left.len() <= 1, "{report:?}");
    let kept = tracked.tracking.spooled_runs().expect("the spool can be read");
    assert_eq!(kept.len(), 1, "the run is lost: {report:?}");
    assert_eq!(kept[0].delivered, report.left.is_empty(), "{report:?}");
    let _ = tracked.tracking.verify(dodge_fuzz::tracked::RUN);
    tracked.check();
}

fn acquire() {
    let mut options = AcquisitionOptions::new(server::ADDRESS);
    options.timeout = Duration::from_millis(5);
    (options.first_pause, options.longest_pause) = (Duration::ZERO, Duration::ZERO);
    let client = AcquisitionClient::new(options).expect("this is an address");
    let _ = client.acquire("photos", &Unwatched);
}

fn download() {
    let mut options = DownloadOptions::standard();
    (options.attempts, options.keep_free, options.most_bytes) = (3, 0, 1 << 20);
    (options.first_wait, options.longest_wait, options.longest_retry_after) = Default::default();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let destination = folder.path().join("file");
    let downloader = Downloader::new(options).expect("connections can be set up");
    let request = DownloadRequest::new(&format!("{}/file", server::ADDRESS)).expect("this is an address");
    if downloader.download(&request, &destination, &Unwatched).is_ok() {
        assert!(destination.is_file());
        assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 1);
    }
}

fuzz_target!(
    init: {
        server::start();
        if TRACKED.set(Tracked::new()).is_err() {
            unreachable!("this is the first time");
        }
    },
    |bytes: &[u8]| {
        let (Some((kind, replies)), Some(tracked)) = (bytes.split_first(), TRACKED.get()) else { return };
        server::answer_with(server::split(replies));
        match kind % 4 {
            0 => read(tracked),
            1 => deliver(tracked),
            2 => acquire(),
            _ => download(),
        }
    }
);
