//! Lists of datasets: what is in the built-in one, how a file goes on top, and what is said of mistakes.

use std::path::{Path, PathBuf};

use dodge_data::{Entry, Error, Numbers, Registry, Selection, Source};

fn with(text: &str) -> Result<Registry, Error> {
    Registry::with_text(&format!("format_version = 1\n{text}"), "mine.toml", Path::new("lists"))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = with(text).unwrap_err();
    assert!(matches!(error, Error::Registry { .. }));
    assert!(error.to_string().contains(expected), "expected `{expected}` in `{error}`");
}

#[test]
fn the_built_in_list_is_complete() {
    let registry = Registry::built_in();
    let ids: Vec<&str> = registry.entries().map(|entry| entry.id.as_str()).collect();
    let expected = [
        "div2k_train_hr",
        "div2k_valid_hr",
        "flickr2k_big",
        "flickr8k",
        "lhq_landscapes",
        "lhq_mountains",
        "places365_val_large",
    ];
    assert_eq!(ids, expected);
    for entry in registry.entries() {
        assert!(!entry.description.is_empty() && !entry.licence.is_empty(), "{entry:?}");
        assert!(entry.directory_hash.is_some() && entry.images == Path::new("images"), "{entry:?}");
        assert_eq!(entry.defined_in, "built-in list");
    }
    let mountains = registry.get("lhq_mountains").unwrap();
    assert_eq!(mountains.selection, Selection::new("", Numbers::With(3)));
    assert_eq!(mountains.source, Source::Kaggle("arnaud58/landscape-pictures".to_owned()));
}

/// Each dataset of the predecessor is in the list or, with a reason, in the documentation.
#[test]
fn the_documentation_names_what_is_not_there() {
    let page = include_str!("../../../../docs/datasets.md");
    let registry = Registry::built_in();
    for entry in registry.entries() {
        assert!(page.contains(&format!("`{}`", entry.id)), "{}", entry.id);
    }
    let absent = "flickr2k_big_original_split_amd-win flickr2k_big_original_HQ_split_amd-win single_image five_images \
        twenty_images places_365_split_two_actions twenty_two_actions twenty_two_actions_amd-win \
        twenty_original_split_amd-win twenty_original_HQ_split_amd-win lhq_landscapes_two_actions \
        lhq_landscapes_two_actions_amd-win lhq_landscapes_multi_one_step_actions_amd-win \
        lhq_landscapes_multi_two_step_actions_amd-mac lhq_landscapes_original_split_amd-win \
        lhq_landscapes_original_HQ_split_amd-win lhq_landscapes_original_HQ_split_mac hhe_4k_source \
        hhe_4k_HQ_split_amd-win";
    for id in absent.split_whitespace() {
        assert!(page.contains(&format!("`{id}`")) && registry.get(id).is_err(), "{id}");
    }
}

#[test]
fn a_file_adds_entries_and_changes_keys() {
    let registry = with(
        "[datasets.mine]\nfolder = \"photos\"\n\
         [datasets.div2k_valid_hr]\nurl = \"https://mirror.example/d.zip\"\n\
         [datasets.lhq_mountains]\ncategory = \"landscape\"\n\
         [datasets.flickr2k_big]\narchive = \"/data/f.zip\"\ncontent_hash = \"0000000000000000000000000000000000000000000000000000000000000001\"\n",
    )
    .unwrap();
    let mine = registry.get("mine").unwrap();
    assert_eq!((&mine.source, mine.defined_in.as_str()), (&Source::Folder(PathBuf::from("lists/photos")), "mine.toml"));
    let built_in = Registry::built_in();
    let changed = registry.get("div2k_valid_hr").unwrap();
    assert_eq!(changed.source, Source::Url("https://mirror.example/d.zip".to_owned()));
    assert_eq!(changed.directory_hash, built_in.get("div2k_valid_hr").unwrap().directory_hash, "the other keys stay");
    assert_eq!(registry.get("lhq_mountains").unwrap().selection, Selection::new("", Numbers::Without));
    let local = registry.get("flickr2k_big").unwrap();
    assert_eq!(local.source, Source::Archive(PathBuf::from("/data/f.zip")), "another kind of source takes the place");
    assert_eq!(local.content_hash.unwrap().to_string().len(), 64);
}

#[test]
fn an_unknown_id_gets_a_suggestion() {
    let registry = Registry::built_in();
    let text = registry.get("div2k_valid").unwrap_err().to_string();
    assert!(text.contains("did you mean `div2k_valid_hr`?") && text.contains("dodge datasets list"), "{text}");
    let text = registry.get("holiday").unwrap_err().to_string();
    assert!(!text.contains("did you mean"), "{text}");
    assert!(registry.get(&"x".repeat(100_000)).unwrap_err().to_string().len() < 300);
}

