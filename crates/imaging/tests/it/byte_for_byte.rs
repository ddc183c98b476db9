//! What a file says beside its pixels is in the result byte for byte, but for what must change: orientation, sizes and preview.

use std::ops::Range;

use dodge_imaging::{Encoding, Photo, Picture, Recipe};
use img_parts::jpeg::{Jpeg, JpegSegment};
use img_parts::png::Png;
use img_parts::webp::WebP;
use img_parts::{DynImage, ImageEXIF, ImageICC};

use crate::files::camera;

const IPTC: &[u8] = b"\x1c\x02\x19\x00\x07wedding\x1c\x02\x50\x00\x03Ann\x1c\x02\x78\x00\x02\xff\x00";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Quotes, spaces and lines as no program of ours writes them, a property that nobody knows, and a comment.
const XMP: &str = "<x:xmpmeta   xmlns:x='adobe:ns:meta/' x:xmptk=\"Some Toolkit 5.6\">\n <!-- kept -->\n\t<rdf:RDF \
    xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''\r\n xmlns:own='urn:own/' own:Word='a &amp; b'>\
    <own:List><rdf:Bag><rdf:li>N\u{e4}h</rdf:li></rdf:Bag></own:List></rdf:Description></rdf:RDF></x:xmpmeta>";

/// An EXIF block as cameras write them: a maker's note with places within the block, turned, with sizes and a preview behind all else.
struct Block {
    bytes: Vec<u8>,
    /// What may be other bytes in the result.
    free: Vec<Range<usize>>,
    note: Vec<u8>,
    preview: usize,
}

fn block() -> Block {
    let note: Vec<u8> =
        b"Maker\0\x02\x10II\x2a\0".iter().copied().chain((0..189_u32).map(|i| (i * i % 251) as u8)).collect();
    let (mut bytes, mut free) = (b"II\x2a\0\x08\0\0\0".to_vec(), Vec::new());
    let (main, inner, values) = (8, 8 + 2 + 3 * 12 + 4, 50 + 2 + 4 * 12 + 4);
    let note_at = values + 6;
    let second = note_at + note.len() + 1;
    let preview = second + 2 + 2 * 12 + 4;
    let entry = |tag: u16, kind: u16, count: usize, value: usize| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &(count as u32).to_le_bytes(), &(value as u32).to_le_bytes()]
            .concat()
    };
    assert_eq!(bytes.len(), main);
    let mut directory = |entries: &[(Vec<u8>, bool)], next: usize, next_is_free: bool| {
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (entry, is_free) in entries {
            // The tag stays.
            free.extend(is_free.then(|| bytes.len() + 2..bytes.len() + 12));
            bytes.extend(entry);
        }
        free.extend(next_is_free.then(|| bytes.len()..bytes.len() + 4));
        bytes.extend((next as u32).to_le_bytes());
        bytes.len()
    };
    let orientation = (entry(0x0112, 3, 1, 6), true);
    let at = directory(
        &[(entry(0x010f, 2, 6, values), false), orientation, (entry(0x8769, 4, 1, inner), false)],
        second,
        true,
    );
    assert_eq!(at, inner);
    let sizes = [0xa002, 0xa003].map(|tag| (entry(tag, 4, 1, 24), true));
    let noted = [(entry(0x8827, 3, 1, 200), false), (entry(0x927c, 7, note.len(), note_at), false)];
    let at = directory(&[&noted[..], &sizes].concat(), 0, false);
    assert_eq!(at, values);
    bytes.extend(b"Maker\0");
    bytes.extend(&note);
    bytes.push(0x5a);
    let preview_fields = [(entry(0x0201, 4, 1, preview), false), (entry(0x0202, 4, 1, 6), false)];
    bytes.extend((preview_fields.len() as u16).to_le_bytes());
    preview_fields.iter().for_each(|(entry, _)| bytes.extend(entry));
    bytes.extend([0; 4]);
    assert_eq!(bytes.len(), preview);
    bytes.extend([0xff, 0xd8, 0xff, 0xd9, 0, 0]);
    Block { bytes, free, note, preview }
}

