//! What a raw file claims, looked at before the decoder makes room for it.
//!
//! The decoder takes room for what a field or a box says before it reads any of it, and too much of that ends the program. So all directories
//! and boxes that it will come to are walked through before: fields that claim more than the file has are taken out of the copy that the
//! decoder gets (cameras write some of these, too), and pictures that are too large are refused.

use std::collections::HashSet;

use super::super::found::Name;
use crate::Error;

/// Most directories that are looked at.
const MAX_DIRECTORIES: usize = 4096;

/// Most fields of a directory in a maker's note; more are taken for something else.
const MAX_NOTED: usize = 512;

/// Most places of directories that a field names.
const MAX_PLACES: usize = 256;

/// Tags of width and height: of a TIFF, of Panasonic's sensors and of Fujifilm's.
const SIZES: [[u16; 2]; 3] = [[0x0100, 0x0101], [PANASONIC_WIDTH, 0x0003], [0xf001, 0xf002]];
const PANASONIC_WIDTH: u16 = 0x0002;
const TILE: [u16; 2] = [0x0142, 0x0143];
const ROWS_PER_STRIP: u16 = 0x0116;
/// Where values begin: those of older cameras of Panasonic, and of newer ones.
const STRIP_PLACE: u16 = 0x0111;
const PANASONIC_PLACE: u16 = 0x0118;
/// Most bytes that a camera writes behind the values, to fill a block.
const MOST_PADDING: u64 = 512;
const SAMPLES: u16 = 0x0115;

/// Tags of fields that say where directories of other pictures are, and Fujifilm's.
const PICTURES: [u16; 2] = [0x014a, 0xf000];
/// Tags of fields that say where other directories are: EXIF, GPS, and the profile, which the decoder takes for one.
const WORDS: [u16; 3] = [0x8769, 0x8825, 0x8773];
/// The same in the notes of Olympus, whose places count from the note.
const NOTED_DIRECTORIES: [u16; 3] = [0x2010, 0x2020, 0x2040];
const NOTE: u16 = 0x927c;
/// Where directories begin in makers' notes: behind names and headers of several lengths.
const NOTE_BEGINS: [usize; 7] = [0, 4, 8, 10, 12, 16, 18];

/// The tag that a field gets that is not to be read: nobody has it.
const NOBODY: u16 = 0xffff;

/// Bytes of a value by the number of its type, as the decoder has it.
const VALUE_BYTES: [u64; 14] = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/// The file as the decoder may read it.
///
/// # Errors
/// [`Error::TooLarge`] and [`Error::Decode`] where a picture or a box claims what no such file can have.
pub(super) fn examined(bytes: &[u8], name: Name<'_>, kind: &str) -> Result<Vec<u8>, Error> {
    let mut copy = bytes.to_vec();
    let values = if bytes.starts_with(b"FUJIFILM") {
        fujifilm(&mut copy)
    } else if bytes.get(4..8) == Some(b"ftyp") {
        canon(&mut copy)
            .ok_or_else(|| name.damaged(format!("it is {kind}, of which a part claims more than the file has")))?
    } else {
        let claims = Tiff::examine(&mut copy).unwrap_or_default();
        if claims.cut_off {
            return Err(name.damaged(format!("it is {kind} that is cut off")));
        }
        claims.values
    };
    name.check_size((u32::try_from(values.max(1)).unwrap_or(u32::MAX), 1), bytes.len())?;
    Ok(copy)
}

/// A TIFF, or what is made like one.
struct Tiff<'a> {
    bytes: &'a mut [u8],
    big_endian: bool,
    /// Most values that a picture claims to have, or to need room for.
    values: u64,
    seen: HashSet<usize>,
    /// Directories yet to be looked at.
    places: Vec<(usize, Role)>,
    /// Whether values of the sensor are missing at the end.
    cut_off: bool,
}

/// What a TIFF claims.
#[derive(Debug, Clone, Copy, Default)]
struct Claims {
    /// Most values of a picture.
    values: u64,
    cut_off: bool,
}

/// What a directory is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Picture,
    Words,
    /// In a maker's note that begins at a place.
    Note(usize),
}

impl<'a> Tiff<'a> {
    /// Takes out what claims too much and says what is left. None where it is no TIFF.
    fn examine(bytes: &'a mut [u8]) -> Option<Claims> {
        let big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let mut tiff = Self { bytes, big_endian, values: 0, seen: HashSet::new(), places: Vec::new(), cut_off: false };
        tiff.places.push((tiff.long(4)?, Role::Picture));
        while let Some((at, role)) = tiff.places.pop() {
            if tiff.seen.len() < MAX_DIRECTORIES && tiff.seen.insert(at) {
                tiff.directory(at, role);
            }
        }
        Some(Claims { values: tiff.values, cut_off: tiff.cut_off })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number = if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        usize::try_from(number).ok()
    }

