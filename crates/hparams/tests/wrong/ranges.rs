//! Ranges and defaults that contradict each other.

use dodge_hparams::HParams;

/// A section.
#[derive(Debug, Clone, HParams)]
#[hparams(section = "section")]
struct Section {
    /// A default outside of its range.
    #[hparam(default = 2, range = 0..=1)]
    outside: u32,
    /// The end that is excluded.
    #[hparam(default = 1.0, range = 0.0..1.0)]
    excluded: f64,
    /// One of several.
    #[hparam(default = [1, 9], range = 1..=8)]
    list: Vec<u32>,
    /// A range of what is no number.
    #[hparam(default = true, range = 0..=1)]
    flag: bool,
    /// A list that is none.
    #[hparam(default = 1)]
    no_list: Vec<u32>,
}

fn main() {}
