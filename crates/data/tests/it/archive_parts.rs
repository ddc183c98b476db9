//! Archives as programs write them and their users hand them on: streams of several parts, padding, files with holes, entries
//! packed in a way that is not read.

use std::fs;

use dodge_data::{EntryProblem, Extracted, Selection};

use crate::archives::{Bench, gz, header, limits, tar, tar_entry, xz, zip, zst};

/// A tar with two photos that do not shrink, so that its parts hold something.
fn photos() -> Vec<u8> {
    let content = crate::server::noise(3000);
    tar(&[("a.jpg", &content), ("b.jpg", &content)])
}

#[track_caller]
fn check_whole(what: &str, archive: &[u8]) -> Extracted {
    let bench = Bench::new(archive);
    let extracted = bench.extract(&Selection::default(), &limits()).unwrap_or_else(|error| panic!("{what}: {error}"));
    for name in ["a.jpg", "b.jpg"] {
        assert_eq!(fs::read(bench.target().join(name)).unwrap(), crate::server::noise(3000), "{what}: {name}");
    }
    extracted
}

#[track_caller]
fn check_fails(what: &str, archive: &[u8], words: &str) {
    let text = Bench::new(archive).extract(&Selection::default(), &limits()).unwrap_err().to_string();
    assert!(text.contains(words), "{what}: expected `{words}` in `{text}`");
}

