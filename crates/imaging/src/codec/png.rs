//! PNG: reading, and the chunks that tell of the picture.

use std::io::{Cursor, Read};

use flate2::read::ZlibDecoder;
use image::codecs::png::PngDecoder;
use image::{ColorType, DynamicImage, ImageBuffer, ImageDecoder, ImageResult, Limits};
use img_parts::Bytes;
use img_parts::png::{Png, PngChunk};

use super::colours::Colours;
use super::found::{Found, Name};
use super::metadata::{Blocks, MAX_TEXT_BYTES, Text, bounded};
use super::{Density, DensityUnit, Metadata, Note, Tolerance, WORKING_BYTES, exif, iptc};
use crate::Error;

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Beginnings of keywords under which programs repeat what they know of the file: blocks that stand elsewhere or as they were
/// before, sizes, dates. What they say became false.
const REPEATED: [&str; 8] = ["Raw profile type ", "Thumb::", "exif:", "tiff:", "icc:", "png:", "jpeg:", "date:"];

fn decoder<'a>(bytes: &'a [u8], name: Name<'_>) -> Result<PngDecoder<Cursor<&'a [u8]>>, Error> {
    let mut limits = Limits::no_limits();
    // Chunks and single rows; the picture is allocated here, after its size was looked at.
    limits.max_alloc = Some(WORKING_BYTES as u64);
    PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(|error| name.damaged(error))
}

pub(super) fn decode(bytes: &[u8], name: Name<'_>, tolerance: Tolerance) -> Result<Found, Error> {
    if let Some(size) = size(bytes) {
        name.check_size(size, bytes.len())?;
    }
    let mut decoder = decoder(bytes, name)?;
    name.check_size(decoder.dimensions(), bytes.len())?;
    let mut notes = Vec::new();
    let mut blocks = blocks(&mut decoder);
    let orientation = exif::turned(blocks.exif.as_deref());
    let animated = decoder.is_apng().unwrap_or(false);
    let chunks = Chunks::read(bytes);
    chunks.texts(&mut blocks, &mut notes);
    blocks.density = chunks.density();
    let colours = chunks.colours(blocks.icc.is_some(), name)?;
    let mut metadata = Metadata::carried(blocks, &mut notes);
    if let Some(colours) = colours {
        metadata.icc = colours.profile();
        if metadata.icc.is_none() {
            metadata.become_srgb();
        }
    }
    let image = match DynamicImage::from_decoder(decoder) {
        Err(fault) if tolerance == Tolerance::Keep => {
            notes.push(Note::Damaged { reason: fault.to_string() });
            beginning(self::decoder(bytes, name)?).ok_or_else(|| name.damaged(fault))?
        }
        whole => whole.map_err(|error| name.damaged(error))?,
    };
    notes.extend(animated.then_some(Note::FirstFrame));
    Ok(Found { orientation, notes, ..Found::new(image, metadata) })
}

fn blocks(decoder: &mut PngDecoder<Cursor<&[u8]>>) -> Blocks {
    Blocks {
        exif: readable(decoder.exif_metadata()),
        icc: readable(decoder.icc_profile()),
        xmp: readable(decoder.xmp_metadata()),
        ..Blocks::default()
    }
}

/// The blocks alone, without texts and pixels.
pub(super) fn metadata(bytes: &[u8], name: Name<'_>) -> Result<Metadata, Error> {
    Ok(Metadata::carried(blocks(&mut decoder(bytes, name)?), &mut Vec::new()))
}

