//! What plots draw, and what they say.

use super::*;
use crate::palette::{AGENT, BEFORE};

fn chart<'a>(layers: Vec<Layer<'a>>) -> Chart<'a> {
    let axis = |name| Axis { name, unit: Unit::Number, includes: &[] };
    Chart { title: "a title", explanation: "", x: axis("steps"), y: axis("gain"), layers }
}

fn layer(shape: Shape, points: &[(f64, f64)]) -> Layer<'static> {
    Layer { name: "agent", colour: AGENT, shape, points: points.to_vec() }
}

/// How often an element stands in the plot in the colour of the layer.
fn elements(html: &str, element: &str, paint: &str) -> usize {
    let colour = format!("{paint}=\"{}\"", AGENT.in_svg());
    html.lines().filter(|line| line.starts_with(&format!("<{element} ")) && line.contains(&colour)).count()
}

#[test]
fn every_value_is_drawn() {
    let points: Vec<(f64, f64)> = (0..37).map(|i| (f64::from(i), f64::from(i * i % 11))).collect();
    let dots = chart(vec![layer(Shape::Points { radius: 3 }, &points)]).html();
    assert_eq!(elements(&dots, "circle", "fill"), 37);
    let rings = chart(vec![layer(Shape::Rings { radius: 3 }, &points)]).html();
    assert_eq!(elements(&rings, "circle", "stroke"), 37);
    let bars = chart(vec![layer(Shape::Bars { width: 0.8 }, &points)]).html();
    assert_eq!(elements(&bars, "rect", "fill"), 37);
    let line = chart(vec![layer(Shape::Line, &points)]).html();
    let polyline = line.lines().find(|l| l.contains(&format!("stroke=\"{}\"", AGENT.in_svg()))).unwrap();
    let (_, places) = polyline.split_once("points=\"").unwrap();
    assert_eq!(places.split('"').next().unwrap().split_whitespace().count(), 37);
}

#[test]
fn higher_values_are_drawn_higher() {
    let html = chart(vec![layer(Shape::Points { radius: 3 }, &[(0.0, 1.0), (1.0, 5.0), (2.0, -3.0)])]).html();
    let heights = html.lines().filter(|line| line.starts_with("<circle"));
    let heights =
        heights.map(|line| -> i32 { line.split("cy=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap() });
    let [first, second, third] = heights.collect::<Vec<_>>()[..] else { panic!("{html}") };
    assert!(second < first && first < third, "pixels count from the top");
    assert!(((first - second) - (third - first)).abs() <= 1, "both are four away");
}

#[test]
fn a_single_value_is_a_dot_and_none_a_word() {
    let one = chart(vec![layer(Shape::Line, &[(1000.0, 2.0)])]).html();
    assert_eq!(elements(&one, "circle", "fill"), 1);
    assert!(one.contains("agent: 2.00 at 1000.00."), "{one}");
    for nothing in [chart(vec![]), chart(vec![layer(Shape::Line, &[])])] {
        let html = nothing.html();
        assert!(html.contains("There is nothing to draw.") && !html.contains("<svg"), "{html}");
    }
}

#[test]
fn equal_values_and_values_at_the_edge_are_drawn() {
    for points in [[(0.0, 0.0), (0.0, 0.0)], [(5.0, 5.0), (6.0, 5.0)], [(-1e11, 1e-9), (1e11, 2e-9)]] {
        let mut chart = chart(vec![layer(Shape::Points { radius: 2 }, &points)]);
        for includes in [&[][..], &[0.0]] {
            (chart.x.includes, chart.y.includes) = (includes, includes);
            assert_eq!(elements(&chart.html(), "circle", "fill"), 2, "{points:?}");
        }
    }
}

#[test]
fn what_is_no_number_is_named_and_the_rest_drawn() {
    let points = [(1.0, 1.0), (2.0, f64::NAN), (3.0, f64::INFINITY), (4.0, 1e300), (5.0, 2.0)];
    let html = chart(vec![layer(Shape::Points { radius: 2 }, &points)]).html();
    assert_eq!(elements(&html, "circle", "fill"), 2);
    assert!(html.contains("agent: 3 values are no number that can be drawn, first at steps 2."), "{html}");
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    let html = chart(vec![layer(Shape::Line, &[(1.0, f64::NAN)])]).html();
    assert!(html.contains("There is nothing to draw.") && html.contains("1 value is no number"), "{html}");
}

#[test]
fn a_long_line_is_drawn_by_means_and_says_so() {
    let points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), f64::from(i % 2))).collect();
    let layer = layer(Shape::Line, &points);
    let drawn = layer.drawn();
    assert_eq!(drawn.len(), 334, "by threes");
    assert_eq!(drawn[0], (1.0, 1.0 / 3.0));
    let html = chart(vec![layer]).html();
    assert!(html.contains("each point of the line is the mean of 3 values."), "{html}");
}

#[test]
fn a_legend_names_what_is_drawn_and_nothing_leads_out_of_the_page() {
    let mut second = layer(Shape::Line, &[(0.0, 1.0), (1.0, 0.0)]);
    (second.name, second.colour) = ("<before>", BEFORE);
    let html = chart(vec![layer(Shape::Line, &[(0.0, 1.0), (1.0, 2.0)]), second]).html();
    assert!(html.contains("</i>agent</li>") && html.contains("</i>&lt;before&gt;</li>"), "{html}");
    assert!(!html.contains("http") && !html.contains("<before>"), "{html}");
}
