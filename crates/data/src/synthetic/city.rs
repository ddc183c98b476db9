//! Streets: rows of facades and views along a street.

use super::canvas::{Area, Ball, Canvas, limb, limb_area, rounded_box};
use super::colour::{Rgb, hex};
use super::light::Light;
use super::math::{clamp01, lerp, sin_turns, smoothstep};
use super::noise::{cell, fbm, fractal, noise};
use super::people::figure;
use super::plants;
use super::random::Random;
use super::sky::Weather;

const WALLS: [u32; 12] = [
    0xb07a5c, 0xd8c8a8, 0xc4b090, 0xa85c44, 0xe4dcc8, 0x9a948c, 0xd0a878, 0x8f9aa0, 0xc88a74, 0xe8d4a0, 0x7c6a5c,
    0xb8b4ac,
];

/// The look of one building.
#[derive(Debug, Clone, Copy)]
struct House {
    wall: Rgb,
    trim: Rgb,
    seed: u32,
    /// Windows are this far apart, in storeys.
    spacing: f32,
    width: f32,
    brick: bool,
    /// Share of windows with a lamp on: only at night.
    lamps: f32,
}

impl House {
    fn new(seed: u32, lamps: f32) -> Self {
        let roll = |salt: i32| cell(seed, salt, 0);
        let wall = hex(WALLS[(roll(1) * 11.99) as usize]) * lerp(0.85, 1.1, roll(2));
        Self {
            wall,
            trim: if roll(3) > 0.4 { hex(0xe8e4da) } else { wall * 0.55 },
            seed,
            spacing: lerp(0.65, 1.1, roll(4)),
            width: lerp(0.36, 0.62, roll(5)),
            brick: roll(6) > 0.6,
            lamps,
        }
    }

    /// Reflectance and own light of the facade, `along` storeys from its side and `up` storeys above the street.
    fn facade(&self, along: f32, up: f32, sky: Rgb) -> (Rgb, Rgb) {
        let (column, storey) = ((along / self.spacing).floor(), up.floor());
        let u = (along / self.spacing - column - 0.5).abs() * 2.0;
        let v = up - storey;
        let stains = fbm(self.seed, along * 1.3, up * 0.7, 4);
        let grain = fractal(self.seed ^ 1, along * 9.0, up * 9.0, 3, 0.8);
        let mut wall = self.wall * (0.62 + 0.4 * stains + 0.35 * grain);
        if self.brick {
            let row = (up * 13.0).floor();
            let brick = cell(self.seed ^ 2, (along * 6.0 + 0.5 * (row % 2.0)).floor() as i32, row as i32);
            wall = wall * (0.75 + 0.5 * brick);
        }
        let shop = storey < 1.0 && cell(self.seed, 9, 0) > 0.4;
        let (half, sill, head) = if shop { (0.86, 0.12, 0.78) } else { (self.width, 0.24, 0.82) };
        let frame = smoothstep(half + 0.10, half + 0.06, u)
            * smoothstep(sill - 0.06, sill - 0.03, v)
            * smoothstep(head + 0.07, head + 0.04, v);
        let glass =
            smoothstep(half, half - 0.04, u) * smoothstep(sill, sill + 0.02, v) * smoothstep(head, head - 0.02, v);
        let bars = if shop { 0.0 } else { smoothstep(0.07, 0.04, u).max(smoothstep(0.03, 0.015, (v - 0.55).abs())) };
        let ledge = smoothstep(0.05, 0.03, v) * if storey > 0.0 { 1.0 } else { 0.0 };
        wall = wall.mix(self.trim * (0.7 + 0.4 * grain), (frame * 0.9).max(ledge * 0.6));
        let kind = cell(self.seed ^ 3, column as i32, storey as i32);
        let pane = hex(0x20262c).mix(sky * 0.8, 0.15 + 0.5 * kind * smoothstep(0.2, 0.9, v));
        let curtain = smoothstep(0.35, 0.5, u) * f32::from(u8::from(kind > 0.5));
        let inside = pane.mix(hex(0xb8b0a0) * 0.5, curtain * 0.7);
        let opening = glass * (1.0 - bars);
        let glow = if kind < self.lamps { hex(0xffc878) * (0.9 * opening) } else { Rgb::BLACK };
        (wall.mix(inside, opening), glow)
    }
}