/// A JPEG of 24x16 that says all of it.
fn file() -> Vec<u8> {
    let photo = Photo::from_fn(24, 16, |x, y| [x as u8 * 9, y as u8 * 12, 80]).unwrap();
    let mut jpeg = Jpeg::from_bytes(photo.encode(Encoding::Jpeg { quality: 90 }).unwrap().into()).unwrap();
    let resource =
        [b"8BIM\x04\x04\0\0", &(IPTC.len() as u32).to_be_bytes()[..], IPTC, &[0; 2][..IPTC.len() % 2]].concat();
    for (marker, content) in [
        (0xed, [PHOTOSHOP, &resource].concat()),
        (0xe1, [b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat()),
        (0xe1, [b"Exif\0\0", &block().bytes[..]].concat()),
    ] {
        jpeg.segments_mut().insert(1, JpegSegment::new_with_contents(marker, content.into()));
    }
    jpeg.set_icc_profile(camera().metadata.icc.map(Into::into));
    jpeg.encoder().bytes().to_vec()
}

fn holds(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}

#[test]
fn metadata_is_the_same_bytes_in_every_format() {
    let Block { bytes: before, free, note, preview } = block();
    let picture = Picture::decode(&file()).unwrap();
    assert_eq!(picture.notes, [], "nothing was left out");
    let edited = Recipe::new(vec!["lightness:9".parse().unwrap()]).apply_to_picture(&picture);
    let encodings = [Encoding::Jpeg { quality: 90 }, Encoding::Png, Encoding::WebP, Encoding::Tiff];
    for first in encodings {
        // From each format to each.
        let once = Picture::decode(&edited.encode(first).unwrap()).unwrap();
        for second in encodings {
            let name = format!("{first:?}, then {second:?}");
            let file = once.encode(second).unwrap();
            assert!(holds(&file, &note), "{name}: the maker's note");
            assert!(holds(&file, XMP.as_bytes()), "{name}: XMP");
            let has_records = first != Encoding::WebP && second != Encoding::WebP;
            let records = Picture::decode(&file).unwrap().metadata.iptc;
            assert_eq!(records.as_deref(), Some(IPTC).filter(|_| has_records), "{name}: IPTC");
            // A TIFF has the fields of the block among its own.
            let Some(read) = DynImage::from_bytes(file.clone().into()).unwrap() else {
                assert!(second == Encoding::Tiff && holds(&file, &camera().metadata.icc.unwrap()), "{name}: ICC");
                continue;
            };
            assert_eq!(read.icc_profile().as_deref(), camera().metadata.icc.as_deref(), "{name}: ICC");
            if first == Encoding::Tiff {
                continue;
            }
            let after = read.exif().unwrap();
            assert_eq!(after.len(), preview, "{name}: the preview is gone, and nothing else");
            for (place, (before, after)) in before.iter().zip(&after).enumerate() {
                let is_free = free.iter().any(|range| range.contains(&place));
                assert!(before == after || is_free, "{name}: byte {place} of EXIF was {before} and is {after}");
            }
        }
    }
}

#[test]
fn only_what_became_false_changes() {
    let Block { bytes: before, free, .. } = block();
    let picture = Picture::decode(&file()).unwrap();
    let block = picture.metadata.exif.clone().unwrap();
    // Turned once, upright now, with the sizes of now when it is written.
    assert_eq!((picture.pixels.size(), block[free[0].end - 4]), ((16, 24), 1));
    let written =
        Jpeg::from_bytes(picture.encode(Encoding::Jpeg { quality: 90 }).unwrap().into()).unwrap().exif().unwrap();
    let number = |range: &Range<usize>| u32::from_le_bytes(written[range.end - 4..range.end].try_into().unwrap());
    assert_eq!((number(&free[2]), number(&free[3])), (16, 24));
    assert_eq!(number(&free[1]), 0, "no second directory");
    assert_eq!(before[free[0].end - 4], 6);
    let png = Png::from_bytes(picture.encode(Encoding::Png).unwrap().into()).unwrap();
    let webp = WebP::from_bytes(picture.encode(Encoding::WebP).unwrap().into()).unwrap();
    assert_eq!((png.exif().unwrap(), webp.exif().unwrap()), (written.clone(), written));
}
