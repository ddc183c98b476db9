//! JPEG: encoding.
//!
//! The photo is divided into strips that are encoded as JPEGs of their own, on all threads, and their values put behind each
//! other with a restart marker between: what is coded begins anew there, so that the whole is one JPEG to the byte that one thread
//! would write.

use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::{Bytes, ImageEXIF, ImageICC};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use rayon::prelude::*;

use super::fitted::{comment, jfif};
use super::jpeg_segments::XMP_HEADER;
use super::{Metadata, iptc};
use crate::Photo;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Rows and columns of a block: colours are as fine as brightness, because edits were made for what is seen of them.
const BLOCK: usize = 8;

/// Pixels of a strip, about. Enough that a marker more does not matter, few enough for all threads.
const STRIP_PIXELS: usize = 1 << 18;

/// A JPEG with what is known of the picture.
pub(super) fn encode(photo: &Photo, metadata: &Metadata, quality: u8) -> Result<Vec<u8>, Failure> {
    let side = |side: u32| u16::try_from(side).map_err(|_| "a JPEG has sides of at most 65,535 pixels");
    let (width, height) = (side(photo.width())?, side(photo.height())?);
    let stride = usize::from(width) * 3;
    let rows = (STRIP_PIXELS / usize::from(width)).next_multiple_of(BLOCK).max(BLOCK);
    let strips = photo.pixels().par_chunks(stride * rows);
    let strips = strips.map(|strip| {
        let mut bytes = Vec::with_capacity(strip.len() / 4);
        let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
        encoder.encode(strip, width, (strip.len() / stride) as u16, ColorType::Rgb)?;
        Ok::<_, Failure>(bytes)
    });
    let strips: Vec<Vec<u8>> = strips.collect::<Result<_, _>>()?;
    let blocks = usize::from(width).div_ceil(BLOCK) * rows / BLOCK;
    let mut jpeg = together(strips, height, u16::try_from(blocks)?)?;
    describe(&mut jpeg, metadata)?;
    let mut bytes = Vec::new();
    jpeg.encoder().write_to(&mut bytes)?;
    Ok(bytes)
}

/// One JPEG of strips that have `blocks` blocks each, the last one fewer.
fn together(strips: Vec<Vec<u8>>, height: u16, blocks: u16) -> Result<Jpeg, Failure> {
    let several = strips.len() > 1;
    let mut whole: Option<Jpeg> = None;
    let mut values = Vec::new();
    for (number, strip) in strips.into_iter().enumerate() {
        let jpeg = Jpeg::from_bytes(Bytes::from(strip))?;
        let scan = jpeg.segment_by_marker(markers::SOS).ok_or("the encoder wrote no scan")?.clone();
        let mut own = Vec::new();
        scan.encoder().write_to(&mut own)?;
        // The marker, and the length and the rest of the header.
        let header = 2 + usize::from(u16::from_be_bytes([own[2], own[3]]));
        let end = own
            .len()
            .checked_sub(2)
            .filter(|end| own[*end..] == [0xff, markers::EOI])
            .ok_or("the encoder wrote no end")?;
        if number > 0 {
            // From 0 to 7, and again.
            values.extend([0xff, 0xd0 + (number - 1) as u8 % 8]);
        }
        values.extend_from_slice(&own[header..end]);
        whole.get_or_insert(jpeg);
    }
    values.extend([0xff, markers::EOI]);
    let mut whole = whole.ok_or("a photo has rows")?;
    let segments = whole.segments_mut();
    for segment in segments.iter_mut() {
        let mut content = segment.contents().to_vec();
        match segment.marker() {
            markers::SOF0 => {
                content[1..3].copy_from_slice(&height.to_be_bytes());
                *segment = JpegSegment::new_with_contents(markers::SOF0, content.into());
            }
            markers::SOS => {
                *segment =
                    JpegSegment::new_with_entropy(markers::SOS, content.into(), std::mem::take(&mut values).into())
            }
            _ => {}
        }
    }
    if several {
        let scan = segments.len() - 1;
        segments.insert(scan, JpegSegment::new_with_contents(markers::DRI, blocks.to_be_bytes().to_vec().into()));
    }
    Ok(whole)
}

/// Adds what is known of the picture; what is too long for a segment was left out before.
fn describe(jpeg: &mut Jpeg, metadata: &Metadata) -> Result<(), Failure> {
    let (unit, [across, down]) = metadata.density.map_or((0, [1, 1]), jfif);
    let header = [b"JFIF\0\x01\x01", &[unit][..], &across.to_be_bytes(), &down.to_be_bytes(), &[0, 0]].concat();
    let segments = jpeg.segments_mut();
    segments.retain(|segment| segment.marker() != markers::APP0);
    segments.insert(0, JpegSegment::new_with_contents(markers::APP0, header.into()));
    let mut place = 1;
    let mut add = |marker: u8, content: Vec<u8>| {
        segments.insert(place, JpegSegment::new_with_contents(marker, content.into()));
        place += 1;
    };
    if let Some(xmp) = &metadata.xmp {
        add(markers::APP1, [XMP_HEADER, xmp].concat());
    }
    if let Some(records) = &metadata.iptc {
        add(markers::APP13, [iptc::PHOTOSHOP_HEADER, &iptc::to_resource(records)].concat());
    }
    for text in &metadata.texts {
        add(markers::COM, comment(text).into_bytes());
    }
    // Before the XMP packet, which hides it from some readers.
    jpeg.set_exif(metadata.exif.clone().map(Bytes::from));
    jpeg.set_icc_profile(metadata.icc.clone().map(Bytes::from));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_one_jpeg_that_says_the_same() {
        // Ten strips, the last one no whole number of blocks.
        let photo = Photo::from_fn(2000, 1283, |x, y| [(x / 8) as u8, (y / 6) as u8, ((x * y) >> 9) as u8]).unwrap();
        let bytes = encode(&photo, &Metadata::default(), 92).unwrap();
        let mut at_once = Vec::new();
        let mut encoder = Encoder::new(&mut at_once, 92);
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
        encoder.encode(photo.pixels(), 2000, 1283, ColorType::Rgb).unwrap();
        assert_eq!(Photo::decode(&bytes).unwrap(), Photo::decode(&at_once).unwrap());
        assert!(bytes.len() < at_once.len() + 200);
        assert!(crate::Picture::decode(&bytes).unwrap().notes.is_empty());
    }
}
