//! The pixel loops behind the operations, one module per family.
//!
//! Neighbourhoods beyond the border are mirrored around the edge pixel (OpenCV's `REFLECT_101`).

pub(crate) mod balance;
mod block;
pub(crate) mod box_blur;
pub(crate) mod clahe;
pub(crate) mod colour;
pub(crate) mod fault;
pub(crate) mod filter;
pub(crate) mod gaussian;
pub(crate) mod geometry;
pub(crate) mod horizon;
pub(crate) mod hsv;
mod line;
pub(crate) mod median;
pub(crate) mod ranks;
pub(crate) mod rows;
mod shuffle;
pub(crate) mod thirds;
pub(crate) mod tone;

use block::{mapped, with_pixels};
use line::{Line, Shift};
use pulp::Arch;

use crate::{Photo, Sample};

/// What each of the 256 values of a channel becomes.
pub(crate) type Table = [u8; 256];

/// One table each for red, green and blue.
pub(crate) type Tables = [Table; 3];

/// Tabulates a tone curve over 0..=255; the result is rounded and clamped.
pub(crate) fn table(curve: impl Fn(f32) -> f32) -> Table {
    std::array::from_fn(|value| round(curve(value as f32)))
}

/// Tables that multiply red, green and blue.
pub(crate) fn factors(factors: [f32; 3]) -> Tables {
    factors.map(|factor| table(|v| v * factor))
}

/// Tables that change nothing.
pub(crate) fn identity_tables() -> Tables {
    [std::array::from_fn(|value| value as u8); 3]
}

/// One table for each channel that does what `first` does and then `second`.
pub(crate) fn composed(first: &Tables, second: &Tables) -> Tables {
    std::array::from_fn(|channel| first[channel].map(|value| second[channel][usize::from(value)]))
}

/// From this many values on, it pays to look for a line in the tables.
const MANY: usize = 1 << 16;

/// Looks every value up in the table of its channel.
pub(crate) fn apply_tables(photo: &mut Photo, tables: &Tables) {
    if photo.pixels().len() >= MANY {
        *photo = with_tables(photo, tables);
        return;
    }
    for pixel in photo.pixels_mut().as_chunks_mut().0 {
        *pixel = looked_up(tables, *pixel);
    }
}

/// A new photo of the values in the tables.
pub(crate) fn with_tables(photo: &Photo, tables: &Tables) -> Photo {
    if photo.pixels().len() >= MANY {
        if let Some(shift) = Shift::new(tables) {
            return mapped(
                photo,
                #[inline(always)]
                |values| shift.apply(values),
            );
        }
        if let Some(line) = Line::new(tables) {
            return mapped(
                photo,
                #[inline(always)]
                |values| line.apply(values),
            );
        }
    }
    let pixels: Vec<[u8; 3]> = photo.pixels().as_chunks().0.iter().map(|pixel| looked_up(tables, *pixel)).collect();
    with_pixels(photo, pixels.into_flattened())
}

#[inline(always)]
fn looked_up(tables: &Tables, [red, green, blue]: [u8; 3]) -> [u8; 3] {
    [tables[0][usize::from(red)], tables[1][usize::from(green)], tables[2][usize::from(blue)]]
}

/// The nearest 8-bit value, halves upwards, clamped.
#[inline(always)]
pub(crate) fn round(level: f32) -> u8 {
    u8::from_level(level)
}

/// Moves a value by `amount` (0 to 1) of the way to another.
#[inline(always)]
pub(crate) fn mixed(value: u8, other: u8, amount: f32) -> u8 {
    let here = f32::from(value);
    round(here + amount * (f32::from(other) - here))
}

/// Moves the first photo by `share` of the way to the second.
pub(crate) fn mixed_photos(low: &Photo, mut high: Photo, share: f32) -> Photo {
    vectorized(
        #[inline(always)]
        || {
            for (high, &low) in high.pixels_mut().iter_mut().zip(low.pixels()) {
                *high = mixed(low, *high, share);
            }
        },
    );
    high
}

/// Index inside `0..length` for a position beyond the border, mirrored around the edge element.
pub(crate) fn mirrored(position: isize, length: usize) -> usize {
    let length = length as isize;
    if length == 1 {
        return 0;
    }
    let period = 2 * (length - 1);
    let wrapped = position.rem_euclid(period);
    wrapped.min(period - wrapped) as usize
}

/// Calls `work`, a plain loop, compiled for the widest instructions that this processor has. Rust never reorders sums by
/// itself nor fuses multiplications into them, so that the result is the same to the last bit on every processor.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_repeats_without_the_edge() {
        let seen: Vec<usize> = (-4..8).map(|i| mirrored(i, 4)).collect();
        assert_eq!(seen, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(mirrored(-7, 1), 0);
    }
}
