//! Forest interiors, flowers seen close and animals.

use super::canvas::{Area, Ball, Canvas, limb, limb_area};
use super::colour::{Rgb, hex};
use super::light::Light;
use super::math::{clamp01, cos_turns, lerp, sin_turns, smoothstep};
use super::noise::{fbm, fractal, noise, streaks};
use super::plants::{self, Ground};
use super::random::Random;
use super::sky::{Weather, soft_backdrop};

/// Trunks between undergrowth and sunlit leaves.
pub(crate) fn forest(canvas: &mut Canvas, random: &mut Random) {
    let weather = Weather::new(random);
    let autumn = random.chance(0.3);
    let (bright, deep) = (plants::leaf_colour(random, autumn) * 1.5, plants::leaf_colour(random, autumn) * 0.5);
    let (seed, light, open) = (random.seed(), weather.light, random.range(0.45, 0.75));
    canvas.paint(canvas.everywhere(), |x, y| {
        let mass = fbm(seed, x * 3.0, y * 3.5, 3);
        let leaves = fractal(seed ^ 1, x * 22.0, y * 22.0, 4, 0.75);
        let sun = smoothstep(0.35, 0.75, 0.6 * mass + 0.4 * leaves);
        let gap = smoothstep(open, open + 0.12, 0.65 * mass + 0.35 * leaves) * smoothstep(0.7, 0.2, y);
        let colour = deep.mix(bright, sun) * (0.4 + 1.1 * sun * leaves);
        (light.ground(colour, 0.35 + 0.65 * sun).mix(weather.sky(0.3), gap), 1.0)
    });
    if random.chance(0.5) {
        canvas.blur(random.range(0.004, 0.02));
    }
    let floor = random.range(0.55, 0.75);
    let (a, b) = if autumn { (hex(0x9a6a38), hex(0x6a5030)) } else { (hex(0x5a6a34), hex(0x7a6a44)) };
    let ground =
        Ground { seed: random.seed(), horizon: floor - 0.05, a, b, reach: 1.2, blades: random.range(0.2, 0.9) };
    let roll = random.unit();
    ground.paint(canvas, &weather, |x| floor + 0.03 * sin_turns(x * 0.7 + roll));
    let dapple = random.seed();
    canvas.darken(canvas.below(floor - 0.05), |x, y| {
        let depth = 1.0 / (y - floor + 0.2);
        0.65 * smoothstep(0.4, 0.6, fbm(dapple, x * depth * 0.9, depth * 3.0, 4)) * smoothstep(floor, floor + 0.05, y)
    });
    let mut trunks: Vec<f32> = (0..random.count(4, 11)).map(|_| random.unit()).collect();
    trunks.sort_by(f32::total_cmp);
    for near in trunks {
        let x = random.range(-0.02, 1.02) * canvas.aspect();
        trunk(canvas, random, &weather, x, lerp(floor, floor + 0.32, near * near), near);
    }
    for _ in 0..random.count(2, 9) {
        let (x, y) = (random.range(0.0, canvas.aspect()), random.range(floor + 0.05, 1.05));
        let r = (y - floor + 0.12) * random.range(0.12, 0.32);
        let ball = Ball { rough: 0.55, dents: 4.0, seed: random.seed(), ..Ball::smooth(x, y, r * 1.3, r) };
        let colour = plants::leaf_colour(random, autumn);
        plants::crown(canvas, &ball, colour, &weather, 0.0);
    }
}

fn trunk(canvas: &mut Canvas, random: &mut Random, weather: &Weather, x: f32, foot: f32, near: f32) {
    let width = lerp(0.012, 0.06, near * near) * random.range(0.7, 1.3) * canvas.scale();
    let birch = random.chance(0.2);
    let bark = if birch { hex(0xc8c2b4) } else { hex(random.pick(&[0x5a4a3a, 0x6a5a48, 0x4f4438, 0x75685a])) };
    let top = (x + random.range(-0.08, 0.08), -0.05);
    let (light, seed, weather) = (weather.light, random.seed(), *weather);
    canvas.contact_shadow(x, foot, width * 4.0, width * 0.9, 0.6);
    canvas.shape(
        limb_area((x, foot), top, width * 1.4),
        |px, py| {
            limb(px, py, (x, foot), top, width, width * 0.7) + width * 0.2 * (noise(seed, px * 20.0, py * 14.0) - 0.5)
        },
        |px, py| {
            let across = ((px - lerp(x, top.0, clamp01((foot - py) / (foot - top.1)))) / width).clamp(-1.0, 1.0);
            let normal = [across, 0.1, (1.0 - across * across).sqrt()];
            let ridges = streaks(seed ^ 1, px * 90.0, py * 14.0, 3);
            let marks =
                if birch { 1.0 - 0.8 * smoothstep(0.62, 0.72, noise(seed ^ 2, px * 18.0, py * 60.0)) } else { 1.0 };
            let spots = 0.3 + 0.7 * smoothstep(0.4, 0.65, noise(seed ^ 3, px * 9.0, py * 7.0));
            weather.far(
                light.shade(bark * (0.35 + 1.2 * ridges) * marks, normal, spots),
                0.5 * (1.0 - near) * (1.0 - near),
            )
        },
    );
    if near > 0.3 && random.chance(0.6) {
        let start = (x, random.range(0.05, foot * 0.6));
        let end = (x + random.sign() * random.range(0.1, 0.3), start.1 - random.range(0.0, 0.2));
        canvas.shape(
            limb_area(start, end, width * 0.4),
            |px, py| limb(px, py, start, end, width * 0.35, width * 0.1),
            |px, py| light.shade(bark * (0.4 + noise(seed, px * 80.0, py * 80.0)), [0.0, 0.7, 0.7], 0.7),
        );
    }
}

