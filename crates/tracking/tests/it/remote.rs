//! The REST client against a server that misbehaves on demand.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use dodge_tracking::{Credentials, Destination, Error, RemoteOptions, Run, RunOptions, Status, Summary, Tracking};
use serde_json::{Value, json};

use crate::{
    stub::{Reply, Stub, refusal},
    support::{options, spools},
};

fn remote_options(uri: &str) -> RemoteOptions {
    let mut remote = RemoteOptions::new(uri).unwrap();
    remote.request_timeout = Duration::from_secs(5);
    remote.start_timeout = Duration::from_secs(2);
    remote.backoff_factor = 0.01;
    remote.max_retries = 2;
    remote
}

fn connect(uri: &str, folder: &Path) -> Tracking {
    Tracking::open(options(Destination::Remote(remote_options(uri)), folder)).unwrap()
}

fn connect_impatiently(uri: &str, folder: &Path) -> Tracking {
    let options = options(Destination::Remote(remote_options(uri)), folder);
    Tracking::open(options.with_finish_timeout(Duration::from_millis(300))).unwrap()
}

fn start(tracking: &Tracking) -> Run {
    tracking.start_run(&RunOptions::new("photos").with_run_name("n").with_user("ann")).unwrap()
}

/// (key, step) of every metric that was sent with success or without.
fn metrics_sent(stub: &Stub) -> BTreeSet<(String, i64)> {
    let batches = stub.bodies("runs/log-batch");
    let metrics = batches.iter().flat_map(|batch| batch["metrics"].as_array().unwrap());
    metrics.map(|m| (m["key"].as_str().unwrap().to_owned(), m["step"].as_i64().unwrap())).collect()
}

fn complete(summary: &Summary) {
    assert!(summary.is_complete(), "{summary:?}");
}

#[test]
fn a_run_arrives_whole_in_few_requests_within_every_limit() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    assert_eq!(run.run_id(), format!("{:032x}", 1));
    assert_eq!(run.experiment_id(), Some("1"));
    for step in 0..2500 {
        run.log_metrics(&[("a", 0.5), ("b", f64::NAN)], step).unwrap();
    }
    let params: Vec<(String, String)> = (0..250).map(|i| (format!("p{i}"), "v".to_owned())).collect();
    run.log_params(&params).unwrap();
    let tags: Vec<(String, String)> = (0..250).map(|i| (format!("t{i}"), "v".to_owned())).collect();
    run.set_tags(&tags).unwrap();
    run.set_tags(&[("twice", "1"), ("twice", "2")]).unwrap();
    run.log_artifact_bytes(b"content", "a dir/x.txt").unwrap();
    complete(&run.finish(Status::Failed).unwrap());

    let batches = stub.bodies("runs/log-batch");
    let count = |batch: &Value, kind: &str| batch[kind].as_array().unwrap().len();
    for batch in &batches {
        let (metrics, params, tags) = (count(batch, "metrics"), count(batch, "params"), count(batch, "tags"));
        assert!(metrics <= 1000 && params <= 100 && tags <= 100, "{metrics} {params} {tags}");
        assert!(metrics + params + tags <= 1000);
    }
    let total = |kind: &str| batches.iter().map(|batch| count(batch, kind)).sum::<usize>();
    assert_eq!((total("metrics"), total("params"), total("tags")), (5000, 250, 253));
    assert!(batches.len() < 40, "{} requests", batches.len());
    let nan = &batches.iter().find(|b| count(b, "metrics") > 1).unwrap()["metrics"][1];
    assert_eq!((&nan["key"], &nan["value"]), (&json!("b"), &json!("NaN")));
    assert!(nan["timestamp"].is_i64() && nan["step"].is_i64());

    let [created] = stub.runs().try_into().unwrap();
    assert_eq!(created["run_name"], "n");
    assert_eq!(created["user_id"], "ann");
    assert_eq!(created["start_time"], 1000);
    let artifact = format!("1/{:032x}/artifacts/a%20dir/x.txt", 1);
    assert_eq!(stub.artifacts()[&artifact], b"content");
    let [update] = stub.bodies("runs/update").try_into().unwrap();
    assert_eq!(update["status"], "FAILED");
    assert!(update["end_time"].as_i64().unwrap() > 1000);
    for request in stub.requests().iter().filter(|request| request.method != "GET") {
        assert!(request.headers.contains_key("content-length"), "{request:?}");
        assert!(!request.headers.contains_key("transfer-encoding"));
        assert!(request.headers.contains_key("content-type"));
        assert!(!request.headers.contains_key("origin"));
    }
    assert!(spools(folder.path()).is_empty());
}

