//! Profiles that are made here, for files that say their colours in other ways.

use moxcms::{ColorProfile, DataColorSpace, ProfileText, ToneReprCurve, Xyzd};

use super::SRGB_TO_XYZ;

/// Steps of a curve that is written as a table.
const STEPS: u32 = 1023;

/// The profile of Adobe RGB (1998), which cameras mean by a mark in EXIF without writing a profile.
pub(crate) fn adobe_rgb() -> Option<Vec<u8>> {
    ColorProfile::new_adobe_rgb().encode().ok()
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
    profile.encode().ok()
}

/// CIE's light of a lightness, both 0 to 1.
fn light_of_lightness(lightness: f32) -> f32 {
    let lightness = lightness.clamp(0.0, 1.0) * 100.0;
    if lightness > 8.0 { ((lightness + 16.0) / 116.0).powi(3) } else { lightness * 27.0 / 24_389.0 }
}
