//! People: portraits before a soft background, and small figures in other scenes.

use super::canvas::{Area, Ball, Canvas, limb, limb_area};
use super::colour::{Rgb, hex};
use super::light::Light;
use super::math::{clamp01, lerp, sin_turns, smoothstep};
use super::noise::{fbm, fractal, noise, streaks};
use super::random::Random;
use super::sky::soft_backdrop;

/// From dark to fair, all with the hue that skin has.
const SKIN: [u32; 8] = [0x6b4630, 0x84583e, 0x9c6b4c, 0xb5825f, 0xc99773, 0xd6a586, 0xe0b597, 0xe8c3a8];
const HAIR: [u32; 7] = [0x1e1814, 0x2e211a, 0x4a3424, 0x6b4a2e, 0x9a7444, 0x8c8680, 0x7a3f24];
const CLOTH: [u32; 12] = [
    0x34486a, 0x8a2f34, 0xd8d4cc, 0x2e2e32, 0x55704c, 0xc08a3a, 0x6f5a80, 0x9aa4ac, 0x2f6a74, 0xb05a48, 0xe0cfa8,
    0x4a5a78,
];

/// A colour of clothing.
pub(crate) fn cloth(random: &mut Random) -> Rgb {
    hex(random.pick(&CLOTH))
}

/// One, two or three people, from head to chest.
pub(crate) fn portrait(canvas: &mut Canvas, random: &mut Random) {
    let light = Light::indoors(random);
    let outside = random.chance(0.6);
    let palette = if outside {
        random.pick(&[
            [0x5a7a40, 0x2e4424, 0x9aa860, 0xb8c8d0],
            [0x8fb0d0, 0xc8d4da, 0x6a8050, 0xa89a80],
            [0x9a8a70, 0x6a5c4c, 0xc4b8a4, 0x485460],
        ])
    } else {
        random.pick(&[
            [0x6a5a4c, 0x3c342e, 0x8a7a68, 0xb09878],
            [0x54606c, 0x2c3238, 0x8a949c, 0xa8a098],
            [0x5c3c30, 0x2a1e1a, 0x94704c, 0xc8a070],
        ])
    };
    let bokeh = random.count(0, 10);
    soft_backdrop(canvas, random, &palette.map(hex), bokeh);
    let people = random.pick(&[1, 1, 1, 2, 2, 3]);
    let size = canvas.scale() * lerp(0.24, 0.15, (people - 1) as f32 / 2.0) * random.range(0.85, 1.15);
    for i in 0..people {
        let middle = (i as f32 + 0.5) / people as f32 + random.range(-0.07, 0.07);
        let y = random.range(0.36, 0.46) + 0.03 * (i % 2) as f32;
        let r = size * random.range(0.92, 1.08);
        person(canvas, random, &light, canvas.aspect() * middle, y, r);
    }
}

/// A person whose face is centred at (`x`, `y`) and about 2.6 `r` high.
fn person(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, r: f32) {
    let skin = hex(random.pick(&SKIN)) * random.range(0.92, 1.08);
    let hair = hex(random.pick(&HAIR));
    let (seed, light) = (random.seed(), *light);
    let turn = random.range(-0.28, 0.28);
    let long = random.chance(0.45);
    let hat = random.chance(0.2);
    if long {
        let back = Ball { rough: 0.12, dents: 2.0, seed, ..Ball::smooth(x, y + r * 0.35, r * 1.12, r * 1.75) };
        canvas.ball(&back, |p| strands(&light, hair * 0.7, p.x, p.y, p.normal, r, seed));
    }
    shoulders(canvas, random, &light, x, y, r);
    let throat = ((x, y + r * 0.7), (x, y + r * 1.75));
    canvas.shape(
        limb_area(throat.0, throat.1, r * 0.5),
        |px, py| limb(px, py, throat.0, throat.1, r * 0.42, r * 0.48),
        |px, py| {
            let across = ((px - x) / (r * 0.5)).clamp(-1.0, 1.0);
            // The chin's shadow falls on the neck.
            let lit = smoothstep(0.9, 1.6, (py - y) / r);
            light.shade(skin * 0.92, [across, -0.1, (1.0 - across * across).sqrt()], 0.25 + 0.75 * lit)
        },
    );
    for side in [-1.0, 1.0] {
        let ear = Ball::smooth(x + side * r * 0.93 - turn * r * 0.3, y + r * 0.08, r * 0.14, r * 0.26);
        canvas.ball(&ear, |p| light.shade(skin * Rgb(0.98, 0.86, 0.82), p.normal, 0.85));
    }
    face(canvas, random, &light, x, y, r, skin, hair, turn);
    let fringe = random.range(-0.62, -0.42);
    let cap = Ball { rough: 0.06, dents: 3.0, seed, ..Ball::smooth(x, y - r * 0.18, r * 1.06, r * 1.25) };
    let part = random.range(-0.6, 0.6);
    canvas.paint(Area(x - r * 1.2, y - r * 1.6, x + r * 1.2, y + r * 0.8), |px, py| {
        let (u, v) = ((px - cap.x) / cap.rx, (py - cap.y) / cap.ry);
        let q = u * u + v * v;
        let wave = 0.09 * (noise(seed, u * 9.0, v * 2.0) - 0.5);
        let line = fringe + wave + 0.9 * (u - turn - part * 0.3) * (u - turn - part * 0.3);
        let opacity = smoothstep(1.0, 0.96, q) * smoothstep(0.04, -0.02, v - line);
        let z = (1.0 - q).max(0.0).sqrt();
        (strands(&light, hair, px, py, [u, -v, z], r, seed), opacity)
    });
    if hat {
        wear_hat(canvas, random, &light, x, y, r);
    }
}

