//! Any bytes as an archive: whatever they are, nothing appears outside the target and nothing but files and folders inside.
//!
//! Behind a `t` stands a tar whose headers get right sums, or hardly one would pass the first; behind any other byte the
//! archive as it is.

#![no_main]

use std::fs;

use dodge_data::{ExtractionLimits, Selection, Unwatched, extract};
use libfuzzer_sys::fuzz_target;

fn with_sums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(512).filter(|block| block.iter().any(|byte| *byte != 0)) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let bytes = if *kind == b't' { with_sums(bytes) } else { bytes.to_vec() };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (archive, target) = (folder.path().join("archive"), folder.path().join("target"));
    fs::write(&archive, bytes).expect("the archive can be written");
    fs::create_dir(&target).expect("the target can be made");
    let mut limits = ExtractionLimits::standard();
    (limits.bytes, limits.entries, limits.keep_free) = (4 << 20, 1000, 0);
    let extracted = extract(&archive, &target, &Selection::default(), &limits, &Unwatched);
    assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 2);
    let (mut folders, mut files) = (vec![target], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
            let kind = entry.file_type().expect("its type is known");
            assert!(kind.is_file() || kind.is_dir());
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
            }
        }
    }
    if let Ok(extracted) = extracted {
        // An entry whose name came before replaces the earlier one.
        assert!((1..=extracted.files).contains(&files), "{files} files: {extracted:?}");
    }
});
