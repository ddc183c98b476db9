//! Colour difference as people see it.

use super::check_sizes;
use crate::{Error, LabConverter, Photo};

/// Mean CIEDE2000 difference over all pixels: 0 for equal photos; about 1 is just noticeable, 5 plain to see.
///
/// # Errors
/// [`Error::SizeMismatch`] when the sizes differ.
pub fn mean_delta_e_2000(a: &Photo, b: &Photo) -> Result<f64, Error> {
    check_sizes(a, b)?;
    let converter = LabConverter::new();
    let pixels = a.pixels().as_chunks().0.iter().zip(b.pixels().as_chunks().0);
    let differences = pixels.map(|(&a, &b)| {
        let lab = |pixel| converter.convert(pixel).map(f64::from);
        if a == b { 0.0 } else { delta_e_2000(lab(a), lab(b)) }
    });
    Ok(differences.sum::<f64>() / (a.pixels().len() / 3) as f64)
}

const SIN_30: f64 = 0.5;
const COS_30: f64 = 0.866_025_403_784_438_6;
const SIN_6: f64 = 0.104_528_463_267_653_47;
const COS_6: f64 = 0.994_521_895_368_273_3;
const SIN_63: f64 = 0.891_006_524_188_367_9;
const COS_63: f64 = 0.453_990_499_739_546_75;

/// The CIEDE2000 difference of two colours in CIE L*a*b* (L* 0 to 100), with all weights 1; as Sharma, Wu and Dalal (2005) spell it
/// out.
#[must_use]
pub fn delta_e_2000(one: [f64; 3], other: [f64; 3]) -> f64 {
    // Not `hypot`, which takes several times as long to spare what does not occur: overflow.
    let chroma = |a: f64, b: f64| (a * a + b * b).sqrt();
    let seventh = |chroma: f64| {
        let power = chroma.powi(7);
        (power / (power + 25.0_f64.powi(7))).sqrt()
    };
    let mean_chroma = 0.5 * (chroma(one[1], one[2]) + chroma(other[1], other[2]));
    // Near grey, a* is stretched.
    let stretch = 1.0 + 0.5 * (1.0 - seventh(mean_chroma));
    let polar = |[_, a, b]: [f64; 3]| {
        let a = a * stretch;
        let hue = if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees() };
        (chroma(a, b), if hue < 0.0 { hue + 360.0 } else { hue })
    };
    let ((chroma_one, hue_one), (chroma_other, hue_other)) = (polar(one), polar(other));
    let grey = chroma_one * chroma_other == 0.0;

    // The shorter way around the circle.
    let turn = match hue_other - hue_one {
        _ if grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let mean_hue = match hue_one + hue_other {
        sum if grey => sum,
        sum if (hue_one - hue_other).abs() <= 180.0 => 0.5 * sum,
        sum if sum < 360.0 => 0.5 * (sum + 360.0),
        sum => 0.5 * (sum - 360.0),
    };
    let lightness = other[0] - one[0];
    let chroma = chroma_other - chroma_one;
    let hue = 2.0 * (chroma_one * chroma_other).sqrt() * (0.5 * turn).to_radians().sin();

    let (mean_lightness, mean_chroma) = (0.5 * (one[0] + other[0]), 0.5 * (chroma_one + chroma_other));
    // Sines and cosines of the multiples by the theorems of addition: most of the time went into them.
    let (sin, cos) = mean_hue.to_radians().sin_cos();
    let (sin_2, cos_2) = (2.0 * sin * cos, cos * cos - sin * sin);
    let (sin_3, cos_3) = (sin_2 * cos + cos_2 * sin, cos_2 * cos - sin_2 * sin);
    let (sin_4, cos_4) = (2.0 * sin_2 * cos_2, cos_2 * cos_2 - sin_2 * sin_2);
    let weight = 1.0 - 0.17 * (COS_30 * cos + SIN_30 * sin) + 0.24 * cos_2 + 0.32 * (COS_6 * cos_3 - SIN_6 * sin_3)
        - 0.20 * (COS_63 * cos_4 + SIN_63 * sin_4);
    let from_middle = (mean_lightness - 50.0).powi(2);
    let lightness = lightness / (1.0 + 0.015 * from_middle / (20.0 + from_middle).sqrt());
    let chroma = chroma / (1.0 + 0.045 * mean_chroma);
    let hue = hue / (1.0 + 0.015 * mean_chroma * weight);
    // Blue is no circle.
    let turned = 60.0 * (-((mean_hue - 275.0) / 25.0).powi(2)).exp();
    let rotation = -2.0 * seventh(mean_chroma) * turned.to_radians().sin();
    (lightness * lightness + chroma * chroma + hue * hue + rotation * chroma * hue).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_pairs() {
        // Sharma, Wu and Dalal (2005), table 1, those that try each branch.
        for (one, other, expected) in [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, 3.1571, -77.2803], [50.0, 0.0, -82.7485], 2.8615),
            ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0),
            ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0011], 7.2195),
            ([50.0, -0.001, 2.49], [50.0, 0.0009, -2.49], 4.8045),
            ([50.0, 2.5, 0.0], [50.0, 0.0, -2.5], 4.3065),
            ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
            ([50.0, 2.5, 0.0], [61.0, -5.0, 29.0], 22.8977),
            ([50.0, 2.5, 0.0], [56.0, -27.0, -3.0], 31.9030),
            ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
            ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
            ([22.7233, 20.0904, -46.694], [23.0331, 14.973, -42.5619], 2.0373),
            ([6.7747, -0.2908, -2.4247], [5.8714, -0.0985, -2.2286], 0.6377),
            ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
        ] {
            for got in [delta_e_2000(one, other), delta_e_2000(other, one)] {
                assert!((got - expected).abs() < 1e-4, "{one:?} and {other:?}: {got} in place of {expected}");
            }
        }
    }

    #[test]
    fn means_over_photos() {
        let flat = |pixel| Photo::from_fn(4, 2, |_, _| pixel).unwrap();
        assert_eq!(mean_delta_e_2000(&flat([9, 90, 200]), &flat([9, 90, 200])).unwrap(), 0.0);
        let half = Photo::from_fn(4, 2, |x, _| if x < 2 { [0; 3] } else { [255; 3] }).unwrap();
        assert!((mean_delta_e_2000(&flat([0; 3]), &half).unwrap() - 50.0).abs() < 0.1);
        assert!(mean_delta_e_2000(&half, &Photo::from_fn(2, 4, |_, _| [0; 3]).unwrap()).is_err());
    }
}
