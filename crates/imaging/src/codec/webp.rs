//! The metadata of a WebP: chunks of a RIFF file.

use image::metadata::Orientation;

use super::{Metadata, exif};

/// Whether the picture is packed with losses.
pub(super) fn is_lossy(bytes: &[u8]) -> bool {
    bytes.windows(4).take(1 << 16).any(|kind| kind == b"VP8 ")
}

pub(super) fn metadata(bytes: &[u8]) -> (Metadata, Orientation) {
    let (mut exif, mut icc, mut xmp) = (None, None, None);
    // "RIFF", a size, "WEBP", then the chunks.
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((header, after)) = rest.split_at_checked(8) {
        let [kind @ .., _, _, _, _] = header else { break };
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let Some(block) = after.get(..length) else { break };
        match kind {
            b"EXIF" => exif = exif.or(Some(block)),
            b"ICCP" => icc = icc.or(Some(block)),
            b"XMP " => xmp = xmp.or(Some(block)),
            _ => {}
        }
        // Chunks begin at even places.
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    let metadata = Metadata::carried(exif, icc.map(<[u8]>::to_vec), xmp.map(<[u8]>::to_vec));
    (metadata, exif::turned(exif))
}
