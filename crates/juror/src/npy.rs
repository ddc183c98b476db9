//! Photos as files of NumPy (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>), in which they travel as they are.
//!
//! Only what a photo can be is read: bytes, `[height][width][3]` in RGB, in C order. Readers of the whole format parse a Python
//! literal of any depth, which is more than one wants to do with what strangers send.

use std::io::{Cursor, Read};

use dodge_imaging::Photo;
use zip::ZipArchive;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header that is read; that of a photo has 118 bytes.
const MAX_HEADER: usize = 4096;

/// The values begin at a multiple of it.
const ALIGNMENT: usize = 64;

/// Why an array is no photo.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotRead {
    Malformed(String),
    TooLarge(String),
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, NotRead> {
    Err(NotRead::Malformed(reason.into()))
}

/// The photo as a `.npy` file of format 1.0.
pub(crate) fn written(photo: &Photo) -> Vec<u8> {
    let dictionary =
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}, {}, 3), }}", photo.height(), photo.width());
    let before = MAGIC.len() + 4;
    let length = (before + dictionary.len() + 1).next_multiple_of(ALIGNMENT) - before;
    let mut bytes = Vec::with_capacity(before + length + photo.pixels().len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend_from_slice(dictionary.as_bytes());
    bytes.resize(before + length - 1, b' ');
    bytes.push(b'\n');
    bytes.extend_from_slice(photo.pixels());
    bytes
}

/// The photo of a `.npy` file, or the first array of a `.npz` file.
pub(crate) fn read(bytes: &[u8], most_pixels: u64) -> Result<Photo, NotRead> {
    if bytes.starts_with(b"PK") { from_archive(bytes, most_pixels) } else { from_array(bytes, most_pixels) }
}

fn from_archive(bytes: &[u8], most_pixels: u64) -> Result<Photo, NotRead> {
    let broken = |error: zip::result::ZipError| NotRead::Malformed(format!("the archive cannot be read: {error}"));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.is_empty() {
        return malformed("there is no array in the archive");
    }
    let most = 3 * most_pixels + MAX_HEADER as u64;
    let mut array = Vec::new();
    // What the archive says of sizes is not believed: no more is unpacked than a photo may have.
    let first = archive.by_index(0).map_err(broken)?;
    let read = first.take(most + 1).read_to_end(&mut array);
    read.map_err(|error| NotRead::Malformed(format!("the archive cannot be unpacked: {error}")))?;
    if array.len() as u64 > most {
        return Err(NotRead::TooLarge(format!("the array has more than {most_pixels} pixels")));
    }
    from_array(&array, most_pixels)
}

fn from_array(bytes: &[u8], most_pixels: u64) -> Result<Photo, NotRead> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return malformed("it does not begin as a file of NumPy");
    };
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return malformed("its format is not 1, 2 or 3"),
    };
    if length > MAX_HEADER {
        return malformed(format!("its header has {length} bytes, more than {MAX_HEADER}"));
    }
    let Some((header, values)) = rest.split_at_checked(length) else {
        return malformed("it ends within its header");
    };
    let Ok(header) = std::str::from_utf8(header) else {
        return malformed("its header is no text");
    };
    let (height, width) = shape(header)?;
    let pixels = u64::from(height) * u64::from(width);
    if pixels > most_pixels {
        return Err(NotRead::TooLarge(format!("it has {pixels} pixels, more than {most_pixels}")));
    }
    if values.len() as u64 != 3 * pixels {
        return malformed(format!(
            "it has {} values where its shape ({height}, {width}, 3) asks for {}",
            values.len(),
            3 * pixels
        ));
    }
    Photo::new(width, height, values.to_vec()).map_err(|error| NotRead::Malformed(error.to_string()))
}

/// Height and width, if they are those of a photo.
fn shape(header: &str) -> Result<(u32, u32), NotRead> {
    let field = |name: &str| {
        let place = header.find(&format!("'{name}':"))?;
        Some(header[place + name.len() + 3..].trim_start())
    };
    let (Some(kind), Some(order), Some(shape)) = (field("descr"), field("fortran_order"), field("shape")) else {
        return malformed("its header lacks descr, fortran_order or shape");
    };
    if !["'|u1'", "'<u1'", "'>u1'", "'u1'"].iter().any(|byte| kind.starts_with(byte)) {
        let kind = kind.split(',').next().unwrap_or_default();
        return malformed(format!("its values are {kind} and not bytes: convert them with `.astype(numpy.uint8)`"));
    }
    if !order.starts_with("False") {
        return malformed("it is in the order of Fortran: send `numpy.ascontiguousarray(array)`");
    }
    let inner = shape.strip_prefix('(').and_then(|shape| shape.split(')').next()).unwrap_or_default();
    let sides: Vec<Option<u32>> =
        inner.split(',').map(str::trim).filter(|side| !side.is_empty()).map(|side| side.parse().ok()).collect();
    match sides[..] {
        [Some(height), Some(width), Some(3)] => Ok((height, width)),
        _ => malformed(format!("its shape is ({inner}) and not (height, width, 3)")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn photo() -> Photo {
        Photo::from_fn(5, 4, |x, y| [x as u8, y as u8, 7]).unwrap()
    }

    /// A `.npy` file with this dictionary.
    fn array(dictionary: &str, values: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC, &[1, 0], &(dictionary.len() as u16).to_le_bytes(), dictionary.as_bytes()].concat();
        bytes.extend_from_slice(values);
        bytes
    }

    fn archive(name: &str, content: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = written(&photo());
        assert_eq!(read(&bytes, 20).unwrap(), photo());
        assert_eq!((bytes.len() - 60) % ALIGNMENT, 0);
        assert_eq!(read(&archive("arr_0.npy", &bytes), 20).unwrap(), photo());
    }

    #[test]
    fn what_is_no_photo_is_refused() {
        let check = |bytes: &[u8], expected: &str| match read(bytes, 1000) {
            Err(NotRead::Malformed(reason) | NotRead::TooLarge(reason)) => {
                assert!(reason.contains(expected), "{reason}, not {expected}");
            }
            Ok(_) => panic!("read, and not refused with {expected}"),
        };
        check(b"", "does not begin");
        check(&written(&photo())[..40], "ends within its header");
        check(&written(&photo())[..150], "values where its shape (4, 5, 3) asks for 60");
        check(
            &array("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 3), }", &[0; 12]),
            "'<f4' and not bytes",
        );
        check(&array("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1, 3), }", &[0; 3]), "Fortran");
        check(&array("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3), }", &[0; 3]), "(1, 3) and not");
        check(&array("{'descr': '|u1', 'fortran_order': False, 'shape': (1, -1, 3), }", &[0; 3]), "(1, -1, 3) and not");
        check(&array("{'descr': '|u1', 'shape': (1, 1, 3), }", &[0; 3]), "lacks");
        check(&array("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 9, 3), }", &[]), "0");
        let large = "{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000, 4000000000, 3), }";
        check(&array(large, &[]), "more than 1000");
        let long = [MAGIC, &[2, 0], &u32::MAX.to_le_bytes(), b"("].concat();
        check(&long, "more than 4096");
        check(b"PK\x03\x04 and nothing more", "cannot be read");
        // A thousand times as much as it may be, in a few hundred bytes.
        check(&archive("bomb.npy", &vec![0; 7_000_000]), "more than 1000 pixels");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), dictionary in "[{}'a-z:,() 0-9]{0,80}") {
            let _ = read(&bytes, 1000);
            let _ = read(&array(&dictionary, &bytes), 1000);
        }
    }
}
