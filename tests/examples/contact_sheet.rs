//! One picture that shows every kind of operation at three strengths, on a synthetic photo. The row of
//! `level-horizon` shows a tilted one.
//!
//! `cargo xtask docs` writes it to `docs/operations.jpg`: `cargo run -p dodge-tests --example contact_sheet -- docs/operations.jpg`

use std::path::Path;

use dodge_data::synthetic;
use dodge_imaging::{Encoding, Operation, Photo};
use font8x8::UnicodeFonts;

/// Three operations of each kind, in the order of `docs/operations.md`.
pub(crate) const OPERATIONS: [[&str; 3]; 37] = [
    ["lightness:-40", "lightness:25", "lightness:60"],
    ["contrast:0.6", "contrast:1.3", "contrast:1.8"],
    ["gamma:0.6", "gamma:1.4", "gamma:2"],
    ["exposure:-1", "exposure:0.5", "exposure:1"],
    ["shadows:-0.8", "shadows:0.5", "shadows:1"],
    ["highlights:-1", "highlights:-0.5", "highlights:0.8"],
    ["haze:-0.25", "haze:0.3", "haze:0.6"],
    ["invert:rgb", "invert:r", "invert:gb"],
    ["channels:grb", "channels:bgr", "channels:gbr"],
    ["greyscale:luminosity", "greyscale:average", "saturation:0"],
    ["saturation:0.5", "saturation:1.4", "saturation:2"],
    ["saturation-hsv:0.5", "saturation-hsv:1.4", "saturation-hsv:2"],
    ["vibrance:-0.6", "vibrance:0.5", "vibrance:1"],
    ["warmth:-0.15", "warmth:0.08", "warmth:0.2"],
    ["tint:-0.12", "tint:0.06", "tint:0.15"],
    ["grey-world:0.3", "grey-world:0.6", "grey-world:1"],
    ["shades-of-grey:0.3", "shades-of-grey:0.6", "shades-of-grey:1"],
    ["auto-contrast:0", "auto-contrast:1", "auto-contrast:5"],
    ["auto-gamma:0.3", "auto-gamma:0.6", "auto-gamma:1"],
    ["clahe:1", "clahe:2", "clahe:6"],
    ["sharpen:0.2", "sharpen:0.6", "sharpen:1.5"],
    ["sharpen-8:0.1", "sharpen-8:0.3", "sharpen-8:0.8"],
    ["unsharp-mask:0.5", "unsharp-mask:1", "unsharp-mask:2.5"],
    ["clarity:-0.6", "clarity:0.5", "clarity:1.2"],
    ["blur:1", "blur:3", "blur:8"],
    ["box-blur:1", "box-blur:3", "box-blur:8"],
    ["median:0.3", "median:0.6", "median:1"],
    ["median-blur:1", "median-blur:3", "median-blur:6"],
    ["flip:horizontal", "flip:vertical", "shift:left"],
    ["shift:up", "shift:left-b", "shift:down-rg"],
    ["noise:6", "noise:15", "noise:35"],
    ["jpeg:50", "jpeg:15", "jpeg:4"],
    ["vignette:-0.4", "vignette:0.3", "vignette:0.8"],
    ["crop:1x1", "crop:16x9", "crop:4x5"],
    ["crop-oriented:16x9", "crop-oriented:9x16", "crop-oriented:1x1"],
    ["crop-thirds:0.9", "crop-thirds:0.75", "crop-thirds:0.5"],
    ["level-horizon:0", "level-horizon:2", "level-horizon:6"],
];

/// Kinds beside each other.
const COLUMNS: usize = 3;
/// Size of a photo on the sheet, and of the one that is edited.
const TILE: (u32, u32) = (168, 112);
const EDITED: (u32, u32) = (336, 224);
const GAP: u32 = 8;
const LABEL: u32 = 14;

const PAPER: [u8; 3] = [250; 3];
const INK: [u8; 3] = [40; 3];

fn main() {
    let path = std::env::args().nth(1).expect("usage: contact_sheet FILE");
    let picture = sheet().encode(Encoding::Jpeg { quality: 72 }).expect("the sheet fits into a JPEG");
    std::fs::write(Path::new(&path), picture).expect("the picture can be written");
}

/// The sheet: the photo itself first, then all operations.
#[must_use]
pub(crate) fn sheet() -> Photo {
    let photo = synthetic::photo(3, 5, EDITED.0, EDITED.1);
    let rows = (OPERATIONS.len() + 1).div_ceil(COLUMNS);
    let cell = (3 * TILE.0 + 3 * GAP, TILE.1 + LABEL + GAP);
    let width = COLUMNS as u32 * cell.0 + GAP;
    let mut sheet = Photo::from_fn(width, rows as u32 * cell.1 + GAP, |_, _| PAPER).expect("a sheet has pixels");
    let place = |index: usize| (GAP + (index % COLUMNS) as u32 * cell.0, GAP + (index / COLUMNS) as u32 * cell.1);
    draw(&mut sheet, place(0), &photo, "the photo itself");
    let tilted = tilted(&synthetic::photo(3, 0, EDITED.0 * 5 / 4, EDITED.1 * 5 / 4));
    for (index, texts) in (1..).zip(OPERATIONS) {
        let photo = if index == OPERATIONS.len() { &tilted } else { &photo };
        let (left, top) = place(index);
        for (left, text) in (left..).step_by((TILE.0 + GAP) as usize).zip(texts) {
            let operation: Operation = text.parse().expect("the list holds operations");
            draw(&mut sheet, (left, top), &operation.apply(photo), text);
        }
    }
    sheet
}

/// The middle of a photo, held four degrees askew.
fn tilted(photo: &Photo) -> Photo {
    let (sin, cos) = 4.0_f32.to_radians().sin_cos();
    let middle = |side: u32| side as f32 / 2.0;
    let pixel = |x: u32, y: u32| {
        let (across, down) = (x as f32 - middle(EDITED.0), y as f32 - middle(EDITED.1));
        let source =
            (middle(photo.width()) + cos * across + sin * down, middle(photo.height()) - sin * across + cos * down);
        photo.pixel(source.0 as u32, source.1 as u32)
    };
    Photo::from_fn(EDITED.0, EDITED.1, pixel).expect("a tile has pixels")
}

/// A photo in the middle of its tile, with its name below.
fn draw(sheet: &mut Photo, (left, top): (u32, u32), photo: &Photo, name: &str) {
    let small = photo.resized((photo.width() * TILE.0 / EDITED.0).max(1), (photo.height() * TILE.1 / EDITED.1).max(1));
    let (right, down) = ((TILE.0 - small.width()) / 2, (TILE.1 - small.height()) / 2);
    for (y, x) in (0..small.height()).flat_map(|y| (0..small.width()).map(move |x| (y, x))) {
        set(sheet, left + right + x, top + down + y, small.pixel(x, y));
    }
    for (letter, left) in name.chars().zip((left..).step_by(8)) {
        let glyph = font8x8::BASIC_FONTS.get(letter).expect("names are ASCII");
        for (y, bits) in (top + TILE.1 + 4..).zip(glyph) {
            for x in (0..8).filter(|x| bits >> x & 1 == 1) {
                set(sheet, left + x, y, INK);
            }
        }
    }
}

fn set(sheet: &mut Photo, x: u32, y: u32, pixel: [u8; 3]) {
    let at = 3 * (y as usize * sheet.width() as usize + x as usize);
    sheet.pixels_mut()[at..at + 3].copy_from_slice(&pixel);
}