/// Houses side by side across the street.
pub(crate) fn facades(canvas: &mut Canvas, random: &mut Random) {
    let weather = Weather::new(random);
    let street = random.range(0.72, 0.88);
    weather.paint(canvas, street);
    let light = weather.light;
    let storey = random.range(0.10, 0.2) * canvas.scale();
    let facing = [0.0, 0.05, 1.0];
    let sun_cut = (random.range(-0.5, 1.2), random.range(-0.6, 0.6));
    let mut left = random.range(-0.25, 0.0);
    while left < canvas.aspect() {
        let house = House::new(random.seed(), 0.0);
        let right = left + storey * random.range(1.8, 4.6);
        let top = (street - storey * (random.count(2, 5) as f32 + 0.1)).max(0.03 + 0.1 * random.unit());
        let pitched = random.chance(0.55);
        if pitched {
            let ridge = top - storey * random.range(0.5, 1.1);
            roof(canvas, random, &light, Area(left, ridge, right, top + 0.005));
        }
        let area = Area(left, top, right, street);
        canvas.shape(
            area,
            |x, y| rounded_box(x, y, area, 0.0),
            |x, y| {
                let (wall, _) = house.facade((x - left) / storey, (street - y) / storey, weather.sky(0.4));
                // A straight shadow of the houses behind the viewer.
                let lit = smoothstep(-0.015, 0.015, sun_cut.0 + sun_cut.1 * x - (y - 0.2)).max(0.12);
                let eaves = 1.0 - 0.6 * smoothstep(0.03, 0.0, y - top);
                light.shade(wall, facing, lit * eaves)
            },
        );
        canvas.darken(Area(right - 0.012, top, right, street), |_, _| 0.45);
        left = right;
    }
    pavement(canvas, random, &weather, street);
    furnish(canvas, random, &weather, street);
}

fn roof(canvas: &mut Canvas, random: &mut Random, light: &Light, area: Area) {
    let tile = hex(random.pick(&[0x8a4c38, 0x5c5a5e, 0x9c5c40, 0x6c4a3c, 0x4a4e54]));
    let (seed, gable) = (random.seed(), random.chance(0.5));
    let (middle, half, height) = ((area.0 + area.2) * 0.5, (area.2 - area.0) * 0.5 + 0.01, area.3 - area.1);
    canvas.shape(
        area,
        |x, y| {
            let up = (area.3 - y) / height;
            let reach = if gable { 1.0 - up } else { 1.0 - 0.15 * up };
            ((x - middle).abs() - half * reach).max(area.1 - y).max(y - area.3) * 0.7
        },
        |x, y| {
            let rows = 0.8 + 0.2 * sin_turns(y * 75.0);
            let grain = fractal(seed, x * 70.0, y * 70.0, 3, 0.7);
            light.shade(tile * (rows * (0.55 + 0.9 * grain)), [0.0, 0.65, 0.75], 1.0)
        },
    );
}

fn pavement(canvas: &mut Canvas, random: &mut Random, weather: &Weather, top: f32) {
    let stone = hex(random.pick(&[0x8c8884, 0x6f6e6e, 0xa09486, 0x7a756c]));
    let (seed, light, cobbles, middle) = (random.seed(), weather.light, random.chance(0.4), canvas.aspect() * 0.5);
    let pixel = canvas.pixel();
    canvas.paint(canvas.below(top), |x, y| {
        let depth = 1.0 / (y - top + 0.09);
        let (gx, gz) = ((x - middle) * depth, depth * 1.6);
        let grain = fractal(seed, gx * 9.0, gz * 18.0, 4, 0.75);
        let wear = fbm(seed ^ 1, gx * 0.8, gz * 0.8, 3);
        let mut albedo = stone * (0.5 + 0.5 * grain + 0.4 * wear);
        if cobbles {
            let row = (gz * 9.0).floor();
            let joint = (gx * 7.0 + 0.5 * (row % 2.0)).fract().abs() - 0.5;
            albedo = albedo
                * (0.7 + 0.5 * cell(seed, (gx * 7.0 + 0.5 * (row % 2.0)).floor() as i32, row as i32))
                * (1.0 - 0.3 * smoothstep(0.4, 0.5, joint.abs()));
        } else {
            albedo = albedo.mix(
                hex(0xd8d4c8),
                0.7 * smoothstep(0.05, 0.03, (gz * 0.5 - 3.4).abs()) * smoothstep(-0.2, 0.2, sin_turns(gx * 0.5)),
            );
        }
        let kerb = smoothstep(0.025, 0.015, y - top);
        (light.ground(albedo.mix(hex(0xb0aca4), kerb * 0.7), 0.85), clamp01(0.5 + (y - top) / pixel))
    });
}

