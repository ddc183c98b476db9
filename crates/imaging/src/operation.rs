//! The library of edits: an operation is a kind and how strong it is.

mod argument;
mod kind;
mod labels;
mod text;
mod words;

use serde::{Deserialize, Serialize};

pub use argument::{Axis, ChannelOrder, ChannelSet, Direction, Grey, Ratio};
pub use kind::{Cost, OperationKind};

use crate::Error;

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

    /// The same with a share of its strength: 0.5 goes half-way from the strength at which nothing happens, 2 twice as far, and never
    /// beyond the range; to the nearest ten-thousandth. What takes a word in place of a number stays as it is, and so does `auto-contrast`, which knows no half.
    #[must_use]
    pub fn scaled(&self, share: f32) -> Self {
        let Argument::Amount(amount) = self.argument else { return *self };
        if share == 1.0 {
            return *self;
        }
        let (low, neutral, high) = self.kind.range();
        let scaled = match self.kind {
            OperationKind::AutoContrast => amount,
            // An exponent: the way to 1 is measured in logarithms.
            OperationKind::Gamma => amount.powf(share),
            _ => neutral + share * (amount - neutral),
        };
        // People read it.
        let rounded = (scaled * 1e4).round() / 1e4;
        let scaled = if rounded.is_finite() { rounded.clamp(low, high) } else { amount };
        Self { kind: self.kind, argument: Argument::Amount(scaled) }
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

    /// Whether the result may show what it does at other places: crops, mirror images, shifts, and the levelling of a horizon.
    #[must_use]
    pub fn moves_pixels(&self) -> bool {
        self.changes_size() || matches!(self.kind, OperationKind::Flip | OperationKind::Shift)
    }
}
