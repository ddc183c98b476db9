//! Archives made by the tests: good ones of every kind, and hostile ones, of which none writes outside its target.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use dodge_data::{EntryProblem, Error, Extracted, ExtractionLimits, Numbers, Selection, Unwatched, extract};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A folder with an archive, a target, and a neighbour that nothing may touch.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new(archive: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("archive.bin"), archive).unwrap();
        fs::create_dir_all(folder.path().join("in/target")).unwrap();
        fs::write(folder.path().join("in/neighbour"), "untouched").unwrap();
        Self { folder }
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.folder.path().join("in/target")
    }

    pub(crate) fn extract(&self, selection: &Selection, limits: &ExtractionLimits) -> Result<Extracted, Error> {
        let result = extract(&self.folder.path().join("archive.bin"), &self.target(), selection, limits, &Unwatched);
        // Whatever comes of it: what is outside stays as it is, and inside are plain files and folders only.
        let mut outside: Vec<_> = names(self.folder.path());
        outside.retain(|name| !name.starts_with("in/target/"));
        assert_eq!(outside, ["archive.bin", "in/neighbour"]);
        assert_eq!(fs::read(self.folder.path().join("in/neighbour")).unwrap(), b"untouched");
        result
    }

    fn all(&self) -> Result<Extracted, Error> {
        self.extract(&Selection::default(), &limits())
    }

    fn files(&self) -> Vec<String> {
        names(&self.target())
    }
}

pub(crate) fn limits() -> ExtractionLimits {
    let mut limits = ExtractionLimits::standard();
    limits.keep_free = 0;
    limits
}

/// The files below a folder, sorted; fails where there is anything else.
fn names(root: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            assert!(kind.is_file() || kind.is_dir(), "{:?}", entry.path());
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// A header of tar with any name, as no well-behaved program writes it.
pub(crate) fn header(name: &[u8], kind: u8, size: u64, link: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let put = |block: &mut Vec<u8>, at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(&mut block, 0, &name[..name.len().min(100)]);
    put(&mut block, 100, b"0004777\0");
    put(&mut block, 124, format!("{size:011o}\0").as_bytes());
    block[156] = kind;
    put(&mut block, 157, link);
    put(&mut block, 257, b"ustar\x0000");
    put(&mut block, 148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    block
}

pub(crate) fn tar_entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len() as u64, b"");
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        entries.iter().flat_map(|(name, content)| tar_entry(name.as_bytes(), b'0', content)).collect();
    bytes.extend([0; 1024]);
    bytes
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o4777)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const GOOD: [(&str, &[u8]); 3] = [("set/a.jpg", b"aaa"), ("set/sub/b.jpg", b"bb"), ("readme.txt", b"c")];

#[track_caller]
fn check_skipped(archive: &[u8], name: &str, reason: EntryProblem) {
    let bench = Bench::new(archive);
    let extracted = bench.all().unwrap();
    assert_eq!(bench.files(), ["good.jpg"], "{extracted:?}");
    assert_eq!(extracted.skipped_count, 1, "{extracted:?}");
    assert_eq!((extracted.skipped[0].name.as_str(), extracted.skipped[0].reason), (name, reason));
}

