//! The acquisition service and its client, against each other and against a stand-in for the service that they take the place of.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dodge_data::{
    Acquire, AcquisitionClient, AcquisitionLoader, AcquisitionOptions, AcquisitionService, DataLoader, Entry, Error,
    Fetcher, JobState, JobStatus, JobWatch, Progress, Registry, ServiceOptions, Source, SyntheticLoader, Unwatched,
    Watcher,
};
use reqwest::blocking::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Datasets by name: `quick`, `slow-…` (until cancelled, or until the folder holds `go`), `broken`, `panics`.
struct Fake {
    volume: PathBuf,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Acquire for Fake {
    fn folder(&self, dataset_id: &str) -> Option<PathBuf> {
        (dataset_id != "unknown").then(|| PathBuf::from(dataset_id))
    }

    fn acquire(&self, dataset_id: &str, watch: &JobWatch) -> Result<String, Error> {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        watch.progress(5, Some(10));
        let deadline = Instant::now() + Duration::from_secs(30);
        while dataset_id.starts_with("slow") && !self.volume.join("go").exists() && Instant::now() < deadline {
            if watch.is_cancelled() {
                self.running.fetch_sub(1, Ordering::SeqCst);
                return Err(Error::NoSuchFolder { path: "stopped".into() });
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        match dataset_id {
            "broken" => Err(Error::NoSuchFolder { path: "nowhere".into() }),
            "panics" => panic!("a mistake"),
            _ => Ok(format!("hash of {dataset_id}")),
        }
    }

    fn hash(&self, folder: &Path) -> Result<String, Error> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        Ok(names.join(" "))
    }
}

struct Place {
    volume: TempDir,
    fake: Arc<Fake>,
}

impl Place {
    fn new() -> Self {
        let volume = tempfile::tempdir().unwrap();
        let fake = Fake { volume: volume.path().to_owned(), running: AtomicUsize::new(0), most: AtomicUsize::new(0) };
        Self { volume, fake: Arc::new(fake) }
    }

    fn start(&self, change: impl FnOnce(&mut ServiceOptions)) -> Running {
        let mut options = ServiceOptions::new(self.volume.path());
        options.address.set_port(0);
        options.grace = Duration::from_secs(5);
        change(&mut options);
        let service = AcquisitionService::start(options, self.fake.clone()).unwrap();
        // An error means that it is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Running { url: format!("http://{}", service.address()), http: Client::new(), service }
    }
}

struct Running {
    service: AcquisitionService,
    url: String,
    http: Client,
}

impl Running {
    fn client(&self) -> AcquisitionClient {
        client(&self.url, |_| {})
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let reply = self.http.post(format!("{}{path}", self.url)).json(body).send().unwrap();
        (reply.status().as_u16(), reply.json().unwrap_or_default())
    }

    fn begin(&self, dataset_id: &str) -> String {
        let (status, job) = self.post("/v1/acquisition", &json!({ "dataset_id": dataset_id }));
        assert_eq!((status, &job["resulting_hash"]), (200, &Value::Null), "{job}");
        job["job_uuid"].as_str().unwrap().to_owned()
    }

    fn job(&self, uuid: &str) -> JobStatus {
        self.http.get(format!("{}/v1/acquisition/jobs/{uuid}", self.url)).send().unwrap().json().unwrap()
    }

    #[track_caller]
    fn wait_for(&self, uuid: &str, state: JobState) -> JobStatus {
        for _ in 0..2000 {
            let job = self.job(uuid);
            if job.status == state {
                return job;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("{uuid} is {:?}", self.job(uuid));
    }
}

fn client(url: &str, change: impl FnOnce(&mut AcquisitionOptions)) -> AcquisitionClient {
    let mut options = AcquisitionOptions::new(url);
    options.first_pause = Duration::from_millis(2);
    options.longest_pause = Duration::from_millis(20);
    options.timeout = Duration::from_secs(20);
    change(&mut options);
    AcquisitionClient::new(options).unwrap()
}

#[track_caller]
fn refused(client: &AcquisitionClient, dataset_id: &str) -> String {
    client.acquire(dataset_id, &Unwatched).unwrap_err().to_string()
}

#[test]
fn a_dataset_is_fetched_and_its_states_are_seen() {
    let place = Place::new();
    let running = place.start(|_| {});
    fs::write(place.volume.path().join("go"), "").unwrap();
    let seen = Seen(Mutex::new(Vec::new()));
    let job = running.client().acquire("slow-one", &seen).unwrap();
    assert_eq!((job.status, job.resulting_hash.as_deref()), (JobState::Completed, Some("hash of slow-one")));
    let seen = seen.0.into_inner().unwrap();
    assert_eq!(seen.last(), Some(&Progress::Downloading { done: 5, total: Some(10) }), "{seen:?}");
}

#[test]
fn a_client_stops_waiting_when_it_is_told_to() {
    struct Stop;
    impl Watcher for Stop {
        fn cancelled(&self) -> bool {
            true
        }
    }
    let place = Place::new();
    let running = place.start(|_| {});
    assert!(matches!(running.client().acquire("slow-one", &Stop), Err(Error::Cancelled)));
    fs::write(place.volume.path().join("go"), "").unwrap();
    assert_eq!(
        running.client().acquire("slow-one", &Unwatched).unwrap().status,
        JobState::Completed,
        "the job went on"
    );
}

#[test]
fn photos_come_through_the_shared_volume() {
    let (outside, volume) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    SyntheticLoader::new(3, 32, 1, outside.path()).unwrap().load().unwrap();
    let archive = outside.path().join("photos.tar");
    let mut tar = tar::Builder::new(fs::File::create(&archive).unwrap());
    tar.append_dir_all("top", SyntheticLoader::new(3, 32, 1, outside.path()).unwrap().load().unwrap().root()).unwrap();
    tar.into_inner().unwrap();
    let mut registry = Registry::built_in();
    registry.insert(Entry::new("small", Source::Archive(archive))).unwrap();
    let fetcher = |folder: &Path| Fetcher::new(folder, registry.clone()).unwrap();
    let mut options = ServiceOptions::new(volume.path());
    options.address.set_port(0);
    let service = AcquisitionService::start(options, Arc::new(fetcher(volume.path()))).unwrap();
    let url = format!("http://{}", service.address());

    let loader = |folder: &Path| {
        AcquisitionLoader::new(client(&url, |_| {}), fetcher(folder), "small", Arc::new(Unwatched)).unwrap()
    };
    assert_eq!(loader(volume.path()).load().unwrap().photos().len(), 3);
    let other = tempfile::tempdir().unwrap();
    let error = loader(other.path()).load().unwrap_err().to_string();
    assert!(error.contains("set IMAGE_VOLUME_PATH to the volume that it shares"), "{error}");
    // The place of the service that this one takes the place of; and other files there.
    fs::create_dir_all(other.path().join("small/images")).unwrap();
    fs::write(other.path().join("small/images/x.png"), "x").unwrap();
    let error = loader(other.path()).load().unwrap_err().to_string();
    assert!(error.contains("tells the directory hash"), "{error}");
}

/// Remembers what it is told.
struct Seen(Mutex<Vec<Progress>>);

impl Watcher for Seen {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}

#[test]
fn what_goes_wrong_is_told_to_the_client() {
    let place = Place::new();
    let running = place.start(|_| {});
    let client = running.client();
    assert!(refused(&client, "unknown").contains("does not know the dataset `unknown`"));
    assert!(refused(&client, "broken").contains("could not fetch `broken`: no such folder: nowhere"));
    assert!(refused(&client, "panics").contains("made a mistake"));
    // The service goes on.
    assert_eq!(client.acquire("quick", &Unwatched).unwrap().status, JobState::Completed);
}

#[test]
fn the_same_dataset_is_fetched_once_at_a_time_and_few_at_once() {
    let place = Place::new();
    let running = place.start(|options| options.concurrent_jobs = 2);
    let jobs: Vec<String> = (0..5).map(|index| running.begin(&format!("slow-{index}"))).collect();
    let (status, refusal) = running.post("/v1/acquisition", &json!({ "dataset_id": "slow-0" }));
    assert_eq!((status, refusal["job_uuid"].as_str()), (409, Some(&*jobs[0])), "{refusal}");
    running.wait_for(&jobs[1], JobState::Running);
    assert_eq!(running.job(&jobs[4]).status, JobState::New);
    let follower = {
        let client = running.client();
        thread::spawn(move || client.acquire("slow-4", &Unwatched).unwrap().job_uuid)
    };
    thread::sleep(Duration::from_millis(50));
    fs::write(place.volume.path().join("go"), "").unwrap();
    assert_eq!(follower.join().unwrap(), jobs[4], "another's job is followed");
    jobs.iter().for_each(|job| drop(running.wait_for(job, JobState::Completed)));
    assert_eq!(place.fake.most.load(Ordering::SeqCst), 2);
    let all: Vec<JobStatus> =
        running.http.get(format!("{}/v1/acquisition/jobs", running.url)).send().unwrap().json().unwrap();
    assert_eq!(all.iter().map(|job| &job.job_uuid).rev().collect::<Vec<_>>(), jobs.iter().collect::<Vec<_>>());
    let metrics = running.http.get(format!("{}/metrics", running.url)).send().unwrap().text().unwrap();
    for name in [
        "image_acquisition_job_duration_seconds_count{dataset_id=\"slow-0\",outcome=\"completed\"} 1",
        "imageacquisition_request_duration_seconds_count{method=\"POST\",endpoint=\"/v1/acquisition\",status=\"409\"}",
    ] {
        assert!(metrics.contains(name), "{metrics}");
    }
}

#[test]
fn jobs_are_cancelled_while_they_wait_and_while_they_run() {
    let place = Place::new();
    let running = place.start(|options| options.concurrent_jobs = 1);
    let (first, second) = (running.begin("slow-1"), running.begin("slow-2"));
    running.wait_for(&first, JobState::Running);
    for uuid in [&second, &first] {
        let reply = running.http.delete(format!("{}/v1/acquisition/jobs/{uuid}", running.url)).send().unwrap();
        assert_eq!(reply.status().as_u16(), 200);
        assert_eq!(running.wait_for(uuid, JobState::Failed).error.as_deref(), Some("cancelled"));
    }
    let reply = running.http.delete(format!("{}/v1/acquisition/jobs/none", running.url)).send().unwrap();
    assert_eq!(reply.status().as_u16(), 404);
}

#[test]
fn jobs_outlive_the_service_but_not_for_ever() {
    let place = Place::new();
    let running = place.start(|options| options.concurrent_jobs = 1);
    let (first, second) = (running.begin("slow-1"), running.begin("quick"));
    running.wait_for(&first, JobState::Running);
    running.service.stop();

    let running = place.start(|_| {});
    assert_eq!(running.wait_for(&second, JobState::Completed).resulting_hash.as_deref(), Some("hash of quick"));
    running.wait_for(&first, JobState::Running);
    running.service.stop();
    let running = place.start(|_| {});
    running.wait_for(&first, JobState::Running);
    running.service.stop();
    // Begun three times.
    let running = place.start(|_| {});
    let error = running.wait_for(&first, JobState::Failed).error.unwrap();
    assert!(error.contains("stopped 3 times"), "{error}");
    assert_eq!(running.job(&second).status, JobState::Completed, "what is done stays known");
}

#[test]
fn without_the_token_nothing_but_the_health_is_told() {
    let place = Place::new();
    let running = place.start(|options| options.token = Some("secret".into()));
    let get = |path: &str, token: &str| {
        running.http.get(format!("{}{path}", running.url)).bearer_auth(token).send().unwrap().status().as_u16()
    };
    assert_eq!(get("/health", "wrong"), 200);
    for path in ["/metrics", "/v1/acquisition/jobs", "/v1/acquisition/jobs/x"] {
        assert_eq!(get(path, "wrong"), 401, "{path}");
    }
    assert_eq!((get("/metrics", "secret"), get("/v1/acquisition/jobs/x", "secret")), (200, 404));
    assert_eq!(running.post("/v1/copy", &json!({ "destination_directory": "x" })).0, 401);
    assert!(refused(&running.client(), "quick").contains("wants another token"));
    let client = client(&running.url, |options| options.token = Some("secret".into()));
    assert_eq!(client.acquire("quick", &Unwatched).unwrap().status, JobState::Completed);
}

#[test]
fn copies_stay_inside_of_the_volume() {
    let place = Place::new();
    let volume = place.volume.path();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("private"), "x").unwrap();
    fs::create_dir_all(volume.join("quick/inner")).unwrap();
    fs::write(volume.join("quick/a.jpg"), "a").unwrap();
    fs::write(volume.join("quick/inner/b.jpg"), "b").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outside.path(), volume.join("way-out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("private"), volume.join("quick/link")).unwrap();
    }
    let running = place.start(|_| {});
    let copy = |body: Value| running.post("/v1/copy", &body);

    let (status, job) = copy(json!({ "source_dataset_id": "quick", "destination_directory": "copies/one" }));
    assert_eq!((status, job["destination_directory"].as_str()), (200, Some("copies/one")), "{job}");
    let done = running.wait_for(job["job_uuid"].as_str().unwrap(), JobState::Completed);
    assert_eq!(done.resulting_hash.as_deref(), Some("a.jpg inner"), "links are not copied");
    assert_eq!(fs::read(volume.join("copies/one/inner/b.jpg")).unwrap(), b"b");

    // A name as long as file systems allow has no room for anything added to it.
    let long = "n".repeat(255);
    let (_, job) = copy(json!({ "source_dataset_id": "quick", "destination_directory": long }));
    running.wait_for(job["job_uuid"].as_str().unwrap(), JobState::Completed);
    assert_eq!(fs::read(volume.join(&long).join("a.jpg")).unwrap(), b"a");

    assert_eq!(copy(json!({ "destination_directory": "x" })).0, 404, "no source");
    assert_eq!(copy(json!({ "source_dataset_id": "unknown", "destination_directory": "x" })).0, 404);
    for (source, destination) in [
        ("../x", "y"),
        ("/etc", "y"),
        ("quick", "../y"),
        ("quick", "/tmp/y"),
        ("quick", "a/../../y"),
        ("", "y"),
        ("quick", ""),
    ] {
        let body = json!({ "source_directory": source, "destination_directory": destination });
        assert_eq!(copy(body).0, 400, "{source} to {destination}");
    }
    let fails = |source: &str, destination: &str| {
        let (_, job) = copy(json!({ "source_directory": source, "destination_directory": destination }));
        running.wait_for(job["job_uuid"].as_str().unwrap(), JobState::Failed).error.unwrap()
    };
    assert!(fails("missing", "y").contains("no folder of the volume"));
    assert!(fails("quick", "copies/one").contains("there already"));
    assert!(fails("quick", "quick/again").contains("inside of the source"));
    if cfg!(unix) {
        assert!(fails("way-out", "stolen").contains("no folder of the volume"));
        assert!(fails("quick", "way-out/planted").contains("out of the volume"));
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1, "nothing was written outside");
}

#[test]
fn a_gigabyte_of_json_is_refused() {
    let place = Place::new();
    let running = place.start(|_| {});
    let body = reqwest::blocking::Body::sized(std::io::repeat(b' ').take(1 << 30), 1 << 30);
    let request =
        running.http.post(format!("{}/v1/acquisition", running.url)).header("content-type", "application/json");
    // The service may hang up before it has read what it refuses.
    if let Ok(reply) = request.body(body).send() {
        assert_eq!(reply.status().as_u16(), 413);
    }
    for body in ["", "{", "[]", "{\"dataset_id\": 7}", "{\"dataset_id\": null}"] {
        let request =
            running.http.post(format!("{}/v1/acquisition", running.url)).header("content-type", "application/json");
        let status = request.body(body).send().unwrap().status();
        assert!(status.is_client_error(), "{body}: {status}");
    }
    assert_eq!(running.client().acquire("quick", &Unwatched).unwrap().status, JobState::Completed);
}

#[test]
fn a_thousand_polls_at_a_time_while_jobs_run() {
    let place = Place::new();
    let running = place.start(|_| {});
    let job = running.begin("slow-1");
    running.wait_for(&job, JobState::Running);
    let url = format!("{}/v1/acquisition/jobs/{job}", running.url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = reqwest::Client::new();
    let states = runtime.block_on(async {
        let mut polls = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let request = client.get(&url);
            polls.spawn(async move { request.send().await.unwrap().json::<JobStatus>().await.unwrap().status });
        }
        polls.join_all().await
    });
    assert_eq!(states, vec![JobState::Running; 1000]);
    fs::write(place.volume.path().join("go"), "").unwrap();
    running.wait_for(&job, JobState::Completed);
}

/// A service that answers as the old one does: no more than three fields, a refusal without a name of the job.
mod stand_in {
    use axum::http::StatusCode;
    use axum::response::IntoResponse;

    use super::*;
    use crate::server::Server;

    type Reply = (StatusCode, String);

    #[expect(clippy::needless_pass_by_value, reason = "values and words are handed over as they are")]
    fn reply(status: u16, body: impl ToString) -> Reply {
        (StatusCode::from_u16(status).unwrap(), body.to_string())
    }

    fn job(status: &str, hash: Option<&str>) -> Reply {
        reply(200, json!({ "job_uuid": "u-1", "status": status, "resulting_hash": hash }))
    }

    /// Answers to starts and to questions, one after the other, the last one for ever.
    #[track_caller]
    fn acquire(
        starts: Vec<Reply>,
        polls: Vec<Reply>,
        change: impl FnOnce(&mut AcquisitionOptions),
    ) -> Result<JobStatus, String> {
        let (starts, polls) = ((starts, AtomicUsize::new(0)), (polls, AtomicUsize::new(0)));
        let server = Server::start(move |call| {
            let (replies, next) = match &*call.path {
                "/v1/acquisition" => &starts,
                "/v1/acquisition/jobs/u-1" => &polls,
                _ => return StatusCode::NOT_FOUND.into_response(),
            };
            let reply = replies.get(next.fetch_add(1, Ordering::Relaxed)).or(replies.last());
            reply.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |reply| reply.clone().into_response())
        });
        client(&server.url(""), change).acquire("d", &Unwatched).map_err(|error| error.to_string())
    }

    #[test]
    fn its_states_and_its_hash_are_understood() {
        let polls = vec![job("NEW", None), job("RUNNING", None), job("RUNNING", None), job("COMPLETED", Some("abc"))];
        let done = acquire(vec![job("NEW", None)], polls, |_| {}).unwrap();
        assert_eq!(done.resulting_hash.as_deref(), Some("abc"));
        // It may be done at once.
        assert!(acquire(vec![job("COMPLETED", Some("abc"))], vec![], |_| {}).is_ok());
        let error = acquire(vec![job("NEW", None)], vec![job("FAILED", None)], |_| {}).unwrap_err();
        assert!(error.contains("could not fetch `d`: it gave no reason"), "{error}");
    }

    #[test]
    fn a_refusal_without_a_name_is_waited_for() {
        let taken = || reply(409, json!({ "detail": "already active" }));
        let starts = vec![taken(), taken(), job("NEW", None)];
        assert!(acquire(starts, vec![job("COMPLETED", Some("abc"))], |_| {}).is_ok());
        let error = acquire(vec![taken()], vec![], |options| options.timeout = Duration::from_millis(100)).unwrap_err();
        assert!(error.contains("has not fetched `d` within 0 s; the last answer was: already active"), "{error}");
    }

    #[test]
    fn a_forgotten_job_is_started_again_but_not_for_ever() {
        let lost = || reply(404, json!({ "detail": "Job not found" }));
        let polls = vec![job("RUNNING", None), lost(), job("COMPLETED", Some("abc"))];
        assert!(acquire(vec![job("NEW", None)], polls, |_| {}).is_ok());
        let error = acquire(vec![job("NEW", None)], vec![lost()], |_| {}).unwrap_err();
        assert!(error.contains("forgot the job for `d` 3 times"), "{error}");
    }

    #[test]
    fn trouble_is_sat_out_and_nonsense_is_named() {
        let busy = || reply(503, "<html>busy</html>");
        let polls = vec![busy(), reply(500, ""), job("COMPLETED", Some("abc"))];
        assert!(acquire(vec![busy(), job("NEW", None)], polls, |_| {}).is_ok());
        let short = |options: &mut AcquisitionOptions| options.timeout = Duration::from_millis(100);
        assert!(
            acquire(vec![job("RUNNING", None)], vec![job("RUNNING", None)], short)
                .unwrap_err()
                .contains("was: RUNNING")
        );
        let page = reply(200, "<html>hello</html>");
        assert!(acquire(vec![page], vec![], |_| {}).unwrap_err().contains("something that is no job"));
        let huge = reply(200, "[".repeat(10_000_000));
        assert!(acquire(vec![huge], vec![], |_| {}).unwrap_err().contains("something that is no job"));
        let odd = reply(200, json!({ "job_uuid": "u-1", "status": "PAUSED" }));
        assert!(acquire(vec![odd], vec![], |_| {}).unwrap_err().contains("PAUSED"));
        let missing = reply(404, json!({ "detail": "Dataset not found" }));
        assert!(acquire(vec![missing], vec![], |_| {}).unwrap_err().contains("does not know the dataset `d`"));
    }

    #[test]
    fn a_service_that_is_not_there_and_addresses_that_are_none() {
        let gone = client("http://127.0.0.1:9", |options| options.timeout = Duration::from_millis(100));
        assert!(refused(&gone, "d").contains("has not fetched `d` within"));
        for url in ["", "nonsense", "ftp://host/"] {
            let error = AcquisitionClient::new(AcquisitionOptions::new(url)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("the acquisition service at {url}")), "{error}");
        }
    }
}
