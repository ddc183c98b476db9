//! The shape of the pictures that an encoder sees.

/// The shape of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Colour channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl Picture {
    /// Values in the picture.
    #[must_use]
    pub fn values(self) -> usize {
        self.channels * self.height * self.width
    }
}