fn strands(light: &Light, hair: Rgb, x: f32, y: f32, normal: [f32; 3], r: f32, seed: u32) -> Rgb {
    let flow = streaks(seed ^ 1, x / r * 12.0, y / r * 1.6, 3);
    light.shade(hair * (0.45 + 1.1 * flow), normal, 1.0) + light.gloss(normal, 0.10) * flow
}

#[expect(clippy::too_many_arguments, reason = "place, size and colours of one thing")]
fn face(
    canvas: &mut Canvas,
    random: &mut Random,
    light: &Light,
    x: f32,
    y: f32,
    r: f32,
    skin: Rgb,
    hair: Rgb,
    turn: f32,
) {
    let (light, seed) = (*light, random.seed());
    let iris = hex(random.pick(&[0x4a3020, 0x5a6a78, 0x4f5a3a, 0x2c2018]));
    let smile = random.range(-0.02, 0.14);
    let beard = if random.chance(0.25) { random.range(0.3, 0.85) } else { 0.0 };
    let lips = skin * Rgb(0.86, 0.55, 0.55);
    canvas.ball(&Ball::smooth(x, y, r, r * 1.3), |p| {
        // Jaw narrower than the forehead: push the side normals outwards below.
        let (u, v) = (p.u - turn * 0.6, p.v);
        let mut normal = p.normal;
        let nose =
            smoothstep(0.16, 0.0, (u - turn * 0.2).abs()) * smoothstep(-0.25, 0.12, v) * smoothstep(0.24, 0.18, v);
        normal[0] += (u - turn * 0.2).signum() * nose * 0.9;
        let cheek = smoothstep(0.34, 0.0, ((u.abs() - 0.5) * (u.abs() - 0.5) + (v - 0.2) * (v - 0.2)).sqrt());
        let mut albedo = skin * (0.94 + 0.12 * fbm(seed, p.x / r * 14.0, p.y / r * 14.0, 3));
        albedo = albedo.mix(skin * Rgb(1.0, 0.72, 0.68), 0.35 * cheek);
        let jaw = smoothstep(0.25, 0.6, v + 0.3 * u.abs()) * beard;
        albedo = albedo.mix(hair * (0.5 + noise(seed ^ 1, p.x / r * 40.0, p.y / r * 40.0)), jaw);
        let mut lit =
            1.0 - 0.35 * smoothstep(0.19, 0.23, v) * smoothstep(0.34, 0.25, v) * smoothstep(0.22, 0.1, u.abs());
        // Mouth, eyes and brows, by distance.
        let mouth_v = v - 0.47 + smile * (u * u * 7.0);
        let mouth = smoothstep(0.075, 0.035, mouth_v.abs()) * smoothstep(0.34, 0.26, u.abs());
        albedo = albedo.mix(lips, mouth * 0.85);
        albedo =
            albedo.mix(hex(0x401c1a), smoothstep(0.022, 0.006, mouth_v.abs()) * smoothstep(0.32, 0.26, u.abs()) * 0.8);
        let (eu, ev) = (u.abs() - 0.38, v + 0.07);
        lit *= 1.0 - 0.3 * smoothstep(0.3, 0.1, (eu * eu + (ev + 0.04) * (ev + 0.04) * 2.0).sqrt());
        let eye = (eu * eu + ev * ev * 5.0).sqrt();
        albedo = albedo.mix(hex(0xe6e0dc), smoothstep(0.165, 0.145, eye));
        let pupil = ((eu + turn * 0.1) * (eu + turn * 0.1) + ev * ev * 1.9).sqrt();
        albedo = albedo.mix(iris, smoothstep(0.085, 0.07, pupil) * smoothstep(0.17, 0.14, eye));
        albedo = albedo.mix(
            hex(0x0c0808),
            smoothstep(0.045, 0.03, pupil)
                .max(smoothstep(0.02, 0.0, (eye - 0.165).abs()) * 0.7 * smoothstep(0.03, -0.02, ev)),
        );
        let brow = (v + 0.27 - 0.12 * eu * eu * 4.0).abs();
        albedo = albedo.mix(hair * 0.8, smoothstep(0.05, 0.025, brow) * smoothstep(0.23, 0.17, eu.abs()) * 0.85);
        light.shade(albedo, super::light::unit(normal), clamp01(lit)) + light.gloss(p.normal, 0.06)
    });
}

