//! Size and orientation of a picture, from its first bytes.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use image::{ImageDecoder, ImageReader};

use crate::Error;
use crate::codec::found::Name;
use crate::codec::kind::Kind;
use crate::codec::{raw_header, tiff_page};

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
    /// pixel is decoded, so that a file that is damaged further on is not noticed. Of a camera raw file all bytes are read.
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be opened, [`Error::Decode`] when it is no such picture,
    /// [`Error::Unsupported`] when it is one of a kind that is not read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read_error)?;
        let mut head = Vec::new();
        file.by_ref().take(PREFIX).read_to_end(&mut head).map_err(read_error)?;
        let display = path.display().to_string();
        let name = Name(&display);
        match Kind::of(&head) {
            // Its directories stand anywhere, and which of its pictures is the photo is told by all of them.
            Kind::Tiff => {
                file.rewind().map_err(read_error)?;
                let ((width, height), orientation) = match name.guarded(|| tiff_page(&RefCell::new(file), name))? {
                    Ok(page) => page,
                    Err(kind) => raw_header(path, name, &kind)?,
                };
                return Ok(Self::turned(width, height, orientation));
            }
            Kind::Raw(kind) => {
                let ((width, height), orientation) = raw_header(path, name, kind)?;
                return Ok(Self::turned(width, height, orientation));
            }
            Kind::Foreign(reason) => return Err(name.unsupported(reason)),
            _ => {}
        }
        let first = name.guarded(|| parse(&head, name));
        if first.is_ok() || (head.len() as u64) < PREFIX {
            return first;
        }
        // A large profile or preview may stand in front of the size.
        file.take(MAX_FILE_BYTES).read_to_end(&mut head).map_err(read_error)?;
        name.guarded(|| parse(&head, name))
    }

    /// The same from memory. Camera raw files are refused: theirs is read from a file alone.
    ///
    /// # Errors
    /// [`Error::Decode`] and [`Error::Unsupported`], as with [`PictureHeader::read`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let name = Name("the data");
        let raw = || name.unsupported("it is a camera raw file: develop it first");
        match Kind::of(bytes) {
            Kind::Tiff => {
                let page = name.guarded(|| tiff_page(bytes, name))?;
                let ((width, height), orientation) = page.map_err(|_| raw())?;
                Ok(Self::turned(width, height, orientation))
            }
            Kind::Raw(_) => Err(raw()),
            Kind::Foreign(reason) => Err(name.unsupported(reason)),
            _ => name.guarded(|| parse(bytes, name)),
        }
    }

    /// From 5 on, the sides change places.
    fn turned(width: u32, height: u32, orientation: u8) -> Self {
        let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
        Self { width, height, orientation }
    }
}

fn parse(head: &[u8], name: Name<'_>) -> Result<PictureHeader, Error> {
    let mut reader = ImageReader::new(Cursor::new(head)).with_guessed_format().map_err(|error| name.damaged(error))?;
    if reader.format().is_none() {
        return Err(name.damaged("it has another kind of content"));
    }
    // Large enough for any header, far too small for pixels.
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(64 << 20);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| name.damaged(error))?;
    let (width, height) = decoder.dimensions();
    // A broken EXIF block is no reason to refuse a picture.
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.as_deref().and_then(crate::codec::exif_orientation).filter(|value| (1..=8).contains(value));
    Ok(PictureHeader::turned(width, height, orientation.unwrap_or(1)))
}
