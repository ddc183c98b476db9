//! JPEG: decoding.

use std::borrow::Cow;

use image::{DynamicImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::found::{Found, Name};
use super::jpeg_segments::{Frame, Segments};
use super::{Metadata, Note, Tolerance, jpeg_entropy};
use crate::Error;
use crate::guarded::guarded;

/// Most scans of a progressive JPEG; programs write about ten. Each takes the time of a pass over the whole picture.
const MAX_SCANS: usize = 200;

/// The frame, if it is one that is read.
fn checked(segments: &Segments, name: Name<'_>) -> Result<Frame, Error> {
    let frame = segments.frame.ok_or_else(|| name.damaged("it ends before the picture begins"))?;
    let advice = "open it in another program and save it as an ordinary JPEG";
    match (frame.kind, frame.bits) {
        (0xc0..=0xc2, 8) => Ok(frame),
        (0xc0..=0xc2, bits) => Err(name.unsupported(format!("it is a JPEG of {bits} bits: {advice}"))),
        (0xc3 | 0xc7 | 0xcb | 0xcf, _) => Err(name.unsupported(format!("it is a lossless JPEG: {advice}"))),
        (0xc9 | 0xca | 0xcd | 0xce, _) => {
            Err(name.unsupported(format!("it is a JPEG with arithmetic coding: {advice}")))
        }
        _ => Err(name.unsupported(format!("it is a hierarchical JPEG: {advice}"))),
    }
}

pub(super) fn decode(bytes: &[u8], name: Name<'_>, tolerance: Tolerance) -> Result<Found, Error> {
    let segments = Segments::read(bytes);
    let frame = checked(&segments, name)?;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    name.check_size((width, height), bytes.len())?;
    if segments.scans > MAX_SCANS {
        return Err(name.damaged(format!("it has {} scans, more than {MAX_SCANS}", segments.scans)));
    }
    let mut notes = Vec::new();
    let data = match tolerance {
        Tolerance::Refuse if !segments.ended => return Err(name.damaged("it is cut off")),
        Tolerance::Refuse => whole(bytes, frame, &mut notes).map_err(|fault| name.damaged(fault))?,
        Tolerance::Keep => {
            let fault = match whole(bytes, frame, &mut notes) {
                Ok(data) if segments.ended => Ok(data),
                Ok(_) => Err("it is cut off".to_owned()),
                Err(_) if !segments.ended => Err("it is cut off".to_owned()),
                Err(fault) => Err(fault),
            };
            match fault {
                Ok(data) => data,
                Err(reason) => {
                    notes.push(Note::Damaged { reason });
                    // A decoder takes the rest for grey where it finds the end of the picture.
                    let mut bytes = Cow::Borrowed(bytes);
                    if !segments.ended {
                        bytes.to_mut().extend([0xff, 0xd9]);
                    }
                    pixels(&bytes, frame.channels, false).map_err(|error| name.damaged(error))?
                }
            }
        }
    };
    let image = RgbImage::from_raw(width, height, data).map(DynamicImage::ImageRgb8);
    let image = image.ok_or_else(|| name.damaged("it tells its size twice"))?;
    let (metadata, orientation) = Metadata::of_jpeg(&segments, &mut notes);
    Ok(Found { orientation, notes, quality: segments.quality(), ..Found::new(image, metadata) })
}

/// The pixels of a picture without a fault, or the fault. The codes are walked through while the picture is decoded.
fn whole(bytes: &[u8], frame: Frame, notes: &mut Vec<Note>) -> Result<Vec<u8>, String> {
    let (fault, decoded) =
        rayon::join(|| guarded(|| jpeg_entropy::fault(bytes)), || guarded(|| pixels(bytes, frame.channels, true)));
    let decoded = decoded.map_err(|reason| format!("a decoder failed on it: {reason}"))?;
    let data = match decoded {
        Ok(data) => data,
        // Some bytes between the headers do no harm; what is wrong among the pixels does.
        Err(DecodeErrors::FormatStatic(reason)) if reason.starts_with("[strict-mode]") => {
            notes.push(Note::Irregular { reason: reason.trim_start_matches("[strict-mode]: ").to_lowercase() });
            pixels(bytes, frame.channels, false).map_err(|error| error.to_string())?
        }
        Err(error) => return Err(error.to_string()),
    };
    match fault? {
        Some(fault) => Err(fault),
        None => Ok(data),
    }
}

/// Red, green and blue.
pub(super) fn pixels(bytes: &[u8], channels: u8, strict: bool) -> Result<Vec<u8>, DecodeErrors> {
    let options = DecoderOptions::new_fast().set_max_width(usize::MAX).set_max_height(usize::MAX);
    let options =
        options.set_strict_mode(strict).jpeg_set_max_scans(MAX_SCANS).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    if channels != 4 {
        return decoder.decode();
    }
    decoder.decode_headers()?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::CMYK);
    decoder.set_options(options.jpeg_set_out_colorspace(stored));
    let inks = decoder.decode()?;
    Ok(rgb_of_inks(&inks, stored == ColorSpace::YCCK))
}

/// Without a profile, as Pillow does. The values are those of Adobe's programs, where 255 means no ink; others are not
/// known to write CMYK.
fn rgb_of_inks(inks: &[u8], ycck: bool) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(inks.len() / 4 * 3);
    for &[first, second, third, light] in inks.as_chunks().0 {
        let values = if ycck { inverted_rgb(first, second, third) } else { [first, second, third] };
        rgb.extend(values.map(|value| {
            // What the ink takes of the light, rounded.
            let product = u32::from(255 - value) * u32::from(light) + 128;
            (u32::from(light) - ((product + (product >> 8)) >> 8)) as u8
        }));
    }
    rgb
}

/// Brightness and colour as the inks that take away what they lack.
fn inverted_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
    rgb.map(|value| 255 - value.round().clamp(0.0, 255.0) as u8)
}
