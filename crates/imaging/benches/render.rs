//! What a user waits for: recipes on one photo of 24 megapixels, 8 bit, on two threads.
//!
//! `cargo xtask bench render` prints seconds (medians of turns taken by turns with the peer's) and, where OpenCV has the operation,
//! how many times as long as OpenCV it takes; then the time of all processors together, which says more on a machine that others use too.
//! With `--turns N`, so many turns in place of five. With `--python PROGRAM`, that Python has OpenCV; `cargo xtask bench` makes one by
//! itself. With `--only TEXT`, lines that contain the text.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use dodge_imaging::{Encoding, Operation, OperationKind, Photo, Recipe};

/// That of the `dodge` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TURNS: usize = 5;

/// Ticks of a second in which Linux counts the time of processors.
const TICKS: f64 = 100.0;

const THREADS: usize = 2;

/// Strengths of kinds for which the middle of the range is not what is used, words, and what is measured beside.
const TEXTS: [&str; 37] = [
    "lightness:20",
    "contrast:1.2",
    "gamma:1.2",
    "exposure:0.5",
    "shadows:0.3",
    "highlights:-0.3",
    "haze:0.1",
    "invert:rgb",
    "channels:bgr",
    "greyscale:luminosity",
    "saturation:1.2",
    "saturation-hsv:1.2",
    "vibrance:0.5",
    "warmth:0.1",
    "tint:0.1",
    "grey-world:1",
    "shades-of-grey:1",
    "auto-contrast:0.5",
    "auto-gamma:1",
    "clahe:2",
    "sharpen:1",
    "sharpen-8:1",
    "unsharp-mask:0.3",
    "clarity:0.3",
    "blur:1",
    "box-blur:2",
    "median:1",
    "median-blur:2",
    "flip:horizontal",
    "shift:left",
    "noise:10",
    "jpeg:60",
    "vignette:0.5",
    "crop:16x9",
    "crop-oriented:4x5",
    "crop-thirds:0.8",
    "level-horizon:10",
];

/// Widths at which other ways are taken, and two depths of one recipe.
const MORE: [&str; 6] = ["blur:7.9", "blur:50", "box-blur:50", "median-blur:3", "median-blur:10", "median-blur:20"];

/// Five edits of single pixels.
const RECIPE: [&str; 5] = ["contrast:1.2", "saturation:1.2", "gamma:1.1", "warmth:0.05", "vibrance:0.3"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let only = after("--only").map_or("", |text| text);
    let turns = after("--turns").map_or(TURNS, |number| number.parse().expect("--turns takes a number"));
    let report = |name: &str, ours: &mut dyn FnMut(), peer: Option<&mut Peer>| report(name, turns, ours, peer);
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global().expect("the pool is not in use yet");
    let photo = synthetic(6000, 4000);
    let folder = tempfile::tempdir().expect("a folder for the photo that both sides read");
    let file = folder.path().join("photo.png");
    let mut peer = after("--python").map(|program| {
        photo.save(&file).expect("the photo fits into a PNG");
        Peer::start(program, &file)
    });
    for kind in OperationKind::ALL {
        let has = |text: &&str| text.split(':').next() == Some(kind.name());
        assert!(TEXTS.iter().any(has), "{} is not measured", kind.name());
    }
    println!("| recipe | dodge, s | OpenCV, s | times as long | dodge, CPU s | OpenCV, CPU s | times as long |");
    println!("|---|---|---|---|---|---|---|");
    for text in TEXTS.into_iter().chain(MORE).filter(|text| text.contains(only)) {
        let recipe = recipe(&[text]);
        report(text, &mut || drop(black_box(recipe.apply(&photo))), peer.as_mut());
    }
    let recipe = recipe(&RECIPE);
    if "five pixel-wise edits".contains(only) {
        report("five pixel-wise edits", &mut || drop(black_box(recipe.apply(&photo))), None);
        let sixteen = photo.to_depth::<u16>();
        report("the same, 16 bit", &mut || drop(black_box(recipe.apply(&sixteen))), None);
        let jpeg = photo.encode(Encoding::Jpeg { quality: 92 }).expect("the photo fits into a JPEG");
        report(
            "the same from JPEG to JPEG",
            &mut || {
                let photo = Photo::decode(&jpeg).expect("it was just written");
                drop(black_box(recipe.apply(&photo).encode(Encoding::Jpeg { quality: 92 })));
            },
            None,
        );
        report("of that, decoding", &mut || drop(black_box(Photo::decode(&jpeg))), None);
        report("of that, encoding", &mut || drop(black_box(photo.encode(Encoding::Jpeg { quality: 92 }))), None);
    }
}

fn recipe(texts: &[&str]) -> Recipe {
    Recipe::new(texts.iter().map(|text| text.parse::<Operation>().expect("the list holds operations")).collect())
}

/// Soft colours, edges and grain.
fn synthetic(width: u32, height: u32) -> Photo {
    let mut state = 1_u64;
    Photo::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let grain = (state >> 60) as f32;
        let (across, down) = (x as f32 / width as f32, y as f32 / height as f32);
        let patch = if (x / 190 + y / 170) % 3 == 0 { 50.0 } else { 0.0 };
        [180.0 * across + patch, 200.0 * down, 120.0 + 80.0 * (across - down) - patch]
            .map(|level| (level + grain) as u8)
    })
    .expect("both sides have pixels")
}

/// Prints the medians of turns.
fn report(name: &str, turns: usize, ours: &mut dyn FnMut(), mut peer: Option<&mut Peer>) {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let (start, busy) = (Instant::now(), processors());
        ours();
        own.push([start.elapsed().as_secs_f64(), processors() - busy]);
        theirs.extend(peer.as_mut().and_then(|peer| peer.measure(name)));
    }
    let columns = [0, 1].map(|column| {
        let of = |times: &[[f64; 2]]| median(times.iter().map(|times| times[column]).collect());
        match (of(&own), of(&theirs)) {
            (Some(own), Some(theirs)) => format!("{own:.3} | {theirs:.3} | {:.2}", own / theirs),
            (Some(own), None) => format!("{own:.3} | |"),
            _ => "| |".to_owned(),
        }
    });
    println!("| {name} | {} | {} |", columns[0], columns[1]);
}

/// Seconds that all threads of this process were busy together, where Linux tells them.
fn processors() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything, so the fields are counted from its end.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// OpenCV in a process of its own, which measures one operation when it is named one.
struct Peer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &str, photo: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/py_render.py");
        let mut command = Command::new(python);
        command.arg(script).arg(THREADS.to_string()).arg(photo).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the Python that was named runs");
        let questions = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, questions, answers }
    }

    /// Seconds by the clock and of all processors together; none for what OpenCV does not have.
    fn measure(&mut self, name: &str) -> Option<[f64; 2]> {
        writeln!(self.questions, "{name}").expect("the peer runs");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the peer answers");
        let (seconds, busy) = line.trim().split_once(' ')?;
        Some([seconds.parse().ok()?, busy.parse().ok()?])
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
