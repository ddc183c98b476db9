//! How long a photographer waits for a camera raw file of 24 megapixels, on two threads.
//!
//! `cargo xtask bench raw` prints seconds (medians of turns taken by turns with the peer's) of developing, of that and a TIFF of 16 bit, and
//! of that and a JPEG, beside LibRaw (`rawpy`), which develops the same file to 16 bit with its fastest demosaicing of this quality (PPG).
//! With `--turns N`, so many turns in place of three. With `--python PROGRAM`, that Python has rawpy; `cargo xtask bench` makes one by itself.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dodge_imaging::{Encoding, Picture};

/// That of the `dodge` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TURNS: usize = 3;
const THREADS: usize = 2;
const SIZE: (u32, u32) = (6000, 4000);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let turns = after("--turns").map_or(TURNS, |number| number.parse().expect("--turns takes a number"));
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global().expect("the pool is not in use yet");
    let folder = tempfile::tempdir().expect("a folder for the file that both sides read");
    let path = folder.path().join("photo.dng");
    std::fs::write(&path, dng()).expect("the file can be written");
    let seconds = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let open = || Picture::open(&path).expect("the file is a DNG");
    let written = |encoding| {
        let _ = open().encode(encoding).expect("the picture fits");
    };
    let (mut own, mut theirs) = ([const { Vec::new() }; 3], Vec::new());
    for _ in 0..turns {
        own[0].push(seconds(&|| drop(open())));
        own[1].push(seconds(&|| written(Encoding::Tiff)));
        own[2].push(seconds(&|| written(Encoding::Jpeg { quality: 92 })));
        theirs.extend(after("--python").and_then(|python| peer(python, &path)));
    }
    println!("| a DNG of {}x{} | dodge, s | LibRaw, s | times as long |", SIZE.0, SIZE.1);
    println!("|---|---|---|---|");
    let theirs = median(theirs);
    for (name, own) in ["developed", "to a TIFF of 16 bit", "to a JPEG"].into_iter().zip(own) {
        let own = median(own).expect("there was a turn");
        match theirs.filter(|_| name == "developed") {
            Some(theirs) => println!("| {name} | {own:.2} | {theirs:.2} | {:.2} |", own / theirs),
            None => println!("| {name} | {own:.2} | | |"),
        }
    }
}

/// Seconds that LibRaw takes, without those in which Python starts; none where it fails.
fn peer(python: &str, photo: &Path) -> Option<f64> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/py_raw.py");
    let said = Command::new(python).arg(script).arg(photo).output().ok()?.stdout;
    String::from_utf8(said).ok()?.trim().parse().ok()
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// A DNG of a made sensor, 14 bit in 16, without compression: soft colours and noise.
fn dng() -> Vec<u8> {
    let (width, height) = SIZE;
    let matrix = [0.8139, -0.2171, -0.0663, -0.8747, 1.6541, 0.2295, -0.1925, 0.2008, 0.8093];
    let matrix: Vec<u8> =
        matrix.iter().flat_map(|entry| [(entry * 10_000.0) as i32, 10_000]).flat_map(i32::to_le_bytes).collect();
    let neutral: Vec<u8> =
        [4762_u32, 10_000, 10_000, 10_000, 6250, 10_000].iter().flat_map(|it| it.to_le_bytes()).collect();
    let short = |number: u16| number.to_le_bytes().to_vec();
    let long = |number: u32| number.to_le_bytes().to_vec();
    let mut fields: Vec<(u16, u16, u32, Vec<u8>)> = vec![
        (254, 4, 1, long(0)),
        (256, 4, 1, long(width)),
        (257, 4, 1, long(height)),
        (258, 3, 1, short(16)),
        (259, 3, 1, short(1)),
        (262, 3, 1, short(32_803)),
        (271, 2, 6, b"Dodge\0".to_vec()),
        (272, 2, 7, b"Sensor\0".to_vec()),
        (273, 4, 1, long(0)),
        (277, 3, 1, short(1)),
        (278, 4, 1, long(height)),
        (279, 4, 1, long(width * height * 2)),
        (33_421, 3, 2, [short(2), short(2)].concat()),
        (33_422, 1, 4, vec![0, 1, 1, 2]),
        (50_706, 1, 4, vec![1, 4, 0, 0]),
        (50_714, 3, 1, short(512)),
        (50_717, 4, 1, long(16_000)),
        (50_721, 10, 9, matrix),
        (50_728, 5, 3, neutral),
        (50_778, 3, 1, short(21)),
    ];
    let behind: usize = fields.iter().map(|(.., value)| value.len()).filter(|length| *length > 4).sum();
    let mut at = 8 + 2 + 12 * fields.len() + 4;
    let values_at = (at + behind).next_multiple_of(2);
    fields[8].3 = long(values_at as u32);
    let mut bytes = [&b"II*\0\x08\0\0\0"[..], &short(fields.len() as u16)].concat();
    let mut values = Vec::new();
    for (tag, kind, count, mut value) in fields {
        bytes.extend([short(tag), short(kind), long(count)].concat());
        if value.len() > 4 {
            bytes.extend(long(at as u32));
            at += value.len();
            values.extend(value);
        } else {
            value.resize(4, 0);
            bytes.extend(value);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes.resize(values_at, 0);
    let mut state = 1_u64;
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let level = 600 + x + y / 2 + if (x / 190 + y / 170) % 3 == 0 { 3000 } else { 0 };
        bytes.extend(short(level as u16 + (state >> 57) as u16));
    }
    bytes
}
