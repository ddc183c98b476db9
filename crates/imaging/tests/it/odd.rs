//! Files that are odd and valid open as what they are, and files that are broken are told.

use std::io::Write;

use dodge_imaging::{Encoding, Error, Note, Photo, Picture, Tolerance};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::files::golden;

fn photo() -> Photo {
    Photo::from_fn(120, 90, |x, y| [(x * 2) as u8, (y * 2 + x) as u8, ((x * y) >> 5) as u8]).unwrap()
}

fn jpeg() -> Vec<u8> {
    photo().encode(Encoding::Jpeg { quality: 88 }).unwrap()
}

/// Where the segments of a JPEG stand up to the scan: marker, and from where to where.
fn segments(bytes: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let (mut at, mut found) = (2, Vec::new());
    while bytes[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        found.push((bytes[at + 1], at..at + 2 + length));
        at += 2 + length;
    }
    found.push((0xda, at..at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]))));
    found
}

fn inserted(bytes: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    [&bytes[..at], what, &bytes[at..]].concat()
}

#[test]
fn odd_and_valid_jpegs_open_as_what_they_are() {
    let whole = jpeg();
    let parts = segments(&whole);
    let of = |marker: u8| parts.iter().find(|(own, _)| *own == marker).unwrap().1.clone();
    let tables = parts.iter().filter(|(marker, _)| *marker == 0xc4).map(|(_, range)| range.clone());
    let tables: Vec<_> = tables.collect();
    // All tables in one segment.
    let contents: Vec<u8> = tables.iter().flat_map(|range| whole[range.start + 4..range.end].to_vec()).collect();
    let together = [&[0xff, 0xc4], &((contents.len() + 2) as u16).to_be_bytes()[..], &contents].concat();
    let mut one_table = inserted(&whole, of(0xda).start, &together);
    for range in tables.iter().rev() {
        one_table.drain(range.clone());
    }
    let mut bare = whole.clone();
    bare.drain(of(0xe0));
    let odd = [
        ("bytes of 0xff before a marker", inserted(&whole, of(0xc0).start, &[0xff; 5])),
        ("a comment without a word", inserted(&whole, 2, &[0xff, 0xfe, 0, 2])),
        ("a segment of an application that nobody knows", inserted(&whole, 2, &[0xff, 0xeb, 0, 5, 1, 2, 3])),
        ("an interval of no restarts", inserted(&whole, of(0xda).start, &[0xff, 0xdd, 0, 4, 0, 0])),
        ("without a JFIF header", bare),
        ("all tables in one segment", one_table),
        ("bytes behind the end", [&whole[..], &[0; 300]].concat()),
        ("another picture behind the end", [&whole[..], &whole].concat()),
        ("zeros behind the values", inserted(&whole, whole.len() - 2, &[0; 7])),
        ("0xff before the end", inserted(&whole, whole.len() - 2, &[0xff; 3])),
    ];
    for (name, bytes) in odd {
        let picture = Picture::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(picture.pixels, Picture::decode(&whole).unwrap().pixels, "{name}");
    }
    for (width, height) in [(1, 1), (1, 300), (300, 1), (8, 8), (9, 17)] {
        let small = Photo::from_fn(width, height, |x, y| [x as u8, y as u8, 99]).unwrap();
        let bytes = small.encode(Encoding::Jpeg { quality: 100 }).unwrap();
        assert_eq!(Photo::decode(&bytes).unwrap().width(), width, "{width}x{height}");
    }
}

