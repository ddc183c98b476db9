//! What a file says beside its pixels: kept where it stays true, corrected or told where not, in every format.

use std::fs;

use dodge_imaging::{Density, DensityUnit, Encoding, Metadata, Note, Photo, Picture, Pixels, Recipe, Text};
use img_parts::jpeg::{Jpeg, JpegSegment};
use img_parts::png::{Png, PngChunk};

use crate::files::{ENCODINGS, camera, golden, wide};

const JPEG: Encoding = Encoding::Jpeg { quality: 90 };

const RECORDS: &[u8] = b"\x1c\x02\x19\x00\x07wedding\x1c\x02\x78\x00\x0aThe couple\x1c\x02\x50\x00\x03Ann";

fn text(keyword: &str, text: &str) -> Text {
    Text { keyword: keyword.to_owned(), text: text.to_owned() }
}

/// All that is carried.
fn described() -> Picture {
    let metadata = Metadata {
        iptc: Some(RECORDS.to_vec()),
        texts: vec![text("Comment", "order 7"), text("Author", "Ann Müller"), text("Title", "Näh 東京")],
        density: Some(Density { across: 300, down: 150, unit: DensityUnit::Inch }),
        ..camera().metadata
    };
    Picture { metadata, ..Pixels::Sixteen(wide()).into() }
}

fn back(picture: &Picture, encoding: Encoding) -> Picture {
    Picture::decode(&picture.encode(encoding).unwrap()).unwrap()
}

fn jpeg_with(segments: Vec<(u8, Vec<u8>)>) -> Picture {
    let photo = Photo::from_fn(24, 16, |x, y| [x as u8 * 9, y as u8 * 12, 80]).unwrap();
    let mut jpeg = Jpeg::from_bytes(photo.encode(JPEG).unwrap().into()).unwrap();
    for (marker, content) in segments {
        // Before the first scan and after the header.
        let place = jpeg.segments().iter().position(|segment| segment.marker() == 0xdb).unwrap();
        jpeg.segments_mut().insert(place, JpegSegment::new_with_contents(marker, content.into()));
    }
    Picture::decode(&jpeg.encoder().bytes()).unwrap()
}

fn png_bytes(chunks: Vec<([u8; 4], Vec<u8>)>) -> Vec<u8> {
    let photo = Photo::from_fn(256, 1, |x, _| [x as u8; 3]).unwrap();
    let mut png = Png::from_bytes(photo.encode(Encoding::Png).unwrap().into()).unwrap();
    for (kind, content) in chunks {
        png.chunks_mut().insert(1, PngChunk::new(kind, content.into()));
    }
    png.encoder().bytes().to_vec()
}

fn png_with(chunks: Vec<([u8; 4], Vec<u8>)>) -> Picture {
    Picture::decode(&png_bytes(chunks)).unwrap()
}

#[test]
fn everything_comes_through_a_jpeg_and_a_png() {
    let picture = described();
    for encoding in [JPEG, Encoding::Png] {
        assert_eq!(picture.left_out_as(encoding), []);
        let back = back(&picture, encoding).metadata;
        assert_eq!(back.iptc, picture.metadata.iptc, "{encoding:?}");
        assert_eq!((&back.exif, &back.icc), (&picture.metadata.exif, &picture.metadata.icc));
        if encoding == Encoding::Png {
            assert_eq!(back.texts, picture.metadata.texts);
            // 300 for each inch are 11,811 for each metre.
            assert_eq!(back.density, Some(Density { across: 11_811, down: 5_906, unit: DensityUnit::Metre }));
        } else {
            assert_eq!(back.density, picture.metadata.density);
            let texts =
                [text("Comment", "order 7"), text("Comment", "Author: Ann Müller"), text("Comment", "Title: Näh 東京")];
            assert_eq!(back.texts, texts);
        }
    }
    // From one to the other and back, nothing drifts.
    let once = back(&back(&picture, Encoding::Png), JPEG);
    assert_eq!(once.metadata.density, picture.metadata.density);
    assert_eq!(back(&back(&once, Encoding::Png), JPEG).metadata, once.metadata);
}

