//! Means of squares.

use std::hint::black_box;

use super::block::{BLOCK, Block, at, block, high_half};
use super::rows::{Around, filtered};
use super::{mirrored, mixed_photos, round};
use crate::Photo;

/// Mean of the square that reaches `radius` pixels to every side; between whole numbers the two are mixed.
pub(crate) fn blur(photo: &Photo, radius: f32) -> Photo {
    let (whole, share) = (radius.floor() as usize, radius.fract());
    let low = means(photo, whole);
    if share == 0.0 { low } else { mixed_photos(&low, means(photo, whole + 1), share) }
}

/// Largest radius of a square whose sum fits 16 bits.
const NARROW: usize = 7;

fn means(photo: &Photo, radius: usize) -> Photo {
    if radius == 0 {
        return photo.clone();
    }
    let mut columns = Columns::new(photo, radius);
    let side = 2 * radius + 1;
    if radius <= NARROW {
        let area = Area::new(side);
        return filtered(
            photo,
            radius,
            mirrored,
            #[inline(always)]
            |around| [columns.moved(around)],
            #[inline(always)]
            |[row], around| area.means(&few_added(row, around.from(), side)),
        );
    }
    // Sums of integers below 2^24, so that the mean is rounded once. An odd area leaves no ties.
    let reciprocal = 1.0 / (side * side) as f32;
    let mut window = Window { radius, sums: [0; 3] };
    filtered(
        photo,
        radius,
        mirrored,
        #[inline(always)]
        |around| [columns.moved(around)],
        #[inline(always)]
        |[row], around| {
            let sums = window.moved(row, around.from());
            block(|i| round(sums[i] as f32 * reciprocal))
        },
    )
}

/// Division by the area of a narrow square, by the reciprocal in 16 bits.
struct Area {
    half: u16,
    reciprocal: Vec<Block<u16>>,
    shift: u32,
}

impl Area {
    fn new(side: usize) -> Self {
        let area = (side * side) as u32;
        let shift = area.ilog2();
        let reciprocal = (1_u32 << (16 + shift)).div_ceil(area);
        // In memory for the sake of `high_half`.
        let reciprocal = black_box(vec![[reciprocal as u16; BLOCK]]);
        Self { half: area as u16 / 2, reciprocal, shift }
    }

    /// Rounded; an odd area leaves no ties.
    #[inline(always)]
    fn means(&self, sums: &Block<u16>) -> Block {
        let reciprocal = &self.reciprocal[0];
        block(|i| (high_half(sums[i] + self.half, reciprocal[i]) >> self.shift) as u8)
    }
}

/// Sums over the columns around a row. They move down by one addition and one subtraction.
struct Columns {
    reach: isize,
    sums: Vec<u16>,
}

impl Columns {
    fn new(photo: &Photo, radius: usize) -> Self {
        Self { reach: radius as isize, sums: vec![0; (photo.width() as usize * 3).next_multiple_of(BLOCK)] }
    }

    #[inline(always)]
    fn moved(&mut self, around: &Around<'_>) -> Block<u16> {
        let sums: &mut Block<u16> = self.sums[around.from()..].first_chunk_mut().expect("a whole number of blocks");
        if around.y() == 0 {
            // The window of the row above the first one.
            for offset in -self.reach - 1..self.reach {
                let row = around.row(offset);
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u16::from(value));
            }
        }
        let (enters, leaves) = (around.row(self.reach), around.row(-self.reach - 1));
        *sums = block(|i| sums[i] + u16::from(enters[i]) - u16::from(leaves[i]));
        *sums
    }
}

/// Sums of few columns, each anew, which is faster than moving because it is done for many at once.
#[inline(always)]
fn few_added(row: &[u16], from: usize, side: usize) -> Block<u16> {
    let mut sums = *at(row, from);
    for column in 1..side {
        let values = at(row, from + 3 * column);
        for i in 0..BLOCK {
            sums[i] += values[i];
        }
    }
    sums
}

/// Sums of many columns. They move to the right by one addition and one subtraction.
struct Window {
    radius: usize,
    sums: [u32; 3],
}

impl Window {
    #[inline(always)]
    fn moved(&mut self, row: &[u16], from: usize) -> Block<u32> {
        if from == 0 {
            self.sums = [0; 3];
            for pixel in row[..6 * self.radius].chunks_exact(3) {
                self.sums.iter_mut().zip(pixel).for_each(|(sum, &column)| *sum += u32::from(column));
            }
        }
        let (leaves, enters) = (at(row, from), at(row, from + 6 * self.radius));
        let mut sums = [0; BLOCK];
        for first in (0..BLOCK).step_by(3) {
            for (place, sum) in (first..).zip(&mut self.sums) {
                *sum += u32::from(enters[place]);
                sums[place] = *sum;
                *sum -= u32::from(leaves[place]);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_narrow_squares_are_exact() {
        for radius in 1..=NARROW {
            let side = 2 * radius + 1;
            let area = Area::new(side);
            let largest = 255 * (side * side) as u16;
            for sum in 0..=largest {
                let exact = (f64::from(sum) / (side * side) as f64).round() as u8;
                assert_eq!(area.means(&[sum; BLOCK])[0], exact, "{sum} of {side}x{side}");
            }
        }
    }

    #[test]
    fn by_hand() {
        let row = Photo::from_fn(4, 1, |x, _| [(x * 30) as u8; 3]).unwrap();
        let row = blur(&row, 1.0);
        // Mirrored: 30 0 30, 0 30 60, 30 60 90, 60 90 60.
        assert_eq!(row.pixels().iter().step_by(3).copied().collect::<Vec<_>>(), [20, 30, 60, 70]);
        let half = Photo::from_fn(4, 1, |x, _| [(x * 30) as u8; 3]).unwrap();
        let half = blur(&half, 0.5);
        assert_eq!(half.pixels().iter().step_by(3).copied().collect::<Vec<_>>(), [10, 30, 60, 80]);
    }

    #[test]
    fn a_square_wider_than_the_photo_keeps_a_flat_one() {
        let flat = Photo::from_fn(3, 2, |_, _| [7, 130, 255]).unwrap();
        assert_eq!(blur(&flat, 50.0), flat);
    }
}
