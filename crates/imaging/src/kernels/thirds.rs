//! A crop that brings what stands out to a crossing of the thirds.

use super::geometry::Part;
use crate::{LabConverter, Photo};

/// Longest side of the small photo that is looked at.
const SMALL: u32 = 64;

/// What to keep, `share` of both sides.
pub(crate) fn part(photo: &Photo, share: f32) -> Part {
    let kept = |side: u32| ((side as f32 * share).round() as u32).clamp(1, side);
    let (width, height) = (kept(photo.width()), kept(photo.height()));
    let [x, y] = salient_point(&photo.thumbnail(SMALL));
    Part { left: start(x, photo.width(), width), top: start(y, photo.height(), height), width, height }
}

/// Where to cut so that the `point`, a share of the side, comes as near as possible to a third or two thirds of what is
/// kept: the third on its own side of the middle.
fn start(point: f32, side: u32, kept: u32) -> u32 {
    let third = if point < 0.5 { 1.0 / 3.0 } else { 2.0 / 3.0 };
    let wanted = point * side as f32 - third * kept as f32;
    (wanted.round().max(0.0) as u32).min(side - kept)
}

/// Centre of what stands out, as shares of width and height: pixels weigh with the square of their distance in L*a*b* from
/// the mean colour (frequency-tuned saliency, Achanta et al. 2009; the thumbnail is the blur).
fn salient_point(photo: &Photo) -> [f32; 2] {
    let converter = LabConverter::new();
    let colours: Vec<[f32; 3]> =
        photo.pixels().chunks_exact(3).map(|pixel| converter.convert([pixel[0], pixel[1], pixel[2]])).collect();
    let mut mean = [0.0_f32; 3];
    for colour in &colours {
        for (mean, value) in mean.iter_mut().zip(colour) {
            *mean += value / colours.len() as f32;
        }
    }
    let width = photo.width() as usize;
    let (mut total, mut across, mut down) = (0.0, 0.0, 0.0);
    for (place, colour) in colours.iter().enumerate() {
        let square: f32 = colour.iter().zip(mean).map(|(value, mean)| (value - mean).powi(2)).sum();
        // Squared once more, so that a small thing that stands out far wins over a large one that hardly does.
        let weight = square * square;
        total += weight;
        across += weight * ((place % width) as f32 + 0.5);
        down += weight * ((place / width) as f32 + 0.5);
    }
    // Nothing stands out of a photo of one colour (rounding apart).
    if total < 1e-3 {
        return [0.5, 0.5];
    }
    [across / total / width as f32, down / total / photo.height() as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crop(photo: &Photo, share: f32) -> Photo {
        let Part { left, top, width, height } = part(photo, share);
        photo.cropped(left, top, width, height)
    }

    #[test]
    fn a_red_spot_comes_to_a_crossing() {
        // A spot around (70, 60) on a bright sky and a dark ground, which a centre of brightness would follow.
        let photo = Photo::from_fn(120, 90, |x, y| {
            let spot = (x as f32 - 70.0).powi(2) + (y as f32 - 60.0).powi(2) < 36.0;
            if spot { [230, 20, 20] } else { [110, (120 + y / 9) as u8, 120] }
        })
        .unwrap();
        let result = crop(&photo, 0.8);
        assert_eq!((result.width(), result.height()), (96, 72));
        // The crossing is at (64, 48).
        let red: Vec<(u32, u32)> =
            (0..72).flat_map(|y| (0..96).map(move |x| (x, y))).filter(|&(x, y)| result.pixel(x, y)[0] > 200).collect();
        let mean = |of: fn(&(u32, u32)) -> u32| red.iter().map(of).sum::<u32>() as f32 / red.len() as f32;
        assert!((mean(|p| p.0) - 64.0).abs() < 3.0 && (mean(|p| p.1) - 48.0).abs() < 3.0);
    }

    #[test]
    fn nothing_that_stands_out_leaves_the_middle() {
        let flat = Photo::from_fn(30, 10, |_, _| [9, 90, 200]).unwrap();
        assert_eq!((crop(&flat, 0.5).width(), crop(&flat, 0.5).height()), (15, 5));
        let pixel = Photo::from_fn(1, 1, |_, _| [1; 3]).unwrap();
        assert_eq!(crop(&pixel, 0.5), pixel);
    }
}
