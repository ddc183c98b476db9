//! `dodge prepare` on photos of 12 megapixels, made for it: how long it takes, what memory and how many cores it uses, and how long the
//! second time takes, which finds everything done.
//!
//! `cargo xtask bench prepare` prints it, and beside it the same by a script with Pillow and OpenCV, which neither hashes the files nor
//! scores the photos. It fails where the second time takes 2 % of the first or more, and where the first takes a gigabyte of memory.
//! `--photos N` takes others than 1,000 photos, which need about 5 MB each in the folder for temporary files. Memory and cores are read
//! from `/proc`, so on Linux alone.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dodge_data::synthetic;
use dodge_imaging::{Encoding, Photo};
use rayon::prelude::*;

/// Sides in pixels.
const SIZE: (u32, u32) = (4000, 3000);
/// Longer side, in pixels, at which a scene is painted before it is enlarged.
const PAINTED: u32 = 500;
/// Deepest grain, in levels: without any, pictures would decode faster than those of cameras.
const GRAIN: u32 = 8;

const MOST_BYTES: u64 = 1_000_000_000;
const MOST_OF_FIRST: f64 = 0.02;
/// Time between two looks at a process.
const LOOK: Duration = Duration::from_millis(10);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let count = option("--photos").map_or(1000, |text| text.parse().expect("a number follows"));
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).expect("folders can be made");
    (0..count).into_par_iter().for_each(|index| write_photo(&photos, index));

    let volume = folder.path().join("volume");
    let (first, second) = (prepare(&photos, &volume), prepare(&photos, &volume));
    let share = second.seconds / first.seconds;
    println!("{count} JPEGs of {}x{} pixels\n", SIZE.0, SIZE.1);
    println!("| what | s | peak memory, MB | cores busy |\n|---|---|---|---|");
    println!("| `dodge prepare` | {:.2} | {} | {:.2} |", first.seconds, first.megabytes(), first.cores());
    println!("| once more | {:.2} | {} | {:.2} |", second.seconds, second.megabytes(), second.cores());
    if let Some(python) = option("--python") {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/py_prepare.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&photos).arg(folder.path().join("peer"));
        let peer = measured(&mut command);
        println!("| Pillow and OpenCV | {:.2} | {} | {:.2} |", peer.seconds, peer.megabytes(), peer.cores());
        println!("\n{:.2} times as fast as Pillow and OpenCV", peer.seconds / first.seconds);
    }
    println!("the second time takes {:.2} % of the first", 100.0 * share);
    assert!(share < MOST_OF_FIRST, "the second time takes {:.2} % of the first", 100.0 * share);
    assert!(first.peak.is_none_or(|peak| peak < MOST_BYTES), "{} MB of memory are used", first.megabytes());
}

/// A scene as large as a camera's file, with grain.
fn write_photo(folder: &Path, index: u64) {
    let (width, height) = SIZE;
    let painted = synthetic::photo(12, index, PAINTED, PAINTED * height / width).resized(width, height);
    let mut state = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let grainy = painted.pixels().iter().map(|value| {
        // An xorshift: fast, and random enough for grain.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let grain = (state >> 40) as u32 % (2 * GRAIN + 1);
        (u32::from(*value) + grain).saturating_sub(GRAIN).min(255) as u8
    });
    let photo = Photo::new(width, height, grainy.collect()).expect("as many values as before");
    let bytes = photo.encode(Encoding::Jpeg { quality: 90 }).expect("it fits into a JPEG");
    fs::write(folder.join(format!("photo-{index:05}.jpg")), bytes).expect("the files can be written");
}

fn prepare(photos: &Path, volume: &Path) -> Measured {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dodge"));
    command.arg("prepare").arg("--photos").arg(photos).args(["--seed=1", "--tracking-uri=local"]);
    measured(command.env("IMAGE_VOLUME_PATH", volume))
}

/// What a process took.
struct Measured {
    seconds: f64,
    /// Most memory at a time in bytes, where the system tells it.
    peak: Option<u64>,
    /// Seconds of processors, likewise.
    busy: Option<f64>,
}

impl Measured {
    fn megabytes(&self) -> String {
        self.peak.map_or_else(|| "unknown".to_owned(), |bytes| (bytes / 1_000_000).to_string())
    }

    fn cores(&self) -> f64 {
        self.busy.map_or(f64::NAN, |busy| busy / self.seconds)
    }
}

fn measured(command: &mut Command) -> Measured {
    let (before, begun) = (busy_children(), Instant::now());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started");
    let mut peak = None;
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state can be asked for") {
            break status;
        }
        peak = peak_of(child.id()).or(peak);
        sleep(LOOK);
    };
    let seconds = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?} failed");
    Measured { seconds, peak, busy: busy_children().zip(before).map(|(after, before)| after - before) }
}

/// The most memory that a process had so far, in bytes.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

/// Seconds of processors that children of this process had which ended.
fn busy_children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold anything but a last bracket; in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let hundredths = fields.get(13)?.parse::<f64>().ok()? + fields.get(14)?.parse::<f64>().ok()?;
    Some(hundredths / 100.0)
}
