//! JPEG: the segments before the picture, and decoding at full or reduced scale.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, RgbImage};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat, ScalingFactor};

use super::decode::{Name, Raw};
use super::{MAX_METADATA_BYTES, MAX_PIXELS, Metadata};
use crate::Error;

pub(super) const EXIF_HEADER: &[u8] = b"Exif\0\0";
pub(super) const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ICC_HEADER: &[u8] = b"ICC_PROFILE\0";

/// Most scans of a progressive JPEG; programs write about ten. Each takes the time of a pass over the whole picture.
const MAX_SCANS: usize = 200;

/// Width and height as they are stored.
pub(super) fn size(bytes: &[u8], name: Name<'_>) -> Result<(u32, u32), Error> {
    let Segments { size: Some(size), .. } = Segments::read(bytes) else {
        return Err(name.damaged("it ends before the picture begins"));
    };
    name.check_size(size, bytes.len())?;
    Ok(size)
}

/// The picture with its sides divided by `reduction`, 1, 2, 4 or 8, and rounded upwards.
pub(super) fn decode(bytes: &[u8], name: Name<'_>, reduction: u32) -> Result<Raw, Error> {
    let (width, height) = size(bytes, name)?;
    let segments = Segments::read(bytes);
    let image = match pixels(bytes, segments.channels, reduction) {
        Ok(image) => image,
        // Rare, such as colours stored finer than brightness. The decoder of `image` knows some of it, at full size.
        Err(JpegError::Unsupported(_)) => {
            let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(|error| name.damaged(error))?;
            DynamicImage::from_decoder(decoder).map_err(|error| name.damaged(error))?
        }
        Err(error) => return Err(name.damaged(error)),
    };
    let reduced = (width.div_ceil(reduction), height.div_ceil(reduction));
    if ![(width, height), reduced].contains(&(image.width(), image.height())) {
        return Err(name.damaged("it tells its size twice"));
    }
    let metadata = Metadata::carried(segments.exif, segments.icc(), segments.xmp.map(<[u8]>::to_vec));
    Ok(Raw { image, orientation: None, metadata })
}

fn pixels(bytes: &[u8], channels: u8, reduction: u32) -> Result<DynamicImage, JpegError> {
    let limits = DecodeLimits {
        max_pixels: MAX_PIXELS,
        max_scans: MAX_SCANS,
        // Coefficients, planes and the result, 16 bytes a pixel at most.
        max_memory: Some(16 * MAX_PIXELS),
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new_with_limits(bytes, limits)?;
    decoder.set_output_format(if channels == 4 { PixelFormat::Cmyk } else { PixelFormat::Rgb });
    decoder.set_scale(ScalingFactor::try_new(1, reduction)?);
    let decoded = decoder.decode_image()?;
    let data = if channels == 4 { rgb_of_cmyk(&decoded.data) } else { decoded.data };
    let image = RgbImage::from_raw(decoded.width as u32, decoded.height as u32, data);
    image.map(DynamicImage::ImageRgb8).ok_or_else(|| JpegError::CorruptData("its size changes on the way".to_owned()))
}

/// Without a profile, as Pillow does. The values are those of Adobe's programs, where 255 means no ink; others are not
/// known to write CMYK.
fn rgb_of_cmyk(cmyk: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(cmyk.len() / 4 * 3);
    for ink in cmyk.chunks_exact(4) {
        let light = u32::from(ink[3]);
        rgb.extend(ink[..3].iter().map(|&value| {
            // What the ink takes of the light, rounded.
            let product = u32::from(255 - value) * light + 128;
            (light - ((product + (product >> 8)) >> 8)) as u8
        }));
    }
    rgb
}

/// What the segments before the picture say.
#[derive(Default)]
struct Segments<'a> {
    size: Option<(u32, u32)>,
    channels: u8,
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
    /// Number of each part of the profile, and the part.
    icc: Vec<(u8, &'a [u8])>,
}

impl<'a> Segments<'a> {
    /// Reads up to where the picture begins, or as far as the segments are whole.
    fn read(bytes: &'a [u8]) -> Self {
        let mut segments = Self::default();
        let mut rest = bytes.get(2..).unwrap_or_default();
        loop {
            // Any number of 0xff may stand before a marker.
            while let [0xff, 0xff, ..] = rest {
                rest = &rest[1..];
            }
            let [0xff, marker, after @ ..] = rest else { return segments };
            if matches!(marker, 0x01 | 0xd0..=0xd8) {
                rest = after;
                continue;
            }
            let [high, low, ..] = after else { return segments };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(content) = after.get(2..length) else { return segments };
            match *marker {
                0xda | 0xd9 => return segments,
                // Starts of frames, without the tables that stand among them.
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(marker) => segments.frame(content),
                0xe1 => segments.application(content),
                0xe2 => segments.profile_part(content),
                _ => {}
            }
            rest = &after[length..];
        }
    }

    fn frame(&mut self, content: &[u8]) {
        if let [_, y1, y0, x1, x0, channels, ..] = *content {
            self.size = Some((u16::from_be_bytes([x1, x0]).into(), u16::from_be_bytes([y1, y0]).into()));
            self.channels = channels;
        }
    }

    fn application(&mut self, content: &'a [u8]) {
        if content.starts_with(EXIF_HEADER) {
            self.exif = self.exif.or(Some(content));
        } else if let Some(xmp) = content.strip_prefix(XMP_HEADER) {
            self.xmp = self.xmp.or(Some(xmp));
        }
    }

    fn profile_part(&mut self, content: &'a [u8]) {
        if let Some([number, _, part @ ..]) = content.strip_prefix(ICC_HEADER) {
            self.icc.push((*number, part));
        }
    }

    /// The profile, put together from its parts.
    fn icc(&self) -> Option<Vec<u8>> {
        let mut parts = self.icc.clone();
        parts.sort_by_key(|(number, _)| *number);
        let whole = parts.iter().zip(1..).all(|((number, _), expected): (_, u32)| u32::from(*number) == expected);
        let length = parts.iter().map(|(_, part)| part.len()).sum::<usize>();
        (whole && !parts.is_empty() && length <= MAX_METADATA_BYTES)
            .then(|| parts.iter().flat_map(|(_, part)| part.iter().copied()).collect())
    }
}
