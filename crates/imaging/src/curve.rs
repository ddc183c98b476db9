//! Operations that are curves on single values.

use crate::kernels::{self, Tables, tone};
use crate::operation::Argument;
use crate::{Cost, Operation, OperationKind};

impl Operation {
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
        self.kind().cost() == Cost::Lookup
    }

    /// Whether red, green and blue become the same, for curves.
    pub(crate) fn treats_channels_alike(&self) -> bool {
        !matches!(self.kind(), OperationKind::Warmth | OperationKind::Tint | OperationKind::Invert)
    }

    /// What becomes of a level of a channel, unclamped, for curves; others leave it alone.
    pub(crate) fn on_level(&self, level: f32, channel: usize) -> f32 {
        let amount = match self.argument() {
            Argument::Amount(amount) => amount,
            Argument::Set(set) if set.members()[channel] => return 255.0 - level,
            _ => return level,
        };
        match self.kind() {
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
}
