//! What the agent sees of a photo: global statistics and a coarse grid, or a small picture.

use std::fmt;

use dodge_imaging::{Photo, luma};
use dodge_learn::{Encoder, NetworkParams, Picture};

use crate::photo::levels::quantiles;
use crate::photo::opponents::Opponents;
use crate::photo::palette::Palette;

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

/// Number of statistics that describe a photo.
const STATISTICS: usize = QUANTILES + Opponents::VALUES + Palette::VALUES + 2 * ZONES.len() + 2 * 4;

/// Number of those that tell where in the photo they are.
const LAYOUT: usize = GRID * GRID * 6;

/// Quantiles of luma, red, green, blue and of the range of a pixel's channels.
const QUANTILES: usize = 5 * SHARES.len();

/// From the darkest pixel to the brightest: whether anything is clipped shows at both ends.
const SHARES: [f64; 11] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

/// Lumas at which shadows, mid-tones and highlights end, of 255.
const ZONES: [f32; 3] = [84.15, 168.3, f32::INFINITY];

/// What shows photos to the agents of the program.
///
/// In this order, all roughly within -1..=1: quantiles of luma, of each channel and of the range of the channels; smooth
/// histograms of two opponent colours, red against green and yellow against blue; which colours there are at which lightness;
/// means of the opponent colours in shadows, mid-tones and highlights; mean and deviation of luma and of what each channel is
/// apart from it. With the layout, then for each cell of a 4x4 grid the mean of each channel and their deviations.
///
/// All of encoded values, in which edits work. What shifts a colour a little moves a little of every smooth bin, where hard bins in
/// L\*a\*b\* (version 1) jump. The layout is a fingerprint by which a network knows its training photos, so that it costs gain where
/// damage is to be undone; what a person did depends on what is in the photo, and there it helps. `docs/experiments.md` has the
/// figures.
///
/// For an encoder of pictures the statistics give way to a small square picture, `[channel][row][column]` in red, green and blue
/// from 0 to 1: the photo scaled down to fit, never up, in the middle of black.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observer {
    side: Option<u32>,
    layout: bool,
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
        Self { side: Some(side), layout: false }
    }

    /// What such a network looks at.
    #[must_use]
    pub fn for_network(params: &NetworkParams) -> Self {
        match params.encoder {
            Encoder::Stats => Self::new(),
            _ => Self::with_picture(params.picture_size),
        }
    }

    /// Shows also where in the photo the statistics are, unless a picture shows it.
    #[must_use]
    pub fn with_layout(self) -> Self {
        Self { layout: self.side.is_none(), ..self }
    }
}

impl Observe for Observer {
    fn name(&self) -> String {
        match (self.side, self.layout) {
            (None, false) => "statistics, version 2".to_owned(),
            (None, true) => "statistics and layout, version 2".to_owned(),
            (Some(_), _) => "picture, version 1".to_owned(),
        }
    }

    fn description_len(&self) -> usize {
        let layout = if self.layout { LAYOUT } else { 0 };
        self.picture().map_or(STATISTICS + layout, Picture::values)
    }

    fn picture(&self) -> Option<Picture> {
        self.side.map(|side| Picture { channels: 3, height: side as usize, width: side as usize })
    }

    fn describe(&self, photo: &Photo, into: &mut [f32]) {
        match self.side {
            Some(side) => draw(photo, side, into),
            None => {
                let (first, layout_of) = into.split_at_mut(STATISTICS);
                statistics(photo, first);
                if self.layout {
                    layout(photo, layout_of);
                }
            }
        }
    }
}

