//! What is drawn in a plot.

use super::axis::Axis;
use crate::palette::Colour;
use crate::words;

/// Points of a line that a screen can show. Of more, several are drawn as their mean.
const MOST_OF_LINE: usize = 400;

/// Numbers beyond this size are not drawn: differences between them would be no numbers any more, and nothing that is measured
/// here comes near.
const LARGEST: f64 = 1e12;

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// A line through them; a dot where there is one only.
    Line,
    /// A dot for each.
    Points {
        /// In pixels.
        radius: u32,
    },
    /// A circle around each.
    Rings {
        /// In pixels.
        radius: u32,
    },
    /// A bar from zero for each.
    Bars {
        /// In the unit of the axis.
        width: f64,
    },
}

/// Values that belong together.
#[derive(Debug, Clone)]
pub(crate) struct Layer<'a> {
    /// What they are; nothing for what needs no legend.
    pub(crate) name: &'a str,
    pub(crate) colour: Colour,
    pub(crate) shape: Shape,
    /// Sideways and upwards. What is not finite is told and not drawn.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Layer<'_> {
    /// The values as they are drawn.
    pub(super) fn drawn(&self) -> Vec<(f64, f64)> {
        let drawable: Vec<(f64, f64)> = self.points.iter().copied().filter(is_drawable).collect();
        let together = self.together(drawable.len());
        let mean = |points: &[(f64, f64)]| {
            let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
            (x / points.len() as f64, y / points.len() as f64)
        };
        if together == 1 { drawable } else { drawable.chunks(together).map(mean).collect() }
    }

    /// How many values are drawn as one.
    fn together(&self, drawable: usize) -> usize {
        if self.shape == Shape::Line { drawable.div_ceil(MOST_OF_LINE).max(1) } else { 1 }
    }

    /// Where something is drawn.
    pub(super) fn corners(&self) -> Vec<(f64, f64)> {
        let drawn = self.drawn();
        match self.shape {
            Shape::Bars { width } => {
                let ends = |(x, height): (f64, f64)| [(x - width / 2.0, 0.0), (x + width / 2.0, height)];
                drawn.into_iter().flat_map(ends).collect()
            }
            _ => drawn,
        }
    }

    /// A word about what is not drawn one by one.
    pub(super) fn unseen(&self, x: &Axis<'_>) -> Option<String> {
        let of = if self.name.is_empty() { String::new() } else { format!("{}: ", self.name) };
        let undrawable: Vec<&(f64, f64)> = self.points.iter().filter(|point| !is_drawable(point)).collect();
        if let Some((first, _)) = undrawable.first() {
            let values = words::counted(undrawable.len(), "value is", "values are");
            let place = if first.is_finite() {
                format!(", first at {} {}", x.name, words::brief(*first))
            } else {
                String::new()
            };
            return Some(format!("{of}{values} no number that can be drawn{place}."));
        }
        let together = self.together(self.points.len());
        (together > 1).then(|| format!("{of}each point of the line is the mean of {together} values."))
    }

    /// For those who do not see the plot.
    pub(super) fn in_words(&self, x: &Axis<'_>, y: &Axis<'_>) -> String {
        let drawn = self.drawn();
        let (Some(first), Some(last)) = (drawn.first(), drawn.last()) else { return String::new() };
        let low = drawn.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let high = drawn.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let name = if self.name.is_empty() { y.name } else { self.name };
        if drawn.len() == 1 {
            return format!("{name}: {} at {}.", y.in_words(first.1), x.in_words(first.0));
        }
        format!(
            "{name}: from {} at {} to {} at {}, lowest {}, highest {}.",
            y.in_words(first.1),
            x.in_words(first.0),
            y.in_words(last.1),
            x.in_words(last.0),
            y.in_words(low),
            y.in_words(high)
        )
    }
}

fn is_drawable(&(x, y): &(f64, f64)) -> bool {
    // Not-a-number is within no range.
    x.abs() <= LARGEST && y.abs() <= LARGEST
}
