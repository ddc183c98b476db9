//! TIFFs of every kind, built by hand: which of the pictures is the photo, and what its values mean.

use std::fs;
use std::io::Write;

use dodge_imaging::{Encoding, Error, Note, Photo, Picture, PictureHeader, Pixels, unread_format};
use flate2::Compression;
use flate2::write::ZlibEncoder;

const WIDTH: u32 = 6;
const HEIGHT: u32 = 4;

/// Tag, type and numbers.
type Field = (u16, u16, Vec<u32>);

/// A page: its fields, the strips or tiles behind them, and the pages below it.
#[derive(Clone, Default)]
struct Page {
    fields: Vec<Field>,
    chunks: Vec<Vec<u8>>,
    tiled: bool,
    below: Vec<Page>,
}

fn file(pages: &[Page], big_endian: bool) -> Vec<u8> {
    let mut bytes = if big_endian { b"MM\0\x2a\0\0\0\0".to_vec() } else { b"II\x2a\0\0\0\0\0".to_vec() };
    let mut link = 4;
    for page in pages {
        let (at, next) = put(page, &mut bytes, big_endian);
        bytes[link..link + 4].copy_from_slice(&long(at, big_endian));
        link = next;
    }
    bytes
}

fn long(value: u32, big_endian: bool) -> [u8; 4] {
    if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
}

fn number(kind: u16, value: u32, big_endian: bool) -> Vec<u8> {
    match (kind, big_endian) {
        (1, _) => vec![value as u8],
        (3, false) => (value as u16).to_le_bytes().to_vec(),
        (3, true) => (value as u16).to_be_bytes().to_vec(),
        (16, false) => u64::from(value).to_le_bytes().to_vec(),
        (16, true) => u64::from(value).to_be_bytes().to_vec(),
        _ => long(value, big_endian).to_vec(),
    }
}

/// Where the directory stands, and where the place of the next one is told.
fn put(page: &Page, bytes: &mut Vec<u8>, big_endian: bool) -> (u32, usize) {
    let mut fields = page.fields.clone();
    let mut at = Vec::new();
    for chunk in &page.chunks {
        at.push(bytes.len() as u32);
        bytes.extend(chunk);
    }
    let (offsets, lengths) = if page.tiled { (324, 325) } else { (273, 279) };
    fields.push((offsets, 4, at));
    fields.push((lengths, 4, page.chunks.iter().map(|chunk| chunk.len() as u32).collect()));
    if !page.below.is_empty() {
        fields.push((330, 4, page.below.iter().map(|page| put(page, bytes, big_endian).0).collect()));
    }
    fields.sort();
    let mut entries = Vec::new();
    for (tag, kind, values) in &fields {
        entries.extend(number(3, u32::from(*tag), big_endian));
        entries.extend(number(3, u32::from(*kind), big_endian));
        entries.extend(long(values.len() as u32, big_endian));
        let content: Vec<u8> = values.iter().flat_map(|value| number(*kind, *value, big_endian)).collect();
        if content.len() <= 4 {
            entries.extend(&content);
            entries.resize(entries.len() + 4 - content.len(), 0);
        } else {
            entries.extend(long(bytes.len() as u32, big_endian));
            bytes.extend(content);
        }
    }
    let at = bytes.len() as u32;
    bytes.extend(number(3, fields.len() as u32, big_endian));
    bytes.extend(entries);
    let next = bytes.len();
    bytes.extend([0; 4]);
    (at, next)
}

fn level(x: u32, y: u32, channel: u32) -> u8 {
    (x * 30 + y * 7 + channel * 40) as u8
}

fn photo(width: u32, height: u32) -> Photo {
    Photo::from_fn(width, height, |x, y| [0, 1, 2].map(|channel| level(x, y, channel))).unwrap()
}

fn page(width: u32, height: u32, photometric: u32, bits: u32, samples: u32, values: Vec<u8>) -> Page {
    let fields = vec![
        (256, 4, vec![width]),
        (257, 4, vec![height]),
        (258, 3, vec![bits; samples as usize]),
        (259, 3, vec![1]),
        (262, 3, vec![photometric]),
        (277, 3, vec![samples]),
        (278, 4, vec![height]),
    ];
    Page { fields, chunks: vec![values], ..Page::default() }
}

fn rgb(width: u32, height: u32) -> Page {
    page(width, height, 2, 8, 3, photo(width, height).into_pixels())
}

fn with(mut page: Page, field: Field) -> Page {
    page.fields.retain(|(tag, ..)| *tag != field.0);
    page.fields.push(field);
    page
}

