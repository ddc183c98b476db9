//! Mountains, countryside and coast.

use super::canvas::{Area, Ball, Canvas, limb, limb_area, rounded_box};
use super::colour::{Rgb, hex};
use super::light::unit;
use super::math::{clamp01, lerp, sin_turns, smoothstep};
use super::noise::{fbm, fractal, noise, ridged};
use super::plants::{self, Ground};
use super::random::Random;
use super::sky::Weather;

/// Peaks in haze behind forest, meadow or a lake.
pub(crate) fn mountains(canvas: &mut Canvas, random: &mut Random) {
    let weather = Weather::new(random);
    let horizon = random.range(0.55, 0.75);
    weather.paint(canvas, horizon);
    let layers = random.count(2, 4);
    let snow = random.chance(0.55);
    let rock = hex(random.pick(&[0x7a746e, 0x8a7f74, 0x6c6a70, 0x94806a]));
    for layer in 0..layers {
        let near = (layer + 1) as f32 / layers as f32;
        let height = lerp(0.42, 0.16, near) * random.range(0.8, 1.25);
        let wooded = smoothstep(0.3, 1.0, near);
        let range = Range { base: horizon, height, far: 1.15 - near, wooded, snow: snow && near < 0.8, rock };
        range.paint(canvas, random, &weather);
    }
    if random.chance(0.4) {
        water(canvas, random, &weather, horizon - 0.01, 0.25);
        let at = random.range(0.8, 0.92);
        shore(canvas, random, &weather, at);
    } else {
        meadow(canvas, random, &weather, horizon - 0.01);
    }
    for _ in 0..random.count(0, 9) {
        let near = random.unit();
        let (x, y) = (random.range(0.0, canvas.aspect()), lerp(horizon + 0.03, 1.0, near));
        plants::spruce(canvas, random, x, y, lerp(0.12, 0.45, near), &weather, 0.25 * (1.0 - near));
    }
}

/// One row of mountains.
struct Range {
    base: f32,
    height: f32,
    far: f32,
    wooded: f32,
    snow: bool,
    rock: Rgb,
}

impl Range {
    fn paint(&self, canvas: &mut Canvas, random: &mut Random, weather: &Weather) {
        let (seed, offset) = (random.seed(), random.range(0.0, 50.0));
        let forest = plants::leaf_colour(random, false) * 0.55;
        let (weather, light, pixel) = (*weather, weather.light, canvas.pixel());
        let detail = if self.wooded > 0.6 { 0.016 } else { 0.0 };
        let columns: Vec<f32> = (0..canvas.width + 3)
            .map(|column| {
                let x = (column as f32 - 1.0) * pixel;
                let crest = ridged(seed, x * 1.3 + offset, 0.5, 5);
                let trees = detail * noise(seed ^ 1, x * 130.0, 0.0);
                self.base - self.height * (0.25 + 0.95 * (crest - 0.35)).max(0.05) - trees
            })
            .collect();
        canvas.paint(Area(0.0, self.base - self.height * 1.4 - 0.05, canvas.aspect(), self.base + 0.02), |x, y| {
            let top = columns[((x / pixel) as usize + 1).min(columns.len() - 1)];
            let opacity = clamp01(0.5 + (y - top) / pixel);
            if opacity <= 0.0 {
                return (Rgb::BLACK, 0.0);
            }
            // The slope of a ridged field stands in for the slope of the rock.
            let (u, v) = (x * 3.2 + offset, (y - top) * 2.2 + 1.7 * x);
            let here = ridged(seed ^ 3, u, v, 5);
            let slope = (ridged(seed ^ 3, u + 0.06, v, 4) - here) * 3.5;
            let normal = unit([-slope, 0.6, 0.6]);
            let up = clamp01((self.base - y) / self.height);
            let grain = fbm(seed ^ 4, x * 26.0, y * 26.0, 4);
            let mut albedo = self.rock * (0.55 + 0.8 * grain);
            let treeline = smoothstep(0.55, 0.25, up + 0.5 * (grain - 0.5)).max(smoothstep(0.6, 1.0, self.wooded));
            let crowns = fractal(seed ^ 6, x * 70.0, y * 95.0, 3, 0.7);
            albedo = albedo.mix(forest * (0.3 + 1.5 * crowns), self.wooded.max(0.35) * treeline);
            if self.snow {
                let cover = smoothstep(0.42, 0.6, up + 0.35 * (here - 0.5) + 0.25 * (grain - 0.5));
                albedo = albedo.mix(hex(0xf0f2f6), cover);
            }
            (weather.far(light.shade(albedo, normal, 0.25 + 0.75 * smoothstep(0.2, 0.5, here)), self.far), opacity)
        });
    }
}

