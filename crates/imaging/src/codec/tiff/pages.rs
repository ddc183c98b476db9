//! The pictures in a TIFF, and which of them is the photo.
//!
//! A TIFF is a container: previews, pages, masks, the steps of a pyramid and the values of a camera's sensor all look the same
//! from outside, and any of them may stand first.

use std::collections::HashSet;

use super::super::exif;
use super::super::fields::{Directory, Reader, Source};
use super::super::found::Name;
use super::super::{MAX_METADATA_BYTES, Note};
use crate::Error;

pub(super) const WIDTH: u16 = 0x0100;
pub(super) const HEIGHT: u16 = 0x0101;
pub(super) const COMPRESSION: u16 = 0x0103;
pub(super) const PHOTOMETRIC: u16 = 0x0106;
const SUBFILE_TYPE: u16 = 0x00fe;
const OLD_SUBFILE_TYPE: u16 = 0x00ff;
const MAKE: u16 = 0x010f;
const SUB_DIRECTORIES: u16 = 0x014a;
/// Layout and pattern of a sensor's colour filters, and the version of a DNG.
const RAW_FIELDS: [u16; 3] = [0x828d, 0x828e, DNG_VERSION];
const DNG_VERSION: u16 = 0xc612;
/// Values of a sensor with colour filters; the same made linear.
const RAW_PHOTOMETRICS: [u64; 2] = [32_803, 34_892];
/// Sony, Nikon, Kodak, Pentax, Samsung, Epson: how they pack a sensor's values.
const RAW_COMPRESSIONS: [u64; 7] = [32_767, 32_769, 32_770, 34_713, 34_892, 65_000, 65_535];

/// Most pictures that are looked at; a scanned book has some hundreds.
const MAX_PAGES: usize = 4096;

/// Bytes of fields that are read to learn of a page. What is larger matters for the page that is decoded alone.
const PAGE_BYTES: usize = 1 << 17;

/// The page that is the photo.
pub(in super::super) struct Chosen {
    pub(super) directory: Directory,
    /// The first one: it holds what is said of the photo wherever that stands.
    pub(super) first: Directory,
    pub(in super::super) size: (u32, u32),
    pub(in super::super) orientation: u8,
    pub(super) notes: Vec<Note>,
}

struct Page {
    at: u64,
    parent: Option<usize>,
    pixels: u64,
    reduced: bool,
    mask: bool,
    raw: bool,
    dng: bool,
    orientation: Option<u8>,
    make: String,
}

impl Page {
    fn new(at: u64, parent: Option<usize>, directory: &Directory) -> Self {
        let number = |tag| directory.number(tag);
        let kind = number(SUBFILE_TYPE);
        let make = directory.fields.get(&MAKE).map(|field| String::from_utf8_lossy(&field.value).into_owned());
        let raw = number(PHOTOMETRIC).is_some_and(|photometric| RAW_PHOTOMETRICS.contains(&photometric))
            || number(COMPRESSION).is_some_and(|compression| RAW_COMPRESSIONS.contains(&compression))
            || RAW_FIELDS.iter().any(|tag| directory.fields.contains_key(tag));
        Self {
            at,
            parent,
            pixels: number(WIDTH).unwrap_or(0).saturating_mul(number(HEIGHT).unwrap_or(0)),
            reduced: kind.is_some_and(|kind| kind & 1 == 1) || (kind.is_none() && number(OLD_SUBFILE_TYPE) == Some(2)),
            mask: kind.is_some_and(|kind| kind & 4 == 4) || number(PHOTOMETRIC) == Some(4),
            raw,
            dng: directory.fields.contains_key(&DNG_VERSION),
            orientation: exif::of_directory(directory),
            make: make.unwrap_or_default().trim_end_matches('\0').trim().to_owned(),
        }
    }

    fn is_photo(&self) -> bool {
        !self.reduced && !self.mask && self.pixels > 0
    }
}

