//! Lists of datasets.
#![no_main]

use std::path::Path;

use dodge_data::Registry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(registry) = Registry::with_text(text, "list", Path::new("")) {
        for entry in registry.entries() {
            assert!(!entry.id.contains(['/', '\\']) && !entry.images.is_absolute());
        }
    }
});
