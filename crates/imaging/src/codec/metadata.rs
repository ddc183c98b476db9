//! What a file says of its picture.

use image::metadata::Orientation;

use super::fields::Directory;
use super::jpeg_segments::{self, EXIF_HEADER, Segments, XMP_HEADER};
use super::{MAX_METADATA_BYTES, exif};

/// Blocks of a picture file that are carried on as they are. Of more than 4 MiB, a block is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// EXIF, beginning with the header of a TIFF. After reading, the orientation in it is 1 (the pixels were turned) and
    /// the preview is gone (it shows the picture as it was).
    pub exif: Option<Vec<u8>>,
    /// An ICC profile. After reading, it is one of RGB values: that of a CMYK or greyscale picture says nothing of the
    /// pixels that were made of it.
    pub icc: Option<Vec<u8>>,
    /// An XMP packet in UTF-8.
    pub xmp: Option<Vec<u8>>,
}

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
    0x4746, // rating
    0x4749, // rating in percent
    0x8298, // copyright
    0x9c9b, // title, comment, author, keywords and subject of Windows
    0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f,
];

/// Keeps the fields that a TIFF and an EXIF block have in common.
pub(super) fn descriptive(mut directory: Directory) -> Directory {
    directory.fields.retain(|tag, _| DESCRIPTIVE.contains(tag));
    directory
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

    /// What the segments of a JPEG hold, and the orientation that they name.
    pub(super) fn of_jpeg(segments: &Segments<'_>) -> (Self, Orientation) {
        let (mut exif, mut xmp) = (None, None);
        for (marker, content) in &segments.applications {
            if *marker == 0xe1 && content.starts_with(EXIF_HEADER) {
                exif = exif.or(Some(*content));
            } else if *marker == 0xe1 {
                xmp = xmp.or(content.strip_prefix(XMP_HEADER));
            }
        }
        let metadata = Self::carried(exif, jpeg_segments::icc(segments), xmp.map(<[u8]>::to_vec));
        (metadata, exif::turned(exif))
    }

    /// What the directory of a TIFF's picture and the first one hold.
    pub(super) fn of_tiff(chosen: &Directory, first: &Directory) -> Self {
        let block = |tag| chosen.fields.get(&tag).or_else(|| first.fields.get(&tag)).map(|field| field.value.clone());
        let mut common = descriptive(first.clone());
        let own = descriptive(chosen.clone());
        common.fields.extend(own.fields);
        common.children.extend(own.children);
        let exif = Some(common).filter(|directory| !directory.is_empty());
        Self::carried(exif.map(|exif| exif.to_block()).as_deref(), block(ICC), block(XMP))
    }
}
