//! Dead leaves: things of all sizes that lie on each other, in the colours of nature and under one light.
//!
//! A picture of nothing, whose colours, tones and sizes are spread like those of photographs (Lee, Mumford and Huang 2001, *Occlusion models for natural
//! images*); what is learnt from such pictures carries over to photographs (Baradad et al. 2021, *Learning to see by looking at noise*). The scenes
//! beside this file are of eleven kinds, and a learner knows the twelfth by nothing; here each picture is of a kind of its own.

use dodge_imaging::Photo;

use super::camera::{grain, luma, shoulder, toe};
use super::canvas::{Area, Canvas};
use super::colour::{Rgb, encode};
use super::math::{clamp01, cos_turns, exp, lerp, ln, sin_turns, smoothstep};
use super::noise::fractal;
use super::random::Random;

/// Most leaves of a picture.
const MOST: f32 = 400.0;

/// Paints and develops.
pub(crate) fn leaves(canvas: &mut Canvas, random: &mut Random) -> Photo {
    let palette: Vec<Rgb> = (0..random.count(2, 8)).map(|_| reflectance(random)).collect();
    background(canvas, random);
    heap(canvas, &palette, random);
    light(canvas, random);
    develop(canvas, random)
}

/// What a thing reflects: earth, leaf, sky, skin, nearly grey, and now and then anything. Dull more often than vivid.
fn reflectance(random: &mut Random) -> Rgb {
    let which = random.unit();
    let (hue, saturation) = match which {
        _ if which < 0.30 => (random.bell(34.0, 14.0), random.bell(0.43, 0.175)),
        _ if which < 0.48 => (random.bell(85.0, 22.0), random.bell(0.46, 0.18)),
        _ if which < 0.66 => (random.bell(212.0, 16.0), random.bell(0.39, 0.19)),
        _ if which < 0.78 => (random.bell(22.0, 8.0), random.bell(0.43, 0.175)),
        _ if which < 0.97 => {
            // What is nearly grey is a little towards the light of the sun or of the sky.
            let hue = if random.chance(0.6) { 34.0 } else { 212.0 };
            (random.bell(hue, 30.0), 0.38 * random.unit() * random.unit())
        }
        _ => (random.range(0.0, 360.0), random.bell(0.67, 0.18)),
    };
    let saturation = clamp01(saturation);
    let channel = |shift: f32| {
        let place = (hue / 60.0 + shift).rem_euclid(6.0);
        1.0 - saturation + saturation * clamp01((place - 3.0).abs() - 1.0)
    };
    let colour = Rgb(channel(0.0), channel(4.0), channel(2.0));
    let light = exp(random.bell(-1.5, 0.9)).clamp(0.01, 0.9);
    colour * (0.8 * light / colour.luminance().max(0.05))
}

/// A sky above ground, a wall with light on it, or one colour.
fn background(canvas: &mut Canvas, random: &mut Random) {
    let base = reflectance(random);
    if random.chance(0.5) {
        return canvas.paint(canvas.everywhere(), |_, _| (base, 1.0));
    }
    let base = base * random.range(1.0, 4.0);
    let top = base * unlike(random, 0.25);
    let ground = reflectance(random);
    let horizon = if random.chance(0.6) { random.range(0.1, 0.7) } else { 2.0 };
    canvas
        .paint(canvas.everywhere(), |_, y| (top.mix(base, y).mix(ground, smoothstep(horizon, horizon + 0.05, y)), 1.0));
}

/// Leaves of all sizes: as many of each size as keeps the picture alike at any distance.
fn heap(canvas: &mut Canvas, palette: &[Rgb], random: &mut Random) {
    let (least, most) = (random.range(0.012, 0.07), random.range(0.17, 0.8));
    let (least_squared, most_squared) = (least * least, most * most);
    // The mean square of a radius whose density falls with its third power.
    let square = 2.0 * ln(most / least) / (1.0 / least_squared - 1.0 / most_squared);
    let covered = random.range(0.2, 0.999);
    let count = (-ln(1.0 - covered) * canvas.aspect() / (3.4 * square)).min(MOST) as u32;
    let towards = (random.bell(0.0, 1.0), random.bell(0.0, 1.0));
    for _ in 0..count {
        let u = random.unit();
        let radius = 1.0 / (u / least_squared + (1.0 - u) / most_squared).sqrt();
        let leaf = Leaf::new(radius, canvas.aspect(), random);
        let warmer = random.bell(0.0, 0.09);
        let colour = random.pick(palette)
            * Rgb(exp(warmer), exp(0.15 * warmer), exp(-1.2 * warmer))
            * unlike(random, 0.035)
            * exp(random.bell(0.0, 0.45));
        let shade = random.range(0.0, 0.6);
        let reach = leaf.reach();
        let area = Area(leaf.x - reach, leaf.y - reach, leaf.x + reach, leaf.y + reach);
        canvas.shape(
            area,
            |x, y| leaf.distance(x, y),
            |x, y| colour * exp(shade * ((x - leaf.x) * towards.0 + (y - leaf.y) * towards.1) / radius),
        );
    }
}

/// A thing with a smooth outline, between an ellipse and a rectangle.
struct Leaf {
    x: f32,
    y: f32,
    /// Half axes.
    axes: (f32, f32),
    turn: (f32, f32),
}

