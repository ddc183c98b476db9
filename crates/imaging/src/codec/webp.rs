//! The metadata of a WebP: chunks of a RIFF file.

use image::metadata::Orientation;
use img_parts::Bytes;
use img_parts::webp::{CHUNK_ANMF, CHUNK_EXIF, CHUNK_ICCP, CHUNK_VP8, CHUNK_XMP, WebP};

use super::metadata::Blocks;
use super::{Metadata, Note, exif};

/// What the chunks hold, the orientation that they name, and whether the picture is packed with losses.
pub(super) fn metadata(bytes: &[u8], notes: &mut Vec<Note>) -> (Metadata, Orientation, bool) {
    let Ok(webp) = WebP::from_bytes(Bytes::copy_from_slice(bytes)) else {
        return (Metadata::default(), Orientation::NoTransforms, false);
    };
    let block = |kind| webp.chunk_by_id(kind).and_then(|chunk| chunk.content().data()).map(|block| block.to_vec());
    let exif = block(CHUNK_EXIF);
    let orientation = exif::turned(exif.as_deref());
    // A frame has 16 bytes of its own before its chunks.
    let frame = webp.chunk_by_id(CHUNK_ANMF).and_then(|chunk| chunk.content().data());
    let lossy = webp.has_chunk(CHUNK_VP8) || frame.and_then(|frame| frame.get(16..20)) == Some(&b"VP8 "[..]);
    let blocks = Blocks { exif, icc: block(CHUNK_ICCP), xmp: block(CHUNK_XMP), ..Blocks::default() };
    (Metadata::carried(blocks, notes), orientation, lossy)
}
