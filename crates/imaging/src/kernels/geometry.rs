//! Moving pixels and channels about.

use super::block::with_pixels;
use super::shuffle::{Shuffle, both, mapped_groups};
use super::vectorized;
use crate::{Axis, ChannelOrder, ChannelSet, Direction, Photo, Ratio};

pub(crate) fn reordered(photo: &Photo, order: ChannelOrder) -> Photo {
    let sources = order.sources();
    let shuffle = Shuffle::new(|i| i - i % 3 + sources[i % 3]);
    mapped_groups(
        photo,
        #[inline(always)]
        |groups| shuffle.apply(groups),
    )
}

pub(crate) fn flipped(photo: &Photo, axis: Axis) -> Photo {
    match axis {
        Axis::Horizontal => photo.mirrored(),
        Axis::Vertical => {
            let rows = photo.pixels().chunks_exact(photo.width() as usize * 3).rev();
            with_pixels(photo, rows.collect::<Vec<_>>().concat())
        }
    }
}

impl Photo {
    /// The same photo mirrored left to right.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        // The last of sixteen pixels comes first, the channels of each stay in order.
        let shuffle = Shuffle::new(|i| 3 * (15 - i / 3) + i % 3);
        let mut pixels = Vec::with_capacity(self.pixels().len());
        vectorized(
            #[inline(always)]
            || {
                for row in self.pixels().chunks_exact(self.width() as usize * 3) {
                    let (rest, pairs) = row.as_rchunks();
                    for pair in pairs.iter().rev() {
                        let [first, second] = shuffle.apply(both(pair));
                        pixels.extend_from_slice([second, first].as_flattened().as_flattened());
                    }
                    for pixel in rest.as_chunks::<3>().0.iter().rev() {
                        pixels.extend_from_slice(pixel);
                    }
                }
            },
        );
        with_pixels(self, pixels)
    }
}

/// Moves the channels by half of the width or height, rounded down; what leaves on one side comes back on the other.
pub(crate) fn shifted(photo: &Photo, direction: Direction, channels: ChannelSet) -> Photo {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let stride = width * 3;
    // Where the part begins that comes first.
    let (across, down) = match direction {
        Direction::Left => (width / 2, 0),
        Direction::Right => (width - width / 2, 0),
        Direction::Up => (0, height / 2),
        Direction::Down => (0, height - height / 2),
    };
    let mut pixels = Vec::with_capacity(stride * height);
    let (upper, lower) = photo.pixels().split_at(down * stride);
    for row in lower.chunks_exact(stride).chain(upper.chunks_exact(stride)) {
        let (left, right) = row.split_at(across * 3);
        pixels.extend_from_slice(right);
        pixels.extend_from_slice(left);
    }
    if channels != ChannelSet::ALL {
        let members = channels.members();
        vectorized(
            #[inline(always)]
            || {
                for (moved, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(photo.pixels().as_chunks::<3>().0) {
                    for channel in 0..3 {
                        moved[channel] = if members[channel] { moved[channel] } else { pixel[channel] };
                    }
                }
            },
        );
    }
    with_pixels(photo, pixels)
}

/// A part of a photo, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The largest centred part of the given ratio.
pub(crate) fn centred_part(width: u32, height: u32, ratio: Ratio) -> Part {
    let (across, down) = (u64::from(ratio.width()), u64::from(ratio.height()));
    let (long_width, long_height) = (u64::from(width), u64::from(height));
    // Compare width / height with across / down without rounding.
    let (new_width, new_height) = if long_width * down > long_height * across {
        (((long_height * across / down) as u32).max(1), height)
    } else {
        (width, ((long_width * down / across) as u32).max(1))
    };
    Part { left: (width - new_width) / 2, top: (height - new_height) / 2, width: new_width, height: new_height }
}
