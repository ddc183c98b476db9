//! Gaussian blur, and what goes beyond it.

use std::hint::black_box;

use super::block::{BLOCK, Block, at, block, high_half};
use super::rows::filtered;
use super::{mirrored, round};
use crate::Photo;

/// Gaussian blurs from here on, in pixels, are computed on a photo scaled down.
pub(crate) const WIDE_BLUR: f32 = 8.0;

/// Standard deviation of the blur behind clarity, in pixels.
pub(crate) fn clarity_sigma(longer_side: u32) -> f32 {
    (0.02 * longer_side as f32).max(0.5)
}

/// Gaussian blur of `sigma` pixels; below 0.05 nothing changes.
pub(crate) fn blur(photo: &Photo, sigma: f32) -> Photo {
    if sigma < 0.05 {
        return photo.clone();
    }
    blurred(photo, sigma, None)
}

/// Adds `amount` times the difference of each pixel from a Gaussian blur of `sigma` pixels; `amount` lies within 8.
pub(crate) fn add_detail(photo: &Photo, sigma: f32, amount: f32) -> Photo {
    blurred(photo, sigma, Some(amount))
}

/// Most pixels that a blur of fixed point reaches to each side. Further out, weights have few bits.
const FIXED_REACH: usize = 32;

/// The blurred photo, or so many times the difference from it added.
fn blurred(photo: &Photo, sigma: f32, detail: Option<f32>) -> Photo {
    let weights = gaussian_weights(sigma);
    if weights.len() <= FIXED_REACH + 1 {
        weighted(photo, &fixed_weights(&weights), weights.len() as u16 / 2, detail)
    } else {
        weighted(photo, &weights, 0.0, detail)
    }
}

/// Bits behind the point of integers.
const POINT: u32 = 7;

/// A number in which weighted values are summed.
trait Sum: Copy + Default {
    /// The sum of two values, with as many bits behind the point in integers.
    fn of_values(a: u8, b: u8, point: u32) -> Self;

    /// The sum of two sums that were weighted.
    fn of_sums(a: Self, b: Self) -> Self;

    /// Adds a sum of two, times its weight.
    fn add(self, pair: Self, weight: Self) -> Self;

    /// The nearest value.
    fn nearest(self) -> u8;

    /// How many times the difference is added, in a form of its own.
    type Strength: Copy + Default;

    fn strength(amount: f32) -> Self::Strength;

    /// A value and so many times its difference from the sum.
    fn beyond(self, here: u8, strength: Self::Strength) -> u8;
}

/// Twice as many at a time as floats.
impl Sum for u16 {
    #[inline(always)]
    fn of_values(a: u8, b: u8, point: u32) -> u16 {
        (u16::from(a) + u16::from(b)) << point
    }

    #[inline(always)]
    fn of_sums(a: u16, b: u16) -> u16 {
        a + b
    }

    /// The upper half of the product.
    #[inline(always)]
    fn add(self, pair: u16, weight: u16) -> u16 {
        self + high_half(pair, weight)
    }

    #[inline(always)]
    fn nearest(self) -> u8 {
        ((self + (1 << POINT) / 2) >> POINT) as u8
    }

    type Strength = i16;

    /// Twelve bits behind the point.
    fn strength(amount: f32) -> i16 {
        (amount * 4096.0).round() as i16
    }

    #[inline(always)]
    fn beyond(self, here: u8, strength: i16) -> u8 {
        let difference = (i16::from(here) << POINT) - self as i16;
        // The upper half of the product, rounded: four bits behind the point are left.
        let moved = (((i32::from(difference) * i32::from(strength)) >> 14) + 1) >> 1;
        ((i16::from(here) << 4).saturating_add(moved as i16).saturating_add(8) >> 4).clamp(0, 255) as u8
    }
}

impl Sum for f32 {
    #[inline(always)]
    fn of_values(a: u8, b: u8, _: u32) -> f32 {
        f32::from(u16::from(a) + u16::from(b))
    }

