//! What a file says of its picture.

use image::metadata::Orientation;

use super::fields::{Directory, Field};
use super::jpeg_segments::{EXIF_HEADER, EXTENDED_XMP_HEADER, Segments, XMP_HEADER};
use super::{Density, MAX_METADATA_BYTES, Note, exif, iptc, xmp};
use crate::profile;

/// Keyword of the comments that a JPEG holds, which have none there.
pub(super) const COMMENT: &str = "Comment";

/// Most texts that are read from a file, and most bytes of all of them.
pub(super) const MAX_TEXTS: usize = 256;
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;

/// What a picture file says beside its pixels. Blocks are carried on as they are, but for what became false: see
/// [`Picture::decode`](crate::Picture::decode). Of more than 4 MiB, a block is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// EXIF, beginning with the header of a TIFF. After reading, the orientation in it is 1 (the pixels were turned) and
    /// the preview is gone (it shows the picture as it was).
    pub exif: Option<Vec<u8>>,
    /// An ICC profile: what the values of the pixels mean; without one they are sRGB. After reading, it is one of RGB values: that of a CMYK
    /// picture says nothing of the pixels that were made of it, that of a greyscale picture became one of RGB with its curve, and
    /// what a PNG or EXIF says of colours in other ways became one too.
    pub icc: Option<Vec<u8>>,
    /// An XMP packet in UTF-8.
    pub xmp: Option<Vec<u8>>,
    /// IPTC records (IIM): caption, keywords, author and the like.
    pub iptc: Option<Vec<u8>>,
    /// Comments of a JPEG, which have the keyword `Comment`, and texts of a PNG.
    pub texts: Vec<Text>,
    /// How large the picture is printed.
    pub density: Option<Density>,
    /// Whether the file says that its values are sRGB; without a profile they are taken for it anyway.
    pub srgb: bool,
}

/// A text with its keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it is: `Author`, `Comment`, `Title` or any other word.
    pub keyword: String,
    /// The text.
    pub text: String,
}

/// What stands in a file, before it is looked at.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) exif: Option<Vec<u8>>,
    pub(super) icc: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
    pub(super) iptc: Option<Vec<u8>>,
    pub(super) texts: Vec<Text>,
    pub(super) density: Option<Density>,
}

/// The field of the records in a TIFF, and that of Photoshop's resources.
pub(super) const IPTC: u16 = 0x83bb;
const PHOTOSHOP: u16 = 0x8649;

pub(super) const XMP: u16 = 0x02bc;
pub(super) const ICC: u16 = 0x8773;

/// Fields of a TIFF that say what the picture is of and who made it, not how it is stored: these a TIFF and an EXIF
/// block have in common.
pub(super) const DESCRIPTIVE: [u16; 19] = [
    0x010d, // document name
    0x010e, // description
    0x010f, // make
    0x0110, // model
    0x011a, // horizontal resolution
    0x011b, // vertical resolution
    0x0128, // its unit
    0x0131, // software
    0x0132, // date
    0x013b, // artist
    0x013c, // host computer
    RATING, 0x4749, // rating in percent
    0x8298, // copyright
    0x9c9b, // title, comment, author, keywords and subject of Windows
    0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f,
];

const RATING: u16 = 0x4746;

/// Keeps the fields that a TIFF and an EXIF block have in common.
pub(super) fn descriptive(mut directory: Directory) -> Directory {
    directory.fields.retain(|tag, _| DESCRIPTIVE.contains(tag));
    directory
}

