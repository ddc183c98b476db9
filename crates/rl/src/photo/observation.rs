//! What the agent sees of a photo: global statistics and a coarse grid, or a small picture.

use std::fmt;

use dodge_imaging::Photo;
use dodge_learn::{Encoder, NetworkParams, Picture};

use crate::photo::levels::{LAB, Levels, QUANTILES};

/// What shows photos to an agent. Open for implementation: [`PhotoTrainer::with_observer`](crate::PhotoTrainer::with_observer)
/// takes another than the [`Observer`] that the program uses.
///
/// A photo's description is followed by the history of the episode, which is the same for all.
pub trait Observe: fmt::Debug + Send + Sync {
    /// Its name and version, kept in the model file: a model is only used with what showed it photos in its training.
    fn name(&self) -> String;

    /// Number of values that describe a photo, the picture included; the same for every photo.
    fn description_len(&self) -> usize;

    /// The shape of the picture that a description begins with, where it does.
    fn picture(&self) -> Option<Picture> {
        None
    }

    /// Describes a photo; `into` has the length [`Observe::description_len`] and is written whole, with finite values, best
    /// within -1..=1.
    fn describe(&self, photo: &Photo, into: &mut [f32]);

    /// Length of an observation for a number of actions.
    fn observation_len(&self, action_count: usize) -> usize {
        self.description_len() + 1 + action_count
    }

    /// Writes the observation: the photo's description, the share of the allowed edits that are made, and how often each
    /// action was taken (`uses`, per action) as four times the share of the allowed edits.
    ///
    /// # Panics
    /// When `into` has another length than [`Observe::observation_len`].
    fn observe(&self, photo: &Photo, step: usize, max_steps: usize, uses: &[u16], into: &mut [f32]) {
        assert_eq!(into.len(), self.observation_len(uses.len()), "length of the observation");
        let (shown, history) = into.split_at_mut(into.len() - 1 - uses.len());
        self.describe(photo, shown);
        let allowed = max_steps.max(1) as f32;
        history[0] = step as f32 / allowed;
        for (feature, &count) in history[1..].iter_mut().zip(uses) {
            *feature = f32::from(count) * 4.0 / allowed;
        }
    }
}

/// Cells of the coarse grid along each side.
const GRID: usize = 4;
const LIGHTNESS_BINS: usize = 16;
const COLOUR_BINS: usize = 12;
/// Zones of lightness (shadows, mid-tones, highlights) for which the mean colour is given.
const ZONES: usize = 3;

/// Number of statistics that describe a photo.
const STATISTICS: usize = QUANTILES + LIGHTNESS_BINS + 2 * COLOUR_BINS + 2 * ZONES + 4 + GRID * GRID * 6;

/// What shows photos to the agents of the program.
///
/// In this order, all roughly within -1..=1: quantiles of luma, of each channel and of Lab chroma; histograms of L*,
/// a* and b*; mean a* and b* in shadows, mid-tones and highlights; mean and deviation of chroma, and mean a*, b* of the
/// nearly neutral pixels; for each cell of a 4x4 grid the mean of L*, a* and b* and their deviations.
///
/// For an encoder of pictures the statistics give way to a small square picture, `[channel][row][column]` in red, green and blue
/// from 0 to 1: the photo scaled down to fit, never up, in the middle of black.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observer {
    side: Option<u32>,
}

impl Observer {
    /// Shows statistics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows pictures with sides of `side` pixels.
    #[must_use]
    pub fn with_picture(side: u32) -> Self {
        Self { side: Some(side) }
    }

    /// What such a network looks at.
    #[must_use]
    pub fn for_network(params: &NetworkParams) -> Self {
        match params.encoder {
            Encoder::Stats => Self::new(),
            _ => Self::with_picture(params.picture_size),
        }
    }
}

impl Observe for Observer {
    fn name(&self) -> String {
        match self.side {
            None => "statistics, version 1".to_owned(),
            Some(_) => "picture, version 1".to_owned(),
        }
    }

