//! Reading and writing JPEG, PNG, TIFF and WebP.

mod colours;
mod decode;
mod density;
mod encode;
mod exif;
pub(crate) mod fields;
mod fitted;
pub(crate) mod found;
mod iptc;
mod jpeg;
mod jpeg_entropy;
mod jpeg_segments;
mod jpeg_write;
pub(crate) mod kind;
mod metadata;
mod note;
mod picture;
mod png;
#[cfg(feature = "raw")]
mod raw;
mod tiff;
mod webp;
mod xmp;

use std::cell::RefCell;
use std::fs;
use std::io::Read;
use std::path::Path;

pub use self::density::{Density, DensityUnit};
use self::kind::Kind;
pub use self::metadata::{Metadata, Text};
pub use self::note::{Note, Tolerance};
pub use self::picture::{Picture, Pixels};
use crate::whole_file::write_whole;
use crate::{Error, Photo};

/// Most pixels of a picture that is read: 400 megapixels, 1.2 GB decoded at 8 bit. More is refused before it is decoded,
/// and so are more than 10,000 for each byte of the file (beyond 16 megapixels): no photo packs that well.
pub const MAX_PIXELS: u64 = 400_000_000;

/// Most bytes of a picture file that is read.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Most bytes of a block of metadata that is carried from a file to the result.
const MAX_METADATA_BYTES: usize = 4 << 20;

/// Memory that a decoder may use beside the picture.
const WORKING_BYTES: usize = 256 << 20;

/// How a photo is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Baseline JPEG with a quality from 1 to 100 (values outside are clamped).
    Jpeg {
        /// Quality, 1 to 100.
        quality: u8,
    },
    /// Lossless PNG.
    Png,
    /// Lossless TIFF, compressed with deflate.
    Tiff,
    /// Lossless WebP, 8 bit.
    WebP,
}

impl Encoding {
    /// Quality used where a JPEG is written without a word about it.
    pub const DEFAULT_JPEG_QUALITY: u8 = 95;

    /// The encoding that a file extension asks for, in any case: `.jpg`, `.jpeg`, `.jpe`, `.jfif`, `.png`, `.tif`, `.tiff` or `.webp`.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`] for any other.
    pub fn for_path(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jpg" | "jpeg" | "jpe" | "jfif") => Ok(Self::Jpeg { quality: Self::DEFAULT_JPEG_QUALITY }),
            Some("png") => Ok(Self::Png),
            Some("tif" | "tiff") => Ok(Self::Tiff),
            Some("webp") => Ok(Self::WebP),
            _ => Err(Error::UnknownExtension { path: path.to_owned() }),
        }
    }
}

/// Whether a file begins like a JPEG, PNG, TIFF or WebP, or, with the feature `raw`, like a camera raw file. Only the content counts,
/// never the name.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read.
pub fn is_photo_file(path: &Path) -> Result<bool, Error> {
    Ok(match kind(path)? {
        Kind::Jpeg | Kind::Png | Kind::Tiff | Kind::WebP => true,
        Kind::Raw(_) => cfg!(feature = "raw"),
        Kind::Foreign(_) | Kind::Other => false,
    })
}

/// Whether a file is a camera raw file, by its content; `raw` need not be on.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read.
pub fn is_raw_file(path: &Path) -> Result<bool, Error> {
    Ok(match kind(path)? {
        Kind::Raw(_) => true,
        Kind::Tiff => {
            let file = fs::File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
            tiff::pages::raw(&RefCell::new(file)).is_some()
        }
        _ => false,
    })
}

/// Where a file begins like a picture in a format that is not read (a camera's raw file without the feature `raw`, HEIC, AVIF, GIF, BMP and some more): a
/// sentence that says what it is and what to do.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read.
pub fn unread_format(path: &Path) -> Result<Option<&'static str>, Error> {
    match kind(path)? {
        Kind::Foreign(reason) => Ok(Some(reason)),
        Kind::Raw(_) if !cfg!(feature = "raw") => Ok(Some(RAW_NOT_READ)),
        _ => Ok(None),
    }
}

const RAW_NOT_READ: &str = "it is a camera raw file, which this program was built without reading: develop it first, to a TIFF of 16 bit or a JPEG";

fn kind(path: &Path) -> Result<Kind, Error> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let mut head = Vec::with_capacity(kind::HEAD);
    fs::File::open(path).map_err(read_error)?.take(kind::HEAD as u64).read_to_end(&mut head).map_err(read_error)?;
    Ok(Kind::of(&head))
}

