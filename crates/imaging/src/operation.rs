//! The library of edits: kinds, strengths and their text form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::kernels::{self, Table};
use crate::{Error, Photo};

/// One edit of a photograph: a kind and how strong it is.
///
/// The text form is `kind:strength` (`contrast:1.2`, `lightness:-20`, `crop:16x9`). Every operation is deterministic,
/// works on encoded sRGB values, rounds to the nearest 8-bit value and clamps to 0..=255. Only a crop changes the size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operation {
    kind: OperationKind,
    strength: Strength,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Strength {
    Amount(f32),
    Ratio(Ratio),
}

/// A side ratio, width to height, each from 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    width: u8,
    height: u8,
}

impl Ratio {
    /// The ratio `width` to `height`; none when one is 0 or above 100.
    #[must_use]
    pub fn new(width: u8, height: u8) -> Option<Self> {
        let valid = 1..=100;
        (valid.contains(&width) && valid.contains(&height)).then_some(Self { width, height })
    }
}

macro_rules! kinds {
    ($($variant:ident, $name:literal, $low:expr, $neutral:expr, $high:expr, $doc:literal;)*) => {
        /// What an operation does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum OperationKind {
            $(#[doc = $doc] $variant,)*
        }

        impl OperationKind {
            /// All kinds, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in the text form.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Smallest strength, the strength at which (almost) nothing happens, and the largest strength.
            /// A crop has no numeric strength: all three are 0.
            #[must_use]
            pub fn range(self) -> (f32, f32, f32) {
                match self { $(Self::$variant => ($low, $neutral, $high),)* }
            }

            /// What it does and the unit of its strength, in one sentence.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

kinds! {
    Lightness, "lightness", -255.0, 0.0, 255.0, "Adds the strength, in levels of 255, to every channel.";
    Contrast, "contrast", 0.0, 1.0, 8.0, "Multiplies the distance of every channel from mid-grey (127.5) by the strength.";
    Gamma, "gamma", 0.1, 1.0, 10.0, "Raises every channel, scaled to 0..1, to the power 1 / strength: above 1 brightens the mid-tones, black and white stay.";
    Shadows, "shadows", -1.0, 0.0, 1.0, "Lifts (above 0) or deepens the dark tones by up to a quarter of the range at strength 1; white stays.";
    Highlights, "highlights", -1.0, 0.0, 1.0, "Raises (above 0) or recovers the bright tones by up to a quarter of the range at strength 1; black stays.";
    Saturation, "saturation", 0.0, 1.0, 8.0, "Multiplies the distance of every channel from the pixel's luma (Rec. 601) by the strength: 0 is greyscale.";
    Vibrance, "vibrance", -1.0, 0.0, 1.0, "Like saturation, but the stronger the duller the pixel, so that vivid colours are left alone.";
    Warmth, "warmth", -1.0, 0.0, 1.0, "Multiplies red by 1 + strength and blue by 1 - strength.";
    Tint, "tint", -1.0, 0.0, 1.0, "Multiplies green by 1 - strength: above 0 shifts towards magenta, below towards green.";
    GreyWorld, "grey-world", 0.0, 0.0, 1.0, "White balance that moves the three channel means towards their common mean, all the way at 1 (grey-world assumption, Buchsbaum 1980).";
    AutoContrast, "auto-contrast", 0.0, 0.0, 20.0, "Stretches luma to the full range with one table for all channels, ignoring the strength as a percentage of pixels at either end; 0 stretches from the darkest to the brightest pixel.";
    Sharpen, "sharpen", 0.0, 0.0, 4.0, "Adds the strength times the 3x3 Laplacian: the pixel against its four neighbours.";
    UnsharpMask, "unsharp-mask", 0.0, 0.0, 8.0, "Adds the strength times the difference from a Gaussian blur of 1.5 pixels.";
    Clarity, "clarity", -2.0, 0.0, 4.0, "Adds the strength times the difference from a wide Gaussian blur (2 % of the longer side): local contrast.";
    Blur, "blur", 0.0, 0.0, 50.0, "Gaussian blur; the strength is the standard deviation in pixels.";
    Median, "median", 0.0, 0.0, 1.0, "Blends with the median of each 3x3 neighbourhood, all of it at 1: removes specks.";
    Crop, "crop", 0.0, 0.0, 0.0, "Cuts the largest centred part with the given side ratio; the strength is written WIDTHxHEIGHT.";
}

impl Operation {
    /// An operation with a numeric strength; see [`OperationKind::range`].
    ///
    /// # Errors
    /// [`Error::InvalidStrength`] when the strength is not finite, out of range, or the kind is a crop.
    pub fn new(kind: OperationKind, strength: f32) -> Result<Self, Error> {
        let (low, _, high) = kind.range();
        let invalid = |reason: String| Error::InvalidStrength { text: format!("{}:{strength}", kind.name()), reason };
        if kind == OperationKind::Crop {
            return Err(invalid("a crop needs a ratio such as 16x9".into()));
        }
        if !(low..=high).contains(&strength) {
            return Err(invalid(format!("the strength must lie between {low} and {high}")));
        }
        Ok(Self { kind, strength: Strength::Amount(strength) })
    }

    /// A centred crop to a side ratio.
    #[must_use]
    pub fn crop(ratio: Ratio) -> Self {
        Self { kind: OperationKind::Crop, strength: Strength::Ratio(ratio) }
    }

    /// What it does.
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    /// How strongly; none for a crop.
    #[must_use]
    pub fn strength(&self) -> Option<f32> {
        match self.strength {
            Strength::Amount(amount) => Some(amount),
            Strength::Ratio(_) => None,
        }
    }

    /// Whether the result may have another size.
    #[must_use]
    pub fn changes_size(&self) -> bool {
        self.kind == OperationKind::Crop
    }

    /// The edited photo. Costs one pass over the pixels for tone and colour, a few for blurs.
    #[must_use]
    pub fn apply(&self, photo: &Photo) -> Photo {
        match self.strength {
            Strength::Ratio(ratio) => crop_to_ratio(photo, ratio),
            Strength::Amount(_) => {
                let mut result = photo.clone();
                self.apply_in_place(&mut result);
                result
            }
        }
    }

    /// Edits the photo itself; for a crop the photo is replaced.
    pub fn apply_in_place(&self, photo: &mut Photo) {
        let amount = match self.strength {
            Strength::Amount(amount) => amount,
            Strength::Ratio(ratio) => {
                *photo = crop_to_ratio(photo, ratio);
                return;
            }
        };
        match self.kind {
            OperationKind::Lightness => tone(photo, |v| v + amount),
            OperationKind::Contrast => tone(photo, |v| 127.5 + amount * (v - 127.5)),
            OperationKind::Gamma => tone(photo, |v| 255.0 * (v / 255.0).powf(1.0 / amount)),
            // 27/4 x (1-x)^2 has its peak of 1 at x = 1/3 and is flat at white; mirrored for the highlights.
            OperationKind::Shadows => tone(photo, |v| {
                let x = v / 255.0;
                v + amount * 63.75 * 6.75 * x * (1.0 - x) * (1.0 - x)
            }),
            OperationKind::Highlights => tone(photo, |v| {
                let x = v / 255.0;
                v + amount * 63.75 * 6.75 * x * x * (1.0 - x)
            }),
            OperationKind::Saturation => kernels::scale_chroma(photo, |_| amount),
            OperationKind::Vibrance => kernels::scale_chroma(photo, |saturation| 1.0 + amount * (1.0 - saturation)),
            OperationKind::Warmth => channels(photo, [1.0 + amount, 1.0, 1.0 - amount]),
            OperationKind::Tint => channels(photo, [1.0, 1.0 - amount, 1.0]),
            OperationKind::GreyWorld => grey_world(photo, amount),
            OperationKind::AutoContrast => auto_contrast(photo, amount),
            OperationKind::Sharpen => kernels::add_laplacian(photo, amount),
            OperationKind::UnsharpMask => kernels::add_detail(photo, 1.5, amount),
            OperationKind::Clarity => {
                let longer = photo.width().max(photo.height()) as f32;
                kernels::add_detail(photo, (0.02 * longer).max(0.5), amount);
            }
            OperationKind::Blur => kernels::gaussian_blur(photo, amount),
            OperationKind::Median => kernels::blend_median(photo, amount),
            OperationKind::Crop => unreachable!("a crop carries a ratio, by construction"),
        }
    }

    /// The edit in plain words, for people: "raise the contrast (x1.20)".
    #[must_use]
    pub fn in_words(&self) -> String {
        let amount = match self.strength {
            Strength::Ratio(Ratio { width, height }) => return format!("crop to {width}:{height}"),
            Strength::Amount(amount) => amount,
        };
        let (_, neutral, _) = self.kind.range();
        let either = |up: &str, down: &str| if amount >= neutral { up.to_owned() } else { down.to_owned() };
        match self.kind {
            OperationKind::Lightness => {
                format!("{} ({amount:+} levels)", either("lighten everything", "darken everything"))
            }
            OperationKind::Contrast => format!("{} (x{amount:.2})", either("raise the contrast", "lower the contrast")),
            OperationKind::Gamma => {
                format!("{} (gamma {amount:.2})", either("brighten the mid-tones", "darken the mid-tones"))
            }
            OperationKind::Shadows => format!("{} ({amount:+.2})", either("lift the shadows", "deepen the shadows")),
            OperationKind::Highlights => {
                format!("{} ({amount:+.2})", either("raise the highlights", "recover the highlights"))
            }
            OperationKind::Saturation => {
                format!("{} (x{amount:.2})", either("make the colours stronger", "make the colours calmer"))
            }
            OperationKind::Vibrance => {
                format!("{} ({amount:+.2})", either("enliven the dull colours", "calm the dull colours"))
            }
            OperationKind::Warmth => {
                format!("{} ({amount:+.2})", either("make the light warmer", "make the light cooler"))
            }
            OperationKind::Tint => format!("{} ({amount:+.2})", either("shift towards magenta", "shift towards green")),
            OperationKind::GreyWorld => format!("neutralise the colour cast ({:.0} %)", amount * 100.0),
            OperationKind::AutoContrast => "stretch the tones to the full range".to_owned(),
            OperationKind::Sharpen => format!("sharpen ({amount:.2})"),
            OperationKind::UnsharpMask => format!("sharpen with an unsharp mask ({amount:.2})"),
            OperationKind::Clarity => {
                format!("{} ({amount:+.2})", either("add local contrast", "soften local contrast"))
            }
            OperationKind::Blur => format!("blur by {amount} pixels"),
            OperationKind::Median => "remove specks".to_owned(),
            OperationKind::Crop => unreachable!("a crop carries a ratio, by construction"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.strength {
            Strength::Amount(amount) => write!(f, "{}:{amount}", self.kind.name()),
            Strength::Ratio(Ratio { width, height }) => write!(f, "{}:{width}x{height}", self.kind.name()),
        }
    }
}

impl FromStr for Operation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::InvalidStrength { text: text.to_owned(), reason: reason.to_owned() };
        let (name, strength) = text.split_once(':').unwrap_or((text, ""));
        let kind = OperationKind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = OperationKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
            Error::UnknownOperation { text: text.to_owned(), known }
        })?;
        if kind == OperationKind::Crop {
            let ratio = strength
                .split_once('x')
                .and_then(|(width, height)| Ratio::new(width.parse().ok()?, height.parse().ok()?));
            return ratio
                .map(Self::crop)
                .ok_or_else(|| invalid("expected a ratio of two numbers from 1 to 100, such as crop:16x9"));
        }
        let amount =
            strength.parse().map_err(|_| invalid("expected a number after the colon, such as contrast:1.2"))?;
        Self::new(kind, amount)
    }
}

impl TryFrom<String> for Operation {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        operation.to_string()
    }
}

