//! Files that are cut off, damaged, or made to use up time and memory: an error, never a panic, and soon.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use dodge_imaging::{Encoding, Error, Photo, Picture, Pixels};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::files::{ENCODINGS, golden, wide};

/// Valid files of every format: those of other programs and our own.
fn valid() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(golden("files")).unwrap() {
        let path = entry.unwrap().path();
        files.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
    }
    let camera = Picture::open(&golden("files/camera.jpg")).unwrap();
    let picture = Picture { metadata: camera.metadata, ..Pixels::Sixteen(wide()).into() };
    files.extend(ENCODINGS.map(|encoding| (format!("{encoding:?}"), picture.encode(encoding).unwrap())));
    files.sort();
    files
}

/// Decodes as a whole and, what is another way for JPEGs alone, as a thumbnail; what comes of it does not matter.
fn survives(bytes: &[u8], name: &str) {
    let start = Instant::now();
    let whole = Picture::decode(bytes);
    if bytes.starts_with(&[0xff, 0xd8])
        && let (Ok(picture), Ok(small)) = (whole, Photo::decode_thumbnail(bytes, 4))
    {
        assert_eq!(picture.pixels.into_eight().thumbnail(4).width(), small.width(), "{name}");
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{name} takes {:?}", start.elapsed());
}

#[test]
fn cut_off_files_are_errors_or_pictures() {
    for (name, bytes) in valid() {
        // All lengths of small files, and about 500 of larger ones.
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            survives(&bytes[..length], &format!("{name} cut to {length}"));
        }
        // Nothing that lost half of itself passes for a picture, but for files that hold a second one.
        if !name.contains("animated") && !name.contains("pages") && !name.contains("camera") {
            assert!(Picture::decode(&bytes[..bytes.len() / 2]).is_err(), "{name}");
        }
    }
}

#[test]
fn damaged_files_are_errors_or_pictures() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for (name, bytes) in valid() {
        for round in 0..250 {
            let mut damaged = bytes.clone();
            // Headers matter more than pixels: half of the damage goes to the first 200 bytes.
            let within = if round % 2 == 0 { bytes.len().min(200) } else { bytes.len() };
            for _ in 0..1 + random() % 4 {
                let at = random() % within;
                damaged[at] = match random() % 4 {
                    0 => 0,
                    1 => 0xff,
                    2 => damaged[at] ^ (1 << (random() % 8)),
                    _ => random() as u8,
                };
            }
            survives(&damaged, &format!("{name}, round {round}"));
        }
    }
}

/// The bytes with four of them replaced wherever `from` stands.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn chunk(kind_and_content: &[u8]) -> Vec<u8> {
    let length = (kind_and_content.len() - 4) as u32;
    [&length.to_be_bytes(), kind_and_content, &crc32fast::hash(kind_and_content).to_be_bytes()].concat()
}

fn png_with(chunks: &[u8]) -> Vec<u8> {
    let bytes = Picture::from(wide().to_depth()).encode(Encoding::Png).unwrap();
    [&bytes[..33], chunks, &bytes[33..]].concat()
}

fn deflated(zeros: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..zeros >> 20 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn small_files_that_claim_a_huge_size_are_refused() {
    let photo = wide().to_depth::<u8>();
    let encode = |encoding| photo.encode(encoding).unwrap();
    let (jpeg, tiff, webp) = (encode(Encoding::Jpeg { quality: 90 }), encode(Encoding::Tiff), encode(Encoding::WebP));
    // 33 and 21 as the formats write them; 19,999 each is just below the number of pixels that is accepted.
    let png = chunk(b"IHDR\0\0\x4e\x1f\0\0\x4e\x1f\x08\x02\0\0\0");
    let png = [&encode(Encoding::Png)[..8], &png, &encode(Encoding::Png)[33..]].concat();
    let jpeg = replaced(&jpeg, &[8, 0, 21, 0, 33, 3], &[8, 0x4e, 0x1f, 0x4e, 0x1f, 3]);
    let tiff = replaced(&tiff, &[0, 1, 4, 0, 1, 0, 0, 0, 33, 0], &[0, 1, 4, 0, 1, 0, 0, 0, 0x1f, 0x4e]);
    let tiff = replaced(&tiff, &[1, 1, 4, 0, 1, 0, 0, 0, 21, 0], &[1, 1, 4, 0, 1, 0, 0, 0, 0x1f, 0x4e]);
    // Signature, then 14 bits each of width and height less 1.
    let at = webp.windows(4).position(|part| part == b"VP8L").unwrap() + 9;
    let webp = [&webp[..at], &[0xfe, 0xbf, 0xff, 0x0f], &webp[at + 4..]].concat();
    for (name, bytes) in [("png", png), ("jpeg", jpeg), ("webp", webp)] {
        let error = Picture::decode(&bytes).unwrap_err();
        assert!(matches!(&error, Error::Decode { .. }), "{name}: {error}");
        assert!(error.to_string().contains("cannot be a photo of"), "{name}: {error}");
    }
    // It has too few strips for that.
    assert!(matches!(Picture::decode(&tiff), Err(Error::Decode { .. })));
}

#[test]
fn deflate_bombs_in_metadata_cost_no_more_than_the_metadata() {
    // 1 GiB and 64 MiB, packed.
    let profile = chunk(&[&b"iCCPprofile\0\0"[..], &deflated(1 << 30)].concat());
    let xmp = chunk(&[&b"iTXtXML:com.adobe.xmp\0\x01\0\0\0"[..], &deflated(64 << 20)].concat());
    let text = chunk(&[&b"zTXtComment\0\0"[..], &deflated(64 << 20)].concat());
    for (name, chunks) in [("profile", profile), ("xmp", xmp), ("text", text)] {
        match Picture::decode(&png_with(&chunks)) {
            Ok(picture) => assert_eq!(picture.metadata, dodge_imaging::Metadata::default(), "{name}"),
            Err(error) => assert!(matches!(error, Error::Decode { .. }), "{name}: {error}"),
        }
    }
}

#[test]
fn a_progressive_jpeg_with_hundreds_of_scans_is_refused() {
    let bytes = fs::read(golden("files/progressive.jpg")).unwrap();
    let scan = bytes.windows(2).rposition(|part| part == [0xff, 0xda]).unwrap();
    let (before, scan) = (&bytes[..scan], &bytes[scan..bytes.len() - 2]);
    let many = [before, &scan.repeat(300), &[0xff, 0xd9]].concat();
    let error = Picture::decode(&many).unwrap_err().to_string();
    assert!(error.contains("scan"), "{error}");
}

#[test]
fn blocks_that_claim_gigabytes_are_left_out() {
    let mut webp = fs::read(golden("files/camera.webp")).unwrap();
    let at = webp.windows(4).position(|part| part == b"EXIF").unwrap() + 4;
    webp[at..at + 4].copy_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
    if let Ok(picture) = Picture::decode(&webp) {
        assert_eq!(picture.metadata.exif, None);
    }
    let tiff = Picture::open(&golden("files/camera.jpg")).unwrap().encode(Encoding::Tiff).unwrap();
    // The number of bytes of the profile.
    let at = tiff.windows(4).rposition(|part| part == [0x73, 0x87, 7, 0]).unwrap() + 4;
    let tiff = [&tiff[..at], &[0xff; 4], &tiff[at + 4..]].concat();
    assert_eq!(Picture::decode(&tiff).unwrap().metadata.icc, None);
}
