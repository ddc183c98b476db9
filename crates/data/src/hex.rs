//! Hashes of 32 bytes as types: written and read as 64 hexadecimal digits.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::Error;

/// Gives a tuple struct of 32 bytes its text form, and reads it.
macro_rules! text_of_hash {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::hex::hexadecimal(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;

            fn from_str(text: &str) -> Result<Self, $crate::Error> {
                $crate::hex::parse(text).map(Self)
            }
        }
    };
}

pub(crate) use text_of_hash;

/// SHA-256 of one file: what `sha256sum` prints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileHash(pub(crate) [u8; 32]);

text_of_hash!(FileHash);

impl FileHash {
    /// The hash of a file that holds these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Two lower-case digits for each byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that 64 hexadecimal digits mean.
pub(crate) fn parse(text: &str) -> Result<[u8; 32], Error> {
    let invalid = || Error::InvalidHash { text: text.to_owned() };
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| invalid())?;
    }
    Ok(bytes)
}