#[test]
fn odd_and_valid_pngs_open_as_what_they_are() {
    let whole = photo().encode(Encoding::Png).unwrap();
    // Where the values stand.
    let at = whole.windows(4).position(|word| word == b"IDAT").unwrap() - 4;
    let length = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    let values = &whole[at + 8..at + 8 + length];
    let split: Vec<u8> = values.chunks(1 + length / 9).flat_map(|part| chunk(b"IDAT", part)).collect();
    let odd = [
        ("a chunk that nobody knows", inserted(&whole, 33, &chunk(b"abCd", b"anything"))),
        ("values in ten chunks", [&whole[..at], &split, &whole[at + 12 + length..]].concat()),
        ("values in a chunk without any", inserted(&whole, at, &chunk(b"IDAT", b""))),
        ("bytes behind the end", [&whole[..], b"trailer"].concat()),
        ("a time", inserted(&whole, 33, &chunk(b"tIME", &[7, 232, 1, 1, 0, 0, 0]))),
        ("a density of nothing", inserted(&whole, 33, &chunk(b"pHYs", &[0; 9]))),
    ];
    for (name, bytes) in odd {
        let picture = Picture::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(picture.pixels.into_eight(), photo(), "{name}");
    }
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    [&(content.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

/// A PNG of 8 bit with these rows, filters included, and chunks between header and values.
fn png(size: (u32, u32), colour: u8, interlaced: u8, between: &[u8], rows: &[u8]) -> Vec<u8> {
    let header = [&size.0.to_be_bytes()[..], &size.1.to_be_bytes(), &[8, colour, 0, 0, interlaced]].concat();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(rows).unwrap();
    let values = encoder.finish().unwrap();
    let signature = b"\x89PNG\r\n\x1a\n".to_vec();
    [signature, chunk(b"IHDR", &header), between.to_vec(), chunk(b"IDAT", &values), chunk(b"IEND", b"")].concat()
}

#[test]
fn rows_in_passes_and_palettes_that_let_through_are_read() {
    // First column and row of each of the seven passes, and their steps.
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let (width, height) = (21_u32, 13_u32);
    let photo = Photo::from_fn(width, height, |x, y| [x as u8 * 9, y as u8 * 17, (x * y) as u8]).unwrap();
    let mut rows = Vec::new();
    for (left, top, across, down) in passes {
        for y in (top..height).step_by(down) {
            rows.push(0);
            rows.extend((left..width).step_by(across).flat_map(|x| photo.pixel(x, y)));
        }
    }
    let interlaced = png((width, height), 2, 1, b"", &rows);
    assert_eq!(Photo::decode(&interlaced).unwrap(), photo);
    let palette = [chunk(b"PLTE", &[1, 2, 3, 200, 100, 50]), chunk(b"tRNS", &[255, 7])].concat();
    let picture = Picture::decode(&png((2, 1), 3, 0, &palette, &[0, 1, 0])).unwrap();
    assert_eq!(
        (picture.pixels.to_eight().pixels(), &picture.notes[..]),
        (&[200, 100, 50, 1, 2, 3][..], &[Note::AlphaDropped][..])
    );
    let opaque = Picture::decode(&png((2, 1), 3, 0, &palette, &[0, 0, 0])).unwrap();
    assert_eq!(opaque.notes, []);
}

#[test]
fn what_is_valid_and_not_read_is_refused_with_a_sentence() {
    let whole = jpeg();
    let frame = segments(&whole).into_iter().find(|(marker, _)| *marker == 0xc0).unwrap().1.start;
    let other = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[frame + at] = byte;
        bytes
    };
    for (bytes, words) in [
        (other(4, 12), "a JPEG of 12 bits: open it in another program and save it as an ordinary JPEG"),
        (other(1, 0xc9), "a JPEG with arithmetic coding: open it"),
        (other(1, 0xca), "a JPEG with arithmetic coding: open it"),
        (other(1, 0xc3), "a lossless JPEG: open it"),
        (other(1, 0xc5), "a hierarchical JPEG: open it"),
        (b"GIF89a\x01\0\x01\0\x80\0\0".to_vec(), "a GIF, which has 256 colours and is not read: convert it to PNG"),
        (
            b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0".to_vec(),
            "a BMP picture, which is not read: convert it",
        ),
        (
            b"\0\0\0\x1cftypavif\0\0\0\0mif1".to_vec(),
            "AVIF picture, which is not read: convert it to PNG or JPEG (libavif:",
        ),
        (b"\0\0\0\x18ftypheic\0\0\0\0".to_vec(), "HEIC picture, which is not read: export it as JPEG"),
        (b"FOVb\0\0\x02\0".to_vec(), "a raw file of Sigma (X3F), which is not read: convert it"),
        (b"\0MRM\0\0\0\x10".to_vec(), "a raw file of Minolta (MRW), which is not read: convert it"),
        (b"II\x1a\0\0\0HEAPCCDR".to_vec(), "a raw file of Canon (CRW), which is not read: convert it"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.png");
        std::fs::write(&path, bytes).unwrap();
        let error = Picture::open(&path).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{words}: {error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("photo.png"), "{words}: {error}");
    }
}

#[test]
fn pictures_without_pixels_are_told() {
    let empty = |encoding: Encoding, at: &[u8], nothing: &[u8]| {
        let bytes = photo().encode(encoding).unwrap();
        let place = bytes.windows(at.len()).position(|window| window == at).unwrap();
        [&bytes[..place], nothing, &bytes[place + nothing.len()..]].concat()
    };
    // 90 rows of 120: as the formats write them.
    let jpeg = empty(Encoding::Jpeg { quality: 90 }, &[0, 90, 0, 120], &[0, 0]);
    let tiff = empty(Encoding::Tiff, &[1, 1, 4, 0, 1, 0, 0, 0, 90, 0], &[1, 1, 4, 0, 1, 0, 0, 0, 0, 0]);
    for (name, bytes) in [("JPEG", jpeg), ("PNG", png((0, 5), 2, 0, b"", &[0; 5])), ("TIFF", tiff)] {
        let error = Picture::decode(&bytes).unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{name}: {error}");
    }
    let nothing = Picture::decode(b"").unwrap_err().to_string();
    assert!(nothing.contains("the file is empty"), "{nothing}");
}

#[test]
fn broken_files_are_told_and_their_rest_is_taken_when_asked_for() {
    let whole = jpeg();
    let scan = segments(&whole).last().unwrap().1.end;
    let middle = (scan + whole.len()) / 2;
    let changed = |at: usize, bytes: &[u8]| [&whole[..at], bytes, &whole[at + bytes.len()..]].concat();
    let without = |from: usize, count: usize| [&whole[..from], &whole[from + count..]].concat();
    let noise: Vec<u8> = (0..64_usize).map(|place| (place * 53 % 251) as u8).collect();
    let png = photo().encode(Encoding::Png).unwrap();
    let progressive = std::fs::read(golden("files/progressive.jpg")).unwrap();
    let end = progressive.len() - 2;
    let broken = [
        ("cut off in the middle", whole[..middle].to_vec()),
        ("cut off before its end", whole[..whole.len() - 2].to_vec()),
        ("other values in the middle", changed(middle, &noise)),
        ("zeros in the middle", changed(middle, &[0; 64])),
        ("values left out", without(middle, 40)),
        ("values twice", inserted(&whole, middle, &whole[middle..middle + 50])),
        ("an end in the middle", changed(middle, &[0xff, 0xd9])),
        ("progressive, values left out", [&progressive[..end - 9], &progressive[end..]].concat()),
        ("a PNG that is cut off", png[..png.len() / 2].to_vec()),
    ];
    for (name, bytes) in broken {
        let error = Picture::decode(&bytes).err().unwrap_or_else(|| panic!("{name} passes for a picture"));
        assert!(matches!(error, Error::Decode { .. }), "{name}: {error}");
        let rest = Picture::decode_with(&bytes, Tolerance::Keep).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(&rest.notes[..], [Note::Damaged { .. }, ..]), "{name}: {:?}", rest.notes);
        if !name.starts_with("progressive") {
            assert_eq!(rest.pixels.size(), (120, 90), "{name}");
            // The first row is as it was.
            let (rest, before) =
                (rest.pixels.into_eight(), if name.contains("PNG") { photo() } else { Photo::decode(&whole).unwrap() });
            assert_eq!(rest.pixels()[..360], before.pixels()[..360], "{name}");
        }
    }
    // What is whole is the same either way.
    let whole = Picture::decode_with(&whole, Tolerance::Keep).unwrap();
    assert!(whole.notes.is_empty() && whole.pixels == Picture::decode(&jpeg()).unwrap().pixels);
}
