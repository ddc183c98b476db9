//! Moving pixels and channels about.

use crate::{Axis, ChannelOrder, ChannelSet, Direction, Photo, Ratio};

pub(crate) fn reorder(photo: &mut Photo, order: ChannelOrder) {
    let [red, green, blue] = order.sources();
    for pixel in photo.pixels_mut().chunks_exact_mut(3) {
        let before = [pixel[0], pixel[1], pixel[2]];
        pixel.copy_from_slice(&[before[red], before[green], before[blue]]);
    }
}

pub(crate) fn flip(photo: &mut Photo, axis: Axis) {
    let stride = photo.width() as usize * 3;
    match axis {
        Axis::Horizontal => *photo = photo.mirrored(),
        Axis::Vertical => {
            let half = photo.height() as usize / 2;
            let (upper, lower) = photo.pixels_mut().split_at_mut(half * stride);
            for (above, below) in upper.chunks_exact_mut(stride).zip(lower.chunks_exact_mut(stride).rev()) {
                above.swap_with_slice(below);
            }
        }
    }
}

/// Moves the channels by half of the width or height, rounded down; what leaves on one side comes back on the other.
pub(crate) fn shift(photo: &mut Photo, direction: Direction, channels: ChannelSet) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let stride = width * 3;
    let mut moved = photo.pixels().to_vec();
    match direction {
        Direction::Left => moved.chunks_exact_mut(stride).for_each(|row| row.rotate_left(width / 2 * 3)),
        Direction::Right => moved.chunks_exact_mut(stride).for_each(|row| row.rotate_right(width / 2 * 3)),
        Direction::Up => moved.rotate_left(height / 2 * stride),
        Direction::Down => moved.rotate_right(height / 2 * stride),
    }
    if channels == ChannelSet::ALL {
        photo.pixels_mut().copy_from_slice(&moved);
        return;
    }
    let members = channels.members();
    for (pixel, moved) in photo.pixels_mut().chunks_exact_mut(3).zip(moved.chunks_exact(3)) {
        for channel in (0..3).filter(|&channel| members[channel]) {
            pixel[channel] = moved[channel];
        }
    }
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
