//! Plots: points, lines and bars on two axes, as SVG with a caption in words.

mod axis;
mod layer;

use std::fmt::Write;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

pub(crate) use self::axis::{Axis, Unit};
pub(crate) use self::layer::{Layer, Shape};
use crate::html::escaped;
use crate::palette::{INK, MESH};

/// Size in pixels of a screen as narrow as a phone's, where a letter of the axes is as large as it is written here.
const WIDTH: u32 = 400;
const HEIGHT: u32 = 240;
/// Height of the letters of axes, in these pixels.
const LETTERS: f64 = 13.0;
/// Plots are drawn so much larger and shown smaller, because the library rounds to whole pixels.
const FINER: u32 = 4;
/// The library makes letters smaller than it was asked for by this.
const OF_LETTERS: f64 = 1.24;

/// A plot.
#[derive(Debug)]
pub(crate) struct Chart<'a> {
    /// What it shows, in a few words.
    pub(crate) title: &'a str,
    /// What to read from it.
    pub(crate) explanation: &'a str,
    /// Sideways.
    pub(crate) x: Axis<'a>,
    /// Upwards.
    pub(crate) y: Axis<'a>,
    /// What is drawn, from back to front.
    pub(crate) layers: Vec<Layer<'a>>,
}

type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Failure<'b> = DrawingAreaErrorKind<<SVGBackend<'b> as DrawingBackend>::ErrorType>;

impl Chart<'_> {
    /// The plot with title, explanation, legend, and a word about values that cannot be drawn.
    pub(crate) fn html(&self) -> String {
        let mut html = format!("<figure class=\"chart\">\n<figcaption><b>{}</b>", escaped(self.title));
        if !self.explanation.is_empty() {
            let _ = write!(html, "<br>{}", escaped(self.explanation));
        }
        html.push_str("</figcaption>\n");
        match self.svg() {
            Some(svg) => html.push_str(&svg),
            None => html.push_str("<p class=\"note\">There is nothing to draw.</p>\n"),
        }
        html.push_str(&self.legend());
        for layer in &self.layers {
            if let Some(words) = layer.unseen(&self.x) {
                let _ = writeln!(html, "<p class=\"note\">{}</p>", escaped(&words));
            }
        }
        html.push_str("</figure>\n");
        html
    }

    /// None where no value can be drawn.
    fn svg(&self) -> Option<String> {
        let corners = || self.layers.iter().flat_map(Layer::corners);
        let x = self.x.range(corners().map(|(x, _)| x))?;
        let y = self.y.range(corners().map(|(_, y)| y))?;
        let mut svg = String::new();
        let size = (WIDTH * FINER, HEIGHT * FINER);
        // Into a text nothing can fail, and both ranges are finite and not empty.
        self.draw(SVGBackend::with_string(&mut svg, size), x, y).ok()?;
        let (_, content) = svg.split_once('>')?;
        let description = escaped(&self.in_words());
        Some(format!("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{description}\">{content}", size.0, size.1))
    }

    fn draw<'b>(&self, backend: SVGBackend<'b>, x: [f64; 2], y: [f64; 2]) -> Result<(), Failure<'b>> {
        let area = backend.into_drawing_area();
        let mut plane = ChartBuilder::on(&area)
            .margin_top(8 * FINER)
            .margin_right(16 * FINER)
            .x_label_area_size(38 * FINER)
            .y_label_area_size(44 * FINER)
            .build_cartesian_2d(x[0]..x[1], y[0]..y[1])?;
        let letters = ("sans-serif", LETTERS * f64::from(FINER) * OF_LETTERS).into_font().color(&INK.on_light());
        plane
            .configure_mesh()
            .x_labels(5)
            .y_labels(5)
            .max_light_lines(0)
            .bold_line_style(MESH.on_light().stroke_width(FINER))
            .axis_style(INK.on_light().stroke_width(FINER))
            .label_style(letters.clone())
            .axis_desc_style(letters)
            .x_desc(self.x.name)
            .x_label_formatter(&|value| self.x.label(*value, x))
            .y_label_formatter(&|value| self.y.label(*value, y))
            .draw()?;
        for layer in &self.layers {
            draw_layer(&mut plane, layer)?;
        }
        area.present()
    }

    /// For those who do not see the plot.
    fn in_words(&self) -> String {
        let mut words = format!("Plot: {}, by {}.", self.title, self.x.name);
        for layer in &self.layers {
            let _ = write!(words, " {}", layer.in_words(&self.x, &self.y));
        }
        words
    }

    fn legend(&self) -> String {
        let named: Vec<&Layer<'_>> = self.layers.iter().filter(|layer| !layer.name.is_empty()).collect();
        if named.len() < 2 {
            return String::new();
        }
        let mut html = String::from("<ul class=\"legend\">");
        for layer in named {
            let (name, colour) = (escaped(layer.name), layer.colour.name);
            let _ = write!(html, "<li><i style=\"background:var(--{colour})\"></i>{name}</li>");
        }
        html.push_str("</ul>\n");
        html
    }
}

fn draw_layer<'b>(plane: &mut Plane<'_, 'b>, layer: &Layer<'_>) -> Result<(), Failure<'b>> {
    let colour = layer.colour.on_light();
    let dots = |radius: u32| layer.drawn().into_iter().map(move |at| Circle::new(at, radius * FINER, colour.filled()));
    match layer.shape {
        // A line through one point has no length.
        Shape::Line if layer.drawn().len() == 1 => {
            plane.draw_series(dots(3))?;
        }
        Shape::Line => {
            plane.draw_series(LineSeries::new(layer.drawn(), colour.stroke_width(2 * FINER)))?;
        }
        Shape::Points { radius } => {
            plane.draw_series(dots(radius))?;
        }
        Shape::Rings { radius } => {
            let ring = |at| Circle::new(at, radius * FINER, colour.stroke_width(2 * FINER));
            plane.draw_series(layer.drawn().into_iter().map(ring))?;
        }
        Shape::Bars { width } => {
            let bar =
                |(x, height)| Rectangle::new([(x - width / 2.0, 0.0), (x + width / 2.0, height)], colour.filled());
            plane.draw_series(layer.drawn().into_iter().map(bar))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
