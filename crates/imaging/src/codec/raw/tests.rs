//! Against LibRaw, on files that `tests/golden/make_raw.py` writes with what it makes of them.

use super::*;
use crate::{Photo, Picture, Pixels, mean_delta_e_2000};

const FILES: [&str; 6] =
    ["rggb.dng", "gbrg-turned.dng", "bggr-dim.dng", "olympus.orf", "panasonic.rw2", "fujifilm.raf"];

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/golden/raw/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A file developed without the curve of cameras.
fn straight(bytes: &[u8], name: &str) -> Found {
    let name = Name(name);
    opened(bytes, name, "a DNG", |source, decoder| developed(source, decoder, name, BaseCurve::Straight)).unwrap()
}

#[test]
fn raw_files_look_as_libraw_develops_them() {
    for name in FILES {
        let Found { mut image, orientation, .. } = straight(&golden(name), name);
        image.apply_orientation(orientation);
        let photo = Photo::new(image.width(), image.height(), image.into_rgb8().into_raw()).unwrap();
        let expected = format!("{}.png", name.split_once('.').unwrap().0);
        let expected = Photo::decode(&golden(&expected)).unwrap();
        let apart = mean_delta_e_2000(&photo, &expected).unwrap();
        eprintln!("{name}: mean CIEDE2000 {apart:.3}");
        assert!(apart <= 3.0, "{name}: {apart}");
    }
}

#[test]
fn a_raw_file_is_a_picture_of_sixteen_bit_with_its_metadata() {
    let picture = Picture::decode(&golden("gbrg-turned.dng")).unwrap();
    let Pixels::Sixteen(photo) = &picture.pixels else { panic!("16 bit") };
    // Cropped and turned by a quarter.
    assert_eq!((photo.width(), photo.height()), (64, 88));
    assert_eq!(header(&golden("gbrg-turned.dng"), Name("a"), "a DNG").unwrap(), ((88, 64), 6));
    assert!(picture.metadata.srgb && picture.metadata.icc.is_none());
    let exif = picture.metadata.exif.as_deref().unwrap();
    assert!(exif.windows(13).any(|word| word == b"Sensor second"));
    assert_eq!(super::super::exif::orientation(exif), None, "turned already");
    assert!(picture.notes.is_empty(), "{:?}", picture.notes);
}

#[test]
fn makers_files_are_pictures_with_their_words() {
    for (name, size, turned, camera) in [
        ("olympus.orf", (96, 72), 6, "E-M10"),
        ("panasonic.rw2", (96, 72), 1, "DMC-GX1"),
        ("fujifilm.raf", (96, 72), 8, "X-A1"),
    ] {
        let bytes = golden(name);
        assert_eq!(header(&bytes, Name(name), "a raw file").unwrap(), (size, turned), "{name}");
        let picture = Picture::decode(&bytes).unwrap();
        assert_eq!(picture.notes, [], "{name}");
        let exif = picture.metadata.exif.unwrap();
        assert!(exif.windows(camera.len()).any(|word| word == camera.as_bytes()), "{name}");
        // An old RW2 does not say how it is packed: at this length it may be more tightly.
        let may_be_whole = |length: &usize| name == "panasonic.rw2" && (36_088..=36_600).contains(length);
        let lengths = (0..bytes.len()).step_by(389).chain([bytes.len() - 1]).filter(|length| !may_be_whole(length));
        for length in lengths {
            assert!(Picture::decode(&bytes[..length]).is_err(), "{name} cut off at {length}");
        }
    }
}

/// Gives the field of a tag and type another tag.
fn rename(file: &mut [u8], tag: u16, kind: u16, other: u16) {
    let entry = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
    let at = file.windows(4).position(|four| four == entry).unwrap();
    file[at..at + 2].copy_from_slice(&other.to_le_bytes());
}

#[test]
fn what_is_wrong_with_a_raw_file_is_told() {
    let whole = golden("rggb.dng");
    for length in (0..whole.len()).step_by(211) {
        // Cut off anywhere, it is an error and no panic.
        assert!(Picture::decode(&whole[..length]).is_err(), "{length}");
    }
    let at = whole.windows(5).position(|word| word == b"Dodge").unwrap();
    for seed in 0..400_usize {
        let mut damaged = whole.clone();
        let place = (seed * 7919) % at.max(600);
        damaged[place] = damaged[place].wrapping_add((seed * 31) as u8).wrapping_add(1);
        if let Ok(picture) = Picture::decode(&damaged) {
            assert!(picture.pixels.size().0 <= 96);
        }
    }
    // Of a maker that nobody knows, without the mark of a DNG.
    let mut unknown = whole.clone();
    rename(&mut unknown, 50_706, 1, 50_705);
    let error = Picture::decode(&unknown).unwrap_err().to_string();
    assert!(error.contains("Dodge") && error.contains("develop it"), "{error}");
}

#[test]
fn a_camera_that_nobody_measured_is_told() {
    let mut file = golden("rggb.dng");
    // The matrix gets a tag that nobody reads.
    rename(&mut file, 50_721, 10, 50_720);
    let picture = Picture::decode(&file).unwrap();
    assert_eq!(picture.notes, [Note::UnknownCamera]);
}
