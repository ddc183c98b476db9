//! How figures are spread over the tests, before and after.

use crate::chart::{Axis, Chart, Layer, Shape, Unit};
use crate::html::{Table, folded};
use crate::palette::{AGENT, BEFORE, MARK};
use crate::record::{Record, Test};
use crate::section::{Names, Section};
use crate::words;

/// What is counted: its width of a class, and where that begins.
struct Counted {
    title: &'static str,
    axis: &'static str,
    width: f64,
    /// What the series are called, and their values.
    series: Vec<(&'static str, Vec<f64>)>,
}

/// Histograms of PSNR and score.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let damaged: Vec<&Test> = record.tests.iter().filter(|test| test.is_damaged).collect();
    if damaged.is_empty() {
        return None;
    }
    let names = Names::of(record.results.as_ref().is_some_and(|results| results.is_of_pairs()));
    let values = |of: &dyn Fn(&Test) -> Option<f64>| -> Vec<f64> {
        damaged.iter().map(|test| of(test).unwrap_or(f64::NAN)).collect()
    };
    let psnr = Counted {
        title: "PSNR to the goal, before and after",
        axis: "PSNR (dB)",
        width: 2.0,
        series: vec![
            (names.before, values(&|test| test.before.psnr_db)),
            (names.agent, values(&|test| test.after.psnr_db)),
        ],
    };
    let gains = Counted {
        title: "Gain of each test",
        axis: "gain (dB)",
        width: 1.0,
        series: vec![(names.agent, values(&|test| Some(test.after.psnr_db? - test.before.psnr_db?)))],
    };
    let scores = Counted {
        title: "Score of the juror, before and after",
        axis: "score",
        width: 0.5,
        series: vec![
            (names.before, values(&|test| test.before.score)),
            (names.agent, values(&|test| test.after.score)),
            (names.goal, values(&|test| test.original_score)),
        ],
    };
    let mut html = format!(
        "<p>{} {}: how many came out where.</p>\n<div class=\"charts\">\n",
        words::count(damaged.len() as u64),
        names.gained_on
    );
    let all = [psnr, gains, scores];
    all.iter().for_each(|counted| html.push_str(&counted.chart()));
    html.push_str("</div>\n");
    let tables: String = all.iter().map(Counted::table).collect();
    html.push_str(&folded("The same in numbers", &tables));
    Some(Section { anchor: "spread", title: "How far photos came", html })
}

impl Counted {
    /// The class that a value is in: from so many widths up to the next.
    fn class(&self, value: f64) -> Option<i64> {
        // More would be no measure of a photo, and a bar for each class too many.
        (value.abs() <= 1000.0).then(|| (value / self.width).floor() as i64)
    }

    /// The first and the last class with a value in any series.
    fn classes(&self) -> Option<std::ops::RangeInclusive<i64>> {
        let classes = || self.series.iter().flat_map(|(_, values)| values).filter_map(|&value| self.class(value));
        Some(classes().min()?..=classes().max()?)
    }

    fn count(&self, series: usize, class: i64) -> usize {
        self.series[series].1.iter().filter(|&&value| self.class(value) == Some(class)).count()
    }

    fn chart(&self) -> String {
        let colours = [BEFORE, AGENT, MARK];
        let colours = if self.series.len() == 1 { &colours[1..] } else { &colours[..] };
        // The bars of a class stand beside each other.
        let width = 0.9 * self.width / self.series.len() as f64;
        let layer = |(index, (name, _)): (usize, &(&'static str, Vec<f64>))| {
            let middle = |class: i64| (class as f64 + 0.05) * self.width + (index as f64 + 0.5) * width;
            let bar = |class: i64| (middle(class), self.count(index, class) as f64);
            let points = self.classes().into_iter().flatten().map(bar).filter(|bar| bar.1 > 0.0).collect();
            Layer { name, colour: colours[index], shape: Shape::Bars { width }, points }
        };
        let none = self
            .series
            .iter()
            .map(|(_, values)| values.iter().filter(|value| self.class(**value).is_none()).count())
            .sum::<usize>();
        let explanation = if none > 0 {
            format!("Without {}.", words::counted(none, "value that is no number", "values that are no numbers"))
        } else {
            String::new()
        };
        Chart {
            title: self.title,
            explanation: &explanation,
            x: Axis { name: self.axis, unit: Unit::Number, includes: &[] },
            y: Axis { name: "tests", unit: Unit::Number, includes: &[0.0] },
            layers: self.series.iter().enumerate().map(layer).collect(),
        }
        .html()
    }

    fn table(&self) -> String {
        let columns: Vec<&str> = std::iter::once(self.axis).chain(self.series.iter().map(|(name, _)| *name)).collect();
        let row = |class: i64| {
            let digits = usize::from(self.width < 1.0);
            let edge = |class: i64| words::fixed(Some(class as f64 * self.width), digits);
            let counts = (0..self.series.len()).map(|series| words::count(self.count(series, class) as u64));
            std::iter::once(format!("{} to {}", edge(class), edge(class + 1))).chain(counts).collect()
        };
        let rows = self.classes().into_iter().flatten().map(row).collect();
        Table { caption: self.title, columns: &columns, rows, marked: None }.html()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_and_what_is_no_number_is_told() {
        let counted = Counted {
            title: "t",
            axis: "a",
            width: 2.0,
            series: vec![("before", vec![0.0, 1.9, 2.0, -0.1, f64::NAN]), ("agent", vec![5.9, f64::INFINITY])],
        };
        assert_eq!(counted.classes(), Some(-1..=2));
        let counts = |series| (-1..=2).map(|class| counted.count(series, class)).collect::<Vec<_>>();
        assert_eq!((counts(0), counts(1)), (vec![1, 2, 1, 0], vec![0, 0, 0, 1]));
        let chart = counted.chart();
        assert!(chart.contains("Without 2 values that are no numbers."), "{chart}");
        let bars = |colour: crate::palette::Colour| chart.matches(&format!("fill=\"{}\"", colour.in_svg())).count();
        assert_eq!((bars(BEFORE), bars(AGENT)), (3, 1));
        assert!(counted.table().contains("<th scope=\"row\">−2 to 0</th><td>1</td><td>0</td>"));
    }

    #[test]
    fn nothing_to_count_is_said() {
        let counted = Counted { title: "t", axis: "a", width: 1.0, series: vec![("agent", vec![f64::NAN])] };
        assert!(counted.chart().contains("There is nothing to draw."));
    }
}
