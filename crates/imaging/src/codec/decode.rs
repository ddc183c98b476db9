//! From the bytes of a file to a picture.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageResult, Limits, RgbImage};

use super::exif::{self, Directory};
use super::{MAX_METADATA_BYTES, MAX_PIXELS, Metadata, Picture, Pixels, jpeg, webp};
use crate::resize::fitting;
use crate::{Error, Photo};

/// Memory that a decoder may use beside the picture.
const WORKING_BYTES: u64 = 256 << 20;

/// A picture of this many pixels is believed whatever the file's size is.
const SMALL: u64 = 1 << 24;

/// Most pixels that a byte of the file can stand for. Deflate packs zeros a thousandfold, which makes 8,000 pixels of one
/// bit; WebP can write any number of equal pixels in a few bytes, but those are no photo.
const MAX_PIXELS_PER_BYTE: u64 = 10_000;

/// What the formats' readers find in a file.
pub(super) struct Raw {
    pub(super) image: DynamicImage,
    /// As the file names it; that in the EXIF block goes before it.
    pub(super) orientation: Option<Orientation>,
    pub(super) metadata: Metadata,
}

/// Gives the file's name to what is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct Name<'a>(pub(super) &'a str);

impl Name<'_> {
    pub(super) fn damaged(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Decode { name: self.0.to_owned(), source: source.into() }
    }

    /// Refuses what is too large, before anything is decoded.
    pub(super) fn check_size(self, (width, height): (u32, u32), file_bytes: usize) -> Result<(), Error> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(self.damaged("it has no pixels"));
        }
        if pixels > MAX_PIXELS {
            return Err(Error::TooLarge { name: self.0.to_owned(), width, height, limit: MAX_PIXELS });
        }
        if pixels > SMALL.max(file_bytes as u64 * MAX_PIXELS_PER_BYTE) {
            return Err(self.damaged(format!("{file_bytes} bytes cannot be a photo of {width}x{height} pixels")));
        }
        Ok(())
    }
}

pub(super) fn picture(bytes: &[u8], name: &str) -> Result<Picture, Error> {
    let name = Name(name);
    let raw = match format(bytes, name)? {
        ImageFormat::Jpeg => jpeg::decode(bytes, name, 1)?,
        ImageFormat::Png => png(bytes, name)?,
        ImageFormat::Tiff => tiff(bytes, name)?,
        _ => webp(bytes, name)?,
    };
    upright(raw)
}

/// The picture in 8 bit with sides of at most `max_side`; a JPEG is decoded at a reduced scale where that is enough.
pub(super) fn thumbnail(bytes: &[u8], name: &str, max_side: u32) -> Result<Photo, Error> {
    let named = Name(name);
    if format(bytes, named)? != ImageFormat::Jpeg {
        return Ok(picture(bytes, name)?.pixels.into_eight().thumbnail(max_side));
    }
    let (width, height) = jpeg::size(bytes, named)?;
    // About twice what is wanted, so that the resampling and not the decoder decides how the result looks: it then lies
    // 47 dB and more from that of the whole picture, with 3/2 it is 42. A picture of 6000 pixels has 750 at an eighth, just
    // less than twice 384.
    let enough = |by: &u32| width.max(height) / by >= max_side.saturating_mul(7) / 4;
    let reduction = [8, 4, 2].into_iter().find(enough).unwrap_or(1);
    let mut raw = jpeg::decode(bytes, named, reduction)?;
    let image = std::mem::take(&mut raw.image).into_rgb8();
    let reduced = Photo::new(image.width(), image.height(), image.into_raw())?;
    let target = fitting((width, height), max_side);
    // The last column and row of a reduced picture may lie in part outside of the whole one.
    let exact =
        |side: u32, reduced: u32| if reduced < side { f64::from(side) / f64::from(reduction) } else { side.into() };
    let part = (exact(width, reduced.width()), exact(height, reduced.height()));
    let same = target == (reduced.width(), reduced.height());
    let photo = if same { reduced } else { reduced.part_resized(part, target) };
    let image = RgbImage::from_raw(target.0, target.1, photo.into_pixels());
    raw.image = image.map(DynamicImage::ImageRgb8).expect("a photo's buffer fits its size");
    Ok(upright(raw)?.pixels.into_eight())
}

