//! Hashing and listing ten thousand small files, and opening them as a dataset, beside `sha256sum` over the same files with as many processes as
//! there are cores.
//!
//! `cargo xtask bench data` prints the median of five turns each, taken by turns, with the files in the memory of the
//! system. `--files N` and `--bytes N` choose other sizes.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use dodge_data::{ContentHash, DataLoader, FolderDigest, FolderLoader, Hashing, Listing, Unwatched};
use dodge_imaging::{Encoding, Photo};

const TURNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, usual: usize| {
        let given = arguments.iter().skip_while(|argument| *argument != name).nth(1);
        given.map_or(usual, |text| text.parse().expect("a number follows"))
    };
    let (count, bytes) = (option("--files", 10_000), option("--bytes", 30_000));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let root = folder.path().join("photos");
    let names = write_photos(&root, count, bytes);
    let list = folder.path().join("names");
    fs::write(&list, names.iter().map(|name| format!("{name}\0")).collect::<String>())
        .expect("the list can be written");
    let paths: Vec<_> = names.iter().map(Into::into).collect();

    let memory = folder.path().join("hashes");
    let opened = |hashing: Hashing| {
        let dataset = FolderLoader::new(&root).with_hashing(hashing).load().expect("the folder is there");
        assert_eq!(dataset.photos().len(), count);
    };
    let mut times: [Vec<f64>; 7] = Default::default();
    for turn in 0..=TURNS {
        let measured = [
            timed(|| sha256sum(&root, &list, cores)),
            timed(|| ContentHash::of_files(&root, &paths).expect("the files are there")),
            timed(|| FolderDigest::of_folder(&root, &Unwatched).expect("the files are there")),
            timed(|| assert_eq!(Listing::of_folder(&root).expect("the folder is there").photos.len(), count)),
            timed(|| {
                ContentHash::of_files(&root, &paths).expect("the files are there");
                Listing::of_folder(&root).expect("the folder is there");
            }),
            timed(|| opened(Hashing::default())),
            timed(|| opened(Hashing::default().remembered_in(&memory))),
        ];
        // The first turn brings the files into memory.
        if turn > 0 {
            times.iter_mut().zip(measured).for_each(|(times, time)| times.push(time));
        }
    }
    let medians = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("{count} JPEG files of {bytes} bytes, {cores} cores\n");
    println!("| what | ms | times as fast as sha256sum |\n|---|---|---|");
    let rows = [
        &*format!("`xargs -P {cores} sha256sum`"),
        "content hash",
        "content hash and directory hash",
        "listing with sizes",
        "content hash and listing",
        "dataset of a folder",
        "dataset of a folder, whose hashes are remembered",
    ];
    for (what, time) in rows.into_iter().zip(medians) {
        println!("| {what} | {:.0} | {:.2} |", 1e3 * time, medians[0] / time);
    }
}

/// A hundred folders of small photos, filled up to their length behind the end of the picture; returns their names.
fn write_photos(root: &Path, count: usize, bytes: usize) -> Vec<String> {
    let mut names = Vec::new();
    for i in 0..count {
        let name = format!("{:02}/{i:05}.jpg", i % 100);
        let path = root.join(&name);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
        let shade = (i % 251) as u8;
        let photo = Photo::from_fn(64, 48, |x, y| [x as u8, y as u8, shade]).expect("both sides have pixels");
        let mut content = photo.encode(Encoding::Jpeg { quality: 90 }).expect("it fits into a JPEG");
        content.resize(bytes.max(content.len()), shade);
        fs::write(path, content).expect("the files can be written");
        names.push(name);
    }
    names
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    std::hint::black_box(work());
    begun.elapsed().as_secs_f64()
}

/// As many processes as cores, each with enough files to be worth its start.
fn sha256sum(root: &Path, list: &Path, cores: usize) {
    let status = Command::new("xargs")
        .args(["-0", "-n", "250", "-P", &cores.to_string(), "sha256sum", "--"])
        .current_dir(root)
        .stdin(File::open(list).expect("the list is there"))
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("xargs and sha256sum are there").success());
}
