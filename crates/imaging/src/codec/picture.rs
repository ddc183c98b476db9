//! All that a picture file holds.

use std::borrow::Cow;
use std::path::Path;

use super::{Encoding, decode, encode, read_file, write_whole};
use crate::{Error, Photo};

/// What a picture file holds: the pixels at the depth of the file, and what it says about them.
///
/// ```
/// # use dodge_imaging::{Encoding, Metadata, Photo, Picture, Pixels};
/// let photo = Photo::from_fn(8, 8, |x, y| [x as u16 * 8000, y as u16 * 8000, 9])?;
/// let metadata = Metadata { xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()), ..Metadata::default() };
/// let bytes = Picture { pixels: Pixels::Sixteen(photo), metadata }.encode(Encoding::Png)?;
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
}

/// The pixels of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pixels {
    /// 8 bit.
    Eight(Photo),
    /// 16 bit; floats are reduced to it.
    Sixteen(Photo<u16>),
}

/// Blocks of a picture file that are carried on as they are. Of more than 4 MiB, a block is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// EXIF, beginning with the header of a TIFF. After reading, the orientation in it is 1 (the pixels were turned) and
    /// the preview is gone (it shows the picture as it was).
    pub exif: Option<Vec<u8>>,
    /// An ICC profile. After reading, it is one of RGB values: that of a CMYK or greyscale picture says nothing of the
    /// pixels that were made of it.
    pub icc: Option<Vec<u8>>,
    /// An XMP packet in UTF-8.
    pub xmp: Option<Vec<u8>>,
}

impl Picture {
    /// Reads a JPEG, PNG, TIFF or WebP file, told by its content. See [`Picture::decode`].
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Decode`] or [`Error::TooLarge`], naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        decode::picture(&read_file(path)?, &path.display().to_string())
    }

    /// Decodes a JPEG, PNG, TIFF or WebP from memory.
    ///
    /// The orientation is applied. Greyscale and palettes become RGB, CMYK is converted without a profile, an alpha
    /// channel is dropped. 16 bit stays; floats (a TIFF may have them), clamped to 0 to 1, become 16 bit. Of several pages
    /// or frames, the first counts. Damaged metadata is left out; a damaged or cut off picture is an error.
    ///
    /// Read as metadata are the EXIF, ICC and XMP blocks where the formats say they are. Not read are extended XMP in a JPEG
    /// and the text chunks in which some programs hide such blocks in a PNG. Of a TIFF, those fields count as EXIF that an
    /// EXIF block has too: make, model, dates, exposure, place and the like.
    ///
    /// Not read at all, with an error that says so: BigTIFF, TIFF with a palette or in other colours than RGB, greyscale and
    /// CMYK, JPEG of more than 8 bit.
    ///
    /// # Errors
    /// [`Error::Decode`] or [`Error::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        decode::picture(bytes, "the data")
    }

    /// Encodes pixels and metadata. JPEG and WebP have 8 bit: 16 are reduced to the nearest.
    ///
    /// A block that the format has no room for is left out: in a JPEG, EXIF or XMP of more than about 65,500 bytes.
    ///
    /// # Errors
    /// [`Error::Encode`], for example for a JPEG with a side of more than 65,535 pixels or a WebP of more than 16,383.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, Error> {
        match &self.pixels {
            Pixels::Eight(photo) => encode::eight(photo, &self.metadata, encoding),
            Pixels::Sixteen(photo) => encode::sixteen(photo, &self.metadata, encoding),
        }
    }

    /// Writes the picture in the format that the extension asks for, whole or not at all, as [`Photo::save`] does.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], [`Error::Encode`] or [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_whole(path, &self.encode(Encoding::for_path(path)?)?)
    }
}

impl From<Photo> for Picture {
    fn from(photo: Photo) -> Self {
        Self { pixels: Pixels::Eight(photo), metadata: Metadata::default() }
    }
}

impl Pixels {
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
