//! Camera raw files, developed: the camera's white balance, its colours as sRGB, and a curve such as cameras have.
//!
//! `rawler` reads the containers and unpacks the values of the sensor, for some hundred cameras; what is made of these is here. It runs
//! guarded as all decoders do, gets no file that claims more than it has, and what it says of sizes is believed only after it was checked.

mod claims;
mod develop;
mod metadata;
mod mosaic;

use std::sync::Arc;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};
use rawler::RawlerError;
use rawler::decoders::{Decoder, RawDecodeParams};
use rawler::imgop::Rect;
use rawler::imgop::xyz::Illuminant;
use rawler::rawimage::{RawImage, RawPhotometricInterpretation};
use rawler::rawsource::RawSource;

use self::develop::{BaseCurve, Sensor};
use super::Note;
use super::found::{Found, Name};
use crate::Error;
use crate::guarded::guarded;

/// What is said of a raw file that is not read.
const ADVICE: &str = "develop it in another program first, to a TIFF of 16 bit or a JPEG, or convert it to a DNG";

/// Most stops that a file may ask for beyond what its sensor says.
const MOST_STOPS: f32 = 4.0;

/// The picture of a raw file that is called `kind`: `a DNG of NIKON`, `a raw file of Fujifilm (RAF)`.
pub(super) fn decode(bytes: &[u8], name: Name<'_>, kind: &str) -> Result<Found, Error> {
    opened(bytes, name, kind, |source, decoder| developed(source, decoder, name, BaseCurve::Camera))
}

/// Size and orientation of the picture that [`decode`] makes, without making it.
pub(super) fn header(bytes: &[u8], name: Name<'_>, kind: &str) -> Result<((u32, u32), u8), Error> {
    opened(bytes, name, kind, |source, decoder| {
        let image = decoder.raw_image(source, &RawDecodeParams::default(), true).map_err(Failure::Rawler)?;
        let part = checked(&image, source.buf().len(), name)?;
        Ok(((part.width as u32, part.height as u32), orientation(&image, decoder, source).to_exif()))
    })
}

/// What the file says beside its values; nothing where it cannot be read.
pub(super) fn metadata(bytes: &[u8], name: Name<'_>) -> super::Metadata {
    let of = |source: &RawSource, decoder: &dyn Decoder| Ok(metadata::of(bytes, decoder, source).0);
    opened(bytes, name, "a camera raw file", of).unwrap_or_default()
}

enum Failure {
    Rawler(RawlerError),
    /// Ours, with the name of the file.
    Told(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// Works with the decoder of a file. What goes wrong there, a panic included, is an error that says which kind of file it is and what to do.
fn opened<T>(
    bytes: &[u8],
    name: Name<'_>,
    kind: &str,
    work: impl FnOnce(&RawSource, &dyn Decoder) -> Result<T, Failure>,
) -> Result<T, Error> {
    let source = RawSource::new_from_shared_vec(Arc::new(claims::examined(bytes, name, kind)?));
    let result = guarded(|| {
        let decoder = rawler::get_decoder(&source).map_err(Failure::Rawler)?;
        work(&source, &*decoder)
    });
    match result {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Failure::Told(error))) => Err(error),
        Ok(Err(Failure::Rawler(RawlerError::Unsupported { what, model, make, .. }))) => {
            let camera = [make.trim(), model.trim()].join(" ");
            let of =
                if camera.trim().is_empty() { String::new() } else { format!(", of the camera {}", camera.trim()) };
            Err(name.unsupported(format!("it is {kind}{of}, which is not read ({}): {ADVICE}", what.to_lowercase())))
        }
        Ok(Err(Failure::Rawler(RawlerError::DecoderFailed(reason)))) | Err(reason) => {
            Err(name
                .damaged(format!("it is {kind} that cannot be read ({reason}); if other programs open it, {ADVICE}")))
        }
    }
}