/// As much of a picture as can be read, the rest black.
fn beginning(decoder: PngDecoder<Cursor<&[u8]>>) -> Option<DynamicImage> {
    let ((width, height), colours) = (decoder.dimensions(), decoder.color_type());
    let mut bytes = vec![0; usize::try_from(decoder.total_bytes()).ok()?];
    // That it ends too early is known already.
    let _ = decoder.read_image(&mut bytes);
    let wide = || bytes.as_chunks::<2>().0.iter().map(|value| u16::from_ne_bytes(*value)).collect::<Vec<u16>>();
    match colours {
        ColorType::L8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
        ColorType::La8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLumaA8),
        ColorType::Rgb8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        ColorType::Rgba8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8),
        ColorType::L16 => ImageBuffer::from_raw(width, height, wide()).map(DynamicImage::ImageLuma16),
        ColorType::La16 => ImageBuffer::from_raw(width, height, wide()).map(DynamicImage::ImageLumaA16),
        ColorType::Rgb16 => ImageBuffer::from_raw(width, height, wide()).map(DynamicImage::ImageRgb16),
        ColorType::Rgba16 => ImageBuffer::from_raw(width, height, wide()).map(DynamicImage::ImageRgba16),
        _ => None,
    }
}

/// The size in the header: the decoder would allocate a row before it tells it.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

/// A damaged block is no reason to refuse a picture.
fn readable(block: ImageResult<Option<Vec<u8>>>) -> Option<Vec<u8>> {
    block.ok().flatten()
}

/// The chunks without those of pixels. None where one of them is damaged: then the decoder says whether the picture is.
struct Chunks(Vec<PngChunk>);

impl Chunks {
    fn read(bytes: &[u8]) -> Self {
        let chunks = Png::from_bytes(Bytes::copy_from_slice(bytes)).map(|png| png.chunks().clone()).unwrap_or_default();
        Self(chunks.into_iter().filter(|chunk| ![*b"IDAT", *b"fdAT"].contains(&chunk.kind())).collect())
    }

    /// The content of the first chunk of a kind, if it has the length that it should.
    fn content<const N: usize>(&self, kind: [u8; 4]) -> Option<[u8; N]> {
        self.0.iter().find(|chunk| chunk.kind() == kind).and_then(|chunk| chunk.contents().as_ref().try_into().ok())
    }

    fn numbers<const N: usize, const BYTES: usize>(&self, kind: [u8; 4]) -> Option<[u32; N]> {
        let content: [u8; BYTES] = self.content(kind)?;
        Some(std::array::from_fn(|index| u32::from_be_bytes(std::array::from_fn(|byte| content[index * 4 + byte]))))
    }

    fn density(&self) -> Option<Density> {
        let [x3, x2, x1, x0, y3, y2, y1, y0, unit] = self.content(*b"pHYs")?;
        let (across, down) = (u32::from_be_bytes([x3, x2, x1, x0]), u32::from_be_bytes([y3, y2, y1, y0]));
        let unit = if unit == 1 { DensityUnit::Metre } else { DensityUnit::Ratio };
        // The sign bit is never set in a PNG.
        (across.max(down) < 1 << 31).then_some(Density { across, down, unit })
    }

    /// What is said of the colours: cICP goes before a profile, that before sRGB, that before gAMA and cHRM. Nothing where a
    /// profile says it or nothing does.
    fn colours(&self, profile: bool, name: Name<'_>) -> Result<Option<Colours>, Error> {
        if let Some(numbers) = self.content::<4>(*b"cICP") {
            return Colours::of_numbers(numbers).map(Some).map_err(|reason| name.unsupported(reason));
        }
        if profile {
            return Ok(None);
        }
        if self.content::<1>(*b"sRGB").is_some() {
            return Ok(Some(Colours::SRGB));
        }
        let gamma = self.numbers::<1, 4>(*b"gAMA").map(|[gamma]| gamma);
        let places = self.numbers::<8, 32>(*b"cHRM");
        Ok((gamma.is_some() || places.is_some()).then(|| Colours::of_gamma(gamma, places)))
    }

    fn texts(&self, blocks: &mut Blocks, notes: &mut Vec<Note>) {
        let mut texts = Vec::new();
        let mut hidden = false;
        let mut too_long = false;
        for chunk in &self.0 {
            let content = chunk.contents();
            let text = match &chunk.kind() {
                b"tEXt" => plain(content),
                b"zTXt" => packed(content),
                b"iTXt" => international(content),
                _ => continue,
            };
            match text {
                Some(text) if text.keyword == XMP_KEYWORD => {}
                Some(text) if text.keyword == iptc::PNG_KEYWORD => {
                    blocks.iptc = blocks.iptc.take().or_else(|| iptc::of_text(&text.text));
                }
                Some(text) if REPEATED.iter().any(|start| text.keyword.starts_with(start)) => {
                    hidden |= text.keyword.starts_with(REPEATED[0]);
                }
                Some(text) => texts.push(text),
                None => too_long = true,
            }
        }
        blocks.texts = bounded(texts, notes);
        if hidden {
            notes.push(Note::MetadataLeftOut { what: "a block of metadata hidden in a text" });
        }
        if too_long {
            notes.push(Note::MetadataLeftOut { what: "a text that is damaged or of more than 1 MiB" });
        }
    }
}

