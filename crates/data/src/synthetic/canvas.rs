//! What a scene is painted on: linear light, back to front, with soft edges.

use super::colour::Rgb;
use super::math::clamp01;
use super::noise::fractal;

/// A picture in linear light. Positions are in units of the picture's height: `y` from 0 (top) to 1, `x` from 0 to
/// [`Canvas::aspect`].
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Rgb>,
}

/// A rectangle: left, top, right, bottom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area(pub(crate) f32, pub(crate) f32, pub(crate) f32, pub(crate) f32);

/// An ellipse seen as an ellipsoid, with an uneven outline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ball {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) rx: f32,
    pub(crate) ry: f32,
    /// Depth of the dents in the outline, as a share of the radius.
    pub(crate) rough: f32,
    /// Dents per radius.
    pub(crate) dents: f32,
    pub(crate) seed: u32,
}

/// A point on a ball.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// Position inside of the ball, -1..1 each way, y downwards.
    pub(crate) u: f32,
    pub(crate) v: f32,
    /// Outward: right, up, towards the viewer.
    pub(crate) normal: [f32; 3],
}

impl Ball {
    pub(crate) fn smooth(x: f32, y: f32, rx: f32, ry: f32) -> Self {
        Self { x, y, rx, ry, rough: 0.0, dents: 1.0, seed: 0 }
    }
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, pixels: vec![Rgb::BLACK; width * height] }
    }

    pub(crate) fn aspect(&self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// Size of a pixel.
    pub(crate) fn pixel(&self) -> f32 {
        1.0 / self.height as f32
    }

    /// Factor for the size of things, so that they fit upright pictures too; 1 for 3:2.
    pub(crate) fn scale(&self) -> f32 {
        (self.aspect() / 1.5).sqrt().clamp(0.4, 1.2)
    }

    pub(crate) fn everywhere(&self) -> Area {
        Area(0.0, 0.0, self.aspect(), 1.0)
    }

    /// Everything below `y`.
    pub(crate) fn below(&self, y: f32) -> Area {
        Area(0.0, y, self.aspect(), 1.0)
    }

    /// Paints the colour and opacity that `paint` has for each position in `area`.
    pub(crate) fn paint(&mut self, area: Area, paint: impl Fn(f32, f32) -> (Rgb, f32)) {
        let pixel = self.pixel();
        // One pixel more on each side for soft edges; casts saturate at zero.
        let first = |v: f32| ((v / pixel).floor() - 1.0).max(0.0) as usize;
        let last = |v: f32, end: usize| (((v / pixel).ceil() + 1.0).max(0.0) as usize).min(end);
        let (left, right) = (first(area.0), last(area.2, self.width));
        for row in first(area.1)..last(area.3, self.height) {
            let y = (row as f32 + 0.5) * pixel;
            for column in left..right {
                let (colour, opacity) = paint((column as f32 + 0.5) * pixel, y);
                if opacity > 0.0 {
                    let target = &mut self.pixels[row * self.width + column];
                    *target = target.mix(colour, opacity.min(1.0));
                }
            }
        }
    }

    /// Paints where `distance` (to the edge, negative inside) is below zero, with an edge one pixel wide.
    pub(crate) fn shape(&mut self, area: Area, distance: impl Fn(f32, f32) -> f32, colour: impl Fn(f32, f32) -> Rgb) {
        let sharpness = 1.0 / self.pixel();
        self.paint(area, |x, y| {
            let opacity = clamp01(0.5 - distance(x, y) * sharpness);
            if opacity > 0.0 { (colour(x, y), opacity) } else { (Rgb::BLACK, 0.0) }
        });
    }

    /// Multiplies the light in `area` by `1 - strength`: shadows and stains.
    pub(crate) fn darken(&mut self, area: Area, strength: impl Fn(f32, f32) -> f32) {
        self.paint(area, |x, y| (Rgb::BLACK, strength(x, y)));
    }

    /// A soft dark ellipse: the shadow under a thing.
    pub(crate) fn contact_shadow(&mut self, x: f32, y: f32, rx: f32, ry: f32, strength: f32) {
        self.darken(Area(x - rx, y - ry, x + rx, y + ry), |px, py| {
            let (u, v) = ((px - x) / rx, (py - y) / ry);
            let q = clamp01(1.0 - u * u - v * v);
            strength * q * (2.0 - q)
        });
    }

    pub(crate) fn ball(&mut self, ball: &Ball, colour: impl Fn(Point) -> Rgb) {
        let Ball { x: cx, y: cy, rx, ry, rough, dents, seed } = *ball;
        let (reach, sharpness) = (1.0 + rough, rx.min(ry) / self.pixel());
        let area = Area(cx - rx * reach, cy - ry * reach, cx + rx * reach, cy + ry * reach);
        self.paint(area, |x, y| {
            let (u, v) = ((x - cx) / rx, (y - cy) / ry);
            let mut q = (u * u + v * v).sqrt();
            if rough > 0.0 {
                q += rough * (2.0 * fractal(seed, u * dents, v * dents, 3, 0.6) - 1.0);
            }
            let opacity = clamp01(0.5 - (q - 1.0) * sharpness);
            if opacity <= 0.0 {
                return (Rgb::BLACK, 0.0);
            }
            let z = (1.0 - (u * u + v * v)).max(0.0).sqrt();
            let length = (u * u + v * v + z * z).sqrt().max(1e-3);
            (colour(Point { x, y, u, v, normal: [u / length, -v / length, z / length] }), opacity)
        });
    }

    /// Blurs everything by about `radius`: three passes of a running mean come close to a Gaussian.
    pub(crate) fn blur(&mut self, radius: f32) {
        let half = (radius / self.pixel() * 0.5).round() as usize;
        if half == 0 {
            return;
        }
        let mut line = Vec::new();
        for _ in 0..3 {
            for row in 0..self.height {
                running_mean(&mut self.pixels, row * self.width, 1, self.width, half, &mut line);
            }
            for column in 0..self.width {
                running_mean(&mut self.pixels, column, self.width, self.height, half, &mut line);
            }
        }
    }
}

