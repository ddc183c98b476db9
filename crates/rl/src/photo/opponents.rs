//! Smooth histograms of opponent colours.

use std::sync::LazyLock;

/// Bins of each histogram, from -0.4 to 0.4 of the range.
const BINS: usize = 13;
const FURTHEST: f32 = 0.4;

/// Width of the bell by which a colour counts for bins around it, of the range.
const WIDTH: f32 = 0.05;

/// Differences of two levels: -255 to 255.
const RED_GREEN: usize = 511;
/// Red plus green less twice blue: -510 to 510.
const YELLOW_BLUE: usize = 1021;

/// How much each difference counts for each bin.
type Bells = Vec<[f32; BINS]>;

static OF_RED_GREEN: LazyLock<Bells> = LazyLock::new(|| bells(RED_GREEN, 255.0));
static OF_YELLOW_BLUE: LazyLock<Bells> = LazyLock::new(|| bells(YELLOW_BLUE, 510.0));

fn bells(differences: usize, range: f32) -> Bells {
    let of_difference = |index: usize| -> [f32; BINS] {
        let difference = (index as f32 - range) / range;
        std::array::from_fn(|bin| {
            let centre = FURTHEST * (2.0 * bin as f32 / (BINS - 1) as f32 - 1.0);
            (-((difference - centre) / WIDTH).powi(2)).exp()
        })
    };
    (0..differences).map(of_difference).collect()
}

/// How many pixels have each difference of red and green, and of yellow and blue.
pub(crate) struct Opponents {
    pixels: u32,
    red_green: [u32; RED_GREEN],
    yellow_blue: [u32; YELLOW_BLUE],
}

impl Opponents {
    /// Number of values that [`Opponents::histograms`] tells.
    pub(crate) const VALUES: usize = 2 * BINS;

    pub(crate) fn new() -> Self {
        Self { pixels: 0, red_green: [0; RED_GREEN], yellow_blue: [0; YELLOW_BLUE] }
    }

    /// Counts a pixel.
    pub(crate) fn count(&mut self, pixel: [u8; 3]) {
        let [red, green, blue] = pixel.map(usize::from);
        self.pixels += 1;
        self.red_green[255 + red - green] += 1;
        self.yellow_blue[510 + red + green - 2 * blue] += 1;
    }

    /// Calls `each` with the square root of every bin's share, which brings out the small ones: red against green, then yellow against
    /// blue.
    pub(crate) fn histograms(&self, mut each: impl FnMut(f32)) {
        for (counts, bells) in [(&self.red_green[..], &*OF_RED_GREEN), (&self.yellow_blue[..], &*OF_YELLOW_BLUE)] {
            let mut bins = [0.0_f32; BINS];
            for (&count, bells) in counts.iter().zip(bells).filter(|(count, _)| **count > 0) {
                bins.iter_mut().zip(bells).for_each(|(bin, bell)| *bin += count as f32 * bell);
            }
            bins.into_iter().for_each(|bin| each((bin / self.pixels.max(1) as f32).sqrt()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histograms(pixels: &[[u8; 3]]) -> Vec<f32> {
        let mut opponents = Opponents::new();
        pixels.iter().for_each(|&pixel| opponents.count(pixel));
        let mut values = Vec::new();
        opponents.histograms(|value| values.push(value));
        values
    }

    #[test]
    fn by_hand() {
        let grey = histograms(&[[70; 3], [200; 3]]);
        assert_eq!(grey.len(), Opponents::VALUES);
        for histogram in grey.chunks(BINS) {
            assert_eq!(histogram[BINS / 2], 1.0, "neutral is in the middle");
            // A bin is 0.8 / 12 of the range away from the next.
            let next = (-(0.8_f32 / 12.0 / 0.05).powi(2)).exp().sqrt();
            assert!((histogram[BINS / 2 + 1] - next).abs() < 1e-4 && (histogram[BINS / 2 - 1] - next).abs() < 1e-4);
            assert!(histogram[0] < 1e-6);
        }
        // 102 is 0.4 of the range: red against green at its end, yellow against blue at 0.2, which is bin nine.
        let red = histograms(&[[102, 0, 0]]);
        assert!((red[BINS - 1] - 1.0).abs() < 1e-5 && (red[BINS + 9] - 1.0).abs() < 1e-5, "{red:?}");
        let half = histograms(&[[102, 0, 0], [0, 0, 0]]);
        assert!((half[BINS - 1] - 0.5_f32.sqrt()).abs() < 1e-5, "half of the pixels");
    }

    #[test]
    fn extremes_and_nothing_are_counted() {
        for pixels in [&[[255, 0, 0], [0, 255, 0], [255, 255, 0], [0, 0, 255]][..], &[]] {
            assert!(histograms(pixels).iter().all(|value| value.is_finite()));
        }
    }
}
