//! Lessons of a person who always wants what somebody else made of each photo, as nearly as edits with free strengths come to it.
//!
//! `cargo run --release -p dodge-studio --example simulated_person -- BEFORE AFTER OUT 100 50` takes the first 100 pairs of the folders
//! BEFORE and AFTER and writes `OUT/lessons`: photos with the recipes beside them that `dodge train --lessons` learns from. Of the next 50
//! it writes `OUT/others/before` and `OUT/others/after`, by which `dodge evaluate --pairs` measures.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use dodge_data::{DataLoader, PairLoader};
use dodge_imaging::{Photo, Recipe, Sliders, psnr_db};

/// Longer side, in pixels, on which strengths are looked for.
const SIDE: u32 = 96;
const ITERATIONS: i32 = 400;
const RATE: f32 = 0.02;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [before, after, out, taught, others] = &arguments[..] else {
        return Err("usage: simulated_person BEFORE AFTER OUT TAUGHT OTHERS".into());
    };
    let (out, taught, others) = (PathBuf::from(out), taught.parse::<usize>()?, others.parse::<usize>()?);
    let folders = [out.join("lessons"), out.join("others/before"), out.join("others/after")];
    folders.iter().try_for_each(fs::create_dir_all)?;
    let dataset = PairLoader::new(before, after).load()?;
    let (mut far, mut near, mut count) = (0.0, 0.0, 0.0);
    for (index, pair) in dataset.photos().iter().take(taught + others).enumerate() {
        let (photo, wanted) = (pair.path(), Photo::open(pair.after().unwrap_or(pair.path()))?);
        let shown = Photo::open(photo)?;
        let recipe = nearest(&shown, &wanted)?;
        let kept = recipe.apply(&shown);
        if let (Ok(before), Ok(after)) = (psnr_db(&wanted, &shown), psnr_db(&wanted, &kept)) {
            (far, near, count) = (far + before, near + after, count + 1.0);
        }
        let name = photo.file_name().unwrap_or_default();
        if index < taught {
            fs::copy(photo, folders[0].join(name))?;
            recipe.save(&folders[0].join(Path::new(name).with_extension("recipe.json")))?;
        } else {
            fs::copy(photo, folders[1].join(name))?;
            kept.save(&folders[2].join(Path::new(name).with_extension("png")))?;
        }
    }
    println!(
        "{count} photos: {:.1} dB from what is wanted, {:.1} dB with the nearest recipe",
        far / count,
        near / count
    );
    Ok(())
}

/// The recipe that comes nearest to what is wanted, by Adam along the exact gradient.
fn nearest(photo: &Photo, wanted: &Photo) -> Result<Recipe, dodge_imaging::Error> {
    let sliders = Sliders::new(Sliders::available())?;
    let (photo, small) = (photo.thumbnail(SIDE), photo.thumbnail(SIDE));
    let wanted = wanted.resized(small.width(), small.height());
    let wanted: Vec<[f32; 3]> =
        wanted.pixels().as_chunks::<3>().0.iter().map(|it| it.map(|v| f32::from(v) / 255.0)).collect();
    let mut positions = vec![0.0_f32; sliders.kinds().len()];
    let mut moments = vec![(0.0_f32, 0.0_f32); positions.len()];
    let mut best = (f32::INFINITY, positions.clone());
    for step in 1..=ITERATIONS {
        let error = |values: &mut [[f32; 3]]| {
            let mut sum = 0.0;
            for (value, wanted) in values.iter_mut().flatten().zip(wanted.iter().flatten()) {
                let rest = *value - wanted;
                sum += rest * rest;
                *value = 2.0 * rest;
            }
            sum
        };
        let (gradient, sum) = sliders.gradient(&photo, &positions, error);
        if sum < best.0 {
            best = (sum, positions.clone());
        }
        let rate = RATE * (1.0 - step as f32 / ITERATIONS as f32);
        for ((position, moment), slope) in positions.iter_mut().zip(&mut moments).zip(gradient) {
            *moment = (0.9 * moment.0 + 0.1 * slope, 0.99 * moment.1 + 0.01 * slope * slope);
            let (first, second) = (moment.0 / (1.0 - 0.9_f32.powi(step)), moment.1 / (1.0 - 0.99_f32.powi(step)));
            *position = (*position - rate * first / (second.sqrt() + 1e-6)).clamp(-Sliders::REACH, Sliders::REACH);
        }
    }
    let operations = best.1.iter().enumerate().map(|(index, &position)| sliders.operation(index, position)).collect();
    Ok(Recipe::new(operations).scaled(1.0).with_longer_side(SIDE))
}
