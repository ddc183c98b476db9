//! The colours of plots and words, in light and in dark.

use std::fmt::Write;

use plotters::style::RGBColor;

/// A colour of plots: drawn as it is on light ground, and replaced by another by the style sheet on dark ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour {
    /// Its name in the style sheet.
    pub(crate) name: &'static str,
    light: [u8; 3],
    dark: [u8; 3],
}

impl Colour {
    /// For the plotting library.
    pub(crate) fn on_light(self) -> RGBColor {
        let [red, green, blue] = self.light;
        RGBColor(red, green, blue)
    }

    /// As it stands in a plot.
    pub(crate) fn in_svg(self) -> String {
        hexadecimal(self.light)
    }
}

pub(crate) const INK: Colour = Colour { name: "ink", light: [28, 28, 30], dark: [236, 236, 238] };
pub(crate) const MESH: Colour = Colour { name: "mesh", light: [217, 217, 222], dark: [62, 62, 68] };
pub(crate) const AGENT: Colour = Colour { name: "agent", light: [22, 101, 160], dark: [112, 184, 240] };
pub(crate) const BEFORE: Colour = Colour { name: "before", light: [166, 166, 172], dark: [128, 128, 136] };
pub(crate) const MARK: Colour = Colour { name: "mark", light: [176, 82, 8], dark: [246, 168, 98] };
pub(crate) const BETTER: Colour = Colour { name: "better", light: [37, 116, 50], dark: [126, 202, 132] };
pub(crate) const WORSE: Colour = Colour { name: "worse", light: [174, 36, 30], dark: [244, 136, 126] };
pub(crate) const ALIKE: Colour = Colour { name: "alike", light: [110, 110, 118], dark: [160, 160, 168] };

const ALL: [Colour; 8] = [INK, MESH, AGENT, BEFORE, MARK, BETTER, WORSE, ALIKE];

/// The rules that give every colour its name, and plots on dark ground theirs.
pub(crate) fn style() -> String {
    let mut style = String::from(":root{");
    for colour in ALL {
        let _ = write!(style, "--{}:{};", colour.name, hexadecimal(colour.light));
    }
    style.push_str("}\n@media (prefers-color-scheme:dark){:root{");
    for colour in ALL {
        let _ = write!(style, "--{}:{};", colour.name, hexadecimal(colour.dark));
    }
    style.push_str("}}\n");
    for colour in ALL {
        let (name, value) = (colour.name, colour.in_svg());
        let _ = writeln!(
            style,
            "svg [fill=\"{value}\"]{{fill:var(--{name})}}svg [stroke=\"{value}\"]{{stroke:var(--{name})}}"
        );
    }
    style
}

fn hexadecimal([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of WCAG 2.2.
    fn luminance(colour: [u8; 3]) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
    }

    #[test]
    fn words_in_colours_can_be_read_on_both_grounds() {
        // The grounds of cards in the style sheet.
        let (white, black) = ([255; 3], [36, 36, 40]);
        let contrast = |a, b| {
            let (a, b) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for colour in [INK, AGENT, MARK, BETTER, WORSE, ALIKE] {
            let (light, dark) = (contrast(colour.light, white), contrast(colour.dark, black));
            assert!(light >= 4.5 && dark >= 4.5, "{}: {light:.1} and {dark:.1}", colour.name);
        }
    }

    #[test]
    fn no_two_colours_look_the_same_to_the_style_sheet() {
        for (index, colour) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.light != colour.light), "{}", colour.name);
        }
    }
}