    #[inline(always)]
    fn of_sums(a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn add(self, pair: f32, weight: f32) -> f32 {
        self + weight * pair
    }

    #[inline(always)]
    fn nearest(self) -> u8 {
        round(self)
    }

    type Strength = f32;

    fn strength(amount: f32) -> f32 {
        amount
    }

    #[inline(always)]
    fn beyond(self, here: u8, strength: f32) -> u8 {
        let here = f32::from(here);
        round(here + strength * (here - self))
    }
}

/// Sums down and then across, each beginning with `start`. That gives back what [`Sum::add`] leaves out in 16 bits: on
/// average half of a unit for each weight.
fn weighted<S: Sum>(photo: &Photo, weights: &[S], start: S, detail: Option<f32>) -> Photo {
    let reach = weights.len() - 1;
    // With a weight for each place and a number that the compiler does not know, it multiplies 16 bits by 16 bits. Otherwise
    // it would widen both to 32 first.
    let strength = black_box([S::strength(detail.unwrap_or(0.0)); BLOCK]);
    let weights: Vec<Block<S>> = weights.iter().map(|&weight| [weight; BLOCK]).collect();
    let point = black_box(POINT);
    filtered(
        photo,
        reach,
        mirrored,
        #[inline(always)]
        |around| {
            let mut sums = [start; BLOCK];
            for (distance, weight) in (0..).zip(&weights) {
                let (above, below) = (around.row(-distance), around.row(distance));
                sums = block(|i| sums[i].add(S::of_values(above[i], below[i], point), weight[i]));
            }
            [sums]
        },
        #[inline(always)]
        |[row], around| {
            let middle = around.from() + 3 * reach;
            let mut sums = [start; BLOCK];
            for (distance, weight) in weights.iter().enumerate() {
                let (left, right) = (at(row, middle - 3 * distance), at(row, middle + 3 * distance));
                sums = block(|i| sums[i].add(S::of_sums(left[i], right[i]), weight[i]));
            }
            if detail.is_none() {
                return block(|i| sums[i].nearest());
            }
            let here = around.row(0);
            block(|i| sums[i].beyond(here[i], strength[i]))
        },
    )
}

/// The weights in 16 bits behind the point, summing to a half.
fn fixed_weights(weights: &[f32]) -> Vec<u16> {
    let mut fixed: Vec<u16> = weights.iter().map(|weight| (weight * 65_536.0).round() as u16).collect();
    fixed[0] = (1 << 15) - fixed[1..].iter().sum::<u16>();
    fixed
}

/// Gaussian weights by distance from the centre out to three standard deviations, summing to a half: those of the centre and
/// of pairs around it, of which the centre itself is one that is halved.
pub(crate) fn gaussian_weights(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let mut weights: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    for weight in &mut weights {
        *weight /= total;
    }
    weights[0] /= 2.0;
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_a_flat_photo_and_spreads_a_point_evenly() {
        let flat = Photo::from_fn(7, 5, |_, _| [40, 50, 60]).unwrap();
        assert_eq!(blur(&flat, 3.0), flat);

        let point = Photo::from_fn(41, 41, |x, y| if (x, y) == (20, 20) { [255; 3] } else { [0; 3] }).unwrap();
        let point = blur(&point, 2.0);
        for distance in 0..7 {
            let around = [(20 - distance, 20), (20 + distance, 20), (20, 20 - distance), (20, 20 + distance)];
            let values = around.map(|(x, y)| point.pixel(x, y)[0]);
            assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
        }
        // 255 / (2 pi sigma^2) at the centre.
        assert_eq!(point.pixel(20, 20)[0], 10);
    }

    #[test]
    fn every_flat_value_stays() {
        let values = Photo::from_fn(1, 1, |_, _| [0; 3]).unwrap();
        for sigma in [0.05, 0.3, 0.5, 0.8, 1.0, 1.4, 2.0, 3.3, 5.0, 7.7, 10.6, 12.0, 80.0] {
            for value in 0..=255 {
                let mut flat = values.clone();
                flat.pixels_mut().fill(value);
                assert_eq!(blur(&flat, sigma), flat, "sigma {sigma}");
            }
        }
    }
}
