//! How long a person waits for a studio, and how much memory it takes: `cargo xtask bench studio`.
//!
//! A photo of 24 megapixels is opened and edited over HTTP as the page does it, and a folder of 5,000 photos is opened and scrolled
//! through. `--photos N` takes another number of photos, `--megapixels M` larger ones for the folder (2 without a word).

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dodge_data::synthetic;
use dodge_imaging::{Encoding, Photo};
use dodge_rl::Model;
use dodge_studio::{KnownModel, Lessons, Studio, StudioOptions, Teach};

/// The one of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Thumbnails of the first screen of a large window.
const SCREEN: usize = 48;
/// Connections that a browser opens to one server.
const CONNECTIONS: usize = 6;
const TURNS: usize = 7;

struct NoTeacher;

impl Teach for NoTeacher {
    fn teach(&self, _: Lessons) -> Result<KnownModel, String> {
        Err("nobody teaches here".to_owned())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |flag: &str, otherwise: f64| {
        let place = arguments.iter().position(|argument| argument == flag);
        place.and_then(|place| arguments.get(place + 1)?.parse().ok()).unwrap_or(otherwise)
    };
    let scratch = tempfile::tempdir().unwrap();
    one_photo(scratch.path());
    many_photos(scratch.path(), number("--photos", 5000.0) as usize, number("--megapixels", 2.0));
}

/// A photo of 24 megapixels, as it is opened and edited.
fn one_photo(scratch: &Path) {
    let folder = scratch.join("one");
    fs::create_dir_all(&folder).unwrap();
    let bytes = camera_jpeg(6000, 4000, 0);
    for turn in 0..TURNS {
        fs::write(folder.join(format!("{turn}.jpg")), &bytes).unwrap();
    }
    println!("a JPEG of 24 megapixels and {:.1} MB, {} threads", bytes.len() as f64 / 1e6, threads());
    let studio = opened(&folder);
    let mut first: Vec<Duration> = (0..TURNS)
        .map(|turn| {
            let started = Instant::now();
            studio.ask("POST", &format!("/photo/{turn}/open"), "{}");
            studio.ask("GET", &format!("/photo/{turn}/before"), "");
            started.elapsed()
        })
        .collect();
    let whole = {
        let started = Instant::now();
        let photo = Photo::decode(&bytes).unwrap();
        let recipe = dodge_imaging::Recipe::new(vec!["contrast:1.2".parse().unwrap()]);
        recipe.apply(&photo).encode(Encoding::Jpeg { quality: 86 }).unwrap();
        started.elapsed()
    };
    println!("  first picture and what the model would do: {}", words(&mut first, Duration::from_millis(700)));
    for operations in [
        &["contrast:1.2"][..],
        &["exposure:0.4", "contrast:1.1", "shadows:0.2", "saturation:1.2", "warmth:0.05", "tint:0.02"],
        &["clarity:0.4"],
        &["clahe:2"],
        &["grey-world:0.7", "vibrance:0.3"],
        &["unsharp-mask:0.6"],
        &["median-blur:3"],
        &["contrast:1.2", "median-blur:5.5"],
        &["median-blur:19.5"],
    ] {
        let body = |turn: usize| {
            let mut operations: Vec<String> = operations.iter().map(|it| format!("\"{it}\"")).collect();
            operations.push(format!("\"lightness:{turn}\""));
            format!("{{\"operations\":[{}],\"longer_side\":1600}}", operations.join(","))
        };
        let mut times: Vec<Duration> = (0..TURNS)
            .map(|turn| {
                let started = Instant::now();
                studio.ask("POST", "/photo/0/preview", &body(turn));
                started.elapsed()
            })
            .collect();
        let told = words(&mut times, Duration::from_millis(100));
        let ratio = whole.as_secs_f64() / median(&mut times).as_secs_f64();
        println!(
            "  after a slider move, {}: {told}, {ratio:.0} times as fast as on the whole photo",
            operations.join(" ")
        );
    }
    studio.studio.stop();
}

/// A folder that is opened, looked at and scrolled through.
fn many_photos(scratch: &Path, count: usize, megapixels: f64) {
    let folder = scratch.join("many");
    fs::create_dir_all(&folder).unwrap();
    let width = (megapixels * 1e6 * 1.5).sqrt() as u32;
    let files: Vec<Vec<u8>> = (0..8).map(|index| camera_jpeg(width, width * 2 / 3, index)).collect();
    for index in 0..count {
        fs::write(folder.join(format!("{index:05}.jpg")), &files[index % files.len()]).unwrap();
    }
    let bytes: usize = (0..count).map(|index| files[index % files.len()].len()).sum();
    println!("a folder of {count} JPEGs of {megapixels} megapixels, {:.0} MB", bytes as f64 / 1e6);
    drop(files);
    // The greatest memory so far was that of making photos: it is counted anew.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS");
    let started = Instant::now();
    let studio = opened(&folder);
    studio.ask("GET", "/", "");
    studio.ask("GET", "/api/folder", "");
    let listed = started.elapsed();
    studio.thumbs(0..SCREEN.min(count));
    let screen = started.elapsed();
    println!(
        "  page and list after {:.2} s, first screen of {SCREEN} thumbnails after {:.2} s ({:.2} of the 1.5 s it may take)",
        listed.as_secs_f64(),
        screen.as_secs_f64(),
        screen.as_secs_f64() / 1.5
    );
    studio.thumbs(SCREEN..count);
    let all = started.elapsed();
    println!(
        "  scrolled through all after {:.1} s; memory at most {:.0} MB ({:.0} MB before the studio was opened)",
        all.as_secs_f64(),
        memory("VmHWM"),
        before
    );
    studio.studio.stop();
}

/// A made photo with the noise of a camera, which decides how large a JPEG is.
fn camera_jpeg(width: u32, height: u32, index: u64) -> Vec<u8> {
    let small = synthetic::photo(5, index, 1500, 1000).resized(width, height);
    let noisy = dodge_imaging::Recipe::new(vec!["noise:3".parse().unwrap()]).apply(&small);
    noisy.encode(Encoding::Jpeg { quality: 92 }).unwrap()
}

struct Opened {
    studio: Studio,
    address: SocketAddr,
    secret: String,
}

fn opened(folder: &Path) -> Opened {
    let model = Arc::new(Model::in_the_box(&dodge_learn::cpu()).unwrap());
    let known = KnownModel { name: "the model in the box".to_owned(), file: None, sha256: String::new(), model };
    let mut options = StudioOptions::new(folder, vec![known], Arc::new(NoTeacher), Arc::new(|| 0));
    options.output = folder.join("out");
    let studio = Studio::start(options).unwrap();
    let secret = studio.url().split_once("?key=").unwrap().1.to_owned();
    Opened { address: studio.address(), secret, studio }
}

impl Opened {
    fn ask(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.secret,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..answer.len().min(400)]));
        answer
    }

    fn thumbs(&self, range: std::ops::Range<usize>) {
        let next = AtomicUsize::new(range.start);
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    loop {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        if !range.contains(&id) {
                            break;
                        }
                        self.ask("GET", &format!("/photo/{id}/thumb"), "");
                    }
                });
            }
        });
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn words(times: &mut [Duration], may_take: Duration) -> String {
    let median = median(times);
    let share = median.as_secs_f64() / may_take.as_secs_f64();
    let worst = times.last().copied().unwrap_or_default();
    format!(
        "{:.0} ms, at most {:.0} ({share:.2} of the {:.0} ms it may take)",
        1e3 * median.as_secs_f64(),
        1e3 * worst.as_secs_f64(),
        1e3 * may_take.as_secs_f64()
    )
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A line of what the system says of this process, in megabytes; 0 where it says nothing.
fn memory(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1e3
}
