//! Directories of fields: what a TIFF is made of, and an EXIF block, which is a small TIFF without a picture.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Where the fields of one directory point to another of the same picture.
const SUB_DIRECTORIES: [u16; 3] = [0x8769, 0x8825, 0xa005];

/// Most bytes that the fields of all directories of one block may have: the same bytes may be claimed many times over.
/// One directory of a TIFF holds the colour profile and the XMP too.
pub(super) const MAX_BYTES: usize = 4 * super::MAX_METADATA_BYTES;

/// Where bytes are read from: memory, or a file of which only the directories matter.
pub(crate) trait Source {
    /// The bytes from `at` on, all `length` of them or nothing.
    fn bytes(&self, at: u64, length: usize) -> Option<Cow<'_, [u8]>>;
}

impl Source for &[u8] {
    fn bytes(&self, at: u64, length: usize) -> Option<Cow<'_, [u8]>> {
        let at = usize::try_from(at).ok()?;
        self.get(at..at.checked_add(length)?).map(Cow::Borrowed)
    }
}

impl Source for &RefCell<File> {
    fn bytes(&self, at: u64, length: usize) -> Option<Cow<'_, [u8]>> {
        let mut file = self.borrow_mut();
        // A length that only a damaged field claims is not allocated.
        let end = at.checked_add(length as u64)?;
        if end > file.metadata().ok()?.len() {
            return None;
        }
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes)).ok()?;
        Some(Cow::Owned(bytes))
    }
}

/// The value of a field, in little-endian order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) kind: u16,
    pub(super) count: u32,
    pub(super) value: Vec<u8>,
}

impl Field {
    pub(super) fn shorts(values: &[u16]) -> Self {
        let value = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { kind: 3, count: values.len() as u32, value }
    }

    pub(super) fn longs(values: &[u32]) -> Self {
        let value = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { kind: 4, count: values.len() as u32, value }
    }

    pub(super) fn rational(above: u32, below: u32) -> Self {
        Self { kind: 5, count: 1, value: [above, below].map(u32::to_le_bytes).concat() }
    }

    pub(super) fn bytes(kind: u16, value: &[u8]) -> Self {
        Self { kind, count: value.len() as u32, value: value.to_vec() }
    }

    /// The whole numbers, whichever of the types for them the writer took. Nothing for other types and for negative ones.
    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        let (size, signed) = match self.kind {
            1 | 7 => (1, false),
            6 => (1, true),
            3 => (2, false),
            8 => (2, true),
            4 | 13 => (4, false),
            9 => (4, true),
            16 | 18 => (8, false),
            17 => (8, true),
            _ => return None,
        };
        let number = |part: &[u8]| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(part);
            let negative = signed && part[size - 1] >= 0x80;
            (!negative).then(|| u64::from_le_bytes(bytes))
        };
        self.value.chunks_exact(size).map(number).collect()
    }

    /// The first whole number, see [`Field::numbers`].
    pub(super) fn number(&self) -> Option<u64> {
        self.numbers()?.first().copied()
    }

    /// The first fraction as a number.
    pub(super) fn fraction(&self) -> Option<f64> {
        let (parts, []) = self.value.as_chunks::<4>() else { return None };
        match (self.kind, parts) {
            (5, [above, below, ..]) => {
                Some(f64::from(u32::from_le_bytes(*above)) / f64::from(u32::from_le_bytes(*below)))
            }
            _ => self.number().map(|number| number as f64),
        }
    }
}

/// One directory and those that its fields point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) fields: BTreeMap<u16, Field>,
    pub(super) children: BTreeMap<u16, Directory>,
}

