//! Still lifes on a table, and rooms.

use super::canvas::{Area, Ball, Canvas, limb, limb_area, rounded_box};
use super::colour::{Rgb, hex};
use super::light::Light;
use super::math::{clamp01, lerp, sin_turns, smoothstep};
use super::noise::{cell, fbm, fractal, noise, streaks};
use super::people::cloth;
use super::plants;
use super::random::Random;

const WALLS: [u32; 8] = [0xb8a88c, 0x8c8478, 0xc8c0b4, 0x6c7468, 0x7a8490, 0xa87c5c, 0x5c5048, 0xd4c8b0];
const WOODS: [u32; 6] = [0x8a5c38, 0x6c4428, 0xa87848, 0xb89468, 0x583a28, 0x9c8468];

/// Fruit, vessels and books on a table by a window.
pub(crate) fn still_life(canvas: &mut Canvas, random: &mut Random) {
    let light = Light::indoors(random);
    let edge = random.range(0.5, 0.66);
    wall(canvas, random, &light, edge);
    if random.chance(0.35) {
        canvas.blur(random.range(0.008, 0.03));
    }
    let wood = hex(random.pick(&WOODS));
    if random.chance(0.65) {
        planks(canvas, random, &light, edge, wood)
    } else {
        tablecloth(canvas, random, &light, edge)
    }
    let mut rows: Vec<f32> = (0..random.count(4, 10)).map(|_| random.unit()).collect();
    rows.sort_by(f32::total_cmp);
    let count = rows.len() as f32;
    let start = random.count(0, 6);
    for (i, near) in rows.into_iter().enumerate() {
        // Spread over the width, in an order that does not follow the depth.
        let slot = ((i as u32 * 3 + start) as f32 % count + random.range(0.2, 0.8)) / count;
        let (x, y) = (canvas.aspect() * lerp(0.12, 0.88, slot), lerp(edge + 0.06, 0.93, near));
        let size = lerp(0.075, 0.125, near) * canvas.scale() * random.range(0.8, 1.25);
        match random.count(0, 6) {
            0..=2 => fruit(canvas, random, &light, x, y, size),
            3..=4 => vessel(canvas, random, &light, x, y, size),
            5 => books(canvas, random, &light, x, y, size),
            _ => bouquet(canvas, random, &light, x, y, size),
        }
    }
}

/// A wall in falling light, with a window, pictures or panels.
fn wall(canvas: &mut Canvas, random: &mut Random, light: &Light, bottom: f32) {
    let paint = hex(random.pick(&WALLS)) * random.range(0.75, 1.1);
    let (seed, aspect, from) = (random.seed(), canvas.aspect(), light.direction[0].signum());
    let (stripes, steep, light) = (random.chance(0.3), random.range(0.5, 1.1), *light);
    let beam = (random.chance(0.5), random.range(0.2, 0.8) * aspect, random.range(0.12, 0.3));
    canvas.paint(Area(0.0, 0.0, aspect, bottom), |x, y| {
        let away = if from > 0.0 { 1.0 - x / aspect } else { x / aspect };
        let texture = 0.8 + 0.25 * fbm(seed, x * 3.0, y * 3.0, 4) + 0.15 * noise(seed ^ 1, x * 130.0, y * 130.0);
        let pattern = if stripes { 1.0 + 0.12 * smoothstep(-0.1, 0.1, sin_turns(x * 9.0)) } else { 1.0 };
        let mut lit = lerp(1.0, 1.0 - 0.75 * away, steep);
        if beam.0 {
            let offset = x - beam.1 - (y - 0.3) * from * 0.5;
            let bars = smoothstep(0.012, 0.02, offset.abs()) * smoothstep(0.008, 0.016, (y - 0.27).abs());
            lit += 0.9 * smoothstep(0.02, -0.02, offset.abs() - beam.2) * bars * smoothstep(0.5, 0.45, y);
        }
        (light.shade(paint * (texture * pattern), [0.0, 0.0, 1.0], lit), 1.0)
    });
    for _ in 0..random.count(0, 3) {
        let (x, y) = (random.range(0.1, 0.9) * aspect, random.range(0.12, 0.32));
        let (w, h) = (random.range(0.07, 0.18) * canvas.scale(), random.range(0.07, 0.16) * canvas.scale());
        picture_frame(canvas, random, &light, Area(x - w, y - h, x + w, y + h));
    }
}

