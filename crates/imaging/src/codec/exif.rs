//! EXIF blocks: small TIFF files without a picture. A TIFF keeps the same fields among its own.

use image::metadata::Orientation;

use super::fields::{Directory, MAX_BYTES, Reader};

pub(super) const EXIF_DIRECTORY: u16 = 0x8769;

const ORIENTATION: u16 = 0x0112;
const PREVIEW_OFFSET: u16 = 0x0201;
const PREVIEW_LENGTH: u16 = 0x0202;
/// Width and height among the first fields and among those of the exposure.
const SIZES: [(Option<u16>, [u16; 2]); 2] = [(None, [0x0100, 0x0101]), (Some(EXIF_DIRECTORY), [0xa002, 0xa003])];

/// Makes a block that came with a picture fit for the result: without the header that some formats put before it, with
/// the preview taken out (it shows the picture as it was), and upright. Nothing where it is no EXIF block.
pub(super) fn carried(block: &[u8]) -> Option<Vec<u8>> {
    let mut block = block.strip_prefix(b"Exif\0\0").unwrap_or(block).to_vec();
    without_preview(&mut block)?;
    set(&mut block, None, ORIENTATION, Value::Short(1));
    Some(block)
}

/// The orientation that a block names.
pub(crate) fn orientation(block: &[u8]) -> Option<u8> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    of_directory(&Directory::first(block)?)
}

/// How a picture is turned by the block that came with it.
pub(super) fn turned(block: Option<&[u8]>) -> Orientation {
    block.and_then(orientation).and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// The orientation that a directory names, in whichever type of number.
pub(super) fn of_directory(directory: &Directory) -> Option<u8> {
    directory.number(ORIENTATION).and_then(|number| u8::try_from(number).ok())
}

/// Writes the size that the picture has now where the block names one.
pub(super) fn set_size(block: &mut [u8], (width, height): (u32, u32)) {
    for (folder, [across, down]) in SIZES {
        set(block, folder, across, Value::Long(width));
        set(block, folder, down, Value::Long(height));
    }
}

fn without_preview(block: &mut Vec<u8>) -> Option<()> {
    let reader = Reader::new(&block[..])?;
    let (first, count, size) = reader.entries(reader.first()?)?;
    let next_at = usize::try_from(first.checked_add(count * size)?).ok()?;
    let Some(next) = reader.u32(next_at as u64).filter(|next| *next != 0) else { return Some(()) };
    let mut budget = MAX_BYTES;
    let preview = reader.directory(next.into(), &mut budget, 0).unwrap_or_default().0;
    let number = |tag| preview.number(tag).and_then(|number| usize::try_from(number).ok());
    let range = number(PREVIEW_OFFSET).zip(number(PREVIEW_LENGTH));
    block[next_at..next_at + 4].fill(0);
    if let Some((from, length)) = range {
        let to = from.saturating_add(length);
        let is_jpeg = block.get(from..).is_some_and(|preview| preview.starts_with(&[0xff, 0xd8]));
        // The fields themselves stand before the preview in what cameras write; anything else stays as it is.
        if is_jpeg && to == block.len() && from > next_at + 4 {
            block.truncate(from);
        } else if let Some(preview) = block.get_mut(from..to).filter(|_| is_jpeg && from > next_at + 4) {
            preview.fill(0);
        }
    }
    Some(())
}

#[derive(Clone, Copy)]
enum Value {
    Short(u16),
    Long(u32),
}

/// Gives a field another number where it stands, so that nothing moves: makers' notes hold places within the block. A field
/// that is not there stays away.
fn set(block: &mut [u8], folder: Option<u16>, tag: u16, value: Value) {
    let entry = Reader::new(&*block).and_then(|reader| {
        let find = |directory: u64, tag: u16| {
            let (first, count, size) = reader.entries(directory)?;
            (0..count).map(|index| first + index * size).find(|entry| reader.u16(*entry) == Some(tag))
        };
        let mut directory = reader.first()?;
        if let Some(folder) = folder {
            directory = reader.u32(find(directory, folder)? + 8)?.into();
        }
        Some((usize::try_from(find(directory, tag)?).ok()?, reader.big_endian))
    });
    let Some((entry, big_endian)) = entry else { return };
    let Some(place) = block.get_mut(entry + 2..entry + 12) else { return };
    let (kind, content) = match (value, big_endian) {
        (Value::Short(value), false) => (3_u16, u32::from(value).to_le_bytes()),
        (Value::Short(value), true) => (3, (u32::from(value) << 16).to_be_bytes()),
        (Value::Long(value), false) => (4, value.to_le_bytes()),
        (Value::Long(value), true) => (4, value.to_be_bytes()),
    };
    let (kind, count) =
        if big_endian { (kind.to_be_bytes(), 1_u32.to_be_bytes()) } else { (kind.to_le_bytes(), 1_u32.to_le_bytes()) };
    place.copy_from_slice(&[&kind[..], &count, &content].concat());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::fields::Field;

    fn example() -> Directory {
        let mut exif = Directory::default();
        exif.fields.insert(0x829a, Field::rational(1, 250));
        exif.fields.insert(0xa002, Field::shorts(&[160]));
        let mut first = Directory::default();
        first.fields.insert(0x010f, Field::bytes(2, b"A camera maker\0"));
        first.fields.insert(ORIENTATION, Field::shorts(&[1]));
        first.children.insert(EXIF_DIRECTORY, exif);
        first
    }

    #[test]
    fn the_preview_is_taken_out() {
        let mut block = example().to_block();
        let next_at = block.len() - 4;
        let mut preview = Directory::default();
        let at = block.len() as u32;
        preview.fields.insert(PREVIEW_OFFSET, Field::longs(&[at + 30]));
        preview.fields.insert(PREVIEW_LENGTH, Field::longs(&[4]));
        assert_eq!(preview.append_to(&mut block), at);
        block[next_at..next_at + 4].copy_from_slice(&at.to_le_bytes());
        block.extend([0xff, 0xd8, 0xff, 0xd9]);
        let carried = carried(&block).unwrap();
        assert_eq!(Directory::first(&carried), Some(example()));
        assert!(!carried.windows(2).any(|two| two == [0xff, 0xd8]));
        assert_eq!(carried.len(), block.len() - 4);
        assert_eq!(super::carried(b"Exif\0\0nothing"), None);
    }

    #[test]
    fn orientation_and_size_are_corrected_in_every_type() {
        for field in [Field::shorts(&[6]), Field::longs(&[6]), Field::bytes(1, &[6])] {
            let mut directory = example();
            directory.fields.insert(ORIENTATION, field);
            let block = directory.to_block();
            assert_eq!(orientation(&block), Some(6));
            let mut block = carried(&block).unwrap();
            assert_eq!(orientation(&block), Some(1));
            set_size(&mut block, (70_000, 9));
            let exif = &Directory::first(&block).unwrap().children[&EXIF_DIRECTORY];
            // The height was not there and stays away.
            assert_eq!((exif.number(0xa002), exif.number(0xa003)), (Some(70_000), None));
        }
        let mut block = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0".to_vec();
        assert_eq!(orientation(&block), Some(8));
        block = carried(&block).unwrap();
        assert_eq!(orientation(&block), Some(1));
    }
}