/// One or several flowers before soft leaves.
pub(crate) fn blossom(canvas: &mut Canvas, random: &mut Random) {
    let greens = [0x3f6a2a, 0x23441c, 0x5c8438, 0x2c3c20, 0x7a9448, 0x18280f].map(hex);
    let bokeh = random.count(0, 14);
    soft_backdrop(canvas, random, &greens, bokeh);
    let weather = Weather::new(random);
    let light = weather.light;
    for _ in 0..random.count(3, 9) {
        leaf(canvas, random, &light);
    }
    let petals = hex(random.pick(&[0xd03048, 0xe8a81c, 0xe8e0ec, 0xb04fa8, 0xf08a98, 0xe86a28, 0x7a68c8, 0xf0d040]));
    let heart = hex(random.pick(&[0xd8a020, 0x5a3a1c, 0xc8b840, 0x4a2c20]));
    let count = random.pick(&[1, 1, 2, 3, 6]);
    for i in 0..count {
        let size = random.range(0.16, 0.30) * canvas.scale() * if count > 3 { 0.55 } else { 1.0 };
        let spread = if count == 1 { 0.12 } else { 0.36 };
        let x = canvas.aspect() * (0.5 + random.range(-spread, spread));
        let y = 0.47 + random.range(-spread, spread) * 0.7 + 0.03 * i as f32;
        flower(canvas, random, &light, x, y, size, petals, heart);
    }
}

fn leaf(canvas: &mut Canvas, random: &mut Random, light: &Light) {
    let (x, y) = (random.range(0.0, canvas.aspect()), random.range(0.35, 1.05));
    let (length, angle) = (random.range(0.15, 0.4) * canvas.scale(), random.unit());
    let (c, s) = (cos_turns(angle), sin_turns(angle));
    let (colour, seed) = (plants::leaf_colour(random, false) * random.range(0.6, 1.2), random.seed());
    let flip = random.sign();
    canvas.paint(Area(x - length, y - length, x + length, y + length), |px, py| {
        let (u, v) = (((px - x) * c + (py - y) * s) / length, ((py - y) * c - (px - x) * s) / length);
        let edge = 0.34 * (1.0 - u * u) * (1.0 - 0.25 * u);
        let opacity = smoothstep(0.01, -0.01, v.abs() - edge);
        let vein = smoothstep(0.02, 0.0, v.abs()) + 0.35 * smoothstep(0.8, 1.0, sin_turns((u + v.abs() * 0.8) * 7.0));
        let albedo = colour * (0.75 + 0.4 * fbm(seed, u * 9.0, v * 9.0, 4) + 0.35 * vein);
        (light.shade(albedo, [0.35 * flip * v.signum(), 0.6, 0.7], 0.9), opacity)
    });
}

