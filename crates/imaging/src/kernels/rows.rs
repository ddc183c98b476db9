//! Filters in two steps, down the columns and then across what that left, or in one step over the rows around.

use super::block::{BLOCK, Block, at, with_pixels};
use super::vectorized;
use crate::Photo;

/// The values above and below one block.
pub(super) struct Around<'a> {
    /// The rows of the photo from `reach + 1` above to as many below.
    lines: &'a [&'a [u8]],
    y: usize,
    from: usize,
}

impl Around<'_> {
    /// The block `offset` rows further down, at most `reach + 1`. What follows behind the end of the row does not matter.
    #[inline(always)]
    pub(super) fn row(&self, offset: isize) -> &Block {
        at(self.lines[(self.lines.len() / 2).wrapping_add_signed(offset)], self.from)
    }

    /// The row of the photo.
    #[inline(always)]
    pub(super) fn y(&self) -> usize {
        self.y
    }

    /// The first value of the block in its row.
    #[inline(always)]
    pub(super) fn from(&self) -> usize {
        self.from
    }
}

/// The rows of a photo, each at least a whole number of blocks long.
struct Lines<'a> {
    pixels: &'a [u8],
    stride: usize,
    /// The rows from which on fewer values follow in the photo, filled up.
    last: Vec<u8>,
    last_row: usize,
}

impl<'a> Lines<'a> {
    fn new(photo: &'a Photo) -> Self {
        let (pixels, stride) = (photo.pixels(), photo.width() as usize * 3);
        let length = stride.next_multiple_of(BLOCK);
        let last_row = (pixels.len() / stride).saturating_sub(length / stride);
        let mut last = pixels[last_row * stride..].to_vec();
        last.resize(last.len() + BLOCK, 0);
        Self { pixels, stride, last, last_row }
    }

    fn line(&self, y: usize) -> &[u8] {
        match y.checked_sub(self.last_row) {
            Some(y) => &self.last[y * self.stride..],
            None => &self.pixels[y * self.stride..],
        }
    }
}

/// The rows of a step across: in each, the value `i` of the photo's row is at `i + 3 reach`.
pub(super) type Rows<T, const N: usize> = [Vec<T>; N];

/// A new photo of the same size. For each of its rows, `down` makes blocks of `N` rows from what lies above and below; these get
/// margins of `reach` pixels, filled from the places that `beyond` names; and `across` makes a block of the result.
#[inline(always)]
pub(super) fn filtered<T: Copy + Default, const N: usize>(
    photo: &Photo,
    reach: usize,
    beyond: fn(isize, usize) -> usize,
    mut down: impl FnMut(&Around<'_>) -> [Block<T>; N],
    mut across: impl FnMut(&Rows<T, N>, &Around<'_>) -> Block,
) -> Photo {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let margin = 3 * reach;
    let mut rows: Rows<T, N> = std::array::from_fn(|_| vec![T::default(); stride.next_multiple_of(BLOCK) + 2 * margin]);
    let source = Lines::new(photo);
    let mut lines = Vec::with_capacity(2 * reach + 3);
    // The last block of a row reaches into the next one, which comes after it, or behind the last.
    let mut pixels = vec![0; stride * height + BLOCK];
    vectorized(
        #[inline(always)]
        || {
            for y in 0..height {
                lines.clear();
                lines.extend(
                    (0..2 * reach + 3)
                        .map(|line| source.line(beyond(y as isize + line as isize - reach as isize - 1, height))),
                );
                for from in (0..stride).step_by(BLOCK) {
                    let results = down(&Around { lines: &lines, y, from });
                    for (row, result) in rows.iter_mut().zip(&results) {
                        row[margin + from..][..BLOCK].copy_from_slice(result);
                    }
                }
                rows.iter_mut().for_each(|row| fill_margins(&mut row[..stride + 2 * margin], reach, beyond));
                for from in (0..stride).step_by(BLOCK) {
                    let result = across(&rows, &Around { lines: &lines, y, from });
                    pixels[y * stride + from..][..BLOCK].copy_from_slice(&result);
                }
            }
        },
    );
    pixels.truncate(stride * height);
    with_pixels(photo, pixels)
}

/// A new photo of the same size, block by block from the rows around: `work` gets those from `REACH` above to as many below,
/// each with margins of `REACH` pixels, filled from the places that `beyond` names, and where in them the block begins.
#[inline(always)]
pub(super) fn over_rows<const REACH: usize, const N: usize>(
    photo: &Photo,
    beyond: fn(isize, usize) -> usize,
    work: impl Fn(&[&[u8]; N], usize) -> Block,
) -> Photo {
    const { assert!(N == 2 * REACH + 1, "rows above, the row, rows below") };
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let margin = 3 * REACH;
    // Row `y` of the photo is in place `y % N`.
    let mut rows: [Vec<u8>; N] = std::array::from_fn(|_| vec![0; stride.next_multiple_of(BLOCK) + 2 * margin]);
    let fill = |row: &mut Vec<u8>, y: usize| {
        row[margin..][..stride].copy_from_slice(&photo.pixels()[y * stride..][..stride]);
        fill_margins(&mut row[..stride + 2 * margin], REACH, beyond);
    };
    (0..REACH.min(height)).for_each(|y| fill(&mut rows[y % N], y));
    // The last block of a row reaches into the next one, which comes after it, or behind the last.
    let mut pixels = vec![0; stride * height + BLOCK];
    vectorized(
        #[inline(always)]
        || {
            for y in 0..height {
                if y + REACH < height {
                    fill(&mut rows[(y + REACH) % N], y + REACH);
                }
                let place = |line: usize| beyond((y + line) as isize - REACH as isize, height) % N;
                let around: [&[u8]; N] = std::array::from_fn(|line| &*rows[place(line)]);
                for from in (0..stride).step_by(BLOCK) {
                    let result = work(&around, from);
                    pixels[y * stride + from..][..BLOCK].copy_from_slice(&result);
                }
            }
        },
    );
    pixels.truncate(stride * height);
    with_pixels(photo, pixels)
}

/// Copies pixels of a row into its margins, each `reach` pixels wide.
pub(crate) fn fill_margins<T: Copy>(row: &mut [T], reach: usize, beyond: fn(isize, usize) -> usize) {
    let width = row.len() / 3 - 2 * reach;
    for step in 1..=reach {
        let sides = [(reach - step, -(step as isize)), (reach + width + step - 1, (width + step - 1) as isize)];
        for (to, from) in sides {
            let from = reach + beyond(from, width);
            row.copy_within(3 * from..3 * from + 3, 3 * to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::mirrored;

    #[test]
    fn margins_mirror_around_the_edge_pixel() {
        let mut row = vec![0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0];
        fill_margins(&mut row, 2, mirrored);
        assert_eq!(row.iter().step_by(3).copied().collect::<Vec<_>>(), [3, 2, 1, 2, 3, 2, 1]);
    }
}
