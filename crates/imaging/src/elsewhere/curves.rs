//! Curves as other programs keep them: a few points of whole levels, and a smooth line through them.

use crate::Operation;

/// Most points of a curve in Lightroom.
const MOST_POINTS: usize = 16;
/// A curve that is nearer than this, in levels, needs no further point.
const NEAR_ENOUGH: f64 = 0.5;

/// A point: a level and what becomes of it.
pub(super) type Point = (u8, u8);

/// What a channel's 256 levels become by operations that are curves, one after the other, each result clamped as in a recipe.
pub(super) fn composed(operations: &[Operation], channel: usize) -> [f64; 256] {
    std::array::from_fn(|level| {
        let step = |level: f32, operation: &Operation| operation.on_level(level, channel).clamp(0.0, 255.0);
        f64::from(operations.iter().fold(level as f32, step))
    })
}

/// Points on a curve by which [`drawn`] comes near it: the ends, and one after the other where it is furthest away.
pub(super) fn points(curve: &[f64; 256]) -> Vec<Point> {
    let point = |level: usize| (level as u8, curve[level].round() as u8);
    let mut points = vec![point(0), point(255)];
    while points.len() < MOST_POINTS {
        let drawn = drawn(&points);
        let away = |level: &usize| (drawn[*level] - curve[*level]).abs();
        let free = (0..256).filter(|level| points.iter().all(|point| usize::from(point.0) != *level));
        let Some(furthest) = free.max_by(|a, b| away(a).total_cmp(&away(b))).filter(|it| away(it) > NEAR_ENOUGH) else {
            break;
        };
        points.push(point(furthest));
        points.sort_unstable();
    }
    points
}

/// A natural cubic spline through the points, clamped to the range: no curvature at its ends.
pub(super) fn drawn(points: &[Point]) -> [f64; 256] {
    let curvatures = curvatures(points);
    let place = |level: usize| points.windows(2).position(|pair| level <= usize::from(pair[1].0)).unwrap_or(0);
    std::array::from_fn(|level| {
        let at = place(level);
        let [(x0, y0), (x1, y1)] = [points[at], points[at + 1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let width = x1 - x0;
        let right = (level as f64 - x0) / width;
        let left = 1.0 - right;
        let bend = (left.powi(3) - left) * curvatures[at] + (right.powi(3) - right) * curvatures[at + 1];
        (left * y0 + right * y1 + bend * width * width / 6.0).clamp(0.0, 255.0)
    })
}

/// The second derivatives at the points (Thomas algorithm).
fn curvatures(points: &[Point]) -> Vec<f64> {
    let at = |index: usize| (f64::from(points[index].0), f64::from(points[index].1));
    let (mut upper, mut right) = (vec![0.0; points.len()], vec![0.0; points.len()]);
    for index in 1..points.len() - 1 {
        let ((x0, y0), (x1, y1), (x2, y2)) = (at(index - 1), at(index), at(index + 1));
        let (before, behind) = (x1 - x0, x2 - x1);
        let pivot = 2.0 * (before + behind) - before * upper[index - 1];
        upper[index] = behind / pivot;
        let change = 6.0 * ((y2 - y1) / behind - (y1 - y0) / before);
        right[index] = (change - before * right[index - 1]) / pivot;
    }
    for index in (1..points.len() - 1).rev() {
        right[index] -= upper[index] * right[index + 1];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(operations: &str) -> [f64; 256] {
        let operations: Vec<Operation> = operations.split(' ').map(|operation| operation.parse().unwrap()).collect();
        composed(&operations, 0)
    }

    #[test]
    fn a_line_needs_two_points_and_a_spline_goes_through_its_points() {
        assert_eq!(points(&of("gamma:1")), [(0, 0), (255, 255)]);
        // Worked by hand: one point in the middle of a segment of 2, raised by 1, has the curvature -3.
        assert_eq!(curvatures(&[(0, 0), (1, 1), (2, 0)]), [0.0, -3.0, 0.0]);
        let through = [(0, 10), (50, 80), (120, 90), (255, 250)];
        let drawn = drawn(&through);
        assert!(through.iter().all(|(x, y)| (drawn[usize::from(*x)] - f64::from(*y)).abs() < 1e-9), "{drawn:?}");
    }

    #[test]
    fn sixteen_points_come_near_the_curves_of_a_recipe() {
        for (operations, most) in [
            ("exposure:0.5 contrast:1.2 gamma:1.2", 0.6),
            ("exposure:-0.7 shadows:0.4 highlights:-0.3", 0.6),
            ("warmth:0.1 haze:-0.2", 1.2),
            ("contrast:1.6", 1.2),
            ("invert:rgb", 1e-9),
        ] {
            let curve = of(operations);
            let points = points(&curve);
            assert!(points.len() <= 16 && points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{points:?}");
            let away = drawn(&points).iter().zip(curve).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(away <= most, "{operations}: {away}");
        }
    }
}
