//! Profiles that are made here, for files that say their colours in other ways.

use moxcms::{ColorProfile, DataColorSpace, ProfileText, ToneReprCurve, Xyz, Xyzd, adaption_matrix_d};

use super::SRGB_TO_XYZ;

/// Steps of a curve that is written as a table.
const STEPS: u32 = 1023;

/// The profile of Adobe RGB (1998), which cameras mean by a mark in EXIF without writing a profile.
pub(crate) fn adobe_rgb() -> Option<Vec<u8>> {
    written(ColorProfile::new_adobe_rgb(), D65)
}

/// The white of sRGB and of Adobe RGB: x and y of CIE 1931.
const D65: [f64; 2] = [0.3127, 0.329];

/// The white of all profiles (ICC.1, 7.2.16), and the same in sixteenths of a 4,096th, as it is written.
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
const D50_WRITTEN: [u32; 3] = [0xf6d6, 0x1_0000, 0xd32d];

/// Where the header of a profile has the time at which it was made, and the white.
const TIME: std::ops::Range<usize> = 24..36;
const WHITE: std::ops::Range<usize> = 68..80;

/// The bytes of a profile whose colours were seen under a white (x and y of CIE 1931), always the same ones: with the white that profiles
/// have, how that was adapted, and no time.
pub(crate) fn written(mut profile: ColorProfile, [x, y]: [f64; 2]) -> Option<Vec<u8>> {
    let of = |[x, y, z]: [f64; 3]| Xyz::new(x as f32, y as f32, z as f32);
    profile.media_white_point = Some(Xyzd::new(D50[0], D50[1], D50[2]));
    profile.chromatic_adaptation = Some(adaption_matrix_d(of([x / y, 1.0, (1.0 - x - y) / y]), of(D50)));
    let mut bytes = profile.encode().ok()?;
    let time = [2000_u16, 1, 1, 0, 0, 0].map(u16::to_be_bytes);
    bytes.get_mut(TIME)?.copy_from_slice(time.as_flattened());
    bytes.get_mut(WHITE)?.copy_from_slice(D50_WRITTEN.map(u32::to_be_bytes).as_flattened());
    Some(bytes)
}

/// A profile for three equal values that look as a grey one under a profile of greys: its curve with the primaries of sRGB. None
/// where the bytes are no such profile.
pub(crate) fn of_grey(icc: &[u8]) -> Option<Vec<u8>> {
    let grey = ColorProfile::new_from_slice(icc).ok()?;
    if grey.color_space != DataColorSpace::Gray {
        return None;
    }
    let own = grey.gray_trc?;
    let curve = match grey.pcs {
        DataColorSpace::Xyz => own,
        // The curve is one to lightness there.
        DataColorSpace::Lab => {
            let lightness = own.make_linear_evaluator().ok()?;
            let light = |step| light_of_lightness(lightness.evaluate_value(step as f32 / STEPS as f32));
            ToneReprCurve::Lut((0..=STEPS).map(|step| (light(step) * 65_535.0).round() as u16).collect())
        }
        _ => return None,
    };
    srgb_with_curve(&curve, "greys of the file as RGB")
}

/// A profile of sRGB's primaries with another curve for all channels.
pub(crate) fn srgb_with_curve(curve: &ToneReprCurve, description: &str) -> Option<Vec<u8>> {
    let mut profile = ColorProfile::new_srgb();
    // What it says of sRGB in numbers would go before the curve.
    profile.cicp = None;
    let [red, green, blue] = [0, 1, 2].map(|column| {
        let [x, y, z] = SRGB_TO_XYZ.v.map(|row| row[column]);
        Xyzd::new(x, y, z)
    });
    (profile.red_colorant, profile.green_colorant, profile.blue_colorant) = (red, green, blue);
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve.clone());
    profile.description = Some(ProfileText::PlainString(description.to_owned()));
    written(profile, D65)
}

/// CIE's light of a lightness, both 0 to 1.
fn light_of_lightness(lightness: f32) -> f32 {
    let lightness = lightness.clamp(0.0, 1.0) * 100.0;
    if lightness > 8.0 { ((lightness + 16.0) / 116.0).powi(3) } else { lightness * 27.0 / 24_389.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of a tag, as they are written.
    fn numbers(profile: &[u8], tag: &[u8; 4]) -> Vec<f64> {
        let long = |at: usize| u32::from_be_bytes(profile[at..at + 4].try_into().unwrap());
        let entries = (0..long(128) as usize).map(|index| 132 + 12 * index);
        let entry = entries.into_iter().find(|entry| &profile[*entry..entry + 4] == tag).unwrap();
        let (from, length) = (long(entry + 4) as usize, long(entry + 8) as usize);
        (from + 8..from + length).step_by(4).map(|at| f64::from(long(at) as i32) / 65_536.0).collect()
    }

    #[test]
    fn what_is_made_here_has_the_white_of_profiles_and_how_the_own_was_adapted() {
        // From D65, by Bradford: http://www.brucelindbloom.com/index.html?Eqn_ChromAdapt.html
        let adapted = [1.047_8, 0.022_9, -0.050_1, 0.029_5, 0.990_5, -0.017, -0.009_2, 0.015_1, 0.752_1];
        let power = srgb_with_curve(&ToneReprCurve::Parametric(vec![1.8]), "a power").unwrap();
        for profile in [adobe_rgb().unwrap(), power] {
            assert_eq!(profile[WHITE], *D50_WRITTEN.map(u32::to_be_bytes).as_flattened());
            for (tag, expected) in [(b"wtpt", &D50[..]), (b"chad", &adapted)] {
                let written = numbers(&profile, tag);
                assert_eq!(written.len(), expected.len());
                assert!(written.iter().zip(expected).all(|(own, it)| (own - it).abs() < 5e-4), "{tag:?}: {written:?}");
            }
        }
        assert_eq!(adobe_rgb(), adobe_rgb(), "at any time");
    }
}