#[test]
fn a_prefix_and_credentials_go_with_every_request() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let mut remote = remote_options(&format!("{}/team/a/", stub.uri()));
    remote.credentials = Credentials::Basic { username: "ann".to_owned(), password: "secret".to_owned() };
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    let run = start(&tracking);
    run.log_artifact_bytes(b"", "empty").unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    assert!(stub.requests().len() >= 5);
    for request in stub.requests() {
        assert!(request.path.starts_with("/team/a/api/2.0/mlflow"), "{}", request.path);
        assert_eq!(request.headers["authorization"], "Basic YW5uOnNlY3JldA==");
    }
}

#[test]
fn an_overloaded_server_is_asked_again_and_nothing_is_lost() {
    let stub = Stub::start();
    let mut replies = vec![
        Reply::Raw(500, "Content-Type: text/html\r\n", b"<h1>Internal Server Error</h1>".to_vec()),
        Reply::Raw(429, "Retry-After: 0\r\n", Vec::new()),
        Reply::Raw(502, "", b"bad gateway".to_vec()),
        Reply::Json(503, json!({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "locked"})),
    ];
    stub.answer_with(move |request| (request.call() == "runs/log-batch").then(|| replies.pop()).flatten());
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    run.log_metric("m", 1.0, 7).unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    assert!(stub.bodies("runs/log-batch").len() >= 5);
    assert_eq!(metrics_sent(&stub), BTreeSet::from([("m".to_owned(), 7)]));
}

#[test]
fn the_server_may_say_how_long_to_wait() {
    let stub = Stub::start();
    let mut replies = vec![Reply::Raw(503, "Retry-After: 1\r\n", Vec::new())];
    stub.answer_with(move |request| (request.call() == "runs/log-batch").then(|| replies.pop()).flatten());
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    let before = Instant::now();
    complete(&run.finish(Status::Finished).unwrap());
    assert!(before.elapsed() >= Duration::from_millis(900), "{:?}", before.elapsed());
}

#[test]
fn a_poison_item_is_singled_out_and_the_rest_arrives() {
    let stub = Stub::start();
    stub.answer_with(|request| {
        let poisoned = request.call() == "runs/log-batch" && String::from_utf8_lossy(&request.body).contains("poison");
        poisoned.then(|| refusal("Invalid value\nfor poison"))
    });
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    for step in 0..200 {
        let key = if step == 77 { "poison" } else { "fine" };
        run.log_metric(key, 1.0, step).unwrap();
    }
    run.log_param("poison", "x").unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert_eq!((summary.pending, summary.rejected), (0, 2));
    let items: Vec<&str> = summary.rejections.iter().map(|r| r.item.as_str()).collect();
    assert_eq!(items, ["metric `poison` at step 77", "param `poison`"]);
    assert!(summary.rejections[0].reason.contains("Invalid value"));
    assert_eq!(metrics_sent(&stub).len(), 200);
    assert_eq!(stub.bodies("runs/update").len(), 1);

    // What was refused is kept and listed, and does not count as left over.
    let spool = summary.spool.unwrap();
    let listed = fs::read_to_string(spool.join("rejected.txt")).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let report = connect(&stub.uri(), folder.path()).sync().unwrap();
    assert!(report.completed.is_empty() && report.left.is_empty(), "{report:?}");
    assert_eq!(stub.runs().len(), 1);
}

#[test]
fn an_artifact_that_is_refused_keeps_its_copy() {
    let stub = Stub::start();
    stub.answer_with(|request| request.path.contains("/mlflow-artifacts/").then(|| refusal("Invalid path")));
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    run.log_artifact_bytes(b"precious", "x.bin").unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert_eq!(summary.rejections[0].item, "artifact `x.bin`");
    let files = fs::read_dir(summary.spool.unwrap().join("files")).unwrap();
    let contents: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert_eq!(contents, [b"precious"]);
}

