//! A photo as the encoder looks at it.

use std::borrow::Cow;

use dodge_imaging::Photo;
use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::U8x3;

use crate::siglip::configuration::Configuration;

/// The photo's patches, row by row, each `[channel][y][x]` with values from −1 to 1: the numbers that a row of the encoder's
/// first matrix is multiplied with.
pub(super) fn patches(photo: &Photo, configuration: &Configuration) -> Vec<f32> {
    let Configuration { image_size, patch_size, num_channels, .. } = *configuration;
    let resized = resized(photo, image_size as u32);
    let pixels = resized.pixels();
    let mut patches = Vec::with_capacity(configuration.patches() * configuration.patch_len());
    let starts = || (0..configuration.patches_in_a_row()).map(|number| number * patch_size);
    for top in starts() {
        for left in starts() {
            for channel in 0..num_channels {
                for y in top..top + patch_size {
                    let row = &pixels[(y * image_size + left) * num_channels..][..patch_size * num_channels];
                    patches.extend(row.iter().skip(channel).step_by(num_channels).map(|&value| normalised(value)));
                }
            }
        }
    }
    patches
}

/// Mean and deviation are taken as one half for every channel.
fn normalised(value: u8) -> f32 {
    (f32::from(value) / 255.0 - 0.5) / 0.5
}

/// The photo squeezed into a square, whatever its ratio: what the predictor was trained on. Bicubic with antialiasing in whole
/// levels, first the width and then the height, as Pillow does it.
fn resized(photo: &Photo, side: u32) -> Cow<'_, Photo> {
    let mut resized = Cow::Borrowed(photo);
    for (width, height) in [(side, photo.height()), (side, side)] {
        if (resized.width(), resized.height()) != (width, height) {
            resized = Cow::Owned(resampled(&resized, width, height));
        }
    }
    resized
}

fn resampled(photo: &Photo, width: u32, height: u32) -> Photo {
    let valid = "a photo's buffer fits its size";
    let source = TypedImageRef::<U8x3>::from_buffer(photo.width(), photo.height(), photo.pixels()).expect(valid);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let mut target = TypedImage::<U8x3>::from_buffer(width, height, &mut pixels).expect(valid);
    let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom));
    fir::Resizer::new().resize_typed(&source, &mut target, &options).expect("both have pixels");
    drop(target);
    Photo::new(width, height, pixels).expect(valid)
}
