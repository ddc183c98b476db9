//! The segments of a JPEG: what stands before and between its scans.

use img_parts::jpeg::{Jpeg, markers};
use img_parts::{Bytes, ImageICC};

pub(super) const EXIF_HEADER: &[u8] = b"Exif\0\0";
pub(super) const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
pub(super) const EXTENDED_XMP_HEADER: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// How the picture is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The marker, which tells the coding.
    pub(super) kind: u8,
    pub(super) bits: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) channels: u8,
}

/// What a JPEG says around its pixels.
#[derive(Debug, Default)]
pub(super) struct Segments {
    pub(super) frame: Option<Frame>,
    /// Marker and content of the segments of applications and of comments, up to the first scan.
    pub(super) applications: Vec<(u8, Bytes)>,
    /// The colour profile, put together from its parts.
    pub(super) icc: Option<Bytes>,
    /// The first table of quantisation: that of brightness.
    table: Option<Vec<u16>>,
    pub(super) scans: usize,
    /// Whether the picture has its end.
    pub(super) ended: bool,
}

impl Segments {
    /// Reads up to the end of the picture, or nothing where what stands before the first scan is not whole.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut segments = Self::default();
        let Ok(jpeg) = Jpeg::from_bytes(Bytes::copy_from_slice(bytes)) else { return segments };
        for segment in jpeg.segments() {
            let (marker, content) = (segment.marker(), segment.contents());
            match marker {
                markers::SOS => {
                    segments.scans = 1;
                    // The crate stops here; behind the first scan, all that matters is how many there are and their end. What
                    // the scan says of itself stands between its marker and its values.
                    let left = segment.len_with_entropy() - segment.len();
                    segments.scans_and_end(bytes.get(bytes.len() - left..).unwrap_or_default());
                }
                // Starts of frames, without the tables that stand among them.
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => segments.start_of_frame(marker, content),
                markers::DQT => segments.tables(content),
                0xe0..=0xef | markers::COM => segments.applications.push((marker, content.clone())),
                _ => {}
            }
        }
        segments.icc = jpeg.icc_profile();
        segments
    }

    fn scans_and_end(&mut self, mut rest: &[u8]) {
        while let Some(at) = rest.iter().position(|byte| *byte == 0xff) {
            rest = &rest[at..];
            // Any number of 0xff may stand before a marker.
            while let [0xff, 0xff, ..] = rest {
                rest = &rest[1..];
            }
            let [0xff, marker, after @ ..] = rest else { return };
            rest = after;
            match marker {
                0x00 | 0x01 | 0xd0..=0xd8 => {}
                0xd9 => {
                    self.ended = true;
                    return;
                }
                _ => {
                    let [high, low, ..] = after else { return };
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    let Some(behind) = after.get(length.max(2)..) else { return };
                    self.scans += usize::from(*marker == 0xda);
                    rest = behind;
                }
            }
        }
    }

    fn start_of_frame(&mut self, kind: u8, content: &[u8]) {
        if let [bits, y1, y0, x1, x0, channels, ..] = *content {
            let (width, height) = (u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]));
            self.frame = Some(Frame { kind, bits, width, height, channels });
        }
    }

    fn tables(&mut self, mut content: &[u8]) {
        while let [kind, rest @ ..] = content {
            let size = if kind >> 4 == 0 { 64 } else { 128 };
            let Some((values, after)) = rest.split_at_checked(size) else { return };
            if kind & 15 == 0 && self.table.is_none() {
                let wide = |pair: &[u8]| u16::from_be_bytes([pair[0], pair[1]]);
                self.table = Some(match size {
                    64 => values.iter().map(|value| u16::from(*value)).collect(),
                    _ => values.chunks_exact(2).map(wide).collect(),
                });
            }
            content = after;
        }
    }

    /// The quality, on the scale of libjpeg, whose table of brightness is nearest to that of the file.
    pub(super) fn quality(&self) -> Option<u8> {
        let sum: u32 = self.table.as_ref()?.iter().map(|value| u32::from(*value)).sum();
        // Quality falls as the table grows.
        (1..=100).rev().min_by_key(|quality| sum_of_table(*quality).abs_diff(sum))
    }
}

/// The sum of libjpeg's table of brightness at a quality; scaling is that of its `jpeg_quality_scaling`.
fn sum_of_table(quality: u8) -> u32 {
    const BRIGHTNESS: [u32; 64] = [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
        51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121,
        120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];
    let quality = u32::from(quality);
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    BRIGHTNESS.iter().map(|value| ((value * percent + 50) / 100).clamp(1, 255)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quality_is_told_by_the_table() {
        for quality in [5, 30, 60, 75, 85, 92, 95, 100] {
            let photo = crate::Photo::from_fn(9, 9, |x, y| [(x * y) as u8; 3]).unwrap();
            let bytes = photo.encode(crate::Encoding::Jpeg { quality }).unwrap();
            let found = Segments::read(&bytes).quality().unwrap();
            assert!(found.abs_diff(quality) <= 1, "{quality}: {found}");
        }
    }
}