/// Cars, people, trees and lamps on the street whose houses end at `street`.
fn furnish(canvas: &mut Canvas, random: &mut Random, weather: &Weather, street: f32) {
    let light = weather.light;
    for _ in 0..random.count(0, 2) {
        let (x, y) = (random.range(0.1, 0.9) * canvas.aspect(), street + 0.03);
        let colour = plants::leaf_colour(random, false);
        let height = random.range(0.3, 0.5) * canvas.scale();
        plants::tree(canvas, random, x, y, height, weather, 0.0, colour);
    }
    for _ in 0..random.count(0, 2) {
        let (x, y) = (random.range(0.05, 0.95) * canvas.aspect(), street + random.range(0.03, 0.07));
        car(canvas, random, &light, x, y, 0.19 * canvas.scale());
    }
    for _ in 0..random.count(0, 6) {
        let (x, y) = (random.range(0.03, 0.97) * canvas.aspect(), street + random.range(0.03, 0.11));
        figure(canvas, random, &light, x, y, (0.15 + 0.7 * (y - street)) * canvas.scale());
    }
    if random.chance(0.4) {
        let x = random.range(0.1, 0.9) * canvas.aspect();
        let (foot, head) = ((x, street + 0.05), (x, street - 0.4));
        canvas.shape(
            limb_area(foot, head, 0.008),
            |px, py| limb(px, py, foot, head, 0.006, 0.004),
            |_, _| light.ambient * hex(0x35383a),
        );
        canvas.ball(&Ball::smooth(x, head.1, 0.016, 0.022), |p| light.shade(hex(0xe4e0d0), p.normal, 1.0));
    }
}

fn car(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, length: f32) {
    let paint = hex(random.pick(&[0xa02a2a, 0xd8d8d8, 0x2a3a5c, 0x303234, 0x8a9298, 0xc8a43a, 0x3a6a58]));
    let l = length;
    canvas.contact_shadow(x, y, l * 0.62, l * 0.08, 0.8);
    let light = *light;
    let cabin = Area(x - l * 0.27, y - l * 0.40, x + l * 0.25, y - l * 0.15);
    canvas.shape(
        cabin,
        |px, py| rounded_box(px, py, cabin, l * 0.07),
        |px, py| {
            let glass = py > cabin.1 + l * 0.04 && ((px - x) / l * 4.0).fract().abs() > 0.06;
            if glass { light.ambient * hex(0x46525c) } else { light.shade(paint, [0.0, 0.8, 0.5], 1.0) }
        },
    );
    let hull = Area(x - l * 0.5, y - l * 0.22, x + l * 0.5, y - l * 0.03);
    canvas.shape(
        hull,
        |px, py| rounded_box(px, py, hull, l * 0.07),
        |_, py| {
            let down = (py - hull.1) / (hull.3 - hull.1);
            light.shade(paint, [0.0, 1.0 - 1.4 * down, 0.6], 1.0)
                + light.direct * (0.25 * smoothstep(0.2, 0.1, (down - 0.15).abs()))
        },
    );
    for side in [-0.3, 0.3] {
        canvas.ball(&Ball::smooth(x + side * l, y - l * 0.06, l * 0.09, l * 0.09), |p| {
            let rim = smoothstep(0.6, 0.5, (p.u * p.u + p.v * p.v).sqrt());
            light.shade(hex(0x1c1c1e).mix(hex(0x9a9c9e), rim), [0.0, 0.3, 0.8], 0.8)
        });
    }
}

