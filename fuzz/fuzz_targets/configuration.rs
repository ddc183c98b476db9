//! Any text as what people write or hand on: a configuration (or values for single hyperparameters), a list of datasets,
//! an annotation file. The first byte chooses.

#![no_main]

use std::path::Path;

use dodge_data::DataParams;
use dodge_hparams::{Choice, HParams, Registry};
use dodge_imaging::Operation;
use dodge_preprocess::{CocoDocument, DegradeParams, ResizeParams};
use libfuzzer_sys::fuzz_target;

/// A choice with a value inside.
#[derive(Debug, Clone, Copy, PartialEq, Choice)]
pub enum Course {
    /// It keeps its value.
    Constant,
    /// It falls.
    Linear {
        /// What is left.
        #[hparam(default = 0.0, range = 0.0..=1.0)]
        end: f64,
    },
}

/// One hyperparameter of each kind.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "kinds")]
pub struct Kinds {
    /// A number.
    #[hparam(default = 0.5, range = 0.0..=1.0)]
    pub number: f64,
    /// A list.
    #[hparam(default = [4, 2], range = 1..=8192, max_len = 8)]
    pub list: Vec<usize>,
    /// What may be missing.
    #[hparam(default = none, range = 0.0..=10.0)]
    pub missing: Option<f64>,
    /// A switch.
    #[hparam(default = true)]
    pub switch: bool,
    /// A choice.
    #[hparam(default = Course::Linear { end: 0.0 })]
    pub course: Course,
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    let registered = registry
        .register::<Kinds>()
        .and_then(|()| registry.register::<DataParams>())
        .and_then(|()| registry.register::<ResizeParams>())
        .and_then(|()| registry.register::<DegradeParams>());
    registered.expect("the declarations are valid");
    registry
}

fn configuration(text: &str) {
    let mut all = registry();
    let whole = all.apply_toml(text, "fuzz").is_ok();
    for line in text.lines().take(8) {
        let _ = all.apply_set(line);
        let _ = all.apply_environment("DODGE_", [("DODGE_KINDS__COURSE", line), ("DODGE_KINDS__LIST", line)]);
    }
    if whole && all.validate().is_ok() {
        let mut again = registry();
        again.apply_toml(&all.to_toml(), "again").expect("what was written is read");
        assert_eq!(again.flatten(), all.flatten());
    }
}

fn datasets(text: &str) {
    if let Ok(registry) = dodge_data::Registry::with_text(text, "list", Path::new("")) {
        for entry in registry.entries() {
            assert!(!entry.id.contains(['/', '\\']) && !entry.images.is_absolute());
        }
    }
}

fn annotations(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("annotations.json");
    std::fs::write(&path, bytes).expect("the file can be written");
    let Ok(document) = CocoDocument::load(&path) else { return };
    for edits in document.transformations() {
        for edit in edits {
            let _ = edit.parse::<Operation>();
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match (kind % 3, str::from_utf8(bytes)) {
        (2, _) => annotations(bytes),
        (0, Ok(text)) => configuration(text),
        (1, Ok(text)) => datasets(text),
        _ => {}
    }
});
