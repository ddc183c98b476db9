//! tar, plain or compressed, read from beginning to end.
//!
//! The headers are read by the crate `tar`; its own iterator is not used, because it keeps names of any length in memory
//! and takes an archive that is cut between two files for whole.

use std::fs::File;
use std::io::{self, BufReader, Read};

use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use tar::{EntryType, Header};

use super::budget::Budget;
use super::kind::{BLOCK, is_header};
use super::target::Target;
use super::{ArchiveKind, EntryProblem};
use crate::Error;

/// Longest block of extended attributes, names included, that is read.
const MAX_EXTENSION: u64 = 64 << 10;
/// Memory that xz may ask for: enough for its largest preset.
const XZ_MEMORY: u64 = 128 << 20;
/// Bytes of the archive that are read at a time.
const BUFFER: usize = 256 << 10;

/// Takes the files out.
pub(super) fn extract(
    file: File,
    kind: ArchiveKind,
    target: &mut Target<'_>,
    budget: &mut Budget<'_>,
) -> Result<(), Error> {
    let file = BufReader::with_capacity(BUFFER, budget.counting(file));
    match kind {
        ArchiveKind::TarGz => read(flate2::bufread::MultiGzDecoder::new(file), target, budget),
        ArchiveKind::TarXz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED);
            let stream = stream.map_err(|error| budget.damaged(&format!("xz cannot be read: {error}")))?;
            read(XzDecoder::new_stream(file, stream), target, budget)
        }
        ArchiveKind::TarZst => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(file);
            let decoder = decoder.map_err(|error| budget.damaged(&format!("it is damaged: {error}")))?;
            read(decoder, target, budget)
        }
        ArchiveKind::Tar | ArchiveKind::Zip => read(file, target, budget),
    }
}

/// What the extensions in front of an entry say of it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

fn read<R: Read>(mut tape: R, target: &mut Target<'_>, budget: &mut Budget<'_>) -> Result<(), Error> {
    let mut extensions = Extensions::default();
    let mut first = true;
    loop {
        let mut block = [0; BLOCK];
        let count = fill(&mut tape, &mut block).map_err(|error| budget.unreadable(&error))?;
        budget.bytes(count as u64)?;
        match count {
            BLOCK => {}
            0 if first => return Err(budget.damaged("there is nothing in it")),
            // Every tar ends with blocks of zeros.
            _ if first => return Err(budget.damaged("there is no tar in it")),
            _ => return Err(budget.unreadable(&io::ErrorKind::UnexpectedEof.into())),
        }
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        if !is_header(&block) {
            let reason = if first { "there is no tar in it" } else { "it is damaged: the sum of a header is wrong" };
            return Err(budget.damaged(reason));
        }
        first = false;
        budget.entry()?;
        entry(&mut tape, Header::from_byte_slice(&block), &mut extensions, target, budget)?;
    }
    // To the end of what is compressed, where its sums are.
    target.pass_over(&mut tape, budget).map(drop)
}

fn entry(
    tape: &mut dyn Read,
    header: &Header,
    extensions: &mut Extensions,
    target: &mut Target<'_>,
    budget: &mut Budget<'_>,
) -> Result<(), Error> {
    let kind = header.entry_type();
    let size = header.entry_size().map_err(|_| budget.damaged("it is damaged: the size of an entry is no number"))?;
    if kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
    {
        let content = extension(tape, size, budget)?;
        skip_padding(tape, size, budget)?;
        if kind.is_gnu_longname() {
            let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
            extensions.name = Some(content[..end].to_vec());
        } else if kind.is_pax_local_extensions() {
            local(&content, extensions, budget)?;
        }
        return Ok(());
    }
    let Extensions { name, size: extended } = std::mem::take(extensions);
    let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
    // Some archivers give links and devices a size; there is no content all the same.
    let has_content = !matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    );
    let size = if has_content { extended.unwrap_or(size) } else { 0 };
    let problem = match kind {
        EntryType::Directory => None,
        // Before there was a type for it, a folder was a file whose name ends like one.
        EntryType::Regular | EntryType::Continuous => None,
        EntryType::Link | EntryType::Symlink => Some(EntryProblem::Link),
        EntryType::GNUSparse => Some(EntryProblem::Unsupported),
        _ => Some(EntryProblem::Special),
    };
    if kind == EntryType::GNUSparse && is_extended_sparse(header) {
        return Err(budget.damaged("it holds a file with many holes, which is not supported"));
    }
    let mut content = tape.take(size);
    if kind == EntryType::Directory || (size == 0 && name.ends_with(b"/")) {
        // Folders come with the files in them; a name that leads outside is recorded all the same.
        if let Err(problem) = super::name::parts(&name) {
            target.skip(&name, problem);
        }
    } else if let Some(place) = target.place(&name, problem)? {
        target.write(&name, &place, &mut content, budget)?;
    }
    target.pass_over(&mut content, budget)?;
    if content.limit() > 0 {
        return Err(budget.unreadable(&io::ErrorKind::UnexpectedEof.into()));
    }
    skip_padding(tape, size, budget)
}

fn is_extended_sparse(header: &Header) -> bool {
    header.as_gnu().is_some_and(tar::GnuHeader::is_extended)
}

/// The content of an extension, which is short.
fn extension(tape: &mut dyn Read, size: u64, budget: &mut Budget<'_>) -> Result<Vec<u8>, Error> {
    if size > MAX_EXTENSION {
        return Err(budget.damaged(&format!("a name or its attributes are longer than {MAX_EXTENSION} bytes")));
    }
    let mut content = vec![0; size as usize];
    tape.read_exact(&mut content).map_err(|error| budget.unreadable(&error))?;
    budget.bytes(size)?;
    Ok(content)
}

/// Reads extended attributes: each is its length in digits, a space, `key=value` and the end of a line. The length
/// counts, as a value may hold ends of lines itself.
fn local(mut rest: &[u8], extensions: &mut Extensions, budget: &Budget<'_>) -> Result<(), Error> {
    let malformed = || budget.damaged("it is damaged: the attributes of an entry cannot be read");
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(malformed)?;
        let length: usize = number(&rest[..space]).ok_or_else(malformed)?;
        let line = rest.get(space + 1..length).and_then(|line| line.strip_suffix(b"\n")).ok_or_else(malformed)?;
        let equals = line.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
        let (key, value) = (&line[..equals], &line[equals + 1..]);
        match key {
            b"path" => extensions.name = Some(value.to_vec()),
            b"size" => extensions.size = Some(number(value).ok_or_else(malformed)?),
            _ => {}
        }
        rest = &rest[length..];
    }
    Ok(())
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Entries fill whole blocks.
fn skip_padding(tape: &mut dyn Read, size: u64, budget: &mut Budget<'_>) -> Result<(), Error> {
    let padding = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
    let mut block = [0; BLOCK];
    tape.read_exact(&mut block[..padding]).map_err(|error| budget.unreadable(&error))?;
    budget.bytes(padding as u64)
}

/// Reads until the block is full or there is no more.
fn fill(tape: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match tape.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
