//! Trees, bushes, grass and rocks: what terrain is covered with.

use super::canvas::{Area, Ball, Canvas, limb, limb_area};
use super::colour::{Rgb, hex};
use super::light::Light;
use super::math::{clamp01, lerp, smoothstep};
use super::noise::{fbm, fractal, noise, streaks};
use super::random::Random;
use super::sky::Weather;

/// Foliage from dark to light.
pub(crate) const GREENS: [u32; 7] = [0x4a6a2a, 0x3d5f30, 0x5a7a32, 0x6b8440, 0x56703a, 0x7d8a3c, 0x3a5a34];
const AUTUMN: [u32; 4] = [0xb5732a, 0xa8552a, 0xc49a38, 0x8a6a30];
const BARK: [u32; 4] = [0x5a4836, 0x6e5a46, 0x4a3c30, 0x7a6a58];
const STONES: [u32; 5] = [0x8a8278, 0x77726c, 0x9c8f7e, 0x6a6460, 0xa59a8a];

/// A foliage colour for one plant.
pub(crate) fn leaf_colour(random: &mut Random, autumn: bool) -> Rgb {
    let code = if autumn && random.chance(0.6) { random.pick(&AUTUMN) } else { random.pick(&GREENS) };
    hex(code) * random.range(0.8, 1.25)
}

/// A crown of leaves, `distance` away.
pub(crate) fn crown(canvas: &mut Canvas, ball: &Ball, colour: Rgb, weather: &Weather, distance: f32) {
    let (light, seed) = (weather.light, ball.seed);
    let detail = 14.0 / ball.rx.max(0.03);
    canvas.ball(ball, |p| {
        let leaves = fractal(seed ^ 5, p.x * detail * 0.5, p.y * detail * 0.5, 4, 0.75);
        let clumps = noise(seed ^ 9, p.u * 3.0, p.v * 3.0);
        // Gaps between the leaves are dark, tips catch the light.
        let lit = smoothstep(0.3, 0.75, leaves * 0.6 + clumps * 0.4);
        let albedo = colour.mix(colour * Rgb(1.35, 1.2, 0.7), lit * 0.5) * lerp(0.25, 1.35, lit);
        weather.far(light.shade(albedo, p.normal, 0.35 + 0.65 * lit), distance)
    });
}

/// A broad-leaved tree of `height` whose foot is at (`x`, `y`).
#[expect(clippy::too_many_arguments, reason = "place, size and colour of one thing in its weather")]
pub(crate) fn tree(
    canvas: &mut Canvas,
    random: &mut Random,
    x: f32,
    y: f32,
    height: f32,
    weather: &Weather,
    far: f32,
    colour: Rgb,
) {
    let bark = hex(random.pick(&BARK));
    let (top, width) = (y - height * 0.6, height * 0.045);
    canvas.contact_shadow(x, y, height * 0.4, height * 0.06, 0.5);
    let (light, seed) = (weather.light, random.seed());
    canvas.shape(
        limb_area((x, y), (x, top), width),
        |px, py| limb(px, py, (x, y), (x, top), width, width * 0.6),
        |px, py| {
            let side = clamp01((px - x) / width * light.direction[0] * 0.5 + 0.5);
            weather.far(
                light.ambient * bark * 0.6
                    + light.direct * bark * (side * (0.4 + 0.6 * noise(seed, px * 90.0, py * 25.0))),
                far,
            )
        },
    );
    let blobs = if height > 0.12 { random.count(5, 8) } else { 3 };
    for i in 0..blobs {
        let spread = if i == 0 { 0.0 } else { 0.24 };
        let r = height * random.range(0.17, 0.27);
        let ball = Ball {
            x: x + height * random.range(-spread, spread),
            y: y - height * 0.68 + height * random.range(-spread * 0.8, spread * 0.6),
            rx: r * random.range(1.0, 1.3),
            ry: r,
            rough: 0.45,
            dents: 3.5,
            seed: random.seed(),
        };
        crown(canvas, &ball, colour * random.range(0.85, 1.15), weather, far);
    }
}

/// A spruce of `height` whose foot is at (`x`, `y`).
pub(crate) fn spruce(
    canvas: &mut Canvas,
    random: &mut Random,
    x: f32,
    y: f32,
    height: f32,
    weather: &Weather,
    far: f32,
) {
    let colour = hex(random.pick(&[0x2f4a30, 0x35523a, 0x3d5838, 0x2c4436])) * random.range(0.8, 1.3);
    let (seed, light, width) = (random.seed(), weather.light, height * random.range(0.16, 0.24));
    canvas.paint(Area(x - width, y - height, x + width, y), |px, py| {
        let down = (py - (y - height)) / height;
        let across = (px - x) / width;
        // Branches hang in tiers with ragged tips.
        let tier = (down * 9.0 + noise(seed, px * 60.0, py * 30.0)).fract();
        let edge = down * (0.55 + 0.45 * tier) + 0.12 * (noise(seed ^ 3, px * 120.0, py * 120.0) - 0.5);
        let opacity = smoothstep(0.03, -0.03, across.abs() - edge * 0.95);
        let needles = noise(seed ^ 7, px * 160.0, py * 110.0);
        let lit = clamp01(0.5 + across * light.direction[0] * 0.9) * (0.45 + 0.55 * tier);
        let albedo = colour * (0.5 + 0.9 * needles);
        (weather.far(albedo * light.ambient * 0.7 + albedo * light.direct * lit, far), opacity)
    });
}

