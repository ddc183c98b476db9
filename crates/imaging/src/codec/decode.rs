//! From the bytes of a file to a picture.

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits};

use super::found::{Found, Name};
use super::kind::Kind;
use super::{Metadata, Note, Picture, Pixels, WORKING_BYTES, exif, jpeg, read_file, tiff, webp};
use crate::{Error, Photo};

impl Picture {
    /// Reads a JPEG, PNG, TIFF or WebP file, told by its content. See [`Picture::decode`].
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`], naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        picture(&read_file(path)?, &path.display().to_string())
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
        picture(bytes, "the data")
    }
}

/// Reads the bytes of a file that errors call `name`.
fn picture(bytes: &[u8], name: &str) -> Result<Picture, Error> {
    let name = Name(name);
    if bytes.is_empty() {
        return Err(name.damaged("the file is empty"));
    }
    name.guarded(|| {
        let found = match Kind::of(bytes) {
            Kind::Jpeg => jpeg::decode(bytes, name)?,
            Kind::Png => png(bytes, name)?,
            Kind::Tiff => tiff::decode(bytes, name)?,
            Kind::WebP => webp(bytes, name)?,
            Kind::Foreign(reason) => return Err(name.unsupported(reason)),
            Kind::Other => return Err(name.damaged("it has another kind of content")),
        };
        upright(found)
    })
}

fn upright(found: Found) -> Result<Picture, Error> {
    let Found { mut image, orientation, metadata, notes, quality } = found;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    let pixels = match image {
        DynamicImage::ImageLuma16(_)
        | DynamicImage::ImageLumaA16(_)
        | DynamicImage::ImageRgb16(_)
        | DynamicImage::ImageRgba16(_)
        | DynamicImage::ImageRgb32F(_)
        | DynamicImage::ImageRgba32F(_) => Pixels::Sixteen(Photo::new(width, height, image.into_rgb16().into_raw())?),
        eight => Pixels::Eight(Photo::new(width, height, eight.into_rgb8().into_raw())?),
    };
    Ok(Picture { pixels, metadata, notes, quality })
}

/// Whether a pixel is not opaque.
fn is_transparent(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageLumaA8(image) => image.pixels().any(|pixel| pixel.0[1] < u8::MAX),
        DynamicImage::ImageRgba8(image) => image.pixels().any(|pixel| pixel.0[3] < u8::MAX),
        DynamicImage::ImageLumaA16(image) => image.pixels().any(|pixel| pixel.0[1] < u16::MAX),
        DynamicImage::ImageRgba16(image) => image.pixels().any(|pixel| pixel.0[3] < u16::MAX),
        _ => false,
    }
}

fn png(bytes: &[u8], name: Name<'_>) -> Result<Found, Error> {
    let mut limits = Limits::no_limits();
    // Chunks and single rows; the picture is allocated here, after its size was looked at.
    limits.max_alloc = Some(WORKING_BYTES as u64);
    if let Some(size) = png_size(bytes) {
        name.check_size(size, bytes.len())?;
    }
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(|error| name.damaged(error))?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let exif = readable(decoder.exif_metadata());
    let metadata =
        Metadata::carried(exif.as_deref(), readable(decoder.icc_profile()), readable(decoder.xmp_metadata()));
    let orientation = exif::turned(exif.as_deref());
    let animated = decoder.is_apng().unwrap_or(false);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?;
    let mut notes = Vec::new();
    notes.extend(animated.then_some(Note::FirstFrame));
    notes.extend(is_transparent(&image).then_some(Note::AlphaDropped));
    Ok(Found { orientation, notes, ..Found::new(image, metadata) })
}

/// The size in the header: the decoder would allocate a row before it tells it.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

fn webp(bytes: &[u8], name: Name<'_>) -> Result<Found, Error> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| name.damaged(error))?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let animated = decoder.has_animation();
    let image = DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?;
    let (metadata, orientation) = webp::metadata(bytes);
    let mut notes = Vec::new();
    notes.extend(animated.then_some(Note::FirstFrame));
    notes.extend(is_transparent(&image).then_some(Note::AlphaDropped));
    notes.extend(webp::is_lossy(bytes).then_some(Note::LossyWebP));
    Ok(Found { orientation, notes, ..Found::new(image, metadata) })
}

/// A damaged block is no reason to refuse a picture.
fn readable(block: ImageResult<Option<Vec<u8>>>) -> Option<Vec<u8>> {
    block.ok().flatten()
}
