//! What a step's result depends on, as a short name.

use dodge_data::hexadecimal;
use sha2::{Digest, Sha256};

/// Collects what a step's result depends on. Parts are length-prefixed, so that no two lists look alike.
#[derive(Debug, Clone)]
pub struct KeyBuilder(Sha256);

impl KeyBuilder {
    /// The key of a step with this name and version.
    pub(crate) fn new(step: &str, version: u32) -> Self {
        Self(Sha256::new()).with(step).with(version)
    }

    /// Adds a part: the key of the input, a parameter, the seed, the name of a juror.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers and borrowed names are handed over as they are")]
    pub fn with(mut self, part: impl ToString) -> Self {
        let part = part.to_string();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(&part);
        self
    }

    /// The key: 32 hexadecimal digits.
    pub(crate) fn build(self) -> String {
        hexadecimal(&self.0.finalize()[..16])
    }
}