    /// Looks at a directory and remembers where those are that it points to.
    fn directory(&mut self, at: usize, role: Role) {
        let Some(count) = self.short(at).map(usize::from) else { return };
        let first = at + 2;
        if matches!(role, Role::Note(_)) && !self.is_directory(first, count) {
            return;
        }
        let mut numbers = Vec::new();
        for entry in (0..count).map(|index| first + 12 * index) {
            let (Some(tag), Some(kind), Some(claimed)) =
                (self.short(entry), self.short(entry + 2), self.long(entry + 4))
            else {
                break;
            };
            let each = VALUE_BYTES.get(usize::from(kind)).copied().unwrap_or(1);
            let length = claimed as u64 * each;
            if length > self.bytes.len() as u64 {
                self.take_out(entry);
                continue;
            }
            let (inner, base) = match role {
                Role::Note(note) => (NOTED_DIRECTORIES.contains(&tag).then_some(role), note),
                _ if PICTURES.contains(&tag) => (Some(Role::Picture), 0),
                _ => (WORDS.contains(&tag).then_some(Role::Words), 0),
            };
            let from = if length <= 4 { Some(entry + 8) } else { self.long(entry + 8) };
            let Some(from) = from else { continue };
            let number = match (kind, claimed) {
                (_, 0) => None,
                (1 | 7, _) => self.bytes.get(from).map(|byte| u64::from(*byte)),
                (3, _) => self.short(from).map(u64::from),
                (4 | 13, _) => self.long(from).map(|number| number as u64),
                // The decoder takes numbers of all types; a size in one of these is none.
                _ => Some(u64::MAX),
            };
            numbers.extend(number.map(|number| (tag, number)));
            if let Some(inner) = inner {
                let count = if matches!(kind, 4 | 13) { claimed.min(MAX_PLACES) } else { 0 };
                // In a note, they may stand as far from its beginning.
                let from = if length > 4 { vec![from, from.saturating_add(base)] } else { vec![from] };
                for from in from {
                    let place = |index: usize| self.long(from.saturating_add(4 * index));
                    let places = (0..count).filter_map(place).collect::<Vec<_>>();
                    self.places.extend(places.into_iter().map(|place| (place.saturating_add(base), inner)));
                    // Some are no places, but are the directory themselves.
                    self.places.push((from, Role::Note(base)));
                }
            } else if tag == NOTE {
                self.places.extend(NOTE_BEGINS.map(|begin| (from.saturating_add(begin), Role::Note(from))));
            }
        }
        if role == Role::Picture {
            let is_panasonic = self.bytes.get(2..4) == Some(b"U\0");
            self.values = self.values.max(values(&numbers, is_panasonic));
            self.cut_off |= is_panasonic && is_cut_off(&numbers, self.bytes.len() as u64);
            self.places.extend(self.long(first + 12 * count).filter(|next| *next != 0).map(|next| (next, role)));
        }
    }

    /// Whether fields stand at a place, as far as their types tell: what is in makers' notes is known to their makers alone.
    fn is_directory(&self, first: usize, count: usize) -> bool {
        let is_field = |entry: usize| self.short(entry + 2).is_some_and(|kind| (1..=13).contains(&kind));
        (1..=MAX_NOTED).contains(&count) && (0..count.min(8)).all(|index| is_field(first + 12 * index))
    }

    /// Makes a field one that nobody has, of no values.
    fn take_out(&mut self, entry: usize) {
        if let Some(field) = self.bytes.get_mut(entry..entry + 8) {
            let kind = if self.big_endian { 1_u16.to_be_bytes() } else { 1_u16.to_le_bytes() };
            field.copy_from_slice(&[&NOBODY.to_le_bytes()[..], &kind, &[0; 4]].concat());
        }
    }
}

/// Whether a file of Panasonic ends before its values do, by the numbers in its directory. Newer ones have other packings, of which the
/// decoder notices that. In older ones it tells by the length alone how the values are packed, and takes a file that is cut off for one
/// that is packed more tightly.
fn is_cut_off(numbers: &[(u16, u64)], length: u64) -> bool {
    let number = |wanted: u16| numbers.iter().rev().find(|(tag, _)| *tag == wanted).map(|(_, number)| *number);
    let (Some(width), Some(height), Some(from), None) =
        (number(PANASONIC_WIDTH), number(SIZES[1][1]), number(STRIP_PLACE), number(PANASONIC_PLACE))
    else {
        return false;
    };
    let values = width.saturating_mul(height);
    let (there, two_bytes) = (length.saturating_sub(from), values.saturating_mul(2));
    // Twelve bits each, and a byte after every ten.
    let packed = (width.saturating_mul(12) / 8).saturating_add(width.saturating_add(2) / 10).saturating_mul(height);
    let may_be_packed = (packed..=packed.saturating_add(MOST_PADDING)).contains(&there);
    (values.saturating_mul(3) / 2..two_bytes).contains(&there) && !may_be_packed
}