/// Writes the statistics of a photo.
fn statistics(photo: &Photo, into: &mut [f32]) {
    let count = photo.pixels().len() as f32 / 3.0;
    let mut levels = [[0_u32; 256]; 5];
    let mut opponents = Opponents::new();
    let mut zones = [[0.0_f32; 3]; ZONES.len()];
    let mut apart = [Moments::default(); 4];
    let mut palette = Palette::new();

    for pixel in photo.pixels().as_chunks::<3>().0 {
        let luma = luma(*pixel);
        let values = pixel.map(f32::from);
        let range = pixel.iter().max().unwrap_or(&0) - pixel.iter().min().unwrap_or(&0);
        for (levels, value) in levels.iter_mut().zip([(luma + 0.5) as u8, pixel[0], pixel[1], pixel[2], range]) {
            levels[usize::from(value)] += 1;
        }
        opponents.count(*pixel);
        palette.count(*pixel);
        let zone = &mut zones[ZONES.iter().position(|&end| luma < end).unwrap_or_default()];
        let [red, green, blue] = values;
        *zone = [zone[0] + 1.0, zone[1] + red - green, zone[2] + (red + green) / 2.0 - blue];
        for (moments, value) in apart.iter_mut().zip([luma, red - luma, green - luma, blue - luma]) {
            moments.add(value / 255.0);
        }
    }

    let mut features = into.iter_mut();
    let mut push = |value: f32| *features.next().expect("STATISTICS counts every feature") = value;
    levels.iter().for_each(|levels| quantiles(levels, &SHARES, |level| push(level / 127.5 - 1.0)));
    opponents.histograms(&mut push);
    palette.shares(&mut push);
    for [n, red_green, yellow_blue] in zones {
        // Shrunk towards neutral where a zone is nearly empty.
        [red_green, yellow_blue].into_iter().for_each(|sum| push(sum / (n + 0.02 * count) / 51.0));
    }
    let [of_luma, of_channels @ ..] = apart;
    push(2.0 * of_luma.mean() - 1.0);
    push(4.0 * of_luma.deviation() - 0.5);
    of_channels.iter().for_each(|moments| push(4.0 * moments.mean()));
    of_channels.iter().for_each(|moments| push(8.0 * moments.deviation() - 0.5));
}

/// Writes what is in each cell of the grid.
fn layout(photo: &Photo, into: &mut [f32]) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let mut cells = [[Moments::default(); 3]; GRID * GRID];
    for (index, pixel) in photo.pixels().as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = (index % width, index / width);
        let cell = &mut cells[(y * GRID / height) * GRID + x * GRID / width];
        cell.iter_mut().zip(pixel).for_each(|(moments, &value)| moments.add(f32::from(value) / 255.0));
    }
    for (features, moments) in into.as_chunks_mut::<2>().0.iter_mut().zip(cells.as_flattened()) {
        *features = [2.0 * moments.mean() - 1.0, 4.0 * moments.deviation() - 0.5];
    }
}

/// Mean and deviation of values that come one by one.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f32,
    sum: f32,
    squares: f32,
}

impl Moments {
    fn add(&mut self, value: f32) {
        *self = Self { count: self.count + 1.0, sum: self.sum + value, squares: self.squares + value * value };
    }

    /// 0 of nothing: a photo of less than four pixels across leaves cells empty.
    fn mean(&self) -> f32 {
        self.sum / self.count.max(1.0)
    }

    fn deviation(&self) -> f32 {
        (self.squares / self.count.max(1.0) - self.mean().powi(2)).max(0.0).sqrt()
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
    fn the_layout_tells_where_things_are() {
        let with_layout = Observer::new().with_layout();
        let picture = Observer::with_picture(6);
        assert_eq!(picture.with_layout(), picture, "a picture shows it");
        let described = |observer: Observer, photo: &Photo| {
            let mut values = vec![f32::NAN; observer.description_len()];
            observer.describe(photo, &mut values);
            values
        };
        let photo = Photo::from_fn(40, 30, |x, y| [(5 * x) as u8, (8 * y) as u8, 90]).unwrap();
        let [seen, mirrored] = [photo.clone(), photo.mirrored()].map(|photo| described(with_layout, &photo));
        assert_eq!(seen[..STATISTICS], described(Observer::new(), &photo)[..]);
        assert!(seen[STATISTICS..].iter().zip(&mirrored[STATISTICS..]).any(|(a, b)| (a - b).abs() > 0.1));
        let apart = seen[..STATISTICS].iter().zip(&mirrored).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-3, "without the layout a mirrored photo is the same: {apart}");
        // The first cell is dark red and green, the last bright.
        assert!(seen[STATISTICS] < -0.6 && seen[STATISTICS + LAYOUT - 6] > 0.3, "{:?}", &seen[STATISTICS..]);
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