impl Directory {
    /// The first directory of a TIFF or of an EXIF block, or nothing where there is none. What is damaged is left out.
    pub(super) fn first(bytes: &[u8]) -> Option<Self> {
        let reader = Reader::new(bytes)?;
        let mut budget = MAX_BYTES;
        Some(reader.directory(reader.first()?, &mut budget, 0)?.0)
    }

    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        self.fields.get(&tag)?.number()
    }

    pub(super) fn numbers(&self, tag: u16) -> Option<Vec<u64>> {
        self.fields.get(&tag)?.numbers()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.children.is_empty()
    }

    /// An EXIF block that holds this directory alone.
    pub(super) fn to_block(&self) -> Vec<u8> {
        let mut block = b"II\x2a\0\x08\0\0\0".to_vec();
        let at = self.append_to(&mut block);
        block[4..8].copy_from_slice(&at.to_le_bytes());
        block
    }

    /// Writes the directory at the end of a little-endian TIFF and says where it begins.
    pub(super) fn append_to(&self, file: &mut Vec<u8>) -> u32 {
        let mut fields = self.fields.clone();
        for (tag, child) in &self.children {
            let at = child.append_to(file);
            fields.insert(*tag, Field::longs(&[at]));
        }
        let mut entries = Vec::with_capacity(fields.len() * 12);
        for (tag, field) in &fields {
            entries.extend(tag.to_le_bytes());
            entries.extend(field.kind.to_le_bytes());
            entries.extend(field.count.to_le_bytes());
            let mut inline = [0; 4];
            if field.value.len() <= 4 {
                inline[..field.value.len()].copy_from_slice(&field.value);
            } else {
                align(file);
                inline = (file.len() as u32).to_le_bytes();
                file.extend(&field.value);
            }
            entries.extend(inline);
        }
        align(file);
        let at = file.len() as u32;
        file.extend((fields.len() as u16).to_le_bytes());
        file.extend(entries);
        file.extend([0; 4]);
        at
    }
}

/// Offsets in a TIFF are even.
fn align(file: &mut Vec<u8>) {
    if file.len() % 2 == 1 {
        file.push(0);
    }
}

/// Reads directories of a TIFF, a BigTIFF or an EXIF block.
pub(super) struct Reader<S> {
    source: S,
    pub(super) big_endian: bool,
    /// BigTIFF: offsets and counts of 64 bits.
    wide: bool,
}

impl<S: Source> Reader<S> {
    pub(super) fn new(source: S) -> Option<Self> {
        let (big_endian, wide) = match &*source.bytes(0, 4)? {
            b"II\x2a\0" => (false, false),
            b"MM\0\x2a" => (true, false),
            b"II\x2b\0" => (false, true),
            b"MM\0\x2b" => (true, true),
            _ => return None,
        };
        Some(Self { source, big_endian, wide })
    }

    /// Where the first directory stands.
    pub(super) fn first(&self) -> Option<u64> {
        if self.wide { self.u64(8) } else { self.u32(4).map(u64::from) }
    }