/// A boulder half sunk in the ground at (`x`, `y`).
pub(crate) fn rock(canvas: &mut Canvas, random: &mut Random, x: f32, y: f32, size: f32, light: &Light) {
    let colour = hex(random.pick(&STONES));
    canvas.contact_shadow(x, y + size * 0.3, size * 1.5, size * 0.45, 0.6);
    let ball = Ball {
        x,
        y,
        rx: size * random.range(1.0, 1.5),
        ry: size * random.range(0.6, 0.9),
        rough: 0.3,
        dents: 1.4,
        seed: random.seed(),
    };
    canvas.ball(&ball, |p| {
        let grain = fbm(ball.seed, p.x * 40.0, p.y * 40.0, 4);
        let facet = (noise(ball.seed ^ 4, p.u * 2.2, p.v * 2.2) - 0.5) * 1.6;
        let normal = super::light::unit([p.normal[0] + facet, p.normal[1], p.normal[2]]);
        light.shade(colour * (0.5 + 0.9 * grain), normal, 1.0 - 0.7 * smoothstep(0.3, 0.9, p.v))
    });
}

/// What covers level ground between the horizon and the viewer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground {
    pub(crate) seed: u32,
    pub(crate) horizon: f32,
    pub(crate) a: Rgb,
    pub(crate) b: Rgb,
    /// How far it is to the foreground: larger shows finer texture.
    pub(crate) reach: f32,
    /// 0 for earth and sand, 1 for grass with upright blades.
    pub(crate) blades: f32,
}

impl Ground {
    /// Paints everything below `from(x)`.
    pub(crate) fn paint(&self, canvas: &mut Canvas, weather: &Weather, from: impl Fn(f32) -> f32) {
        let (ground, light, weather) = (*self, weather.light, *weather);
        let (middle, pixel) = (canvas.aspect() * 0.5, canvas.pixel());
        canvas.paint(canvas.below(ground.horizon - 0.3), |x, y| {
            let edge = from(x) + 0.006 * ground.blades * (noise(ground.seed ^ 8, x * 220.0, 0.0) - 0.3);
            let opacity = clamp01(0.5 + (y - edge) / pixel);
            if opacity <= 0.0 {
                return (Rgb::BLACK, 0.0);
            }
            let depth = 1.0 / ((y - ground.horizon).max(0.0) + 0.06);
            let (gx, gz) = ((x - middle) * depth * ground.reach, depth * ground.reach * 2.0);
            let patches = fbm(ground.seed, gx * 0.35, gz * 0.35, 4);
            let grain = fractal(ground.seed ^ 2, gx * 3.0, gz * 3.0, 4, 0.7);
            // Blades stand up: narrow in x, long in y, larger when near.
            // Two fixed sizes, mixed by distance: a size that changed with distance would lean the blades over.
            let fine = noise(ground.seed ^ 7, x * 150.0, y * 50.0);
            let coarse = streaks(ground.seed ^ 6, x * 60.0 + patches * 2.0, y * 15.0, 2);
            let blade = lerp(fine, coarse, smoothstep(0.1, 0.5, y - ground.horizon));
            let texture = lerp(grain, 0.35 * grain + 0.65 * blade, ground.blades);
            let lit = smoothstep(0.25, 0.75, texture);
            let albedo =
                ground.a.mix(ground.b, smoothstep(0.3, 0.7, patches * 0.7 + texture * 0.3)) * (0.45 + 1.0 * lit);
            (weather.far(light.ground(albedo, 0.3 + 0.7 * lit), (depth * 0.045).min(0.5)), opacity)
        });
    }
}

/// Small bright flowers on the ground below `top`.
pub(crate) fn flowers(canvas: &mut Canvas, random: &mut Random, top: f32, count: u32, light: &Light) {
    let palette = [hex(0xd8b02a), hex(0xe8e4da), hex(0xc03a3a), hex(0x8a5ab0), hex(0xd87aa0)];
    let (main, other) = (random.pick(&palette), random.pick(&palette));
    for _ in 0..count {
        let near = random.unit();
        let y = lerp(top + 0.02, 1.0, near);
        let (x, r) = (random.range(0.0, canvas.aspect()), lerp(0.003, 0.011, near) * random.range(0.7, 1.3));
        let colour = if random.chance(0.75) { main } else { other };
        let ball = Ball { rough: 0.4, dents: 2.0, seed: random.seed(), ..Ball::smooth(x, y, r, r * 0.7) };
        canvas.ball(&ball, |p| light.shade(colour * 1.1, [0.3 * p.normal[0], 0.9, 0.3], 1.0));
    }
}
