//! Downloads from a server that misbehaves: the file ends whole, or there is a clear error and a part to go on with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::IntoResponse;
use dodge_data::{DownloadOptions, DownloadRequest, Downloader, Error, FileHash, Progress, Unwatched, Watcher};
use tempfile::TempDir;

use crate::server::{Server, breaking, cut, file, noise, slow};

fn options() -> DownloadOptions {
    let mut options = DownloadOptions::standard();
    options.attempts = 3;
    options.first_wait = Duration::from_millis(5);
    options.longest_wait = Duration::from_millis(20);
    options.idle_timeout = Duration::from_millis(1500);
    options.keep_free = 0;
    options
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("a.zip")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("a.zip.part")
    }

    fn download(&self, options: DownloadOptions, url: &str) -> Result<(), Error> {
        let request = DownloadRequest::new(url).unwrap();
        Downloader::new(options).unwrap().download(&request, &self.file(), &Unwatched)
    }

    /// Makes sure that exactly the file is there.
    #[track_caller]
    fn holds(&self, content: &[u8]) {
        assert!(fs::read(self.file()).unwrap() == content, "the file has another content");
        let names: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["a.zip"]);
    }
}

fn message(result: Result<(), Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_good_server_is_asked_once() {
    let content = noise(300_000);
    let served = content.clone();
    let server = Server::start(move |call| file(call, &served, "\"1\""));
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);
    assert_eq!(server.calls().len(), 1);
}

#[test]
fn names_may_be_as_long_as_the_file_system_allows() {
    let content = noise(5000);
    let folder = TempDir::new().unwrap();
    let served = content.clone();
    let server = Server::start(move |call| file(call, &served, "\"1\""));
    for length in [246, 250, 255] {
        let path = folder.path().join("n".repeat(length));
        let request = DownloadRequest::new(&server.url("/a")).unwrap();
        Downloader::new(options()).unwrap().download(&request, &path, &Unwatched).unwrap();
        assert!(fs::read(&path).unwrap() == content, "{length}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no part is left");
}

#[test]
fn an_empty_file_is_a_file() {
    let server = Server::start(|call| file(call, &[], "\"1\""));
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&[]);
}

/// The connection breaks at each of many points, several times on the way.
#[test]
fn a_connection_that_breaks_anywhere_is_taken_up_there() {
    let content = noise(200_000);
    for at in [0, 1, 2, 511, 512, 65_535, 65_536, 65_537, 99_999, 199_998, 199_999] {
        let served = content.clone();
        let server =
            Server::start(move |call| cut(call, &served, "\"1\"", if call.number < 2 { at } else { usize::MAX }));
        let place = Place::new();
        place.download(options(), &server.url("/a.zip")).unwrap();
        place.holds(&content);
        let calls = server.calls();
        assert!(calls.len() <= 3, "{at}: {calls:?}");
        if at > 0 {
            assert_eq!(calls[1].from, Some(at as u64), "nothing is asked for twice");
            assert_eq!(calls[1].if_range.as_deref(), Some("\"1\""));
        }
    }
}

#[test]
fn a_bad_line_that_brings_something_each_time_is_enough() {
    let content = noise(1_000_000);
    let served = content.clone();
    let server = Server::start(move |call| cut(call, &served, "\"1\"", 50_000));
    let mut options = options();
    options.worthwhile = 10_000;
    let place = Place::new();
    place.download(options, &server.url("/a.zip")).unwrap();
    place.holds(&content);
    assert_eq!(server.calls().len(), 20);
}

#[test]
fn after_too_many_failures_the_part_is_kept_and_resumed_by_the_next_download() {
    let content = noise(100_000);
    let served = content.clone();
    let server =
        Server::start(move |call| cut(call, &served, "\"1\"", if call.number < 3 { 10_000 } else { usize::MAX }));
    let place = Place::new();
    let text = message(place.download(options(), &server.url("/a.zip")));
    assert!(text.contains("gave up after 3 attempts") && text.contains("a.zip.part is kept"), "{text}");
    assert_eq!(fs::metadata(place.part()).unwrap().len(), 30_000);
    assert!(!place.file().exists());
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);
    assert_eq!(server.calls()[3].from, Some(30_000));
}

