//! How often the classical juror scores an original above a damaged copy of it.
//!
//! `cargo run --release -p dodge-juror --example pair_accuracy -- FOLDER`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use dodge_imaging::{Damage, Photo, pair_damages};
use dodge_juror::{ClassicalJuror, Juror};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: pair_accuracy FOLDER")?;
    let mut paths = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    let photos: Vec<Photo> = paths.iter().filter_map(|p| Photo::open(p).ok()).map(|p| p.thumbnail(384)).collect();
    let juror = ClassicalJuror::new();
    let originals = scores(&juror, &photos)?;
    let mean = originals.iter().sum::<f64>() / originals.len() as f64;
    println!("{} photographs, mean score {mean:.2}", photos.len());

    let started = Instant::now();
    for photo in &photos {
        juror.score_one(photo)?;
    }
    println!("{:.2} ms per photo\n", 1e3 * started.elapsed().as_secs_f64() / photos.len() as f64);

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let standard: Vec<Photo> = photos.iter().map(|p| Damage::standard(&mut rng).apply(p)).collect();
    report("standard damage", &originals, &scores(&juror, &standard)?);
    for operation in pair_damages() {
        let damaged: Vec<Photo> = photos.iter().map(|p| operation.apply(p)).collect();
        report(&operation.to_string(), &originals, &scores(&juror, &damaged)?);
    }
    Ok(())
}

fn scores(juror: &ClassicalJuror, photos: &[Photo]) -> Result<Vec<f64>, dodge_juror::Error> {
    juror.score(&photos.iter().collect::<Vec<_>>())
}

fn report(name: &str, originals: &[f64], damaged: &[f64]) {
    let pairs = originals.len() as f64;
    let right = originals.iter().zip(damaged).filter(|(o, d)| o > d).count() as f64 / pairs;
    let gap = originals.iter().zip(damaged).map(|(o, d)| o - d).sum::<f64>() / pairs;
    println!("{name:18} pair accuracy {right:.2}   mean drop {gap:+.2}");
}
