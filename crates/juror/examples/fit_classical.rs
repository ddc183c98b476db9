//! Fits the constants of the classical juror: what is usual in photographs, how far from it they are, and how much each aspect counts.
//!
//! `cargo run --release -p dodge-juror --example fit_classical -- --photos DIR` takes every second photo of the folder, by name, damages it in
//! each of the ways of `dodge juror check`, and prints the rows of `src/classical/usual.rs`. Of each it takes a part, too, so that what is usual is less
//! that of whole, well composed photographs. The same photos give the same rows.
//!
//! It is a logistic ranking (RankNet, Burges 2005) of the original above the damaged copies, by Adam. Three limits keep it from learning the
//! camera by heart: no aspect counts less than it must, what is usual stays near the median of the originals, and spreads are at least those
//! of the originals.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Mutex;

use dodge_imaging::{LabConverter, Photo, is_photo_file};
use dodge_juror::{Juror, Measurements, PairCheck};
use rayon::prelude::*;

/// Longest side of the photos, as everywhere else where the juror is asked.
const SIDE: u32 = 384;
/// Least weight of an aspect.
const LEAST_WEIGHT: f64 = 0.015;
/// Of aspects that edits can ruin without touching many others.
const LEAST_WEIGHTS: [(&str, f64); 5] =
    [("contrast", 0.04), ("upper midtones", 0.16), ("sharpness", 0.12), ("noise", 0.05), ("corners", 0.06)];
/// How far what is usual may be from the median, in standard deviations of the originals.
const FARTHEST: f64 = 0.8;
/// Largest spread, in standard deviations of the originals.
const WIDEST: f64 = 3.0;
/// Steps of Adam and their length.
const STEPS: i32 = 400;
const RATE: f64 = 0.05;
/// By how much the unbounded parameters are drawn to 0.
const DECAY: f64 = 0.001;

/// Least spreads of aspects in which photographs of one source are more alike than photographs are.
const LEAST_SPREADS: [(&str, f64); 4] =
    [("white point", 0.06), ("sharpness", 0.12), ("noise", 2.0), ("compression", 0.3)];

/// How much damages count that do not count 1: those that are hard to tell, more than any what adds contrast, colour and warmth. The photographs of
/// BSDS500 are contrasty and colourful, and a juror that learns that of them likes such an edit to any photo that is duller.
const COUNTS: [(&str, f64); 9] = [
    ("tone-curve 1.65", 5.0),
    ("tone-curve 0.6", 4.0),
    ("white-balance +80", 2.6),
    ("warmth +0.2", 2.2),
    ("saturation 1.8", 2.0),
    ("saturation 0.4", 2.0),
    ("white-balance -80", 2.0),
    ("tint +0.5", 1.3),
    ("gamma 1.6", 1.2),
];

/// A juror that only writes down what it is shown.
struct Witness(Mutex<Vec<Vec<f64>>>);

