//! How large a picture is printed.

/// Pixels for each unit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Density {
    /// Pixels from left to right.
    pub across: u32,
    /// Pixels from top to bottom.
    pub down: u32,
    /// The length that has so many.
    pub unit: DensityUnit,
}

/// The unit of a [`Density`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DensityUnit {
    /// Inch.
    Inch,
    /// Metre.
    Metre,
    /// None is told: only the ratio of the two numbers counts.
    Ratio,
}

impl Density {
    /// Both numbers in another unit, to the nearest; nothing for those of a ratio.
    pub(super) fn per(self, unit: DensityUnit) -> Option<[f64; 2]> {
        const INCH: f64 = 0.0254;
        let factor = match (self.unit, unit) {
            (DensityUnit::Ratio, _) | (_, DensityUnit::Ratio) => return None,
            (DensityUnit::Inch, DensityUnit::Metre) => 1.0 / INCH,
            (DensityUnit::Metre, DensityUnit::Inch) => INCH,
            _ => 1.0,
        };
        Some([self.across, self.down].map(|number| f64::from(number) * factor))
    }

    /// Nothing where a number is zero or the two are the ratio of a square pixel, which says nothing.
    pub(super) fn told(self) -> Option<Self> {
        let says_nothing = self.unit == DensityUnit::Ratio && self.across == self.down;
        (self.across > 0 && self.down > 0 && !says_nothing).then_some(self)
    }

    /// That of a JFIF header, after the word.
    pub(super) fn of_jfif(content: &[u8]) -> Option<Self> {
        // Two bytes of version, the unit, both densities.
        let [_, _, unit, x1, x0, y1, y0, ..] = *content else { return None };
        let (across, down) = (u32::from(u16::from_be_bytes([x1, x0])), u32::from(u16::from_be_bytes([y1, y0])));
        Some(match unit {
            1 => Self { across, down, unit: DensityUnit::Inch },
            2 => Self { across: across * 100, down: down * 100, unit: DensityUnit::Metre },
            _ => Self { across, down, unit: DensityUnit::Ratio },
        })
    }
}
