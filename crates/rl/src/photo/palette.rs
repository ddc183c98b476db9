//! Which colours there are at which lightness: a sky is bright and blue, foliage dark and green.

/// Levels along each axis.
const LEVELS: usize = 5;

/// Where luma, red against green and yellow against blue begin and end, of the range; what lies beyond counts for the last level.
const AXES: [(f32, f32); 3] = [(0.1, 0.9), (-0.24, 0.24), (-0.24, 0.24)];

/// A joint histogram of luma and two opponent colours. Each pixel is shared out among the eight levels around it, so that a small
/// shift moves a little.
pub(crate) struct Palette {
    pixels: f32,
    counts: [f32; Self::VALUES],
}

impl Palette {
    /// Number of values that [`Palette::shares`] tells.
    pub(crate) const VALUES: usize = LEVELS * LEVELS * LEVELS;

    pub(crate) fn new() -> Self {
        Self { pixels: 0.0, counts: [0.0; Self::VALUES] }
    }

    /// Counts a pixel.
    pub(crate) fn count(&mut self, pixel: [u8; 3]) {
        self.pixels += 1.0;
        let [red, green, blue] = pixel.map(|value| f32::from(value) / 255.0);
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        let place = |value: f32, (low, high): (f32, f32)| {
            let steps = (LEVELS - 1) as f32;
            let place = ((value - low) / (high - low) * steps).clamp(0.0, steps);
            let below = (place as usize).min(LEVELS - 2);
            (below, place - below as f32)
        };
        let places = [place(luma, AXES[0]), place(red - green, AXES[1]), place((red + green) / 2.0 - blue, AXES[2])];
        for corner in 0..8_usize {
            let (mut index, mut share) = (0, 1.0);
            for (axis, (below, above)) in places.into_iter().enumerate() {
                let up = corner >> axis & 1;
                index = index * LEVELS + below + up;
                share *= if up == 1 { above } else { 1.0 - above };
            }
            self.counts[index] += share;
        }
    }

    /// Calls `each` with the square root of the share of every step, which brings out the small ones.
    pub(crate) fn shares(&self, mut each: impl FnMut(f32)) {
        self.counts.iter().for_each(|count| each((count / self.pixels.max(1.0)).sqrt()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(pixels: &[[u8; 3]]) -> Vec<f32> {
        let mut palette = Palette::new();
        pixels.iter().for_each(|&pixel| palette.count(pixel));
        let mut values = Vec::new();
        palette.shares(|value| values.push(value));
        values
    }

    #[test]
    fn by_hand() {
        let index =
            |luma: usize, red_green: usize, yellow_blue: usize| (luma * LEVELS + red_green) * LEVELS + yellow_blue;
        let black = shares(&[[0; 3]]);
        assert_eq!(black.len(), Palette::VALUES);
        assert!((black[index(0, 2, 2)] - 1.0).abs() < 1e-4, "neutral and dark");
        let white = shares(&[[255; 3], [0; 3]]);
        assert!((white[index(4, 2, 2)] - 0.5_f32.sqrt()).abs() < 1e-3, "half of the pixels");
        // 178.5 is 0.7: three quarters of the way, on a step.
        assert!(shares(&[[178; 3]])[index(3, 2, 2)] > 0.98);
        let blue = shares(&[[0, 0, 255]]);
        assert!(blue[index(0, 2, 0)] + blue[index(1, 2, 0)] > 0.99, "{blue:?}");
    }

    #[test]
    fn every_pixel_counts_once() {
        let pixels = [[255, 0, 0], [0, 255, 0], [12, 99, 203], [130, 128, 126], [255, 255, 0]];
        let sum: f32 = shares(&pixels).iter().map(|share| share * share).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert!(shares(&[]).iter().all(|share| *share == 0.0));
    }
}
