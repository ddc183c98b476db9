//! Sharpening and Gaussian blur.

use super::wide::{WORDS, Wide, WideWork, on_wide};
use super::{mirrored, round, vectorized};
use crate::Photo;

/// Adds `amount` times the difference of each pixel from its four neighbours.
pub(crate) fn add_laplacian(photo: &Photo, amount: f32) -> Photo {
    from_neighbours(
        photo,
        #[inline(always)]
        |[_, up, _, left, here, right, _, down, _]| {
            let laplacian = 4 * here - up - down - left - right;
            round(here as f32 + amount * laplacian as f32)
        },
    )
}

/// Adds `amount` times the difference of each pixel from all eight around it.
pub(crate) fn add_laplacian_of_eight(photo: &Photo, amount: f32) -> Photo {
    from_neighbours(
        photo,
        #[inline(always)]
        |around| {
            let here = around[4];
            let laplacian = 9 * here - around.iter().sum::<i16>();
            round(here as f32 + amount * laplacian as f32)
        },
    )
}

/// Values that are worked on together: local arrays, which the compiler knows to lie apart, so that loops over them become wide
/// instructions.
const BLOCK: usize = 64;

type Three<'a> = (&'a [u8; BLOCK], &'a [u8; BLOCK], &'a [u8; BLOCK]);

#[inline(always)]
fn load<T, const N: usize>(row: &[T], at: usize) -> &[T; N] {
    row[at..].first_chunk().expect("rows are filled up to whole blocks")
}

/// Computes every value from the 3x3 around it, row by row.
fn from_neighbours(photo: &Photo, work: impl Fn([i16; 9]) -> u8) -> Photo {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let source = photo.pixels();
    // Three rows with their margins, filled up to whole blocks.
    let mut rows: [Vec<u8>; 3] = std::array::from_fn(|_| vec![0; stride.next_multiple_of(BLOCK) + 6]);
    let fill = |row: &mut Vec<u8>, y: isize| {
        row[3..stride + 3].copy_from_slice(&source[mirrored(y, height) * stride..][..stride]);
        fill_margins(&mut row[..stride + 6], 1);
    };
    fill(&mut rows[1], -1);
    fill(&mut rows[2], 0);
    let mut result = Vec::with_capacity(stride * height);
    vectorized(
        #[inline(always)]
        || {
            for y in 0..height as isize {
                rows.rotate_left(1);
                fill(&mut rows[2], y + 1);
                let [above, here, below] = &rows;
                for at in (0..stride).step_by(BLOCK) {
                    let (a, b, c): Three<'_> = (load(above, at), load(above, at + 3), load(above, at + 6));
                    let (d, e, f): Three<'_> = (load(here, at), load(here, at + 3), load(here, at + 6));
                    let (g, h, k): Three<'_> = (load(below, at), load(below, at + 3), load(below, at + 6));
                    let mut values = [0; BLOCK];
                    for i in 0..BLOCK {
                        let around = [a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i], k[i]];
                        values[i] = work(around.map(i16::from));
                    }
                    result.extend_from_slice(&values[..BLOCK.min(stride - at)]);
                }
            }
        },
    );
    Photo::new(photo.width(), photo.height(), result).expect("the size stays")
}

/// Adds `amount` times the difference of each pixel from a Gaussian blur of `sigma` pixels.
pub(crate) fn add_detail(photo: &Photo, sigma: f32, amount: f32) -> Photo {
    blurred(
        photo,
        sigma,
        #[inline(always)]
        |value, soft| {
            let here = f32::from(value);
            round(here + amount * (here - f32::from(soft) / PARTS))
        },
    )
}

/// Gaussian blur of `sigma` pixels; below 0.05 nothing changes.
pub(crate) fn gaussian_blur(photo: &Photo, sigma: f32) -> Photo {
    if sigma < 0.05 {
        return photo.clone();
    }
    blurred(
        photo,
        sigma,
        #[inline(always)]
        |_, soft| ((soft + 64) >> 7).min(255) as u8,
    )
}

/// Least width of a photo that can be blurred here, in pixels.
pub(crate) const NARROWEST: u32 = BLOCK.div_ceil(3) as u32;

/// Parts of a level in which blurred values are counted, so that twice the brightest fits into 16 bit.
const PARTS: f32 = 128.0;