#[expect(clippy::too_many_arguments, reason = "place, size and colours of one thing")]
fn flower(canvas: &mut Canvas, random: &mut Random, light: &Light, x: f32, y: f32, size: f32, colour: Rgb, heart: Rgb) {
    let stem_end = (x + random.range(-0.15, 0.15), 1.1);
    canvas.shape(
        limb_area((x, y), stem_end, 0.02),
        |px, py| limb(px, py, (x, y), stem_end, 0.010, 0.012),
        |px, _| light.shade(hex(0x567a34), [(px - x).signum() * 0.5, 0.2, 0.8], 0.9),
    );
    let (petals, turn, seed) = (random.count(5, 21) as f32, random.unit(), random.seed());
    let (tilt, rings) = (random.range(0.65, 1.0), random.count(1, 3));
    for ring in 0..rings {
        let outer = size * (1.0 - 0.27 * ring as f32);
        let turn = turn + 0.5 * ring as f32 / petals;
        canvas.paint(Area(x - outer, y - outer, x + outer, y + outer), |px, py| {
            let (u, v) = ((px - x) / outer, (py - y) / (outer * tilt));
            let radius = (u * u + v * v).sqrt();
            let angle = turns_of(u, v) * petals + turn * petals;
            let across = (angle - angle.floor()) * 2.0 - 1.0;
            let which = super::noise::cell(seed, (angle.floor() as i32).rem_euclid(petals as i32), ring as i32);
            let reach = (0.86 + 0.14 * which) * (1.0 - 0.30 * across.abs() * across.abs() * across.abs());
            let gap = smoothstep(0.97, 0.85, across.abs() * (0.75 + 0.3 * radius));
            let opacity = smoothstep(0.015, -0.015, radius - reach) * gap.max(smoothstep(0.5, 0.3, radius));
            let veins = 0.85 + 0.3 * noise(seed ^ 2, across * 7.0 + which * 50.0, radius * 3.0);
            let fold = 1.0 - 0.45 * across * across;
            let normal = super::light::unit([0.5 * u + 0.3 * across * v.signum(), 0.4 - 0.4 * v, 0.8]);
            let deep = lerp(0.45, 1.05, smoothstep(0.1, 0.75, radius)) * (0.85 + 0.25 * which);
            (light.shade(colour.saturated(0.92) * (veins * fold * deep), normal, 1.0), opacity)
        });
    }
    let r = size * random.range(0.16, 0.3);
    let ball = Ball { rough: 0.1, dents: 5.0, seed, ..Ball::smooth(x, y, r, r * tilt) };
    canvas.ball(&ball, |p| light.shade(heart * (0.4 + 1.1 * noise(seed, p.x * 150.0, p.y * 150.0)), p.normal, 1.0));
}

/// Angle of a direction in turns, 0..1, by a rational approximation of the arc tangent.
fn turns_of(x: f32, y: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let r = ax.min(ay) / ax.max(ay).max(1e-6);
    let eighth = r * (0.125 + 0.043_45 * (1.0 - r));
    let quarter = if ay > ax { 0.25 - eighth } else { eighth };
    let half = if x < 0.0 { 0.5 - quarter } else { quarter };
    if y < 0.0 { 1.0 - half } else { half }
}

/// A four-legged animal on grass, in front of something soft.
pub(crate) fn animal(canvas: &mut Canvas, random: &mut Random) {
    let savanna = random.chance(0.5);
    let backs =
        if savanna { [0xa8945c, 0x8a7a4a, 0x6f7040, 0xc0ac74] } else { [0x4f6a38, 0x37502c, 0x78904c, 0x5c6a44] };
    soft_backdrop(canvas, random, &backs.map(hex), 0);
    let weather = Weather::new(random);
    let (light, top) = (weather.light, random.range(0.5, 0.68));
    let (a, b) = if savanna { (hex(0xb49a5c), hex(0x857444)) } else { (hex(0x66803c), hex(0x849450)) };
    let seed = random.seed();
    Ground { seed, horizon: top - 0.12, a, b, reach: 1.0, blades: 1.0 }.paint(canvas, &weather, |_| top);
    canvas.blur(random.range(0.0, 0.006));
    let coat = random.pick(&[
        Coat { colour: hex(0x7a5436), belly: hex(0xa88a68), pattern: Pattern::Plain },
        Coat { colour: hex(0xb4884c), belly: hex(0xdcc8a0), pattern: Pattern::Spots(hex(0x3a2a1c)) },
        Coat { colour: hex(0xdcd8d0), belly: hex(0xe8e4dc), pattern: Pattern::Stripes(hex(0x28241f)) },
        Coat { colour: hex(0xd8d4cc), belly: hex(0xc8c0b4), pattern: Pattern::Patches(hex(0x3c3028)) },
        Coat { colour: hex(0x66605c), belly: hex(0x8c8680), pattern: Pattern::Plain },
        Coat { colour: hex(0xa86438), belly: hex(0xe0cdb4), pattern: Pattern::Plain },
    ]);
    let size = random.range(0.17, 0.27) * canvas.scale();
    for i in 0..random.pick(&[1, 1, 1, 2]) {
        let x = canvas.aspect() * (random.range(0.4, 0.6) + 0.33 * i as f32 * random.sign());
        let y = top + random.range(0.0, 0.08) + 0.05 * i as f32;
        let size = size * random.range(0.85, 1.1);
        body(canvas, random, &light, &coat, x, y, size);
    }
    // Blades in front of the feet.
    Ground { seed: random.seed(), horizon: top - 0.05, a, b, reach: 1.0, blades: 1.0 }.paint(canvas, &weather, |x| {
        top + 0.24 + 0.05 * (noise(seed, x * 14.0, 0.0) + noise(seed, x * 60.0, 9.0) - 1.0)
    });
}

#[derive(Debug, Clone, Copy)]
struct Coat {
    colour: Rgb,
    belly: Rgb,
    pattern: Pattern,
}