/// Finds the photo among the pictures of a TIFF: the first page that is not marked as a reduced copy or a mask, or, where such
/// a page has a larger picture below it, that. Where all are marked, the largest.
///
/// # Errors
/// [`Error::Decode`] where there is none.
pub(in super::super) fn choose<S: Source>(source: S, name: Name<'_>) -> Result<Chosen, Error> {
    let reader = Reader::new(source).ok_or_else(|| name.damaged("its header is cut off"))?;
    let (pages, unreadable) = pages(&reader);
    let first = pages.first().ok_or_else(|| name.damaged("it holds no picture"))?;
    let mut notes = Vec::new();
    let mut chosen = pages.iter().position(|page| page.parent.is_none() && page.is_photo());
    // A picture below that is smaller is a step of a pyramid; a larger one makes the page above it a preview.
    let larger = pages.iter().enumerate().filter(|(_, page)| page.parent.is_some() && page.is_photo());
    let larger = larger.max_by_key(|(index, page)| (page.pixels, std::cmp::Reverse(*index))).map(|(index, _)| index);
    if let Some(larger) = larger
        && chosen.is_none_or(|chosen| pages[larger].pixels > pages[chosen].pixels)
    {
        chosen = Some(larger);
    }
    if chosen.is_none() && unreadable {
        return Err(name.damaged("of its pictures, only reduced copies can be read"));
    }
    let chosen = match chosen {
        Some(chosen) => chosen,
        None => {
            let candidates = pages.iter().enumerate().filter(|(_, page)| !page.mask && page.pixels > 0);
            let largest = candidates.max_by_key(|(index, page)| (page.pixels, std::cmp::Reverse(*index)));
            let (largest, _) = largest.ok_or_else(|| name.damaged("it holds no picture with a size"))?;
            notes.push(Note::OnlyReduced);
            largest
        }
    };
    // The pages above the photo are its previews.
    let own: Vec<usize> = std::iter::successors(Some(chosen), |index| pages[*index].parent).collect();
    let others = pages
        .iter()
        .enumerate()
        .filter(|(index, page)| !own.contains(index) && page.parent.is_none() && page.is_photo());
    let others = others.count();
    if others > 0 {
        notes.push(Note::OtherPages { count: others });
    }
    let whole = |at| {
        let mut budget = super::super::fields::MAX_BYTES.max(4 * MAX_METADATA_BYTES);
        reader.directory(at, &mut budget, 0).map(|(directory, _)| directory)
    };
    let cut = || name.damaged("its directory is cut off");
    let directory = whole(pages[chosen].at).ok_or_else(cut)?;
    let side = |tag| directory.number(tag).and_then(|side| u32::try_from(side).ok());
    let size = side(WIDTH).zip(side(HEIGHT)).ok_or_else(|| name.damaged("it does not tell its size"))?;
    // What stands below a page is turned as that.
    let parent = pages[chosen].parent.and_then(|parent| pages[parent].orientation);
    let orientation =
        pages[chosen].orientation.or(parent).filter(|orientation| (1..=8).contains(orientation)).unwrap_or(1);
    let first = if chosen == 0 { directory.clone() } else { whole(first.at).ok_or_else(cut)? };
    Ok(Chosen { directory, first, size, orientation, notes })
}

/// Of a TIFF of which one picture holds the values of a camera's sensor (then the others are previews): what kind of raw file it is.
pub(in super::super) fn raw<S: Source>(source: S) -> Option<String> {
    let (pages, _) = pages(&Reader::new(source)?);
    let raw = pages.iter().find(|page| page.raw)?;
    let make = pages.iter().map(|page| page.make.as_str()).find(|make| !make.is_empty());
    let of = make.map(|make| format!(" of {make}")).unwrap_or_default();
    Some(format!("{}{of}", if raw.dng { "a DNG" } else { "a camera raw file" }))
}

/// All pages in their order, each before those below it, and whether some could not be read.
fn pages<S: Source>(reader: &Reader<S>) -> (Vec<Page>, bool) {
    let mut pages: Vec<Page> = Vec::new();
    let mut seen = HashSet::new();
    let mut unreadable = false;
    // Places yet to be read, the next one last, with the page above each.
    let mut places: Vec<(u64, Option<usize>, u32)> = reader.first().map(|at| (at, None, 0)).into_iter().collect();
    while let Some((at, parent, depth)) = places.pop() {
        // Directories that point to each other would never end.
        if at == 0 || pages.len() == MAX_PAGES || !seen.insert(at) {
            continue;
        }
        let mut budget = PAGE_BYTES;
        let Some((directory, next)) = reader.directory(at, &mut budget, 0) else {
            unreadable = true;
            continue;
        };
        let index = pages.len();
        pages.push(Page::new(at, parent, &directory));
        // Those below are no chain, as a rule, but some writers make one of them.
        places.push((next, parent, depth));
        if depth < 4 {
            let below = directory.numbers(SUB_DIRECTORIES).unwrap_or_default();
            places.extend(below.into_iter().rev().map(|at| (at, Some(index), depth + 1)));
        }
    }
    (pages, unreadable)
}