/// The parts before and after the first zero byte.
fn divided(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = content.iter().position(|byte| *byte == 0)?;
    Some((&content[..at], &content[at + 1..]))
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// At most a MiB, where a few bytes can stand for gigabytes.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut result = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_TEXT_BYTES as u64 + 1).read_to_end(&mut result).ok()?;
    (result.len() <= MAX_TEXT_BYTES).then_some(result)
}

fn plain(content: &[u8]) -> Option<Text> {
    let (keyword, text) = divided(content)?;
    Some(Text { keyword: latin(keyword), text: latin(text) })
}

fn packed(content: &[u8]) -> Option<Text> {
    let (keyword, rest) = divided(content)?;
    let [0, packed @ ..] = rest else { return None };
    Some(Text { keyword: latin(keyword), text: latin(&unpacked(packed)?) })
}

fn international(content: &[u8]) -> Option<Text> {
    let (keyword, rest) = divided(content)?;
    let keyword = latin(keyword);
    if keyword == XMP_KEYWORD {
        // Its own limit is larger, and the decoder has it already.
        return Some(Text { keyword, text: String::new() });
    }
    let [compressed, 0, rest @ ..] = rest else { return None };
    let (_language, rest) = divided(rest)?;
    let (_translated, text) = divided(rest)?;
    let text = if *compressed == 1 { unpacked(text)? } else { text.to_vec() };
    Some(Text { keyword, text: String::from_utf8(text).ok()? })
}

/// Chunks for what the encoder does not write: what stands before the pixels.
pub(super) fn chunks(metadata: &Metadata) -> Vec<PngChunk> {
    let mut chunks = Vec::new();
    let mut add = |kind: &[u8; 4], content: Vec<u8>| chunks.push(PngChunk::new(*kind, content.into()));
    if metadata.srgb && metadata.icc.is_none() {
        // 0: perceptual.
        add(b"sRGB", vec![0]);
    }
    if let Some(density) = metadata.density {
        let (unit, numbers) = match density.per(DensityUnit::Metre) {
            Some(numbers) => (1, numbers.map(|number| number.round() as u32)),
            None => (0, [density.across, density.down]),
        };
        let [across, down] = numbers.map(|number| number.clamp(1, i32::MAX as u32).to_be_bytes());
        add(b"pHYs", [&across[..], &down, &[unit]].concat());
    }
    if let Some(xmp) = &metadata.xmp {
        // No compression, no language, no translated keyword.
        add(b"iTXt", [XMP_KEYWORD.as_bytes(), &[0; 5], xmp].concat());
    }
    for text in &metadata.texts {
        // A keyword has 1 to 79 letters of Latin-1.
        let keyword: Vec<u8> = text.keyword.chars().filter_map(|letter| u8::try_from(letter).ok()).take(79).collect();
        let keyword = if keyword.is_empty() { b"Comment".to_vec() } else { keyword };
        let latin: Option<Vec<u8>> =
            text.text.chars().map(|letter| u8::try_from(letter).ok().filter(|byte| *byte != 0)).collect();
        match latin {
            Some(text) => add(b"tEXt", [&keyword[..], &[0], &text].concat()),
            None => add(b"iTXt", [&keyword[..], &[0; 5], text.text.as_bytes()].concat()),
        }
    }
    if let Some(records) = &metadata.iptc {
        add(b"tEXt", [iptc::PNG_KEYWORD.as_bytes(), &[0], iptc::to_text(records).as_bytes()].concat());
    }
    chunks
}
