//! What the derive macros refuse, with the messages of the compiler, underlined at the mistake.
//!
//! Each file of `tests/wrong` holds mistakes that the macros themselves explain: those messages are the same with every
//! compiler. Types that no hyperparameter has are for the compiler to refuse; the documentation of `Parameter` shows them.
//! `TRYBUILD=overwrite cargo test -p dodge-hparams --test wrong` writes the messages anew.

#[test]
fn wrong_declarations_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/wrong/*.rs");
}