    fn description_len(&self) -> usize {
        self.picture().map_or(STATISTICS, Picture::values)
    }

    fn picture(&self) -> Option<Picture> {
        self.side.map(|side| Picture { channels: 3, height: side as usize, width: side as usize })
    }

    fn describe(&self, photo: &Photo, into: &mut [f32]) {
        match self.side {
            Some(side) => draw(photo, side, into),
            None => statistics(photo, into),
        }
    }
}

/// Writes the statistics of a photo.
fn statistics(photo: &Photo, into: &mut [f32]) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let count = (width * height) as f32;
    let mut levels = Levels::new();
    let mut lightness_bins = [0.0_f32; LIGHTNESS_BINS];
    let mut colour_bins = [[0.0_f32; COLOUR_BINS]; 2];
    let mut zones = [[0.0_f32; 3]; ZONES];
    let (mut chroma_sum, mut chroma_squares) = (0.0_f32, 0.0_f32);
    let mut neutral = [0.0_f32; 3];
    let mut cells = [[0.0_f32; 7]; GRID * GRID];

    for (index, pixel) in photo.pixels().chunks_exact(3).enumerate() {
        let pixel = [pixel[0], pixel[1], pixel[2]];
        let [lightness, a, b] = LAB.convert(pixel);
        let chroma = (a * a + b * b).sqrt();
        levels.count(pixel, chroma);
        chroma_sum += chroma;
        chroma_squares += chroma * chroma;
        lightness_bins[((lightness * LIGHTNESS_BINS as f32 / 100.0) as usize).min(LIGHTNESS_BINS - 1)] += 1.0;
        for (bins, value) in colour_bins.iter_mut().zip([a, b]) {
            // Bins of 6 units around neutral, where most pixels are; the outer ones take the rest.
            let bin = (value / 6.0 + COLOUR_BINS as f32 / 2.0).clamp(0.0, COLOUR_BINS as f32 - 1.0);
            bins[bin as usize] += 1.0;
        }
        let zone = &mut zones[if lightness < 33.0 { 0 } else { usize::from(lightness >= 66.0) + 1 }];
        *zone = [zone[0] + 1.0, zone[1] + a, zone[2] + b];
        if chroma < 24.0 && (10.0..97.0).contains(&lightness) {
            let weight = (1.0 - chroma / 24.0).powi(2);
            neutral = [neutral[0] + weight, neutral[1] + weight * a, neutral[2] + weight * b];
        }
        let (x, y) = (index % width, index / width);
        let cell = &mut cells[(y * GRID / height) * GRID + x * GRID / width];
        for (sum, value) in cell.iter_mut().zip([1.0, lightness, a, b, lightness * lightness, a * a, b * b]) {
            *sum += value;
        }
    }

    let mut features = into.iter_mut();
    let mut push = |value: f32| *features.next().expect("STATISTICS counts every feature") = value;
    levels.quantiles(&mut push);
    // Square roots bring out the small bins.
    lightness_bins.iter().for_each(|&n| push((n / count).sqrt()));
    colour_bins.iter().flatten().for_each(|&n| push((n / count).sqrt()));
    for [n, a, b] in zones {
        // Shrunk towards neutral where a zone is nearly empty.
        push(a / (n + 0.02 * count) / 20.0);
        push(b / (n + 0.02 * count) / 20.0);
    }
    let chroma_mean = chroma_sum / count;
    push(chroma_mean / 25.0 - 1.0);
    push((chroma_squares / count - chroma_mean * chroma_mean).max(0.0).sqrt() / 25.0 - 0.5);
    push(neutral[1] / (neutral[0] + 0.02 * count) / 6.0);
    push(neutral[2] / (neutral[0] + 0.02 * count) / 6.0);
    for [n, l, a, b, l2, a2, b2] in cells {
        // A photo of less than four pixels across leaves cells empty.
        let n = n.max(1.0);
        let deviation = |sum: f32, squares: f32| (squares / n - (sum / n).powi(2)).max(0.0).sqrt();
        push(l / n / 50.0 - 1.0);
        push(a / n / 25.0);
        push(b / n / 25.0);
        push(deviation(l, l2) / 20.0 - 0.5);
        push(deviation(a, a2) / 10.0 - 0.5);
        push(deviation(b, b2) / 10.0 - 0.5);
    }
}

