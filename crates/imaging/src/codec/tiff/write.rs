//! Writing TIFF: strips compressed with deflate, and EXIF, XMP and the colour profile among the fields.
//!
//! The crate `tiff` can write fields too, but has a type for each kind of value; those of an EXIF block come with their
//! kind as a number.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::super::Metadata;
use super::super::fields::{Directory, Field};
use super::super::metadata::{ICC, IPTC, XMP, descriptive};
use crate::{Photo, Sample};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Bytes of a strip before compression, about: readers decompress one at a time.
const STRIP_BYTES: usize = 1 << 18;

/// A depth that is written.
pub(in super::super) trait Depth: Sample {
    const BITS: u16;

    /// Appends what was added since `before`, in little-endian order.
    fn write_difference(self, before: Self, to: &mut Vec<u8>);
}

impl Depth for u8 {
    const BITS: u16 = 8;

    fn write_difference(self, before: Self, to: &mut Vec<u8>) {
        to.push(self.wrapping_sub(before));
    }
}

impl Depth for u16 {
    const BITS: u16 = 16;

    fn write_difference(self, before: Self, to: &mut Vec<u8>) {
        to.extend(self.wrapping_sub(before).to_le_bytes());
    }
}

pub(in super::super) fn encode<T: Depth>(photo: &Photo<T>, metadata: &Metadata) -> Result<Vec<u8>, Failure> {
    let stride = photo.width() as usize * 3;
    let rows_per_strip = (STRIP_BYTES / (stride * size_of::<T>())).max(1);
    let mut file = b"II\x2a\0\0\0\0\0".to_vec();
    let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
    let mut differences = Vec::new();
    for strip in photo.pixels().chunks(stride * rows_per_strip) {
        differences.clear();
        for row in strip.chunks_exact(stride) {
            // Each value as the difference to that of the same channel on the left.
            for (index, value) in row.iter().enumerate() {
                let before = if index < 3 { T::default() } else { row[index - 3] };
                value.write_difference(before, &mut differences);
            }
        }
        offsets.push(u32::try_from(file.len())?);
        let from = file.len();
        let mut encoder = ZlibEncoder::new(&mut file, Compression::fast());
        encoder.write_all(&differences)?;
        encoder.finish()?;
        lengths.push((file.len() - from) as u32);
    }
    let mut directory = descriptive(metadata.exif.as_deref().and_then(Directory::first).unwrap_or_default());
    if let Some(xmp) = &metadata.xmp {
        directory.fields.insert(XMP, Field::bytes(1, xmp));
    }
    if let Some(icc) = &metadata.icc {
        directory.fields.insert(ICC, Field::bytes(7, icc));
    }
    if let Some(records) = &metadata.iptc {
        directory.fields.insert(IPTC, Field::bytes(7, records));
    }
    let fields = [
        (0x0100, Field::longs(&[photo.width()])),
        (0x0101, Field::longs(&[photo.height()])),
        (0x0102, Field::shorts(&[T::BITS; 3])),
        (0x0103, Field::shorts(&[8])), // compression: deflate
        (0x0106, Field::shorts(&[2])), // values: RGB
        (0x0111, Field::longs(&offsets)),
        (0x0112, Field::shorts(&[1])), // orientation: upright
        (0x0115, Field::shorts(&[3])), // channels
        (0x0116, Field::longs(&[rows_per_strip as u32])),
        (0x0117, Field::longs(&lengths)),
        (0x011c, Field::shorts(&[1])), // channels interleaved
        (0x013d, Field::shorts(&[2])), // differences to the left
    ];
    directory.fields.extend(fields);
    let at = directory.append_to(&mut file);
    // Offsets have 32 bits.
    u32::try_from(file.len())?;
    file[4..8].copy_from_slice(&at.to_le_bytes());
    Ok(file)
}
