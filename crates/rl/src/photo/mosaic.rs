//! A picture of what the agent did: a row per photo, before, after and original beside each other.

use dodge_imaging::Photo;

use crate::photo::summary::Outcome;
use crate::photo::test_photo::TestPhoto;

/// Longer side of each tile, in pixels.
const TILE: u32 = 240;
/// Space between tiles, in pixels.
const GAP: u32 = 8;
/// Width of the frame around the middle tile, in pixels.
const FRAME: u32 = 3;
const BACKGROUND: [u8; 3] = [32, 32, 32];
const BETTER: [u8; 3] = [70, 170, 80];
const WORSE: [u8; 3] = [200, 60, 50];
const SAME: [u8; 3] = [120, 120, 120];

/// Draws up to `rows` photos, five damaged ones for each undamaged one and these last: left the damaged photo, in the
/// middle the agent's result, right the original. The
/// frame of the result is green and doubled where its PSNR rose by more than 0.1 dB, red where it fell, grey elsewhere.
///
/// The photo has 3 columns of 240 pixels; none is drawn for no photos.
#[must_use]
pub fn mosaic(photos: &[TestPhoto], outcomes: &[Outcome], rows: usize) -> Option<Photo> {
    let rows: Vec<[Photo; 3]> = chosen(photos, rows)
        .into_iter()
        .filter_map(|index| Some((&photos[index], outcomes.get(index)?)))
        .map(|(photo, outcome)| {
            let gain = outcome.psnr_final_db - outcome.psnr_degraded_db;
            let after = framed(&outcome.result.thumbnail(TILE), gain);
            [photo.degraded.thumbnail(TILE), after, photo.original.thumbnail(TILE)]
        })
        .collect();
    let height_of = |row: &[Photo; 3]| row.iter().map(Photo::height).max().unwrap_or(1);
    let height = rows.iter().map(|row| height_of(row) + GAP).sum::<u32>() + GAP;
    if rows.is_empty() {
        return None;
    }
    let mut canvas = Photo::from_fn(3 * TILE + 4 * GAP, height, |_, _| BACKGROUND).ok()?;
    let mut top = GAP;
    for row in &rows {
        for (column, tile) in (0..).zip(row) {
            let left = GAP + column * (TILE + GAP) + (TILE - tile.width()) / 2;
            paste(&mut canvas, tile, left, top);
        }
        top += height_of(row) + GAP;
    }
    Some(canvas)
}

/// Which of the photos stand in so many rows, by their numbers from 0.
pub(crate) fn chosen(photos: &[TestPhoto], rows: usize) -> Vec<usize> {
    let (damaged, undamaged): (Vec<usize>, Vec<usize>) = (0..photos.len()).partition(|&index| photos[index].damaged);
    let undamaged_rows = (rows / 6).max(rows.saturating_sub(damaged.len())).min(undamaged.len());
    let damaged = damaged.into_iter().take(rows - undamaged_rows);
    damaged.chain(undamaged.into_iter().take(undamaged_rows)).collect()
}

fn framed(tile: &Photo, gain_db: f64) -> Photo {
    let (colour, width) = match gain_db {
        gain if gain > 0.1 => (BETTER, 2 * FRAME),
        gain if gain < -0.1 => (WORSE, FRAME),
        _ => (SAME, FRAME),
    };
    let edge = |position: u32, side: u32| position < width || position + width >= side;
    let pixel = |x, y| if edge(x, tile.width()) || edge(y, tile.height()) { colour } else { tile.pixel(x, y) };
    Photo::from_fn(tile.width(), tile.height(), pixel).expect("a tile has the size of a photo")
}

fn paste(canvas: &mut Photo, tile: &Photo, left: u32, top: u32) {
    let (stride, bytes) = (canvas.width() as usize * 3, tile.width() as usize * 3);
    for (y, row) in tile.pixels().chunks_exact(bytes).enumerate() {
        let start = (top as usize + y) * stride + left as usize * 3;
        canvas.pixels_mut()[start..start + bytes].copy_from_slice(row);
    }
}
