//! The library of edits: an operation is a kind and how strong it is.

mod algebra;
mod argument;
mod kind;
mod labels;
mod text;
mod words;

use serde::{Deserialize, Serialize};

pub use argument::{Axis, ChannelOrder, ChannelSet, Direction, Grey, Ratio};
pub use kind::{Cost, OperationKind};

use crate::kernels::geometry::Part;
use crate::kernels::{self, Tables, tone};
use crate::render::render;
use crate::{Error, Photo};

/// One edit of a photograph: a kind and how strong it is.
///
/// The text form is `kind:strength` (`contrast:1.2`, `lightness:-20`, `crop:16x9`); as JSON it is that text. Labels
/// of old annotation files (`CA_WARMTH`) are read as well; `docs/operations.md` lists them. Every operation
/// is deterministic, works on encoded sRGB values unless [`OperationKind::description`] says otherwise, rounds to the nearest
/// 8-bit value and clamps to 0..=255. Only crops and the levelling of a horizon change the size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operation {
    kind: OperationKind,
    argument: Argument,
}

/// What stands behind the colon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Argument {
    Amount(f32),
    Ratio(Ratio),
    Order(ChannelOrder),
    Set(ChannelSet),
    Grey(Grey),
    Axis(Axis),
    Shift(Direction, ChannelSet),
}

/// Gaussian blurs from here on, in pixels, are computed on a photo scaled down.
pub(crate) const WIDE_BLUR: f32 = 8.0;

/// Standard deviation of the blur behind clarity, in pixels.
pub(crate) fn clarity_sigma(longer_side: u32) -> f32 {
    (0.02 * longer_side as f32).max(0.5)
}

impl Operation {
    /// An operation with a numeric strength; see [`OperationKind::range`].
    ///
    /// # Errors
    /// [`Error::InvalidStrength`] when the strength is not finite or out of range, or the kind has no numeric strength.
    pub fn new(kind: OperationKind, strength: f32) -> Result<Self, Error> {
        let (low, _, high) = kind.range();
        let invalid = |reason: String| Error::InvalidStrength { text: format!("{}:{strength}", kind.name()), reason };
        if !kind.has_strength() {
            return Err(invalid("this operation takes a word in place of a number".into()));
        }
        if !(low..=high).contains(&strength) {
            return Err(invalid(format!("the strength must lie between {low} and {high}")));
        }
        Ok(Self { kind, argument: Argument::Amount(strength) })
    }

    /// A centred crop to a side ratio.
    #[must_use]
    pub fn crop(ratio: Ratio) -> Self {
        Self { kind: OperationKind::Crop, argument: Argument::Ratio(ratio) }
    }

    /// A centred crop to a side ratio that is turned to the photo's own orientation.
    #[must_use]
    pub fn crop_oriented(ratio: Ratio) -> Self {
        Self { kind: OperationKind::CropOriented, argument: Argument::Ratio(ratio) }
    }

    /// A reordering of the channels.
    #[must_use]
    pub fn channels(order: ChannelOrder) -> Self {
        Self { kind: OperationKind::Channels, argument: Argument::Order(order) }
    }

    /// The negative of some channels.
    #[must_use]
    pub fn invert(channels: ChannelSet) -> Self {
        Self { kind: OperationKind::Invert, argument: Argument::Set(channels) }
    }

    /// Black and white.
    #[must_use]
    pub fn greyscale(grey: Grey) -> Self {
        Self { kind: OperationKind::Greyscale, argument: Argument::Grey(grey) }
    }

    /// A mirror image.
    #[must_use]
    pub fn flip(axis: Axis) -> Self {
        Self { kind: OperationKind::Flip, argument: Argument::Axis(axis) }
    }

    /// A move of some channels by half the photo, around the border.
    #[must_use]
    pub fn shift(direction: Direction, channels: ChannelSet) -> Self {
        Self { kind: OperationKind::Shift, argument: Argument::Shift(direction, channels) }
    }

    /// What it does.
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    /// How strongly; none for kinds that take a word.
    #[must_use]
    pub fn strength(&self) -> Option<f32> {
        match self.argument {
            Argument::Amount(amount) => Some(amount),
            _ => None,
        }
    }

    /// What stands behind the colon.
    pub(crate) fn argument(&self) -> Argument {
        self.argument
    }

    /// The new order of the channels, for that kind.
    pub(crate) fn order(&self) -> Option<ChannelOrder> {
        match self.argument {
            Argument::Order(order) => Some(order),
            _ => None,
        }
    }

    /// The channels that become negatives, for that kind.
    pub(crate) fn inverted(&self) -> Option<ChannelSet> {
        match self.argument {
            Argument::Set(set) => Some(set),
            _ => None,
        }
    }

    /// Whether the result may have another size.
    #[must_use]
    pub fn changes_size(&self) -> bool {
        self.kind.changes_size()
    }

    /// The edited photo. [`OperationKind::cost`] says what it costs.
    #[must_use]
    pub fn apply(&self, photo: &Photo) -> Photo {
        if let Some(tables) = self.tables() {
            return kernels::with_tables(photo, &tables);
        }
        if let Some(result) = self.made_anew(photo) {
            return result;
        }
        let mut result = photo.clone();
        self.edit(&mut result);
        result
    }

    /// Edits the photo itself; where the size changes, and where a value depends on others, the photo is replaced.
    pub fn apply_in_place(&self, photo: &mut Photo) {
        if let Some(tables) = self.tables() {
            kernels::apply_tables(photo, &tables);
        } else if let Some(result) = self.made_anew(photo) {
            *photo = result;
        } else {
            self.edit(photo);
        }
    }

