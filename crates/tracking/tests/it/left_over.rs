//! What one run leaves in the spool keeps no other from being delivered.

use std::{fs, path::Path, time::Duration};

use dodge_tracking::{Destination, RemoteOptions, RunOptions, Tracking};
use serde_json::{Value, json};

use crate::{
    stub::{Reply, Stub},
    support::{options, spools},
};

fn connect(uri: &str, folder: &Path) -> Tracking {
    let mut remote = RemoteOptions::new(uri).unwrap();
    remote.request_timeout = Duration::from_secs(5);
    remote.start_timeout = Duration::from_secs(2);
    remote.backoff_factor = 0.0;
    remote.max_retries = 2;
    let options = options(Destination::Remote(remote), folder);
    Tracking::open(options.with_finish_timeout(Duration::from_millis(300))).unwrap()
}

/// An address that nobody listens at, and stays ours to listen at.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Leaves `count` runs in the spool, each logging one metric named after it; the first is the parent of the others.
fn leave_family(uri: &str, folder: &Path, names: &[&str]) -> Vec<String> {
    let tracking = connect(uri, folder);
    let parent = tracking.start_run(&RunOptions::new("e").with_run_name(names[0])).unwrap();
    let mut ids = vec![parent.run_id().to_owned()];
    for name in &names[1..] {
        let child = tracking.start_run(&RunOptions::new("e").with_run_name(*name).with_parent(&parent)).unwrap();
        child.log_metric(name, 1.0, 0).unwrap();
        ids.push(child.run_id().to_owned());
        child.detach().unwrap();
    }
    parent.log_metric(names[0], 1.0, 0).unwrap();
    parent.detach().unwrap();
    ids
}

/// Gives a left-over run another id, of which the folder of its spool is named.
fn rename(folder: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    for spool in spools(folder) {
        let records = fs::read(spool.join("records")).unwrap();
        fs::write(spool.join("records"), framed_anew(&records, from.as_bytes(), to.as_bytes())).unwrap();
    }
    fs::rename(folder.join("spool").join(from), folder.join("spool").join(to)).unwrap();
}

/// The records with one id replaced by another of the same length, their checksums made right again.
fn framed_anew(records: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut records = records.to_vec();
    for at in 0..records.len().saturating_sub(from.len()) {
        if records[at..].starts_with(from) {
            records[at..at + to.len()].copy_from_slice(to);
        }
    }
    let mut at = 16;
    while at < records.len() {
        let length = u32::from_le_bytes(records[at + 4..at + 8].try_into().unwrap()) as usize;
        let checksum = crc32fast::hash(&records[at + 12..at + 12 + length]);
        records[at + 8..at + 12].copy_from_slice(&checksum.to_le_bytes());
        at += 12 + length;
    }
    records
}

/// The parent of each run that was sent, by the name of its run.
fn parents_sent(stub: &Stub) -> Vec<(String, String)> {
    let names: Vec<String> = stub.runs().iter().map(|run| run["run_name"].as_str().unwrap().to_owned()).collect();
    let name = |id: &str| names[usize::from_str_radix(id, 16).unwrap() - 1].clone();
    let mut sent = Vec::new();
    for batch in stub.bodies("runs/log-batch") {
        for tag in batch["tags"].as_array().unwrap().iter().filter(|tag| tag["key"] == "mlflow.parentRunId") {
            sent.push((name(batch["run_id"].as_str().unwrap()), tag["value"].as_str().unwrap().to_owned()));
        }
    }
    sent
}

