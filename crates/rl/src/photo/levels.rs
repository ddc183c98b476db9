//! How the levels of a photo are spread: quantiles of luma, of each channel and of chroma.

use std::sync::LazyLock;

use dodge_imaging::{LabConverter, Photo, luma};

const LUMA_SHARES: [f64; 11] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];
const CHANNEL_SHARES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
const CHROMA_SHARES: [f64; 7] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// Number of values that [`Levels::quantiles`] tells.
pub(crate) const QUANTILES: usize = LUMA_SHARES.len() + 3 * CHANNEL_SHARES.len() + CHROMA_SHARES.len();

/// Its tables are made once.
static LAB: LazyLock<LabConverter> = LazyLock::new(LabConverter::default);

/// How many pixels have each level.
pub(crate) struct Levels {
    luma: [u32; 256],
    channels: [[u32; 256]; 3],
    /// In steps of half a unit of Lab.
    chroma: [u32; 256],
}

impl Levels {
    pub(crate) fn new() -> Self {
        Self { luma: [0; 256], channels: [[0; 256]; 3], chroma: [0; 256] }
    }

    pub(crate) fn of(photo: &Photo) -> Self {
        let mut levels = Self::new();
        for pixel in photo.pixels().chunks_exact(3) {
            let pixel = [pixel[0], pixel[1], pixel[2]];
            let [_, a, b] = LAB.convert(pixel);
            levels.count(pixel, (a * a + b * b).sqrt());
        }
        levels
    }

    /// Counts a pixel with its chroma in Lab.
    pub(crate) fn count(&mut self, pixel: [u8; 3], chroma: f32) {
        self.luma[(luma(pixel) + 0.5) as usize] += 1;
        for (levels, value) in self.channels.iter_mut().zip(pixel) {
            levels[usize::from(value)] += 1;
        }
        self.chroma[(chroma * 2.0).min(255.0) as usize] += 1;
    }

    /// Calls `each` with every quantile, roughly within -1..=1: those of luma, of red, green and blue, and of chroma.
    pub(crate) fn quantiles(&self, mut each: impl FnMut(f32)) {
        quantiles(&self.luma, &LUMA_SHARES, |q| each(q / 127.5 - 1.0));
        for levels in &self.channels {
            quantiles(levels, &CHANNEL_SHARES, |q| each(q / 127.5 - 1.0));
        }
        quantiles(&self.chroma, &CHROMA_SHARES, |q| each(q / 64.0 - 0.5));
    }
}

/// Calls `each` with the level below which each share of the counts lies; `shares` ascend.
pub(crate) fn quantiles(levels: &[u32; 256], shares: &[f64], mut each: impl FnMut(f32)) {
    let total: u32 = levels.iter().sum();
    let (mut level, mut below) = (0, levels[0]);
    for &share in shares {
        let wanted = (share * f64::from(total)).max(1.0);
        while f64::from(below) < wanted && level < 255 {
            level += 1;
            below += levels[level];
        }
        each(level as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let mut levels = [0; 256];
        (levels[10], levels[20], levels[30]) = (1, 2, 1);
        let mut seen = Vec::new();
        quantiles(&levels, &[0.0, 0.25, 0.5, 0.75, 1.0], |q| seen.push(q));
        assert_eq!(seen, [10.0, 10.0, 20.0, 20.0, 30.0]);
    }

    #[test]
    fn every_quantile_of_a_grey_photo_is_its_grey() {
        let mut seen = Vec::new();
        Levels::of(&Photo::from_fn(5, 3, |_, _| [51; 3]).unwrap()).quantiles(|q| seen.push(q));
        assert_eq!(seen.len(), QUANTILES);
        let (levels, chroma) = seen.split_at(QUANTILES - CHROMA_SHARES.len());
        assert!(levels.iter().all(|&q| (q + 0.6).abs() < 1e-6), "{levels:?}");
        assert_eq!(chroma, [-0.5; CHROMA_SHARES.len()]);
    }
}
