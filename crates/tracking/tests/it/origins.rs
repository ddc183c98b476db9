//! Who gets to know who we are: the tracking server itself, nobody else.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use dodge_tracking::{Credentials, Destination, RemoteOptions, Run, RunOptions, RunQuery, Status, Tracking};
use serde_json::json;

use crate::{
    stub::{Reply, Request, Stub},
    support::{options, spools},
};

const ID: &str = "00000000000000000000000000000001";

fn connect(uri: &str, folder: &Path) -> Tracking {
    let mut remote = RemoteOptions::new(uri).unwrap();
    if remote.credentials == Credentials::None {
        remote.credentials = Credentials::Bearer("secret".to_owned());
    }
    remote.request_timeout = Duration::from_secs(5);
    remote.backoff_factor = 0.01;
    Tracking::open(options(Destination::Remote(remote), folder)).unwrap()
}

fn start(tracking: &Tracking) -> Run {
    tracking.start_run(&RunOptions::new("e")).unwrap()
}

/// A server whose runs keep their artifacts at `artifact_uri`.
fn with_artifacts_at(stub: &Stub, artifact_uri: String) {
    stub.answer_with(move |request: &Request| match request.call() {
        "runs/create" | "runs/get" => {
            Some(Reply::Json(200, json!({"run": {"info": {"run_id": ID, "artifact_uri": artifact_uri}}})))
        }
        _ => None,
    });
}

fn nobody_told(stub: &Stub) {
    for request in stub.requests() {
        assert!(!request.headers.contains_key("authorization"), "{request:?}");
    }
}

#[test]
fn another_host_that_an_artifact_address_names_gets_no_credentials() {
    let (server, other) = (Stub::start(), Stub::start());
    with_artifacts_at(&server, format!("mlflow-artifacts://{}/1/r/artifacts", other.address));
    let folder = tempfile::tempdir().unwrap();
    let tracking = connect(&server.uri(), folder.path());
    let run = start(&tracking);
    run.log_artifact_bytes(b"content", "x").unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    tracking.read_artifact(ID, "x", &mut Vec::new()).unwrap();
    // The other host, which is the same but for its port, has seen both, and no token.
    let methods: Vec<String> = other.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["PUT", "GET"]);
    nobody_told(&other);
    for request in server.requests() {
        assert_eq!(request.headers["authorization"], "Bearer secret", "{request:?}");
    }
}

#[test]
fn the_server_may_name_itself_and_is_told() {
    let server = Stub::start();
    with_artifacts_at(&server, format!("mlflow-artifacts://{}/1/r/artifacts", server.address));
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&server.uri(), folder.path()));
    run.log_artifact_bytes(b"content", "x").unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    let put = server.requests().into_iter().find(|request| request.method == "PUT").unwrap();
    assert_eq!(put.headers["authorization"], "Bearer secret");
}

#[test]
fn another_host_that_wants_credentials_costs_its_artifact_and_nothing_else() {
    let (server, other) = (Stub::start(), Stub::start());
    with_artifacts_at(&server, format!("mlflow-artifacts://{}/1/r/artifacts", other.address));
    other.answer_with(|_| Some(Reply::Raw(401, "WWW-Authenticate: Basic\r\n", Vec::new())));
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&server.uri(), folder.path()));
    run.log_artifact_bytes(b"content", "x").unwrap();
    run.log_metric("m", 1.0, 0).unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert_eq!((summary.pending, summary.rejected), (0, 1), "{summary:?}");
    let reason = &summary.rejections[0].reason;
    assert!(reason.contains(&server.uri()) && reason.contains("sent nowhere else"), "{reason}");
    nobody_told(&other);
}

