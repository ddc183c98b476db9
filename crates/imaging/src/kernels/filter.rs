//! Sharpening by the 3x3 around each pixel.

use super::block::{at, block};
use super::rows::filtered;
use super::{mirrored, round};
use crate::Photo;

/// Adds `amount` times the difference of each pixel from its four neighbours.
pub(crate) fn add_laplacian(photo: &Photo, amount: f32) -> Photo {
    filtered(
        photo,
        1,
        mirrored,
        #[inline(always)]
        |around| {
            let (up, here, down) = (around.row(-1), around.row(0), around.row(1));
            let here = block(|i| i16::from(here[i]));
            [here, block(|i| 4 * here[i] - i16::from(up[i]) - i16::from(down[i]))]
        },
        #[inline(always)]
        |[here, vertical], around| {
            let from = around.from();
            let (left, here, right) = (at(here, from), at(here, from + 3), at(here, from + 6));
            let vertical = at(vertical, from + 3);
            block(|i| sharpened(here[i], vertical[i] - left[i] - right[i], amount))
        },
    )
}

/// Adds `amount` times the difference of each pixel from all eight around it.
pub(crate) fn add_laplacian_of_eight(photo: &Photo, amount: f32) -> Photo {
    filtered(
        photo,
        1,
        mirrored,
        #[inline(always)]
        |around| {
            let (up, here, down) = (around.row(-1), around.row(0), around.row(1));
            let here = block(|i| i16::from(here[i]));
            [here, block(|i| here[i] + i16::from(up[i]) + i16::from(down[i]))]
        },
        #[inline(always)]
        |[here, sums], around| {
            let from = around.from();
            let here = at(here, from + 3);
            let (left, middle, right) = (at(sums, from), at(sums, from + 3), at(sums, from + 6));
            block(|i| sharpened(here[i], 9 * here[i] - left[i] - middle[i] - right[i], amount))
        },
    )
}

#[inline(always)]
fn sharpened(here: i16, laplacian: i16, amount: f32) -> u8 {
    round(f32::from(here) + amount * f32::from(laplacian))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laplacian_by_hand() {
        // A single column: the neighbours left and right are the pixel itself.
        let photo = Photo::new(1, 3, vec![10, 10, 10, 20, 20, 20, 40, 40, 40]).unwrap();
        let result = add_laplacian(&photo, 0.5);
        // Middle: 20 + 0.5 (80 - 10 - 40 - 20 - 20) = 15. Top: 10 + 0.5 (40 - 20 - 20 - 10 - 10) = 0.
        assert_eq!(result.pixels()[..6], [0, 0, 0, 15, 15, 15]);
    }

    #[test]
    fn laplacian_of_eight_by_hand() {
        let photo = Photo::from_fn(3, 3, |x, y| if (x, y) == (1, 1) { [20; 3] } else { [18; 3] }).unwrap();
        let result = add_laplacian_of_eight(&photo, 1.0);
        // Middle: 20 + 8 * 2. The corner sees the middle four times, by the mirror: 18 - 4 * 2.
        assert_eq!((result.pixel(1, 1), result.pixel(0, 0)), ([36; 3], [10; 3]));
    }
}
