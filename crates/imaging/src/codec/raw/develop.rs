//! From the values of a sensor to a picture.

use rawler::imgop::sensor::Demosaic;
use rawler::imgop::sensor::SensorType;
use rawler::imgop::sensor::xtrans::bilinear::XTransBilinearDemosaic;
use rawler::imgop::{Dim2, Point, Rect};
use rawler::pixarray::PixF32;
use rawler::rawimage::{CFAConfig, RawImageData};
use rayon::prelude::*;

use super::mosaic::{Bayer, Strip};
use super::{Part, RawImage, RawPhotometricInterpretation};
use crate::Sample;
use crate::kernels::vectorized;
use crate::lab::times;
use crate::profile::{FromLight, encoded};

/// The light of sRGB's primaries as XYZ, its white not adapted (IEC 61966-2-1).
const SRGB_TO_XYZ: [[f32; 3]; 3] =
    [[0.412_453, 0.357_580, 0.180_423], [0.212_671, 0.715_160, 0.072_169], [0.019_334, 0.119_193, 0.950_227]];

/// What is made of light before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseCurve {
    /// As cameras make it: what they expose for middle grey, about 12 % of what a sensor can take, becomes middle grey, lights roll off
    /// before they end, and shadows are a little deeper.
    Camera,
    /// Light as it is.
    #[cfg(test)]
    Straight,
}

/// How much brighter shadows become; lights become less so, and white stays.
const LIFT: f64 = 0.8;
/// How much shadows are deepened and lights raised after that.
const CONTRAST: f64 = 0.12;

impl BaseCurve {
    /// The encoded value of light, both 0 to 1.
    fn value(self, light: f64) -> f64 {
        match self {
            Self::Camera => {
                let value = encoded(light * (1.0 + LIFT) / (1.0 + LIFT * light));
                value - CONTRAST * (std::f64::consts::TAU * value).sin() / std::f64::consts::TAU
            }
            #[cfg(test)]
            Self::Straight => encoded(light),
        }
    }
}

/// Rows that are developed at a time: they and what they become stay in the cache of a core.
const ROWS: usize = 16;

/// The values of a sensor, and what is to be made of them.
pub(super) struct Sensor<'a> {
    image: &'a RawImage,
    part: Part,
    balance: [f32; 3],
    to_srgb: [[f32; 3]; 3],
    kind: Kind,
}

/// How a sensor saw colours.
enum Kind {
    /// One for each pixel, in squares of four, beginning at the part that is the picture or farther out.
    Bayer(Bayer, Part),
    /// All for each pixel, or made so: red, green and blue, white balanced, 0 to 1, of so many pixels in a row, beginning at a place.
    Whole { pixels: Vec<[f32; 3]>, width: usize, left: usize, top: usize },
}

impl<'a> Sensor<'a> {
    /// Of an image and the matrix from XYZ to the colours of its camera.
    ///
    /// # Errors
    /// What is not read, in words.
    pub(super) fn of(image: &'a RawImage, part: Part, matrix: Option<[[f32; 3]; 3]>) -> Result<Self, String> {
        let from_srgb = matrix.map(|matrix| product(&matrix, &SRGB_TO_XYZ));
        // White of sRGB is to be white: what each channel of the camera has of it is divided out.
        let sums = from_srgb.map(|matrix| matrix.map(|row| row.iter().sum::<f32>()));
        let usable = sums.filter(|sums| sums.iter().all(|sum| *sum > 1e-3));
        let to_srgb = usable
            .zip(from_srgb)
            .and_then(|(sums, matrix)| inverse(&[0, 1, 2].map(|row| matrix[row].map(|entry| entry / sums[row]))));
        let balance = balance(image, usable);
        let to_srgb = to_srgb.unwrap_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        let kind = match &image.photometric {
            RawPhotometricInterpretation::Cfa(config) => of_filters(image, config, part, balance)?,
            _ if matches!(image.cpp, 1 | 3) => {
                Kind::Whole { pixels: of_channels(image, balance), width: image.width, left: 0, top: 0 }
            }
            _ => return Err(format!("its sensor has {} values for each pixel", image.cpp)),
        };
        Ok(Self { image, part, balance, to_srgb, kind })
    }

