//! What a raw file says beside the values of its sensor.

use std::borrow::Cow;

use rawler::decoders::{Decoder, RawDecodeParams};
use rawler::rawsource::RawSource;

use super::super::fields::{Directory, Field};
use super::super::jpeg_segments::Segments;
use super::super::metadata::{Blocks, Metadata};
use super::super::{Note, exif};

/// Where Fujifilm's files say where the JPEG stands that has the EXIF block, and how long it is.
const FUJIFILM_JPEG: usize = 84;

/// Most raw files are TIFFs, some under another number in the header.
const TIFF_NUMBERS: [&[u8]; 6] = [b"II\x2a\0", b"MM\0\x2a", b"IIU\0", b"IIRO", b"IIRS", b"MMOR"];

pub(super) fn of(bytes: &[u8], decoder: &dyn Decoder, source: &RawSource) -> (Metadata, Vec<Note>) {
    let mut notes = Vec::new();
    let mut metadata = if TIFF_NUMBERS.iter().any(|number| bytes.starts_with(number)) {
        of_tiff(bytes, &mut notes)
    } else if bytes.starts_with(b"FUJIFILM") {
        of_jpeg(bytes, &mut notes)
    } else {
        told(decoder, source, &mut notes)
    };
    // The settings of another program are those of the raw file: on what was developed they would be made once more.
    metadata.developed();
    metadata.icc = None;
    metadata.srgb = true;
    (metadata, notes)
}

fn of_tiff(bytes: &[u8], notes: &mut Vec<Note>) -> Metadata {
    let number: &[u8] = if bytes.starts_with(b"II") { b"II\x2a\0" } else { b"MM\0\x2a" };
    let mut bytes = Cow::Borrowed(bytes);
    if !bytes.starts_with(number) {
        bytes.to_mut()[..4].copy_from_slice(number);
    }
    let first = Directory::first(&bytes).unwrap_or_default();
    Metadata::of_tiff(&first, &first, notes)
}

fn of_jpeg(bytes: &[u8], notes: &mut Vec<Note>) -> Metadata {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let range = number(FUJIFILM_JPEG).zip(number(FUJIFILM_JPEG + 4));
    let jpeg = range.and_then(|(from, length)| bytes.get(from..from.checked_add(length)?));
    jpeg.map_or_else(Metadata::default, |jpeg| Metadata::of_jpeg(&Segments::read(jpeg), notes).0)
}

/// What the decoder tells, where it alone knows the container.
fn told(decoder: &dyn Decoder, source: &RawSource, notes: &mut Vec<Note>) -> Metadata {
    let Ok(said) = decoder.raw_metadata(source, &RawDecodeParams::default()) else { return Metadata::default() };
    let text = |text: &str| Field::bytes(2, &[text.as_bytes(), b"\0"].concat());
    let (mut first, mut exposure) = (Directory::default(), Directory::default());
    for (tag, value) in [
        (0x010f, Some(&said.make)),
        (0x0110, Some(&said.model)),
        (0x0132, said.exif.modify_date.as_ref()),
        (0x013b, said.exif.artist.as_ref()),
        (0x8298, said.exif.copyright.as_ref()),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            first.fields.insert(tag, text(value));
        }
    }
    for (tag, value) in [
        (0x9003, said.exif.date_time_original.as_ref()),
        (0x9004, said.exif.create_date.as_ref()),
        (0xa434, said.exif.lens_model.as_ref()),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            exposure.fields.insert(tag, text(value));
        }
    }
    for (tag, value) in
        [(0x829a, said.exif.exposure_time), (0x829d, said.exif.fnumber), (0x920a, said.exif.focal_length)]
    {
        if let Some(value) = value.filter(|value| value.d > 0) {
            exposure.fields.insert(tag, Field::rational(value.n, value.d));
        }
    }
    if let Some(speed) = said.exif.iso_speed_ratings {
        exposure.fields.insert(0x8827, Field::shorts(&[speed]));
    }
    if !exposure.is_empty() {
        first.children.insert(exif::EXIF_DIRECTORY, exposure);
    }
    let blocks = Blocks {
        exif: (!first.is_empty()).then(|| first.to_block()),
        xmp: decoder.xpacket(source, &RawDecodeParams::default()).ok().flatten(),
        ..Blocks::default()
    };
    Metadata::carried(blocks, notes)
}