/// The parts of a tar, each compressed by itself.
fn in_parts(compress: fn(&[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    photos().chunks(1000).map(compress).collect()
}

/// A part of Zstandard that decoders pass over; `pzstd` begins each frame with one.
fn to_skip(magic: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[magic, 0x2a, 0x4d, 0x18], &length[..], content].concat()
}

#[test]
fn streams_of_several_parts_are_whole() {
    for (what, compress) in [("gzip", gz as fn(&[u8]) -> Vec<u8>), ("xz", xz), ("Zstandard", zst)] {
        check_whole(what, &in_parts(compress).concat());
        let empty = compress(b"");
        check_whole(what, &[empty.clone(), in_parts(compress).join(&empty[..]), empty].concat());
        // What fails in a later part fails.
        let mut parts = in_parts(compress);
        let last = parts.pop().unwrap();
        check_fails(what, &[parts.concat(), last[..last.len() - 3].to_vec()].concat(), "cut short");
    }
}

#[test]
fn parts_to_skip_are_skipped() {
    let parts = in_parts(zst);
    for magic in [0x50, 0x5f] {
        for content in [&b""[..], b"1234", &[7; 100_000]] {
            let skip = to_skip(magic, content);
            check_whole("in front, between and behind", &[skip.clone(), parts.join(&skip[..]), skip].concat());
        }
    }
    let skip = to_skip(0x50, &[0; 100]);
    check_fails("cut", &[parts.concat(), skip[..50].to_vec()].concat(), "cut short");
    check_fails("nothing else", &skip, "there is nothing in it");
    // A length of four gigabytes that are not there.
    check_fails("a lie", &[&skip[..4], &[0xff; 4], &[0; 50]].concat(), "cut short");
}

#[test]
fn zeros_at_the_end_are_padding() {
    for zeros in [1, 4, 511, 512, 1_000_000] {
        for (what, archive) in [("tar", photos()), ("gzip", gz(&photos())), ("Zstandard", zst(&photos()))] {
            check_whole(what, &[archive, vec![0; zeros]].concat());
        }
        // xz defines padding, in fours.
        if zeros % 4 == 0 {
            check_whole("xz", &[xz(&photos()), vec![0; zeros], xz(b""), vec![0; zeros]].concat());
        }
    }
    let archive = zip(&[("a.jpg", &crate::server::noise(3000)), ("b.jpg", &crate::server::noise(3000))]);
    check_whole("zip", &[archive, vec![0; 512]].concat());
}

#[test]
fn anything_else_at_the_end_is_an_error() {
    for (what, archive) in [("gzip", gz(&photos())), ("xz", xz(&photos())), ("Zstandard", zst(&photos()))] {
        check_fails(what, &[&archive[..], b"something else follows"].concat(), "damaged");
        check_fails(what, &[&archive[..], &[0; 8], b"something else follows"].concat(), "damaged");
    }
}

#[test]
fn a_second_archive_behind_the_first_is_left_out() {
    let other = tar(&[("c.jpg", b"c")]);
    for archive in [[photos(), other.clone()].concat(), [gz(&photos()), gz(&other)].concat()] {
        assert_eq!(check_whole("two", &archive).files, 2);
    }
}

#[test]
fn archives_that_are_not_read_are_called_by_name() {
    let kinds: &[(&str, &[u8])] = &[
        ("bzip2", b"BZh91AY&SY"),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
        ("rar", b"Rar!\x1a\x07\0"),
        ("lz4", b"\x04\x22\x4d\x18dp"),
        ("lzip", b"LZIP\x01"),
        ("compress", b"\x1f\x9d\x90"),
        ("lzma", b"\x5d\0\0\x80\0"),
        ("cpio", b"070701"),
    ];
    for (name, head) in kinds {
        check_fails(name, head, &format!("it is {name}, which is not supported"));
    }
}

#[test]
fn a_packing_that_is_not_read_costs_its_entry_alone() {
    // 14 is LZMA, 12 bzip2, 93 Zstandard, 99 AES, 4 one of 1989, 47 none at all.
    for method in [14, 12, 93, 99, 4, 47] {
        let photo = crate::server::noise(3000);
        let mut archive = zip(&[("note.txt", b"a note"), ("a.jpg", &photo), ("b.jpg", &photo)]);
        let directory = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        archive[8] = method;
        archive[directory + 10] = method;
        let extracted = check_whole(&method.to_string(), &archive);
        assert_eq!((extracted.files, extracted.skipped_count), (2, 1), "{method}");
        let skipped = &extracted.skipped[0];
        assert_eq!((skipped.name.as_str(), skipped.reason), ("note.txt", EntryProblem::Unsupported), "{method}");
    }
}

/// Extended attributes in front of an entry.
fn pax(attributes: &[(&str, String)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in attributes {
        let line = format!(" {key}={value}\n");
        let length = (line.len() + 1..).find(|length| length.to_string().len() + line.len() == *length).unwrap();
        text += &format!("{length}{line}");
    }
    tar_entry(b"pax", b'x', text.as_bytes())
}

/// Pieces with holes before, between and behind them, and the file that they are of.
const PIECES: [(usize, usize); 6] =
    [(1024, 512), (2048, 1024), (10_240, 512), (20_480, 512), (30_720, 1024), (40_960, 100)];
const SIZE: usize = 50_000;

fn holey() -> (Vec<u8>, Vec<u8>) {
    let (mut whole, mut stored) = (vec![0; SIZE], Vec::new());
    for (index, (offset, length)) in PIECES.into_iter().enumerate() {
        let piece = &crate::server::noise(8000)[index * 1024..][..length];
        whole[offset..offset + length].copy_from_slice(piece);
        stored.extend(piece);
    }
    (whole, stored)
}

/// An entry as GNU tar writes it by default: the map in the header, and what does not fit in the blocks behind it.
fn gnu_sparse(pieces: &[(usize, usize)], size: usize, stored: &[u8]) -> Vec<u8> {
    let mut block = header(b"hole.tif", b'S', stored.len() as u64, b"");
    block[257..265].copy_from_slice(b"ustar  \0");
    let put = |block: &mut [u8], at: usize, value: usize| {
        block[at..at + 12].copy_from_slice(format!("{value:011o}\0").as_bytes());
    };
    put(&mut block, 483, size);
    for (index, (offset, length)) in pieces.iter().take(4).enumerate() {
        put(&mut block, 386 + 24 * index, *offset);
        put(&mut block, 398 + 24 * index, *length);
    }
    block[482] = u8::from(pieces.len() > 4);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    if let Some(more) = pieces.get(4..).filter(|more| !more.is_empty()) {
        let mut extension = vec![0; 512];
        for (index, (offset, length)) in more.iter().enumerate() {
            put(&mut extension, 24 * index, *offset);
            put(&mut extension, 24 * index + 12, *length);
        }
        block.extend(extension);
    }
    block.extend(stored);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

/// The three forms of pax: 0.0 repeats attributes, 0.1 has one, 1.0 has the map in front of the content.
fn pax_sparse(version: (u32, u32), pieces: &[(usize, usize)], size: usize, stored: &[u8]) -> Vec<u8> {
    let text = |key: &'static str, value: usize| (key, value.to_string());
    let name = ("GNU.sparse.name", "hole.tif".to_owned());
    let map = |between| pieces.iter().map(|(a, b)| format!("{a}{between}{b}")).collect::<Vec<_>>();
    let (attributes, content) = match version {
        (0, 0) => {
            let mut attributes = vec![text("GNU.sparse.size", size), text("GNU.sparse.numblocks", pieces.len())];
            for (offset, length) in pieces {
                attributes.extend([text("GNU.sparse.offset", *offset), text("GNU.sparse.numbytes", *length)]);
            }
            attributes.push(("path", "hole.tif".to_owned()));
            (attributes, stored.to_vec())
        }
        (0, 1) => {
            let map = ("GNU.sparse.map", map(",").join(","));
            (
                vec![name, text("GNU.sparse.size", size), text("GNU.sparse.numblocks", pieces.len()), map],
                stored.to_vec(),
            )
        }
        _ => {
            let (major, minor) = version;
            let mut content = format!("{}\n{}\n", pieces.len(), map("\n").join("\n")).into_bytes();
            content.resize(content.len().next_multiple_of(512), 0);
            content.extend(stored);
            let versions = [text("GNU.sparse.major", major as usize), text("GNU.sparse.minor", minor as usize), name];
            (versions.into_iter().chain([text("GNU.sparse.realsize", size)]).collect(), content)
        }
    };
    [pax(&attributes), tar_entry(b"GNUSparseFile.7/hole.tif", b'0', &content)].concat()
}

fn every_sparse(pieces: &[(usize, usize)], size: usize, stored: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("gnu".to_owned(), gnu_sparse(pieces, size, stored))];
    all.extend(
        [(0, 0), (0, 1), (1, 0)].map(|version| (format!("{version:?}"), pax_sparse(version, pieces, size, stored))),
    );
    all
}

#[test]
fn files_with_holes_come_out_whole() {
    let (whole, stored) = holey();
    for (what, entry) in every_sparse(&PIECES, SIZE, &stored) {
        for archive in [[entry.clone(), photos()].concat(), zst(&[entry, photos()].concat())] {
            let bench = Bench::new(&archive);
            let extracted = bench.extract(&Selection::default(), &limits()).unwrap();
            assert!(fs::read(bench.target().join("hole.tif")).unwrap() == whole, "{what}");
            assert_eq!((extracted.files, extracted.skipped_count), (3, 0), "{what}");
            assert_eq!(extracted.bytes, (SIZE + 6000) as u64, "{what}");
            check_whole(&what, &archive);
        }
    }
    // Nothing but a hole.
    for (what, entry) in every_sparse(&[(5000, 0)], 5000, b"") {
        let bench = Bench::new(&[entry, tar(&[])].concat());
        bench.extract(&Selection::default(), &limits()).unwrap();
        assert_eq!(fs::read(bench.target().join("hole.tif")).unwrap(), vec![0; 5000], "{what}");
    }
}

#[test]
fn maps_that_contradict_themselves_are_errors() {
    let (_, stored) = holey();
    let cases = [
        ("behind the end", &[(1024, 512)][..], 1000, 512),
        ("one over the other", &[(0, 512), (256, 512)], 4096, 1024),
        ("backwards", &[(1024, 512), (0, 512)], 4096, 1024),
        ("more than is stored", &[(0, 1024)], 4096, 512),
        ("less than is stored", &[(0, 512)], 4096, 1024),
        ("not in whole blocks", &[(0, 100), (1024, 512)], 4096, 612),
    ];
    for (what, pieces, size, length) in cases {
        for (form, entry) in every_sparse(pieces, size, &stored[..length]) {
            check_fails(&format!("{what}, {form}"), &[entry, photos()].concat(), "where the holes of `hole.tif` are");
        }
    }
    let odd = |attributes: &[(&str, &str)]| {
        let attributes: Vec<_> = attributes.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        [pax(&attributes), tar_entry(b"x", b'0', b"content"), photos()].concat()
    };
    for attributes in [
        &[("GNU.sparse.size", "many")][..],
        &[("GNU.sparse.size", "9"), ("GNU.sparse.numbytes", "5")],
        &[("GNU.sparse.size", "9"), ("GNU.sparse.map", "1,2,3")],
        &[("GNU.sparse.major", "2"), ("GNU.sparse.realsize", "9")],
    ] {
        check_fails(&format!("{attributes:?}"), &odd(attributes), "attributes of an entry cannot be read");
    }
    check_fails("no size", &odd(&[("GNU.sparse.map", "0,7")]), "where the holes of `x` are");
    check_fails("no map", &odd(&[("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")]), "where the holes of `x`");
}

#[test]
fn holes_count_as_what_comes_out() {
    let mut small = limits();
    (small.ratio_from, small.bytes) = (1 << 20, 1 << 40);
    for (what, entry) in every_sparse(&[(1 << 30, 0)], 1 << 30, b"") {
        let bench = Bench::new(&[entry, photos()].concat());
        let text = bench.extract(&Selection::default(), &small).unwrap_err().to_string();
        assert!(text.contains("more than 100 times its size"), "{what}: {text}");
    }
}
