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
            // The second is a part to skip, with which `pzstd` begins.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::TarZst),
            // The last two mark an archive that was meant to be cut into pieces.
            [b'P', b'K', 3, 4, ..]
            | [b'P', b'K', 5, 6, ..]
            | [b'P', b'K', 7, 8, ..]
            | [b'P', b'K', b'0', b'0', b'P', b'K', ..] => Some(Self::Zip),
            _ if is_header(&head) => Some(Self::Tar),
            _ if ends_like_zip(file)? => Some(Self::Zip),
            _ => None,
        })
    }
}

/// What the file is, if it is an archive of a kind that is not read.
pub(super) fn foreign(file: &mut File) -> io::Result<Option<&'static str>> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(8).read_to_end(&mut head)?;
    Ok(match head[..] {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("bzip2"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some("7z"),
        [b'R', b'a', b'r', b'!', ..] => Some("rar"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        [b'L', b'Z', b'I', b'P', ..] => Some("lzip"),
        [0x89, b'L', b'Z', b'O', ..] => Some("lzop"),
        [0x1f, 0x9d, ..] => Some("compress"),
        [0x5d, 0, 0, ..] => Some("lzma"),
        [b'0', b'7', b'0', b'7', b'0', b'1' | b'2' | b'7', ..] => Some("cpio"),
        _ => None,
    })
}

/// Whether the directory of a zip ends the file: something else, such as the program that unpacks it, may stand in front.
/// Leaves the file at its beginning.
fn ends_like_zip(file: &mut File) -> io::Result<bool> {
    /// Bytes of the end of the directory without its comment, whose length are the last two.
    const END: usize = 22;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END as u64 + u64::from(u16::MAX))))?;
    let mut tail = Vec::new();
    file.by_ref().read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(tail.windows(END).enumerate().any(|(at, end)| {
        let comment = usize::from(u16::from_le_bytes([end[END - 2], end[END - 1]]));
        end.starts_with(b"PK\x05\x06") && at + END + comment == tail.len()
    }))
}

/// Whether a block is a header of tar: its sum is right. A block of zeros ends an archive, so it may begin an empty one.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; BLOCK]>::try_from(block) else { return false };
    let sum_field = 148..156;
    let counted = |index: usize, byte: u8| if sum_field.contains(&index) { b' ' } else { byte };
    let sum: u32 = block.iter().enumerate().map(|(i, b)| u32::from(counted(i, *b))).sum();
    // Some old programs took bytes for signed numbers; others put a zero in front of the digits.
    let signed: i32 = block.iter().enumerate().map(|(i, b)| i32::from(counted(i, *b).cast_signed())).sum();
    let written = block[sum_field.clone()]
        .iter()
        .skip_while(|b| [b' ', 0].contains(b))
        .take_while(|b| (b'0'..=b'7').contains(*b));
    let (mut value, mut digits) = (0_u32, 0);
    for digit in written {
        value = value * 8 + u32::from(digit - b'0');
        digits += 1;
    }
    digits > 0 && (value == sum || i64::from(value) == i64::from(signed))
}