/// What listing and decoding say of a file; both have to agree.
fn read(bytes: &[u8]) -> Result<Picture, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.tif");
    fs::write(&path, bytes).unwrap();
    let (header, picture) = (PictureHeader::read(&path), Picture::open(&path));
    if let Ok(picture) = &picture {
        let header = header.unwrap();
        assert_eq!((header.width, header.height), picture.pixels.size());
    }
    picture
}

fn pixels(page: &Page) -> Photo {
    for big_endian in [false, true] {
        // Values of 8 bit have no order.
        if let Ok(picture) = read(&file(std::slice::from_ref(page), big_endian))
            && big_endian
        {
            return picture.pixels.into_eight();
        }
    }
    panic!("it cannot be read")
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.tif");
    fs::write(&path, bytes).unwrap();
    let error = Picture::open(&path).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("photo.tif") && text.contains(words), "{text}");
}

#[test]
fn the_photo_is_found_wherever_it_stands() {
    let small = rgb(3, 2);
    let whole = rgb(WIDTH, HEIGHT);
    let reduced = with(small.clone(), (254, 4, vec![1]));
    let mask = with(page(WIDTH, HEIGHT, 4, 1, 1, vec![0; 4]), (254, 4, vec![4]));
    let old_reduced = with(small.clone(), (255, 3, vec![2]));
    let cases = [
        ("a reduced copy first", vec![reduced.clone(), whole.clone()]),
        ("marked in the old way", vec![old_reduced, whole.clone()]),
        ("marked in one byte", vec![with(small.clone(), (254, 1, vec![1])), whole.clone()]),
        ("a mask first", vec![mask, whole.clone()]),
        ("below a reduced copy", vec![Page { below: vec![whole.clone()], ..reduced.clone() }]),
        ("below a smaller one", vec![Page { below: vec![whole.clone()], ..small.clone() }]),
        (
            "two levels below",
            vec![Page { below: vec![Page { below: vec![whole.clone()], ..reduced.clone() }], ..small.clone() }],
        ),
        ("above a step of a pyramid", vec![Page { below: vec![small.clone()], ..whole.clone() }]),
        ("the first of pages", vec![whole.clone(), rgb(20, 20)]),
    ];
    for (name, pages) in cases {
        for big_endian in [false, true] {
            let picture = read(&file(&pages, big_endian)).unwrap();
            assert_eq!(picture.pixels, Pixels::Eight(photo(WIDTH, HEIGHT)), "{name}");
            assert_eq!(picture.notes.contains(&Note::OtherPages { count: 1 }), name == "the first of pages", "{name}");
        }
    }
    let only = read(&file(&[reduced], false)).unwrap();
    assert_eq!((only.pixels.size(), only.notes), ((3, 2), vec![Note::OnlyReduced]));
}

#[test]
fn raw_files_are_refused_by_name() {
    let raw = |photometric| page(WIDTH, HEIGHT, photometric, 16, 1, vec![0; 48]);
    let maker = (271, 2, b"NIKON\0".map(u32::from).to_vec());
    // Text has one byte for each letter; the builder writes type 2 as longs, so it is written as bytes.
    let maker = with(rgb(3, 2), (maker.0, 1, maker.2));
    let dng = with(rgb(3, 2), (50706, 1, vec![1, 4, 0, 0]));
    // With the feature `raw` it is a decoder that cannot read them, and says so in words of its own.
    let refused = |bytes: &[u8], words: &str| {
        if !cfg!(feature = "raw") {
            return refused(bytes, words);
        }
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains("photo.tif") && error.contains("camera raw file") | error.contains("a DNG"), "{error}");
        assert!(words != "a camera raw file of NIKON" || error.contains(words), "{error}");
        assert!(error.contains("develop it"), "{error}");
    };
    for below in
        [raw(32_803), raw(34_892), with(raw(1), (259, 3, vec![34_713])), with(raw(1), (33_422, 1, vec![0, 1, 1, 2]))]
    {
        refused(&file(&[Page { below: vec![below.clone()], ..maker.clone() }], false), "a camera raw file of NIKON");
        refused(&file(&[maker.clone(), below.clone()], true), "develop it first");
        refused(&file(&[below], true), "develop it first");
    }
    refused(&file(&[dng], false), "a DNG");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for (head, words) in [
        (&b"II\x2a\0\x10\0\0\0CR\x02\0aaaaaaaaaaaaaaaaaaaaaaa"[..], "raw"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"IIU\0\x18\0\0\0", "raw"),
        (b"IIRO\x08\0\0\0", "raw"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01", "raw"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
        (b"GIF89a\x01\0\x01\0", "GIF"),
        (b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "BMP"),
        (b"8BPS\0\x01", "Photoshop"),
    ] {
        fs::write(&path, head).unwrap();
        if words == "raw" && cfg!(feature = "raw") {
            let error = Picture::open(&path).unwrap_err().to_string();
            assert!(error.contains("raw file") && PictureHeader::read(&path).is_err(), "{error}");
            continue;
        }
        assert!(unread_format(&path).unwrap().unwrap().contains(words), "{words}");
        assert!(matches!(Picture::open(&path), Err(Error::Unsupported { .. })));
        assert!(matches!(PictureHeader::read(&path), Err(Error::Unsupported { .. })));
    }
    fs::write(&path, b"BM is how this text begins, and it is no picture").unwrap();
    assert_eq!(unread_format(&path).unwrap(), None);
}

