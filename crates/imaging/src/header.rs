//! Size and orientation of a picture, from its first bytes.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{ImageDecoder, ImageReader};

use crate::Error;

/// Bytes that are looked at first: the decoders read all that they are given.
const PREFIX: u64 = 256 << 10;

/// Most bytes that are looked at.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// What a picture file says of itself before its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureHeader {
    /// Width in pixels, as the picture is shown: turned as its EXIF orientation asks for.
    pub width: u32,
    /// Height in pixels, likewise.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 where there is none or it cannot be read.
    pub orientation: u8,
}

impl PictureHeader {
    /// Reads the header of a file in a format that [`Photo::open`](crate::Photo::open) reads, told by its content. No
    /// pixel is decoded, so that a file that is damaged further on is not noticed.
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be opened, [`Error::Decode`] when it is no such picture.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read_error)?;
        let mut head = Vec::new();
        file.by_ref().take(PREFIX).read_to_end(&mut head).map_err(read_error)?;
        let first = parse(&head);
        if first.is_ok() || (head.len() as u64) < PREFIX {
            return first.map_err(|source| Error::Decode { name: path.display().to_string(), source });
        }
        // A large profile or preview may stand in front of the size.
        file.take(MAX_FILE_BYTES).read_to_end(&mut head).map_err(read_error)?;
        parse(&head).map_err(|source| Error::Decode { name: path.display().to_string(), source })
    }
}

fn parse(head: &[u8]) -> Result<PictureHeader, Box<dyn std::error::Error + Send + Sync>> {
    let mut reader = ImageReader::new(Cursor::new(head)).with_guessed_format()?;
    if reader.format().is_none() {
        return Err("it has another kind of content".into());
    }
    // Large enough for any header, far too small for pixels.
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(64 << 20);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    // A broken EXIF block is no reason to refuse a picture.
    let orientation = decoder.orientation().map_or(1, image::metadata::Orientation::to_exif);
    // From 5 on, the sides change places.
    let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
    Ok(PictureHeader { width, height, orientation })
}