/// Rolling fields with trees, now and then a house or a road.
pub(crate) fn countryside(canvas: &mut Canvas, random: &mut Random) {
    let weather = Weather::new(random);
    let horizon = random.range(0.3, 0.6);
    weather.paint(canvas, horizon + 0.05);
    let autumn = random.chance(0.3);
    for layer in 0..3 {
        let near = layer as f32 / 3.0;
        hill(canvas, random, &weather, horizon + 0.06 * layer as f32, 0.1 - 0.02 * near, 0.75 - 0.6 * near, autumn);
    }
    let foot = horizon + 0.17;
    meadow(canvas, random, &weather, foot);
    if random.chance(0.5) {
        let (x, y) = (random.range(0.15, 0.85) * canvas.aspect(), foot + 0.05);
        let size = random.range(0.09, 0.17) * canvas.scale();
        cottage(canvas, random, &weather, x, y, size);
    }
    let mut trees: Vec<f32> = (0..random.count(1, 5)).map(|_| random.unit()).collect();
    trees.sort_by(f32::total_cmp);
    for near in trees {
        let (x, y) = (random.range(-0.05, 1.05) * canvas.aspect(), lerp(foot + 0.02, 0.98, near * near));
        let (height, colour) = (lerp(0.2, 0.75, near), plants::leaf_colour(random, autumn));
        plants::tree(canvas, random, x, y, height * canvas.scale(), &weather, 0.2 * (1.0 - near), colour);
    }
    if random.chance(0.4) {
        let at = random.range(0.75, 0.92);
        fence(canvas, random, &weather, at);
    }
}

fn hill(canvas: &mut Canvas, random: &mut Random, weather: &Weather, base: f32, height: f32, far: f32, autumn: bool) {
    let (seed, offset) = (random.seed(), random.range(0.0, 30.0));
    let fields = [0x8a9a4a, 0x6f8a40, 0xb8a860, 0x9a8a58, 0x5f7a3a, 0xa8a250].map(hex);
    let woods = plants::leaf_colour(random, autumn) * 0.6;
    let (weather, light, pixel, pick) = (*weather, weather.light, canvas.pixel(), random.seed());
    canvas.paint(canvas.below(base - height * 1.2), |x, y| {
        let slope = fbm(seed, x * 1.1 + offset, 0.5, 3);
        let top = base
            - height * slope
            - 0.012 * noise(seed ^ 1, x * 70.0, 0.0) * smoothstep(0.4, 0.7, noise(seed ^ 2, x * 5.0, 0.0));
        let opacity = clamp01(0.5 + (y - top) / pixel);
        if opacity <= 0.0 {
            return (Rgb::BLACK, 0.0);
        }
        let (u, v) = (x * 4.0 + (y - top) * 6.0, (y - top) * 16.0);
        let (fu, fv) = (u.floor(), v.floor());
        let field = fields[(super::noise::cell(pick, fu as i32, fv as i32) * 5.99) as usize];
        let rows = 0.9 + 0.2 * sin_turns(u * 7.0 + v * 2.0);
        let grain = fractal(seed ^ 3, x * 45.0, y * 90.0, 4, 0.7);
        let hedge =
            smoothstep(0.93, 0.99, (u - fu).max(v - fv)) + smoothstep(0.56, 0.66, fbm(seed ^ 4, x * 6.0, y * 14.0, 3));
        let albedo = (field * rows).mix(woods * (0.4 + 1.2 * grain), clamp01(hedge)) * (0.6 + 0.8 * grain);
        (weather.far(light.ground(albedo, 0.5 + 0.5 * smoothstep(0.3, 0.6, slope)), far), opacity)
    });
}