impl Metadata {
    /// What is carried on of what was found in a file.
    pub(super) fn carried(blocks: Blocks, notes: &mut Vec<Note>) -> Self {
        let mut left_out = |what: &'static str| notes.push(Note::MetadataLeftOut { what });
        let mut bounded = |block: Option<Vec<u8>>, what| {
            let block = block.filter(|block| !block.is_empty());
            if block.as_ref().is_some_and(|block| block.len() > MAX_METADATA_BYTES) {
                left_out(what);
                return None;
            }
            block
        };
        let exif = bounded(blocks.exif, "an EXIF block of more than 4 MiB");
        let icc = bounded(blocks.icc, "a colour profile of more than 4 MiB");
        let packet = bounded(blocks.xmp, "an XMP packet of more than 4 MiB");
        let iptc = bounded(blocks.iptc, "IPTC records of more than 4 MiB");
        // The colour space stands at 16 in the header of a profile, which has 128 bytes.
        let kind = |icc: &[u8]| if icc.len() >= 128 { [icc[16], icc[17], icc[18], icc[19]] } else { [0; 4] };
        let of_rgb = icc.as_deref().and_then(|icc| match &kind(icc) {
            b"RGB " => Some(icc.to_vec()),
            // The pixels became RGB.
            b"GRAY" => profile::of_grey(icc),
            _ => None,
        });
        if icc.is_some() && of_rgb.is_none() {
            left_out("its colour profile, which is not one of RGB values");
        }
        if packet.as_deref().is_some_and(xmp::is_extended) {
            left_out("the part of its XMP that stands in other segments");
        }
        let read = packet.as_deref().and_then(xmp::carried);
        if packet.is_some() && read.is_none() {
            left_out("its XMP packet, which is no XML");
        }
        let mut exif = exif.as_deref().and_then(exif::carried);
        let mut of_rgb = of_rgb;
        if let Some(block) = exif.as_mut().filter(|block| of_rgb.is_none() && exif::means_adobe_rgb(block)) {
            if icc.is_none() {
                of_rgb = profile::adobe_rgb();
            } else {
                // The pixels were made of others, and count as sRGB.
                exif::set_srgb(block);
            }
        }
        let density = blocks.density.and_then(Density::told).or_else(|| exif.as_deref().and_then(exif::density));
        Self {
            exif,
            icc: of_rgb,
            xmp: read,
            iptc: iptc.as_deref().and_then(iptc::carried),
            texts: blocks.texts,
            density,
            srgb: false,
        }
    }

    /// When the picture was taken by the clock of its camera (`DateTimeOriginal` of EXIF), in seconds since the beginning of 1970, whatever
    /// the zone: good for how long after another of the same camera. None where the file does not say.
    #[must_use]
    pub fn taken(&self) -> Option<i64> {
        exif::taken(self.exif.as_deref()?)
    }

    /// Leaves out by which settings another program develops the raw file that this is of.
    #[cfg(feature = "raw")]
    pub(super) fn developed(&mut self) {
        self.xmp = self.xmp.take().and_then(|packet| xmp::developed(&packet));
    }

    /// Says that the values are sRGB.
    pub(super) fn become_srgb(&mut self) {
        self.icc = None;
        self.srgb = true;
        if let Some(block) = &mut self.exif {
            exif::set_srgb(block);
        }
    }

    /// Stars in EXIF, where Windows and some cameras keep them.
    pub(crate) fn rating(&self) -> Option<i8> {
        let stars = Directory::first(self.exif.as_deref()?)?.number(RATING)?;
        i8::try_from(stars).ok().filter(|stars| *stars <= 5)
    }

    /// Leaves out what names places in the picture: faces, subjects, the view of a panorama. Pixels moved.
    pub(crate) fn moved(&mut self) {
        self.xmp = self.xmp.take().and_then(|packet| xmp::moved(&packet));
        if let Some(block) = &mut self.exif {
            exif::remove_places(block);
        }
    }

    /// Turns what was read with a picture that is turned.
    pub(super) fn turned(&mut self, orientation: Orientation) {
        if orientation == Orientation::NoTransforms {
            return;
        }
        self.moved();
        // From 5 on, the sides change places.
        if orientation.to_exif() >= 5 {
            if let Some(density) = &mut self.density {
                std::mem::swap(&mut density.across, &mut density.down);
            }
            if let Some(block) = &mut self.exif {
                exif::swap_densities(block);
            }
        }
    }