/// Values that a picture claims to have by the numbers in its directory, or that one of its tiles or strips needs room for.
fn values(numbers: &[(u16, u64)], is_panasonic: bool) -> u64 {
    // Elsewhere these tags mean something else.
    let sizes = SIZES.iter().filter(|[width, _]| is_panasonic || *width != PANASONIC_WIDTH);
    let number = |wanted: u16| numbers.iter().rev().find(|(tag, _)| *tag == wanted).map(|(_, number)| *number);
    let area = |[width, height]: &[u16; 2]| number(*width).unwrap_or(0).saturating_mul(number(*height).unwrap_or(0));
    let width = sizes.clone().filter_map(|size| number(size[0])).max().unwrap_or(0);
    let height = sizes.clone().filter_map(|size| number(size[1])).max().unwrap_or(0);
    let strip = width.saturating_mul(number(ROWS_PER_STRIP).unwrap_or(0).min(height));
    let places = sizes.map(area).max().unwrap_or(0).max(area(&TILE)).max(strip);
    places.saturating_mul(number(SAMPLES).unwrap_or(1).max(1))
}

/// Fujifilm's: a header that says where two TIFFs are and a list of fields with another head.
fn fujifilm(bytes: &mut [u8]) -> u64 {
    let number = |bytes: &[u8], at: usize| {
        usize::try_from(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?)).ok()
    };
    let mut most = 0;
    for base in [number(bytes, 84).map(|jpeg| jpeg.saturating_add(12)), number(bytes, 100)].into_iter().flatten() {
        most = most.max(bytes.get_mut(base..).and_then(Tiff::examine).map_or(0, |claims| claims.values));
    }
    // The second of them may have no sizes, which stand in the list then.
    let short = |at: usize| Some(u64::from(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)));
    let list = number(bytes, 92).unwrap_or(usize::MAX);
    let (mut at, mut left) = (list.saturating_add(4), number(bytes, list).unwrap_or(0).min(MAX_DIRECTORIES));
    while left > 0
        && let (Some(tag), Some(length)) = (short(at), short(at.saturating_add(2)))
    {
        if tag == u64::from(SIZES[0][0]) {
            most = most.max(short(at + 4).unwrap_or(0).saturating_mul(short(at + 6).unwrap_or(0)));
        }
        at = at.saturating_add(4 + length as usize);
        left -= 1;
    }
    most
}

/// Canon's CR3: boxes in boxes. None where one of them claims more than there is.
fn canon(bytes: &mut [u8]) -> Option<u64> {
    // TIFFs stand in several of them, and among the values of the sensor.
    let header: &[u8] = b"II\x2a\0\x08\0\0\0";
    let tiffs: Vec<usize> = (0..bytes.len().saturating_sub(header.len()))
        .filter(|at| bytes[*at] == header[0] && bytes[*at..].starts_with(header))
        .take(MAX_DIRECTORIES)
        .collect();
    for at in tiffs {
        let _ = Tiff::examine(&mut bytes[at..]);
    }
    let length = bytes.len() as u64;
    let (mut at, mut most) = (0_usize, 0);
    while let Some(head) = bytes.get(at..at.saturating_add(16)) {
        let short = u64::from(u32::from_be_bytes(head[..4].try_into().ok()?));
        let size = if short == 1 { u64::from_be_bytes(head[8..].try_into().ok()?) } else { short };
        let end = usize::try_from(size).ok().and_then(|size| at.checked_add(size)).filter(|end| *end > at + 8)?;
        // Values of the sensor are no boxes, and any name may stand in them by chance.
        if &head[4..8] != b"mdat" {
            most = most.max(boxes(bytes.get(at..end)?, length)?);
        }
        at = end;
    }
    Some(most)
}

