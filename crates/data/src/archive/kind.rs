//! What kind of archive a file is. Only the content counts, never the name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// tar.
    Tar,
    /// tar in gzip.
    TarGz,
    /// tar in xz.
    TarXz,
    /// tar in Zstandard.
    TarZst,
    /// zip.
    Zip,
}

/// Bytes of a block of tar.
pub(super) const BLOCK: usize = 512;

impl ArchiveKind {
    /// The kind of a file; leaves it at its beginning. Whether there is a tar inside what is compressed shows when it is
    /// read.
    pub(super) fn of(file: &mut File) -> io::Result<Option<Self>> {
        let mut head = Vec::with_capacity(BLOCK);
        file.by_ref().take(BLOCK as u64).read_to_end(&mut head)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(match head[..] {
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::TarXz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::TarZst),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Some(Self::Zip),
            _ if is_header(&head) => Some(Self::Tar),
            _ => None,
        })
    }
}

/// Whether a block is a header of tar: its sum is right. A block of zeros ends an archive, so it may begin an empty one.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; BLOCK]>::try_from(block) else { return false };
    let sum_field = 148..156;
    let sum: u32 =
        block.iter().enumerate().map(|(i, b)| u32::from(if sum_field.contains(&i) { b' ' } else { *b })).sum();
    let written = block[sum_field].iter().skip_while(|b| **b == b' ').take_while(|b| (b'0'..=b'7').contains(*b));
    let (mut value, mut digits) = (0_u32, 0);
    for digit in written {
        value = value * 8 + u32::from(digit - b'0');
        digits += 1;
    }
    digits > 0 && value == sum
}
