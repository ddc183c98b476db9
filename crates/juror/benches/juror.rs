//! What scores cost here, and over HTTP with many clients at once.
//!
//! `cargo xtask bench juror` prints milliseconds for a photo of 384 pixels on one core and on all, and how long the answers of the service
//! take with 64 clients for a minute, each of which checks that the scores are its own. `--seconds N` and `--clients N` choose others.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dodge_imaging::Photo;
use dodge_juror::{ClassicalJuror, HttpJuror, HttpJurorOptions, Juror, JurorService, JurorServiceOptions};

/// Photos that are scored at a time.
const BATCH: usize = 64;
const TURNS: usize = 21;

/// A picture of waves that no other number gives.
fn photo(number: usize) -> Photo {
    let level = |x: u32, y: u32, of: f32| {
        let wave = (x as f32 / (11.0 + of) + number as f32).sin() + (y as f32 / (17.0 - of)).cos();
        (127.0 + 55.0 * wave) as u8
    };
    Photo::from_fn(384, 256, |x, y| [level(x, y, 0.0), level(x, y, 3.0), level(x, y, 7.0)]).expect("it has pixels")
}

/// The median time of some turns, in milliseconds.
fn milliseconds(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<Duration> = (0..TURNS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    times.sort();
    1e3 * times[TURNS / 2].as_secs_f64()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, otherwise: u64| {
        let given = arguments.iter().skip_while(|argument| *argument != flag).nth(1);
        given.map_or(otherwise, |text| text.parse().expect("a number follows"))
    };
    let photos: Vec<Photo> = (0..BATCH).map(photo).collect();
    let photos: Vec<&Photo> = photos.iter().collect();
    let juror = ClassicalJuror::new();
    let one = milliseconds(|| drop(std::hint::black_box(juror.score(&photos[..1]))));
    let all = milliseconds(|| drop(std::hint::black_box(juror.score(&photos)))) / BATCH as f64;
    println!("classical juror, 384x256 pixels: {one:.2} ms a photo alone, {all:.2} ms in a batch of {BATCH}");
    let scores = juror.score_checked(&photos).expect("it always can");

    let (clients, seconds) = (number("--clients", 64) as usize, number("--seconds", 60));
    let options = JurorServiceOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    let service = JurorService::start(options, Arc::new(ClassicalJuror::new())).expect("the service starts");
    let url = format!("http://{}", service.address());
    let end = Instant::now() + Duration::from_secs(seconds);
    let ask = |client: usize| {
        let mut options = HttpJurorOptions::new(&url);
        options.retries = 0;
        let far = HttpJuror::new(options).expect("the service answers");
        let mut times = Vec::new();
        for turn in (0..BATCH).cycle().skip(client * 7) {
            let started = Instant::now();
            if started >= end {
                break;
            }
            let score = far.score_one(photos[turn]).expect("the service answers");
            assert_eq!(score.to_bits(), scores[turn].to_bits(), "the score of another photo");
            times.push(started.elapsed());
        }
        times
    };
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let ask = &ask;
        let asked: Vec<_> = (0..clients).map(|client| scope.spawn(move || ask(client))).collect();
        asked.into_iter().flat_map(|client| client.join().expect("no client fails")).collect()
    });
    service.stop();
    times.sort();
    let at = |share: f64| 1e3 * times[((times.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!("{clients} clients for {seconds} s: {} scores, no error, none mistaken for another", times.len());
    println!("| photos a second | p50, ms | p99, ms | slowest, ms |\n|---|---|---|---|");
    println!("| {:.0} | {:.1} | {:.1} | {:.1} |", times.len() as f64 / seconds as f64, at(0.5), at(0.99), at(1.0));
}