#[test]
fn a_dead_server_delays_nobody_and_gets_everything_when_it_is_back() {
    let stub = Stub::start();
    let (address, uri) = (stub.address.clone(), stub.uri());
    drop(stub);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("model.bin");
    fs::write(&source, "weights").unwrap();
    let before = Instant::now();
    let run = start(&connect_impatiently(&uri, folder.path()));
    let own_id = run.run_id().to_owned();
    for step in 0..100 {
        run.log_metric("m", 1.0, step).unwrap();
    }
    run.log_artifact_file(&source, "").unwrap();
    fs::remove_file(&source).unwrap();
    assert!(matches!(run.flush(), Err(Error::Undelivered { pending: 103, .. })));
    let summary = run.finish(Status::Finished).unwrap();
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    assert_eq!((summary.delivered, summary.pending), (0, 104));
    assert_eq!(summary.spool.as_deref(), Some(spools(folder.path())[0].as_path()));
    assert!(summary.last_error.unwrap().to_lowercase().contains("refused"));

    let report = connect(&uri, folder.path()).sync().unwrap();
    assert_eq!(report.left.len(), 1, "{report:?}");

    let stub = Stub::on(&address);
    let _tracking = connect(&uri, folder.path()); // delivers in the background
    let waiting = Instant::now();
    while !spools(folder.path()).is_empty() {
        assert!(waiting.elapsed() < Duration::from_secs(20), "nothing is delivered");
        std::thread::sleep(Duration::from_millis(20));
        // The background thread of the connection before may hold the spool for a moment.
        let _ = connect(&uri, folder.path()).sync().unwrap();
    }
    assert_eq!(stub.runs().len(), 1);
    assert_eq!(stub.runs()[0]["tags"][0], json!({"key": "dodge.client_run_id", "value": own_id}));
    assert_eq!(metrics_sent(&stub).len(), 100);
    assert_eq!(stub.artifacts().into_values().collect::<Vec<_>>(), [b"weights"]);
    let [update] = stub.bodies("runs/update").try_into().unwrap();
    assert_eq!(update["status"], "FINISHED");
}

#[test]
fn a_server_that_dies_and_returns_during_the_run_misses_nothing() {
    let stub = Stub::start();
    let (address, uri) = (stub.address.clone(), stub.uri());
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&uri, folder.path()));
    run.log_metric("m", 1.0, 0).unwrap();
    run.flush().unwrap();
    drop(stub);
    run.log_metric("m", 1.0, 1).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let stub = Stub::on(&address);
    run.log_metric("m", 1.0, 2).unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    let expected = BTreeSet::from([("m".to_owned(), 1), ("m".to_owned(), 2)]);
    assert_eq!(metrics_sent(&stub), expected);
    assert!(stub.runs().is_empty(), "the run is not created twice");
}

#[test]
fn a_run_whose_creation_got_no_reply_is_found_again() {
    let stub = Stub::start();
    let mut first = true;
    stub.answer_with(move |request| {
        let hang_up = request.call() == "runs/create" && std::mem::take(&mut first);
        hang_up.then_some(Reply::DoAndHangUp)
    });
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    run.log_metric("m", 1.0, 0).unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    complete(&summary);
    assert_eq!(stub.runs().len(), 1, "one run, though its creation looked failed");
    assert_ne!(summary.run_id, run.run_id());
    assert_eq!(summary.run_id, format!("{:032x}", 1));
    assert_eq!(stub.bodies("runs/log-batch")[0]["run_id"], summary.run_id);
}

#[test]
fn a_killed_run_is_continued_on_the_server_where_it_stopped() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let tracking = connect(&stub.uri(), folder.path());
    let run = start(&tracking);
    run.log_metric("m", 1.0, 0).unwrap();
    run.flush().unwrap();
    stub.answer_with(|_| Some(Reply::Raw(503, "", Vec::new())));
    run.log_metric("m", 1.0, 1).unwrap();
    drop(run);
    stub.answer_normally();
    let batches = stub.bodies("runs/log-batch").len();
    let report = tracking.sync().unwrap();
    assert_eq!(report.completed, [format!("{:032x}", 1)]);
    assert!(report.left.is_empty());
    assert_eq!(stub.runs().len(), 1);
    let after: Vec<Value> = stub.bodies("runs/log-batch").split_off(batches);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0]["metrics"].as_array().unwrap().len(), 1, "step 0 is not sent again");
    assert_eq!(stub.bodies("runs/update")[0]["status"], "KILLED");
}