    /// The result of operations that cannot work in place, or not as fast.
    fn made_anew(&self, photo: &Photo) -> Option<Photo> {
        let amount = match self.argument {
            Argument::Amount(amount) => amount,
            Argument::Ratio(ratio) => return Some(self.cropped(photo, ratio)),
            Argument::Order(order) => return Some(kernels::geometry::reordered(photo, order)),
            Argument::Grey(grey) => return Some(kernels::colour::greyscale(photo, grey)),
            Argument::Axis(axis) => return Some(kernels::geometry::flipped(photo, axis)),
            Argument::Shift(direction, set) => return Some(kernels::geometry::shifted(photo, direction, set)),
            Argument::Set(_) => return None,
        };
        let clarity = clarity_sigma(photo.longer_side());
        let result = match self.kind {
            OperationKind::Sharpen => kernels::filter::add_laplacian(photo, amount),
            OperationKind::SharpenEight => kernels::filter::add_laplacian_of_eight(photo, amount),
            OperationKind::UnsharpMask => kernels::gaussian::add_detail(photo, 1.5, amount),
            OperationKind::Clarity if clarity < WIDE_BLUR => kernels::gaussian::add_detail(photo, clarity, amount),
            OperationKind::Blur if amount < WIDE_BLUR => kernels::gaussian::blur(photo, amount),
            OperationKind::BoxBlur => kernels::box_blur::blur(photo, amount),
            OperationKind::Median | OperationKind::MedianBlur => kernels::median::blur(photo, amount),
            OperationKind::Jpeg => kernels::fault::compressed(photo, amount),
            // Wide blurs are cheaper on a photo scaled down.
            OperationKind::Blur | OperationKind::Clarity | OperationKind::Vignette => render(&[*self], photo, 1.0),
            _ => return None,
        };
        Some(result)
    }

    /// What becomes of each value of each channel, for operations of the cost [`Cost::Lookup`].
    pub(crate) fn tables(&self) -> Option<Tables> {
        let table = |channel| kernels::table(|level| self.on_level(level, channel));
        if !self.is_curve() {
            None
        } else if self.treats_channels_alike() {
            Some([table(0); 3])
        } else {
            Some([table(0), table(1), table(2)])
        }
    }

    /// Whether each value of each channel becomes another one by itself.
    pub(crate) fn is_curve(&self) -> bool {
        self.kind.cost() == Cost::Lookup
    }

    /// Whether red, green and blue become the same, for curves.
    pub(crate) fn treats_channels_alike(&self) -> bool {
        !matches!(self.kind, OperationKind::Warmth | OperationKind::Tint | OperationKind::Invert)
    }

    /// What becomes of a level of a channel, unclamped, for curves; others leave it alone.
    pub(crate) fn on_level(&self, level: f32, channel: usize) -> f32 {
        let amount = match self.argument {
            Argument::Amount(amount) => amount,
            Argument::Set(set) if set.members()[channel] => return 255.0 - level,
            _ => return level,
        };
        match self.kind {
            OperationKind::Warmth => level * [1.0 + amount, 1.0, 1.0 - amount][channel],
            OperationKind::Tint => level * [1.0, 1.0 - amount, 1.0][channel],
            OperationKind::Lightness => level + amount,
            OperationKind::Contrast => 127.5 + amount * (level - 127.5),
            OperationKind::Gamma => 255.0 * (level / 255.0).powf(1.0 / amount),
            OperationKind::Exposure => tone::exposure(level, amount),
            OperationKind::Shadows => tone::shadows(level, amount),
            OperationKind::Highlights => tone::highlights(level, amount),
            OperationKind::Haze => tone::haze(level, amount),
            _ => level,
        }
    }

    /// The other operations that are no tables.
    fn edit(&self, photo: &mut Photo) {
        let Argument::Amount(amount) = self.argument else { return };
        match self.kind {
            OperationKind::Saturation => kernels::colour::scale_chroma(photo, |_| amount),
            OperationKind::Vibrance => {
                kernels::colour::scale_chroma(photo, |saturation| 1.0 + amount * (1.0 - saturation));
            }
            OperationKind::HsvSaturation => kernels::hsv::scale_saturation(photo, amount),
            OperationKind::GreyWorld => kernels::balance::grey_world(photo, amount),
            OperationKind::ShadesOfGrey => kernels::balance::shades_of_grey(photo, amount),
            OperationKind::AutoContrast => kernels::balance::auto_contrast(photo, amount),
            OperationKind::AutoGamma => kernels::balance::auto_gamma(photo, amount),
            OperationKind::Clahe => kernels::clahe::equalise(photo, amount),
            OperationKind::Noise => kernels::fault::add_noise(photo, amount),
            OperationKind::CropThirds => {
                let Part { left, top, width, height } = kernels::thirds::part(photo, amount);
                *photo = photo.cropped(left, top, width, height);
            }
            OperationKind::LevelHorizon => kernels::horizon::level(photo, amount),
            _ => {}
        }
    }

    fn cropped(&self, photo: &Photo, ratio: Ratio) -> Photo {
        let part = self.part(photo.width(), photo.height(), ratio);
        photo.cropped(part.left, part.top, part.width, part.height)
    }

    /// What a crop to a ratio keeps of a photo of this size.
    pub(crate) fn part(&self, width: u32, height: u32, ratio: Ratio) -> Part {
        let ratio = if self.kind == OperationKind::CropOriented { ratio.turned_for(width, height) } else { ratio };
        kernels::geometry::centred_part(width, height, ratio)
    }
}
