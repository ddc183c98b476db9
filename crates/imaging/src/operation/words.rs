//! Operations in plain words, for people.

use super::{Argument, Operation};
use crate::{Axis, ChannelSet, Grey, OperationKind};

impl Operation {
    /// The edit in plain words, for people: "raise the contrast (x1.20)".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.argument {
            Argument::Amount(amount) => strength_in_words(self.kind, amount),
            Argument::Ratio(ratio) if self.kind == OperationKind::CropOriented => {
                format!("crop to {}:{} in the photo's orientation", ratio.width(), ratio.height())
            }
            Argument::Ratio(ratio) => format!("crop to {}:{}", ratio.width(), ratio.height()),
            Argument::Order(order) => {
                let [red, green, blue] = order.sources().map(|source| NAMES[source]);
                format!("take {red} as red, {green} as green and {blue} as blue")
            }
            Argument::Set(ChannelSet::ALL) => "turn into the negative".to_owned(),
            Argument::Set(set) => format!("turn {} into the negative", listed(set)),
            Argument::Grey(Grey::Luminosity) => "make black and white".to_owned(),
            Argument::Grey(Grey::Average) => "make black and white (mean of the channels)".to_owned(),
            Argument::Axis(Axis::Horizontal) => "exchange left and right".to_owned(),
            Argument::Axis(Axis::Vertical) => "exchange top and bottom".to_owned(),
            Argument::Shift(direction, ChannelSet::ALL) => format!("move {} by half", direction.word()),
            Argument::Shift(direction, set) => format!("move {} {} by half", listed(set), direction.word()),
        }
    }
}

const NAMES: [&str; 3] = ["red", "green", "blue"];

fn listed(set: ChannelSet) -> String {
    let names = NAMES.iter().zip(set.members()).filter(|(_, member)| *member).map(|(name, _)| *name);
    names.collect::<Vec<_>>().join(" and ")
}

fn strength_in_words(kind: OperationKind, amount: f32) -> String {
    let (_, neutral, _) = kind.range();
    let either = |up: &'static str, down: &'static str| if amount >= neutral { up } else { down };
    let factor = |words: &str| format!("{words} (x{amount:.2})");
    let signed = |words: &str| format!("{words} ({amount:+.2})");
    let share = |words: &str| format!("{words} ({:.0} %)", amount * 100.0);
    match kind {
        OperationKind::Lightness => {
            format!("{} ({amount:+} levels)", either("lighten everything", "darken everything"))
        }
        OperationKind::Contrast => factor(either("raise the contrast", "lower the contrast")),
        OperationKind::Gamma => {
            format!("{} (gamma {amount:.2})", either("brighten the mid-tones", "darken the mid-tones"))
        }
        OperationKind::Exposure => format!("{} ({amount:+.2} stops)", either("expose longer", "expose shorter")),
        OperationKind::Shadows => signed(either("lift the shadows", "deepen the shadows")),
        OperationKind::Highlights => signed(either("raise the highlights", "recover the highlights")),
        OperationKind::Haze => signed(either("add haze", "remove haze")),
        OperationKind::Saturation => factor(either("make the colours stronger", "make the colours calmer")),
        OperationKind::HsvSaturation => {
            format!("{} (HSV x{amount:.2})", either("make the colours stronger", "make the colours calmer"))
        }
        OperationKind::Vibrance => signed(either("enliven the dull colours", "calm the dull colours")),
        OperationKind::Warmth => signed(either("make the light warmer", "make the light cooler")),
        OperationKind::Tint => signed(either("shift towards magenta", "shift towards green")),
        OperationKind::GreyWorld => share("neutralise the colour cast"),
        OperationKind::ShadesOfGrey => share("neutralise the colour cast of the lights"),
        OperationKind::AutoContrast => "stretch the tones to the full range".to_owned(),
        OperationKind::AutoGamma => share("bring the mean brightness to the middle"),
        OperationKind::Clahe => format!("even out the local contrast (limit {amount:.2})"),
        OperationKind::Sharpen => format!("sharpen ({amount:.2})"),
        OperationKind::SharpenEight => format!("sharpen in all directions ({amount:.2})"),
        OperationKind::UnsharpMask => format!("sharpen with an unsharp mask ({amount:.2})"),
        OperationKind::Clarity => signed(either("add local contrast", "soften local contrast")),
        OperationKind::Blur => format!("blur by {amount} pixels"),
        OperationKind::BoxBlur => format!("blur with a box of {amount} pixels to each side"),
        OperationKind::Median => "remove specks".to_owned(),
        OperationKind::MedianBlur => format!("remove details of up to {amount} pixels"),
        OperationKind::Noise => format!("add noise ({amount} levels)"),
        OperationKind::Jpeg => format!("compress as a JPEG of quality {amount:.0}"),
        OperationKind::Vignette => signed(either("darken the corners", "brighten the corners")),
        OperationKind::CropThirds => share("crop around what stands out"),
        OperationKind::LevelHorizon => format!("level the horizon (by at most {amount} degrees)"),
        OperationKind::Invert
        | OperationKind::Channels
        | OperationKind::Greyscale
        | OperationKind::Flip
        | OperationKind::Shift
        | OperationKind::Crop
        | OperationKind::CropOriented => kind.name().to_owned(),
    }
}
