//! The text form `kind:strength`, which is the JSON form as well (a string). Old labels are read, never written.

use std::fmt;
use std::str::FromStr;

use super::{Argument, Operation, labels};
use crate::{Axis, ChannelOrder, ChannelSet, Direction, Error, Grey, OperationKind, Ratio};

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind.name())?;
        match self.argument {
            Argument::Amount(amount) => write!(f, "{amount}"),
            Argument::Ratio(ratio) => f.write_str(&ratio.word()),
            Argument::Order(order) => f.write_str(&order.word()),
            Argument::Set(set) => f.write_str(&set.word()),
            Argument::Grey(grey) => f.write_str(grey.word()),
            Argument::Axis(axis) => f.write_str(axis.word()),
            Argument::Shift(direction, ChannelSet::ALL) => f.write_str(direction.word()),
            Argument::Shift(direction, set) => write!(f, "{}-{}", direction.word(), set.word()),
        }
    }
}

impl FromStr for Operation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(meaning) = labels::meaning(text) {
            return meaning.parse();
        }
        let (name, word) = text.split_once(':').unwrap_or((text, ""));
        let kind = OperationKind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = OperationKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
            Error::UnknownOperation { text: text.to_owned(), known }
        })?;
        let (argument, expected) = match kind {
            OperationKind::Crop | OperationKind::CropOriented => (
                Ratio::from_word(word).map(Argument::Ratio),
                format!("a ratio of two numbers from 1 to 100, such as {name}:16x9"),
            ),
            OperationKind::Channels => (
                ChannelOrder::from_word(word).map(Argument::Order),
                "the letters r, g and b in their new order, such as channels:grb".to_owned(),
            ),
            OperationKind::Invert => (
                ChannelSet::from_word(word).map(Argument::Set),
                "some of the letters r, g and b, such as invert:rgb".to_owned(),
            ),
            OperationKind::Greyscale => {
                (Grey::from_word(word).map(Argument::Grey), "greyscale:luminosity or greyscale:average".to_owned())
            }
            OperationKind::Flip => {
                (Axis::from_word(word).map(Argument::Axis), "flip:horizontal or flip:vertical".to_owned())
            }
            OperationKind::Shift => (
                shift_from_word(word),
                "left, right, up or down and perhaps channels, such as shift:left or shift:down-b".to_owned(),
            ),
            _ => (word.parse().ok().map(Argument::Amount), "a number after the colon, such as contrast:1.2".to_owned()),
        };
        match argument {
            Some(Argument::Amount(amount)) => Self::new(kind, amount),
            Some(argument) => Ok(Self { kind, argument }),
            None => Err(Error::InvalidStrength { text: text.to_owned(), reason: format!("expected {expected}") }),
        }
    }
}

fn shift_from_word(word: &str) -> Option<Argument> {
    let (direction, set) = match word.split_once('-') {
        Some((direction, set)) => (direction, ChannelSet::from_word(set)?),
        None => (word, ChannelSet::ALL),
    };
    Some(Argument::Shift(Direction::from_word(direction)?, set))
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
