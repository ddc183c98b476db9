//! Lists of operations that can be stored and replayed.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::codec::write_whole;
use crate::kernels::{Tables, apply_tables, composed};
use crate::{Error, Operation, Photo};

/// Version of the recipe file format that is written, and the only one that is read.
pub const RECIPE_FORMAT: u32 = 1;

/// Most bytes of a recipe file that are read.
const MAX_RECIPE_BYTES: u64 = 1 << 20;

/// Most operations that a recipe file may hold.
const MAX_OPERATIONS: usize = 1000;

/// The operations applied to a photo, first to last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recipe {
    operations: Vec<Operation>,
}

#[derive(Serialize, Deserialize)]
struct RecipeFile {
    dodge_recipe_format: u32,
    operations: Vec<Operation>,
}

impl Recipe {
    /// A recipe of the given operations.
    #[must_use]
    pub fn new(operations: Vec<Operation>) -> Self {
        Self { operations }
    }

    /// The operations, first to last.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The photo after all operations, at its own resolution.
    ///
    /// Neighbouring operations of the cost [`Cost::Lookup`](crate::Cost::Lookup) share one pass; the result is the same as one
    /// after the other.
    #[must_use]
    pub fn apply(&self, photo: &Photo) -> Photo {
        let mut result = photo.clone();
        let mut waiting: Option<Tables> = None;
        for operation in &self.operations {
            if let Some(tables) = operation.tables() {
                waiting = Some(waiting.map_or(tables, |before| composed(&before, &tables)));
                continue;
            }
            if let Some(tables) = waiting.take() {
                apply_tables(&mut result, &tables);
            }
            operation.apply_in_place(&mut result);
        }
        if let Some(tables) = waiting {
            apply_tables(&mut result, &tables);
        }
        result
    }

    /// Writes the recipe as JSON, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let file = RecipeFile { dodge_recipe_format: RECIPE_FORMAT, operations: self.operations.clone() };
        let mut text = serde_json::to_string_pretty(&file).expect("strings and numbers are always JSON");
        text.push('\n');
        write_whole(path, text.as_bytes())
    }

    /// Reads a recipe written by [`Recipe::save`].
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Recipe`] for a file that is no recipe, has another format version, is larger than
    /// 1 MiB or lists more than 1000 operations.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let invalid = |reason: String| Error::Recipe { path: path.to_owned(), reason };
        let mut text = Vec::new();
        fs::File::open(path)
            .map_err(read_error)?
            .take(MAX_RECIPE_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(read_error)?;
        if text.len() as u64 > MAX_RECIPE_BYTES {
            return Err(invalid("larger than 1 MiB, so not a recipe".into()));
        }
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|e| invalid(format!("not JSON: {e}")))?;
        match value.get("dodge_recipe_format").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(RECIPE_FORMAT) => {}
            Some(version) => {
                return Err(invalid(format!(
                    "has format version {version}, this program reads version {RECIPE_FORMAT}"
                )));
            }
            None => return Err(invalid("has no `dodge_recipe_format`, so it is not a recipe".into())),
        }
        let file: RecipeFile = serde_json::from_value(value).map_err(|e| invalid(e.to_string()))?;
        if file.operations.len() > MAX_OPERATIONS {
            return Err(invalid(format!("lists {} operations, more than {MAX_OPERATIONS}", file.operations.len())));
        }
        Ok(Self { operations: file.operations })
    }
}
