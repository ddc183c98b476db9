//! All that a picture file holds.

use std::borrow::Cow;

use super::{Metadata, Note};
use crate::Photo;

/// What a picture file holds: the pixels at the depth of the file, and what it says about them.
///
/// ```
/// # use dodge_imaging::{Encoding, Metadata, Photo, Picture, Pixels};
/// let photo = Photo::from_fn(8, 8, |x, y| [x as u16 * 8000, y as u16 * 8000, 9])?;
/// let metadata = Metadata { xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()), ..Metadata::default() };
/// let bytes = Picture { metadata, ..Pixels::Sixteen(photo).into() }.encode(Encoding::Png)?;
/// let picture = Picture::decode(&bytes)?;
/// assert!(matches!(picture.pixels, Pixels::Sixteen(_)) && picture.metadata.xmp.is_some());
/// # Ok::<(), dodge_imaging::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The pixels, turned upright.
    pub pixels: Pixels,
    /// What is carried from the file to the result.
    pub metadata: Metadata,
    /// What was left out or decided while the file was read.
    pub notes: Vec<Note>,
    /// The quality of the JPEG that the picture comes from, 1 to 100, told by its tables.
    pub quality: Option<u8>,
}

/// The pixels of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pixels {
    /// 8 bit.
    Eight(Photo),
    /// 16 bit; floats are reduced to it.
    Sixteen(Photo<u16>),
}

impl From<Photo> for Picture {
    fn from(photo: Photo) -> Self {
        Self::from(Pixels::Eight(photo))
    }
}

impl From<Pixels> for Picture {
    fn from(pixels: Pixels) -> Self {
        Self { pixels, metadata: Metadata::default(), notes: Vec::new(), quality: None }
    }
}

impl Pixels {
    /// Width and height.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Eight(photo) => (photo.width(), photo.height()),
            Self::Sixteen(photo) => (photo.width(), photo.height()),
        }
    }

    /// The photo in 8 bit: this one, or one reduced to the nearest values where it has 16.
    #[must_use]
    pub fn to_eight(&self) -> Cow<'_, Photo> {
        match self {
            Self::Eight(photo) => Cow::Borrowed(photo),
            Self::Sixteen(photo) => Cow::Owned(photo.to_depth()),
        }
    }

    /// The photo in 8 bit, reduced to the nearest values where it has 16.
    #[must_use]
    pub fn into_eight(self) -> Photo {
        match self {
            Self::Eight(photo) => photo,
            Self::Sixteen(photo) => photo.to_depth(),
        }
    }
}