    /// The picture in sRGB, 16 bit, `stops` brighter.
    pub(super) fn developed(&self, curve: BaseCurve, stops: f32) -> Vec<u16> {
        let gain = stops.exp2();
        let matrix = self.to_srgb.map(|row| row.map(|entry| entry * gain));
        let curve = FromLight::by(|light| curve.value(light));
        let Part { left, top, width, height } = self.part;
        let stride = width * 3;
        let mut values = vec![0; stride * height];
        values.par_chunks_mut(stride * ROWS).enumerate().for_each_init(Strip::default, |strip, (index, values)| {
            let first = index * ROWS;
            match &self.kind {
                Kind::Bayer(sensor, area) => {
                    let (skipped, above) = (left - area.left, top - area.top);
                    let rows = (above + first, values.len() / stride);
                    let read = |row: usize, to: &mut [f32]| self.read(area.top + row, area.left, to);
                    strip.each_row(sensor, rows, read, |row, colours| {
                        let values = &mut values[(row - above - first) * stride..][..stride];
                        let [red, green, blue] = colours.map(|colour| &colour[skipped..][..width]);
                        write(&matrix, &curve, values, |x| [red[x], green[x], blue[x]]);
                    });
                }
                Kind::Whole { pixels, width: across, left: from, top: above } => {
                    for (y, values) in (first..).zip(values.chunks_exact_mut(stride)) {
                        let pixels = &pixels[(top - above + y) * across + left - from..][..width];
                        write(&matrix, &curve, values, |x| pixels[x]);
                    }
                }
            }
        });
        values
    }

    /// Values of a row of a sensor with filters, from a column on: black at 0 and white at 1, white balanced.
    fn read(&self, row: usize, first: usize, values: &mut [f32]) {
        let RawPhotometricInterpretation::Cfa(config) = &self.image.photometric else { return };
        read_row(self.image, &config.cfa, self.balance, (row, first), values);
    }
}

/// Light of the camera as values of sRGB.
fn write(matrix: &[[f32; 3]; 3], curve: &FromLight, values: &mut [u16], pixel: impl Fn(usize) -> [f32; 3]) {
    vectorized(
        #[inline(always)]
        || {
            for (x, values) in values.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let [red, green, blue] = times(matrix, pixel(x));
                *values = [encoded_at(curve, red), encoded_at(curve, green), encoded_at(curve, blue)];
            }
        },
    );
}

#[inline(always)]
fn encoded_at(curve: &FromLight, light: f32) -> u16 {
    u16::from_level(255.0 * curve.at(light))
}

/// A sensor of which each pixel has a filter of one colour.
fn of_filters(image: &RawImage, config: &CFAConfig, part: Part, balance: [f32; 3]) -> Result<Kind, String> {
    let filters = &config.cfa;
    if !filters.is_rgb() {
        return Err("its sensor has filters of other colours than red, green and blue".to_owned());
    }
    if image.cpp != 1 {
        return Err(format!("its sensor has {} values for each pixel behind a filter", image.cpp));
    }
    let all = Part { left: 0, top: 0, width: image.width, height: image.height };
    let active = image.active_area.map(Part::of).filter(|area| area.contains(part) && all.contains(*area));
    let area = active.unwrap_or(all);
    match config.sensor {
        SensorType::Bayer => {
            let colour = |row: usize, column: usize| filters.color_at((area.top + row) % 2, (area.left + column) % 2);
            let square = [[colour(0, 0), colour(0, 1)], [colour(1, 0), colour(1, 1)]];
            let bayer = Bayer::new(area.width, area.height, square);
            Ok(Kind::Bayer(bayer.ok_or_else(|| format!("the filters of its sensor are {filters}"))?, area))
        }
        SensorType::Xtrans => {
            let mut values = vec![0.0; image.width * image.height];
            let rows = values.par_chunks_exact_mut(image.width).enumerate();
            rows.for_each(|(row, values)| read_row(image, filters, balance, (row, 0), values));
            let values = PixF32::new_with(values, image.width, image.height);
            let roi = Rect::new(Point::new(area.left, area.top), Dim2::new(area.width, area.height));
            let colours = XTransBilinearDemosaic::new().demosaic(&values, filters, &config.colors, roi);
            Ok(Kind::Whole { pixels: colours.data, width: colours.width, left: area.left, top: area.top })
        }
    }
}

/// What red, green and blue are multiplied by, none of them by less than 1: what a sensor could not take any more is white in all of
/// them. As the camera says, else for daylight.
fn balance(image: &RawImage, of_white: Option<[f32; 3]>) -> [f32; 3] {
    let [red, green, blue, _] = image.wb_coeffs;
    let camera = [red, green, blue];
    let known = camera.iter().all(|factor| factor.is_finite() && *factor > 0.0);
    let factors = if known { camera } else { of_white.map_or([1.0; 3], |white| white.map(f32::recip)) };
    let least = factors[0].min(factors[1]).min(factors[2]);
    factors.map(|factor| (factor / least).min(64.0))
}