/// Writes the photo into a black square.
fn draw(photo: &Photo, side: u32, into: &mut [f32]) {
    let small = photo.thumbnail(side);
    let (side, width, height) = (side as usize, small.width() as usize, small.height() as usize);
    let (left, top) = ((side - width) / 2, (side - height) / 2);
    into.fill(0.0);
    for (index, pixel) in small.pixels().chunks_exact(3).enumerate() {
        let place = (top + index / width) * side + left + index % width;
        for (channel, &value) in pixel.iter().enumerate() {
            into[channel * side * side + place] = f32::from(value) / 255.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(photo: &Photo) -> Vec<f32> {
        let mut features = vec![f32::NAN; Observer::new().observation_len(3)];
        Observer::new().observe(photo, 2, 10, &[1, 0, 1], &mut features);
        features
    }

    #[test]
    fn every_feature_is_written_and_moderate() {
        let photo = Photo::from_fn(48, 32, |x, y| [(x * 5) as u8, (y * 8) as u8, (255 - x * 3) as u8]).unwrap();
        let features = observe(&photo);
        assert!(features.iter().all(|f| f.is_finite() && f.abs() <= 8.0), "{features:?}");
        assert_eq!(features[STATISTICS..], [0.2, 0.4, 0.0, 0.4]);
    }

    #[test]
    fn a_picture_lies_in_the_middle_of_black() {
        let photo = Photo::from_fn(4, 2, |x, y| [10 * x as u8, 100 * y as u8, 255]).unwrap();
        let observer = Observer::with_picture(6);
        let mut observation = vec![f32::NAN; observer.observation_len(3)];
        observer.observe(&photo, 2, 10, &[1, 0, 1], &mut observation);
        let at =
            |channel: usize, row: usize, column: usize| (255.0 * observation[channel * 36 + row * 6 + column]).round();
        assert_eq!([at(0, 2, 1), at(0, 2, 4), at(1, 2, 4), at(1, 3, 4), at(2, 3, 1)], [0.0, 30.0, 0.0, 100.0, 255.0]);
        assert_eq!([at(2, 1, 1), at(2, 4, 1), at(2, 2, 0), at(2, 2, 5)], [0.0; 4]);
        assert_eq!(observation[108..], [0.2, 0.4, 0.0, 0.4]);
        let large = Photo::from_fn(300, 100, |_, _| [255; 3]).unwrap();
        observer.observe(&large, 0, 10, &[0; 3], &mut observation);
        assert_eq!(observation[..36].iter().filter(|&&value| value > 0.9).count(), 12);
    }

    #[test]
    fn tiny_and_flat_photos_are_described_too() {
        for (width, height) in [(1, 1), (2, 7), (300, 1)] {
            let photo = Photo::from_fn(width, height, |_, _| [200, 10, 10]).unwrap();
            assert!(observe(&photo).iter().all(|f| f.is_finite()), "{width}x{height}");
        }
    }

    #[test]
    fn a_damage_shows_in_the_features() {
        let photo = Photo::from_fn(48, 32, |x, y| [(60 + x * 2) as u8, (80 + y * 3) as u8, 90]).unwrap();
        let warmer = "warmth:0.1".parse::<dodge_imaging::Operation>().unwrap().apply(&photo);
        let distance: f32 = observe(&photo).iter().zip(observe(&warmer)).map(|(a, b)| (a - b).abs()).sum();
        assert!(distance > 2.0, "{distance}");
    }
}
