//! The hashes of a folder: that of the predecessor, byte for byte, and ours beside it.

use std::fs;
use std::path::{Path, PathBuf};

use dodge_data::{ContentHash, Error, FolderDigest, Unwatched, Watcher};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn digest(root: &Path) -> FolderDigest {
    FolderDigest::of_folder(root, &Unwatched).unwrap()
}

/// As the predecessor computes it, in the words of its definition.
fn defined(root: &Path) -> String {
    fn walk(root: &Path, folder: &Path, hasher: &mut Sha256) {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_by(|a, b| a.chars().cmp(b.chars()));
        for name in names.iter().filter(|name| folder.join(name).is_file() && !name.starts_with('.')) {
            let path = folder.join(name);
            let parts: Vec<_> = path.strip_prefix(root).unwrap().iter().map(|p| p.to_str().unwrap()).collect();
            hasher.update(parts.join("/"));
            hasher.update([0]);
            hasher.update(fs::read(&path).unwrap());
            hasher.update([0]);
        }
        for name in names.iter().filter(|name| folder.join(name).is_dir()) {
            walk(root, &folder.join(name), hasher);
        }
    }
    let mut hasher = Sha256::new();
    walk(root, root, &mut hasher);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
#[test]
fn the_hash_of_the_predecessor_is_met() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let files: [(&str, &[u8]); 10] = [
        ("b.jpg", b"bee"),
        ("a/z.jpg", b"zed"),
        ("a/b/c.png", b""),
        ("a-b/d.jpg", b"d\0d"),
        (".hidden", b"x"),
        (".dir/seen.jpg", b"seen"),
        ("Z.jpg", b"z"),
        ("größe/写真.jpg", b"p"),
        ("\u{10000}.jpg", b"astral"),
        ("\u{ffee}.jpg", b"bmp"),
    ];
    for (name, content) in files {
        put(root, name, content);
    }
    symlink(root.join("b.jpg"), root.join("link.jpg")).unwrap();
    symlink(root.join("a"), root.join("linked")).unwrap();
    let digest = digest(root);
    // Computed by a program in Python, with os.walk and hashlib, from the definition.
    assert_eq!(digest.directory_hash.to_string(), "a346c5cebed194dbd7e1a9fa7058bcdd90a2ebe2390d855f62d00b3723a33b2b");
    assert_eq!((digest.files, digest.bytes), (9, 24));
}

#[test]
fn an_empty_folder_has_the_hash_of_nothing() {
    let folder = TempDir::new().unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest(folder.path()).directory_hash.to_string(), empty);
    assert!(matches!(FolderDigest::of_folder(&folder.path().join("none"), &Unwatched), Err(Error::Read { .. })));
}

#[test]
fn the_flaw_of_the_one_is_not_in_the_other() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    put(one.path(), "a", b"x\0b\0y");
    put(two.path(), "a", b"x");
    put(two.path(), "b", b"y");
    let (one, two) = (digest(one.path()), digest(two.path()));
    assert_eq!(one.directory_hash, two.directory_hash);
    assert_ne!(one.content_hash, two.content_hash);
}

/// Many small files, and files that do not fit into a batch: the same as without batches.
#[test]
fn batches_do_not_show() {
    let folder = TempDir::new().unwrap();
    for i in 0..3000 {
        put(folder.path(), &format!("{}/{i}.jpg", i % 7), &crate::server::noise(i % 97));
    }
    let large = crate::server::noise((16 << 20) + 7);
    put(folder.path(), "3/large-1.bin", &large);
    put(folder.path(), "3/large-2.bin", &large[1..]);
    put(folder.path(), "4/medium.bin", &large[..15 << 20]);
    let digest = digest(folder.path());
    assert_eq!(digest.directory_hash.to_string(), defined(folder.path()));
    assert_eq!(digest.files, 3003);
    let paths: Vec<PathBuf> = (0..3000)
        .map(|i| format!("{}/{i}.jpg", i % 7).into())
        .chain(["3/large-1.bin", "3/large-2.bin", "4/medium.bin"].map(PathBuf::from))
        .collect();
    assert_eq!(digest.content_hash, ContentHash::of_files(folder.path(), &paths).unwrap());
}

#[test]
fn it_can_be_stopped() {
    struct Stop;
    impl Watcher for Stop {
        fn cancelled(&self) -> bool {
            true
        }
    }
    let folder = TempDir::new().unwrap();
    put(folder.path(), "a", b"x");
    assert!(matches!(FolderDigest::of_folder(folder.path(), &Stop), Err(Error::Cancelled)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_hashes_are_as_defined(files in prop::collection::btree_map(
        "[aA.é]{1,2}(/[b.-]{3})?(/[cC])?\\.x", prop::collection::vec(any::<u8>(), 0..9), 0..8)
    ) {
        let folder = TempDir::new().unwrap();
        let mut paths = Vec::new();
        for (name, bytes) in &files {
            let path = folder.path().join(name);
            let parts_are_names = name.split('/').all(|part| !part.chars().all(|c| c == '.'));
            if parts_are_names && fs::create_dir_all(path.parent().unwrap()).is_ok() && fs::write(&path, bytes).is_ok()
                && !name.rsplit('/').next().unwrap().starts_with('.')
            {
                paths.push(PathBuf::from(name));
            }
        }
        let digest = digest(folder.path());
        prop_assert_eq!(digest.directory_hash.to_string(), defined(folder.path()));
        prop_assert_eq!(digest.content_hash, ContentHash::of_files(folder.path(), &paths).unwrap());
    }
}