/// The level of black and how far it is to white, at a place of the sensor and for a value of a pixel.
fn levels(image: &RawImage, row: usize, column: usize, value: usize, colour: usize) -> (f32, f32) {
    let black = &image.blacklevel;
    let (width, height, each) = (black.width.max(1), black.height.max(1), black.cpp.max(1));
    let place = (row % height * width + column % width) * each + value % each;
    let low = black.levels.get(place).or(black.levels.first()).map_or(0.0, |level| level.as_f32());
    let whites = &image.whitelevel.0;
    let high = whites.get(if whites.len() > 1 { colour } else { 0 }).or(whites.first());
    let high = match (&image.data, high) {
        // Where a file of floats does not say, the decoder takes the most that so many bits can be, and the specification of DNG one.
        (RawImageData::Float(_), None | Some(&(0xffff | 0x00ff_ffff | u32::MAX))) => 1.0,
        (_, high) => high.map_or(65_535.0, |white| *white as f32),
    };
    let low = if low.is_finite() { low } else { 0.0 };
    (low, (high - low).max(1e-6))
}

/// Values of a row of a sensor with filters, from a column on: black at 0 and white at 1, white balanced.
fn read_row(
    image: &RawImage,
    filters: &rawler::CFA,
    balance: [f32; 3],
    (row, first): (usize, usize),
    values: &mut [f32],
) {
    let period = (filters.width.max(1) * image.blacklevel.width.max(1)).min(values.len());
    let at = |column: usize| {
        let colour = filters.color_at(row % filters.height.max(1), column % filters.width.max(1)).min(2);
        let (low, range) = levels(image, row, column, 0, colour);
        (low, balance[colour] / range)
    };
    let pattern: Vec<(f32, f32)> = (first..first + period).map(at).collect();
    let from = row * image.width + first;
    match &image.data {
        RawImageData::Integer(stored) => scaled(&stored[from..], &pattern, values, f32::from),
        RawImageData::Float(stored) => scaled(&stored[from..], &pattern, values, |value| value),
    }
}

/// Stored values less black and times a factor, both by their places.
fn scaled<T: Copy>(stored: &[T], pattern: &[(f32, f32)], values: &mut [f32], number: impl Fn(T) -> f32) {
    for (values, stored) in values.chunks_mut(pattern.len()).zip(stored.chunks(pattern.len())) {
        for ((value, stored), (low, factor)) in values.iter_mut().zip(stored).zip(pattern) {
            *value = ((number(*stored) - low) * factor).clamp(0.0, 1.0);
        }
    }
}

/// The same where each pixel has all its colours, or is grey.
fn of_channels(image: &RawImage, balance: [f32; 3]) -> Vec<[f32; 3]> {
    let stored = image.data.as_f32();
    let grey = image.cpp == 1;
    let of = |value: f32, channel: usize, factor: f32| {
        let (low, range) = levels(image, 0, 0, channel, channel);
        ((value - low) / range * factor).clamp(0.0, 1.0)
    };
    let pixel = |values: &[f32]| {
        if grey {
            [of(values[0], 0, 1.0); 3]
        } else {
            [0, 1, 2].map(|channel| of(values[channel], channel, balance[channel]))
        }
    };
    stored.par_chunks_exact(image.cpp).map(pixel).collect()
}

fn product(one: &[[f32; 3]; 3], other: &[[f32; 3]; 3]) -> [[f32; 3]; 3] {
    one.map(|row| [0, 1, 2].map(|column| (0..3).map(|place| row[place] * other[place][column]).sum()))
}

/// None where the rows span nothing.
fn inverse(matrix: &[[f32; 3]; 3]) -> Option<[[f32; 3]; 3]> {
    let entry = |row: usize, column: usize| f64::from(matrix[row % 3][column % 3]);
    // Of the entry at a place: what its row and column leave over.
    let rest = |row: usize, column: usize| {
        entry(row + 1, column + 1) * entry(row + 2, column + 2)
            - entry(row + 1, column + 2) * entry(row + 2, column + 1)
    };
    let determinant: f64 = (0..3).map(|column| entry(0, column) * rest(0, column)).sum();
    (determinant.abs() > 1e-6)
        .then(|| [0, 1, 2].map(|row| [0, 1, 2].map(|column| (rest(column, row) / determinant) as f32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes() {
        let matrix = [[0.9, 0.2, -0.1], [-0.3, 1.4, 0.2], [0.05, -0.2, 0.7]];
        let one = product(&matrix, &inverse(&matrix).unwrap());
        for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
            assert!((one[row][column] - f32::from(u8::from(row == column))).abs() < 1e-5);
        }
        assert_eq!(inverse(&[[1.0; 3]; 3]), None);
    }

    #[test]
    fn the_curve_of_cameras_rises_from_black_to_white() {
        let values: Vec<f64> = (0..=1000).map(|step| BaseCurve::Camera.value(f64::from(step) / 1000.0)).collect();
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(values[0].abs() < 1e-9 && (values[1000] - 1.0).abs() < 1e-9);
        // What a camera exposes for middle grey becomes that.
        assert!((0.45..0.52).contains(&values[120]), "{}", values[120]);
    }
}
