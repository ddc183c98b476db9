//! From a picture to the bytes of a file.

use std::io::{self, Cursor};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageBuffer, ImageEncoder, PixelWithColorType, Rgb};
use image_webp::{ColorType, WebPEncoder};

use super::jpeg_segments::{EXIF_HEADER, XMP_HEADER};
use super::{Encoding, Metadata, Picture, Pixels, exif, tiff, write_whole};
use crate::{Error, Photo};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Most bytes of a JPEG segment, after the two that tell its length.
const MAX_SEGMENT: usize = 65_533;

const MAX_WEBP_SIDE: u32 = 16_383;

impl Picture {
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
            Pixels::Eight(photo) => eight(photo, &metadata, encoding),
            Pixels::Sixteen(photo) => sixteen(photo, &metadata, encoding),
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

pub(super) fn eight(photo: &Photo, metadata: &Metadata, encoding: Encoding) -> Result<Vec<u8>, Error> {
    let bytes = match encoding {
        Encoding::Jpeg { quality } => jpeg(photo, metadata, quality),
        Encoding::Png => png(photo, metadata),
        Encoding::Tiff => tiff::encode(photo, metadata),
        Encoding::WebP => webp(photo, metadata),
    };
    let (width, height) = (photo.width(), photo.height());
    bytes.map_err(|source| Error::Encode { width, height, source })
}

fn sixteen(photo: &Photo<u16>, metadata: &Metadata, encoding: Encoding) -> Result<Vec<u8>, Error> {
    let bytes = match encoding {
        Encoding::Jpeg { .. } | Encoding::WebP => return eight(&photo.to_depth(), metadata, encoding),
        Encoding::Png => png(photo, metadata),
        Encoding::Tiff => tiff::encode(photo, metadata),
    };
    let (width, height) = (photo.width(), photo.height());
    bytes.map_err(|source| Error::Encode { width, height, source })
}

fn jpeg(photo: &Photo, metadata: &Metadata, quality: u8) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
    if let Some(exif) = metadata.exif.clone().filter(|exif| EXIF_HEADER.len() + exif.len() <= MAX_SEGMENT) {
        encoder.set_exif_metadata(exif)?;
    }
    if let Some(icc) = metadata.icc.clone() {
        encoder.set_icc_profile(icc)?;
    }
    write(photo, encoder)?;
    if let Some(xmp) = metadata.xmp.as_ref().filter(|xmp| XMP_HEADER.len() + xmp.len() <= MAX_SEGMENT) {
        let length = (2 + XMP_HEADER.len() + xmp.len()) as u16;
        let segment = [&[0xff, 0xe1], &length.to_be_bytes()[..], XMP_HEADER, xmp].concat();
        // After the two bytes that begin the file and the first segment, which has to be the JFIF header.
        let at = 4 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        bytes.splice(at..at, segment);
    }
    Ok(bytes)
}

fn png<T>(photo: &Photo<T>, metadata: &Metadata) -> Result<Vec<u8>, Failure>
where
    T: crate::Sample + image::Primitive,
    Rgb<T>: PixelWithColorType<Subpixel = T>,
    [T]: image::EncodableLayout,
{
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    if let Some(exif) = metadata.exif.clone() {
        encoder.set_exif_metadata(exif)?;
    }
    if let Some(icc) = metadata.icc.clone() {
        encoder.set_icc_profile(icc)?;
    }
    write(photo, encoder)?;
    if let Some(xmp) = &metadata.xmp {
        // Keyword, no compression, no language, no translated keyword.
        let content = [b"iTXtXML:com.adobe.xmp\0\0\0\0\0", &xmp[..]].concat();
        let length = (content.len() - 4) as u32;
        let chunk = [&length.to_be_bytes(), &content[..], &crc32fast::hash(&content).to_be_bytes()].concat();
        // After the signature and the header chunk, which always have 33 bytes.
        bytes.splice(33..33, chunk);
    }
    Ok(bytes)
}

fn webp(photo: &Photo, metadata: &Metadata) -> Result<Vec<u8>, Failure> {
    // One more has room in the format, but is not read by libwebp, nor here.
    if photo.width().max(photo.height()) > MAX_WEBP_SIDE {
        return Err(format!("a WebP has sides of at most {MAX_WEBP_SIDE} pixels").into());
    }
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(Cursor::new(&mut bytes));
    if let Some(exif) = metadata.exif.clone() {
        encoder.set_exif_metadata(exif);
    }
    if let Some(icc) = metadata.icc.clone() {
        encoder.set_icc_profile(icc);
    }
    if let Some(xmp) = metadata.xmp.clone() {
        encoder.set_xmp_metadata(xmp);
    }
    encoder.encode(photo.pixels(), photo.width(), photo.height(), ColorType::Rgb8)?;
    Ok(bytes)
}

fn write<T>(photo: &Photo<T>, encoder: impl ImageEncoder) -> Result<(), Failure>
where
    T: crate::Sample + image::Primitive,
    Rgb<T>: PixelWithColorType<Subpixel = T>,
    [T]: image::EncodableLayout,
{
    let image = ImageBuffer::<Rgb<T>, _>::from_raw(photo.width(), photo.height(), photo.pixels());
    let image = image.ok_or_else(|| io::Error::other("the buffer does not fit the size"))?;
    Ok(image.write_with_encoder(encoder)?)
}