fn metrics_sent(stub: &Stub) -> Vec<String> {
    let batches = stub.bodies("runs/log-batch");
    let mut keys: Vec<String> = batches
        .iter()
        .flat_map(|batch| batch["metrics"].as_array().unwrap())
        .map(|metric| metric["key"].as_str().unwrap().to_owned())
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn children_that_sort_before_their_parent_wait_for_it_and_keep_nobody_waiting() {
    let address = free_address();
    let uri = format!("http://{address}");
    let folder = tempfile::tempdir().unwrap();
    let ids = leave_family(&uri, folder.path(), &["parent", "first", "second"]);
    // Whatever the ids were: now both children sort before the parent.
    rename(folder.path(), &ids[0], &"f".repeat(32));
    rename(folder.path(), &ids[1], &"0".repeat(32));
    rename(folder.path(), &ids[2], &format!("{}1", "0".repeat(31)));

    let stub = Stub::on(&address);
    let report = connect(&uri, folder.path()).sync().unwrap();
    assert_eq!(report.left, [], "{report:?}");
    assert!(spools(folder.path()).is_empty());
    assert_eq!(metrics_sent(&stub), ["first", "parent", "second"]);
    let parent = stub.runs().iter().position(|run| run["run_name"] == "parent").unwrap() + 1;
    let parent = format!("{parent:032x}");
    let mut sent = parents_sent(&stub);
    sent.sort();
    sent.dedup();
    assert_eq!(sent, [("first".to_owned(), parent.clone()), ("second".to_owned(), parent)]);
}

#[test]
fn a_child_whose_parent_is_lost_arrives_without_it() {
    let address = free_address();
    let uri = format!("http://{address}");
    let folder = tempfile::tempdir().unwrap();
    let ids = leave_family(&uri, folder.path(), &["parent", "child"]);
    fs::remove_dir_all(folder.path().join("spool").join(&ids[0])).unwrap();
    let stub = Stub::on(&address);
    let report = connect(&uri, folder.path()).sync().unwrap();
    assert_eq!(report.left, [], "{report:?}");
    assert_eq!(metrics_sent(&stub), ["child"]);
}

#[test]
fn a_run_that_the_server_fails_on_keeps_no_other_from_being_delivered() {
    for (status, header) in [(500, ""), (403, ""), (404, "Content-Type: text/html\r\n")] {
        let address = free_address();
        let uri = format!("http://{address}");
        let folder = tempfile::tempdir().unwrap();
        let tracking = connect(&uri, folder.path());
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            let run = tracking.start_run(&RunOptions::new("e").with_run_name(name)).unwrap();
            run.log_metric(name, 1.0, 0).unwrap();
            ids.push(run.run_id().to_owned());
            run.detach().unwrap();
        }
        // The first to be tried is the one that fails.
        rename(folder.path(), &ids[0], &"0".repeat(32));
        let stub = Stub::on(&address);
        stub.answer_with(move |request| {
            let about_a = String::from_utf8_lossy(&request.body).contains(r#""key":"a""#);
            (request.call() == "runs/log-batch" && about_a).then(|| Reply::Raw(status, header, b"oops".to_vec()))
        });
        let report = connect(&uri, folder.path()).sync().unwrap();
        assert_eq!(report.left.len(), 1, "{status}: {report:?}");
        assert!(report.left[0].0.ends_with("0".repeat(32)), "{status}: {report:?}");
        let keys: Vec<String> = metrics_sent(&stub).into_iter().filter(|key| key != "a").collect();
        assert_eq!(keys, ["b", "c"], "{status}");
        assert_eq!(spools(folder.path()).len(), 1);
    }
}

#[test]
fn a_server_that_is_gone_is_not_asked_for_every_run() {
    let address = free_address();
    let uri = format!("http://{address}");
    let folder = tempfile::tempdir().unwrap();
    leave_family(&uri, folder.path(), &["a", "b", "c"]);
    let report = connect(&uri, folder.path()).sync().unwrap();
    assert_eq!(report.left.len(), 3, "{report:?}");
    let reasons: Vec<&String> = report.left.iter().map(|(_, reason)| reason).collect();
    assert!(reasons.windows(2).all(|pair| pair[0] == pair[1]), "{reasons:?}");
}

#[test]
#[cfg(unix)]
fn a_ledger_that_cannot_be_read_makes_no_second_run() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let tracking = connect(&stub.uri(), folder.path());
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    let server_id = run.run_id().to_owned();
    run.log_metric("m", 1.0, 0).unwrap();
    run.detach().unwrap();
    drop((run, tracking));
    assert_eq!(stub.runs().len(), 1);
    // As a failing disk does it, or rights that were changed; a test may run as root, whom no rights stop.
    let spool = spools(folder.path()).remove(0);
    let ledger = spool.join("ledger.json");
    let saved = folder.path().join("saved");
    fs::rename(&ledger, &saved).unwrap();
    std::os::unix::fs::symlink(&ledger, &ledger).unwrap();
    let tracking = connect(&stub.uri(), folder.path());
    let report = tracking.sync().unwrap();
    assert_eq!(report.left.len(), 1, "{report:?}");
    assert!(report.left[0].1.contains("ledger.json"), "{report:?}");
    let message = tracking.resume_run(&server_id).unwrap_err().to_string();
    assert!(message.contains("ledger.json"), "{message}");
    assert_eq!(stub.runs().len(), 1, "a second run");
    // Once it can be read again, everything goes on.
    fs::rename(&saved, &ledger).unwrap();
    let report = tracking.sync().unwrap();
    assert_eq!(report.left, []);
    assert_eq!(stub.runs().len(), 1);
    let ended: Vec<Value> = stub.bodies("runs/update");
    assert_eq!(ended.last().unwrap()["status"], json!("KILLED"));
}
