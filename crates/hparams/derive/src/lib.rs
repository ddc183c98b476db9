//! The derive macros `HParams` and `Choice` of `dodge-hparams`, which re-exports them.
//!
//! Depend on `dodge-hparams`, not on this crate: the generated code names its types.

mod attributes;
mod choice;
mod hparams;
mod literal;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `HParams` and `Default` for a struct of hyperparameters.
///
/// The struct takes `#[hparams(section = "...", check = "path::to::function")]`, each field a doc
/// comment and `#[hparam(default = ..., range = ..., unit = "...", scale = "log", max_len = ...)]`,
/// of which the doc comment and `default` are compulsory.
#[proc_macro_derive(HParams, attributes(hparams, hparam))]
pub fn derive_hparams(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    hparams::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Implements `Choice` for an enum whose variants carry a doc comment and no fields.
#[proc_macro_derive(Choice)]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