impl Leaf {
    fn new(radius: f32, width: f32, random: &mut Random) -> Self {
        let aspect = exp(random.bell(0.0, 0.5));
        let turns = random.range(0.0, 0.5);
        Self {
            x: random.range(0.0, width),
            y: random.range(0.0, 1.0),
            axes: (radius * aspect, radius / aspect),
            turn: (cos_turns(turns), sin_turns(turns)),
        }
    }

    fn reach(&self) -> f32 {
        // The corners of what is nearly a rectangle are further off than its sides.
        1.2 * self.axes.0.max(self.axes.1)
    }

    /// About the distance to the outline, negative inside.
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.x, y - self.y);
        let along = (dx * self.turn.0 + dy * self.turn.1) / self.axes.0;
        let across = (dy * self.turn.0 - dx * self.turn.1) / self.axes.1;
        // |a|^2.5 + |b|^2.5 is 1 on the outline.
        let power = |v: f32| v * v * v.abs().sqrt();
        let level = power(along) + power(across);
        (level - 1.0) * 0.4 * self.axes.0.min(self.axes.1)
    }
}

/// Texture, light and shade, the colour of the light, and now and then haze.
fn light(canvas: &mut Canvas, random: &mut Random) {
    let (texture, shade, sun) = (random.range(0.05, 0.4), random.range(0.0, 0.8), random.range(0.0, 0.25));
    let (texture_seed, shade_seed) = (random.seed(), random.seed());
    let (fine, gain) = (random.range(2.0, 6.0), random.range(0.5, 0.8));
    let (warmth, green) = (random.bell(0.05, 0.09), random.bell(0.0, 0.05));
    let of_light = Rgb(exp(warmth + 0.3 * green), exp(-0.3 * green), exp(-1.3 * warmth + 0.3 * green));
    let (width, pixel) = (canvas.width, canvas.pixel());
    for (index, target) in canvas.pixels.iter_mut().enumerate() {
        let (x, y) = ((index % width) as f32 * pixel, (index / width) as f32 * pixel);
        // The deviation of this noise is about a sixth.
        let texture = texture * 6.0 * (fractal(texture_seed, fine * x, fine * y, 6, gain) - 0.5);
        let shade = shade * 6.0 * (fractal(shade_seed, 1.5 * x, 1.5 * y, 4, 0.4) - 0.5);
        // What the sun does not reach has the light of the sky.
        let warmer = sun * shade;
        *target = *target * of_light * Rgb(exp(warmer), 1.0, exp(-1.3 * warmer)) * exp(texture + shade);
    }
    if random.chance(0.2) {
        let veil = random.range(0.1, 0.6);
        let air = Rgb(0.8, 0.85, 0.9) * quantile(canvas.pixels.iter().map(|p| p.luminance()), 0.9);
        canvas.paint(canvas.everywhere(), |_, _| (air, veil));
    }
}

/// From light to a photo that somebody kept: in many keys, with more or less of the tones in use. The spreads were set beside photographs.
fn develop(canvas: &mut Canvas, random: &mut Random) -> Photo {
    let mean = canvas.pixels.iter().map(|p| p.luminance()).sum::<f32>() / canvas.pixels.len() as f32;
    let exposure = 0.2 * exp(random.bell(0.0, 0.6)) / mean.max(1e-3);
    for pixel in &mut canvas.pixels {
        let Rgb(r, g, b) = *pixel * exposure;
        *pixel = Rgb(shoulder(encode(r)), shoulder(encode(g)), shoulder(encode(b)));
    }
    let (low, high) =
        (quantile(canvas.pixels.iter().map(luma_of), 0.01), quantile(canvas.pixels.iter().map(luma_of), 0.99));
    let (black, white) = (random.bell(0.095, 0.085).max(0.005), random.bell(0.89, 0.16).min(1.02));
    let stretch = ((white - black) / (high - low).max(0.05)).clamp(0.45, 3.0);
    let stretch = lerp(1.0, stretch, random.range(0.75, 1.0));
    let offset = lerp(low, black, 0.95);
    let saturation = exp(random.bell(0.0, 0.25));
    let (noise, seed) = (random.range(0.003, 0.015), random.seed());
    let mut bytes = Vec::with_capacity(canvas.pixels.len() * 3);
    for (index, pixel) in canvas.pixels.iter().enumerate() {
        let grey = luma(*pixel);
        for (channel, value) in [pixel.0, pixel.1, pixel.2].into_iter().enumerate() {
            let value = (grey + (value - grey) * saturation - low) * stretch + offset;
            let value = toe(value) + noise * grain(seed.wrapping_add(channel as u32), index as u32);
            bytes.push((255.0 * value + 0.5).clamp(0.0, 255.0) as u8);
        }
    }
    // The buffer has the canvas's size, and a canvas has no empty side.
    Photo::new(canvas.width as u32, canvas.height as u32, bytes).expect("a developed canvas has the size of its photo")
}

fn luma_of(pixel: &Rgb) -> f32 {
    luma(*pixel)
}

/// Each channel a little more or less.
fn unlike(random: &mut Random, deviation: f32) -> Rgb {
    let mut factor = || exp(random.bell(0.0, deviation));
    Rgb(factor(), factor(), factor())
}

/// The value below which this share of the values is.
fn quantile(values: impl Iterator<Item = f32>, share: f32) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_unstable_by(f32::total_cmp);
    values[((values.len() - 1) as f32 * share) as usize]
}