fn picture_frame(canvas: &mut Canvas, random: &mut Random, light: &Light, area: Area) {
    let (frame, seed) = (hex(random.pick(&[0x4a3424, 0xb8944c, 0xe0dcd4, 0x24211f])), random.seed());
    let (a, b, c) = (cloth(random), plants::leaf_colour(random, true), hex(0xb8c8d4));
    canvas.contact_shadow((area.0 + area.2) * 0.5, area.3, (area.2 - area.0) * 0.7, 0.04, 0.4);
    canvas.shape(
        area,
        |x, y| rounded_box(x, y, area, 0.002),
        |x, y| {
            let inset = -rounded_box(x, y, area, 0.0) / (area.3 - area.1);
            let landscape = fbm(seed, x * 14.0, y * 14.0, 4);
            let up = (area.3 - y) / (area.3 - area.1);
            let painting =
                b.mix(a, smoothstep(0.4, 0.6, landscape)).mix(c, smoothstep(0.45, 0.6, up + 0.3 * (landscape - 0.5)));
            let albedo = if inset < 0.07 {
                frame * (0.6 + 6.0 * inset)
            } else if inset < 0.13 {
                hex(0xe6e0d4)
            } else {
                painting
            };
            light.shade(albedo, [0.0, 0.1, 1.0], 0.85)
        },
    );
}

/// Boards running away from the viewer.
fn planks(canvas: &mut Canvas, random: &mut Random, light: &Light, top: f32, wood: Rgb) {
    let (seed, middle, light, pixel) =
        (random.seed(), canvas.aspect() * random.range(0.3, 0.7), *light, canvas.pixel());
    let sheen = random.range(0.0, 0.35);
    canvas.paint(canvas.below(top), |x, y| {
        let depth = 1.0 / (y - top + 0.28);
        let (u, v) = ((x - middle) * depth * 1.8, depth * 3.0);
        let board = u.floor();
        let grain = streaks(seed, u * 13.0 + board * 7.0, v * 1.2 + board * 3.3, 3);
        let joint = smoothstep(0.035, 0.01, (u - board).min(1.0 - u + board));
        let tone = 0.75 + 0.5 * cell(seed, board as i32, 0);
        let albedo = wood * (tone * (0.5 + 0.9 * grain) * (1.0 - 0.65 * joint));
        let shine = light.ambient * (sheen * smoothstep(0.3, 0.0, y - top));
        let lit = 0.75 + 0.25 * light.direction[0].signum() * (x / middle - 1.0);
        (light.ground(albedo, lit) + shine, clamp01(0.5 + (y - top) / pixel))
    });
}

fn tablecloth(canvas: &mut Canvas, random: &mut Random, light: &Light, top: f32) {
    let (a, b) = (cloth(random).mix(hex(0xe8e4dc), 0.35), cloth(random));
    let (seed, middle, light, pixel) = (random.seed(), canvas.aspect() * 0.5, *light, canvas.pixel());
    let checked = random.chance(0.5);
    canvas.paint(canvas.below(top), |x, y| {
        let depth = 1.0 / (y - top + 0.28);
        let fold = fractal(seed, x * 3.0 + y * 1.5, y * 3.0, 4, 0.5);
        let (u, v) = ((x - middle) * depth * 3.5 + fold * 0.4, depth * 5.0 + fold * 0.4);
        let square = smoothstep(-0.05, 0.05, sin_turns(u)) * 0.5 + smoothstep(-0.05, 0.05, sin_turns(v)) * 0.5;
        let weave = 0.9 + 0.2 * noise(seed ^ 1, x * 230.0, y * 230.0);
        let albedo = if checked { a.mix(b, square * 0.9) } else { a } * weave;
        let normal = super::light::unit([(fold - 0.5) * 2.2, 0.9, 0.3]);
        (light.shade(albedo, normal, 0.6 + 0.4 * smoothstep(0.3, 0.6, fold)), clamp01(0.5 + (y - top) / pixel))
    });
}

