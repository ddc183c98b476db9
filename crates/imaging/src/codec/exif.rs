//! EXIF blocks: small TIFF files without a picture. A TIFF keeps the same fields among its own.

use image::metadata::Orientation;

use super::density::{Density, DensityUnit};
use super::fields::{Directory, Field, MAX_BYTES, Reader};

pub(super) const EXIF_DIRECTORY: u16 = 0x8769;

const ORIENTATION: u16 = 0x0112;
const COLOUR_SPACE: u16 = 0xa001;
const INTEROPERABILITY: u16 = 0xa005;
pub(super) const DENSITY_ACROSS: u16 = 0x011a;
pub(super) const DENSITY_DOWN: u16 = 0x011b;
pub(super) const DENSITY_UNIT: u16 = 0x0128;
/// When the picture was taken, or what it was scanned from: `2024:05:01 12:30:00`.
const TAKEN: u16 = 0x9003;
/// Where the subject stands, as an area and as a point.
const PLACES: [u16; 2] = [0x9214, 0xa214];
/// Horizontal and vertical density of the print and of the sensor.
const DENSITIES: [(Option<u16>, [u16; 2]); 2] =
    [(None, [DENSITY_ACROSS, DENSITY_DOWN]), (Some(EXIF_DIRECTORY), [0xa20e, 0xa20f])];
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

/// The time at which a block says that the picture was taken, see [`Metadata::taken`](crate::Metadata::taken).
pub(super) fn taken(block: &[u8]) -> Option<i64> {
    let directory = Directory::first(block)?;
    let value = &directory.children.get(&EXIF_DIRECTORY)?.fields.get(&TAKEN)?.value;
    seconds(std::str::from_utf8(value).ok()?.trim_end_matches(['\0', ' ']))
}

