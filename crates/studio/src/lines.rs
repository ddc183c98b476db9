//! Files that lines of JSON are appended to. A line that was acknowledged is on the disk; one that a killed process or a lost
//! power left half written is passed over, and what is appended begins on a line of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use dodge_imaging::{folder_of, synchronise_folder};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes that are read of such a file: tens of thousands of decisions.
const MOST_BYTES: u64 = 256 << 20;

/// A file that only grows.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: Option<File>,
}

impl Lines {
    /// Of this path; the file is made when the first line is appended.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// The lines that are there and whole, in their order.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> io::Result<Vec<T>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() > MOST_BYTES {
            let reason = format!("{} is larger than any that is read: move it away", self.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let mut lines = Vec::new();
        for line in BufReader::new(file.take(MOST_BYTES)).split(b'\n') {
            lines.extend(serde_json::from_slice(&line?).ok());
        }
        Ok(lines)
    }

    /// Appends a line, and returns when it is on the disk.
    pub(crate) fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.write(line)?.sync_data()
    }

    /// Appends a line that may be lost.
    pub(crate) fn note(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.write(line).map(drop)
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<&File> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        if self.file.is_none() {
            self.file = Some(opened(&self.path)?);
        }
        let file = self.file.as_mut().expect("it was opened above");
        // In one piece: another process that dies half-way leaves at most one line that is none.
        file.write_all(&bytes)?;
        Ok(file)
    }
}

fn opened(path: &Path) -> io::Result<File> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let is_new = !path.exists();
    let mut file = OpenOptions::new().append(true).read(true).create(true).open(path)?;
    if is_new {
        // The names of the file and of its folder are on the disk, too.
        synchronise_folder(folder)?;
        synchronise_folder(folder_of(folder))?;
    } else if !ends_with_a_line(path)? {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn ends_with_a_line(path: &Path) -> io::Result<bool> {
    use std::io::{Seek, SeekFrom};

    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_is_passed_over_and_nothing_else_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own/lines.jsonl");
        let mut lines = Lines::at(path.clone());
        assert!(lines.read::<u32>().unwrap().is_empty());
        lines.append(&1).unwrap();
        lines.append(&2).unwrap();
        // Killed in the middle of the third.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"[3, ").unwrap();
        let mut lines = Lines::at(path);
        assert_eq!(lines.read::<u32>().unwrap(), [1, 2]);
        lines.append(&4).unwrap();
        assert_eq!(lines.read::<u32>().unwrap(), [1, 2, 4]);
    }
}
