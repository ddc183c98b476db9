//! From the bytes of a file to a picture.

use std::io::Cursor;
use std::path::Path;

use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder};

use super::found::{Found, Name};
use super::kind::Kind;
use super::{Note, Picture, Pixels, Tolerance, jpeg, png, read_file, tiff, webp};
use crate::profile::Meaning;
use crate::{Error, Photo};

impl Picture {
    /// Reads a JPEG, PNG, TIFF or WebP file, told by its content. See [`Picture::decode`].
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`], naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, Tolerance::Refuse)
    }

    /// The same, with a word on what becomes of a damaged file.
    ///
    /// # Errors
    /// Those of [`Picture::open`].
    pub fn open_with(path: &Path, tolerance: Tolerance) -> Result<Self, Error> {
        picture(&read_file(path)?, &path.display().to_string(), tolerance)
    }

    /// Decodes a JPEG, PNG, TIFF or WebP from memory.
    ///
    /// The orientation is applied. Greyscale and palettes become RGB, CMYK is converted without a profile, an alpha
    /// channel is dropped. 16 bit stays; floats and whole numbers of more bits (a TIFF may have them) become 16 bit, floats from 0
    /// to 1. Of several frames the first counts; of a TIFF's pictures, the first that is not marked as a reduced copy, or a larger
    /// one below it. [`Picture::notes`] tells what was left out. Damaged metadata is left out; a damaged or cut off picture is an
    /// error. The codes of a JPEG have no sum to check them by: they are walked through, and what changed a value and no length is not
    /// noticed.
    ///
    /// Read as metadata are EXIF, ICC, XMP and IPTC blocks where the formats say they are, comments and texts, and the density. Of
    /// a TIFF, those fields count as EXIF that an EXIF block has too: make, model, dates, exposure, place and the like. What
    /// became false is corrected or left out: orientation, previews, storage, claims of videos, depth and gain maps behind the
    /// picture, places of faces where the picture was turned.
    ///
    /// Values stay as the file has them; what they mean, [`Metadata::icc`](crate::Metadata) says: the profile of the file, one that is made
    /// of what a PNG says in other ways (cICP, gAMA, cHRM), of a profile of greys, or of the mark of Adobe RGB in EXIF. See
    /// [`Picture::seen`] and [`Picture::into_srgb`].
    ///
    /// With the feature `raw`, camera raw files are developed: white balance and colours of the camera, as sRGB of 16 bit.
    ///
    /// Not read, with an error that says so: camera raw files without that feature or of unknown kinds (their previews are not the photo),
    /// TIFF with signed numbers or in other colours than RGB, greyscale, palettes, CMYK and YCbCr, JPEG of more than 8 bit, with
    /// arithmetic coding or without losses. A decoder of another crate that panics is an error, too.
    ///
    /// # Errors
    /// [`Error::Decode`], [`Error::Unsupported`] or [`Error::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::decode_with(bytes, Tolerance::Refuse)
    }

    /// The same, with a word on what becomes of damaged data.
    ///
    /// # Errors
    /// Those of [`Picture::decode`].
    pub fn decode_with(bytes: &[u8], tolerance: Tolerance) -> Result<Self, Error> {
        picture(bytes, "the data", tolerance)
    }
}

/// Reads the bytes of a file that errors call `name`.
fn picture(bytes: &[u8], name: &str, tolerance: Tolerance) -> Result<Picture, Error> {
    let name = Name(name);
    if bytes.is_empty() {
        return Err(name.damaged("the file is empty"));
    }
    name.guarded(|| {
        let found = match Kind::of(bytes) {
            Kind::Jpeg => jpeg::decode(bytes, name, tolerance)?,
            Kind::Png => png::decode(bytes, name, tolerance)?,
            Kind::Tiff => match tiff::pages::raw(bytes) {
                Some(kind) => raw(bytes, name, &kind)?,
                None => tiff::decode(bytes, name)?,
            },
            Kind::Raw(kind) => raw(bytes, name, kind)?,
            Kind::WebP => webp(bytes, name)?,
            Kind::Foreign(reason) => return Err(name.unsupported(reason)),
            Kind::Other => return Err(name.damaged("it has another kind of content")),
        };
        upright(found)
    })
}

/// A raw file, developed.
#[cfg(feature = "raw")]
fn raw(bytes: &[u8], name: Name<'_>, kind: &str) -> Result<Found, Error> {
    super::raw::decode(bytes, name, kind)
}

#[cfg(not(feature = "raw"))]
fn raw(_bytes: &[u8], name: Name<'_>, kind: &str) -> Result<Found, Error> {
    Err(name.unsupported(super::kind::without_raw(kind)))
}

fn upright(found: Found) -> Result<Picture, Error> {
    let Found { mut image, orientation, mut metadata, mut notes, quality } = found;
    notes.extend(is_transparent(&image).then_some(Note::AlphaDropped));
    image.apply_orientation(orientation);
    metadata.turned(orientation);
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
    if matches!(Meaning::of(metadata.icc.as_deref()), Meaning::Unreadable) {
        notes.push(Note::ProfileNotApplied);
    }
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

fn webp(bytes: &[u8], name: Name<'_>) -> Result<Found, Error> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| name.damaged(error))?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let animated = decoder.has_animation();
    // Its first picture may be whole in a file that is not; elsewhere the decoder notices.
    let claimed = bytes.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
    if animated && u64::from(claimed) + 8 > bytes.len() as u64 {
        return Err(name.damaged("it is cut off"));
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?;
    let mut notes = Vec::new();
    let (metadata, orientation, lossy) = webp::metadata(bytes, &mut notes);
    notes.extend(animated.then_some(Note::FirstFrame));
    notes.extend(lossy.then_some(Note::LossyWebP));
    Ok(Found { orientation, notes, ..Found::new(image, metadata) })
}
