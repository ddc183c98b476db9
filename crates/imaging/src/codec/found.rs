//! What the formats' readers hand over, and the name that their errors carry.

use image::DynamicImage;
use image::metadata::Orientation;

use super::{MAX_PIXELS, Metadata, Note};
use crate::Error;
use crate::guarded::guarded;

/// A picture of this many pixels is believed whatever the file's size is.
const SMALL: u64 = 1 << 24;

/// Most pixels that a byte of the file can stand for. Deflate packs zeros a thousandfold, which makes 8,000 pixels of one
/// bit; WebP can write any number of equal pixels in a few bytes, but those are no photo.
const MAX_PIXELS_PER_BYTE: u64 = 10_000;

/// What the formats' readers find in a file.
pub(super) struct Found {
    pub(super) image: DynamicImage,
    /// As the file names it.
    pub(super) orientation: Orientation,
    pub(super) metadata: Metadata,
    pub(super) notes: Vec<Note>,
    /// Of a JPEG, by its tables.
    pub(super) quality: Option<u8>,
}

impl Found {
    pub(super) fn new(image: DynamicImage, metadata: Metadata) -> Self {
        Self { image, orientation: Orientation::NoTransforms, metadata, notes: Vec::new(), quality: None }
    }
}

/// Gives the file's name to what is wrong with it.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl Name<'_> {
    pub(crate) fn damaged(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Decode { name: self.0.to_owned(), source: source.into() }
    }

    pub(crate) fn unsupported(self, reason: impl Into<String>) -> Error {
        Error::Unsupported { name: self.0.to_owned(), reason: reason.into() }
    }

    /// Refuses what is too large, before anything is decoded.
    pub(super) fn check_size(self, (width, height): (u32, u32), file_bytes: usize) -> Result<(), Error> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(self.damaged("it has no pixels"));
        }
        if pixels > MAX_PIXELS {
            return Err(Error::TooLarge { name: self.0.to_owned(), width, height, limit: MAX_PIXELS });
        }
        if pixels > SMALL.max(file_bytes as u64 * MAX_PIXELS_PER_BYTE) {
            return Err(self.damaged(format!("{file_bytes} bytes cannot be a photo of {width}x{height} pixels")));
        }
        Ok(())
    }

    /// Runs a reader that is built on decoders of other crates. Where one of them panics, on a file that it did not expect, the
    /// file is an error as any other: a batch goes on.
    pub(crate) fn guarded<T>(self, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        guarded(read).unwrap_or_else(|reason| Err(self.damaged(format!("a decoder failed on it: {reason}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_error_of_one_file() {
        let name = Name("a.tif");
        let error = name.guarded::<()>(|| panic!("{} pixels", 3)).unwrap_err().to_string();
        assert!(error.contains("a.tif") && error.contains("3 pixels"), "{error}");
        assert_eq!(name.guarded(|| Ok(7)).unwrap(), 7);
    }
}
