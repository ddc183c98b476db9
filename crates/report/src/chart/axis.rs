//! The directions of a plot.

use crate::words;

/// What the numbers along an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Large whole numbers, written 12k.
    Count,
    /// Any numbers.
    Number,
    /// Shares from 0 to 1, written in per cent.
    Share,
}

/// A direction of a plot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis<'a> {
    /// What it is.
    pub(crate) name: &'a str,
    pub(crate) unit: Unit,
    /// Values that are shown whatever is drawn.
    pub(crate) includes: &'a [f64],
}

impl Axis<'_> {
    /// From where to where the axis goes for such values, with some space around them; none for no values.
    pub(super) fn range(&self, values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
        let mut values = values.peekable();
        values.peek()?;
        let all = values.chain(self.includes.iter().copied());
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        // Around values that are all the same as much as is seen, and never nothing.
        let space = if high > low { 0.05 * (high - low) } else { (0.1 * low.abs()).max(0.5) };
        let below = if self.includes.contains(&low) { 0.0 } else { space };
        let above = if self.includes.contains(&high) { 0.0 } else { space };
        let (low, high) = (low - below, high + above);
        // One value that is always shown, and nothing else.
        Some(if high > low { [low, high] } else { [low, low + space] })
    }

    /// A number beside the axis, which goes from where to where.
    pub(super) fn label(&self, value: f64, [low, high]: [f64; 2]) -> String {
        match self.unit {
            Unit::Count => words::brief(value),
            Unit::Share => words::fixed(Some(100.0 * value), if high - low < 0.05 { 1 } else { 0 }),
            Unit::Number => words::fixed(Some(value), digits(high - low)),
        }
    }

    /// A value in a sentence.
    pub(super) fn in_words(&self, value: f64) -> String {
        match self.unit {
            Unit::Count => words::brief(value),
            Unit::Share => words::percent(Some(value)),
            Unit::Number => words::fixed(Some(value), 2),
        }
    }
}

/// Digits behind the point by which five steps over such a span differ.
fn digits(span: f64) -> usize {
    match span {
        s if s >= 5.0 => 0,
        s if s >= 0.5 => 1,
        s if s >= 0.05 => 2,
        s if s >= 0.005 => 3,
        _ => 5,
    }
}