#[test]
fn mistakes_are_told_with_line_and_key() {
    check(
        "[datasets.a]\nurll = \"https://h/a\"\n",
        "mine.toml:3: unknown key `urll` of dataset `a`: did you mean `url`?",
    );
    check("[datasets.a]\nurll = \"https://h/a\"\n", "mine.toml:2: dataset `a` has no source: set one of `url`");
    check("[datasets.a]\nfolder = \"x\"\ncolour = \"x\"\n", "expected one of description, licence");
    check("[dataset.a]\nurl = \"https://h/a\"\n", "unknown key `dataset`: did you mean `datasets`?");
    check("[datasets.a]\nurl = \"https://h/a\"\nfolder = \"x\"\n", "two sources");
    check("[datasets.a]\nurl = 3\n", "mine.toml:3: `url` of dataset `a` must be text in quotes");
    check("[datasets.a]\nurl = \"h/a\"\n", "expected an address that begins with http:// or https://");
    check("[datasets.a]\nurl = \"file:///etc/passwd\"\n", "http://");
    check("[datasets.a]\nkaggle = \"../x\"\n", "owner/name");
    check("[datasets.a]\nfolder = \"\"\n", "expected a path");
    check(
        "[datasets.a]\nfolder = \"x\"\ndirectory_hash = \"12\"\n",
        "`directory_hash` of dataset `a`: `12` is not a hash",
    );
    check("[datasets.a]\nfolder = \"x\"\nimages = \"../y\"\n", "a folder inside that of the dataset");
    check("[datasets.a]\nfolder = \"x\"\nimages = \"/y\"\n", "a folder inside that of the dataset");
    check("[datasets.a]\nfolder = \"x\"\ncategory = \"sea\"\n", "list it in [datasets.a.categories]");
    check(
        "[datasets.a]\nfolder = \"x\"\ncategory = \"sea\"\n[datasets.a.categories]\nsee = 2\n",
        "expected one of see",
    );
    check("[datasets.a]\nfolder = \"x\"\n[datasets.a.categories]\nsea = -2\n", "must be the number in brackets");
    check("[datasets.\"a/b\"]\nfolder = \"x\"\n", "`a/b` is no id of a dataset");
    check("[datasets.\"..\"]\nfolder = \"x\"\n", "no id");
    check("[datasets.synthetic-1]\nfolder = \"x\"\n", "taken");
    check("[datasets]\na = 3\n", "must be a table");
    check("datasets = 3\n", "must hold tables");
    check("[datasets.a\n", "mine.toml:2: ");
    let error = Registry::with_text("", "mine.toml", Path::new("")).unwrap_err().to_string();
    assert!(error.contains("begin the file with `format_version = 1`"), "{error}");
    let error = Registry::with_text("format_version = 2", "mine.toml", Path::new("")).unwrap_err().to_string();
    assert!(error.contains("must be 1 for this version"), "{error}");
}

#[test]
fn all_mistakes_are_told_at_once_but_not_without_end() {
    let two = with("[datasets.a]\nurl = 3\nfolder = 4\n").unwrap_err().to_string();
    assert!(two.contains("`url`") && two.contains("`folder`"), "{two}");
    let many: String = (0..1000).map(|i| format!("[datasets.a{i}]\nx = 1\n")).collect();
    let Error::Registry { problems } = with(&many).unwrap_err() else { panic!("another error") };
    assert_eq!(problems.len(), 20);
}

#[test]
fn lists_that_were_written_on_windows_are_read() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("list.toml");
    let text = "\u{feff}format_version = 1\r\n[datasets.a]\r\nfolder = \"b\"\r\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), &wide] {
        std::fs::write(&path, bytes).unwrap();
        let registry = Registry::with_file(&path).unwrap();
        assert_eq!(registry.get("a").unwrap().source, Source::Folder(folder.path().join("b")));
    }
    assert!(Registry::with_text(text, "list.toml", folder.path()).is_ok());
    let wrong = Registry::with_text(&text.replace("folder", "foldr"), "list.toml", folder.path()).unwrap_err();
    assert!(wrong.to_string().contains("list.toml:3"), "{wrong}");
}

#[test]
fn files_are_read_and_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("list.toml");
    std::fs::write(&path, "format_version = 1\n[datasets.a]\nfolder = \"b\"\n").unwrap();
    let registry = Registry::with_file(&path).unwrap();
    assert_eq!(registry.get("a").unwrap().source, Source::Folder(folder.path().join("b")));
    let missing = Registry::with_file(&folder.path().join("none.toml")).unwrap_err().to_string();
    assert!(missing.contains("none.toml"), "{missing}");
    std::fs::write(
        &path,
        "format_version = 1\n# caf\u{e9}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
    )
    .unwrap();
    let error = Registry::with_file(&path).unwrap_err();
    assert!(matches!(error, Error::Read { .. }) && error.to_string().contains("save the file as UTF-8"), "{error}");
    std::fs::write(&path, "#".repeat(5 << 20)).unwrap();
    assert!(Registry::with_file(&path).unwrap_err().to_string().contains("4 MiB"));
}

#[test]
fn entries_made_by_a_program_are_checked_too() {
    let mut registry = Registry::built_in();
    let source = || Source::Folder(PathBuf::from("x"));
    registry.insert(Entry::new("mine", source())).unwrap();
    assert_eq!(registry.get("mine").unwrap().source, source());
    assert!(registry.insert(Entry::new("../mine", source())).is_err());
    let mut outside = Entry::new("mine", source());
    outside.images = PathBuf::from("../x");
    assert!(registry.insert(outside).is_err());
}

/// Random changes of a good list: entries or problems, never a panic.
#[test]
fn small_changes_do_no_harm() {
    let text = include_str!("../../datasets.toml");
    for random in crate::server::noise(1500 * 4).chunks(4) {
        let mut bytes = text.as_bytes().to_vec();
        let at = (usize::from(random[0]) << 8 | usize::from(random[1])) % bytes.len();
        match random[2] % 3 {
            0 => bytes[at] = random[3] & 0x7f,
            1 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = Registry::with_text(&text, "x", Path::new(""));
        }
    }
}
