//! Tables that are straight lines: computed in wide instructions, many times as fast as looked up.
//!
//! A line is looked for in the table itself, so that it serves every operation, and recipes, and equals the table at each
//! value by the way it is found.

use super::block::{Block, block};
use super::{Table, Tables};

/// Bits behind the point.
const POINT: u32 = 20;

/// One unit in these bits.
const ONE: i64 = 1 << POINT;

/// A whole number added to each value, or to the negative, for each place in a block.
pub(super) struct Shift {
    flip: Block,
    add: Block,
    subtract: Block,
}

impl Shift {
    /// The shift that each of the tables is.
    pub(super) fn new(tables: &Tables) -> Option<Self> {
        let shifts = all(tables.each_ref().map(shift))?;
        Some(Self {
            flip: block(|i| shifts[i % 3].0),
            add: block(|i| shifts[i % 3].1.clamp(0, 255) as u8),
            subtract: block(|i| (-shifts[i % 3].1).clamp(0, 255) as u8),
        })
    }

    #[inline(always)]
    pub(super) fn apply(&self, values: &Block) -> Block {
        block(|i| (values[i] ^ self.flip[i]).saturating_add(self.add[i]).saturating_sub(self.subtract[i]))
    }
}

/// A factor and an offset for each place in a block.
pub(super) struct Line {
    factor: Block<i32>,
    offset: Block<i32>,
}

impl Line {
    /// The line that each of the tables is, rounded and clamped.
    pub(super) fn new(tables: &Tables) -> Option<Self> {
        let lines = all(tables.each_ref().map(line))?;
        Some(Self { factor: block(|i| lines[i % 3].0), offset: block(|i| lines[i % 3].1) })
    }

    #[inline(always)]
    pub(super) fn apply(&self, values: &Block) -> Block {
        block(|i| ((i32::from(values[i]) * self.factor[i] + self.offset[i]) >> POINT).clamp(0, 255) as u8)
    }
}

fn all<T: Copy>(found: [Option<T>; 3]) -> Option<[T; 3]> {
    let [Some(red), Some(green), Some(blue)] = found else { return None };
    Some([red, green, blue])
}

/// What turns over the bits of a value, and what is then added.
fn shift(table: &Table) -> Option<(u8, i16)> {
    let inside = (0..=255_u8).find(|&value| (1..255).contains(&table[usize::from(value)]))?;
    [0, 255].into_iter().find_map(|flip| {
        let sum = i16::from(table[usize::from(inside)]) - i16::from(inside ^ flip);
        let same = |value: u8| (i16::from(value ^ flip) + sum).clamp(0, 255) == i16::from(table[usize::from(value)]);
        (0..=255).all(same).then_some((flip, sum))
    })
}

/// Factor and offset so that `(factor * value + offset) >> POINT`, clamped, is the table.
///
/// At a given factor, each value bounds the offset from both sides. Where the highest lower bound is above the lowest upper
/// bound, the two values show whether the factor is too large or too small, and by how much.
fn line(table: &Table) -> Option<(i32, i32)> {
    let lowest: [i64; 256] = table.map(|level| if level == 0 { i64::MIN / 2 } else { i64::from(level) * ONE });
    let highest: [i64; 256] =
        table.map(|level| if level == 255 { i64::MAX / 2 } else { i64::from(level) * ONE + ONE - 1 });
    let (mut least, mut most) = (-8 * ONE, 8 * ONE);
    while least <= most {
        let factor = (least + most) / 2;
        let bound = |bounds: &[i64; 256], value: usize| bounds[value] - factor * value as i64;
        let lower = (0..256).max_by_key(|&value| bound(&lowest, value))?;
        let upper = (0..256).min_by_key(|&value| bound(&highest, value))?;
        let room = bound(&highest, upper) - bound(&lowest, lower);
        if room >= 0 {
            let offset = bound(&lowest, lower) + room / 2;
            return fits(factor, offset).then_some((factor as i32, offset as i32));
        }
        let (span, rise) = (upper as i64 - lower as i64, highest[upper] - lowest[lower]);
        if span > 0 {
            most = rise.div_euclid(span);
        } else {
            least = (-rise + -span - 1).div_euclid(-span);
        }
    }
    None
}

/// Whether no value leaves 32 bits.
fn fits(factor: i64, offset: i64) -> bool {
    [0, factor, offset, factor * 255, factor * 255 + offset].into_iter().all(|number| i32::try_from(number).is_ok())
}

#[cfg(test)]
mod tests {
    use std::array::from_fn;

    use super::super::block::BLOCK;
    use super::*;
    use crate::Operation;

    /// What the line of the table makes of all values.
    fn check(text: &str) {
        let tables = text.parse::<Operation>().unwrap().tables().unwrap();
        let line = Line::new(&tables).unwrap_or_else(|| panic!("{text} is a line"));
        let shift = Shift::new(&tables);
        for value in 0..=255 {
            let expected: [u8; 3] = from_fn(|channel| tables[channel][usize::from(value)]);
            assert_eq!(line.apply(&[value; BLOCK])[BLOCK - 3..], expected, "{text} at {value}");
            if let Some(shift) = &shift {
                assert_eq!(shift.apply(&[value; BLOCK])[BLOCK - 3..], expected, "{text} at {value}");
            }
        }
    }

    #[test]
    fn lines_equal_their_tables() {
        for step in 0..200 {
            let share = step as f32 / 199.0;
            check(&format!("contrast:{}", 0.01 + 3.5 * share));
            check(&format!("lightness:{}", 200.0 * share - 100.0));
            check(&format!("warmth:{}", share - 0.5));
            check(&format!("tint:{}", 0.9 * share - 0.45));
            check(&format!("haze:{}", 1.4 * share - 0.7));
        }
        for text in
            ["contrast:1.2", "contrast:0.5", "contrast:2", "invert:rgb", "invert:g", "lightness:20", "lightness:0"]
        {
            check(text);
        }
    }

    #[test]
    fn whole_numbers_are_shifts() {
        let shift = |text: &str| Shift::new(&text.parse::<Operation>().unwrap().tables().unwrap());
        assert!(["lightness:20", "lightness:-7", "invert:rb", "invert:rgb"].iter().all(|text| shift(text).is_some()));
        assert!(["contrast:1.2", "gamma:1.1", "warmth:0.1"].iter().all(|text| shift(text).is_none()));
    }

    #[test]
    fn curves_are_no_lines() {
        for text in ["gamma:1.1", "exposure:0.5", "shadows:0.5"] {
            assert!(Line::new(&text.parse::<Operation>().unwrap().tables().unwrap()).is_none(), "{text}");
        }
    }
}