/// The shadow that a thing of `size` throws away from the light.
fn cast(canvas: &mut Canvas, light: &Light, x: f32, y: f32, size: f32) {
    canvas.contact_shadow(x - light.direction[0] * size * 0.9, y, size * 1.7, size * 0.42, 0.6);
    canvas.contact_shadow(x, y + size * 0.03, size * 0.85, size * 0.22, 0.6);
}

fn fruit(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, size: f32) {
    let (skin, blush) = random.pick(&[
        (hex(0xb0302a), hex(0xd8a040)),
        (hex(0xe08a24), hex(0xe89a34)),
        (hex(0xd8c03c), hex(0xa8b040)),
        (hex(0x8aa83c), hex(0xc0b850)),
        (hex(0x5a2c48), hex(0x7a3c58)),
        (hex(0xe4c454), hex(0xe8d070)),
        (hex(0xd88858), hex(0xc84c3c)),
    ]);
    let (seed, light) = (random.seed(), *light);
    for i in 0..random.count(1, 3) {
        let r = size * random.range(0.55, 0.75);
        let cx = x + size * 1.15 * i as f32 * random.sign();
        cast(canvas, &light, cx, y, r);
        let ball = Ball {
            rough: 0.03,
            dents: 1.2,
            seed: random.seed(),
            ..Ball::smooth(cx, y - r * 0.9, r * random.range(0.95, 1.1), r)
        };
        canvas.ball(&ball, |p| {
            let albedo = skin.mix(blush, smoothstep(0.35, 0.7, fbm(seed, p.u * 1.5 + i as f32, p.v * 1.5, 3)));
            let speckle = 0.85 + 0.3 * noise(seed ^ 2, p.x * 160.0, p.y * 160.0);
            let bounce = 1.0 - 0.35 * smoothstep(0.2, 0.95, p.v);
            light.shade(albedo * speckle, p.normal, bounce) + light.gloss(p.normal, 0.35)
        });
        let stalk = ((cx, y - r * 1.85), (cx + r * 0.15, y - r * 2.15));
        canvas.shape(
            limb_area(stalk.0, stalk.1, 0.006),
            |px, py| limb(px, py, stalk.0, stalk.1, r * 0.07, r * 0.04),
            |_, _| light.ambient * hex(0x5a4630),
        );
    }
}

/// A turned vessel: bottle, jug or bowl.
fn vessel(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, size: f32) {
    let colour = hex(random.pick(&[0x3c5a48, 0xd8d0c0, 0x8a5a3c, 0x4a6480, 0xb89870, 0x2c3430, 0xc8c4bc, 0xa8443a]));
    let (seed, gloss, light) = (random.seed(), random.range(0.05, 0.9), *light);
    let (kind, tall, bands) = (random.count(0, 2), random.range(2.2, 3.8), random.chance(0.4));
    let height = if kind == 2 { size * 0.9 } else { size * tall };
    let profile = move |t: f32| match kind {
        0 => lerp(0.55, 0.18, smoothstep(0.5, 0.75, t)) + 0.05 * smoothstep(0.95, 1.0, t),
        1 => 0.42 + 0.25 * sin_turns(t * 0.55 - 0.05) + 0.14 * smoothstep(0.85, 1.0, t),
        _ => 0.45 + 0.75 * (clamp01(t) * (2.0 - clamp01(t))),
    };
    cast(canvas, &light, x, y, size * 0.7);
    canvas.paint(Area(x - size * 1.3, y - height, x + size * 1.3, y + size * 0.1), |px, py| {
        let round = size * 0.09 * (1.0 - ((px - x) / size).abs());
        let t = (y + round - py) / height;
        let r = profile(t.clamp(0.0, 1.0)) * size;
        let u = (px - x) / r;
        let opacity = clamp01(0.5 - (u.abs() - 1.0) * r * 300.0)
            * clamp01(0.5 + t * height * 300.0)
            * clamp01(0.5 + (1.0 - t) * height * 300.0);
        if opacity <= 0.0 {
            return (Rgb::BLACK, 0.0);
        }
        let u = u.clamp(-1.0, 1.0);
        let normal = super::light::unit([u, 0.15, (1.0 - u * u).sqrt()]);
        let glaze = 0.8 + 0.35 * fbm(seed, u * 2.0, t * 6.0, 4);
        let band = if bands { smoothstep(0.04, 0.03, (t - 0.45).abs()) } else { 0.0 };
        let albedo = (colour * glaze).mix(hex(0xe0d8c0), band * 0.7);
        let streak = smoothstep(0.10, 0.02, (u - light.direction[0] * 0.55).abs()) * gloss;
        (light.shade(albedo, normal, 1.0) + light.direct * (0.5 * streak), opacity)
    });
}

