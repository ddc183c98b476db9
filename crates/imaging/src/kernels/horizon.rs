//! Levelling a tilted horizon.

use super::round;
use crate::{Photo, luma};

/// Longest side of the small photo in which the tilt is looked for.
const SMALL: u32 = 384;

/// Step between the tilts that are tried, in degrees.
const STEP: f32 = 0.25;

/// Tilts below this are left alone, in degrees: nobody sees them, and turning costs sharpness.
const NOTICEABLE: f32 = 0.5;

/// Weakest vertical step that counts as an edge, in levels over two pixels.
const EDGE: f32 = 24.0;

/// How many times the mean over all tilts the best one must score.
const CLEAR: f32 = 1.5;

/// Turns the photo by its tilt when that is at most `most` degrees, and cuts the wedges off.
pub(crate) fn level(photo: &mut Photo, most: f32) {
    if let Some(turn) = levelling(photo, most) {
        let pixel = |x, y| interpolated(turn.source(x, y), |x, y| photo.pixel(x, y).map(f32::from)).map(round);
        *photo = Photo::from_fn(turn.width, turn.height, pixel).expect("both sides have a pixel");
    }
}

/// The turn that levels the photo; none where there is no clear horizon, or a level one.
pub(crate) fn levelling(photo: &Photo, most: f32) -> Option<Turn> {
    tilt(&photo.thumbnail(SMALL), most).map(|degrees| Turn::new(photo.width(), photo.height(), degrees))
}

/// The tilt of the longest nearly level edges, in degrees, above 0 when they fall towards the right.
///
/// Edge pixels are projected along each direction. Along the true one a long edge falls into few bins, so that the sum of
/// the squared bins is largest.
fn tilt(photo: &Photo, most: f32) -> Option<f32> {
    let edges = level_edges(photo);
    let steps = (most / STEP) as i32;
    // A long edge is needed: half of the width.
    if steps == 0 || edges.len() < photo.width() as usize / 2 {
        return None;
    }
    let reach = photo.height() as usize + photo.width() as usize;
    let score = |step: i32| {
        let slope = (step as f32 * STEP).to_radians().tan();
        let mut bins = vec![0_u32; 2 * reach];
        for &(x, y) in &edges {
            bins[(y - slope * x + reach as f32) as usize] += 1;
        }
        bins.iter().map(|&count| (count * count) as f32).sum::<f32>()
    };
    // Beyond the limit as well, so that a steeper edge is not taken for one at the limit.
    let scores: Vec<(i32, f32)> = (-steps - 8..=steps + 8).map(|step| (step, score(step))).collect();
    let mean = scores.iter().map(|(_, score)| score).sum::<f32>() / scores.len() as f32;
    let &(step, best) = scores.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let degrees = step as f32 * STEP;
    (best > CLEAR * mean && step.abs() <= steps && degrees.abs() >= NOTICEABLE).then_some(degrees)
}

/// Pixels where luma changes strongly downwards, hardly sideways, and most so in their column; from the photo's centre.
fn level_edges(photo: &Photo) -> Vec<(f32, f32)> {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let greys: Vec<f32> = photo.pixels().chunks_exact(3).map(|p| luma([p[0], p[1], p[2]])).collect();
    let at = |x: usize, y: usize| greys[y * width + x];
    let down = |x: usize, y: usize| (at(x, y + 1) - at(x, y - 1)).abs();
    let mut edges = Vec::new();
    for y in 2..height.saturating_sub(2) {
        for x in 1..width.saturating_sub(1) {
            let step = down(x, y);
            let across = (at(x + 1, y) - at(x - 1, y)).abs();
            if step >= EDGE && 2.0 * across < step && step >= down(x, y - 1) && step > down(x, y + 1) {
                edges.push((x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0));
            }
        }
    }
    edges
}

/// How a photo is turned so that a line of some tilt becomes level, and cut to the largest centred part of its own shape.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    from: (f32, f32),
    pub(crate) width: u32,
    pub(crate) height: u32,
    sin: f32,
    cos: f32,
}