#[test]
fn what_has_no_place_is_told_and_the_rest_is_kept() {
    let picture = described();
    let words = |encoding| picture.left_out_as(encoding).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let webp = words(Encoding::WebP);
    assert!(webp.contains("IPTC records has no place in a WebP"), "{webp}");
    assert_eq!(words(Encoding::Tiff), "");
    for encoding in [Encoding::WebP, Encoding::Tiff] {
        let back = back(&picture, encoding).metadata;
        assert_eq!(back.density, picture.metadata.density, "{encoding:?}");
        assert_eq!(back.iptc.is_some(), encoding == Encoding::Tiff);
        let exif = back.exif.unwrap();
        for text in ["order 7", "Ann Müller", "Näh 東京", "Maker"] {
            assert!(exif.windows(text.len()).any(|part| part == text.as_bytes()), "{encoding:?}: {text}");
        }
    }
    let mut odd = described();
    odd.metadata.texts = vec![text("Creation Time", "1999")];
    odd.metadata.iptc = Some(RECORDS.repeat(3000));
    assert!(
        matches!(&odd.left_out_as(Encoding::Tiff)[..], [Note::NoRoom { what, .. }] if what.contains("Creation Time"))
    );
    assert!(matches!(&odd.left_out_as(JPEG)[..], [Note::NoRoom { what, .. }] if what.contains("IPTC")));
    assert_eq!(back(&odd, JPEG).metadata.iptc, None);
    assert_eq!(back(&odd, Encoding::Png).metadata.iptc, odd.metadata.iptc);
    // Without any block of its own, a WebP gets one for the density.
    let bare = Picture { metadata: Metadata { density: described().metadata.density, ..Metadata::default() }, ..odd };
    for encoding in ENCODINGS {
        let density = back(&bare, encoding).metadata.density.unwrap();
        assert!(density == bare.metadata.density.unwrap() || density.across == 11_811, "{encoding:?}");
    }
}

#[test]
fn what_became_false_is_corrected_in_xmp_and_exif() {
    let packet = |inner: &str| {
        let packet = format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description {inner}/></rdf:RDF></x:xmpmeta>"
        );
        [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat()
    };
    let xmp = |picture: &Picture| String::from_utf8(picture.metadata.xmp.clone().unwrap()).unwrap();
    let tiff =
        "xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6' tiff:ImageWidth='160' tiff:Make='Maker'";
    let picture = jpeg_with(vec![(0xe1, packet(tiff))]);
    let own = xmp(&picture);
    assert!(own.contains("tiff:Orientation=\"1\"") && own.contains("tiff:Make=\"Maker\""), "{own}");
    for encoding in ENCODINGS {
        let written = xmp(&back(&picture, encoding));
        assert!(written.contains("tiff:ImageWidth=\"24\""), "{encoding:?}: {written}");
    }
    let motion = "xmlns:G='http://ns.google.com/photos/1.0/camera/' G:MotionPhoto='1' G:MicroVideoOffset='2012' xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='ABC'";
    let extension = [b"http://ns.adobe.com/xmp/extension/\0", &[b'A'; 40][..]].concat();
    for segments in [vec![(0xe1, packet(motion))], vec![(0xe1, packet(motion)), (0xe1, extension.clone())]] {
        let picture = jpeg_with(segments);
        let own = xmp(&picture);
        assert!(!own.contains("Motion") && !own.contains("MicroVideoO") && !own.contains("HasExtended"), "{own}");
        let told =
            picture.notes.iter().filter(|note| matches!(note, Note::MetadataLeftOut { what } if what.contains("XMP")));
        assert_eq!(told.count(), 1, "{:?}", picture.notes);
    }
    let broken = jpeg_with(vec![(0xe1, packet("tiff:Orientation='6'><open"))]);
    assert_eq!(broken.metadata.xmp, None);
    assert!(matches!(broken.notes[..], [Note::MetadataLeftOut { .. }]));
    // Faces stay where they are until the picture is mirrored.
    let faces = "xmlns:r='http://www.metadataworkinggroup.com/schemas/regions/' r:Regions='face'";
    let picture = jpeg_with(vec![(0xe1, packet(faces))]);
    let after = |operation: &str| xmp(&Recipe::new(vec![operation.parse().unwrap()]).apply_to_picture(&picture));
    assert!(after("lightness:9").contains("face"));
    assert!(!after("flip:horizontal").contains("face") && !after("crop:1x1").contains("face"));
}