#[test]
fn a_part_of_another_address_is_not_used() {
    let content = noise(100_000);
    let served = content.clone();
    let server =
        Server::start(move |call| cut(call, &served, "\"1\"", if call.number < 3 { 10_000 } else { usize::MAX }));
    let place = Place::new();
    let _ = place.download(options(), &server.url("/a.zip")).unwrap_err();
    place.download(options(), &server.url("/b.zip")).unwrap();
    place.holds(&content);
    assert_eq!(server.calls()[3].from, None);
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let (old, new) = (noise(100_000), noise(120_000).into_iter().rev().collect::<Vec<u8>>());
    let served = new.clone();
    let server = Server::start(move |call| match call.number {
        0 => cut(call, &old, "\"old\"", 60_000),
        _ => file(call, &served, "\"new\""),
    });
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&new);
}

/// A server that answers a range whatever `If-Range` says.
#[test]
fn pieces_of_two_files_are_never_joined() {
    let (old, new) = (noise(100_000), noise(100_000).into_iter().rev().collect::<Vec<u8>>());
    let served = new.clone();
    let server = Server::start(move |call| match call.number {
        0 => cut(call, &old, "\"old\"", 60_000),
        _ => file(&crate::server::Call { if_range: None, ..call.clone() }, &served, "\"new\""),
    });
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&new);
    assert_eq!(server.calls().len(), 3, "the range is thrown away");
}

#[test]
fn a_file_without_an_identity_is_begun_anew() {
    let content = noise(100_000);
    let served = content.clone();
    let server = Server::start(move |call| {
        let mut response = cut(call, &served, "\"1\"", if call.number == 0 { 50_000 } else { usize::MAX });
        response.headers_mut().remove("etag");
        response
    });
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);
    assert_eq!(server.calls()[1].from, None);
}

#[test]
fn a_part_that_is_whole_already_is_put_in_place() {
    let content = noise(50_000);
    let served = content.clone();
    let server = Server::start(move |call| file(call, &served, "\"1\""));
    let place = Place::new();
    // As left by a program that was killed between the last byte and the renaming.
    let wrong: FileHash = "0".repeat(64).parse().unwrap();
    let request = DownloadRequest::new(&server.url("/a.zip")).unwrap().with_sha256(wrong);
    let text = message(Downloader::new(options()).unwrap().download(&request, &place.file(), &Unwatched));
    assert!(text.contains("a.zip.rejected") && text.contains(&"0".repeat(64)), "{text}");
    assert!(fs::read(place.folder.path().join("a.zip.rejected")).unwrap() == content, "nothing is lost");
    fs::remove_file(place.folder.path().join("a.zip.rejected")).unwrap();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);
}

#[test]
fn wrong_lengths_never_make_a_whole_file() {
    let content = noise(10_000);
    // More announced than comes.
    let served = content.clone();
    let server = Server::start(move |_| {
        let headers = [("content-length", "10001"), ("etag", "\"1\"")];
        (headers, breaking(served.clone())).into_response()
    });
    let place = Place::new();
    let text = message(place.download(options(), &server.url("/a.zip")));
    assert!(text.contains("broke") && !place.file().exists(), "{text}");

    // A range with another total than before.
    let served = content.clone();
    let server = Server::start(move |call| match call.number {
        0 => cut(call, &served, "\"1\"", 5000),
        1 => {
            let headers = [("content-range", "bytes 5000-9998/9999"), ("etag", "\"1\"")];
            (StatusCode::PARTIAL_CONTENT, headers, served[5000..9999].to_vec()).into_response()
        }
        _ => file(call, &served, "\"1\""),
    });
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);

    // No length at all, and the connection breaks.
    let served = content.clone();
    let server = Server::start(move |call| match call.number {
        0 => breaking(served[..7000].to_vec()).into_response(),
        _ => slow(&served, 3000, Duration::from_millis(1)).into_response(),
    });
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);
}