/// Replaces each value by what `finish` makes of it and its blurred self, in parts of a level. Sums are within a tenth of a level of the exact
/// ones as long as a few dozen pixels are summed.
///
/// # Panics
/// When a row has less values than a block, see [`NARROWEST`].
fn blurred(photo: &Photo, sigma: f32, finish: impl Fn(u8, u16) -> u8) -> Photo {
    // Shares of 2^16; the one in the middle of a narrow blur may be nearly all.
    let share = |weight: &f32| (weight * 65_536.0).min(65_535.0).round() as u16;
    let weights: Vec<u16> = gaussian_weights(sigma).iter().map(share).collect();
    on_wide(Blur { photo, weights: &weights, finish })
}

struct Blur<'a, F> {
    photo: &'a Photo,
    /// By distance from the middle.
    weights: &'a [u16],
    finish: F,
}

impl<F: Fn(u8, u16) -> u8> WideWork for Blur<'_, F> {
    type Output = Photo;

    /// First down, then across, one row at a time. The last block of a row lies over the one before it.
    #[inline(always)]
    fn run(self, wide: impl Wide) -> Photo {
        let Self { photo, weights, finish } = self;
        let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
        let reach = weights.len() - 1;
        let blocks = || (0..stride).step_by(BLOCK).map(|at| at.min(stride - BLOCK));
        // A row summed downwards, with its margins.
        let mut padded = vec![0_u16; stride + 6 * reach];
        let mut line = vec![0; stride];
        let mut result = Vec::with_capacity(stride * height);
        let mut rows: Vec<&[u8]> = Vec::with_capacity(2 * reach + 1);
        for y in 0..height as isize {
            rows.clear();
            let around = y - reach as isize..=y + reach as isize;
            rows.extend(around.map(|y| &photo.pixels()[mirrored(y, height) * stride..][..stride]));
            for at in blocks() {
                let sums = summed(
                    wide,
                    weights,
                    #[inline(always)]
                    |place| {
                        let [a, b, c, d] = quarters(load::<u8, BLOCK>(rows[place], at));
                        [wide.shifted(a), wide.shifted(b), wide.shifted(c), wide.shifted(d)]
                    },
                );
                for (part, sum) in sums.into_iter().enumerate() {
                    padded[3 * reach + at + part * WORDS..][..WORDS].copy_from_slice(&wide.to_words(sum));
                }
            }
            fill_margins(&mut padded, reach);
            for at in blocks() {
                let soft = summed(
                    wide,
                    weights,
                    #[inline(always)]
                    |place| {
                        let [a, b, c, d] = quarters(load::<u16, BLOCK>(&padded, 3 * place + at));
                        [wide.words(a), wide.words(b), wide.words(c), wide.words(d)]
                    },
                );
                let here = load::<u8, BLOCK>(rows[reach], at);
                let mut values = [0; BLOCK];
                for (part, soft) in soft.into_iter().enumerate() {
                    let soft = wide.to_words(soft);
                    for i in 0..WORDS {
                        values[part * WORDS + i] = finish(here[part * WORDS + i], soft[i]);
                    }
                }
                line[at..at + BLOCK].copy_from_slice(&values);
            }
            result.extend_from_slice(&line);
        }
        Photo::new(photo.width(), photo.height(), result).expect("the size stays")
    }
}

/// Registers that make up a block.
const PARTS_OF_BLOCK: usize = BLOCK / WORDS;

#[inline(always)]
fn quarters<T>(block: &[T; BLOCK]) -> [&[T; WORDS]; PARTS_OF_BLOCK] {
    [load(block, 0), load(block, WORDS), load(block, 2 * WORDS), load(block, 3 * WORDS)]
}

/// The weighted sums of blocks by their place around the middle one, in parts of a level, with symmetric weights by distance in shares
/// of 2^16. Each product is cut, and half of a part is made good for each.
#[inline(always)]
fn summed<W: Wide>(
    wide: W,
    weights: &[u16],
    block: impl Fn(usize) -> [W::Words; PARTS_OF_BLOCK],
) -> [W::Words; PARTS_OF_BLOCK] {
    let reach = weights.len() - 1;
    let mut sums = block(reach);
    for sum in &mut sums {
        let middle = wide.upper_product(*sum, wide.all(weights[0]));
        *sum = wide.sum(wide.all(weights.len() as u16 / 2), middle);
    }
    for (distance, &weight) in (1..).zip(&weights[1..]) {
        let (before, after, weight) = (block(reach - distance), block(reach + distance), wide.all(weight));
        for part in 0..PARTS_OF_BLOCK {
            let pair = wide.sum(before[part], after[part]);
            sums[part] = wide.sum(sums[part], wide.upper_product(pair, weight));
        }
    }
    sums
}