impl Photo {
    /// Reads a JPEG, PNG, TIFF or WebP file, told by its content. See [`Photo::decode`].
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`], naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Picture::open(path)?.into_seen())
    }

    /// Decodes a JPEG, PNG, TIFF or WebP from memory: what [`Picture::decode`] does, with the pixels alone, as they are seen
    /// ([`Picture::seen`]): in 8 bit, and in sRGB whatever the profile of the file is.
    ///
    /// # Errors
    /// [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Picture::decode(bytes)?.into_seen())
    }

    /// Reads a file and scales it down, so that its longer side has at most `max_side` pixels: [`Photo::open`] and then
    /// [`Photo::thumbnail`].
    ///
    /// # Errors
    /// Those of [`Photo::open`].
    ///
    /// # Panics
    /// When `max_side` is zero.
    pub fn open_thumbnail(path: &Path, max_side: u32) -> Result<Self, Error> {
        Ok(Self::open(path)?.thumbnail(max_side))
    }

    /// What [`Photo::open_thumbnail`] does, from memory.
    ///
    /// # Errors
    /// Those of [`Photo::decode`].
    ///
    /// # Panics
    /// When `max_side` is zero.
    pub fn decode_thumbnail(bytes: &[u8], max_side: u32) -> Result<Self, Error> {
        Ok(Self::decode(bytes)?.thumbnail(max_side))
    }

    /// Encodes the photo; the result holds pixels only, no metadata.
    ///
    /// # Errors
    /// [`Error::Encode`], for example for a JPEG with a side of more than 65,535 pixels or a WebP of more than 16,383.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, Error> {
        encode::eight(self, &Metadata::default(), encoding)
    }

    /// Writes the photo in the format that the extension asks for. The file appears whole or not at all: it is
    /// written under a temporary name beside its place and then renamed over it.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], [`Error::Encode`] or [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.encode(Encoding::for_path(path)?)?;
        save(path, &bytes)
    }
}

/// Width and height as they are stored, and the orientation of EXIF.
pub(crate) type SizeAndOrientation = ((u32, u32), u8);

/// Size and orientation of the picture of a TIFF that [`Photo::open`] would take, or none where it is a raw file, with what kind that is.
pub(crate) fn tiff_page<S: fields::Source + Copy>(
    source: S,
    name: found::Name<'_>,
) -> Result<Result<SizeAndOrientation, String>, Error> {
    if let Some(kind) = tiff::pages::raw(source) {
        return Ok(Err(kind));
    }
    tiff::pages::choose(source, name).map(|chosen| Ok((chosen.size, chosen.orientation)))
}

/// Size and orientation of the picture that a raw file becomes.
#[cfg(feature = "raw")]
pub(crate) fn raw_header(path: &Path, name: found::Name<'_>, kind: &str) -> Result<SizeAndOrientation, Error> {
    raw::header(&read_file(path)?, name, kind)
}

#[cfg(not(feature = "raw"))]
pub(crate) fn raw_header(_path: &Path, name: found::Name<'_>, kind: &str) -> Result<SizeAndOrientation, Error> {
    Err(name.unsupported(kind::without_raw(kind)))
}

pub(crate) use exif::orientation as exif_orientation;

/// What a file says beside its pixels, without decoding them; nothing where it is no picture that is read.
pub(crate) fn metadata_of(path: &Path) -> Result<Metadata, Error> {
    let bytes = read_file(path)?;
    let (display, mut notes) = (path.display().to_string(), Vec::new());
    let name = found::Name(&display);
    name.guarded(|| {
        Ok(match Kind::of(&bytes) {
            Kind::Jpeg => Metadata::of_jpeg(&jpeg_segments::Segments::read(&bytes), &mut notes).0,
            Kind::Png => png::metadata(&bytes, name)?,
            Kind::WebP => webp::metadata(&bytes, &mut notes).0,
            Kind::Tiff => {
                let first = fields::Directory::first(&bytes).unwrap_or_default();
                Metadata::of_tiff(&first, &first, &mut notes)
            }
            #[cfg(feature = "raw")]
            Kind::Raw(_) => raw::metadata(&bytes, name),
            _ => Metadata::default(),
        })
    })
}

pub(crate) use xmp::{properties as xmp_properties, property as xmp_property};

/// The photo in a JPEG that was encoded here: there is nothing to check.
pub(crate) fn own_jpeg(bytes: &[u8], width: u32, height: u32) -> Option<Photo> {
    Photo::new(width, height, jpeg::pixels(bytes, 3, true).ok()?).ok()
}

/// Writes `bytes` to `path` whole or not at all.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_whole(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(read_error)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(read_error(std::io::Error::other("the file is larger than 1 GiB")));
    }
    Ok(bytes)
}
