//! What a PNG says of its colours without a profile: the values become those of sRGB's curve, and other primaries a profile.

use moxcms::{Chromaticity, CicpColorPrimaries, ColorPrimaries, ColorProfile, ProfileText, XyY};

use super::picture::Pixels;
use crate::Sample;

/// How far a power may be from sRGB's curve, which is near to 2.2, to be taken for it: files have 45455 and 50000 hundred-thousandths
/// where they mean sRGB and linear light; libpng's threshold is the same.
const TOLERANCE: f64 = 0.05;

/// From values to light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Curve {
    Srgb,
    Power(f64),
    /// That of television, BT.709.
    Television,
}

/// Red, green, blue and white, as x and y.
type Places = [[f64; 2]; 4];

const D65: [f64; 2] = [0.3127, 0.329];
const SRGB: Places = [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06], D65];

/// What a file says of its colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colours {
    curve: Curve,
    places: Places,
}

impl Colours {
    pub(super) const SRGB: Self = Self { curve: Curve::Srgb, places: SRGB };

    /// By the exponent and the primaries that a file names, in hundred-thousandths. What is impossible counts as not named.
    pub(super) fn of_gamma(gamma: Option<u32>, places: Option<[u32; 8]>) -> Self {
        let scaled = |value: u32| f64::from(value) / 100_000.0;
        let curve = match gamma.map(scaled) {
            // Between a fifth and five: more is no curve of a picture.
            Some(gamma) if (0.2..=5.0).contains(&gamma) && (gamma * 2.2 - 1.0).abs() > TOLERANCE => {
                Curve::Power(1.0 / gamma)
            }
            _ => Curve::Srgb,
        };
        // White stands first in the file.
        let named = places
            .map(|places| places.map(scaled))
            .map(|[wx, wy, rx, ry, gx, gy, bx, by]| [[rx, ry], [gx, gy], [bx, by], [wx, wy]]);
        Self { curve, places: named.filter(are_possible).unwrap_or(SRGB) }
    }

    /// By the numbers of ITU-T H.273.
    ///
    /// # Errors
    /// What is not read, in words: brightness beyond white, video and unknown numbers.
    pub(super) fn of_numbers([primaries, transfer, matrix, full]: [u8; 4]) -> Result<Self, String> {
        let refused = |what: &str| Err(format!("{what}: export it as a PNG or TIFF in sRGB"));
        if matrix != 0 || full != 1 {
            return refused("its values are those of video");
        }
        let curve = match transfer {
            1 | 6 | 14 | 15 => Curve::Television,
            2 | 13 => Curve::Srgb,
            4 => Curve::Power(2.2),
            5 => Curve::Power(2.8),
            8 => Curve::Power(1.0),
            16 | 18 => return refused("it is an HDR picture (PQ or HLG), brighter than white, which is not read"),
            _ => return refused(&format!("its values have a curve of number {transfer}, which is not read")),
        };
        let white = match primaries {
            1 | 2 | 5..=7 | 9 | 12 => D65,
            11 => [0.314, 0.351],
            _ => return refused(&format!("its colours are of number {primaries}, which is not read")),
        };
        let named = CicpColorPrimaries::try_from(primaries).and_then(ColorPrimaries::try_from);
        let places = match named {
            Ok(named) if primaries > 2 => {
                let place = |place: Chromaticity| [f64::from(place.x), f64::from(place.y)];
                [place(named.red), place(named.green), place(named.blue), white]
            }
            _ => SRGB,
        };
        Ok(Self { curve, places })
    }

    /// Gives the pixels the curve of sRGB. Whether any changed.
    pub(super) fn straighten(self, pixels: &mut Pixels) -> bool {
        if self.curve == Curve::Srgb {
            return false;
        }
        match pixels {
            Pixels::Eight(photo) => {
                let table: Vec<u8> = (0..=u8::MAX).map(|value| self.value(value)).collect();
                photo.pixels_mut().iter_mut().for_each(|value| *value = table[usize::from(*value)]);
            }
            Pixels::Sixteen(photo) => {
                let table: Vec<u16> = (0..=u16::MAX).map(|value| self.value(value)).collect();
                photo.pixels_mut().iter_mut().for_each(|value| *value = table[usize::from(*value)]);
            }
        }
        true
    }

