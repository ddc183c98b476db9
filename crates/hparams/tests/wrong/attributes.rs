//! Attributes that do not exist, are given twice, or have the wrong form.

use dodge_hparams::HParams;

/// A section.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "section")]
struct Section {
    /// An attribute that does not exist.
    #[hparam(default = 1, step = 2)]
    unknown: u32,
    /// Two defaults.
    #[hparam(default = 1, default = 2)]
    twice: u32,
    /// One end of a range.
    #[hparam(default = 1, range = 2)]
    range: u32,
    /// A scale of its own.
    #[hparam(default = 1, range = 1..=2, scale = "square")]
    scale: u32,
    /// No default.
    none: u32,
    /// No value of its own.
    #[hparam(deprecated = "scale")]
    deprecated: u32,
    /// Deprecated, and yet a value.
    #[hparam(deprecated = "scale", default = 1)]
    both: (),
    /// A condition of nothing.
    #[hparam(default = 1, search_when = "scale = 1")]
    condition: u32,
    #[hparam(default = 1)]
    undocumented: u32,
}

fn main() {}
