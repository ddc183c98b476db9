//! Enums that are no choice.

use dodge_hparams::Choice;

/// Data without names.
#[derive(Debug, Choice)]
enum Unnamed {
    /// A tuple.
    Tuple(u32),
}

/// Data without a default.
#[derive(Debug, Choice)]
enum Undefined {
    /// A datum.
    Datum {
        /// What is left.
        end: f64,
    },
}

/// A name that is taken.
#[derive(Debug, Choice)]
enum Taken {
    /// A datum.
    Datum {
        /// The name of the choice?
        #[hparam(default = 1)]
        kind: u32,
    },
}

/// Two of one name.
#[derive(Debug, Choice)]
#[allow(non_camel_case_types)]
enum Twice {
    /// One.
    OneTwo,
    /// The other.
    One_Two,
}

#[derive(Debug, Choice)]
enum Undocumented {
    Variant,
}

/// No variant.
#[derive(Debug, Choice)]
enum Empty {}

fn main() {}