    fn value<T: Sample>(self, value: T) -> T {
        let value = f64::from(value.to_level()) / 255.0;
        let light = match self.curve {
            Curve::Srgb => return T::from_level((value * 255.0) as f32),
            Curve::Power(power) => value.powf(power),
            Curve::Television if value < 0.081 => value / 4.5,
            Curve::Television => ((value + 0.099) / 1.099).powf(1.0 / 0.45),
        };
        let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        T::from_level((value * 255.0) as f32)
    }

    /// A profile of sRGB's curve with the primaries, where they are not those of sRGB.
    pub(super) fn profile(self) -> Option<Vec<u8>> {
        let differs =
            |(own, other): (&[f64; 2], &[f64; 2])| (own[0] - other[0]).abs().max((own[1] - other[1]).abs()) > 0.002;
        if !self.places.iter().zip(&SRGB).any(differs) {
            return None;
        }
        let [red, green, blue, white] = self.places;
        let place = |[x, y]: [f64; 2]| Chromaticity::new(x as f32, y as f32);
        let mut profile = ColorProfile::new_srgb();
        let white = XyY { x: white[0], y: white[1], yb: 1.0 };
        profile
            .update_rgb_colorimetry(white, ColorPrimaries { red: place(red), green: place(green), blue: place(blue) });
        profile.description = Some(ProfileText::PlainString("primaries of the file, curve of sRGB".to_owned()));
        profile.encode().ok()
    }
}

/// Primaries that span an area, and a white that is a colour.
fn are_possible(places: &Places) -> bool {
    let [red, green, blue, white] = places;
    let area = (green[0] - red[0]) * (blue[1] - red[1]) - (blue[0] - red[0]) * (green[1] - red[1]);
    area.abs() > 0.005 && places.iter().all(|place| place[0] <= 1.5 && place[1] <= 1.5) && white[1] > 0.05
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Photo;

    #[test]
    fn linear_light_gets_the_curve_of_srgb() {
        let mut pixels = Pixels::Eight(Photo::new(1, 1, vec![0, 55, 255]).unwrap());
        assert!(Colours::of_gamma(Some(100_000), None).straighten(&mut pixels));
        // 55 of 255 is 21.6 % of the light, which sRGB writes as 128.
        assert_eq!(pixels.to_eight().pixels(), [0, 128, 255]);
        let mut pixels = Pixels::Sixteen(Photo::new(1, 1, vec![0, 14_135, 65_535]).unwrap());
        assert!(Colours::of_gamma(Some(100_000), None).straighten(&mut pixels));
        let Pixels::Sixteen(photo) = pixels else { panic!("the depth stays") };
        assert!(photo.pixels()[1].abs_diff(128 * 257) < 20 && photo.pixels()[2] == 65_535);
    }

    #[test]
    fn what_is_srgb_or_impossible_changes_nothing() {
        for (gamma, places) in [
            (Some(45_455), None),
            (None, None),
            (Some(0), Some([0; 8])),
            (Some(u32::MAX), Some([u32::MAX; 8])),
            (Some(45_000), Some([31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000])),
        ] {
            let colours = Colours::of_gamma(gamma, places);
            assert!(!colours.straighten(&mut Pixels::Eight(Photo::new(1, 1, vec![9; 3]).unwrap())));
            assert_eq!(colours.profile(), None, "{gamma:?}");
        }
    }

    #[test]
    fn numbers_mean_curves_and_profiles() {
        let of = Colours::of_numbers;
        assert_eq!(of([1, 13, 0, 1]).unwrap(), Colours::SRGB);
        let wide = of([12, 13, 0, 1]).unwrap();
        assert_eq!(wide.curve, Curve::Srgb);
        let profile = wide.profile().unwrap();
        assert_eq!(&profile[16..20], b"RGB ");
        let read = ColorProfile::new_from_slice(&profile).unwrap();
        let expected = ColorProfile::new_display_p3();
        assert!((read.red_colorant.x - expected.red_colorant.x).abs() < 0.01);
        assert_eq!(of([1, 8, 0, 1]).unwrap().curve, Curve::Power(1.0));
        for numbers in [[9, 16, 0, 1], [9, 18, 0, 1], [1, 13, 1, 1], [1, 13, 0, 0], [1, 77, 0, 1], [200, 13, 0, 1]] {
            assert!(of(numbers).is_err(), "{numbers:?}");
        }
    }
}
