//! Writing TIFF: strips compressed with deflate, and EXIF, XMP and the colour profile among the fields.
//!
//! The crate `tiff` can write fields too, but has a type for each kind of value; those of an EXIF block come with their
//! kind as a number.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;

use super::super::Metadata;
use super::super::fields::{Directory, Field};
use super::super::metadata::{ICC, IPTC, XMP, descriptive};
use crate::{Photo, Sample};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Bytes of a strip before compression, about: readers decompress one at a time.
const STRIP_BYTES: usize = 1 << 18;

/// Strips that are compressed before they are appended: memory is that of the file and of these.
const STRIPS_AT_ONCE: usize = 64;

/// A depth that is written.
pub(in super::super) trait Depth: Sample {
    const BITS: u16;

    /// Writes what was added since `before`, in little-endian order.
    fn write_difference(self, before: Self, to: &mut [u8]);
}

impl Depth for u8 {
    const BITS: u16 = 8;

    #[inline(always)]
    fn write_difference(self, before: Self, to: &mut [u8]) {
        to.copy_from_slice(&[self.wrapping_sub(before)]);
    }
}

impl Depth for u16 {
    const BITS: u16 = 16;

    #[inline(always)]
    fn write_difference(self, before: Self, to: &mut [u8]) {
        to.copy_from_slice(&self.wrapping_sub(before).to_le_bytes());
    }
}

pub(in super::super) fn encode<T: Depth>(photo: &Photo<T>, metadata: &Metadata) -> Result<Vec<u8>, Failure> {
    let stride = photo.width() as usize * 3;
    let rows_per_strip = (STRIP_BYTES / (stride * size_of::<T>())).max(1);
    let mut file = Vec::with_capacity(size_of_val(photo.pixels()));
    file.extend(b"II\x2a\0\0\0\0\0");
    let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
    for strips in photo.pixels().chunks(stride * rows_per_strip * STRIPS_AT_ONCE) {
        let strips = strips.par_chunks(stride * rows_per_strip).map(|strip| compressed(strip, stride));
        for strip in strips.collect::<io::Result<Vec<_>>>()? {
            offsets.push(u32::try_from(file.len())?);
            lengths.push(u32::try_from(strip.len())?);
            file.extend(strip);
        }
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

/// Rows as each value's difference to that of the same channel on the left, compressed.
fn compressed<T: Depth>(rows: &[T], stride: usize) -> io::Result<Vec<u8>> {
    let mut differences = vec![0; size_of_val(rows)];
    for (row, bytes) in rows.chunks_exact(stride).zip(differences.chunks_exact_mut(stride * size_of::<T>())) {
        let before = [T::default(); 3].into_iter().chain(row.iter().copied());
        for ((value, before), bytes) in row.iter().zip(before).zip(bytes.chunks_exact_mut(size_of::<T>())) {
            value.write_difference(before, bytes);
        }
    }
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(differences.len() / 2), Compression::fast());
    encoder.write_all(&differences)?;
    encoder.finish()
}
