//! Listing photos by their headers.

use std::fs;
use std::path::Path;

use dodge_data::{Error, Listing, SkipReason};
use dodge_imaging::{Encoding, Photo};
use tempfile::TempDir;

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    Photo::from_fn(width, height, |x, y| [x as u8, y as u8, 9]).unwrap().encode(Encoding::Jpeg { quality: 90 }).unwrap()
}

/// The same picture with an EXIF block that holds nothing but an orientation.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff =
        [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]].concat();
    let exif = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn sizes_are_those_of_the_photo_as_it_is_shown() {
    let folder = TempDir::new().unwrap();
    for orientation in 1..=8 {
        fs::write(folder.path().join(format!("{orientation}.jpg")), turned(&jpeg(40, 24), orientation)).unwrap();
    }
    let png = Photo::from_fn(30, 50, |_, _| [1; 3]).unwrap().encode(Encoding::Png).unwrap();
    fs::write(folder.path().join("9.png"), png).unwrap();
    let listing = Listing::of_folder(folder.path()).unwrap();
    for (photo, orientation) in listing.photos[..8].iter().zip(1..) {
        let size = if orientation < 5 { (40, 24) } else { (24, 40) };
        assert_eq!((photo.width, photo.height, photo.orientation), (size.0, size.1, orientation));
        let decoded = Photo::open(&folder.path().join(&photo.path)).unwrap();
        assert_eq!((decoded.width(), decoded.height()), size, "as when it is decoded");
    }
    assert_eq!((listing.photos[8].width, listing.photos[8].height, listing.photos[8].orientation), (30, 50, 1));
}

#[test]
fn the_order_is_that_of_the_bytes_of_the_paths() {
    let folder = TempDir::new().unwrap();
    for name in ["a/b.jpg", "a-b.jpg", "a.jpg", "B.jpg", "é.jpg", "a/b/c.jpg"] {
        let path = folder.path().join(name.replace("b/c", "d/c"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, jpeg(20, 20)).unwrap();
    }
    let listing = Listing::of_folder(folder.path()).unwrap();
    let paths: Vec<&str> = listing.photos.iter().map(|photo| photo.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["B.jpg", "a-b.jpg", "a.jpg", "a/b.jpg", "a/d/c.jpg", "é.jpg"]);
    assert_eq!(Listing::of_folder(folder.path()).unwrap(), listing);
}

#[test]
fn only_the_header_is_looked_at() {
    let folder = TempDir::new().unwrap();
    let photo = jpeg(400, 300);
    fs::write(folder.path().join("cut.jpg"), &photo[..photo.len() / 2]).unwrap();
    let listing = Listing::of_folder(folder.path()).unwrap();
    assert_eq!((listing.photos[0].width, listing.photos[0].height), (400, 300));
    // A profile longer than what is read first.
    let mut large = photo[..2].to_vec();
    for _ in 0..6 {
        large.extend([0xff, 0xe5, 0xff, 0xff]);
        large.extend(vec![0; 0xfffd]);
    }
    large.extend(&photo[2..]);
    fs::write(folder.path().join("cut.jpg"), large).unwrap();
    assert_eq!(Listing::of_folder(folder.path()).unwrap().photos[0].width, 400);
}

#[test]
fn what_is_left_out_is_recorded_with_its_reason() {
    let folder = TempDir::new().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("a-empty.jpg", b"");
    put("b-text.png", b"text");
    put("c-small.jpg", &jpeg(20, 15));
    put("d-cut.jpg", &jpeg(20, 20)[..30]);
    put("huge.png", &huge_png());
    put("notes.txt", b"text");
    let skipped = Listing::of_folder(folder.path()).unwrap().skipped;
    let reasons: Vec<&SkipReason> = skipped.iter().map(|skipped| &skipped.reason).collect();
    assert!(
        matches!(
            reasons[..],
            [
                SkipReason::Empty,
                SkipReason::NotAPhoto,
                SkipReason::TooSmall { width: 20, height: 15 },
                SkipReason::Damaged(_),
                SkipReason::TooLarge { width: 100_000, height: 100_000, .. },
            ]
        ),
        "{reasons:?}"
    );
    assert!(matches!(Listing::of_folder(Path::new("nowhere")), Err(Error::NoSuchFolder { .. })));
    assert!(matches!(Listing::of_folder(&folder.path().join("notes.txt")), Err(Error::NotAFolder { .. })));
}

/// A header that promises ten thousand megapixels, and nothing behind it.
fn huge_png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(100_000_u32.to_be_bytes());
    png.extend(100_000_u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0]);
    let sum = crc(&png[12..29]);
    png.extend(sum.to_be_bytes());
    png.extend(b"\0\0\0\0IDAT");
    png.extend(crc(b"IDAT").to_be_bytes());
    png
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _: u32| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}