#[test]
fn a_busy_server_is_waited_for_as_it_asks() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
        let content = noise(1000);
        let served = content.clone();
        let server = Server::start(move |call| match call.number {
            0 => (status, [("retry-after", "1")]).into_response(),
            _ => file(call, &served, "\"1\""),
        });
        let place = Place::new();
        let begun = Instant::now();
        place.download(options(), &server.url("/a.zip")).unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1));
        place.holds(&content);
    }
}

#[test]
fn a_server_that_asks_to_wait_too_long_is_told() {
    let server = Server::start(|_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "86400")]).into_response());
    let text = message(Place::new().download(options(), &server.url("/a.zip")));
    assert!(text.contains("429") && text.contains("wait 86400 s"), "{text}");
    assert_eq!(server.calls().len(), 1);
}

#[test]
fn what_will_not_change_is_not_tried_again() {
    for (status, words) in [(404, "check the address"), (403, "credentials"), (401, "credentials"), (400, "400")] {
        let server = Server::start(move |_| StatusCode::from_u16(status).unwrap().into_response());
        let text = message(Place::new().download(options(), &server.url("/a.zip?signature=5ecret")));
        assert!(text.contains(words) && text.contains("/a.zip?...") && !text.contains("5ecret"), "{text}");
        assert_eq!(server.calls().len(), 1);
    }
    let server = Server::start(|_| StatusCode::BAD_GATEWAY.into_response());
    let text = message(Place::new().download(options(), &server.url("/a.zip")));
    assert!(text.contains("502 Bad Gateway") && text.contains("3 attempts"), "{text}");
    assert_eq!(server.calls().len(), 3);
}

#[test]
fn a_refusal_in_the_middle_keeps_the_part() {
    let content = noise(100_000);
    let server = Server::start(move |call| match call.number {
        0 => cut(call, &content, "\"1\"", 60_000),
        _ => StatusCode::FORBIDDEN.into_response(),
    });
    let place = Place::new();
    let text = message(place.download(options(), &server.url("/a.zip")));
    assert!(text.contains("403") && text.contains("a.zip.part is kept"), "{text}");
    assert_eq!(fs::metadata(place.part()).unwrap().len(), 60_000);
}

#[test]
fn redirects_are_followed_and_circles_are_not() {
    let content = noise(1000);
    let served = content.clone();
    let server = Server::start(move |call| match call.path.as_str() {
        "/circle" => (StatusCode::FOUND, [("location", "/round")]).into_response(),
        "/round" => (StatusCode::FOUND, [("location", "/circle")]).into_response(),
        "/a" => (StatusCode::TEMPORARY_REDIRECT, [("location", "/b")]).into_response(),
        "/b" => file(call, &served, "\"1\""),
        path => {
            let next: u32 = path[1..].parse::<u32>().unwrap() + 1;
            (StatusCode::FOUND, [("location", format!("/{next}"))]).into_response()
        }
    });
    let place = Place::new();
    place.download(options(), &server.url("/a")).unwrap();
    place.holds(&content);
    let text = message(Place::new().download(options(), &server.url("/circle")));
    assert!(text.contains("in a circle"), "{text}");
    let text = message(Place::new().download(options(), &server.url("/0")));
    assert!(text.contains("more than 10 redirects"), "{text}");
    assert!(server.calls().len() < 20, "neither is tried again");
}

#[test]
fn credentials_stay_with_the_address_that_they_are_for() {
    let content = noise(1000);
    let served = content.clone();
    let storage = Server::start(move |call| file(call, &served, "\"1\""));
    // Another host name, as a storage service has.
    let elsewhere = storage.url("/x").replace("127.0.0.1", "localhost");
    let server = Server::start(move |_| (StatusCode::FOUND, [("location", elsewhere.clone())]).into_response());
    let place = Place::new();
    let request = DownloadRequest::new(&server.url("/a")).unwrap().with_credentials("ann", "5ecret");
    Downloader::new(options()).unwrap().download(&request, &place.file(), &Unwatched).unwrap();
    place.holds(&content);
    assert!(server.calls()[0].authorization.is_some());
    assert_eq!(storage.calls()[0].authorization, None);
}

