//! Paths inside of a dataset as bytes that are the same on every system.

use std::path::Path;

/// The relative path as bytes, with `/` between folders on every system. Bytes, because two names that are not valid
/// Unicode may look the same as text.
pub(crate) fn relative_name(path: &Path) -> Vec<u8> {
    let mut name = Vec::new();
    for (index, part) in path.components().enumerate() {
        if index > 0 {
            name.push(b'/');
        }
        name.extend_from_slice(part.as_os_str().as_encoded_bytes());
    }
    name
}