/// The format that the content shows, one of the four that are read.
fn format(bytes: &[u8], name: Name<'_>) -> Result<ImageFormat, Error> {
    if bytes.is_empty() {
        return Err(name.damaged("the file is empty"));
    }
    match image::guess_format(bytes) {
        Ok(format) if super::is_read(format) => Ok(format),
        Ok(format) => Err(name.damaged(format!("it is a {format:?} file"))),
        Err(_) => Err(name.damaged("it has another kind of content")),
    }
}

fn upright(raw: Raw) -> Result<Picture, Error> {
    let Raw { mut image, mut orientation, mut metadata } = raw;
    if let Some(exif) = &mut metadata.exif {
        orientation = Orientation::remove_from_exif_chunk(exif).or(orientation);
    }
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
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
    Ok(Picture { pixels, metadata })
}

impl Metadata {
    /// What is carried on of the blocks found in a file.
    pub(super) fn carried(exif: Option<&[u8]>, icc: Option<Vec<u8>>, xmp: Option<Vec<u8>>) -> Self {
        let bounded = |block: &Vec<u8>| !block.is_empty() && block.len() <= MAX_METADATA_BYTES;
        Self {
            exif: exif.and_then(exif::carried).filter(bounded),
            // The colour space stands at 16 in the header of a profile, which has 128 bytes.
            icc: icc.filter(bounded).filter(|icc| icc.len() >= 128 && &icc[16..20] == b"RGB "),
            xmp: xmp.filter(bounded).filter(|xmp| std::str::from_utf8(xmp).is_ok()),
        }
    }
}

fn png(bytes: &[u8], name: Name<'_>) -> Result<Raw, Error> {
    let mut limits = Limits::no_limits();
    // Chunks and single rows; the picture is allocated here, after its size was looked at.
    limits.max_alloc = Some(WORKING_BYTES);
    if let Some(size) = png_size(bytes) {
        name.check_size(size, bytes.len())?;
    }
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(|error| name.damaged(error))?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let exif = readable(decoder.exif_metadata());
    let metadata =
        Metadata::carried(exif.as_deref(), readable(decoder.icc_profile()), readable(decoder.xmp_metadata()));
    let image = DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?;
    Ok(Raw { image, orientation: None, metadata })
}

/// The size in the header: the decoder would allocate a row before it tells it.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

fn tiff(bytes: &[u8], name: Name<'_>) -> Result<Raw, Error> {
    let mut decoder = TiffDecoder::new(Cursor::new(bytes)).map_err(|error| name.damaged(error))?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let mut limits = Limits::no_limits();
    // CMYK is decoded whole, four channels, and then converted to three.
    limits.max_alloc = Some(decoder.total_bytes() / 3 * 4 + WORKING_BYTES);
    decoder.set_limits(limits).map_err(|error| name.damaged(error))?;
    let directory = Directory::first(bytes);
    let orientation = directory.as_ref().and_then(exif::orientation).and_then(Orientation::from_exif);
    let orientation = orientation.or_else(|| decoder.orientation().ok());
    let block =
        |tag| directory.as_ref().and_then(|directory| directory.fields.get(&tag)).map(|field| field.value.clone());
    let (icc, xmp) = (block(exif::ICC), block(exif::XMP));
    let exif = directory.map(Directory::descriptive).filter(|directory| !directory.is_empty());
    let metadata = Metadata::carried(exif.map(|exif| exif.to_block()).as_deref(), icc, xmp);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?;
    Ok(Raw { image, orientation, metadata })
}

fn webp(bytes: &[u8], name: Name<'_>) -> Result<Raw, Error> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| name.damaged(error))?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?;
    Ok(Raw { image, orientation: None, metadata: webp::metadata(bytes) })
}

/// A damaged block is no reason to refuse a picture.
fn readable(block: ImageResult<Option<Vec<u8>>>) -> Option<Vec<u8>> {
    block.ok().flatten()
}
