//! Down-scaling.

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::U8x3;

use crate::Photo;

impl Photo {
    /// The photo scaled down so that its longer side has at most `max_side` pixels; the ratio is kept, and a photo that
    /// fits already comes back unchanged. Lanczos with three lobes, antialiased, on the encoded (gamma) values, as
    /// Pillow's `thumbnail` does.
    ///
    /// # Panics
    /// When `max_side` is zero.
    #[must_use]
    pub fn thumbnail(&self, max_side: u32) -> Photo {
        assert!(max_side > 0, "a thumbnail needs at least one pixel");
        let (width, height) = fitting((self.width(), self.height()), max_side);
        if (width, height) == (self.width(), self.height()) {
            return self.clone();
        }
        self.resized(width, height)
    }

    /// The photo resampled to exactly `width` x `height` pixels with Lanczos; the ratio may change.
    ///
    /// # Panics
    /// When a side is zero.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Photo {
        assert!(width > 0 && height > 0, "{width}x{height} has no pixels");
        self.part_resized((self.width().into(), self.height().into()), (width, height))
    }

    /// The upper left part of the photo, whose sides need not be whole pixels, resampled to `width` x `height`.
    pub(crate) fn part_resized(&self, part: (f64, f64), (width, height): (u32, u32)) -> Photo {
        let valid = "a photo's buffer fits its size";
        let source = TypedImageRef::<U8x3>::from_buffer(self.width(), self.height(), self.pixels()).expect(valid);
        let mut pixels = vec![0; width as usize * height as usize * 3];
        let mut target = TypedImage::<U8x3>::from_buffer(width, height, &mut pixels).expect(valid);
        let options = fir::ResizeOptions::new()
            .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3))
            .crop(0.0, 0.0, part.0, part.1);
        fir::Resizer::new().resize_typed(&source, &mut target, &options).expect("the part lies within the photo");
        drop(target);
        Photo::new(width, height, pixels).expect(valid)
    }
}

/// The size with the same ratio whose longer side has at most `max_side` pixels; what fits already stays.
pub(crate) fn fitting((width, height): (u32, u32), max_side: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= max_side {
        return (width, height);
    }
    let scaled = |side: u32| {
        let exact = f64::from(side) * f64::from(max_side) / f64::from(longer);
        // Rounded, and at least one pixel: a 4000x1 strip keeps its height.
        (exact.round() as u32).clamp(1, max_side)
    };
    (scaled(width), scaled(height))
}