#[test]
fn densities_turn_with_the_picture() {
    let mut exif = fs::read(golden("files/camera.jpg")).unwrap();
    // 300 from left to right, 150 from top to bottom, before the picture is turned by a quarter.
    let at = exif.windows(5).position(|part| part == b"JFIF\0").unwrap();
    exif[at + 7..at + 12].copy_from_slice(&[1, 0x01, 0x2c, 0, 150]);
    let picture = Picture::decode(&exif).unwrap();
    assert_eq!(picture.metadata.density, Some(Density { across: 150, down: 300, unit: DensityUnit::Inch }));
    // A ratio is one, in every format.
    exif[at + 7..at + 12].copy_from_slice(&[0, 0, 2, 0, 1]);
    let picture = Picture::decode(&exif).unwrap();
    for encoding in ENCODINGS {
        let density = back(&picture, encoding).metadata.density.unwrap();
        assert_eq!((density.unit, density.down), (DensityUnit::Ratio, density.across * 2), "{encoding:?}");
    }
}

#[test]
fn comments_are_read_in_any_encoding_and_bounded() {
    let picture = jpeg_with(vec![(0xfe, b"caf\xe9".to_vec()), (0xfe, "naïf".as_bytes().to_vec())]);
    let texts: Vec<&str> = picture.metadata.texts.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["café", "naïf"]);
    let many = jpeg_with((0..300).map(|number| (0xfe, vec![b'0' + number as u8 % 10; 60_000])).collect());
    assert!(many.metadata.texts.iter().map(|text| text.text.len()).sum::<usize>() <= 1 << 20);
    assert!(matches!(many.notes[..], [Note::MetadataLeftOut { .. }]));
}

#[test]
fn texts_that_repeat_the_file_are_not_carried() {
    let plain = |keyword: &str| (*b"tEXt", [keyword.as_bytes(), b"\0some words"].concat());
    let keywords = ["exif:Orientation", "Raw profile type exif", "Thumb::Image::Width", "date:create", "Author"];
    let picture = png_with(keywords.map(plain).to_vec());
    assert_eq!(picture.metadata.texts, [text("Author", "some words")]);
    assert!(matches!(picture.notes[..], [Note::MetadataLeftOut { .. }]));
    let damaged = png_with(vec![(*b"zTXt", b"Author\0\0no zlib".to_vec()), (*b"tEXt", b"no keyword".to_vec())]);
    assert_eq!(damaged.metadata.texts, []);
    assert!(matches!(damaged.notes[..], [Note::MetadataLeftOut { .. }]));
}

#[test]
fn colours_of_a_png_mean_what_they_say() {
    let levels = |picture: &Picture| picture.pixels.to_eight().pixels().iter().step_by(3).copied().collect::<Vec<u8>>();
    let gamma = |gamma: u32| (*b"gAMA", gamma.to_be_bytes().to_vec());
    let plain = levels(&png_with(vec![]));
    let linear = png_with(vec![gamma(100_000)]);
    assert_eq!((levels(&linear), linear.notes.len()), (plain.clone(), 0), "values stay");
    // 55 of 255 is 21.6 % of the light, which sRGB writes as 128.
    let seen = |picture: &Picture| picture.seen().pixels().iter().step_by(3).copied().collect::<Vec<u8>>();
    assert_eq!((seen(&linear)[0], seen(&linear)[55], seen(&linear)[255]), (0, 128, 255));
    // In every format it is said by a profile.
    for encoding in [Encoding::Png, Encoding::Tiff, Encoding::WebP] {
        let again = back(&linear, encoding);
        assert_eq!((levels(&again), seen(&again)), (plain.clone(), seen(&linear)), "{encoding:?}");
    }
    // What is sRGB stays, also where a coarser chunk stands beside it, and with a profile.
    let profile = (*b"iCCP", {
        let png = Png::from_bytes(camera().encode(Encoding::Png).unwrap().into()).unwrap();
        png.chunk_by_type(*b"iCCP").unwrap().contents().to_vec()
    });
    for chunks in [vec![gamma(45_455)], vec![(*b"sRGB", vec![0]), gamma(100_000)], vec![profile, gamma(100_000)]] {
        let picture = png_with(chunks);
        assert_eq!((levels(&picture), picture.notes.len()), (plain.clone(), 0));
    }
    // Display P3: the values stay and a profile says what they mean, in every format.
    let wide = png_with(vec![(*b"cICP", vec![12, 13, 0, 1])]);
    assert_eq!(levels(&wide), plain);
    for encoding in ENCODINGS {
        assert_eq!(back(&wide, encoding).metadata.icc, wide.metadata.icc, "{encoding:?}");
    }
    assert!(wide.metadata.icc.is_some());
    let error = Picture::decode(&png_bytes(vec![(*b"cICP", vec![9, 16, 0, 1])])).unwrap_err().to_string();
    assert!(error.contains("HDR") && error.contains("export it"), "{error}");
}