impl Turn {
    fn new(photo_width: u32, photo_height: u32, degrees: f32) -> Self {
        let (across, down) = (photo_width as f32, photo_height as f32);
        let (sin, cos) = degrees.to_radians().sin_cos();
        // The corners of the part, turned back, must lie inside of the photo.
        let share = (across / (across * cos + down * sin.abs())).min(down / (across * sin.abs() + down * cos));
        let kept = |side: f32| ((side * share).floor() as u32).max(1);
        Self { from: (across, down), width: kept(across), height: kept(down), sin, cos }
    }

    /// Where a pixel of the part comes from, between the pixels of the photo.
    pub(crate) fn source(&self, x: u32, y: u32) -> (f32, f32) {
        let across = x as f32 + 0.5 - self.width as f32 / 2.0;
        let down = y as f32 + 0.5 - self.height as f32 / 2.0;
        let (width, height) = self.from;
        let place = |middle: f32, way: f32, side: f32| (middle + way - 0.5).clamp(0.0, side - 1.0);
        (
            place(width / 2.0, self.cos * across - self.sin * down, width),
            place(height / 2.0, self.sin * across + self.cos * down, height),
        )
    }
}

/// Bilinear between the four pixels around a place.
pub(crate) fn interpolated((x, y): (f32, f32), pixel: impl Fn(u32, u32) -> [f32; 3]) -> [f32; 3] {
    let (left, top) = (x as u32, y as u32);
    let (across, down) = (x - left as f32, y - top as f32);
    // On a pixel there may be none beyond.
    let (right, bottom) = (left + u32::from(across > 0.0), top + u32::from(down > 0.0));
    let corners = [pixel(left, top), pixel(right, top), pixel(left, bottom), pixel(right, bottom)];
    std::array::from_fn(|channel| {
        let [a, b, c, d] = corners.map(|pixel| pixel[channel]);
        let (upper, lower) = (a + across * (b - a), c + across * (d - c));
        upper + down * (lower - upper)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sky over sea; the horizon falls by `degrees` towards the right.
    fn seaside(degrees: f32) -> Photo {
        Photo::from_fn(300, 200, |x, y| {
            let horizon = 90.0 + (x as f32 - 150.0) * degrees.to_radians().tan();
            if (y as f32) < horizon { [150, 180, 230] } else { [30, 60, 90] }
        })
        .unwrap()
    }

    #[test]
    fn a_tilted_horizon_becomes_level_without_wedges() {
        for degrees in [-7.0, -2.0, 3.5, 8.0] {
            let mut photo = seaside(degrees);
            assert_eq!(tilt(&photo, 10.0), Some(degrees));
            level(&mut photo, 10.0);
            assert!(photo.width() < 300 && photo.width() > 200, "{}", photo.width());
            assert!((photo.width() as f32 / photo.height() as f32 - 1.5).abs() < 0.02);
            // Whole rows are sky or sea but for the few of the horizon.
            let mixed = photo
                .pixels()
                .chunks_exact(photo.width() as usize * 3)
                .filter(|row| row.chunks_exact(3).any(|pixel| pixel != &row[..3]));
            assert!(mixed.count() <= 4, "{degrees}");
            assert!(photo.pixels().chunks_exact(3).all(|pixel| pixel[2] >= 88), "a wedge at {degrees}");
        }
    }

    #[test]
    fn level_steep_and_empty_photos_stay() {
        for photo in [seaside(0.0), seaside(12.0), Photo::from_fn(1, 1, |_, _| [4; 3]).unwrap()] {
            let mut result = photo.clone();
            level(&mut result, 10.0);
            assert_eq!(result, photo);
        }
        let mut state = 1_u32;
        let noise = Photo::from_fn(200, 150, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [(state >> 24) as u8; 3]
        })
        .unwrap();
        assert_eq!(tilt(&noise, 10.0), None);
    }
}
