//! From a picture to the bytes of a file.

use std::io::{self, Cursor};
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageBuffer, ImageEncoder, PixelWithColorType, Rgb};
use image_webp::{ColorType, WebPEncoder};
use img_parts::png::Png;

use super::{Encoding, Metadata, Note, Picture, Pixels, jpeg_write, png, save, tiff};
use crate::{Error, Photo};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Most pixels of a side of a WebP.
const MAX_WEBP_SIDE: u32 = 16_383;

impl Picture {
    /// Encodes pixels and metadata; the sizes that EXIF and XMP name become that of the pixels. JPEG and WebP have 8 bit: 16 are reduced
    /// to the nearest.
    ///
    /// What the format has no place for is left out: [`Picture::left_out_as`] tells what.
    ///
    /// # Errors
    /// [`Error::Encode`], for example for a JPEG with a side of more than 65,535 pixels or a WebP of more than 16,383.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, Error> {
        let (metadata, _) = self.metadata.fitted(encoding, self.pixels.size());
        match &self.pixels {
            Pixels::Eight(photo) => eight(photo, &metadata, encoding),
            Pixels::Sixteen(photo) => sixteen(photo, &metadata, encoding),
        }
    }

    /// What [`Picture::encode`] leaves out of the metadata, because the format has no place for it: in a JPEG, blocks of more than about
    /// 65,500 bytes; in a WebP, IPTC records; in a WebP and a TIFF, texts with keywords that EXIF has no field for.
    #[must_use]
    pub fn left_out_as(&self, encoding: Encoding) -> Vec<Note> {
        self.metadata.fitted(encoding, self.pixels.size()).1
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
        save(path, &self.encode(self.encoding_for(path)?)?)
    }
}

pub(super) fn eight(photo: &Photo, metadata: &Metadata, encoding: Encoding) -> Result<Vec<u8>, Error> {
    let bytes = match encoding {
        Encoding::Jpeg { quality } => jpeg_write::encode(photo, metadata, quality),
        Encoding::Png => encode_png(photo, metadata),
        Encoding::Tiff => tiff::encode(photo, metadata),
        Encoding::WebP => webp(photo, metadata),
    };
    let (width, height) = (photo.width(), photo.height());
    bytes.map_err(|source| Error::Encode { width, height, source })
}

fn sixteen(photo: &Photo<u16>, metadata: &Metadata, encoding: Encoding) -> Result<Vec<u8>, Error> {
    let bytes = match encoding {
        Encoding::Jpeg { .. } | Encoding::WebP => return eight(&photo.to_depth(), metadata, encoding),
        Encoding::Png => encode_png(photo, metadata),
        Encoding::Tiff => tiff::encode(photo, metadata),
    };
    let (width, height) = (photo.width(), photo.height());
    bytes.map_err(|source| Error::Encode { width, height, source })
}

fn encode_png<T>(photo: &Photo<T>, metadata: &Metadata) -> Result<Vec<u8>, Failure>
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
    let mut chunked = Png::from_bytes(bytes.into())?;
    // After the header chunk.
    chunked.chunks_mut().splice(1..1, png::chunks(metadata));
    let mut bytes = Vec::with_capacity(chunked.len());
    chunked.encoder().write_to(&mut bytes)?;
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
