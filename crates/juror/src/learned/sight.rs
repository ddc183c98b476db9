//! What the learned juror sees of a photo: some 240 numbers about tones, colours, where they are, and detail.
//!
//! None of them looks at single levels of a histogram: whether 8-bit values were moved says nothing about a photo, and a juror that saw
//! it would punish a good correction as much as a damage.

mod colours;
mod texture;
mod tones;

use std::borrow::Cow;

use dodge_imaging::{LabConverter, Photo};

use colours::Colours;
use texture::Texture;
use tones::Tones;

/// Version of the numbers: what was learnt from others cannot be used with these.
pub(super) const SIGHT_VERSION: u32 = 1;

/// Longer side of the photos that are looked at, in pixels: what preprocessing makes of photos. Larger ones are scaled down, so that
/// detail means the same in all of them and the time is bounded.
pub(super) const SIZE: u32 = 384;

/// How many numbers there are.
pub(super) const LENGTH: usize = 1 + tones::LENGTH + texture::LENGTH + colours::LENGTH;

/// Sees photos; holds the tables for that.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    lab: LabConverter,
}

impl Sight {
    /// The [`LENGTH`] numbers of a photo, all finite, in no common unit. The last [`colours::GRID_LENGTH`] of them tell where colours
    /// are.
    pub(super) fn of(&self, photo: &Photo) -> Vec<f32> {
        let photo = if photo.longer_side() > SIZE { Cow::Owned(photo.thumbnail(SIZE)) } else { Cow::Borrowed(photo) };
        let mut numbers = Vec::with_capacity(LENGTH);
        numbers.push((photo.longer_side() as f32 / SIZE as f32).ln());
        let luma = tones::luma(&photo);
        let tones = Tones::of(&photo, &luma);
        tones.tell(&mut numbers);
        Texture::of(&photo, luma).tell(&mut numbers);
        Colours::of(&photo, &self.lab).tell(&tones, &mut numbers);
        debug_assert_eq!(numbers.len(), LENGTH);
        numbers
    }
}

/// What is seen of the mirrored photo, from what is seen of a photo: the columns of the grid change places. Whatever else depends on the
/// sides of a photo changes by next to nothing.
pub(super) fn mirrored(numbers: &[f32]) -> Vec<f32> {
    let mut mirrored = numbers.to_vec();
    let grid = mirrored.len() - colours::GRID_LENGTH;
    colours::mirror_grid(&mut mirrored[grid..]);
    mirrored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_of_any_size_is_seen_in_finite_numbers() {
        let sight = Sight::default();
        for (width, height) in [(1, 1), (2, 1), (1, 300), (17, 9), (48, 32), (384, 256), (900, 40)] {
            for colour in [[0; 3], [255; 3], [255, 0, 255], [90, 120, 60]] {
                let photo = Photo::from_fn(width, height, |x, y| if (x + y) % 5 == 0 { [128; 3] } else { colour });
                let numbers = sight.of(&photo.expect("it has pixels"));
                assert_eq!(numbers.len(), LENGTH, "{width}x{height}");
                assert!(numbers.iter().all(|number| number.is_finite()), "{width}x{height} of {colour:?}: {numbers:?}");
            }
        }
    }

    #[test]
    fn the_mirrored_photo_is_seen_mirrored() {
        let sight = Sight::default();
        let pixel = |x: u32, y: u32| [(x * 3) as u8, (y * 5) as u8, (x * y / 11) as u8];
        let photo = Photo::from_fn(48, 32, pixel).expect("a photo");
        let other_way = Photo::from_fn(48, 32, |x, y| pixel(47 - x, y)).expect("a photo");
        let (here, there) = (sight.of(&photo), sight.of(&other_way));
        assert!(here.iter().zip(&there).filter(|(a, b)| (*a - *b).abs() > 0.05).count() > 20, "it has sides");
        for (index, (expected, got)) in there.iter().zip(mirrored(&here)).enumerate() {
            // Blocks in which noise is looked for begin at the left border, and a photo of this size has few.
            let allowed = if index < LENGTH - colours::GRID_LENGTH { 0.4 } else { 0.02 };
            assert!((expected - got).abs() < allowed, "{index}: {expected}, {got}");
        }
    }
}
