//! Tones: how values are spread over the range.

use dodge_imaging::Photo;

/// Shares of the pixels below which the quantiles of luma lie.
const LUMA_SHARES: [f32; 13] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

/// The same of each channel.
const CHANNEL_SHARES: [f32; 7] = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99];

pub(super) const LENGTH: usize = LUMA_SHARES.len() + 2 + 3 * (CHANNEL_SHARES.len() + 2);

/// Histograms of luma, red, green and blue.
pub(super) struct Tones {
    counts: [[u32; 256]; 4],
    pixels: f32,
}

impl Tones {
    /// Of a photo and its luma.
    pub(super) fn of(photo: &Photo, luma: &[i16]) -> Self {
        let mut counts = [[0; 256]; 4];
        for (pixel, &luma) in photo.pixels().chunks_exact(3).zip(luma) {
            counts[0][luma as usize] += 1;
            for (count, &value) in counts[1..].iter_mut().zip(pixel) {
                count[usize::from(value)] += 1;
            }
        }
        Self { counts, pixels: photo.pixels().len() as f32 / 3.0 }
    }

    pub(super) fn tell(&self, numbers: &mut Vec<f32>) {
        numbers.extend(LUMA_SHARES.map(|share| quantile(&self.counts[0], share * self.pixels)));
        numbers.extend(self.mean_and_deviation());
        for counts in &self.counts[1..] {
            numbers.extend(CHANNEL_SHARES.map(|share| quantile(counts, share * self.pixels)));
            // Few clipped pixels tell as much as many: by the logarithm.
            for end in [&counts[..2], &counts[254..]] {
                let clipped = end.iter().sum::<u32>() as f32 / self.pixels;
                numbers.push((clipped + 1e-3).ln());
            }
        }
    }

    /// The value, 0 to 1, below which this share of the pixels lies in each channel.
    pub(super) fn channel_quantiles(&self, share: f32) -> [f32; 3] {
        std::array::from_fn(|channel| quantile(&self.counts[1 + channel], share * self.pixels))
    }

    /// Of luma, 0 to 1.
    fn mean_and_deviation(&self) -> [f32; 2] {
        let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
        for (value, &count) in self.counts[0].iter().enumerate() {
            let (value, count) = (value as f64 / 255.0, f64::from(count));
            sum += count * value;
            squares += count * value * value;
        }
        let count = f64::from(self.pixels);
        let mean = sum / count;
        [mean as f32, (squares / count - mean * mean).max(0.0).sqrt() as f32]
    }
}

/// Luma by Rec. 601 of each pixel, 0 to 255, in 16-bit fixed point: 19595 + 38470 + 7471 = 65536.
pub(super) fn luma(photo: &Photo) -> Vec<i16> {
    let of_pixel = |pixel: &[u8; 3]| {
        let [red, green, blue] = pixel.map(u32::from);
        ((19_595 * red + 38_470 * green + 7_471 * blue + 32_768) >> 16) as i16
    };
    photo.pixels().as_chunks::<3>().0.iter().map(of_pixel).collect()
}

/// The value, 0 to 1, below which `wanted` pixels lie. Within a level pixels count as spread evenly, so that it moves smoothly.
fn quantile(counts: &[u32; 256], wanted: f32) -> f32 {
    let mut below = 0.0;
    for (level, &count) in counts.iter().enumerate() {
        let count = count as f32;
        if below + count >= wanted && count > 0.0 {
            return (level as f32 + (wanted - below) / count - 0.5).clamp(0.0, 255.0) / 255.0;
        }
        below += count;
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let photo = Photo::from_fn(100, 1, |x, _| if x < 30 { [50; 3] } else { [200, 100, 0] }).expect("a photo");
        let tones = Tones::of(&photo, &luma(&photo));
        let near = |share: f32, expected: [f32; 3]| {
            let got = tones.channel_quantiles(share).map(|value| value * 255.0);
            assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 0.5), "{share}: {got:?}");
        };
        near(0.1, [50.0, 50.0, 0.0]);
        near(0.5, [200.0, 100.0, 0.0]);
        near(0.99, [200.0, 100.0, 50.0]);
        let [mean, _] = tones.mean_and_deviation();
        let luma = (0.3 * 50.0 + 0.7 * (0.299 * 200.0 + 0.587 * 100.0)) / 255.0;
        assert!((mean - luma).abs() < 0.003, "{mean} instead of {luma}");
    }
}
