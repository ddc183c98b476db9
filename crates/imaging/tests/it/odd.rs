//! Files that are odd and valid open as what they are, and files that are broken are told.

use dodge_imaging::{Encoding, Error, Note, Photo, Picture, Tolerance};

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
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let body = [&kind[..], content].concat();
        [&(content.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
    };
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