fn cottage(canvas: &mut Canvas, random: &mut Random, weather: &Weather, x: f32, y: f32, size: f32) {
    let wall = hex(random.pick(&[0xe8e0d0, 0xd8c8a8, 0xb06a4a, 0xf0ece4, 0xa88a6a]));
    let roof = hex(random.pick(&[0x8a4a34, 0x6a4a3c, 0x5a5a60, 0xa05a3c]));
    let (light, seed) = (weather.light, random.seed());
    let (left, right, eaves) = (x - size, x + size * 0.8, y - size * 0.8);
    let facing = clamp01(0.55 + 0.35 * light.direction[0]);
    canvas.contact_shadow(x, y, size * 1.3, size * 0.2, 0.6);
    canvas.shape(
        Area(left, eaves, right, y),
        |px, py| rounded_box(px, py, Area(left, eaves, right, y), 0.0),
        |px, py| {
            let (u, v) = ((px - left) / size * 2.2, (py - eaves) / size * 2.0);
            let window = (u.fract() - 0.5).abs() < 0.18 && (0.45..1.1).contains(&v);
            let plaster = wall * (0.85 + 0.3 * fbm(seed, px * 60.0, py * 60.0, 3));
            let albedo = if window { hex(0x2a3038) } else { plaster };
            light.shade(albedo, [0.0, 0.2, 0.98], facing)
        },
    );
    canvas.shape(
        Area(left - size * 0.15, eaves - size * 0.75, right + size * 0.15, eaves),
        |px, py| {
            let up = (eaves - py) / (size * 0.7);
            ((px - x + size * 0.1).abs() - size * (1.1 - 0.45 * up)).max((up - 1.0) * size * 0.7).max(py - eaves)
        },
        |px, py| {
            let tiles = 0.75
                + 0.25 * sin_turns(py * 55.0 / size * 0.12)
                + 0.4 * (noise(seed ^ 1, px * 150.0, py * 150.0) - 0.5);
            light.shade(roof * tiles, [0.0, 0.7, 0.7], 1.0)
        },
    );
}

/// Grass towards the viewer, with flowers, stones and a path at times.
fn meadow(canvas: &mut Canvas, random: &mut Random, weather: &Weather, top: f32) {
    let dry = random.chance(0.3);
    let (a, b) =
        if dry { (hex(0x9a8a52), hex(0x6a6a38)) } else { (plants::leaf_colour(random, false) * 1.2, hex(0x8a9a48)) };
    let ground = Ground { seed: random.seed(), horizon: top, a, b, reach: random.range(0.7, 1.4), blades: 1.0 };
    let (bend, phase) = (random.range(0.0, 0.05), random.unit());
    ground.paint(canvas, weather, |x| top + bend * sin_turns(x * 0.6 + phase));
    if random.chance(0.35) {
        let (lead, start) = (random.range(-0.6, 0.6), random.range(0.3, 0.7) * canvas.aspect());
        let (light, seed) = (weather.light, random.seed());
        canvas.paint(canvas.below(top + 0.06), |x, y| {
            let t = (y - top) / (1.0 - top);
            let middle = start + lead * (t - t * t * 0.6) + 0.05 * sin_turns(t * 0.8);
            let edge = 0.16 * t * t + 0.008 + 0.012 * (noise(seed, x * 60.0, y * 40.0) - 0.5);
            let grit = fractal(seed ^ 1, x * 40.0 / (0.3 + t), y * 90.0 / (0.3 + t), 3, 0.7);
            (
                light.ground(hex(0xb09a78) * (0.6 + 0.7 * grit), 0.9),
                smoothstep(0.012, -0.004, (x - middle).abs() - edge),
            )
        });
    }
    if random.chance(0.5) {
        let count = random.count(40, 220);
        plants::flowers(canvas, random, top + 0.04, count, &weather.light);
    }
    for _ in 0..random.count(0, 4) {
        let near = random.unit();
        let (x, y) = (random.range(0.0, canvas.aspect()), lerp(top + 0.08, 0.97, near));
        plants::rock(canvas, random, x, y, lerp(0.012, 0.07, near), &weather.light);
    }
}