    /// What the segments of a JPEG hold, and the orientation that they name.
    pub(super) fn of_jpeg(segments: &Segments, notes: &mut Vec<Note>) -> (Self, Orientation) {
        let of = |kind: u8, header: &'static [u8]| {
            let own = segments.applications.iter().filter(move |(marker, _)| *marker == kind);
            own.filter_map(move |(_, content)| content.strip_prefix(header))
        };
        let resources: Vec<u8> = of(0xed, iptc::PHOTOSHOP_HEADER).flatten().copied().take(MAX_METADATA_BYTES).collect();
        let comments: Vec<&[u8]> = of(0xfe, b"").collect();
        let texts = comments.iter().map(|comment| Text { keyword: COMMENT.to_owned(), text: decoded(comment) });
        let exif = of(0xe1, EXIF_HEADER).next().map(<[u8]>::to_vec);
        let orientation = exif::turned(exif.as_deref());
        let blocks = Blocks {
            exif,
            icc: segments.icc.as_ref().map(|block| block.to_vec()),
            xmp: of(0xe1, XMP_HEADER).next().map(<[u8]>::to_vec),
            iptc: iptc::of_resources(&resources).map(<[u8]>::to_vec),
            texts: bounded(texts.collect(), notes),
            density: of(0xe0, b"JFIF\0").next().and_then(Density::of_jfif),
        };
        let lost =
            of(0xe1, EXTENDED_XMP_HEADER).next().is_some() && !blocks.xmp.as_deref().is_some_and(xmp::is_extended);
        if lost {
            notes.push(Note::MetadataLeftOut { what: "the part of its XMP that stands in other segments" });
        }
        (Self::carried(blocks, notes), orientation)
    }

    /// What the directory of a TIFF's picture and the first one hold.
    pub(super) fn of_tiff(chosen: &Directory, first: &Directory, notes: &mut Vec<Note>) -> Self {
        let field = |tag| chosen.fields.get(&tag).or_else(|| first.fields.get(&tag));
        let block = |tag| field(tag).map(|field| field.value.clone());
        let mut common = descriptive(first.clone());
        let own = descriptive(chosen.clone());
        common.fields.extend(own.fields);
        common.children.extend(own.children);
        let exif = Some(common).filter(|directory| !directory.is_empty());
        let resources = block(PHOTOSHOP);
        let records = field(IPTC).map(records);
        let blocks = Blocks {
            exif: exif.map(|exif| exif.to_block()),
            icc: block(ICC),
            xmp: block(XMP),
            iptc: records.or_else(|| resources.as_deref().and_then(iptc::of_resources).map(<[u8]>::to_vec)),
            ..Blocks::default()
        };
        Self::carried(blocks, notes)
    }
}

/// Records are bytes, but many programs call them numbers of 32 bits, which are then taken for ones that have an order.
fn records(field: &Field) -> Vec<u8> {
    let mut records = field.value.clone();
    if field.kind == 4 && records.first() != Some(&0x1c) {
        records.as_chunks_mut::<4>().0.iter_mut().for_each(|number| number.reverse());
    }
    records
}

/// Comments have no encoding: UTF-8 where they are that, else Latin-1.
fn decoded(comment: &[u8]) -> String {
    let comment = comment.strip_suffix(b"\0").unwrap_or(comment);
    match std::str::from_utf8(comment) {
        Ok(text) => text.to_owned(),
        Err(_) => comment.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// As many texts as are read of one file.
pub(super) fn bounded(mut texts: Vec<Text>, notes: &mut Vec<Note>) -> Vec<Text> {
    let mut budget = MAX_TEXT_BYTES;
    let all = texts.len();
    texts.truncate(MAX_TEXTS);
    texts.retain(|text| {
        let left = budget.checked_sub(text.text.len() + text.keyword.len());
        budget = left.unwrap_or(budget);
        left.is_some()
    });
    if texts.len() < all {
        notes.push(Note::MetadataLeftOut { what: "texts beyond 1 MiB or 256 of them" });
    }
    texts
}