#[test]
fn a_run_deleted_on_the_server_stops_delivery_and_keeps_the_spool() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&stub.uri(), folder.path()));
    run.flush().unwrap();
    stub.answer_with(|request| {
        (request.call() == "runs/log-batch")
            .then(|| refusal("The run 1 must be in the 'active' state. Current state is deleted."))
    });
    for step in 0..10 {
        run.log_metric("m", 1.0, step).unwrap();
    }
    let before = Instant::now();
    let summary = run.finish(Status::Finished).unwrap();
    assert!(before.elapsed() < Duration::from_secs(5));
    assert_eq!((summary.pending, summary.rejected), (11, 0));
    assert!(summary.last_error.unwrap().contains("deleted on the server"));
}

#[test]
fn refusals_at_the_start_are_errors_that_say_what_to_do() {
    let check = |reply: fn() -> Reply, expected: &str| {
        let stub = Stub::start();
        stub.answer_with(move |_| Some(reply()));
        let folder = tempfile::tempdir().unwrap();
        let tracking = connect(&stub.uri(), folder.path());
        let error = tracking.start_run(&RunOptions::new("photos")).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, Error::Server { .. }), "{message}");
        assert!(message.contains(&stub.uri()) && message.contains(expected), "{message}");
        assert!(spools(folder.path()).is_empty());
    };
    check(|| Reply::Raw(401, "", b"You are not authenticated".to_vec()), "MLFLOW_TRACKING_USERNAME");
    check(|| Reply::Raw(403, "", b"Permission denied".to_vec()), "Permission denied");
    check(|| Reply::Raw(404, "", b"<html>Not Found</html>".to_vec()), "is it an MLflow server?");
    check(|| Reply::Raw(200, "", b"<html>Welcome</html>".to_vec()), "not what an MLflow server sends");
    check(|| Reply::Raw(302, "Location: /login\r\n", Vec::new()), "/login");
    check(
        || Reply::Json(200, json!({"experiment": {"experiment_id": "1", "lifecycle_stage": "deleted"}})),
        "restore it or choose another name",
    );
}

#[test]
fn a_reply_without_end_is_cut_off() {
    let stub = Stub::start();
    stub.answer_with(|_| Some(Reply::Raw(200, "", vec![b' '; (16 << 20) + 1])));
    let folder = tempfile::tempdir().unwrap();
    let error = connect(&stub.uri(), folder.path()).start_run(&RunOptions::new("e")).unwrap_err();
    assert!(error.to_string().contains("longer than 16 MiB"), "{error}");
}

#[test]
fn credentials_that_are_withdrawn_during_a_run_leave_it_in_the_spool() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let tracking = connect(&stub.uri(), folder.path());
    let run = start(&tracking);
    run.flush().unwrap();
    stub.answer_with(|_| Some(Reply::Raw(401, "", Vec::new())));
    run.log_metric("m", 1.0, 0).unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert_eq!(summary.pending, 2);
    assert!(summary.last_error.unwrap().contains("MLFLOW_TRACKING_TOKEN"));
    stub.answer_normally();
    assert_eq!(tracking.sync().unwrap().completed.len(), 1);
    assert_eq!(metrics_sent(&stub), BTreeSet::from([("m".to_owned(), 0)]));
}

#[test]
fn a_spool_goes_only_to_the_server_it_was_meant_for() {
    let (one, two) = (Stub::start(), Stub::start());
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&one.uri(), folder.path()));
    drop(run);
    assert!(connect(&two.uri(), folder.path()).sync().unwrap().completed.is_empty());
    let local = Tracking::open(options(Destination::Local, folder.path())).unwrap();
    assert!(local.sync().unwrap().completed.is_empty());
    assert!(two.requests().is_empty());
    assert_eq!(connect(&one.uri(), folder.path()).sync().unwrap().left, []);
    assert!(spools(folder.path()).is_empty());
}