/// A view along a street between houses; rarely at night.
pub(crate) fn street(canvas: &mut Canvas, random: &mut Random) {
    let night = random.chance(0.07);
    let mut weather = Weather::new(random);
    let (vx, vy) = (canvas.aspect() * random.range(0.3, 0.7), random.range(0.5, 0.68));
    weather.paint(canvas, vy + 0.05);
    if night {
        weather.light.direct = weather.light.direct * 0.05;
        weather.light.ambient = hex(0x8088a8) * 0.18;
        canvas.paint(canvas.everywhere(), |_, y| (hex(0x28324e).mix(hex(0x6a6070), y), 0.97));
    }
    let light = weather.light;
    let (half, eye) = (random.range(0.5, 0.9) * canvas.scale(), random.range(0.20, 0.28));
    let (seeds, sides, lamps) =
        (random.seed(), [random.range(2.0, 5.0), random.range(2.0, 5.0)], if night { 0.45 } else { 0.0 });
    let (block, storey) = (random.range(1.1, 2.2), random.range(0.28, 0.4));
    let houses: Vec<House> = (0..64).map(|i| House::new(seeds.wrapping_add(i * 7919), lamps)).collect();
    let (ground_seed, stone) = (random.seed(), hex(random.pick(&[0x77757a, 0x8c8680, 0x64646a])));
    let sunny = light.direction[0] > 0.0;
    canvas.paint(canvas.everywhere(), |x, y| {
        let (dx, dy) = ((x - vx) * 1.0, y - vy);
        let left = dx < 0.0;
        let to_wall = half / dx.abs().max(1e-3);
        let to_ground = if dy > 0.0 { eye / dy } else { f32::MAX };
        if to_ground < to_wall {
            let (gx, gz) = (dx * to_ground, to_ground);
            let grain = fractal(ground_seed, gx * 14.0, gz * 10.0, 4, 0.75);
            let wear = fbm(ground_seed ^ 1, gx * 2.0, gz * 0.7, 3);
            let walk = smoothstep(0.66, 0.68, gx.abs() / half);
            let lines = 0.8 * smoothstep(0.025, 0.015, gx.abs()) * smoothstep(0.0, 0.2, sin_turns(gz * 0.8));
            let albedo = (stone * (0.45 + 0.5 * grain + 0.35 * wear))
                .mix(hex(0xb4aea4) * (0.6 + 0.4 * grain), walk * 0.6)
                .mix(hex(0xe0dcd0), lines);
            let shade_edge = if sunny { gx } else { -gx };
            let lit =
                smoothstep(0.05, -0.05, shade_edge - 0.15 * half + 0.06 * (noise(ground_seed, gz * 2.0, 0.0) - 0.5))
                    .max(0.1);
            return (weather.far(light.ground(albedo, lit), gz * 0.05), 1.0);
        }
        let along = to_wall + if left { 31.7 } else { 3.3 };
        let up = eye - dy * to_wall;
        let number = (along / block).floor();
        let house = &houses[(number as usize + if left { 32 } else { 0 }) % 64];
        let height = storey * (sides[usize::from(left)] + (cell(seeds, number as i32, 7) - 0.5) * 2.0).floor().max(1.0);
        let wall_edge = (height - up) / to_wall;
        let opacity = clamp01(0.5 + wall_edge / canvas_pixel(dy));
        if opacity <= 0.0 || to_wall > 40.0 {
            return (weather.haze, opacity);
        }
        let (wall, glow) = house.facade((along - number * block) / storey, up / storey, weather.sky(0.3));
        let normal = [if left { 0.95 } else { -0.95 }, 0.05, 0.3];
        let lit = if left == sunny { 1.0 } else { 0.2 };
        let joint = 1.0 - 0.4 * smoothstep(0.03, 0.0, along - number * block);
        (weather.far(light.shade(wall * joint, normal, lit) + glow, to_wall * 0.045), opacity)
    });
    let depths: Vec<f32> = (0..random.count(2, 8)).map(|_| random.range(0.6, 4.0)).collect();
    for depth in depths {
        let side = random.range(-0.85, 0.85) * half;
        let (x, y) = (vx + side / depth, vy + eye / depth);
        if random.chance(0.3) && depth > 1.0 {
            car(canvas, random, &light, x, y, 0.42 / depth);
        } else {
            figure(canvas, random, &light, x, y, 0.27 / depth);
        }
    }
}

/// Size of a soft edge for the wall tops; a little larger far above the horizon.
fn canvas_pixel(dy: f32) -> f32 {
    0.003 + 0.002 * dy.abs()
}