fn books(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, size: f32) {
    cast(canvas, light, x, y, size * 1.3);
    let mut bottom = y;
    for _ in 0..random.count(1, 4) {
        let (thick, half) = (size * random.range(0.25, 0.45), size * random.range(1.0, 1.5));
        let (cover, shift, seed) = (cloth(random), size * random.range(-0.15, 0.15), random.seed());
        let area = Area(x - half + shift, bottom - thick, x + half + shift, bottom);
        canvas.shape(
            area,
            |px, py| rounded_box(px, py, area, thick * 0.12),
            |px, py| {
                let v = (py - area.1) / thick;
                let title = smoothstep(0.5, 0.45, ((px - x) / half).abs())
                    * smoothstep(0.16, 0.1, (v - 0.5).abs())
                    * smoothstep(0.0, 0.3, sin_turns(px / size * 9.0));
                let worn = 0.8 + 0.4 * noise(seed, px * 120.0, py * 120.0);
                light.shade((cover * worn).mix(hex(0xd8c088), 0.7 * title), [0.0, 0.7 - 1.1 * v, 0.8], 0.9)
            },
        );
        bottom -= thick;
    }
}

fn bouquet(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, size: f32) {
    vessel(canvas, random, light, x, y, size);
    let (main, other) =
        (hex(random.pick(&[0xd84858, 0xe8b838, 0xe8e0e4, 0xb068b0, 0xe88a68])), plants::leaf_colour(random, false));
    for i in 0..random.count(12, 26) {
        let (cx, cy) = (x + size * random.bell(0.0, 0.75), y - size * (2.9 + random.bell(0.3, 0.55)));
        let r = size * random.range(0.18, 0.36);
        let ball = Ball { rough: 0.4, dents: 2.5, seed: random.seed(), ..Ball::smooth(cx, cy, r, r) };
        let colour = if i % 3 == 0 { other } else { main * random.range(0.75, 1.15) };
        canvas
            .ball(&ball, |p| light.shade(colour * (0.5 + 0.8 * noise(ball.seed, p.u * 4.0, p.v * 4.0)), p.normal, 1.0));
    }
}

/// A living room: floor, wall, sofa, lamp, plant.
pub(crate) fn room(canvas: &mut Canvas, random: &mut Random) {
    let light = Light::indoors(random);
    let floor = random.range(0.62, 0.76);
    wall(canvas, random, &light, floor);
    if random.chance(0.6) {
        window(canvas, random, &light, floor);
    }
    let wood = hex(random.pick(&WOODS));
    planks(canvas, random, &light, floor, wood);
    let (rug, seed, middle) = (cloth(random), random.seed(), canvas.aspect() * random.range(0.35, 0.65));
    canvas.ball(&Ball::smooth(middle, floor + 0.19, 0.5 * canvas.scale(), 0.1), |p| {
        let ring = sin_turns((p.u * p.u + p.v * p.v).sqrt() * 3.0);
        light.ground(
            rug.mix(hex(0xd8ccb4), 0.5 * smoothstep(0.2, 0.4, ring))
                * (0.7 + 0.6 * noise(seed, p.x * 200.0, p.y * 200.0)),
            0.8,
        )
    });
    sofa(canvas, random, &light, middle, floor + 0.12, 0.36 * canvas.scale());
    let side = random.sign();
    let plant_x = middle + side * 0.58 * canvas.scale();
    let pot = 0.075 * canvas.scale();
    vessel(canvas, random, &light, plant_x, floor + 0.1, pot);
    for _ in 0..random.count(10, 20) {
        let end = (plant_x + pot * random.bell(0.0, 1.5), floor - pot * random.range(1.8, 5.0));
        let (start, colour) = ((plant_x, floor + 0.1 - pot * 1.8), plants::leaf_colour(random, false));
        canvas.shape(
            limb_area(start, end, pot * 0.3),
            |x, y| limb(x, y, start, end, pot * 0.06, pot * 0.22),
            |x, y| light.shade(colour * (0.6 + 0.6 * noise(seed, x * 80.0, y * 80.0)), [0.3, 0.6, 0.6], 0.9),
        );
    }
    if random.chance(0.4) {
        let x = middle - side * 0.2 * canvas.scale();
        super::people::figure(canvas, random, &light, x, floor + 0.24, 0.6 * canvas.scale());
    }
}

