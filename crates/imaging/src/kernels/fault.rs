//! Faults of cameras and files: noise, compression, dark corners.

use super::round;
use crate::codec::own_jpeg;
use crate::{Encoding, Photo};

/// Longest side that is compressed in one piece; a JPEG has at most 65,535 pixels on a side.
const PIECE: u32 = 32_768;

/// Adds noise of the standard deviation `sigma`, drawn from each value and its place.
pub(crate) fn add_noise(photo: &mut Photo, sigma: f32) {
    for (place, value) in photo.pixels_mut().iter_mut().enumerate() {
        let level = f32::from(*value);
        *value = round(level + sigma * nearly_normal(place, level));
    }
}

/// A number of mean 0 and variance 1 for each place and rounded level: the sum of four even ones, which lies within 3.5.
pub(crate) fn nearly_normal(place: usize, level: f32) -> f32 {
    let key = (place as u64) << 8 | u64::from(round(level));
    // Steele, Lea and Flood's SplitMix64.
    let mut bits = key.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    // The variance of the sum is 4 (2^32 - 1) / 12.
    (sum as f32 - 131_070.0) / 37_837.23
}

/// What is left of a photo in a JPEG; a quality of 100 leaves it alone.
pub(crate) fn compressed(photo: &Photo, quality: f32) -> Photo {
    let quality = quality.round() as u8;
    if quality >= 100 {
        return photo.clone();
    }
    if photo.longer_side() <= PIECE {
        return through_a_jpeg(photo, quality);
    }
    let (width, height) = (photo.width(), photo.height());
    let mut result = photo.clone();
    for top in (0..height).step_by(PIECE as usize) {
        for left in (0..width).step_by(PIECE as usize) {
            let part = photo.cropped(left, top, PIECE.min(width - left), PIECE.min(height - top));
            paste(&mut result, &through_a_jpeg(&part, quality), left, top);
        }
    }
    result
}

fn through_a_jpeg(photo: &Photo, quality: u8) -> Photo {
    let bytes = photo.encode(Encoding::Jpeg { quality }).expect("a photo of this size fits into a JPEG");
    own_jpeg(&bytes, photo.width(), photo.height()).expect("what was encoded can be decoded")
}

fn paste(photo: &mut Photo, part: &Photo, left: u32, top: u32) {
    let (stride, bytes) = (photo.width() as usize * 3, part.width() as usize * 3);
    let rows = photo.pixels_mut().chunks_exact_mut(stride).skip(top as usize);
    for (row, part) in rows.zip(part.pixels().chunks_exact(bytes)) {
        row[left as usize * 3..][..bytes].copy_from_slice(part);
    }
}

/// What a vignette multiplies with at each place: 1 minus `amount` times the squared distance from the centre, which is 1 in the corners.
pub(crate) struct Vignette {
    amount: f32,
    across: Vec<f32>,
    down: Vec<f32>,
    corner: f32,
}

impl Vignette {
    pub(crate) fn new(width: usize, height: usize, amount: f32) -> Self {
        // Centres of pixels; the corner is that of the photo, not of the last pixel.
        let squares = |length: usize| -> Vec<f32> {
            let middle = length as f32 / 2.0;
            (0..length).map(|place| (place as f32 + 0.5 - middle).powi(2)).collect()
        };
        let corner = (width as f32 / 2.0).powi(2) + (height as f32 / 2.0).powi(2);
        Self { amount, across: squares(width), down: squares(height), corner }
    }

    #[inline(always)]
    pub(crate) fn factor(&self, x: usize, y: usize) -> f32 {
        1.0 - self.amount * (self.across[x] + self.down[y]) / self.corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, height: u32, value: u8) -> Photo {
        Photo::from_fn(width, height, |_, _| [value; 3]).unwrap()
    }

    #[test]
    fn noise_has_its_deviation_and_adds_to_noise() {
        let deviation = |photo: &Photo| {
            let total: f64 = photo.pixels().iter().map(|&v| (f64::from(v) - 128.0).powi(2)).sum();
            (total / photo.pixels().len() as f64).sqrt()
        };
        let mut photo = flat(200, 100, 128);
        add_noise(&mut photo, 10.0);
        assert!((deviation(&photo) - 10.0).abs() < 0.2, "{}", deviation(&photo));
        // Drawn anew, so variances add: the root of 200.
        add_noise(&mut photo, 10.0);
        assert!((deviation(&photo) - 14.14).abs() < 0.3, "{}", deviation(&photo));
    }

    #[test]
    fn a_vignette_by_hand() {
        let photo = "vignette:0.5".parse::<crate::Operation>().unwrap().apply(&flat(4, 4, 200));
        // The corner pixel lies 1.5 from the middle on both axes, the corner 2: d d = 4.5 / 8.
        assert_eq!(photo.pixel(0, 0), [144; 3]);
        // 0.5 on both axes: 200 (1 - 0.5 / 16).
        assert_eq!(photo.pixel(1, 2), [194; 3]);
    }

    #[test]
    fn photos_longer_than_a_jpeg_are_compressed_in_pieces() {
        let before = Photo::from_fn(70_000, 1, |x, _| [(x / 300) as u8; 3]).unwrap();
        let photo = compressed(&before, 60.0);
        assert!(crate::psnr_db(&before, &photo).unwrap() > 35.0);
        assert_ne!(before, photo);
    }
}