fn developed(source: &RawSource, decoder: &dyn Decoder, name: Name<'_>, curve: BaseCurve) -> Result<Found, Failure> {
    let bytes = source.buf();
    let read = |dummy| decoder.raw_image(source, &RawDecodeParams::default(), dummy).map_err(Failure::Rawler);
    // First without its values: how many there are is not known before.
    checked(&read(true)?, bytes.len(), name)?;
    let image = read(false)?;
    let part = checked(&image, bytes.len(), name)?;
    let orientation = orientation(&image, decoder, source);
    let (metadata, mut notes) = guarded(|| metadata::of(bytes, decoder, source)).unwrap_or_default();
    let matrix = camera_matrix(&image);
    if matrix.is_none() {
        notes.push(Note::UnknownCamera);
    }
    let stops = baseline_exposure(decoder);
    let (width, height) = (part.width as u32, part.height as u32);
    let sensor = Sensor::of(&image, part, matrix).map_err(|reason| name.unsupported(format!("{reason}: {ADVICE}")))?;
    let pixels = sensor.developed(curve, stops);
    let image = ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageRgb16);
    let image = image.ok_or_else(|| name.damaged("it has fewer values than pixels"))?;
    Ok(Found { orientation, notes, ..Found::new(image, metadata) })
}

/// The part of a sensor that is the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Part {
    fn of(area: Rect) -> Self {
        Self { left: area.p.x, top: area.p.y, width: area.d.w, height: area.d.h }
    }

    fn contains(self, other: Self) -> bool {
        let holds = |from: usize, length: usize, own: usize, side: usize| {
            from >= own && from.checked_add(length).zip(own.checked_add(side)).is_some_and(|(end, most)| end <= most)
        };
        holds(other.left, other.width, self.left, self.width) && holds(other.top, other.height, self.top, self.height)
    }
}

/// The part that is the picture, if it lies within the sensor and can be a photo.
fn checked(image: &RawImage, file_bytes: usize, name: Name<'_>) -> Result<Part, Error> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    name.check_size((side(image.width), side(image.height)), file_bytes)?;
    let all = Part { left: 0, top: 0, width: image.width, height: image.height };
    let part = image.crop_area.or(image.active_area).map_or(all, Part::of);
    if part.width == 0 || part.height == 0 || !all.contains(part) {
        return Err(name.damaged("the picture lies outside of its sensor"));
    }
    Ok(part)
}

/// How the picture is turned. Most decoders leave that to the metadata.
fn orientation(image: &RawImage, decoder: &dyn Decoder, source: &RawSource) -> Orientation {
    let of_image = Some(image.orientation.to_u16()).filter(|number| *number > 1);
    let of_metadata = || decoder.raw_metadata(source, &RawDecodeParams::default()).ok()?.exif.orientation;
    // A picture without words is better than none.
    let number = of_image.or_else(|| guarded(of_metadata).ok().flatten()).unwrap_or(1);
    u8::try_from(number).ok().and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// From XYZ to the colours of the camera, of the light that is nearest to that of sRGB's white. None where nobody measured the camera.
fn camera_matrix(image: &RawImage) -> Option<[[f32; 3]; 3]> {
    use Illuminant as I;
    let order = [I::D65, I::Daylight, I::D55, I::D50, I::D75, I::Flash, I::C, I::B, I::A];
    let (_, matrix) = image.color_matrix_find_first(order)?;
    let rows = matrix.as_chunks::<3>().0;
    let matrix = [*rows.first()?, *rows.get(1)?, *rows.get(2)?];
    matrix.iter().flatten().all(|entry| entry.is_finite()).then_some(matrix)
}

/// Stops by which a DNG says that its values are to be brightened.
fn baseline_exposure(decoder: &dyn Decoder) -> f32 {
    use rawler::decoders::WellKnownIFD;
    use rawler::tags::DngTag;
    let directory = decoder.ifd(WellKnownIFD::VirtualDngRootTags).ok().flatten();
    let entry = directory.as_ref().and_then(|directory| directory.get_entry(DngTag::BaselineExposure));
    let stops = entry.map_or(0.0, |entry| entry.force_f32(0));
    if stops.is_finite() { stops.clamp(-MOST_STOPS, MOST_STOPS) } else { 0.0 }
}

#[cfg(test)]
mod tests;