fn running_mean(pixels: &mut [Rgb], start: usize, step: usize, count: usize, half: usize, line: &mut Vec<Rgb>) {
    line.clear();
    line.extend((0..count).map(|i| pixels[start + i * step]));
    let at = |i: isize| line[i.clamp(0, count as isize - 1) as usize];
    let span = half as isize;
    let mut sum = (-span..=span).fold(Rgb::BLACK, |sum, i| sum + at(i));
    let share = 1.0 / (2 * half + 1) as f32;
    for i in 0..count as isize {
        pixels[start + i as usize * step] = sum * share;
        sum = sum + at(i + span + 1) + at(i - span) * -1.0;
    }
}

/// Distance to a rectangle with corners rounded by `radius`.
pub(crate) fn rounded_box(x: f32, y: f32, area: Area, radius: f32) -> f32 {
    let (cx, cy) = ((area.0 + area.2) * 0.5, (area.1 + area.3) * 0.5);
    let dx = (x - cx).abs() - (area.2 - area.0) * 0.5 + radius;
    let dy = (y - cy).abs() - (area.3 - area.1) * 0.5 + radius;
    let (ox, oy) = (dx.max(0.0), dy.max(0.0));
    (ox * ox + oy * oy).sqrt() + dx.max(dy).min(0.0) - radius
}

/// Distance to a line from `a` to `b` whose half width goes from `from` to `to`.
pub(crate) fn limb(x: f32, y: f32, a: (f32, f32), b: (f32, f32), from: f32, to: f32) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let t = clamp01(((x - a.0) * dx + (y - a.1) * dy) / (dx * dx + dy * dy).max(1e-9));
    let (px, py) = (x - a.0 - dx * t, y - a.1 - dy * t);
    (px * px + py * py).sqrt() - (from + (to - from) * t)
}

/// The rectangle around a limb.
pub(crate) fn limb_area(a: (f32, f32), b: (f32, f32), width: f32) -> Area {
    Area(a.0.min(b.0) - width, a.1.min(b.1) - width, a.0.max(b.0) + width, a.1.max(b.1) + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_mean_of_an_even_picture_and_spreads_a_point() {
        let mut canvas = Canvas::new(21, 21);
        canvas.pixels[10 * 21 + 10] = Rgb(1.0, 1.0, 1.0);
        canvas.blur(4.0 / 21.0);
        let sum: f32 = canvas.pixels.iter().map(|p| p.0).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        assert!(canvas.pixels[10 * 21 + 10].0 < 0.1);
    }

    #[test]
    fn shapes_outside_of_the_picture_are_harmless() {
        let mut canvas = Canvas::new(8, 8);
        for (x, y) in [(-5.0, 0.5), (5.0, 0.5), (0.5, -5.0), (0.5, 5.0)] {
            canvas.ball(&Ball::smooth(x, y, 0.2, 0.2), |_| Rgb(1.0, 1.0, 1.0));
        }
        assert!(canvas.pixels.iter().all(|p| *p == Rgb::BLACK));
    }
}
