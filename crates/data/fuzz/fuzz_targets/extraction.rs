//! What the targets of archives share: whatever the bytes are, nothing appears outside the target and nothing but files and
//! folders inside.

use std::fs;

use dodge_data::{ExtractionLimits, Selection, Unwatched, extract};

/// Takes the bytes for an archive.
pub fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (archive, target) = (folder.path().join("archive"), folder.path().join("target"));
    fs::write(&archive, bytes).expect("the archive can be written");
    fs::create_dir(&target).expect("the target can be made");
    let mut limits = ExtractionLimits::standard();
    (limits.bytes, limits.entries, limits.keep_free) = (16 << 20, 1000, 0);
    let _ = extract(&archive, &target, &Selection::default(), &limits, &Unwatched);
    assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 2);
    let mut folders = vec![target];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
            let kind = entry.file_type().expect("its type is known");
            assert!(kind.is_file() || kind.is_dir());
            if kind.is_dir() {
                folders.push(entry.path());
            }
        }
    }
}