fn fence(canvas: &mut Canvas, random: &mut Random, weather: &Weather, y: f32) {
    let wood = hex(random.pick(&[0x8a7458, 0xb0a590, 0x6a5644]));
    let (light, seed, gap) = (weather.light, random.seed(), random.range(0.13, 0.22));
    let aspect = canvas.aspect();
    let rail =
        |px: f32, py: f32| light.shade(wood * (0.6 + 0.7 * noise(seed, px * 30.0, py * 240.0)), [0.0, 0.4, 0.9], 0.9);
    for level in [0.035, 0.085] {
        let (a, b) = ((0.0, y - level), (aspect, y - level + 0.02));
        canvas.shape(limb_area(a, b, 0.008), |px, py| limb(px, py, a, b, 0.006, 0.007), rail);
    }
    let mut x = random.range(0.0, gap);
    while x < aspect {
        let post = Area(x - 0.009, y - 0.12, x + 0.009, y + 0.04);
        canvas.shape(
            post,
            |px, py| rounded_box(px, py, post, 0.003),
            |px, py| light.shade(wood * (0.6 + 0.7 * noise(seed ^ 1, px * 240.0, py * 30.0)), [0.5, 0.2, 0.8], 0.9),
        );
        x += gap;
    }
}

/// Water from `top` to the bottom, mirroring the sky and, dimly, what stands above it.
fn water(canvas: &mut Canvas, random: &mut Random, weather: &Weather, top: f32, calm: f32) {
    let (seed, tint) = (random.seed(), hex(random.pick(&[0x1f4a5a, 0x2a5a60, 0x1d3f58, 0x33594f])));
    let (weather, aspect, light) = (*weather, canvas.aspect(), weather.light);
    let (width, height) = (canvas.width, canvas.height);
    let above = canvas.pixels.clone();
    let choppy = random.range(0.4, 1.3);
    canvas.paint(canvas.below(top), |x, y| {
        let depth = 1.0 / (y - top + 0.035);
        let (u, v) = ((x - aspect * 0.5) * depth * 1.1, depth * 6.0);
        let wave = fractal(seed, u * 1.6, v, 4, 0.62) - 0.5;
        let ripple = (noise(seed ^ 1, x * 55.0, y * 220.0) - 0.5) * 0.5;
        let tilt = (wave * 2.0 + ripple) * choppy;
        // The mirror image is longer and broken up by the waves.
        let mirrored = top - (y - top) * 0.8 - 0.05 * calm * tilt;
        let row = ((mirrored.max(0.0) * height as f32) as usize).min(height - 1);
        let column = (((x + 0.02 * tilt) * height as f32).max(0.0) as usize).min(width - 1);
        let mirror = above[row * width + column].mix(weather.sky(0.35 + tilt * 0.5), 1.0 - calm.max(0.3));
        let steep = clamp01(0.78 - 1.1 * (y - top) + tilt * 0.35);
        let body = tint * (light.direct * 0.5 + light.ambient * 0.6);
        let glitter = smoothstep(0.28, 0.5, tilt)
            * smoothstep(0.3, 0.0, (x / aspect - weather.sun).abs())
            * light.direct.luminance();
        let foam = smoothstep(0.27, 0.36, wave * choppy.min(1.0)) * smoothstep(0.05, 0.3, y - top) * (1.0 - calm);
        let colour = body.mix(mirror, steep * 0.8) + Rgb(1.0, 0.97, 0.9) * (0.6 * glitter);
        (colour.mix(light.ground(hex(0xe8eef0), 0.9), foam * 0.7), clamp01(0.5 + (y - top) * height as f32))
    });
}

/// A strip of sand or pebbles in front of water.
fn shore(canvas: &mut Canvas, random: &mut Random, weather: &Weather, at: f32) {
    let (a, b) =
        random.pick(&[(hex(0xd8c39c), hex(0xc4a878)), (hex(0xa59a8c), hex(0x7a7268)), (hex(0xe6d8b8), hex(0xcdb88e))]);
    let (tilt, phase) = (random.range(-0.12, 0.12), random.unit());
    let edge = move |x: f32| at + tilt * (x - 0.7) + 0.018 * sin_turns(x * 0.9 + phase) + 0.008 * sin_turns(x * 2.7);
    let light = weather.light;
    let seed = random.seed();
    // Foam runs up the sand, which is dark where it is wet.
    canvas.paint(canvas.below(at - 0.2), |x, y| {
        let d = y - edge(x) + 0.02 * (fbm(seed, x * 12.0, y * 30.0, 4) - 0.5);
        (
            light.ground(hex(0xeef2f2), 0.95),
            smoothstep(-0.035, -0.005, d) * (0.5 + 0.5 * noise(seed, x * 40.0, y * 90.0)),
        )
    });
    let ground = Ground { seed: random.seed(), horizon: at - 0.25, a, b, reach: 1.5, blades: 0.0 };
    ground.paint(canvas, weather, edge);
    canvas.darken(canvas.below(at - 0.2), |x, y| {
        let d = y - edge(x);
        if d > 0.0 { 0.4 * smoothstep(0.09, 0.0, d) } else { 0.0 }
    });
}