/// Seconds since the beginning of 1970 of `YYYY:MM:DD HH:MM:SS`; none for anything else, such as the blanks or zeros of a camera whose clock was
/// never set.
fn seconds(text: &str) -> Option<i64> {
    let form = |(place, byte): (usize, u8)| match place {
        4 | 7 | 13 | 16 => byte == b':',
        10 => byte == b' ',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 19 || !text.bytes().enumerate().all(form) {
        return None;
    }
    let number = |from: usize, length: usize| text[from..from + length].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days of the Gregorian calendar, in years that begin with March, so that the day that is now and then there is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Whether a block says, as cameras do that write no profile (DCF 2.0, its optional colour space), that the values are Adobe RGB: a
/// colour space that is not sRGB, and the third set of basic rules.
pub(super) fn means_adobe_rgb(block: &[u8]) -> bool {
    let exif = Directory::first(block).and_then(|mut first| first.children.remove(&EXIF_DIRECTORY));
    let Some(exif) = exif else { return false };
    let rules = exif.children.get(&INTEROPERABILITY).and_then(|directory| directory.fields.get(&1));
    exif.number(COLOUR_SPACE) == Some(0xffff) && rules.is_some_and(|rules| rules.value.starts_with(b"R03"))
}

/// Says that the values are sRGB where the block says what they are.
pub(super) fn set_srgb(block: &mut [u8]) {
    set(block, Some(EXIF_DIRECTORY), COLOUR_SPACE, Value::Short(1));
    // A word of four bytes in a directory two steps away; without it, the colour space is what counts.
    remove(block, Some(EXIF_DIRECTORY), INTEROPERABILITY);
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

/// The density that a block names.
pub(super) fn density(block: &[u8]) -> Option<Density> {
    density_of(&Directory::first(block)?)
}

fn density_of(directory: &Directory) -> Option<Density> {
    let side = |tag| {
        let number = directory.fields.get(&tag)?.fraction()?;
        (number.is_finite() && number > 0.0 && number < 1e7).then_some(number)
    };
    let (across, down) = (side(DENSITY_ACROSS)?, side(DENSITY_DOWN)?);
    let whole = |number: f64| number.round() as u32;
    // An inch unless it is told otherwise.
    let density = match directory.number(DENSITY_UNIT).unwrap_or(2) {
        1 => Density { across: whole(across * 1000.0), down: whole(down * 1000.0), unit: DensityUnit::Ratio },
        3 => Density { across: whole(across * 100.0), down: whole(down * 100.0), unit: DensityUnit::Metre },
        _ if across.fract() == 0.0 && down.fract() == 0.0 => {
            Density { across: whole(across), down: whole(down), unit: DensityUnit::Inch }
        }
        _ => Density { across: whole(across / 0.0254), down: whole(down / 0.0254), unit: DensityUnit::Metre },
    };
    density.told()
}

/// The fields that name a density.
pub(super) fn density_fields(density: Density) -> [(u16, Field); 3] {
    let (unit, [across, down], below) = match density.unit {
        DensityUnit::Inch => (2, [density.across, density.down], 1),
        DensityUnit::Metre => (3, [density.across, density.down], 100),
        DensityUnit::Ratio => (1, [density.across, density.down], 1000),
    };
    [
        (DENSITY_ACROSS, Field::rational(across, below)),
        (DENSITY_DOWN, Field::rational(down, below)),
        (DENSITY_UNIT, Field::shorts(&[unit])),
    ]
}

/// Takes out where the subject stands.
pub(super) fn remove_places(block: &mut [u8]) {
    for tag in PLACES {
        remove(block, Some(EXIF_DIRECTORY), tag);
    }
}

/// Horizontal densities become vertical ones.
pub(super) fn swap_densities(block: &mut [u8]) {
    for (folder, [across, down]) in DENSITIES {
        if let (Some(first), Some(second)) = (entry(block, folder, across), entry(block, folder, down)) {
            // Type, count and value without the tag.
            for byte in 2..12 {
                block.swap(first.at + byte, second.at + byte);
            }
        }
    }
}

/// The block with `fields` in its first directory, those of the same tag replaced. All else stays where it stands, because
/// makers' notes hold places within the block: the new directory goes to the end.
pub(super) fn with_fields(block: Option<&[u8]>, fields: &[(u16, Field)]) -> Option<Vec<u8>> {
    let Some(block) = block else {
        let directory = Directory { fields: fields.iter().cloned().collect(), ..Directory::default() };
        return Some(directory.to_block());
    };
    let reader = Reader::new(block)?;
    let (first, count, size) = reader.entries(reader.first()?)?;
    let big_endian = reader.big_endian;
    let mut entries: Vec<(u16, Vec<u8>)> = Vec::new();
    for index in 0..count {
        let at = usize::try_from(first + index * size).ok()?;
        let entry = block.get(at..at + 12)?;
        let tag = reader.u16(at as u64)?;
        if fields.iter().all(|(own, _)| *own != tag) {
            entries.push((tag, entry.to_vec()));
        }
    }
    let short = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let long = |value: usize| {
        let value = u32::try_from(value).ok()?;
        Some(if big_endian { value.to_be_bytes() } else { value.to_le_bytes() })
    };
    let mut result = block.to_vec();
    for (tag, field) in fields {
        let mut value = field.value.clone();
        if big_endian {
            let part = match field.kind {
                3 => 2,
                4 | 5 => 4,
                _ => 1,
            };
            value.chunks_exact_mut(part).for_each(<[u8]>::reverse);
        }
        let mut entry = [short(*tag), short(field.kind)].concat();
        entry.extend(long(field.count as usize)?);
        if value.len() <= 4 {
            value.resize(4, 0);
            entry.extend(value);
        } else {
            result.resize(result.len().next_multiple_of(2), 0);
            entry.extend(long(result.len())?);
            result.extend(value);
        }
        entries.push((*tag, entry));
    }
    entries.sort_by_key(|(tag, _)| *tag);
    result.resize(result.len().next_multiple_of(2), 0);
    let at = long(result.len())?;
    result.extend(short(u16::try_from(entries.len()).ok()?));
    result.extend(entries.into_iter().flat_map(|(_, entry)| entry));
    result.extend([0; 4]);
    result[4..8].copy_from_slice(&at);
    Some(result)
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

/// Where a field stands.
struct Entry {
    at: usize,
    big_endian: bool,
    /// Where the entries of its directory begin, and how many there are.
    first: usize,
    count: usize,
}

fn entry(block: &[u8], folder: Option<u16>, tag: u16) -> Option<Entry> {
    let reader = Reader::new(block)?;
    let find = |directory: u64, tag: u16| {
        let (first, count, size) = reader.entries(directory)?;
        let at = (0..count).map(|index| first + index * size).find(|entry| reader.u16(*entry) == Some(tag))?;
        Some((at, first, count))
    };
    let mut directory = reader.first()?;
    if let Some(folder) = folder {
        directory = reader.u32(find(directory, folder)?.0 + 8)?.into();
    }
    let (at, first, count) = find(directory, tag)?;
    let at = usize::try_from(at).ok()?;
    block.get(at..at.checked_add(12)?)?;
    let (first, count) = (usize::try_from(first).ok()?, usize::try_from(count).ok()?);
    Some(Entry { at, big_endian: reader.big_endian, first, count })
}

/// Gives a field another number where it stands, so that nothing moves: makers' notes hold places within the block. A field
/// that is not there stays away.
fn set(block: &mut [u8], folder: Option<u16>, tag: u16, value: Value) {
    let Some(Entry { at, big_endian, .. }) = entry(block, folder, tag) else { return };
    let (kind, content) = match (value, big_endian) {
        (Value::Short(value), false) => (3_u16, u32::from(value).to_le_bytes()),
        (Value::Short(value), true) => (3, (u32::from(value) << 16).to_be_bytes()),
        (Value::Long(value), false) => (4, value.to_le_bytes()),
        (Value::Long(value), true) => (4, value.to_be_bytes()),
    };
    let (kind, count) =
        if big_endian { (kind.to_be_bytes(), 1_u32.to_be_bytes()) } else { (kind.to_le_bytes(), 1_u32.to_le_bytes()) };
    block[at + 2..at + 12].copy_from_slice(&[&kind[..], &count, &content].concat());
}

/// Takes a field out; those behind it in the directory move up, their values stay.
fn remove(block: &mut [u8], folder: Option<u16>, tag: u16) {
    let Some(Entry { at, big_endian, first, count }) = entry(block, folder, tag) else { return };
    // Behind the last field stands the place of the next directory.
    let end = first + count * 12 + 4;
    let Some(rest) = block.get_mut(first - 2..end) else { return };
    let fewer = (count - 1) as u16;
    rest[..2].copy_from_slice(&if big_endian { fewer.to_be_bytes() } else { fewer.to_le_bytes() });
    let from = at - (first - 2);
    rest.copy_within(from + 12.., from);
    let left = rest.len() - 12;
    rest[left..].fill(0);
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
    fn the_time_of_taking_is_read() {
        let of = |text: &[u8]| {
            let mut directory = example();
            directory.children.get_mut(&EXIF_DIRECTORY).unwrap().fields.insert(TAKEN, Field::bytes(2, text));
            taken(&directory.to_block())
        };
        assert_eq!(of(b"1970:01:01 00:00:00\0"), Some(0));
        // As `date -u -d '2024-02-29 12:30:01' +%s` says.
        assert_eq!(of(b"2024:02:29 12:30:01\0"), Some(1_709_209_801));
        assert_eq!(of(b"2024:03:01 00:00:00\0"), Some(1_709_251_200));
        for unset in [&b"0000:00:00 00:00:00\0"[..], b"    :  :     :  :  \0", b"2024-02-29 12:30:01\0", b"\xff", b""] {
            assert_eq!(of(unset), None);
        }
        assert_eq!(taken(&example().to_block()), None);
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
