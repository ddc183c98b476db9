//! Any bytes as a picture: an error or a picture, whole and as a thumbnail. What was read can be written and read again.

#![no_main]

use dodge_imaging::{Encoding, Photo, Picture};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(picture) = Picture::decode(bytes) else { return };
    let small = Photo::decode_thumbnail(bytes, 4);
    let (width, height) = match &picture.pixels {
        dodge_imaging::Pixels::Eight(photo) => (photo.width(), photo.height()),
        dodge_imaging::Pixels::Sixteen(photo) => (photo.width(), photo.height()),
    };
    if let Ok(small) = small {
        assert!(small.width().max(small.height()) <= width.max(height).min(4));
    }
    if u64::from(width) * u64::from(height) > 10_000 {
        return;
    }
    let whole = picture.encode(Encoding::Tiff).expect("a small picture fits into a TIFF");
    assert_eq!(Picture::decode(&whole).expect("what was written is read").pixels, picture.pixels);
    for encoding in [Encoding::Jpeg { quality: 90 }, Encoding::Png, Encoding::WebP] {
        let bytes = picture.encode(encoding).expect("a small picture fits into every format");
        let back = Picture::decode(&bytes).expect("what was written is read");
        assert_eq!(back.metadata.icc, picture.metadata.icc);
    }
});
