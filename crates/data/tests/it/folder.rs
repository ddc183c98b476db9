//! Loading photos from folders: what is found, what is skipped and why, what is refused.

use std::fs;
use std::path::Path;

use dodge_data::{DataLoader, Dataset, Error, FolderLoader};
use dodge_imaging::{Encoding, Photo};
use tempfile::TempDir;

fn picture(shade: u8) -> Photo {
    Photo::from_fn(48, 32, |x, y| [(x * 5) as u8, (y * 7) as u8, shade]).unwrap()
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn jpeg(shade: u8) -> Vec<u8> {
    picture(shade).encode(Encoding::Jpeg { quality: 90 }).unwrap()
}

fn png(shade: u8) -> Vec<u8> {
    picture(shade).encode(Encoding::Png).unwrap()
}

fn load(root: &Path) -> Dataset {
    FolderLoader::new(root).load().unwrap()
}

fn relative(dataset: &Dataset) -> Vec<String> {
    let path = |p: &dodge_data::PhotoFile| p.path().strip_prefix(dataset.root()).unwrap().to_str().unwrap().to_owned();
    dataset.photos().iter().map(path).collect()
}

#[track_caller]
fn check_skipped(file: &str, bytes: &[u8], reason: &str) {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "good.jpg", &jpeg(1));
    put(folder.path(), file, bytes);
    let dataset = load(folder.path());
    assert_eq!(relative(&dataset), ["good.jpg"]);
    assert_eq!(dataset.skipped().len(), 1, "{:?}", dataset.skipped());
    assert_eq!(dataset.skipped()[0].path, folder.path().join(file));
    let got = dataset.skipped()[0].reason.to_string();
    assert!(got.contains(reason), "expected `{reason}` in `{got}`");
}

#[test]
fn nested_folders_are_listed_in_order() {
    let folder = TempDir::new().unwrap();
    for file in ["z.jpg", "a/2.jpg", "a/b/1.png", "a/10.jpg", "b.PNG"] {
        put(folder.path(), file, &if file.ends_with("jpg") { jpeg(1) } else { png(2) });
    }
    put(folder.path(), "notes.txt", b"no photo");
    put(folder.path(), "a/README", b"");
    let dataset = load(folder.path());
    assert_eq!(relative(&dataset), ["a/10.jpg", "a/2.jpg", "a/b/1.png", "b.PNG", "z.jpg"]);
    let names: Vec<&str> = dataset.photos().iter().map(|p| p.name()).collect();
    assert_eq!(names, ["a-10", "a-2", "a-b-1", "b", "z"]);
    assert!(dataset.skipped().is_empty());
    assert_eq!(FolderLoader::new(folder.path()).describe(), "folder");
}

#[test]
fn duplicates_of_a_name_are_kept_apart() {
    let folder = TempDir::new().unwrap();
    for file in ["a.jpg", "a.png", "x/a.jpg", "x-a.jpg", "a b.jpg", "a_b.jpg"] {
        put(folder.path(), file, &jpeg(3));
    }
    let dataset = load(folder.path());
    let names: std::collections::HashSet<String> =
        dataset.photos().iter().map(|p| p.name().to_ascii_lowercase()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
}

#[test]
fn content_counts_and_not_the_extension() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "IMG_1.JPEG", &jpeg(1));
    put(folder.path(), "really-png.jpg", &png(2));
    put(folder.path(), "no-extension", &jpeg(3));
    let dataset = load(folder.path());
    assert_eq!(relative(&dataset), ["IMG_1.JPEG", "no-extension", "really-png.jpg"]);
    assert!(dataset.skipped().is_empty());
}

#[test]
fn a_text_file_named_like_a_photo_is_skipped() {
    check_skipped("text.jpg", b"this is no photo", "neither JPEG, PNG, TIFF nor WebP");
}

#[test]
fn an_empty_file_is_skipped() {
    check_skipped("empty.png", b"", "empty");
}

#[test]
fn a_photo_that_is_cut_off_within_its_header_is_skipped() {
    let bytes = jpeg(9);
    check_skipped("cut.jpg", &bytes[..30], "damaged");
    let bytes = png(9);
    check_skipped("cut.PNG", &bytes[..20], "damaged");
}

#[test]
fn pixels_are_not_looked_at() {
    let folder = TempDir::new().unwrap();
    let whole = jpeg(9);
    put(folder.path(), "cut.jpg", &whole[..whole.len() - 40]);
    let dataset = load(folder.path());
    assert_eq!((relative(&dataset), dataset.skipped()), (vec!["cut.jpg".to_owned()], &[][..]));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_skipped() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    put(folder.path(), "good.jpg", &jpeg(1));
    put(folder.path(), "secret.jpg", &jpeg(2));
    let secret = folder.path().join("secret.jpg");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything reads it, too.
    let readable = fs::read(&secret).is_ok();
    let dataset = load(folder.path());
    assert_eq!((dataset.photos().len(), dataset.skipped().len()), if readable { (2, 0) } else { (1, 1) });
}