#[test]
fn colours_that_stand_apart_are_put_together() {
    // 40 by 20 pixels in tiles of 16: the last column and row are filled up.
    let (width, height) = (40, 20);
    let plane = |channel: u32, left: u32, top: u32, across: u32, down: u32| -> Vec<u8> {
        (top..top + down).flat_map(|y| (left..left + across).map(move |x| level(x, y, channel))).collect()
    };
    let mut tiles = with(rgb(width, height), (284, 3, vec![2]));
    tiles.tiled = true;
    tiles.fields.retain(|(tag, ..)| *tag != 278);
    tiles.fields.extend([(322, 4, vec![16]), (323, 4, vec![16])]);
    tiles.chunks = Vec::new();
    for channel in 0..3 {
        for top in [0, 16] {
            tiles.chunks.extend([0, 16, 32].map(|left| plane(channel, left, top, 16, 16)));
        }
    }
    assert_eq!(pixels(&tiles), photo(width, height));
    let mut strips = with(with(rgb(width, height), (284, 3, vec![2])), (278, 4, vec![7]));
    strips.chunks = Vec::new();
    for channel in 0..3 {
        strips.chunks.extend([(0, 7), (7, 7), (14, 6)].map(|(top, down)| plane(channel, 0, top, width, down)));
    }
    assert_eq!(pixels(&strips), photo(width, height));
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn values_of_every_depth_mean_what_they_should() {
    let wide = |values: Vec<u64>, bytes: usize| -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()[8 - bytes..].to_vec()).collect()
    };
    let grey = |bits: u32, format: u32, values: Vec<u8>| with(page(4, 1, 1, bits, 1, values), (339, 3, vec![format]));
    let shown = |page: Page| read(&file(&[page], true)).map(|picture| picture.pixels);
    let expected = |values: [u16; 4]| {
        Pixels::Sixteen(Photo::new(4, 1, values.iter().flat_map(|value| [*value; 3]).collect()).unwrap())
    };
    let ramp = [0, 21_845, 43_690, 65_535];
    let whole = u64::from(u32::MAX);
    assert_eq!(shown(grey(32, 1, wide(vec![0, whole / 3, whole / 3 * 2, whole], 4))).unwrap(), expected(ramp));
    assert_eq!(shown(grey(16, 1, wide(ramp.map(u64::from).to_vec(), 2))).unwrap(), expected(ramp));
    let floats = |values: [f32; 4]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    assert_eq!(shown(grey(32, 3, floats([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]))).unwrap(), expected(ramp));
    // The bytes of equal weight beside each other, each as its difference to the one before.
    let planes: Vec<u8> =
        (0..4).flat_map(|byte| floats([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]).into_iter().skip(byte).step_by(4)).collect();
    let before = [0].into_iter().chain(planes.iter().copied());
    let predicted = planes.iter().zip(before).map(|(byte, before)| byte.wrapping_sub(before)).collect();
    let predicted = with(with(grey(32, 3, predicted), (317, 3, vec![3])), (259, 3, vec![8]));
    let predicted = Page { chunks: predicted.chunks.iter().map(|chunk| deflated(chunk)).collect(), ..predicted };
    assert_eq!(shown(predicted).unwrap(), expected(ramp));
    let doubles = [0.0_f64, 1.0 / 3.0, 2.0 / 3.0, 1.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    assert_eq!(shown(grey(64, 3, doubles)).unwrap(), expected(ramp));
    let halves = wide(vec![0, 0x3800, 0x3c00, 0x3c00], 2);
    assert_eq!(shown(grey(16, 3, halves)).unwrap(), expected([0, 32_768, 65_535, 65_535]));
    let eight = |values: [u8; 4]| {
        Pixels::Eight(Photo::new(4, 1, values.iter().flat_map(|value| [*value; 3]).collect()).unwrap())
    };
    assert_eq!(shown(grey(1, 1, vec![0b0101_0000])).unwrap(), eight([0, 255, 0, 255]));
    assert_eq!(shown(grey(2, 1, vec![0b0001_1011])).unwrap(), eight([0, 85, 170, 255]));
    assert_eq!(shown(grey(4, 1, vec![0x05, 0xaf])).unwrap(), eight([0, 85, 170, 255]));
    let white_is_zero = with(page(4, 1, 0, 4, 1, vec![0x05, 0xaf]), (339, 3, vec![1]));
    assert_eq!(shown(white_is_zero).unwrap(), eight([255, 170, 85, 0]));
    // Floats that are not from 0 to 1 would all be white.
    refused(&file(&[grey(32, 3, floats([3.0, 200.0, 90.0, 0.5]))], true), "divide them");
    let bright = read(&file(&[grey(32, 3, floats([0.0, 0.5, 0.7, 1.5]))], true)).unwrap();
    assert_eq!(bright.notes, [Note::Clipped]);
    refused(&file(&[grey(16, 2, wide(vec![1, 2, 3, 4], 2))], true), "signed");
    refused(&file(&[grey(32, 2, wide(vec![1, 2, 3, 4], 4))], true), "signed");
    refused(&file(&[grey(12, 1, vec![0; 6])], true), "12 bits");
    refused(&file(&[with(page(4, 1, 8, 8, 3, vec![0; 12]), (339, 3, vec![1]))], true), "Lab");
}

