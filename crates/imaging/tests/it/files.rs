//! Pictures of all formats and their metadata: what is read, what comes through, what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dodge_imaging::{Encoding, Error, Metadata, Photo, Picture, Pixels, psnr_db};
use serde::Deserialize;

pub(crate) const ENCODINGS: [Encoding; 4] =
    [Encoding::Jpeg { quality: 95 }, Encoding::Png, Encoding::Tiff, Encoding::WebP];

pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub(crate) fn camera() -> Picture {
    Picture::open(&golden("files/camera.jpg")).unwrap()
}

pub(crate) fn wide() -> Photo<u16> {
    Photo::from_fn(33, 21, |x, y| [(x * 1900) as u16, (y * 3000 + 1) as u16, (65_535 - x * 1900) as u16]).unwrap()
}

#[derive(Deserialize)]
struct Expected {
    width: u32,
    height: u32,
    depth: u8,
    crc: u32,
    /// Of a JPEG, the values in hexadecimal.
    values: Option<String>,
}

/// Most levels between our values of a JPEG and those of libjpeg: the standard leaves the transform's rounding open, and the
/// colours of a coarse grid are spread by another filter.
const JPEG_TOLERANCE: u8 = 6;

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn files_of_other_programs_are_read_to_the_bit() {
    let list = fs::read_to_string(golden("files.json")).unwrap();
    let list: BTreeMap<String, Expected> = serde_json::from_str(&list).unwrap();
    for entry in fs::read_dir(golden("files")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(expected) = list.get(name) else {
            let error = Picture::open(&path).unwrap_err();
            assert!(name.starts_with("refused") && matches!(error, Error::Unsupported { .. }), "{error}");
            continue;
        };
        let (width, height, depth, bytes) = match Picture::open(&path).unwrap().pixels {
            Pixels::Eight(photo) => (photo.width(), photo.height(), 8, photo.into_pixels()),
            Pixels::Sixteen(photo) => {
                let bytes = photo.pixels().iter().flat_map(|value| value.to_le_bytes()).collect();
                (photo.width(), photo.height(), 16, bytes)
            }
        };
        assert_eq!((width, height, depth), (expected.width, expected.height, expected.depth), "{name}");
        if let Some(values) = &expected.values {
            let most = bytes.iter().zip(from_hex(values)).map(|(ours, theirs)| ours.abs_diff(theirs)).max().unwrap();
            assert!(most <= JPEG_TOLERANCE, "{name}: {most} levels");
        } else {
            assert_eq!(crc32fast::hash(&bytes), expected.crc, "{name}");
        }
    }
    assert!(list.keys().all(|name| golden("files").join(name).exists()));
}

#[test]
fn sixteen_bit_survive_where_the_format_has_them() {
    let picture = Picture::from(Pixels::Sixteen(wide()));
    for encoding in ENCODINGS {
        let back = Picture::decode(&picture.encode(encoding).unwrap()).unwrap();
        match encoding {
            Encoding::Png | Encoding::Tiff => assert_eq!(back, picture, "{encoding:?}"),
            Encoding::WebP => assert_eq!(back.pixels, Pixels::Eight(wide().to_depth())),
            Encoding::Jpeg { .. } => assert!(psnr_db(&wide().to_depth(), &back.pixels.into_eight()).unwrap() > 35.0),
        }
    }
}

#[test]
fn eight_bit_survive_in_every_lossless_format() {
    // Several strips of a TIFF, and the last one shorter.
    let photo = Photo::from_fn(301, 700, |x, y| [(x * 3) as u8, (y * 5) as u8, (x * y) as u8]).unwrap();
    for encoding in [Encoding::Png, Encoding::Tiff, Encoding::WebP] {
        assert_eq!(Photo::decode(&photo.encode(encoding).unwrap()).unwrap(), photo, "{encoding:?}");
    }
}

#[test]
fn metadata_comes_through_every_format() {
    for name in ["files/camera.jpg", "files/camera.png", "files/camera.webp"] {
        let picture = Picture::open(&golden(name)).unwrap();
        assert_eq!(picture.metadata, camera().metadata, "{name}");
        for encoding in ENCODINGS {
            let bytes = picture.encode(encoding).unwrap();
            let back = Picture::decode(&bytes).unwrap();
            assert_eq!((&back.metadata.icc, &back.metadata.xmp), (&picture.metadata.icc, &picture.metadata.xmp));
            // The size tells that the orientation was not applied once more.
            assert_eq!(back.pixels.clone().into_eight().height(), 20, "{name} as {encoding:?}");
            if encoding == Encoding::Tiff {
                // Its fields stand among those of the TIFF; what comes back is put together anew, and then stays.
                assert!(back.metadata.exif.as_ref().unwrap().windows(5).any(|part| part == b"Maker"));
                assert_eq!(Picture::decode(&back.encode(encoding).unwrap()).unwrap(), back);
            } else {
                assert_eq!(back.metadata.exif, picture.metadata.exif, "{name} as {encoding:?}");
            }
        }
    }
}