/// Looks at all boxes within one by their names, and says how many values the largest picture claims to have. None where one claims too much.
fn boxes(bytes: &[u8], length: u64) -> Option<u64> {
    let number = |at: usize| Some(u64::from(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?)));
    let mut most = 0;
    for at in 4..bytes.len().saturating_sub(4) {
        // What a number behind the name says to follow.
        let claimed = match &bytes[at..at + 4] {
            b"stts" | b"stsc" | b"co64" => number(at + 8)?,
            b"stsz" | b"CTMD" => number(at + 12)?,
            b"CMT1" | b"CMT2" | b"CMT3" | b"CMT4" | b"CNOP" => number(at - 4)?,
            b"CMP1" => {
                let [width, height, across, down] = [12, 16, 20, 24].map(|place| number(at + place));
                most = most.max(width?.saturating_mul(height?)).max(across?.saturating_mul(down?));
                0
            }
            _ => 0,
        };
        if claimed > length {
            return None;
        }
    }
    Some(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Name<'_> = Name("a");

    fn tiff(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
        let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        }
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn fields_that_claim_more_than_the_file_has_are_taken_out() {
        let honest = [(0x0100, 4, 1, 64), (0x0101, 4, 1, 48)];
        let whole = tiff(&honest);
        assert_eq!(examined(&whole, NAME, "a raw file").unwrap(), whole);
        let claiming = tiff(&[honest[0], honest[1], (0x9000, 12, u32::MAX, 8)]);
        let copy = examined(&claiming, NAME, "a raw file").unwrap();
        assert_eq!(copy.len(), claiming.len());
        assert_eq!(copy[..34], claiming[..34]);
        assert_eq!(copy[34..42], [0xff, 0xff, 1, 0, 0, 0, 0, 0]);
        // In a maker's note, which is behind the directory: 8 + 2 + 12 + 4.
        let note = tiff(&[(0x0005, 2, 0x7fff_ffff, 0)]);
        let noted = [tiff(&[(NOTE, 7, note.len() as u32, 26)]), note].concat();
        let copy = examined(&noted, NAME, "a raw file").unwrap();
        assert_eq!(copy[..34], noted[..34]);
        assert_ne!(copy, noted, "in a directory with a header of its own");
    }

    #[test]
    fn sizes_that_no_file_can_have_are_refused() {
        for (entries, is_read) in [
            ([(0x0100, 4, 1, 6000), (0x0101, 4, 1, 4000)], false),
            ([(0x0100, 4, 1, 2000), (0x0101, 4, 1, 2000)], true),
            // Longitude and latitude, unless it is Panasonic's.
            ([(0x0002, 3, 1, 60_000), (0x0003, 3, 1, 60_000)], true),
            ([(0xf001, 4, 1, u32::MAX), (0xf002, 4, 1, u32::MAX)], false),
            ([(0x0142, 4, 1, 90_000), (0x0143, 4, 1, 90_000)], false),
            ([(0x0100, 11, 1, 0x4f00_0000), (0x0101, 4, 1, 1)], false),
        ] {
            let examined = examined(&tiff(&entries), NAME, "a raw file");
            assert_eq!(examined.is_ok(), is_read, "{entries:?}: {examined:?}");
        }
        let mut panasonic = tiff(&[(0x0002, 3, 1, 60_000), (0x0003, 3, 1, 60_000)]);
        panasonic[2] = b'U';
        assert!(examined(&panasonic, NAME, "a raw file").is_err());
        let mut fujifilm = [&b"FUJIFILM"[..], &[0; 100]].concat();
        fujifilm[92..96].copy_from_slice(&104_u32.to_be_bytes());
        fujifilm.truncate(104);
        let list = |height: u16, width: u16| {
            let entry = [[0x01, 0x00], [0, 4], height.to_be_bytes(), width.to_be_bytes()].concat();
            [&fujifilm[..], &1_u32.to_be_bytes(), &entry].concat()
        };
        assert!(examined(&list(2000, 3000), NAME, "a raw file").is_ok());
        assert!(matches!(examined(&list(u16::MAX, u16::MAX), NAME, "a raw file"), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn boxes_that_claim_more_than_the_file_has_are_refused() {
        let part =
            |name: &[u8; 4], content: &[u8]| [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat();
        let file = |inner: &[u8]| {
            [
                part(b"ftyp", b"crx \0\0\0\x01"),
                part(b"moov", inner),
                part(b"mdat", b"stsz\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            ]
            .concat()
        };
        let counted = |count: u32| part(b"stsz", &[&[0; 8][..], &count.to_be_bytes(), &[0; 8]].concat());
        assert!(examined(&file(&counted(2)), NAME, "a raw file").is_ok(), "what stands among values is no box");
        assert!(examined(&file(&counted(u32::MAX)), NAME, "a raw file").is_err());
        let sized = |side: u32| part(b"CMP1", &[&[0; 8][..], &side.to_be_bytes().repeat(4), &[0; 16]].concat());
        assert!(examined(&file(&sized(3000)), NAME, "a raw file").is_ok());
        assert!(matches!(examined(&file(&sized(90_000)), NAME, "a raw file"), Err(Error::TooLarge { .. })));
        for length in 0..60 {
            let _ = examined(&file(&counted(2))[..length], NAME, "a raw file");
        }
    }
}