/// `target[i] = sum over offsets of weight * source(offset)[i]`, the weights being symmetric and indexed by distance.
#[inline(always)]
pub(crate) fn weighted_sum<'a, T: Copy + 'a>(
    target: &mut [f32],
    weights: &[f32],
    source: impl Fn(isize) -> &'a [T],
    number: impl Fn(T) -> f32,
) {
    for (value, &centre) in target.iter_mut().zip(source(0)) {
        *value = weights[0] * number(centre);
    }
    for (distance, &weight) in weights.iter().enumerate().skip(1) {
        let (before, after) = (source(-(distance as isize)), source(distance as isize));
        for ((value, &before), &after) in target.iter_mut().zip(before).zip(after) {
            *value += weight * (number(before) + number(after));
        }
    }
}

/// Gaussian weights by distance from the centre out to three standard deviations, summing to 1 over both sides.
pub(crate) fn gaussian_weights(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let mut weights: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    for weight in &mut weights {
        *weight /= total;
    }
    weights
}

/// Mirrors the pixels of a row into its margins, each `reach` pixels wide.
pub(crate) fn fill_margins<T: Copy>(row: &mut [T], reach: usize) {
    let width = row.len() / 3 - 2 * reach;
    for step in 1..=reach {
        let sides = [(reach - step, -(step as isize)), (reach + width + step - 1, (width + step - 1) as isize)];
        for (to, from) in sides {
            let from = reach + mirrored(from, width);
            row.copy_within(3 * from..3 * from + 3, 3 * to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_a_flat_photo_and_spreads_a_point_evenly() {
        // Every value, in blurs of all widths.
        let flat = Photo::from_fn(NARROWEST, 256, |_, y| [y as u8; 3]).unwrap();
        for sigma in [0.3, 0.5, 1.0, 2.2, 4.0, 7.9] {
            for y in 0..256 {
                let row = flat.cropped(0, y, NARROWEST, 1);
                assert_eq!(gaussian_blur(&row, sigma), row, "{sigma} at {y}");
            }
        }

        let point = Photo::from_fn(41, 41, |x, y| if (x, y) == (20, 20) { [255; 3] } else { [0; 3] }).unwrap();
        let point = gaussian_blur(&point, 2.0);
        for distance in 0..7 {
            let around = [(20 - distance, 20), (20 + distance, 20), (20, 20 - distance), (20, 20 + distance)];
            let values = around.map(|(x, y)| point.pixel(x, y)[0]);
            assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
        }
        // 255 / (2 pi sigma^2) at the centre.
        assert_eq!(point.pixel(20, 20)[0], 10);
    }

    #[test]
    fn laplacian_by_hand() {
        // A single column: the neighbours left and right are the pixel itself.
        let photo = Photo::new(1, 3, vec![10, 10, 10, 20, 20, 20, 40, 40, 40]).unwrap();
        let photo = add_laplacian(&photo, 0.5);
        // Middle: 20 + 0.5 (80 - 10 - 40 - 20 - 20) = 15. Top: 10 + 0.5 (40 - 20 - 20 - 10 - 10) = 0.
        assert_eq!(photo.pixels()[..6], [0, 0, 0, 15, 15, 15]);
    }

    #[test]
    fn laplacian_of_eight_by_hand() {
        let photo = Photo::from_fn(3, 3, |x, y| if (x, y) == (1, 1) { [20; 3] } else { [18; 3] }).unwrap();
        let photo = add_laplacian_of_eight(&photo, 1.0);
        // Middle: 20 + 8 * 2. The corner sees the middle four times, by the mirror: 18 - 4 * 2.
        assert_eq!((photo.pixel(1, 1), photo.pixel(0, 0)), ([36; 3], [10; 3]));
    }

    #[test]
    fn margins_mirror_around_the_edge_pixel() {
        let mut row = vec![0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0];
        fill_margins(&mut row, 2);
        assert_eq!(row.iter().step_by(3).copied().collect::<Vec<_>>(), [3, 2, 1, 2, 3, 2, 1]);
    }
}