impl Juror for Witness {
    fn name(&self) -> String {
        "witness".to_owned()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, dodge_juror::Error> {
        let lab = LabConverter::new();
        let aspects = |photo: &&Photo| Measurements::of(photo, &lab).aspects().map(|(_, value)| value).to_vec();
        self.0.lock().expect("nobody panics").extend(photos.iter().map(aspects));
        Ok(vec![0.0; photos.len()])
    }
}

/// Of each aspect: median and standard deviation of the originals, which the parameters are relative to.
struct Originals {
    medians: Vec<f64>,
    deviations: Vec<f64>,
    least_weights: Vec<f64>,
    /// How much each damage counts.
    counts: Vec<f64>,
}

/// Constants of the juror, and by how much a difference of its logarithm counts in the ranking.
struct Constants {
    centres: Vec<f64>,
    spreads: Vec<f64>,
    weights: Vec<f64>,
    scale: f64,
}

/// Unbounded parameters: centres, spreads, weights, and the logarithm of the scale.
type Parameters = Vec<f64>;

impl Originals {
    fn of(photos: &[Vec<Vec<f64>>], names: &[&str], damages: &[&str]) -> Self {
        let sorted = |aspect: usize| {
            let mut values: Vec<f64> = photos.iter().map(|photo| photo[0][aspect]).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let quantile = |aspect: usize, share: f64| sorted(aspect)[((photos.len() - 1) as f64 * share) as usize];
        let least = |name: &str| LEAST_SPREADS.iter().find(|(of, _)| *of == name).map_or(1e-4, |(_, least)| *least);
        let deviation = |(aspect, name): (usize, &&str)| {
            // Half of what holds 68 %, as of a normal distribution, whatever the tails are.
            f64::max(0.5 * (quantile(aspect, 0.84) - quantile(aspect, 0.16)), least(name))
        };
        Self {
            medians: (0..names.len()).map(|aspect| quantile(aspect, 0.5)).collect(),
            deviations: names.iter().enumerate().map(deviation).collect(),
            least_weights: names
                .iter()
                .map(|name| LEAST_WEIGHTS.iter().find(|(of, _)| of == name).map_or(LEAST_WEIGHT, |(_, least)| *least))
                .collect(),
            counts: damages
                .iter()
                .map(|name| COUNTS.iter().find(|(of, _)| of == name).map_or(1.0, |(_, count)| *count))
                .collect(),
        }
    }

    fn constants(&self, parameters: &Parameters) -> Constants {
        let aspects = self.medians.len();
        let (centres, rest) = parameters.split_at(aspects);
        let (spreads, rest) = rest.split_at(aspects);
        let (weights, scale) = rest.split_at(aspects);
        let sum: f64 = weights.iter().map(|weight| weight.exp()).sum();
        let share = 1.0 - self.least_weights.iter().sum::<f64>();
        Constants {
            centres: (0..aspects)
                .map(|k| self.medians[k] + FARTHEST * self.deviations[k] * centres[k].tanh())
                .collect(),
            spreads: (0..aspects).map(|k| self.deviations[k] * WIDEST.powf(0.5 + 0.5 * spreads[k].tanh())).collect(),
            weights: (0..aspects).map(|k| self.least_weights[k] + share * weights[k].exp() / sum).collect(),
            scale: scale[0].exp(),
        }
    }

    /// The gradient of the weighted mean of the logistic loss over all pairs.
    fn gradient(&self, parameters: &Parameters, photos: &[Vec<Vec<f64>>]) -> Vec<f64> {
        let aspects = self.medians.len();
        let constants = self.constants(parameters);
        let pairs = photos.len() as f64 * self.counts.iter().sum::<f64>();
        // By centres, logarithms of spreads, weights and the scale.
        let of_photo = |photo: &Vec<Vec<f64>>| {
            let mut sums = vec![0.0; 3 * aspects + 1];
            let z = |shown: &[f64], k: usize| (shown[k] - constants.centres[k]) / constants.spreads[k];
            let cost = |z: f64| z.mul_add(z, 1.0).ln();
            let slope = |z: f64| 2.0 * z / (1.0 + z * z);
            for (damaged, count) in photo[1..].iter().zip(&self.counts) {
                let terms: Vec<(f64, f64)> = (0..aspects).map(|k| (z(&photo[0], k), z(damaged, k))).collect();
                let lead: f64 =
                    terms.iter().zip(&constants.weights).map(|((one, other), w)| w * (cost(*other) - cost(*one))).sum();
                let pull = -count / (1.0 + (constants.scale * lead).exp()) / pairs;
                for (k, &(one, other)) in terms.iter().enumerate() {
                    let by_term = pull * constants.scale * constants.weights[k];
                    sums[k] -= by_term * (slope(other) - slope(one)) / constants.spreads[k];
                    sums[aspects + k] -= by_term * (other * slope(other) - one * slope(one));
                    sums[2 * aspects + k] += pull * constants.scale * (cost(other) - cost(one));
                }
                sums[3 * aspects] += pull * constants.scale * lead;
            }
            sums
        };
        // Added in the order of the photos: the same sum on any number of threads.
        let each: Vec<Vec<f64>> = photos.par_iter().map(of_photo).collect();
        let mut gradient = vec![0.0; 3 * aspects + 1];
        each.iter().for_each(|sums| gradient.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum));

        let share = 1.0 - self.least_weights.iter().sum::<f64>();
        let softmax: Vec<f64> = (0..aspects).map(|k| (constants.weights[k] - self.least_weights[k]) / share).collect();
        let mean: f64 = (0..aspects).map(|k| softmax[k] * gradient[2 * aspects + k]).sum();
        for k in 0..aspects {
            let bend = |value: f64| 1.0 - value.tanh().powi(2);
            gradient[k] *= FARTHEST * self.deviations[k] * bend(parameters[k]);
            gradient[aspects + k] *= 0.5 * WIDEST.ln() * bend(parameters[aspects + k]);
            gradient[2 * aspects + k] = share * softmax[k] * (gradient[2 * aspects + k] - mean);
        }
        gradient[..3 * aspects].iter_mut().zip(parameters).for_each(|(slope, value)| *slope += DECAY * value);
        gradient
    }
}

/// Adam (Kingma and Ba 2015), with its usual constants.
fn fitted(originals: &Originals, photos: &[Vec<Vec<f64>>]) -> Constants {
    let mut parameters = vec![0.0; 3 * originals.medians.len() + 1];
    // A tenth of the logarithm of the score is about the noise of the ranking.
    *parameters.last_mut().expect("there is a scale") = 10.0_f64.ln();
    let (mut means, mut squares) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
    for step in 1..=STEPS {
        let gradient = originals.gradient(&parameters, photos);
        for (k, slope) in gradient.into_iter().enumerate() {
            means[k] = 0.9 * means[k] + 0.1 * slope;
            squares[k] = 0.999 * squares[k] + 0.001 * slope * slope;
            let (mean, square) = (means[k] / (1.0 - 0.9_f64.powi(step)), squares[k] / (1.0 - 0.999_f64.powi(step)));
            parameters[k] -= RATE * mean / (square.sqrt() + 1e-9);
        }
    }
    originals.constants(&parameters)
}

/// A corner of two thirds of either side, of each photo another one in turn.
fn corner(photo: &Photo, number: usize) -> Photo {
    let [width, height] = [photo.width(), photo.height()].map(|side| (2 * side).div_ceil(3));
    let left = if number % 2 == 0 { 0 } else { photo.width() - width };
    let top = if number / 2 % 2 == 0 { 0 } else { photo.height() - height };
    photo.cropped(left, top, width, height)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [flag, folder] = &arguments[..] else { return Err("usage: fit_classical --photos DIR".into()) };
    if flag != "--photos" {
        return Err("usage: fit_classical --photos DIR".into());
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|path| path.is_file() && is_photo_file(path).unwrap_or(false));
    files.sort();
    let check = PairCheck::new(1);
    let shown = |(number, path): (usize, &PathBuf)| -> Result<[Vec<Vec<f64>>; 2], String> {
        let photo = Photo::open(path).map_err(|error| error.to_string())?.thumbnail(SIDE);
        let ask = |photo: &Photo| {
            let witness = Witness(Mutex::default());
            check.ask(&witness, photo, number as u64).map_err(|error| error.to_string())?;
            Ok::<_, String>(witness.0.into_inner().expect("nobody panics"))
        };
        Ok([ask(&photo)?, ask(&corner(&photo, number))?])
    };
    let every_second: Vec<&PathBuf> = files.iter().step_by(2).collect();
    let photos: Vec<[Vec<Vec<f64>>; 2]> =
        every_second.par_iter().enumerate().map(|(number, path)| shown((number, path))).collect::<Result<_, _>>()?;
    if photos.len() < 50 {
        return Err(format!("{} photos in {folder} are too few: a hundred are needed", files.len()).into());
    }
    let photos = photos.concat();
    let blank = Photo::from_fn(1, 1, |_, _| [0; 3])?;
    let names = Measurements::of(&blank, &LabConverter::new()).aspects().map(|(name, _)| name);
    let constants = fitted(&Originals::of(&photos, &names, &check.names()), &photos);
    println!("// On {} photos and as many parts.", photos.len() / 2);
    for (k, name) in names.iter().enumerate() {
        let (centre, spread, weight) = (constants.centres[k], constants.spreads[k], constants.weights[k]);
        println!("    usual({name:?}, {centre:.3}, {spread:.3}, {weight:.4}),");
    }
    Ok(())
}
