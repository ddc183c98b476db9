//! EXIF blocks: small TIFF files without a picture. A TIFF keeps the same fields among its own.

use std::collections::BTreeMap;

/// Where the fields of one directory point to another.
const SUB_DIRECTORIES: [u16; 3] = [0x8769, 0x8825, 0xa005];

pub(super) const XMP: u16 = 0x02bc;
pub(super) const ICC: u16 = 0x8773;

const ORIENTATION: u16 = 0x0112;
const PREVIEW_OFFSET: u16 = 0x0201;
const PREVIEW_LENGTH: u16 = 0x0202;

/// Fields of a TIFF that say what the picture is of and who made it, not how it is stored: these a TIFF and an EXIF
/// block have in common.
const DESCRIPTIVE: [u16; 13] = [
    0x010e, // description
    0x010f, // make
    0x0110, // model
    0x011a, // horizontal resolution
    0x011b, // vertical resolution
    0x0128, // its unit
    0x0131, // software
    0x0132, // date
    0x013b, // artist
    0x013c, // host computer
    0x4746, // rating
    0x4749, // rating in percent
    0x8298, // copyright
];

/// Most bytes that the fields of all directories of one block may have: the same bytes may be claimed many times over.
/// One directory of a TIFF holds the colour profile and the XMP too.
const MAX_BYTES: usize = 4 * super::MAX_METADATA_BYTES;

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

    pub(super) fn bytes(kind: u16, value: &[u8]) -> Self {
        Self { kind, count: value.len() as u32, value: value.to_vec() }
    }
}

/// One directory and those that its fields point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) fields: BTreeMap<u16, Field>,
    children: BTreeMap<u16, Directory>,
}

impl Directory {
    /// The first directory of a TIFF or of an EXIF block, or nothing where there is none. What is damaged is left out.
    pub(super) fn first(bytes: &[u8]) -> Option<Self> {
        let reader = Reader::new(bytes)?;
        let mut budget = MAX_BYTES;
        reader.directory(reader.u32(4)? as usize, &mut budget, 0)
    }

    /// Keeps the fields that a TIFF and an EXIF block have in common.
    pub(super) fn descriptive(mut self) -> Self {
        self.fields.retain(|tag, _| DESCRIPTIVE.contains(tag));
        self
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

/// Makes a block that came with a picture fit for the result: without the header that some formats put before it, with
/// the preview taken out (it shows the picture as it was). Nothing where it is no EXIF block.
pub(super) fn carried(block: &[u8]) -> Option<Vec<u8>> {
    let mut block = block.strip_prefix(b"Exif\0\0").unwrap_or(block).to_vec();
    let reader = Reader::new(&block)?;
    let first = reader.u32(4)? as usize;
    let next_at = first.checked_add(2 + 12 * usize::from(reader.u16(first)?))?;
    let Some(next) = reader.u32(next_at).filter(|next| *next != 0) else { return Some(block) };
    let mut budget = MAX_BYTES;
    let preview = reader.directory(next as usize, &mut budget, 0).unwrap_or_default();
    let number =
        |tag| preview.fields.get(&tag).and_then(|field| Some(u32::from_le_bytes(field.value[..].try_into().ok()?)));
    block[next_at..next_at + 4].fill(0);
    if let (Some(from), Some(length)) = (number(PREVIEW_OFFSET), number(PREVIEW_LENGTH)) {
        let (from, to) = (from as usize, (from as usize).saturating_add(length as usize));
        let is_jpeg = block.get(from..).is_some_and(|preview| preview.starts_with(&[0xff, 0xd8]));
        // The fields themselves stand before the preview in what cameras write; anything else stays as it is.
        if is_jpeg && to == block.len() && from > next_at + 4 {
            block.truncate(from);
        } else if let Some(preview) = block.get_mut(from..to).filter(|_| is_jpeg && from > next_at + 4) {
            preview.fill(0);
        }
    }
    Some(block)
}

/// The orientation that a TIFF's first directory names.
pub(super) fn orientation(directory: &Directory) -> Option<u8> {
    directory.fields.get(&ORIENTATION).and_then(|field| field.value.first().copied())
}

struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"II\x2a\0" => false,
            b"MM\0\x2a" => true,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn directory(&self, at: usize, budget: &mut usize, depth: u32) -> Option<Directory> {
        let mut directory = Directory::default();
        for index in 0..usize::from(self.u16(at)?) {
            let entry = at + 2 + 12 * index;
            let Some(tag) = self.u16(entry) else { break };
            let Some(left) = budget.checked_sub(12) else { break };
            *budget = left;
            let Some(field) = self.field(entry, budget) else { continue };
            if SUB_DIRECTORIES.contains(&tag) {
                let child = u32::from_le_bytes(field.value[..].try_into().unwrap_or_default());
                // Three levels are all that exist; more is a circle.
                let child = if depth < 2 { self.directory(child as usize, budget, depth + 1) } else { None };
                if let Some(child) = child.filter(|child| !child.is_empty()) {
                    directory.children.insert(tag, child);
                }
            } else {
                directory.fields.insert(tag, field);
            }
        }
        Some(directory)
    }

    fn field(&self, entry: usize, budget: &mut usize) -> Option<Field> {
        let kind = self.u16(entry + 2)?;
        let count = self.u32(entry + 4)?;
        // Bytes of one value, and of the parts that have an order.
        let (size, part) = match kind {
            1 | 2 | 6 | 7 => (1, 1),
            3 | 8 => (2, 2),
            4 | 9 | 11 | 13 => (4, 4),
            5 | 10 => (8, 4),
            12 => (8, 8),
            _ => return None,
        };
        let length = (count as usize).checked_mul(size)?;
        let from = if length <= 4 { entry + 8 } else { self.u32(entry + 8)? as usize };
        *budget = budget.checked_sub(length)?;
        let mut value = self.bytes.get(from..from.checked_add(length)?)?.to_vec();
        if self.big_endian {
            value.chunks_exact_mut(part).for_each(<[u8]>::reverse);
        }
        Some(Field { kind, count, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Directory {
        let mut exif = Directory::default();
        exif.fields.insert(0x829a, Field { kind: 5, count: 1, value: [1_u32, 250].map(u32::to_le_bytes).concat() });
        let mut first = Directory::default();
        first.fields.insert(0x010f, Field::bytes(2, b"A camera maker\0"));
        first.fields.insert(ORIENTATION, Field::shorts(&[6]));
        first.children.insert(0x8769, exif);
        first
    }

    #[test]
    fn a_block_comes_back_as_it_was_written() {
        assert_eq!(Directory::first(&example().to_block()), Some(example()));
    }

    #[test]
    fn only_descriptive_fields_are_common_to_tiff_and_exif() {
        let kept = example().descriptive();
        assert_eq!(kept.fields.keys().collect::<Vec<_>>(), [&0x010f]);
        assert_eq!(kept.children.len(), 1);
        assert_eq!(orientation(&example()), Some(6));
    }

    #[test]
    fn numbers_are_turned_around_where_the_block_is_big_endian() {
        let block = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!(orientation(&Directory::first(block).unwrap()), Some(6));
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
        assert_eq!(carried(b"Exif\0\0nothing"), None);
    }
}
