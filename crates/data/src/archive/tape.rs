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
use super::sparse::{self, BadMap, Map};
use super::stream::{Gzip, Zstandard};
use super::target::{Target, shown};
use super::{ArchiveKind, EntryProblem};
use crate::Error;

/// Longest block of extended attributes, names included, that is read.
const MAX_EXTENSION: u64 = 1 << 20;
/// Memory that xz may ask for: enough for its largest preset.
const XZ_MEMORY: u64 = 128 << 20;
/// Types of entries that the crate `tar` has no names for: extended attributes as Solaris writes them, a folder with a list of its
/// files and the label of a tape as GNU tar does.
const SOLARIS_EXTENSIONS: u8 = b'X';
const FOLDER_WITH_LIST: u8 = b'D';
const LABEL: u8 = b'V';
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
        ArchiveKind::TarGz => read(Gzip::new(file), target, budget),
        ArchiveKind::TarXz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED);
            let stream = stream.map_err(|error| budget.damaged(&format!("xz cannot be read: {error}")))?;
            read(XzDecoder::new_stream(file, stream), target, budget)
        }
        ArchiveKind::TarZst => read(Zstandard::new(file), target, budget),
        ArchiveKind::Tar | ArchiveKind::Zip => read(file, target, budget),
    }
}

/// What the extensions in front of an entry say of it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: sparse::Attributes,
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
            // Every tar ends with blocks of zeros. Programs that take one without them for whole cannot tell it from one that
            // was cut between two files.
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
    rest(&mut tape, target, budget)
}

/// Reads what follows the end of the archive, to the end of what is compressed, where its sums are. Like `tar`, it takes nothing of a
/// second archive there: a shorter archive that was written over a longer one leaves such a thing, too.
fn rest(tape: &mut dyn Read, target: &mut Target<'_>, budget: &mut Budget<'_>) -> Result<(), Error> {
    let mut block = [0; BLOCK];
    while fill(tape, &mut block).map_err(|error| budget.unreadable(&error))? == BLOCK {
        target.check()?;
        budget.bytes(BLOCK as u64)?;
        if block.iter().any(|byte| *byte != 0) {
            if is_header(&block) {
                tracing::warn!(
                    "{}: a second archive follows the first and is left out; unpack it by itself",
                    budget.name()
                );
            }
            break;
        }
    }
    target.pass_over(tape, budget).map(drop)
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
    let is_local = kind.is_pax_local_extensions() || kind.as_byte() == SOLARIS_EXTENSIONS;
    if is_local || kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_global_extensions() {
        let content = extension(tape, size, budget)?;
        skip_padding(tape, size, budget)?;
        if kind.is_gnu_longname() {
            let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
            extensions.name = Some(content[..end].to_vec());
        } else if is_local {
            local(&content, extensions, budget)?;
        }
        return Ok(());
    }
    let Extensions { name, size: extended, mut sparse } = std::mem::take(extensions);
    let name = sparse.name.take().or(name).unwrap_or_else(|| header.path_bytes().into_owned());
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
    let is_folder = kind == EntryType::Directory || [FOLDER_WITH_LIST, LABEL].contains(&kind.as_byte());
    let problem = match kind {
        // Before there was a type for it, a folder was a file whose name ends like one.
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => None,
        EntryType::Link | EntryType::Symlink => Some(EntryProblem::Link),
        _ => Some(EntryProblem::Special),
    };
    let map = match kind {
        EntryType::GNUSparse => Some(Map::of_header(header, tape).map_err(|error| bad_map(&name, error, budget))?),
        _ => None,
    };
    let mut content = tape.take(size);
    if is_folder || (size == 0 && name.ends_with(b"/")) {
        // Folders come with the files in them; a name that leads outside is recorded all the same.
        if let Err(problem) = super::name::parts(&name) {
            target.skip(&name, problem);
        }
    } else if let Some(place) = target.place(&name, problem)? {
        let map = match map {
            Some(map) => Some(map),
            None => sparse.map(&mut content).map_err(|error| bad_map(&name, error, budget))?,
        };
        match map {
            Some(map) if map.stored() != content.limit() => return Err(bad_map(&name, BadMap::Malformed, budget)),
            Some(map) => target.write(&name, &place, &mut map.over(&mut content), budget)?,
            None => target.write(&name, &place, &mut content, budget)?,
        }
    }
    target.pass_over(&mut content, budget)?;
    if content.limit() > 0 {
        return Err(budget.unreadable(&io::ErrorKind::UnexpectedEof.into()));
    }
    skip_padding(tape, size, budget)
}

fn bad_map(name: &[u8], error: BadMap, budget: &Budget<'_>) -> Error {
    match error {
        BadMap::Unreadable(error) => budget.unreadable(&error),
        BadMap::Malformed => {
            let name = shown(name);
            budget.damaged(&format!("it is damaged: where the holes of `{name}` are cannot be read"))
        }
    }
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
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.")
                    && !extensions.sparse.add(key, value)
                {
                    return Err(malformed());
                }
            }
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
