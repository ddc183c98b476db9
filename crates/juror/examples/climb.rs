//! How far a juror can be talked into liking photographs.
//!
//! `cargo run --release -p dodge-juror --example climb -- --photos DIR` takes twenty photos of the folder, spread evenly, and follows the score of
//! each upwards over all operations. It prints by how much the scores rise, and how different the photos look then. With `--features neural` and
//! `--juror FILE` it asks a learned juror, alone and as it is used, limited by the classical one.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::path::PathBuf;

use dodge_imaging::{Photo, is_photo_file};
use dodge_juror::{ClassicalJuror, Climb, Juror};

/// Photos of a folder.
const PHOTOS: usize = 20;
/// Longest side of the photos, as everywhere else where the juror is asked.
const SIDE: u32 = 384;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, jurors) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--photos", folder] => (folder, vec![Box::new(ClassicalJuror::new()) as Box<dyn Juror>]),
        #[cfg(feature = "neural")]
        ["--photos", folder, "--juror", file] => {
            let learned = dodge_juror::LearnedJuror::load(file.as_ref())?;
            (folder, vec![Box::new(learned.clone()) as Box<dyn Juror>, Box::new(learned.limited())])
        }
        _ => return Err("usage: climb --photos DIR [--juror FILE]".into()),
    };
    for juror in jurors {
        climb(&*juror, folder)?;
    }
    Ok(())
}

fn climb(juror: &dyn Juror, folder: &str) -> Result<(), Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|path| path.is_file() && is_photo_file(path).unwrap_or(false));
    files.sort();
    // Odd ones: the constants of the classical juror come from the even ones of one such folder.
    let held_out: Vec<&PathBuf> = files.iter().skip(1).step_by(2).collect();
    let every = held_out.len().div_ceil(PHOTOS).max(1);

    println!("{}", juror.name());
    let climb = Climb::new();
    let mut climbed = Vec::new();
    for path in held_out.into_iter().step_by(every) {
        let photo = Photo::open(path)?.thumbnail(SIDE);
        let found = climb.from(juror, &photo)?;
        println!(
            "{:5.2} {:+.2}  colour difference {:4.1}  {}",
            juror.score_one(&photo)?,
            found.gain,
            found.colour_difference,
            path.display()
        );
        climbed.push(found);
    }
    let count = climbed.len().max(1) as f64;
    let mean = |of: fn(&dodge_juror::Climbed) -> f64| climbed.iter().map(of).sum::<f64>() / count;
    println!(
        "{} photos: +{:.2} and colour difference {:.1} on average",
        climbed.len(),
        mean(|it| it.gain),
        mean(|it| it.colour_difference)
    );
    Ok(())
}
