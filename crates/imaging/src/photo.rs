//! The photo type.

use crate::sample::at_depth;
use crate::{Error, Sample};

/// A photograph: sRGB, rows from top to bottom, `[red, green, blue]` interleaved without padding. `Photo` alone is one of 8 bit;
/// the other depths are `Photo<u16>` and `Photo<f32>` (see [`Sample`]).
///
/// Both sides are at least one pixel and the buffer has exactly `width * height * 3` values.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo<T = u8> {
    width: u32,
    height: u32,
    pixels: Vec<T>,
}

impl<T: Sample> Photo<T> {
    /// Wraps `pixels`, laid out `[height][width][3]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a side is zero or the length is not `width * height * 3`.
    pub fn new(width: u32, height: u32, pixels: Vec<T>) -> Result<Self, Error> {
        let expected = u64::from(width) * u64::from(height) * 3;
        if expected == 0 || expected != pixels.len() as u64 {
            return Err(Error::Shape { width, height, expected, got: pixels.len() as u64 });
        }
        Ok(Self { width, height, pixels })
    }

    /// Computes every pixel from its column and row.
    ///
    /// # Errors
    /// [`Error::Shape`] when a side is zero.
    pub fn from_fn(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> [T; 3]) -> Result<Self, Error> {
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            for x in 0..width {
                pixels.extend_from_slice(&pixel(x, y));
            }
        }
        Self::new(width, height, pixels)
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The longer one of width and height, in pixels.
    #[must_use]
    pub fn longer_side(&self) -> u32 {
        self.width.max(self.height)
    }

    /// All values, `[height][width][3]`.
    #[must_use]
    pub fn pixels(&self) -> &[T] {
        &self.pixels
    }

    /// All values for writing; the size cannot change.
    pub fn pixels_mut(&mut self) -> &mut [T] {
        &mut self.pixels
    }

    /// Gives the buffer away, laid out `[height][width][3]`.
    #[must_use]
    pub fn into_pixels(self) -> Vec<T> {
        self.pixels
    }

    /// The pixel at column `x` and row `y`.
    ///
    /// # Panics
    /// When the position lies outside of the photo.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> [T; 3] {
        assert!(x < self.width && y < self.height, "({x}, {y}) lies outside of {}x{}", self.width, self.height);
        let at = (y as usize * self.width as usize + x as usize) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }

    /// This photo and `other` side by side, the tops level, a shorter one filled up with black.
    #[must_use]
    pub fn beside(&self, other: &Self) -> Self {
        let (width, height) = (self.width + other.width, self.height.max(other.height));
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height as usize {
            for photo in [self, other] {
                let stride = photo.width as usize * 3;
                match photo.pixels.chunks_exact(stride).nth(y) {
                    Some(row) => pixels.extend_from_slice(row),
                    None => pixels.resize(pixels.len() + stride, T::default()),
                }
            }
        }
        Self { width, height, pixels }
    }

    /// The same photo at another depth, each value the nearest to what it was.
    #[must_use]
    pub fn to_depth<U: Sample>(&self) -> Photo<U> {
        Photo { width: self.width, height: self.height, pixels: at_depth(&self.pixels) }
    }

    /// The part of `width` x `height` pixels whose upper left corner is (`left`, `top`).
    ///
    /// # Panics
    /// When the part is empty or reaches outside of the photo.
    #[must_use]
    pub fn cropped(&self, left: u32, top: u32, width: u32, height: u32) -> Self {
        let inside = |start: u32, length: u32, side: u32| length > 0 && start <= side && length <= side - start;
        assert!(
            inside(left, width, self.width) && inside(top, height, self.height),
            "{width}x{height}+{left}+{top} lies outside of {}x{}",
            self.width,
            self.height
        );
        let stride = self.width as usize * 3;
        let (from, length) = (left as usize * 3, width as usize * 3);
        let mut pixels = Vec::with_capacity(length * height as usize);
        for row in self.pixels.chunks_exact(stride).skip(top as usize).take(height as usize) {
            pixels.extend_from_slice(&row[from..from + length]);
        }
        Self { width, height, pixels }
    }
}

impl<T> std::fmt::Debug for Photo<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({}x{})", self.width, self.height)
    }
}