#[test]
fn a_slow_server_is_waited_for_and_a_silent_one_is_not() {
    let content = noise(4000);
    let served = content.clone();
    let server = Server::start(move |_| slow(&served, 400, Duration::from_millis(100)).into_response());
    let place = Place::new();
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);

    let served = content.clone();
    let server = Server::start(move |_| slow(&served, 2000, Duration::from_secs(30)).into_response());
    let mut silent = options();
    (silent.attempts, silent.idle_timeout) = (2, Duration::from_millis(200));
    let begun = Instant::now();
    let text = message(Place::new().download(silent, &server.url("/a.zip")));
    assert!(text.contains("nothing came for") && begun.elapsed() < Duration::from_secs(5), "{text}");

    let server = Server::start(move |_| slow(&content, 1, Duration::from_millis(10)).into_response());
    let mut least = options();
    (least.attempts, least.least_rate, least.rate_window) = (2, 100_000, Duration::from_millis(300));
    let text = message(Place::new().download(least, &server.url("/a.zip")));
    assert!(text.contains("fewer than 100000 bytes per second"), "{text}");
}

#[test]
fn nobody_there_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.zip", listener.local_addr().unwrap());
    drop(listener);
    let text = message(Place::new().download(options(), &url));
    assert!(text.contains("no connection") && text.contains(&url), "{text}");
}

#[test]
fn what_does_not_fit_is_refused_before_it_comes() {
    let server = Server::start(|call| file(call, &noise(10_000), "\"1\""));
    let mut full = options();
    full.keep_free = u64::MAX / 2;
    let error = Place::new().download(full, &server.url("/a.zip")).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }) && error.to_string().contains("IMAGE_VOLUME_PATH"), "{error}");
    let mut small = options();
    small.most_bytes = 9999;
    let text = message(Place::new().download(small.clone(), &server.url("/a.zip")));
    assert!(text.contains("larger than"), "{text}");
    // Nor without end, where no length is announced.
    let server = Server::start(|_| slow(&noise(100_000), 1000, Duration::from_millis(1)).into_response());
    let text = message(Place::new().download(small, &server.url("/a.zip")));
    assert!(text.contains("larger than"), "{text}");
}

/// Cancels as soon as so many bytes came.
struct StopAt(u64, Mutex<u64>);

impl Watcher for StopAt {
    fn progress(&self, progress: &Progress) {
        if let Progress::Downloading { done, .. } = progress {
            *self.1.lock().unwrap() = *done;
        }
    }

    fn cancelled(&self) -> bool {
        *self.1.lock().unwrap() >= self.0
    }
}

#[test]
fn a_cancelled_download_ends_at_once_and_goes_on_later() {
    let content = noise(500_000);
    let served = content.clone();
    let server = Server::start(move |call| {
        let mut response = file(call, &served, "\"1\"");
        if call.number == 0 {
            *response.body_mut() = slow(&served, 50_000, Duration::from_millis(200));
        }
        response
    });
    let place = Place::new();
    let request = DownloadRequest::new(&server.url("/a.zip")).unwrap();
    let begun = Instant::now();
    let watcher = StopAt(100_000, Mutex::new(0));
    let result = Downloader::new(options()).unwrap().download(&request, &place.file(), &watcher);
    assert!(matches!(result, Err(Error::Cancelled)) && begun.elapsed() < Duration::from_secs(2));
    let kept = fs::metadata(place.part()).unwrap().len();
    assert!((100_000..500_000).contains(&kept));
    place.download(options(), &server.url("/a.zip")).unwrap();
    place.holds(&content);
    assert_eq!(server.calls()[1].from, Some(kept));
}

#[test]
fn what_is_no_address_is_refused() {
    for wrong in ["", "a.zip", "ftp://host/a.zip", "file:///a.zip", "http://"] {
        let error = DownloadRequest::new(wrong).unwrap_err();
        assert!(error.to_string().contains("http://"), "{error}");
    }
    let place = Place::new();
    fs::create_dir(place.file()).unwrap();
    let server = Server::start(|call| file(call, &noise(10), "\"1\""));
    let error = place.download(options(), &server.url("/a.zip")).unwrap_err();
    assert!(matches!(&error, Error::Write { path, .. } if path == Path::new(&place.file())), "{error}");
}