/// Sea with a beach or rocks, boats and bathers.
pub(crate) fn coast(canvas: &mut Canvas, random: &mut Random) {
    let weather = Weather::new(random);
    let horizon = random.range(0.25, 0.55);
    weather.paint(canvas, horizon);
    if random.chance(0.6) {
        let rock = hex(random.pick(&[0x8a7a64, 0x6f7a58, 0x9a9088]));
        let height = random.range(0.08, 0.22);
        Range { base: horizon, height, far: 0.5, wooded: 0.5, snow: false, rock }.paint(canvas, random, &weather);
    }
    let calm = random.range(0.0, 0.6);
    water(canvas, random, &weather, horizon, calm);
    for _ in 0..random.count(0, 3) {
        let y = horizon + random.range(0.02, 0.12);
        let (x, size) = (random.range(0.1, 0.9) * canvas.aspect(), (y - horizon + 0.05) * random.range(0.5, 1.1));
        boat(canvas, random, &weather, x, y, size);
    }
    if random.chance(0.7) {
        let at = random.range(0.68, 0.88);
        shore(canvas, random, &weather, at);
        for _ in 0..random.count(0, 4) {
            let (x, y) = (random.range(0.05, 0.95) * canvas.aspect(), random.range(at + 0.03, 0.97));
            super::people::figure(canvas, random, &weather.light, x, y, 0.25 * canvas.scale() * (y - horizon + 0.3));
        }
    }
    for _ in 0..random.count(0, 7) {
        let (x, y) = (random.range(0.0, 1.0) * canvas.aspect(), random.range(horizon + 0.1, 1.0));
        let size = (y - horizon) * random.range(0.05, 0.22);
        plants::rock(canvas, random, x, y, size, &weather.light);
    }
}

fn boat(canvas: &mut Canvas, random: &mut Random, weather: &Weather, x: f32, y: f32, size: f32) {
    let hull = hex(random.pick(&[0xd8d4cc, 0x8a2f2a, 0x2f4a7a, 0x3a3a3c, 0xb5833c]));
    let light = weather.light;
    let (bow, stern) = ((x - size * 0.55, y - size * 0.08), (x + size * 0.5, y - size * 0.06));
    canvas.contact_shadow(x, y + size * 0.05, size * 0.7, size * 0.12, 0.5);
    canvas.shape(
        limb_area(bow, stern, size * 0.1),
        |px, py| limb(px, py, bow, stern, size * 0.05, size * 0.1).max(y - size * 0.12 - py),
        |_, py| light.shade(hull, [0.0, 0.3, 0.9], 0.8 + 0.2 * (y - py) / size),
    );
    if random.chance(0.65) {
        let sail = hex(random.pick(&[0xf2efe6, 0xe8d8b8, 0xc8503a, 0xf0f0f0]));
        let lean = random.sign();
        canvas.shape(
            Area(x - size * 0.5, y - size * 1.2, x + size * 0.5, y),
            |px, py| {
                let up = (y - size * 0.16 - py) / size;
                let out = (px - x) * lean / size;
                (out - 0.42 * (1.0 - up)).max(-out + 0.01).max(-up) * size
            },
            |px, _| light.shade(sail, [0.5, 0.2, 0.8], 0.75 + 0.5 * (px - x).abs() / size),
        );
    } else {
        let cabin = Area(x - size * 0.1, y - size * 0.3, x + size * 0.25, y - size * 0.1);
        canvas.shape(
            cabin,
            |px, py| rounded_box(px, py, cabin, size * 0.03),
            |px, _| {
                let glass = sin_turns(px / size * 9.0) > 0.3;
                light.shade(if glass { hex(0x3a4650) } else { hex(0xe4e2dc) }, [0.0, 0.2, 0.9], 0.9)
            },
        );
    }
    let buoy = Ball::smooth(x + size * 0.8, y, size * 0.05, size * 0.05);
    canvas.ball(&buoy, |p| light.shade(hex(0xc8482e), p.normal, 1.0));
}
