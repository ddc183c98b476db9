//! Synthetic photos: an endless series of naive scenes with the statistics of photographs.
//!
//! The scenes (mountains, countryside, coast, forest, flowers, animals, portraits, facades, streets, still lifes,
//! rooms) are painted in linear light with a light source, texture at all scales, haze and depth of field, and then
//! *developed* like a picture that somebody kept: properly exposed, balanced, with near the full range of tones. So
//! colour says something about content (sky is blue, leaves are green, skin is skin), which is what an agent needs to
//! learn when a picture is off.
//!
//! Nothing here depends on the platform's mathematics library, on a random generator of another crate, on threads or on
//! the clock: a photo has the same bytes on every system with IEEE 754 single precision arithmetic.

mod camera;
mod canvas;
mod city;
mod colour;
mod indoor;
mod leaves;
mod light;
mod math;
mod nature;
mod noise;
mod people;
mod plants;
mod random;
mod sky;
mod terrain;

use dodge_imaging::Photo;

use camera::Finish;
use canvas::Canvas;
use random::Random;

/// Version of the generator; it changes whenever a photo would come out differently.
pub const SYNTHETIC_VERSION: u32 = 1;

type Painter = fn(&mut Canvas, &mut Random);

/// The scenes with their share of all photos, in percent.
const SCENES: [(u32, Painter); 11] = [
    (12, terrain::mountains),
    (14, terrain::countryside),
    (12, terrain::coast),
    (8, nature::forest),
    (8, nature::blossom),
    (8, nature::animal),
    (12, people::portrait),
    (8, city::facades),
    (7, city::street),
    (7, indoor::still_life),
    (4, indoor::room),
];

/// Width and height of photo `index` of the series `seed`, with `size` pixels on the longer side: 3:2, two thirds of
/// them landscape, the others upright.
#[must_use]
pub fn frame(seed: u64, index: u64, size: u32) -> (u32, u32) {
    let shorter = (size * 2).div_ceil(3).max(1);
    if Random::new(seed ^ 0x6672_616d, index).chance(2.0 / 3.0) { (size, shorter) } else { (shorter, size) }
}

/// Photo `index` of the series that `seed` stands for. It depends on nothing else: a longer series begins with the same
/// photos. A photo of another size shows the same scene, painted anew.
///
/// Pure; sRGB; takes about 30 ms for 384x256 pixels on one core in a release build.
///
/// # Panics
/// When a side is zero.
#[must_use]
pub fn photo(seed: u64, index: u64, width: u32, height: u32) -> Photo {
    assert!(width > 0 && height > 0, "a photo of {width}x{height} pixels has no content");
    let mut random = Random::new(seed, index);
    let finish = Finish::new(&mut random);
    let mut canvas = Canvas::new(width, height);
    scene(random.count(0, 99))(&mut canvas, &mut random);
    finish.develop(&mut canvas, &mut random)
}

/// Picture `index` of another series: dead leaves, things of all sizes that hide each other, of no kind that has a name. Nothing to look at, but
/// spread in colour and tone as photographs are, and each unlike all others: to learn from, beside photos or in their place.
///
/// Pure; sRGB; takes about 5 ms for 144x96 pixels on one core in a release build. [`SYNTHETIC_VERSION`] is also its version.
///
/// # Panics
/// When a side is zero.
#[must_use]
pub fn dead_leaves(seed: u64, index: u64, width: u32, height: u32) -> Photo {
    assert!(width > 0 && height > 0, "a picture of {width}x{height} pixels has no content");
    let mut random = Random::new(seed ^ 0x6c65_6176, index);
    leaves::leaves(&mut Canvas::new(width, height), &mut random)
}

fn scene(percent: u32) -> Painter {
    let mut below = 0;
    for (share, painter) in SCENES {
        below += share;
        if percent < below {
            return painter;
        }
    }
    SCENES[0].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!(SCENES.iter().map(|(share, _)| share).sum::<u32>(), 100);
    }

    #[test]
    fn every_scene_is_painted_at_any_shape() {
        for (which, (_, painter)) in SCENES.iter().enumerate() {
            for (index, (width, height)) in [(1, 1), (3, 40), (40, 3), (48, 32), (32, 48)].into_iter().enumerate() {
                let mut random = Random::new(which as u64, index as u64);
                let mut canvas = Canvas::new(width, height);
                painter(&mut canvas, &mut random);
                let sane = canvas.pixels.iter().all(|p| [p.0, p.1, p.2].iter().all(|c| c.is_finite() && *c > -0.01));
                assert!(sane, "scene {which} at {width}x{height}");
            }
        }
    }
}