fn shoulders(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, r: f32) {
    let (main, other) = (cloth(random), cloth(random));
    let (seed, light, style) = (random.seed(), *light, random.count(0, 3));
    let top = y + r * 1.35;
    let body = Ball { rough: 0.03, dents: 2.0, seed, ..Ball::smooth(x, top + r * 1.9, r * 2.15, r * 1.95) };
    canvas.ball(&body, |p| {
        let (u, v) = ((p.x - x) / r, (p.y - top) / r);
        let folds = fractal(seed ^ 2, u * 1.6 + v * 0.6, v * 1.1, 4, 0.55);
        let weave = 0.9 + 0.2 * noise(seed ^ 3, p.x * 260.0, p.y * 260.0);
        let albedo = match style {
            0 => main,
            1 => main.mix(other, smoothstep(-0.1, 0.1, sin_turns(v * 2.6 + 0.3 * folds))),
            2 => main.mix(
                other,
                0.5 * smoothstep(0.0, 0.2, sin_turns(u * 2.5)) + 0.5 * smoothstep(0.0, 0.2, sin_turns(v * 2.5)),
            ),
            _ => main.mix(other, smoothstep(0.30, 0.26, u.abs() - 0.22 * v)),
        };
        let normal = super::light::unit([p.normal[0] + (folds - 0.5) * 1.4, p.normal[1] + 0.15, p.normal[2]]);
        light.shade(albedo * weave, normal, 0.55 + 0.45 * smoothstep(0.3, 0.6, folds))
    });
}

fn wear_hat(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, r: f32) {
    let (colour, seed) = (cloth(random), random.seed());
    let felt = |px: f32, py: f32| colour * (0.8 + 0.4 * noise(seed, px * 140.0, py * 140.0));
    let crown = Ball::smooth(x, y - r * 0.95, r * 0.98, r * 0.75);
    canvas.ball(&crown, |p| light.shade(felt(p.x, p.y), p.normal, 1.0));
    let brim = Ball::smooth(x, y - r * 0.68, r * random.range(1.15, 1.7), r * 0.2);
    canvas.ball(&brim, |p| light.shade(felt(p.x, p.y) * 0.9, [0.2 * p.u, 0.8 - p.v, 0.5], 0.9));
}

/// A whole person of `height`, small, whose feet are at (`x`, `y`).
pub(crate) fn figure(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, height: f32) {
    let (skin, hair) = (hex(random.pick(&SKIN)), hex(random.pick(&HAIR)));
    let (shirt, trousers) = (cloth(random), cloth(random) * 0.8);
    let h = height;
    canvas.contact_shadow(x, y, h * 0.22, h * 0.04, 0.6);
    let light = *light;
    let stroke = |canvas: &mut Canvas, a: (f32, f32), b: (f32, f32), from: f32, to: f32, colour: Rgb| {
        canvas.shape(
            limb_area(a, b, from.max(to)),
            |px, py| limb(px, py, a, b, from, to),
            |px, _| {
                let across = ((px - (a.0 + b.0) * 0.5) / from.max(to)).clamp(-0.9, 0.9);
                light.shade(colour, [across, 0.15, 0.7], 0.95)
            },
        );
    };
    let stride = random.range(0.02, 0.09) * h;
    for side in [-1.0, 1.0] {
        stroke(canvas, (x + side * h * 0.04, y - h * 0.46), (x + side * stride, y), h * 0.055, h * 0.035, trousers);
        let hand = (x + side * h * random.range(0.12, 0.2), y - h * 0.42);
        stroke(canvas, (x + side * h * 0.1, y - h * 0.8), hand, h * 0.035, h * 0.026, shirt * 0.9);
        canvas.ball(&Ball::smooth(hand.0, hand.1, h * 0.024, h * 0.028), |p| light.shade(skin, p.normal, 1.0));
    }
    stroke(canvas, (x, y - h * 0.76), (x, y - h * 0.5), h * 0.1, h * 0.085, shirt);
    let head = (x, y - h * 0.92);
    canvas.ball(&Ball::smooth(head.0, head.1 - h * 0.012, h * 0.062, h * 0.075), |p| light.shade(hair, p.normal, 1.0));
    canvas.ball(&Ball::smooth(head.0 + h * 0.008, head.1 + h * 0.012, h * 0.048, h * 0.058), |p| {
        light.shade(skin, p.normal, 1.0)
    });
}
