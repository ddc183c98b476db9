//! The numbers of a safetensors file, tensor by tensor: at no time is more than one of them in memory twice, and the file is
//! read once, for its numbers and its hash.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::files::{self, digits, unreadable, unusable};

/// Longest header that is read; that of a whole SigLIP has about a hundred kilobytes.
const MOST_HEADER: u64 = 16 << 20;

/// Bytes that are read at a time of what is only hashed.
const BLOCK: usize = 1 << 20;

/// Hands the tensors of the file to `take`, in the order of the file, and tells the SHA-256 of the file.
///
/// `expected` are the tensors that it has to hold, with their shapes, of 16-bit or 32-bit floats. Those of which `is_foreign`
/// is true are left out; any other is an error, because a model with more than is looked at is another model.
pub(super) fn read(
    path: &Path,
    expected: &BTreeMap<String, Vec<usize>>,
    is_foreign: impl Fn(&str) -> bool,
    mut take: impl FnMut(String, Vec<f32>),
) -> Result<String, Error> {
    let mut checkpoint = Checkpoint::open(path)?;
    checkpoint.check(expected, is_foreign).map_err(|reason| unusable(path, reason))?;
    for name in checkpoint.metadata.offset_keys() {
        let Some(info) = checkpoint.metadata.info(&name) else { continue };
        let (dtype, length) = (info.dtype, info.data_offsets.1 - info.data_offsets.0);
        if expected.contains_key(&name) {
            let numbers = checkpoint.numbers(dtype, length).map_err(|error| unreadable(path, &error))?;
            take(name, numbers);
        } else {
            checkpoint.pass_over(length).map_err(|error| unreadable(path, &error))?;
        }
    }
    Ok(digits(checkpoint.hash))
}

/// Names and shapes of all tensors of the file.
pub(super) fn shapes(path: &Path) -> Result<BTreeMap<String, Vec<usize>>, Error> {
    let metadata = Checkpoint::open(path)?.metadata;
    Ok(metadata.tensors().into_iter().map(|(name, info)| (name, info.shape.clone())).collect())
}

/// A file of which the header was read.
struct Checkpoint {
    metadata: Metadata,
    file: BufReader<File>,
    hash: Sha256,
}

impl Checkpoint {
    fn open(path: &Path) -> Result<Self, Error> {
        let (file, length) = files::open(path)?;
        let refused = |reason: String| Err(unusable(path, format!("it is no safetensors file, or cut off: {reason}")));
        let mut file = BufReader::new(file);
        let mut header_length = [0; 8];
        if length < header_length.len() as u64 {
            return refused(format!("it has {length} bytes"));
        }
        file.read_exact(&mut header_length).map_err(|error| unreadable(path, &error))?;
        let mut hash = Sha256::new_with_prefix(header_length);
        let header_length = u64::from_le_bytes(header_length);
        let longest = MOST_HEADER.min(length - 8);
        if header_length > longest {
            return refused(format!("its header would have {header_length} bytes, and can have {longest}"));
        }
        let mut header = vec![0; header_length as usize];
        file.read_exact(&mut header).map_err(|error| unreadable(path, &error))?;
        hash.update(&header);
        let metadata = match serde_json::from_slice(&header) {
            Ok(metadata) => metadata,
            Err(error) => return refused(error.to_string()),
        };
        let metadata = match validated(&metadata) {
            Ok(metadata) => metadata,
            Err(error) => return refused(error.to_string()),
        };
        let (expected, got) = (metadata.data_len() as u64, length - 8 - header_length);
        if expected != got {
            return refused(format!("{got} bytes follow its header, which tells of {expected}"));
        }
        Ok(Self { metadata, file, hash })
    }

    fn check(&self, expected: &BTreeMap<String, Vec<usize>>, is_foreign: impl Fn(&str) -> bool) -> Result<(), String> {
        let missing: Vec<&String> = expected.keys().filter(|name| self.metadata.info(name).is_none()).collect();
        if let Some(first) = missing.first() {
            return Err(format!(
                "{} of {} tensors are missing, the first of them `{first}`",
                missing.len(),
                expected.len()
            ));
        }
        for (name, shape) in expected {
            let Some(info) = self.metadata.info(name) else { continue };
            if info.shape != *shape {
                return Err(format!("`{name}` has the shape {:?}, and {shape:?} is needed", info.shape));
            }
            if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                return Err(format!("`{name}` is of the type {:?}, and F32, F16 or BF16 is needed", info.dtype));
            }
        }
        let mut names = self.metadata.offset_keys().into_iter();
        match names.find(|name| !expected.contains_key(name) && !is_foreign(name)) {
            Some(name) => Err(format!("`{name}` is no part of the model that its configuration describes")),
            None => Ok(()),
        }
    }

    /// The next tensor.
    fn numbers(&mut self, dtype: Dtype, length: usize) -> io::Result<Vec<f32>> {
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes)?;
        self.hash.update(&bytes);
        Ok(match dtype {
            Dtype::BF16 => bytes.as_chunks().0.iter().map(|&number| bf16::from_le_bytes(number).to_f32()).collect(),
            Dtype::F16 => bytes.as_chunks().0.iter().map(|&number| f16::from_le_bytes(number).to_f32()).collect(),
            _ => bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect(),
        })
    }

    /// Only hashes the next tensor.
    fn pass_over(&mut self, length: usize) -> io::Result<()> {
        let mut left = length;
        let mut block = vec![0; BLOCK.min(length)];
        while left > 0 {
            let part = &mut block[..BLOCK.min(left)];
            self.file.read_exact(part)?;
            self.hash.update(&*part);
            left -= part.len();
        }
        Ok(())
    }
}

/// The same, if the tensors lie one after another and are as long as their shapes say: reading a header does not check it.
fn validated(metadata: &Metadata) -> Result<Metadata, safetensors::SafeTensorError> {
    let named = |name: String| {
        let TensorInfo { dtype, shape, data_offsets } = metadata.info(&name)?;
        Some((name, TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets: *data_offsets }))
    };
    Metadata::new(None, metadata.offset_keys().into_iter().filter_map(named).collect())
}