#[test]
fn colours_of_every_kind_become_red_green_and_blue() {
    let map: Vec<u32> = [[0, 65_535, 0, 257], [0, 0, 65_535, 514], [0, 0, 0, 771]].concat();
    let palette = with(page(4, 1, 3, 2, 1, vec![0b0001_1011]), (320, 3, map));
    assert_eq!(pixels(&palette).pixels(), [0, 0, 0, 255, 0, 0, 0, 255, 0, 1, 2, 3]);
    let inks = page(2, 1, 5, 8, 4, vec![0, 255, 255, 0, 0, 0, 0, 255]);
    assert_eq!(pixels(&inks).pixels(), [255, 0, 0, 0, 0, 0]);
    refused(&file(&[with(inks, (332, 3, vec![2]))], false), "inks");
    let ycc = page(2, 1, 6, 8, 3, vec![255, 128, 128, 76, 85, 255]);
    let photo = pixels(&with(ycc.clone(), (530, 3, vec![1, 1])));
    assert_eq!(photo.pixel(0, 0), [255; 3]);
    let [red, green, blue] = photo.pixel(1, 0);
    assert!(red > 250 && green < 5 && blue < 5);
    refused(&file(&[with(ycc, (530, 3, vec![2, 2]))], false), "coarser");
    let alpha = with(page(2, 1, 2, 8, 4, vec![1, 2, 3, 255, 4, 5, 6, 0]), (338, 3, vec![2]));
    let picture = read(&file(&[alpha], false)).unwrap();
    assert_eq!(picture.notes, [Note::AlphaDropped]);
    assert_eq!(picture.pixels.to_eight().pixels(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn fields_of_unusual_types_are_read() {
    for kind in [1, 3, 4, 16] {
        let turned = with(rgb(WIDTH, HEIGHT), (274, kind, vec![6]));
        let turned = with(with(turned, (256, kind, vec![WIDTH])), (257, kind, vec![HEIGHT]));
        for big_endian in [false, true] {
            let picture = read(&file(std::slice::from_ref(&turned), big_endian)).unwrap();
            assert_eq!(picture.pixels.size(), (HEIGHT, WIDTH), "type {kind}");
        }
    }
}

#[test]
fn a_jpeg_that_is_cut_off_or_damaged_is_an_error() {
    let photo = Photo::from_fn(200, 160, |x, y| [(x * y) as u8, (x + y) as u8, (x * 3) as u8]).unwrap();
    let whole = photo.encode(Encoding::Jpeg { quality: 90 }).unwrap();
    for left_out in [2, 3, 10, 100, whole.len() / 2] {
        let cut = &whole[..whole.len() - left_out];
        assert!(matches!(Picture::decode(cut), Err(Error::Decode { .. })), "{left_out}");
    }
    // A code that no table has, or a marker among the pixels.
    let middle = whole.len() / 2;
    for wrong in [[0xff, 0xc4], [0xff, 0xd8]] {
        assert!(Picture::decode(&[&whole[..middle], &wrong, &whole[middle + 2..]].concat()).is_err(), "{wrong:?}");
    }
    // Bytes behind the end belong to others.
    assert!(Picture::decode(&[&whole[..], b"trailer"].concat()).is_ok());
    let picture = Picture::decode(&whole).unwrap();
    assert!(picture.quality.unwrap().abs_diff(90) <= 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jfif");
    picture.save(&path).unwrap();
    let size = fs::metadata(&path).unwrap().len() as usize;
    assert!(size.abs_diff(whole.len()) < whole.len() / 4, "{size} after {}", whole.len());
}
