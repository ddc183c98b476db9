//! Structs that are no section.

use dodge_hparams::HParams;

/// No section.
#[derive(Debug, Clone, HParams)]
struct Nameless {}

/// A name that no configuration could have.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "a.b")]
struct Dotted {}

/// A section, and no section.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "both", nested)]
struct Both {}

#[derive(Debug, Clone, HParams)]
#[hparams(section = "undocumented")]
struct Undocumented {}

/// No names.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "tuple")]
struct Tuple(u32);

/// No struct.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "enum")]
enum Enum {}

fn main() {}
