//! What operations do to each other, computed from the operations themselves.

use crate::kernels::{composed, identity_tables};
use crate::operation::Argument;
use crate::{ChannelOrder, Operation, OperationKind};

impl Operation {
    /// Whether it leaves every 8-bit photo exactly as it is.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        if let Some(tables) = self.tables() {
            return tables == identity_tables();
        }
        match self.argument() {
            Argument::Order(order) => order == ChannelOrder::SAME,
            _ => self.is_neutral(),
        }
    }

    /// Whether its strength is the one at which nothing happens at any depth.
    pub(crate) fn is_neutral(&self) -> bool {
        // A stretch has no neutral strength.
        self.strength() == Some(self.kind().range().1) && self.kind() != OperationKind::AutoContrast
    }

    /// Whether it takes every photo exactly back to what it was before `other`. Nearly back is not enough: what was clipped
    /// or rounded is lost, so `lightness:-20` is no exact inverse of `lightness:20`.
    #[must_use]
    pub fn is_exact_inverse_of(&self, other: &Self) -> bool {
        if let (Some(tables), Some(others)) = (self.tables(), other.tables()) {
            return composed(&others, &tables) == identity_tables();
        }
        match (self.argument(), other.argument()) {
            (Argument::Order(order), Argument::Order(other)) => other.then(order) == ChannelOrder::SAME,
            (Argument::Axis(axis), Argument::Axis(other)) => axis == other,
            (Argument::Shift(direction, channels), Argument::Shift(other, others)) => {
                direction == other.opposite() && channels == others
            }
            _ => self.is_identity() && other.is_identity(),
        }
    }
}
