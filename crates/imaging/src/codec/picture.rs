//! All that a picture file holds.

use std::borrow::Cow;
use std::path::Path;

use super::{Encoding, Note, decode, encode, exif, read_file, write_whole};
use crate::{Error, Photo};

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
    /// [`Error::Read`], [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`], naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        decode::picture(&read_file(path)?, &path.display().to_string())
    }

    /// Decodes a JPEG, PNG, TIFF or WebP from memory.
    ///
    /// The orientation is applied. Greyscale and palettes become RGB, CMYK is converted without a profile, an alpha
    /// channel is dropped. 16 bit stays; floats and whole numbers of more bits (a TIFF may have them) become 16 bit, floats from 0
    /// to 1. Of several frames the first counts; of a TIFF's pictures, the first that is not marked as a reduced copy, or a larger
    /// one below it. [`Picture::notes`] tells what was left out. Damaged metadata is left out; a damaged or cut off picture is an
    /// error, as far as it can be told: the codes of a JPEG have no sum to check them by.
    ///
    /// Read as metadata are the EXIF, ICC and XMP blocks where the formats say they are. Not read are extended XMP in a JPEG
    /// and the text chunks in which some programs hide such blocks in a PNG. Of a TIFF, those fields count as EXIF that an
    /// EXIF block has too: make, model, dates, exposure, place and the like.
    ///
    /// Not read, with an error that says so: camera raw files (a DNG, NEF or the like has previews, which are not the photo),
    /// TIFF with signed numbers or in other colours than RGB, greyscale, palettes, CMYK and YCbCr, JPEG of more than 8 bit, with
    /// arithmetic coding or without losses. A decoder of another crate that panics is an error, too.
    ///
    /// # Errors
    /// [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        decode::picture(bytes, "the data")
    }

    /// Encodes pixels and metadata; the size that EXIF names becomes that of the pixels. JPEG and WebP have 8 bit: 16 are reduced to the nearest.
    ///
    /// A block that the format has no room for is left out: in a JPEG, EXIF or XMP of more than about 65,500 bytes.
    ///
    /// # Errors
    /// [`Error::Encode`], for example for a JPEG with a side of more than 65,535 pixels or a WebP of more than 16,383.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, Error> {
        let mut metadata = self.metadata.clone();
        if let Some(block) = &mut metadata.exif {
            // A crop changes the size.
            exif::set_size(block, self.pixels.size());
        }
        match &self.pixels {
            Pixels::Eight(photo) => encode::eight(photo, &metadata, encoding),
            Pixels::Sixteen(photo) => encode::sixteen(photo, &metadata, encoding),
        }
    }

    /// The encoding that the extension asks for, see [`Encoding::for_path`]. What was a JPEG becomes one of about the same quality,
    /// from 75 to 98: of a lower one the edit would show the blocks, and a higher one would only make the file larger.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`].
    pub fn encoding_for(&self, path: &Path) -> Result<Encoding, Error> {
        Ok(match (Encoding::for_path(path)?, self.quality) {
            (Encoding::Jpeg { .. }, Some(quality)) => Encoding::Jpeg { quality: quality.clamp(75, 98) },
            (encoding, _) => encoding,
        })
    }

    /// Writes the picture as [`Picture::encoding_for`] its path says, whole or not at all, as [`Photo::save`] does.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], [`Error::Encode`] or [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_whole(path, &self.encode(self.encoding_for(path)?)?)
    }
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
