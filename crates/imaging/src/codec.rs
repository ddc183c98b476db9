//! Reading and writing JPEG and PNG.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader};

use crate::{Error, Photo};

/// Most pixels of a picture that is read: 400 megapixels, 1.2 GB decoded. More is refused before it is decoded.
pub const MAX_PIXELS: u64 = 400_000_000;

/// Most bytes of a picture file that is read.
const MAX_FILE_BYTES: u64 = 1 << 30;

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
}

impl Encoding {
    /// Quality used where a JPEG is written without a word about it.
    pub const DEFAULT_JPEG_QUALITY: u8 = 95;

    /// The encoding that a file extension asks for, in any case: `.jpg` and `.jpeg`, or `.png`.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`] for any other.
    pub fn for_path(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jpg" | "jpeg") => Ok(Self::Jpeg { quality: Self::DEFAULT_JPEG_QUALITY }),
            Some("png") => Ok(Self::Png),
            _ => Err(Error::UnknownExtension { path: path.to_owned() }),
        }
    }
}

/// Whether a file begins like a JPEG or PNG. Only the content counts, never the name.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read.
pub fn is_photo_file(path: &Path) -> Result<bool, Error> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let mut head = Vec::with_capacity(16);
    fs::File::open(path).map_err(read_error)?.take(16).read_to_end(&mut head).map_err(read_error)?;
    Ok(matches!(image::guess_format(&head), Ok(ImageFormat::Jpeg | ImageFormat::Png)))
}

impl Photo {
    /// Reads a JPEG or PNG file, told by its content. See [`Photo::decode`].
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Decode`] or [`Error::TooLarge`], naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(read_error)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(read_error)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(read_error(std::io::Error::other("the file is larger than 1 GiB")));
        }
        decode_named(&bytes, &path.display().to_string())
    }

    /// Decodes a JPEG or PNG from memory.
    ///
    /// The EXIF orientation is applied. Greyscale becomes three equal channels, CMYK is converted, 16 bit is reduced
    /// to 8, an alpha channel is dropped. Colour profiles are ignored.
    ///
    /// # Errors
    /// [`Error::Decode`] or [`Error::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        decode_named(bytes, "the data")
    }

    /// Encodes the photo; the result holds pixels only, no metadata.
    ///
    /// # Errors
    /// [`Error::Encode`], for example for a JPEG with a side of more than 65,535 pixels.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, Error> {
        let (width, height) = (self.width(), self.height());
        let mut bytes = Vec::new();
        let result =
            match encoding {
                Encoding::Jpeg { quality } => JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
                    .write_image(self.pixels(), width, height, ExtendedColorType::Rgb8),
                Encoding::Png => PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
                    .write_image(self.pixels(), width, height, ExtendedColorType::Rgb8),
            };
        result.map_err(|source| Error::Encode { width, height, source: Box::new(source) })?;
        Ok(bytes)
    }

    /// Writes the photo in the format that the extension asks for. The file appears whole or not at all: it is
    /// written under a temporary name beside its place and then renamed over it.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], [`Error::Encode`] or [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.encode(Encoding::for_path(path)?)?;
        write_whole(path, &bytes)
    }
}

/// Writes `bytes` to `path` whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary_beside(path);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&temporary);
        Error::Write { path: path.to_owned(), source }
    })
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn decode_named(bytes: &[u8], name: &str) -> Result<Photo, Error> {
    let decode_error =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::Decode { name: name.to_owned(), source };
    if bytes.is_empty() {
        return Err(decode_error("the file is empty".into()));
    }
    let format = image::guess_format(bytes).map_err(|_| decode_error("it has another kind of content".into()))?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png) {
        return Err(decode_error(format!("it is a {format:?} file").into()));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // The decoder's own allocations are bounded too, so that a small file cannot ask for all memory.
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|source| decode_error(Box::new(source)))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::TooLarge { name: name.to_owned(), width, height, limit: MAX_PIXELS });
    }
    // A broken EXIF block is no reason to refuse a picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|source| decode_error(Box::new(source)))?;
    picture.apply_orientation(orientation);
    let rgb = picture.into_rgb8();
    let (width, height) = rgb.dimensions();
    Photo::new(width, height, rgb.into_raw())
}
