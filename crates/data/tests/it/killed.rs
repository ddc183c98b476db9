//! A fetch that is killed goes on where it ended.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dodge_data::{Entry, Fetcher, Registry, Source, Unwatched};
use tempfile::TempDir;

use crate::archives::tar;
use crate::server::{Server, file, noise, slow};

/// Says to a process of this test that it is the one to be killed: address and volume, with a space between.
const CHILD: &str = "DODGE_TEST_FETCH_CHILD";

fn fetcher(url: &str, volume: &Path) -> Fetcher {
    let mut registry = Registry::built_in();
    registry.insert(Entry::new("mine", Source::Url(url.to_owned()))).unwrap();
    Fetcher::new(volume, registry).unwrap()
}

/// Not a test of its own: what the child process runs.
#[test]
fn child() {
    let Ok(value) = std::env::var(CHILD) else { return };
    let (url, volume) = value.split_once(' ').unwrap();
    fetcher(url, Path::new(volume)).fetch("mine", &Unwatched).unwrap();
}

#[test]
fn a_killed_fetch_is_resumed() {
    let photo = noise(2_000_000);
    let archive = tar(&[("a.bin", &photo)]);
    let length = archive.len() as u64;
    let server = Server::start(move |call| {
        let mut response = file(call, &archive, "\"1\"");
        // Slow enough to be killed in the middle, twice.
        if call.number < 2 {
            let from = call.from.unwrap_or(0) as usize;
            *response.body_mut() = slow(&archive[from..], 20_000, Duration::from_millis(30));
        }
        response
    });
    let volume = TempDir::new().unwrap();
    let part = volume.path().join("downloads/mine.archive.part");
    let came = || fs::metadata(&part).map_or(0, |metadata| metadata.len());
    let mut before = 0;
    for round in 1..=2 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child"])
            .env(CHILD, format!("{} {}", server.url("/a.tar"), volume.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while came() < before + 300_000 {
            assert!(begun.elapsed() < Duration::from_secs(60), "round {round}: {} bytes came", came());
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        before = came();
        assert!(before < length);
        assert!(!volume.path().join("datasets/mine").exists());
    }
    // The lock of the killed process is gone with it.
    let fetched = fetcher(&server.url("/a.tar"), volume.path()).fetch("mine", &Unwatched).unwrap();
    assert!(fs::read(fetched.images.join("a.bin")).unwrap() == photo);
    let calls = server.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls[1].from.unwrap() >= 300_000);
    assert_eq!(calls[2].from, Some(before), "nothing is fetched twice");
}
