//! What a hand can add: every kind of operation, in the groups in which people look for them.

use dodge_imaging::OperationKind as Kind;
use serde_json::{Value, json};

/// All kinds, for the page: name, group, what it does, and either the range of its strength or the words that it takes.
pub(crate) fn all() -> Value {
    Kind::ALL.iter().map(|&kind| described(kind)).collect()
}

fn described(kind: Kind) -> Value {
    let mut value = json!({
        "name": kind.name(),
        "label": kind.name().replace('-', " "),
        "group": group(kind),
        "about": kind.description(),
    });
    if kind.has_strength() {
        let (low, neutral, high) = kind.range();
        value["range"] = [low, neutral, high].map(as_written).as_slice().into();
        value["start"] = as_written(start(kind)).into();
        // Its exponent: the way from a half to 1 is as long as that from 1 to 2.
        value["is_ratio"] = json!(kind == Kind::Gamma);
    } else {
        value["words"] = json!(words(kind));
    }
    value
}

/// The number that a person would write: 0.1, and not what the nearest float is in more digits.
fn as_written(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_default()
}

fn group(kind: Kind) -> &'static str {
    match kind {
        Kind::Lightness
        | Kind::Contrast
        | Kind::Gamma
        | Kind::Exposure
        | Kind::Shadows
        | Kind::Highlights
        | Kind::Haze
        | Kind::AutoContrast
        | Kind::AutoGamma
        | Kind::Clahe
        | Kind::Clarity => "Light",
        Kind::Saturation
        | Kind::HsvSaturation
        | Kind::Vibrance
        | Kind::Warmth
        | Kind::Tint
        | Kind::GreyWorld
        | Kind::ShadesOfGrey
        | Kind::Greyscale => "Colour",
        Kind::Sharpen
        | Kind::SharpenEight
        | Kind::UnsharpMask
        | Kind::Blur
        | Kind::BoxBlur
        | Kind::Median
        | Kind::MedianBlur => "Detail",
        Kind::Crop | Kind::CropOriented | Kind::CropThirds | Kind::LevelHorizon | Kind::Flip => "Frame",
        _ => "Effects",
    }
}

/// The strength that an edit has when it is added: seen, and no more than that.
fn start(kind: Kind) -> f32 {
    let (low, neutral, high) = kind.range();
    match kind {
        Kind::Lightness => 15.0,
        Kind::Contrast | Kind::Gamma | Kind::Saturation | Kind::HsvSaturation => 1.15,
        Kind::Exposure => 0.3,
        Kind::AutoContrast => 0.5,
        Kind::Clahe => 2.0,
        Kind::Sharpen | Kind::UnsharpMask => 0.5,
        Kind::SharpenEight => 0.2,
        Kind::Clarity => 0.3,
        Kind::Blur | Kind::BoxBlur | Kind::MedianBlur => 1.0,
        Kind::Median | Kind::GreyWorld | Kind::ShadesOfGrey | Kind::AutoGamma => high / 2.0,
        Kind::Noise => 6.0,
        Kind::Jpeg => 60.0,
        Kind::CropThirds => 0.8,
        Kind::LevelHorizon => 10.0,
        Kind::Warmth | Kind::Tint => 0.05,
        _ if neutral == low => low + (high - low) / 10.0,
        _ => neutral + (high - neutral) / 5.0,
    }
}

fn words(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Invert => &["rgb", "r", "g", "b", "rg", "rb", "gb"],
        Kind::Channels => &["grb", "rbg", "bgr", "gbr", "brg"],
        Kind::Greyscale => &["luminosity", "average"],
        Kind::Flip => &["horizontal", "vertical"],
        Kind::Shift => &["left", "right", "up", "down"],
        Kind::Crop => &["3x2", "4x3", "16x9", "1x1", "5x4", "4x5", "9x16", "3x4", "2x3"],
        Kind::CropOriented => &["3x2", "4x3", "16x9", "5x4", "1x1"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use dodge_imaging::Operation;

    use super::*;

    #[test]
    fn every_kind_can_be_added_as_it_is_offered() {
        for &kind in Kind::ALL {
            let offered = described(kind);
            let texts: Vec<String> = match offered["words"].as_array() {
                Some(words) => words.iter().map(|word| format!("{}:{}", kind.name(), word.as_str().unwrap())).collect(),
                None => vec![format!("{}:{}", kind.name(), offered["start"])],
            };
            assert!(!texts.is_empty(), "{}", kind.name());
            for text in texts {
                let operation: Operation = text.parse().unwrap();
                assert_eq!(operation.kind(), kind);
                let (_, neutral, _) = kind.range();
                assert!(operation.strength().is_none_or(|strength| strength != neutral), "{text} does nothing");
            }
        }
    }
}
