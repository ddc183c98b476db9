//! Scores photos by the aesthetic predictor in a folder, on the processor, and prints how long that takes.
//!
//! `cargo run --release -p dodge-juror --features neural --example siglip -- FOLDER PHOTO...`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::Device;
use dodge_imaging::Photo;
use dodge_juror::{Juror, SiglipJuror};

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            #[expect(clippy::print_stdout, reason = "what the example is for")]
            {
                print!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "there is no log to write to")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn std::error::Error>> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = paths.next().ok_or("name the folder of the predictor, and photos")?;
    let paths: Vec<PathBuf> = paths.collect();
    let photos = paths.iter().map(|path| Photo::open(path)).collect::<Result<Vec<Photo>, _>>()?;
    let started = Instant::now();
    let juror = SiglipJuror::open(&folder, &Device::flex())?;
    let mut text = format!("{}: loaded in {:.1} s\n", juror.name(), started.elapsed().as_secs_f64());
    let started = Instant::now();
    let scores = juror.score(&photos.iter().collect::<Vec<_>>())?;
    let seconds = started.elapsed().as_secs_f64();
    for (path, score) in paths.iter().zip(&scores) {
        text += &format!("{score:8.5}  {}\n", path.display());
    }
    text += &format!("{:.2} s for a photo, of {}\n", seconds / photos.len().max(1) as f64, photos.len());
    Ok(text)
}