#[test]
fn no_redirect_is_followed_and_none_carries_a_secret_into_the_message() {
    let (server, other) = (Stub::start(), Stub::start());
    let location = format!("Location: {}/b?X-Amz-Signature=hidden\r\n", other.uri());
    let location: &'static str = location.leak();
    server.answer_with(move |request| {
        let artifact = request.path.contains("mlflow-artifacts");
        let run = json!({"run": {"info": {"run_id": ID, "artifact_uri": "mlflow-artifacts:/1/r/artifacts"}}});
        match request.call() {
            "runs/get" => Some(Reply::Json(200, run)),
            _ if artifact => Some(Reply::Raw(307, location, Vec::new())),
            _ => None,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let tracking = connect(&server.uri(), folder.path());
    let message = tracking.read_artifact(ID, "x", &mut Vec::new()).unwrap_err().to_string();
    assert!(message.contains(&format!("redirecting to {}/b", other.uri())), "{message}");
    assert!(!message.contains("hidden"), "{message}");
    let run = start(&tracking);
    run.log_artifact_bytes(b"content", "x").unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert_eq!(summary.rejected, 1, "{summary:?}");
    assert!(other.requests().is_empty());
}

#[test]
fn user_and_password_of_the_address_go_where_the_address_leads() {
    let (server, other) = (Stub::start(), Stub::start());
    with_artifacts_at(&server, format!("mlflow-artifacts://{}/1/r/artifacts", other.address));
    let folder = tempfile::tempdir().unwrap();
    let run = start(&connect(&format!("http://ann:secret@{}", server.address), folder.path()));
    run.log_artifact_bytes(b"content", "x").unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    nobody_told(&other);
    for request in server.requests() {
        assert_eq!(request.headers["authorization"], "Basic YW5uOnNlY3JldA==");
    }
}

#[test]
fn an_upload_in_parts_to_a_place_that_is_none_is_refused_once_and_blocks_nothing() {
    let server = Stub::start();
    server.answer_with(|request| {
        request.path.contains("/mpu/create").then(|| {
            let part = json!({"url": "ftp://ann:hidden@h/x?s=hidden", "part_number": 1, "headers": {"a b": "c"}});
            Reply::Json(200, json!({"upload_id": "u", "credentials": [part]}))
        })
    });
    let folder = tempfile::tempdir().unwrap();
    let mut remote = RemoteOptions::new(&server.uri()).unwrap();
    remote.multipart_from = 1;
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    let run = start(&tracking);
    run.log_artifact_bytes(b"content", "x").unwrap();
    run.log_metric("m", 1.0, 0).unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert_eq!((summary.pending, summary.rejected), (0, 1), "{summary:?}");
    assert!(!summary.rejections[0].reason.contains("hidden"), "{summary:?}");
    assert_eq!(spools(folder.path()).len(), 1);
}

#[test]
fn a_listing_that_never_ends_is_an_error() {
    let server = Stub::start();
    server.answer_with(|_| Some(Reply::Json(200, json!({"next_page_token": "again", "runs": [], "metrics": []}))));
    let folder = tempfile::tempdir().unwrap();
    let tracking = connect(&server.uri(), folder.path());
    let messages = [
        tracking.experiments().unwrap_err().to_string(),
        tracking.search_runs(&RunQuery::default()).unwrap_err().to_string(),
        tracking.metric_history(ID, "m").unwrap_err().to_string(),
        tracking.artifacts(ID).unwrap_err().to_string(),
    ];
    for message in messages {
        assert!(message.contains("names a page as the next that has been read"), "{message}");
    }
}

#[test]
fn a_download_that_stalls_is_given_up() {
    let server = Stub::start();
    with_artifacts_at(&server, "mlflow-artifacts:/1/r/artifacts".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let mut remote = RemoteOptions::new(&server.uri()).unwrap();
    remote.request_timeout = Duration::from_millis(300);
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    server.answer_with(|request| match request.call() {
        "runs/get" => {
            let info = json!({"run_id": ID, "artifact_uri": "mlflow-artifacts:/1/r/artifacts"});
            Some(Reply::Json(200, json!({"run": {"info": info}})))
        }
        _ => Some(Reply::Stall),
    });
    let before = Instant::now();
    tracking.read_artifact(ID, "x", &mut Vec::new()).unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(30), "{:?}", before.elapsed());
}
