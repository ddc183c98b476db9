//! Files with holes, as GNU tar stores them: only what is no hole, and a map of where it belongs.

use std::io::{self, Read};

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::kind::BLOCK;

/// More pieces than this are no photo.
const MAX_PIECES: usize = 1 << 16;

/// Why a map cannot be used.
pub(super) enum BadMap {
    /// It contradicts itself or is no map.
    Malformed,
    /// The archive ends or cannot be read.
    Unreadable(io::Error),
}

impl From<io::Error> for BadMap {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// What the extended attributes of an entry (the pax formats 0.0, 0.1 and 1.0) say of its holes.
#[derive(Default)]
pub(super) struct Attributes {
    /// The file's name; the entry's own is made up.
    pub(super) name: Option<Vec<u8>>,
    size: Option<u64>,
    pieces: Vec<(u64, u64)>,
    offset: Option<u64>,
    /// The map is in front of the content.
    in_content: bool,
    any: bool,
}

impl Attributes {
    /// Takes an attribute in; false where its value is none.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> bool {
        let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
        self.any = true;
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => {
                self.size = number();
                return self.size.is_some();
            }
            b"major" => match value {
                b"0" => self.in_content = false,
                b"1" => self.in_content = true,
                _ => return false,
            },
            b"offset" => {
                self.offset = number();
                return self.offset.is_some();
            }
            b"numbytes" => match (self.offset.take(), number()) {
                (Some(offset), Some(length)) if self.pieces.len() < MAX_PIECES => self.pieces.push((offset, length)),
                _ => return false,
            },
            b"map" => {
                let numbers: Option<Vec<u64>> = std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.split(',').map(|number| number.parse().ok()).collect());
                let Some(numbers) = numbers.filter(|numbers| numbers.len() % 2 == 0) else { return false };
                self.pieces = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            }
            _ => {}
        }
        true
    }

    /// The map, if the attributes tell of one. Reads it from the entry's content where it stands there.
    pub(super) fn map(self, content: &mut dyn Read) -> Result<Option<Map>, BadMap> {
        if !self.any {
            return Ok(None);
        }
        let size = self.size.ok_or(BadMap::Malformed)?;
        let pieces = if self.in_content { pieces_in_content(content)? } else { self.pieces };
        Map::new(pieces, size).map(Some)
    }
}

/// Where what is stored belongs.
pub(super) struct Map {
    /// Offset and length of each piece.
    pieces: Vec<(u64, u64)>,
    size: u64,
}

impl Map {
    fn new(pieces: Vec<(u64, u64)>, size: u64) -> Result<Self, BadMap> {
        let (mut end, mut stored) = (0, 0_u64);
        for (offset, length) in &pieces {
            // Programs disagree whether what follows a piece that ends inside of a block begins with the next block. None
            // writes such a piece but the last.
            let begins_a_block = stored % BLOCK as u64 == 0 || *length == 0;
            let next = offset.checked_add(*length).filter(|next| *offset >= end && *next <= size && begins_a_block);
            end = next.ok_or(BadMap::Malformed)?;
            stored += length;
        }
        Ok(Self { pieces, size })
    }

    /// How many bytes are stored.
    pub(super) fn stored(&self) -> u64 {
        self.pieces.iter().map(|(_, length)| length).sum()
    }

    /// The map of an entry of the type `S`, whose headers go on in the blocks behind the first.
    pub(super) fn of_header(header: &Header, tape: &mut dyn Read) -> Result<Self, BadMap> {
        let header = header.as_gnu().ok_or(BadMap::Malformed)?;
        let mut pieces = Vec::new();
        add(&mut pieces, &header.sparse)?;
        let mut more = header.is_extended();
        while more {
            let mut block = GnuExtSparseHeader::new();
            tape.read_exact(block.as_mut_bytes())?;
            add(&mut pieces, block.sparse())?;
            more = block.is_extended();
        }
        Self::new(pieces, header.real_size().map_err(|_| BadMap::Malformed)?)
    }

    /// The whole file, from what is stored of it.
    pub(super) fn over<R: Read>(self, stored: R) -> Whole<R> {
        Whole { map: self, stored, piece: 0, position: 0 }
    }
}

fn add(pieces: &mut Vec<(u64, u64)>, headers: &[GnuSparseHeader]) -> Result<(), BadMap> {
    for header in headers.iter().filter(|header| !header.is_empty()) {
        let number = |number: io::Result<u64>| number.map_err(|_| BadMap::Malformed);
        pieces.push((number(header.offset())?, number(header.length())?));
    }
    if pieces.len() > MAX_PIECES { Err(BadMap::Malformed) } else { Ok(()) }
}

/// Reads a map in front of the content: a number a line, first how many pieces, then offset and length of each, in whole
/// blocks.
fn pieces_in_content(content: &mut dyn Read) -> Result<Vec<(u64, u64)>, BadMap> {
    let (mut block, mut at) = ([0; BLOCK], BLOCK);
    let mut number = || {
        let mut value = None::<u64>;
        loop {
            if at == BLOCK {
                content.read_exact(&mut block).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => BadMap::Malformed,
                    _ => BadMap::Unreadable(error),
                })?;
                at = 0;
            }
            let byte = block[at];
            at += 1;
            match byte {
                b'0'..=b'9' => {
                    let grown = value.unwrap_or(0).checked_mul(10).and_then(|v| v.checked_add(u64::from(byte - b'0')));
                    value = Some(grown.ok_or(BadMap::Malformed)?);
                }
                b'\n' => return value.ok_or(BadMap::Malformed),
                _ => return Err(BadMap::Malformed),
            }
        }
    };
    let count = number()?;
    if count > MAX_PIECES as u64 {
        return Err(BadMap::Malformed);
    }
    (0..count).map(|_| Ok((number()?, number()?))).collect()
}

/// See [`Map::over`].
pub(super) struct Whole<R> {
    map: Map,
    stored: R,
    piece: usize,
    position: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((offset, length)) = self.map.pieces.get(self.piece) {
            if self.position < *offset {
                return Ok(self.hole(buffer, *offset));
            }
            let left = offset + length - self.position;
            if left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let count = self.stored.read(&mut buffer[..most])?;
                if count == 0 && most > 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.position += count as u64;
                return Ok(count);
            }
            self.piece += 1;
        }
        Ok(self.hole(buffer, self.map.size))
    }
}

impl<R> Whole<R> {
    /// Zeros up to `end`.
    fn hole(&mut self, buffer: &mut [u8], end: u64) -> usize {
        let count = usize::try_from(end - self.position).unwrap_or(usize::MAX).min(buffer.len());
        buffer[..count].fill(0);
        self.position += count as u64;
        count
    }
}