    pub(super) fn u16(&self, at: u64) -> Option<u16> {
        let bytes = (*self.source.bytes(at, 2)?).try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn u32(&self, at: u64) -> Option<u32> {
        let bytes = (*self.source.bytes(at, 4)?).try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u64(&self, at: u64) -> Option<u64> {
        let bytes = (*self.source.bytes(at, 8)?).try_into().ok()?;
        Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// Where the entries of the directory at `at` stand, how many there are, and how many bytes each has.
    pub(super) fn entries(&self, at: u64) -> Option<(u64, u64, u64)> {
        if self.wide {
            Some((at.checked_add(8)?, self.u64(at)?.min(u64::from(u16::MAX)), 20))
        } else {
            Some((at.checked_add(2)?, u64::from(self.u16(at)?), 12))
        }
    }

    /// The directory at `at`, and where the next one of its chain stands (0 where there is none).
    pub(super) fn directory(&self, at: u64, budget: &mut usize, depth: u32) -> Option<(Directory, u64)> {
        let mut directory = Directory::default();
        let (first, count, size) = self.entries(at)?;
        for index in 0..count {
            let entry = first.checked_add(size * index)?;
            let Some(tag) = self.u16(entry) else { break };
            let Some(left) = budget.checked_sub(12) else { break };
            *budget = left;
            let Some(field) = self.field(entry, budget) else { continue };
            if SUB_DIRECTORIES.contains(&tag) {
                let child = field.number().unwrap_or(0);
                // Three levels are all that exist; more is a circle.
                let child = if depth < 2 { self.directory(child, budget, depth + 1) } else { None };
                if let Some((child, _)) = child.filter(|(child, _)| !child.is_empty()) {
                    directory.children.insert(tag, child);
                }
            } else {
                directory.fields.insert(tag, field);
            }
        }
        let end = first.checked_add(size * count)?;
        let next = if self.wide { self.u64(end) } else { self.u32(end).map(u64::from) };
        Some((directory, next.unwrap_or(0)))
    }

    fn field(&self, entry: u64, budget: &mut usize) -> Option<Field> {
        let kind = self.u16(entry + 2)?;
        let (count, place, room) = if self.wide {
            (u32::try_from(self.u64(entry + 4)?).ok()?, entry + 12, 8)
        } else {
            (self.u32(entry + 4)?, entry + 8, 4)
        };
        // Bytes of one value, and of the parts that have an order.
        let (size, part) = match kind {
            1 | 2 | 6 | 7 => (1, 1),
            3 | 8 => (2, 2),
            4 | 9 | 11 | 13 => (4, 4),
            5 | 10 => (8, 4),
            12 | 16..=18 => (8, 8),
            _ => return None,
        };
        let length = (count as usize).checked_mul(size)?;
        let from = if length <= room {
            place
        } else if self.wide {
            self.u64(place)?
        } else {
            u64::from(self.u32(place)?)
        };
        *budget = budget.checked_sub(length)?;
        let mut value = self.source.bytes(from, length)?.into_owned();
        if self.big_endian {
            value.chunks_exact_mut(part).for_each(<[u8]>::reverse);
        }
        Some(Field { kind, count, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_as_it_was_written() {
        let mut exif = Directory::default();
        exif.fields.insert(0x829a, Field::rational(1, 250));
        let mut first = Directory::default();
        first.fields.insert(0x010f, Field::bytes(2, b"A camera maker\0"));
        first.children.insert(0x8769, exif);
        assert_eq!(Directory::first(&first.to_block()), Some(first));
    }

    #[test]
    fn numbers_are_read_in_every_type_and_order() {
        for (kind, value) in
            [(1, "06"), (3, "0600"), (4, "06000000"), (8, "0600"), (9, "06000000"), (16, "0600000000000000")]
        {
            let value =
                (0..value.len()).step_by(2).map(|i| u8::from_str_radix(&value[i..i + 2], 16).unwrap()).collect();
            assert_eq!(Field { kind, count: 1, value }.number(), Some(6), "type {kind}");
        }
        assert_eq!(Field { kind: 9, count: 1, value: vec![0xff; 4] }.number(), None);
        assert_eq!(Field::rational(3, 2).fraction(), Some(1.5));
        let block = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!(Directory::first(block).unwrap().number(0x0112), Some(6));
        let wide =
            [&b"MM\0\x2b\0\x08\0\0\0\0\0\0\0\0\0\x10"[..], b"\0\0\0\0\0\0\0\x01\x01\x12\0\x10\0\0\0\0\0\0\0\x01"];
        let wide = [&wide.concat()[..], b"\0\0\0\0\0\0\0\x06", &[0; 8]].concat();
        assert_eq!(Directory::first(&wide).unwrap().number(0x0112), Some(6));
    }

    #[test]
    fn circles_and_claims_come_to_an_end() {
        // The EXIF directory is the first directory again.
        let block = b"II\x2a\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0";
        assert!(Directory::first(block).unwrap().is_empty());
        // 65,535 fields in 26 bytes, and one of 4 GiB.
        let block = b"II\x2a\0\x08\0\0\0\xff\xff\x0f\x01\x02\0\xff\xff\xff\xff\x08\0\0\0\0\0\0\0";
        assert!(Directory::first(block).unwrap().is_empty());
        assert_eq!(Directory::first(b"II\x2a\0\xff\xff\xff\xff"), None);
    }
}