#[track_caller]
fn check_fails(archive: &[u8], words: &str) {
    let bench = Bench::new(archive);
    let error = bench.all().unwrap_err();
    assert!(matches!(error, Error::Archive { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(words) && text.contains("archive.bin"), "expected `{words}` in `{text}`");
}

#[test]
fn every_kind_is_told_by_content_and_taken_apart() {
    let tar = tar(&GOOD);
    for archive in [tar.clone(), gz(&tar), xz(&tar), zst(&tar), zip(&GOOD)] {
        let bench = Bench::new(&archive);
        let extracted = bench.extract(&Selection::new("set", Numbers::All), &limits()).unwrap();
        assert_eq!(bench.files(), ["a.jpg", "sub/b.jpg"]);
        assert_eq!(fs::read(bench.target().join("sub/b.jpg")).unwrap(), b"bb");
        assert_eq!((extracted.files, extracted.bytes, extracted.skipped_count), (2, 5, 0));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(bench.target().join("a.jpg")).unwrap().permissions().mode();
            assert_eq!(mode & 0o7111, 0, "neither setuid nor executable");
        }
    }
}

#[test]
fn kinds_of_photos_are_chosen_by_the_number_in_their_name() {
    let archive = zip(&[("x/1.jpg", b"1"), ("x/2_(3).jpg", b"22"), ("y/3_(3).png", b"333"), ("y/4_(3).txt", b"")]);
    let bench = Bench::new(&archive);
    bench.extract(&Selection::new("", Numbers::With(3)), &limits()).unwrap();
    assert_eq!(bench.files(), ["2_(3).jpg", "3_(3).png"]);
    let bench = Bench::new(&archive);
    bench.extract(&Selection::new("", Numbers::Without), &limits()).unwrap();
    assert_eq!(bench.files(), ["1.jpg"]);
}

#[test]
fn names_that_leave_the_target_are_left_out() {
    use EntryProblem::{Absolute, BadName, Outside, TooLong};
    let long = "x".repeat(300);
    let cases: &[(&str, EntryProblem)] = &[
        ("../neighbour", Outside),
        ("a/../../neighbour", Outside),
        ("..\\neighbour", Outside),
        ("/etc/passwd", Absolute),
        ("\\\\host\\share", Absolute),
        ("C:\\x", Absolute),
        ("a\nb", BadName),
        (&long, TooLong),
    ];
    for (name, reason) in cases {
        let shown: String = name.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect();
        check_skipped(&zip(&[(name, b"bad"), ("good.jpg", b"g")]), &shown, *reason);
        if name.len() <= 100 {
            check_skipped(&tar(&[(name, b"bad"), ("good.jpg", b"g")]), &shown, *reason);
        }
        let long_name = tar_entry(b"././@LongLink", b'L', format!("{name}\0").as_bytes());
        let mut pax = format!(" path={name}\n");
        let length = (pax.len() + 1..).find(|length| length.to_string().len() + pax.len() == *length).unwrap();
        pax.insert_str(0, &length.to_string());
        for extension in [long_name, tar_entry(b"pax", b'x', pax.as_bytes())] {
            let rest = tar(&[("short", b"bad"), ("good.jpg", b"g")]);
            check_skipped(&[extension, rest].concat(), &shown, *reason);
        }
    }
    let latin = [tar_entry(b"\xe9.jpg", b'0', b"x"), tar(&[("good.jpg", b"g")])].concat();
    check_skipped(&latin, "?.jpg", BadName);
}

#[test]
fn links_and_devices_are_not_made() {
    for (kind, reason) in [
        (b'1', EntryProblem::Link),
        (b'2', EntryProblem::Link),
        (b'3', EntryProblem::Special),
        (b'4', EntryProblem::Special),
        (b'6', EntryProblem::Special),
    ] {
        let mut archive = header(b"odd", kind, 0, b"../neighbour");
        archive.extend(tar(&[("good.jpg", b"g")]));
        check_skipped(&archive, "odd", reason);
    }
    // A link to a folder outside, and a file through it: the file lands in a folder of that name.
    let archive = [header(b"out", b'2', 0, b".."), tar(&[("out/neighbour", b"bad")])].concat();
    let bench = Bench::new(&archive);
    assert_eq!(bench.all().unwrap().skipped[0].reason, EntryProblem::Link);
    assert_eq!(bench.files(), ["out/neighbour"]);

    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("odd", "../neighbour", SimpleFileOptions::default()).unwrap();
    writer.start_file("good.jpg", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"g").unwrap();
    check_skipped(&writer.finish().unwrap().into_inner(), "odd", EntryProblem::Link);
}

#[test]
fn names_that_collide_are_kept_apart() {
    for archive in [tar(&[("good.jpg", b"1"), ("GOOD.jpg", b"2")]), zip(&[("good.jpg", b"1"), ("GOOD.jpg", b"2")])] {
        check_skipped(&archive, "GOOD.jpg", EntryProblem::CaseCollision);
    }
    check_skipped(&tar(&[("good.jpg", b"1"), ("good.jpg/x", b"2")]), "good.jpg/x", EntryProblem::Conflict);
    let bench = Bench::new(&tar(&[("d/x", b"1"), ("d", b"2"), ("d", b"3")]));
    let extracted = bench.all().unwrap();
    assert_eq!((bench.files(), extracted.skipped_count), (vec!["d/x".to_owned()], 2));
    // The last of the same name counts, as for other programs.
    let bench = Bench::new(&tar(&[("a", b"first"), ("a", b"2nd")]));
    let extracted = bench.all().unwrap();
    assert_eq!(fs::read(bench.target().join("a")).unwrap(), b"2nd");
    assert_eq!((extracted.files, extracted.bytes), (1, 3));
}

#[test]
fn encrypted_files_are_left_out() {
    // The flag of a plain zip, set in the file's header and in the directory.
    let mut archive = zip(&[("secret.jpg", b"s"), ("good.jpg", b"g")]);
    let directory = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    archive[6] |= 1;
    archive[directory + 8] |= 1;
    check_skipped(&archive, "secret.jpg", EntryProblem::Encrypted);
    let mut only = zip(&[("secret.jpg", b"s")]);
    let directory = only.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    only[6] |= 1;
    only[directory + 8] |= 1;
    check_fails(&only, "1 were left out, for example `secret.jpg`: it is encrypted");
}

#[test]
fn bombs_are_defused() {
    let mut small = limits();
    (small.ratio_from, small.bytes) = (1 << 20, 30 << 20);
    let zeros = vec![0; 20 << 20];
    let bomb = tar(&[("zeros", &zeros)]);
    for archive in [gz(&bomb), xz(&bomb), zst(&bomb), zip(&[("zeros", &zeros)])] {
        // Also where nobody wants the file: it costs time all the same (of a zip it is never read).
        let bench = Bench::new(&archive);
        let text = bench.extract(&Selection::default(), &small).unwrap_err().to_string();
        assert!(text.contains("more than 100 times its size"), "{text}");
    }
    let many: Vec<(String, &[u8])> = (0..4).map(|i| (format!("{i}"), &zeros[..10 << 20])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let text = Bench::new(&tar(&many)).extract(&Selection::default(), &small).unwrap_err().to_string();
    assert!(text.contains("come out of it"), "{text}");
    small.entries = 3;
    let few: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (*name, &content[..10])).collect();
    for archive in [tar(&few), zip(&few)] {
        let text = Bench::new(&archive).extract(&Selection::default(), &small).unwrap_err().to_string();
        assert!(text.contains("more than 3 entries"), "{text}");
    }
    // A name of a gigabyte is refused by its size alone.
    let name = header(b"././@LongLink", b'L', 1 << 30, b"");
    check_fails(&name, "a name or its attributes are longer");
}

/// Cut at every block and at odd places between: never whole.
#[test]
fn truncated_archives_are_errors() {
    let photos: Vec<u8> = crate::server::noise(3000);
    let entries: [(&str, &[u8]); 2] = [("a.jpg", &photos), ("b.jpg", &photos)];
    let whole = tar(&entries);
    for archive in [whole.clone(), gz(&whole), xz(&whole), zst(&whole), zip(&entries)] {
        // The marks at the end of tar are two blocks, of which one is enough.
        let most = if archive.len() == whole.len() { archive.len() - 1024 } else { archive.len() - 1 };
        for length in (1..most).step_by(211).chain((512..most).step_by(512)).chain([most]) {
            let error = Bench::new(&archive[..length]).all().unwrap_err();
            assert!(matches!(error, Error::Archive { .. }), "{length}: {error}");
        }
    }
}

#[test]
fn what_is_no_archive_is_told() {
    check_fails(b"", "the file is empty");
    check_fails(b"just a text, whatever its extension says", "neither tar");
    check_fails(&gz(b"a text that was compressed"), "there is no tar in it");
    check_fails(&gz(b""), "there is nothing in it");
    check_fails(&gz(&[1; 5000]), "there is no tar in it");
    check_fails(&tar(&[]), "neither tar");
    check_fails(&gz(&tar(&[])), "no file that was asked for");
    check_fails(b"PK\x03\x04 and then nothing", "cut short");
    let mut damaged = tar(&GOOD);
    damaged[1024] ^= 1;
    check_fails(&damaged, "the sum of a header is wrong");
    let mut damaged = gz(&tar(&GOOD));
    let end = damaged.len() - 6;
    damaged[end] ^= 1;
    check_fails(&damaged, "damaged");
    let mut damaged = zip(&[("a.jpg", &crate::server::noise(1000))]);
    damaged[500] ^= 1;
    check_fails(&damaged, "damaged");
    let bench = Bench::new(&zip(&GOOD));
    let text = bench.extract(&Selection::new("sett", Numbers::All), &limits()).unwrap_err().to_string();
    assert!(text.contains("check archive_root"), "{text}");
}

#[test]
fn a_hundred_thousand_entries_are_no_trouble() {
    const COUNT: usize = 100_000;
    // All hostile: nothing is written, and the records stay few.
    let mut archive: Vec<u8> = (0..COUNT).flat_map(|i| tar_entry(format!("../{i}").as_bytes(), b'0', b"")).collect();
    archive.extend(tar(&[("good.jpg", b"g")]));
    let bench = Bench::new(&gz(&archive));
    let extracted = bench.all().unwrap();
    assert_eq!(extracted.skipped_count, COUNT as u64);
    assert_eq!(extracted.skipped.len(), dodge_data::MOST_RECORDS);
    assert_eq!(bench.files(), ["good.jpg"]);

    // All good, and one of them wanted.
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..COUNT {
        writer.start_file(format!("{}/{i}", i % 100), SimpleFileOptions::default()).unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();
    let bench = Bench::new(&archive);
    let extracted = bench.extract(&Selection::new("7", Numbers::All), &limits()).unwrap();
    assert_eq!((extracted.files, bench.files().len()), (1000, 1000));
}

/// Every single change of a byte, and random garbage: an error or files inside the target, never a panic.
#[test]
fn small_changes_do_no_harm() {
    let whole = tar(&GOOD);
    let mut tight = limits();
    (tight.bytes, tight.entries) = (1 << 20, 100);
    for archive in [whole.clone(), gz(&whole), xz(&whole), zst(&whole), zip(&GOOD)] {
        for (round, random) in crate::server::noise(300 * 3).chunks(3).enumerate() {
            let mut changed = archive.clone();
            let at = (usize::from(random[0]) << 8 | usize::from(random[1])) * 7 % changed.len();
            changed[at] = random[2];
            if round % 5 == 0 {
                changed.truncate(at);
            }
            let _ = Bench::new(&changed).extract(&Selection::default(), &tight);
        }
    }
}
