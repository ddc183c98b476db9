//! Loops over blocks of values, which the compiler turns into wide instructions.
//!
//! It does so where the length is known, nothing that is read can be what is written, and the body is inlined whole. So the
//! results of a block go to an array of their own and are appended to the photo from there, which also spares the new
//! photo from being filled with zeros first.

use super::vectorized;
use crate::Photo;

/// Values of a block: whole pixels, whole registers, and few enough that a copy of a block is no call.
pub(super) const BLOCK: usize = 192;

pub(super) type Block<T = u8> = [T; BLOCK];

/// A block of what `work` makes of each place in it.
#[inline(always)]
pub(super) fn block<T: Copy + Default>(work: impl Fn(usize) -> T) -> Block<T> {
    let mut result = [T::default(); BLOCK];
    for (i, value) in result.iter_mut().enumerate() {
        *value = work(i);
    }
    result
}

/// Several blocks at once. Values come through a reference, because short arrays that are passed otherwise are packed into
/// one number, which wide instructions must take apart again.
#[expect(clippy::needless_range_loop, reason = "only so do the loops become wide instructions")]
#[inline(always)]
pub(super) fn blocks<T: Copy + Default, const N: usize>(work: impl Fn(usize, &mut [T; N])) -> [Block<T>; N] {
    let mut results = [[T::default(); BLOCK]; N];
    for i in 0..BLOCK {
        let mut values = [T::default(); N];
        work(i, &mut values);
        for n in 0..N {
            results[n][i] = values[n];
        }
    }
    results
}

/// The upper halves of products. Both come from memory: of a factor that the compiler knows to be the same everywhere, it
/// would make 32 bits first.
#[inline(always)]
pub(super) fn high_half(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b)) >> 16) as u16
}

/// The block that begins at `from`, in a row that was filled up to whole blocks.
#[inline(always)]
pub(super) fn at<T>(row: &[T], from: usize) -> &Block<T> {
    row[from..].first_chunk().expect("the row is filled up to whole blocks")
}

/// Values that are appended at once: so few that they are still at hand, so many that this does not count.
const PIECE: usize = 64 * BLOCK;

/// A new photo, block by block; the last block is filled up with zeros.
#[inline(always)]
pub(super) fn mapped(photo: &Photo, work: impl Fn(&Block) -> Block) -> Photo {
    let mut pixels = Vec::with_capacity(photo.pixels().len());
    let mut results = [0; PIECE];
    vectorized(
        #[inline(always)]
        || {
            for piece in photo.pixels().chunks(PIECE) {
                let (whole, rest) = piece.as_chunks();
                let (targets, _) = results.as_chunks_mut();
                for (target, block) in targets.iter_mut().zip(whole) {
                    *target = work(block);
                }
                if !rest.is_empty() {
                    let mut last = [0; BLOCK];
                    last[..rest.len()].copy_from_slice(rest);
                    targets[whole.len()] = work(&last);
                }
                pixels.extend_from_slice(&results[..piece.len()]);
            }
        },
    );
    with_pixels(photo, pixels)
}

/// A photo of the same size.
pub(super) fn with_pixels(photo: &Photo, pixels: Vec<u8>) -> Photo {
    Photo::new(photo.width(), photo.height(), pixels).expect("the size stays")
}
