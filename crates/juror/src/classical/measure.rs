//! What the classical juror measures on a photo.

mod colour;
mod detail;
mod tones;

use dodge_imaging::{LabConverter, Photo};

use colour::Colour;
use detail::Detail;
use tones::Tones;

/// Statistics of one photo, all finite.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measurements {
    /// Mean of luma, 0 to 1.
    pub mean_luma: f64,
    /// Standard deviation of luma, 0 to 0.5.
    pub luma_deviation: f64,
    /// Luma below which 1 % of the pixels lie, 0 to 1.
    pub black_point: f64,
    /// Luma above which 0.1 % of the pixels lie, 0 to 1.
    pub white_point: f64,
    /// Median of luma between that below which 1 % of the pixels lie (0) and that above which 1 % lie (1).
    pub relative_median: f64,
    /// Luma above which 30 % of the pixels lie, 0 to 1. Below one half by little in photographs, and so near where a curve for more contrast parts brighter from
    /// darker: whatever the contrast of a scene is, such a curve moves it away from there.
    pub upper_midtones: f64,
    /// How much of the range of luma, which holds nine tenths of the pixels, the middle half of them takes, 0 to 1.
    pub middle_share: f64,
    /// Share of channel values that are 0 or 1.
    pub clipped_dark: f64,
    /// Share of channel values that are 254 or 255.
    pub clipped_bright: f64,
    /// Colourfulness M3 of Hasler and Süsstrunk (2003), on signed opponent channels as in the paper: 0 is grey, 15
    /// slightly, 33 moderately, 59 quite, 109 extremely colourful.
    pub colourfulness: f64,
    /// Saturation (the S of HSV) above which 2 % of the pixels lie, 0 to 1; nearly black ones do not count.
    pub vividness: f64,
    /// Mean difference of opponent colours between pixels eight apart over that of luma, 0 or more.
    pub colour_contrast: f64,
    /// Mean chroma of the darker half of the pixels over that of the brighter half.
    pub shadow_colour: f64,
    /// Mean a* of the nearly neutral pixels, shrunk towards 0 where these are few: green (-) to magenta (+).
    pub neutral_a: f64,
    /// Mean b* of the nearly neutral pixels, likewise: blue (-) to yellow (+).
    pub neutral_b: f64,
    /// Mean difference of blue between pixels three apart over that of red. Near 1 under white light, whose edges are grey on
    /// average (grey-edge hypothesis, van de Weijer 2007); less is warm.
    pub blue_red_edges: f64,
    /// That of green over the geometric mean of those of red and blue; less is magenta.
    pub green_edges: f64,
    /// Mean absolute difference of neighbouring pixels over the same between pixels three apart. About one half in
    /// photographs, whose amplitude spectrum falls with the frequency (Field 1987); less when blurred, up to 1 in noise.
    pub fine_detail: f64,
    /// Standard deviation of the noise in levels of 255, by Immerkær's (1996) operator in the quietest tenth of blocks.
    pub noise: f64,
    /// By how much small steps are larger at every eighth pixel than between, wherever the grid begins, as a share of their mean: 0 without a
    /// trace of the blocks of JPEG.
    pub blockiness: f64,
    /// Mean luma of the four corners, each an eighth of either side, over that of all; 1 where a photo is black.
    pub corners: f64,
}

/// One number a pixel, row by row: a channel, luma or the difference of two channels.
type Plane = Vec<i16>;

impl Measurements {
    /// Measures a photo: luma and the differences of channels on every pixel, colours on a grid of at most about 160 x 160.
    #[must_use]
    pub fn of(photo: &Photo, lab: &LabConverter) -> Self {
        let pixels = photo.pixels().chunks_exact(3);
        let mut channels: [Plane; 3] = std::array::from_fn(|_| vec![0; pixels.len()]);
        let mut luma: Plane = vec![0; pixels.len()];
        let [red, green, blue] = &mut channels;
        for ((((pixel, r), g), b), luma) in pixels.zip(red).zip(green).zip(blue).zip(&mut luma) {
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]];
            (*r, *g, *b) = (red.into(), green.into(), blue.into());
            // Rec. 601 in 16-bit fixed point: 19595 + 38470 + 7471 = 65536.
            *luma = ((19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue) + 32_768) >> 16) as i16;
        }
        let tones = Tones::of(&luma);
        let colour = Colour::of(photo, &luma, tones.median_level, lab);
        let detail = Detail::of(&channels, &luma, photo.width() as usize, photo.height() as usize);
        let share = |ends: std::ops::RangeInclusive<u8>| {
            photo.pixels().iter().filter(|value| ends.contains(value)).count() as f64 / photo.pixels().len() as f64
        };
        Self {
            mean_luma: tones.mean,
            luma_deviation: tones.deviation,
            black_point: tones.black,
            white_point: tones.white,
            relative_median: tones.relative_median,
            upper_midtones: tones.upper_midtones,
            middle_share: tones.middle_share,
            clipped_dark: share(0..=1),
            clipped_bright: share(254..=255),
            colourfulness: colour.colourfulness,
            vividness: colour.vividness,
            colour_contrast: detail.colour_contrast,
            shadow_colour: colour.shadow_colour,
            neutral_a: colour.neutral_a,
            neutral_b: colour.neutral_b,
            blue_red_edges: detail.blue_red_edges,
            green_edges: detail.green_edges,
            fine_detail: detail.fine_detail,
            noise: detail.noise,
            blockiness: detail.blockiness,
            corners: tones::corners(&luma, photo.width() as usize),
        }
    }
}