#[test]
fn a_tiny_photo_is_skipped() {
    let dot = Photo::from_fn(1, 1, |_, _| [9; 3]).unwrap().encode(Encoding::Png).unwrap();
    check_skipped("dot.png", &dot, "1x1 pixels, less than 16 on a side");
    let strip = Photo::from_fn(200, 15, |_, _| [9; 3]).unwrap().encode(Encoding::Png).unwrap();
    check_skipped("strip.png", &strip, "200x15 pixels");
}

#[test]
fn the_smallest_size_is_accepted() {
    let folder = TempDir::new().unwrap();
    let small = Photo::from_fn(16, 16, |_, _| [9; 3]).unwrap().encode(Encoding::Png).unwrap();
    put(folder.path(), "small.png", &small);
    assert_eq!(load(folder.path()).photos().len(), 1);
}

#[test]
fn hidden_files_and_folders_are_passed_over() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "seen.jpg", &jpeg(1));
    put(folder.path(), ".hidden.jpg", &jpeg(2));
    put(folder.path(), ".thumbs/a.jpg", &jpeg(3));
    let dataset = load(folder.path());
    assert_eq!(relative(&dataset), ["seen.jpg"]);
    assert!(dataset.skipped().is_empty());
}

#[test]
fn a_hidden_root_is_loaded() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), ".photos/a.jpg", &jpeg(1));
    assert_eq!(load(&folder.path().join(".photos")).photos().len(), 1);
}

#[test]
fn foreign_names_work() {
    let folder = TempDir::new().unwrap();
    for file in ["größe.jpg", "写真/猫.jpg", "写真/犬.jpg", "with space.jpg"] {
        put(folder.path(), file, &jpeg(1));
    }
    let dataset = load(folder.path());
    assert_eq!(dataset.photos().len(), 4);
    for photo in dataset.photos() {
        assert!(photo.path().is_file());
        assert!(photo.name().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{}", photo.name());
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_loops_end() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    let outside = TempDir::new().unwrap();
    put(outside.path(), "far.jpg", &jpeg(5));
    put(folder.path(), "real/a.jpg", &jpeg(1));
    symlink(folder.path(), folder.path().join("real/loop")).unwrap();
    symlink(folder.path().join("real"), folder.path().join("also")).unwrap();
    symlink(outside.path().join("far.jpg"), folder.path().join("linked.jpg")).unwrap();
    symlink(outside.path(), folder.path().join("zoutside")).unwrap();
    symlink(folder.path().join("nowhere.jpg"), folder.path().join("broken.jpg")).unwrap();
    let dataset = load(folder.path());
    assert_eq!(relative(&dataset), ["linked.jpg", "real/a.jpg", "zoutside/far.jpg"]);
    assert_eq!(dataset.skipped().len(), 1);
    assert!(dataset.skipped()[0].path.ends_with("broken.jpg"));
}

#[test]
fn a_missing_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let error = FolderLoader::new(folder.path().join("holiday")).load().unwrap_err();
    assert!(matches!(error, Error::NoSuchFolder { .. }));
    let text = error.to_string();
    assert!(
        text.starts_with("no such folder: ") && text.contains("holiday") && text.contains("check the path"),
        "{text}"
    );
}

#[test]
fn a_file_is_no_folder() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "one.jpg", &jpeg(1));
    let error = FolderLoader::new(folder.path().join("one.jpg")).load().unwrap_err();
    assert!(matches!(error, Error::NotAFolder { .. }));
    assert!(error.to_string().contains("one.jpg is not a folder"), "{error}");
}

#[test]
fn an_empty_folder_is_an_error() {
    let folder = TempDir::new().unwrap();
    let error = FolderLoader::new(folder.path()).load().unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("no photos in ") && !text.contains("unusable") && text.contains("JPEG, PNG, TIFF or WebP"),
        "{text}"
    );
}

#[test]
fn a_folder_with_unusable_photos_only_says_why() {
    let folder = TempDir::new().unwrap();
    for i in 0..5 {
        put(folder.path(), &format!("{i}.jpg"), b"text");
    }
    let text = FolderLoader::new(folder.path()).load().unwrap_err().to_string();
    assert!(
        text.contains("5 unusable") && text.contains("0.jpg: the content is neither JPEG, PNG, TIFF nor WebP"),
        "{text}"
    );
    assert!(text.contains("2.jpg") && !text.contains("3.jpg"), "{text}");
}

#[test]
fn a_single_photo_is_a_dataset() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "one.jpg", &jpeg(1));
    assert_eq!(load(folder.path()).photos().len(), 1);
}

#[test]
fn a_loader_can_be_used_behind_a_box() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "one.jpg", &jpeg(1));
    let loader: Box<dyn DataLoader> = Box::new(FolderLoader::new(folder.path()));
    let dataset = std::thread::spawn(move || loader.load()).join().unwrap().unwrap();
    assert_eq!(dataset.photos().len(), 1);
}