#[test]
fn a_large_file_goes_in_parts_where_the_server_offers_that() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start();
    let uri = stub.uri();
    stub.answer_with(move |request| {
        if request.path.contains("/mpu/create/") {
            let parts: Vec<_> = (1..=request.json()["num_parts"].as_u64().unwrap())
                .map(|number| {
                    let url = format!("{uri}/bucket/part{number}?signed=1");
                    json!({"url": url, "part_number": number, "headers": {"x-part": number.to_string()}})
                })
                .collect();
            return Some(Reply::Json(200, json!({"upload_id": "u1", "credentials": parts})));
        }
        let number = request.path.strip_prefix("/bucket/part")?;
        // The storage is another host to us.
        assert_eq!(request.headers.get("authorization"), None);
        assert_eq!(request.headers["x-part"], number);
        assert_eq!(request.headers.get("content-type"), None);
        let tag: &'static str =
            ["", "ETag: \"one\"\r\n", "ETag: \"two\"\r\n", "ETag: \"three\"\r\n"][number.parse::<usize>().unwrap()];
        Some(Reply::Raw(200, tag, Vec::new()))
    });
    let mut remote = remote_options(&stub.uri());
    remote.credentials = dodge_tracking::Credentials::Bearer("secret".to_owned());
    (remote.multipart_from, remote.multipart_chunk) = (20, 10);
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    let run = start(&tracking);
    run.log_artifact_bytes(b"0123456789abcdefghijABC", "deep/large.bin").unwrap();
    run.log_artifact_bytes(b"small", "small.bin").unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    let requests = stub.requests();
    let of = |part: &str| requests.iter().filter(|request| request.path.contains(part)).collect::<Vec<_>>();
    let bodies: Vec<&[u8]> = of("/bucket/").iter().map(|request| request.body.as_slice()).collect();
    assert_eq!(bodies, [b"0123456789".as_slice(), b"abcdefghij", b"ABC"]);
    let [create] = of("/mpu/create/")[..] else { panic!("one upload") };
    assert!(create.path.ends_with("/artifacts/deep"), "{}", create.path);
    assert_eq!(create.json(), json!({"path": "large.bin", "num_parts": 3}));
    let [completed] = of("/mpu/complete/")[..] else { panic!("one end") };
    let parts = completed.json()["parts"].clone();
    assert_eq!((&parts[0]["etag"], &parts[2]["part_number"]), (&json!("\"one\""), &json!(3)));
    assert_eq!(completed.json()["upload_id"], "u1");
    assert!(of("/mpu/abort/").is_empty());
    assert_eq!(stub.artifacts().keys().filter(|path| path.ends_with("small.bin")).count(), 1);
}

#[test]
fn a_server_without_uploads_in_parts_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start();
    stub.answer_with(|request| {
        let answer = json!({"error_code": "NOT_IMPLEMENTED", "message": "Multipart upload is not supported"});
        request.path.contains("/mpu/").then_some(Reply::Json(501, answer))
    });
    let mut remote = remote_options(&stub.uri());
    remote.multipart_from = 1;
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    let run = start(&tracking);
    run.log_artifact_bytes(b"a", "a.bin").unwrap();
    run.flush().unwrap();
    run.log_artifact_bytes(b"b", "b.bin").unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    assert_eq!(stub.requests().iter().filter(|request| request.path.contains("/mpu/")).count(), 1);
    assert_eq!(stub.artifacts().len(), 2);
}

#[test]
fn a_failed_upload_in_parts_is_taken_back_and_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start();
    let uri = stub.uri();
    let mut failures = 0;
    stub.answer_with(move |request| {
        if request.path.contains("/mpu/create/") {
            let part = json!({"url": format!("{uri}/bucket/part"), "part_number": 1});
            return Some(Reply::Json(200, json!({"upload_id": "u1", "credentials": [part]})));
        }
        if request.path.contains("/bucket/") {
            failures += 1;
            let status = if failures < 3 { 503 } else { 200 };
            return Some(Reply::Raw(status, "ETag: \"e\"\r\n", Vec::new()));
        }
        None
    });
    let mut remote = remote_options(&stub.uri());
    remote.multipart_from = 1;
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    let run = start(&tracking);
    run.log_artifact_bytes(b"a", "a.bin").unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    let count = |part: &str| stub.requests().iter().filter(|request| request.path.contains(part)).count();
    assert_eq!((count("/mpu/create/"), count("/mpu/abort/"), count("/mpu/complete/")), (3, 2, 1));
}

#[test]
fn a_page_instead_of_an_answer_in_the_middle_of_a_run_is_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start();
    let run = start(&connect(&stub.uri(), folder.path()));
    let pages = [(200, "Welcome to our hotel"), (404, "Not here"), (302, "Log in first"), (501, "Not at all")];
    let mut turn = 0;
    stub.answer_with(move |request| {
        let (status, text) = pages.get(turn).filter(|_| request.call() == "runs/log-batch")?;
        turn += 1;
        Some(Reply::Raw(*status, "", format!("<html><body>{text}</body></html>").into_bytes()))
    });
    run.log_metric("m", 1.0, 7).unwrap();
    complete(&run.finish(Status::Finished).unwrap());
    assert!(metrics_sent(&stub).contains(&("m".to_owned(), 7)));
}