fn tone(photo: &mut Photo, curve: impl Fn(f32) -> f32) {
    let table = kernels::table(curve);
    kernels::apply_tables(photo, &[table, table, table]);
}

fn channels(photo: &mut Photo, factors: [f32; 3]) {
    let tables: [Table; 3] = factors.map(|factor| kernels::table(|v| v * factor));
    kernels::apply_tables(photo, &tables);
}

fn grey_world(photo: &mut Photo, amount: f32) {
    let means = kernels::channel_means(photo);
    // A channel without any light cannot be balanced by a factor.
    if means.iter().any(|&mean| mean < 1.0) {
        return;
    }
    let grey = (means[0] + means[1] + means[2]) / 3.0;
    channels(photo, means.map(|mean| 1.0 + amount * (grey / mean - 1.0)));
}

fn auto_contrast(photo: &mut Photo, percent: f32) {
    let histogram = kernels::luma_histogram(photo);
    let ignored = (photo.pixels().len() / 3) as f32 * percent / 100.0;
    let below = |level: usize| histogram[..=level].iter().sum::<u64>() as f32;
    let above = |level: usize| histogram[level..].iter().sum::<u64>() as f32;
    let low = (0..256).find(|&level| below(level) > ignored);
    let high = (0..256).rev().find(|&level| above(level) > ignored);
    if let (Some(low), Some(high)) = (low, high)
        && high > low
    {
        let scale = 255.0 / (high - low) as f32;
        tone(photo, |v| (v - low as f32) * scale);
    }
}

fn crop_to_ratio(photo: &Photo, ratio: Ratio) -> Photo {
    let (width, height) = (u64::from(photo.width()), u64::from(photo.height()));
    let (across, down) = (u64::from(ratio.width), u64::from(ratio.height));
    // Compare width / height with across / down without rounding.
    let (new_width, new_height) = if width * down > height * across {
        ((height * across / down).max(1), height)
    } else {
        (width, (width * down / across).max(1))
    };
    photo.cropped(
        ((width - new_width) / 2) as u32,
        ((height - new_height) / 2) as u32,
        new_width as u32,
        new_height as u32,
    )
}