#[test]
fn the_orientation_is_applied_once_and_reset() {
    let Metadata { exif, icc, xmp, .. } = camera().metadata;
    assert!(icc.is_some() && xmp.unwrap().starts_with(b"<x:xmpmeta"));
    // 0x0112, a short, one of it: 1.
    let (big, little) = (b"\x01\x12\0\x03\0\0\0\x01\0\x01", b"\x12\x01\x03\0\x01\0\0\0\x01\0");
    assert!(exif.unwrap().windows(10).any(|field| field == big || field == little));
}

#[test]
fn profiles_of_other_colours_are_not_carried() {
    for name in ["files/cmyk.jpg", "files/cmyk.tif"] {
        assert_eq!(Picture::open(&golden(name)).unwrap().metadata.icc, None, "{name}");
    }
}

#[test]
fn blocks_that_are_too_large_for_a_jpeg_are_left_out() {
    let mut picture = camera();
    let limit = 65_533 - 6;
    let exif = picture.metadata.exif.as_mut().unwrap();
    exif.resize(limit, 0);
    picture.metadata.xmp = Some(vec![b' '; 65_533 - 29]);
    let jpeg = Encoding::Jpeg { quality: 90 };
    assert_eq!(Picture::decode(&picture.encode(jpeg).unwrap()).unwrap().metadata, picture.metadata);
    picture.metadata.exif.as_mut().unwrap().push(0);
    picture.metadata.xmp.as_mut().unwrap().push(b' ');
    let back = Picture::decode(&picture.encode(jpeg).unwrap()).unwrap().metadata;
    assert_eq!((back.exif, back.xmp, back.icc), (None, None, picture.metadata.icc.clone()));
    for encoding in [Encoding::Png, Encoding::WebP] {
        assert_eq!(Picture::decode(&picture.encode(encoding).unwrap()).unwrap().metadata, picture.metadata);
    }
}

#[test]
fn a_long_profile_is_spread_over_segments() {
    let mut picture = camera();
    picture.metadata.icc.as_mut().unwrap().resize(200_000, 7);
    for encoding in ENCODINGS {
        let back = Picture::decode(&picture.encode(encoding).unwrap()).unwrap();
        assert_eq!(back.metadata.icc, picture.metadata.icc, "{encoding:?}");
    }
}

#[test]
fn a_picture_is_saved_in_the_format_of_its_extension() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jpg", "b.PNG", "c.tif", "d.TIFF", "e.webp"] {
        let path = folder.path().join(name);
        camera().save(&path).unwrap();
        assert!(dodge_imaging::is_photo_file(&path).unwrap(), "{name}");
        assert_eq!(Picture::open(&path).unwrap().metadata.icc, camera().metadata.icc, "{name}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
    assert!(matches!(camera().save(Path::new("a.gif")), Err(Error::UnknownExtension { .. })));
    // More than WebP can hold is an error, and no file.
    let strip = Picture::from(Photo::from_fn(16_384, 1, |_, _| [0; 3]).unwrap());
    let path = folder.path().join("strip.webp");
    assert!(matches!(strip.save(&path), Err(Error::Encode { .. })));
    assert!(!path.exists());
}

#[test]
fn a_thumbnail_from_a_file_is_that_of_the_whole_picture() {
    let folder = tempfile::tempdir().unwrap();
    let photo = Photo::from_fn(803, 1201, |x, y| {
        let wave = |a: u32, b: u32| (128.0 + 90.0 * ((x * a + y * b) as f32 / 90.0).sin()) as u8;
        [wave(3, 1), wave(1, 4), wave(2, 2)]
    });
    let photo = photo.unwrap();
    for encoding in ENCODINGS {
        let path = folder.path().join("photo");
        fs::write(&path, photo.encode(encoding).unwrap()).unwrap();
        for side in [40, 75, 150, 171, 300, 343, 600, 900, 5000] {
            let (quick, whole) =
                (Photo::open_thumbnail(&path, side).unwrap(), Photo::open(&path).unwrap().thumbnail(side));
            let psnr = psnr_db(&quick, &whole).unwrap();
            assert!(psnr > 40.0, "{encoding:?} {side}: {psnr} dB");
        }
    }
    // A picture that is turned keeps the right way round.
    let turned = Photo::open_thumbnail(&golden("files/camera.jpg"), 10).unwrap();
    assert_eq!((turned.width(), turned.height()), (7, 10));
}