#[derive(Debug, Clone, Copy)]
enum Pattern {
    Plain,
    Spots(Rgb),
    Stripes(Rgb),
    Patches(Rgb),
}

impl Coat {
    fn at(&self, seed: u32, x: f32, y: f32, v: f32, size: f32) -> Rgb {
        let (u, w) = (x / size, y / size);
        let base = self.colour.mix(self.belly, smoothstep(0.1, 0.9, v));
        let coat = match self.pattern {
            Pattern::Plain => base * (0.8 + 0.4 * noise(seed, u * 2.0, w * 2.0)),
            Pattern::Spots(dark) => base.mix(dark, smoothstep(0.66, 0.74, noise(seed, u * 9.0, w * 9.0))),
            Pattern::Stripes(dark) => {
                base.mix(dark, smoothstep(-0.1, 0.25, sin_turns(u * 3.4 + 0.6 * noise(seed, u * 2.0, w * 2.5))))
            }
            Pattern::Patches(dark) => base.mix(dark, smoothstep(0.52, 0.55, fbm(seed, u * 1.4, w * 1.4, 3))),
        };
        coat * (0.6 + 0.8 * streaks(seed ^ 5, u * 36.0, w * 17.0, 2))
    }
}

fn body(canvas: &mut Canvas, random: &mut Random, light: &Light, coat: &Coat, x: f32, y: f32, size: f32) {
    let (seed, face, stout) = (random.seed(), random.sign(), random.range(0.8, 1.15));
    let foot = y + size * 1.05;
    canvas.contact_shadow(x, foot, size * 1.5, size * 0.2, 0.65);
    let fur = |px: f32, py: f32, v: f32| coat.at(seed, px, py, v, size);
    for (offset, far) in [(-0.6, true), (0.55, true), (-0.75, false), (0.7, false)] {
        let (hip, hoof) =
            ((x + size * offset, y + size * 0.2), (x + size * (offset + random.range(-0.12, 0.12)), foot));
        let shade = if far { 0.5 } else { 0.95 };
        canvas.shape(
            limb_area(hip, hoof, size * 0.2),
            |px, py| limb(px, py, hip, hoof, size * 0.19, size * 0.075),
            |px, py| {
                light.shade(fur(px, py, 0.3) * shade, [((px - hip.0) / size * 5.0).clamp(-0.8, 0.8), 0.1, 0.6], 0.9)
            },
        );
    }
    let tail = ((x - face * size * 0.95, y - size * 0.2), (x - face * size * random.range(1.2, 1.5), y + size * 0.5));
    canvas.shape(
        limb_area(tail.0, tail.1, size * 0.08),
        |px, py| limb(px, py, tail.0, tail.1, size * 0.06, size * 0.04),
        |px, py| light.shade(fur(px, py, 0.0), [0.0, 0.5, 0.8], 0.9),
    );
    let trunk = Ball { rough: 0.05, dents: 2.0, seed, ..Ball::smooth(x, y, size * 1.08, size * 0.47 * stout) };
    canvas.ball(&trunk, |p| light.shade(fur(p.x, p.y, p.v), p.normal, 1.0));
    let head = (x + face * size * random.range(1.3, 1.5), y - size * random.range(0.3, 0.75));
    let neck = (x + face * size * 0.75, y - size * 0.1);
    canvas.shape(
        limb_area(neck, head, size * 0.35),
        |px, py| limb(px, py, neck, head, size * 0.34, size * 0.2),
        |px, py| light.shade(fur(px, py, 0.0), [0.0, ((neck.1 - py) / size).clamp(0.0, 0.8), 0.6], 0.95),
    );
    let muzzle = (head.0 + face * size * 0.38, head.1 + size * 0.2);
    canvas.shape(
        limb_area(head, muzzle, size * 0.28),
        |px, py| limb(px, py, head, muzzle, size * 0.25, size * 0.12),
        |px, py| {
            let nose = smoothstep(0.14, 0.06, ((px - muzzle.0) * face / size - 0.1).abs());
            let albedo = fur(px, py, 0.1).mix(hex(0x241c18), 0.85 * nose);
            light.shade(albedo, [(px - head.0) / size, (head.1 - py) / size * 1.5 + 0.3, 0.8], 0.95)
        },
    );
    for side in [-0.12, 0.12] {
        let ear = Ball::smooth(head.0 - face * size * (0.1 - side), head.1 - size * 0.27, size * 0.09, size * 0.16);
        canvas.ball(&ear, |p| light.shade(fur(p.x, p.y, 0.2) * 0.8, p.normal, 0.9));
    }
    let eye = Ball::smooth(head.0 + face * size * 0.1, head.1 - size * 0.05, size * 0.045, size * 0.045);
    canvas.ball(&eye, |p| hex(0x14100c) + light.gloss(p.normal, 0.5));
}
