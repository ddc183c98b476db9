//! Any bytes as a camera raw file: an error or a picture of 16 bit, and what it says beside its values.

#![no_main]

use dodge_imaging::{Picture, Pixels};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Those of other formats have a target of their own.
    let begins = [&b"II*\0"[..], b"MM\0*", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW"];
    let is_canon = bytes.get(4..12) == Some(b"ftypcrx ");
    if !is_canon && !begins.iter().any(|magic| bytes.starts_with(magic)) {
        return;
    }
    if let Ok(picture) = Picture::decode(bytes) {
        let (width, height) = picture.pixels.size();
        let values = match &picture.pixels {
            Pixels::Eight(photo) => photo.pixels().len(),
            Pixels::Sixteen(photo) => photo.pixels().len(),
        };
        assert_eq!(values as u64, u64::from(width) * u64::from(height) * 3);
    }
});
