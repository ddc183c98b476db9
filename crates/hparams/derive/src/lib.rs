//! The derive macros `HParams` and `Choice` of `dodge-hparams`, which re-exports them.
//!
//! Depend on `dodge-hparams`, not on this crate: the generated code names its types.

mod attributes;
mod choice;
mod field;
mod hparams;
mod literal;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `HParams` and `Default` for a struct of hyperparameters.
///
/// The struct takes `#[hparams(section = "...", check = "path::to::function")]`, or `nested` instead of the section where
/// it is part of another struct. Each field takes a doc comment and
/// `#[hparam(default = ..., range = ..., unit = "...", scale = "log", max_len = ..., search = ..., secret)]`, of which the
/// doc comment and `default` are compulsory; or `#[hparam(nested)]` alone; or, of type `()`,
/// `#[hparam(deprecated = "new_name")]` alone.
#[proc_macro_derive(HParams, attributes(hparams, hparam))]
pub fn derive_hparams(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    hparams::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Implements `Choice` for an enum whose variants carry a doc comment and, at most, named fields, each declared like a field
/// of a struct of hyperparameters.
#[proc_macro_derive(Choice, attributes(hparam))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
