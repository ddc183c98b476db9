//! What a PNG says of its colours without a profile becomes a profile.

use moxcms::{Chromaticity, CicpColorPrimaries, ColorPrimaries, ColorProfile, ProfileText, ToneReprCurve, XyY};

use crate::profile::{srgb_with_curve, written};

/// How far a power may be from sRGB's curve, which is near to 2.2, to be taken for it: files have 45455 and 50000 hundred-thousandths
/// where they mean sRGB and linear light; libpng's threshold is the same.
const TOLERANCE: f64 = 0.05;

const DESCRIPTION: &str = "colours that the file names";

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

    /// A profile of the curve and the primaries, where they are not those of sRGB.
    pub(super) fn profile(self) -> Option<Vec<u8>> {
        let differs =
            |(own, other): (&[f64; 2], &[f64; 2])| (own[0] - other[0]).abs().max((own[1] - other[1]).abs()) > 0.002;
        let own_places = self.places.iter().zip(&SRGB).any(differs);
        let curve = match self.curve {
            Curve::Srgb if !own_places => return None,
            Curve::Srgb => None,
            Curve::Power(power) => Some(ToneReprCurve::Parametric(vec![power as f32])),
            Curve::Television => {
                Some(ToneReprCurve::Parametric(vec![1.0 / 0.45, 1.0 / 1.099, 0.099 / 1.099, 1.0 / 4.5, 0.081]))
            }
        };
        if let Some(curve) = curve.as_ref().filter(|_| !own_places) {
            return srgb_with_curve(curve, DESCRIPTION);
        }
        let [red, green, blue, white] = self.places;
        let place = |[x, y]: [f64; 2]| Chromaticity::new(x as f32, y as f32);
        let mut profile = ColorProfile::new_srgb();
        let white = XyY { x: white[0], y: white[1], yb: 1.0 };
        // It takes out, too, what the profile says in numbers.
        profile
            .update_rgb_colorimetry(white, ColorPrimaries { red: place(red), green: place(green), blue: place(blue) });
        if let Some(curve) = curve {
            profile.red_trc = Some(curve.clone());
            profile.green_trc = Some(curve.clone());
            profile.blue_trc = Some(curve);
        }
        profile.description = Some(ProfileText::PlainString(DESCRIPTION.to_owned()));
        written(profile, self.places[3])
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

    #[test]
    fn a_curve_becomes_a_profile() {
        let profile = Colours::of_gamma(Some(100_000), None).profile().unwrap();
        let read = ColorProfile::new_from_slice(&profile).unwrap();
        let light = |value| read.red_trc.as_ref().unwrap().make_linear_evaluator().unwrap().evaluate_value(value);
        assert!((light(0.25) - 0.25).abs() < 1e-4, "{}", light(0.25));
        let profile = Colours::of_numbers([1, 1, 0, 1]).unwrap().profile().unwrap();
        let read = ColorProfile::new_from_slice(&profile).unwrap();
        let light = |value| read.blue_trc.as_ref().unwrap().make_linear_evaluator().unwrap().evaluate_value(value);
        // BT.709: 0.5 of the value is 0.2597 of the light.
        assert!((light(0.5) - 0.2597).abs() < 1e-3 && (light(0.045) - 0.01).abs() < 1e-4, "{}", light(0.5));
    }

    #[test]
    fn what_is_srgb_or_impossible_needs_no_profile() {
        for (gamma, places) in [
            (Some(45_455), None),
            (None, None),
            (Some(0), Some([0; 8])),
            (Some(u32::MAX), Some([u32::MAX; 8])),
            (Some(45_000), Some([31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000])),
        ] {
            assert_eq!(Colours::of_gamma(gamma, places).profile(), None, "{gamma:?}");
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
