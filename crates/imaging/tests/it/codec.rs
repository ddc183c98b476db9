//! Reading and writing files: what must load as what, and what must not load.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use dodge_imaging::{Encoding, Error, Photo, is_photo_file, psnr_db};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

fn gradient() -> Photo {
    Photo::from_fn(33, 21, |x, y| [(x * 7) as u8, (y * 12) as u8, (255 - x * 4) as u8]).unwrap()
}

#[test]
fn png_is_lossless_and_jpeg_close() {
    let folder = tempfile::tempdir().unwrap();
    for (name, least_db) in [("a.png", 60.0), ("b.JPG", 35.0), ("c.jpeg", 35.0)] {
        let path = folder.path().join(name);
        gradient().save(&path).unwrap();
        assert!(is_photo_file(&path).unwrap());
        assert!(psnr_db(&gradient(), &Photo::open(&path).unwrap()).unwrap() >= least_db, "{name}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary files are left");
}

#[test]
fn the_content_tells_the_format_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("really-a-png.jpg");
    fs::write(&path, gradient().encode(Encoding::Png).unwrap()).unwrap();
    assert_eq!(Photo::open(&path).unwrap(), gradient());
}

#[test]
fn greyscale_becomes_three_equal_channels() {
    let mut bytes = Vec::new();
    let grey: Vec<u8> = (0..32 * 16).map(|i| (i % 32 * 8) as u8).collect();
    JpegEncoder::new_with_quality(&mut bytes, 95).write_image(&grey, 32, 16, ExtendedColorType::L8).unwrap();
    let photo = Photo::decode(&bytes).unwrap();
    assert_eq!((photo.width(), photo.height()), (32, 16));
    assert!(photo.pixels().chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    assert!(photo.pixel(28, 8)[0] > photo.pixel(3, 8)[0] + 150);
}

#[test]
fn sixteen_bit_and_alpha_are_reduced() {
    let mut bytes = Vec::new();
    let wide = image::DynamicImage::ImageRgba16(image::ImageBuffer::from_fn(4, 4, |_, _| {
        image::Rgba([65535, 32768, 0, 1000])
    }));
    wide.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    assert_eq!(Photo::decode(&bytes).unwrap().pixel(1, 1), [255, 128, 0]);
}

/// A JPEG with an EXIF block that holds nothing but the orientation.
fn jpeg_with_orientation(orientation: u8) -> Vec<u8> {
    let plain = gradient().encode(Encoding::Jpeg { quality: 95 }).unwrap();
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() + 2) as u16;
    let mut bytes = plain[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&plain[2..]);
    bytes
}

#[test]
fn the_exif_orientation_is_applied() {
    // Stored column 0 is the left edge, which is darkest in red. Orientation 6: the camera was turned, rotate by 90
    // degrees clockwise, so that the stored left edge becomes the top.
    let upright = Photo::decode(&jpeg_with_orientation(1)).unwrap();
    assert_eq!((upright.width(), upright.height()), (33, 21));
    let turned = Photo::decode(&jpeg_with_orientation(6)).unwrap();
    assert_eq!((turned.width(), turned.height()), (21, 33));
    assert!(turned.pixel(10, 0)[0] < 40 && turned.pixel(10, 32)[0] > 180);
    let upside_down = Photo::decode(&jpeg_with_orientation(3)).unwrap();
    assert!(upside_down.pixel(0, 10)[0] > 180);
}

#[test]
fn cmyk_jpegs_are_converted() {
    // A 16x16 CMYK JPEG of one colour, made with Pillow: (C, M, Y, K) = (0, 255, 255, 0) is red.
    let bytes = include_bytes!("cmyk-red.jpg");
    let photo = Photo::decode(bytes).unwrap();
    let [r, g, b] = photo.pixel(8, 8);
    assert!(r > 200 && g < 60 && b < 60, "{r} {g} {b}");
}

#[test]
fn what_is_no_picture_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let half = gradient().encode(Encoding::Png).unwrap();
    for (name, content, reason) in [
        ("text.jpg", b"just a text".to_vec(), "another kind of content"),
        ("empty.png", Vec::new(), "the file is empty"),
        ("film.png", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), "it is a GIF"),
        ("half.png", half[..half.len() / 2].to_vec(), "half.png is not a readable"),
        ("head.jpg", jpeg_with_orientation(1)[..40].to_vec(), "head.jpg is not a readable"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let error = Photo::open(&path).unwrap_err();
        assert!(matches!(error, Error::Decode { .. } | Error::Unsupported { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(name) && message.contains(reason), "{message}");
    }
    assert!(!is_photo_file(&folder.path().join("text.jpg")).unwrap());
    let missing = Photo::open(&folder.path().join("missing.jpg")).unwrap_err();
    assert!(matches!(missing, Error::Read { .. }));
}

#[test]
fn a_png_that_claims_a_huge_size_is_refused_before_decoding() {
    let mut bytes = gradient().encode(Encoding::Png).unwrap();
    // Width and height stand at 16..24 of a PNG, the checksum of the header at 29..33.
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    let error = Photo::decode(&bytes).unwrap_err();
    assert!(matches!(error, Error::TooLarge { width: 65536, height: 65536, .. }), "{error}");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn failed_writes_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no-such-folder/a.png");
    assert!(gradient().save(&missing).unwrap_err().to_string().contains("no-such-folder"));
    assert!(matches!(gradient().save(Path::new("a.bmp")).unwrap_err(), Error::UnknownExtension { .. }));
    // A folder stands where the file should go.
    let blocked = folder.path().join("b.png");
    fs::create_dir(&blocked).unwrap();
    assert!(gradient().save(&blocked).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