fn window(canvas: &mut Canvas, random: &mut Random, light: &Light, floor: f32) {
    let left = random.range(0.1, 0.6) * canvas.aspect();
    let area = Area(left, 0.08, left + random.range(0.25, 0.4) * canvas.scale(), floor - 0.2);
    let (sky, leaves, seed) = (hex(0xdce8f2) * 1.1, plants::leaf_colour(random, false) * 1.2, random.seed());
    let frame = light.shade(hex(0xe8e4dc), [0.0, 0.0, 1.0], 0.8);
    let drape = cloth(random);
    canvas.shape(
        area,
        |x, y| rounded_box(x, y, area, 0.0),
        |x, y| {
            let (u, v) = ((x - area.0) / (area.2 - area.0), (y - area.1) / (area.3 - area.1));
            let bar = u.min(1.0 - u).min(v).min(1.0 - v) < 0.05 || (u - 0.5).abs() < 0.02 || (v - 0.4).abs() < 0.015;
            let garden = smoothstep(0.45, 0.6, v + 0.5 * (fbm(seed, x * 12.0, y * 12.0, 4) - 0.5));
            if bar { frame } else { sky.mix(leaves * (0.4 + fbm(seed ^ 1, x * 30.0, y * 30.0, 3)), garden) }
        },
    );
    for (from, to) in [(area.0 - 0.1, area.0 + 0.02), (area.2 - 0.02, area.2 + 0.1)] {
        let curtain = Area(from, 0.05, to, floor - 0.05);
        canvas.shape(
            curtain,
            |x, y| rounded_box(x, y, curtain, 0.01),
            |x, y| {
                let fold = sin_turns(x * 24.0 + 0.3 * noise(seed, x * 8.0, y * 3.0));
                light.shade(drape * (0.85 + 0.2 * fold), super::light::unit([fold * 0.7, 0.1, 0.8]), 0.9)
            },
        );
    }
}

fn sofa(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, half: f32) {
    let (fabric, cushion, seed) = (cloth(random), cloth(random), random.seed());
    canvas.contact_shadow(x, y, half * 1.25, 0.04, 0.75);
    let parts = [
        (Area(x - half * 0.95, y - half * 0.85, x + half * 0.95, y - half * 0.1), 0.1, 0.8, fabric),
        (Area(x - half * 0.85, y - half * 0.45, x, y - half * 0.2), 0.08, 1.15, fabric),
        (Area(x, y - half * 0.45, x + half * 0.85, y - half * 0.2), 0.08, 1.1, fabric),
        (Area(x - half * 0.85, y - half * 0.25, x + half * 0.85, y - half * 0.03), 0.03, 0.65, fabric),
        (Area(x - half * 1.1, y - half * 0.62, x - half * 0.85, y), 0.1, 0.9, fabric),
        (Area(x + half * 0.85, y - half * 0.62, x + half * 1.1, y), 0.1, 0.9, fabric),
        (Area(x - half * 0.7, y - half * 0.75, x - half * 0.35, y - half * 0.4), 0.12, 1.0, cushion),
    ];
    for (area, corner, tone, colour) in parts {
        canvas.shape(
            area,
            |px, py| rounded_box(px, py, area, corner * half),
            |px, py| {
                let (u, v) =
                    ((px - area.0) / (area.2 - area.0) * 2.0 - 1.0, (py - area.1) / (area.3 - area.1) * 2.0 - 1.0);
                let weave =
                    0.8 + 0.25 * fbm(seed, px * 9.0, py * 9.0, 3) + 0.2 * noise(seed ^ 1, px * 190.0, py * 190.0);
                light.shade(colour * (tone * weave), super::light::unit([0.6 * u * u * u, 0.35 - 0.6 * v, 0.8]), 0.95)
            },
        );
    }
}
