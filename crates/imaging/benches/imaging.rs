//! What operations cost on one photo of 1920x1080, on one thread.
//!
//! `cargo xtask bench imaging` prints milliseconds (median of twenty runs, result in a new photo). With `--python PROGRAM`, a
//! Python that has OpenCV and Pillow, what these need for the same is printed beside, from the same run; `cargo xtask bench`
//! makes such a Python by itself.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dodge_imaging::{Operation, Photo, Recipe};

/// That of the `dodge` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 20;

/// What is measured, and the name of the same in `peers/py_imaging.py`.
const OPERATIONS: [(&str, &str); 26] = [
    ("contrast:1.2", "cv2 convertScaleAbs"),
    ("lightness:20", "cv2 convertScaleAbs"),
    ("gamma:1.2", "cv2 LUT"),
    ("exposure:0.5", "cv2 LUT"),
    ("invert:rgb", "cv2 LUT"),
    ("saturation-hsv:1.2", "cv2 saturation (HSV)"),
    ("saturation:1.2", ""),
    ("vibrance:0.5", ""),
    ("greyscale:luminosity", "cv2 grey as three channels"),
    ("channels:bgr", "cv2 BGR2RGB"),
    ("warmth:0.1", ""),
    ("grey-world:1", "cv2 gray-world WB"),
    ("shades-of-grey:1", ""),
    ("auto-contrast:0.5", "PIL autocontrast"),
    ("auto-gamma:1", ""),
    ("clahe:2", "cv2 CLAHE (Lab)"),
    ("sharpen:1", "cv2 sharpen 3x3"),
    ("unsharp-mask:0.3", "cv2 unsharp"),
    ("blur:1", "cv2 gaussian 5x5"),
    ("box-blur:2", "cv2 box 5x5"),
    ("median:1", "cv2 median 3"),
    ("median-blur:2", "cv2 median 5"),
    ("flip:horizontal", "cv2 flip"),
    ("shift:left", "numpy roll"),
    ("noise:10", ""),
    ("vignette:0.5", ""),
];

/// Eight operations on single values.
const TONE_RECIPE: [&str; 8] = [
    "contrast:1.2",
    "gamma:1.1",
    "exposure:0.3",
    "warmth:0.05",
    "shadows:0.2",
    "highlights:-0.2",
    "tint:0.03",
    "lightness:-4",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let python = arguments.iter().skip_while(|argument| *argument != "--python").nth(1);
    let folder = tempfile::tempdir().expect("a folder for the files that both sides read");
    let peers = python.map_or_else(Vec::new, |program| peers(program, folder.path()));
    println!("| operation | dodge, ms | peer, ms | peer | times as fast |\n|---|---|---|---|---|");
    let photo = soft_noise(1920, 1080);
    for (text, peer) in OPERATIONS {
        let operation: Operation = text.parse().expect("the list holds operations");
        report(text, median(|| drop(black_box(operation.apply(&photo)))), peer, &peers);
    }
    let recipe = Recipe::new(TONE_RECIPE.map(|text| text.parse().expect("the list holds operations")).to_vec());
    report("recipe of 8 tone operations", median(|| drop(black_box(recipe.apply(&photo)))), "cv2 LUT", &peers);
    let thumbnail = median(|| drop(black_box(photo.thumbnail(384))));
    report("thumbnail to 384", thumbnail, "PIL resize lanczos 384 (no reduce)", &peers);
    // The peer's files where there are some: the effort depends on the file, and ours have finer colours.
    for (name, photo) in [("photo.jpg", &photo), ("big.jpg", &soft_noise(6000, 4000))] {
        if !folder.path().join(name).exists() {
            photo.save(&folder.path().join(name)).expect("the photo fits into a JPEG");
        }
    }
    let (small, big) = (folder.path().join("photo.jpg"), folder.path().join("big.jpg"));
    let jpeg = std::fs::read(&small).expect("it was just written");
    let decoding = median(|| drop(black_box(Photo::decode(&jpeg))));
    report("decode a JPEG", decoding, "cv2 jpeg decode 1080p", &peers);
    let decoding = median(|| drop(black_box(Photo::open(&big))));
    report("open a JPEG of 24 megapixels", decoding, "cv2 jpeg decode 24 MP", &peers);
    let thumbnail = median(|| drop(black_box(Photo::open_thumbnail(&big, 384))));
    report("open it as a thumbnail of 384", thumbnail, "PIL jpeg draft+thumbnail 24 MP", &peers);
    report("open it as a thumbnail of 384", thumbnail, "cv2 jpeg reduced+area 24 MP", &peers);
}

/// Blurred noise over the full range, as the peer's picture.
fn soft_noise(width: u32, height: u32) -> Photo {
    let mut state = 1_u64;
    let noise = Photo::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        [(state >> 56) as u8, (state >> 48) as u8, (state >> 40) as u8]
    });
    let soft = "blur:8".parse::<Operation>().expect("a blur").apply(&noise.expect("both sides have pixels"));
    let (low, high) = soft.pixels().iter().fold((255, 0), |(low, high), &v| (low.min(v), high.max(v)));
    let stretched = soft.pixels().iter().map(|v| (u32::from(v - low) * 255 / u32::from(high - low)) as u8).collect();
    Photo::new(width, height, stretched).expect("the size stays")
}

/// Median milliseconds, after one run that warms up.
fn median(mut work: impl FnMut()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn report(name: &str, ours: f64, peer: &str, peers: &[(String, f64)]) {
    match peers.iter().find(|(known, _)| known == peer) {
        Some((_, theirs)) => println!("| {name} | {ours:.2} | {theirs:.2} | {peer} | {:.2} |", theirs / ours),
        None => println!("| {name} | {ours:.2} | | {peer} | |"),
    }
}

/// The peer's names and milliseconds, with one thread. It leaves its JPEGs in the folder.
fn peers(python: &str, folder: &Path) -> Vec<(String, f64)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/py_imaging.py");
    let output =
        Command::new(python).arg(script).arg("1").arg(folder).output().expect("the Python that was named runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let measured = text.lines().filter_map(|line| {
        let (name, milliseconds) = line.rsplit_once(": ")?;
        Some((name.to_owned(), milliseconds.parse().ok()?))
    });
    measured.collect()
}
