//! What `--pairs` names: two folders.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::failure::usage;

/// The folders before and after of `--pairs`, where it is given; refused beside another source of photos.
pub(crate) fn folders<'a>(
    pairs: Option<&'a Vec<PathBuf>>,
    others: &[(&str, bool)],
) -> Result<Option<(&'a Path, &'a Path)>> {
    let Some([before, after]) = pairs.map(Vec::as_slice) else { return Ok(None) };
    match others.iter().find(|(_, is_given)| *is_given) {
        None => Ok(Some((before, after))),
        Some((other, _)) => Err(usage(format!(
            "--pairs and {other} do not go together: other photos are damaged, and what damage should teach beside somebody's \
             own edits is not defined; use one of them"
        ))),
    }
}
