//! Sky, clouds and weather.

use super::canvas::{Area, Canvas};
use super::colour::{Rgb, hex};
use super::light::Light;
use super::math::{clamp01, lerp, smoothstep};
use super::noise::{fbm, fractal};
use super::random::Random;

/// The light outdoors and what the sky looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) light: Light,
    /// Colour that distance fades into.
    pub(crate) haze: Rgb,
    /// Share of haze per unit of distance.
    pub(crate) haziness: f32,
    zenith: Rgb,
    horizon: Rgb,
    clouds: Clouds,
    /// Left to right position of the sun as a share of the width.
    pub(crate) sun: f32,
    sun_height: f32,
    /// 1 where the sun itself is in the picture, 0 where it is not.
    disc: f32,
}

#[derive(Debug, Clone, Copy)]
struct Clouds {
    seed: u32,
    cover: f32,
    stretch: f32,
    size: f32,
    dark: f32,
}

impl Weather {
    pub(crate) fn new(random: &mut Random) -> Self {
        let kind = random.unit();
        // Clear, fair, broken, overcast, low sun.
        let (cover, overcast, height) = if kind < 0.22 {
            (random.range(0.0, 0.2), 0.0, random.range(0.4, 1.0))
        } else if kind < 0.58 {
            (random.range(0.3, 0.55), 0.1, random.range(0.35, 1.0))
        } else if kind < 0.74 {
            (random.range(0.55, 0.75), 0.35, random.range(0.3, 0.9))
        } else if kind < 0.86 {
            (random.range(0.85, 1.0), 0.9, random.range(0.3, 0.9))
        } else {
            (random.range(0.15, 0.55), 0.05, random.range(0.02, 0.18))
        };
        let light = Light::outdoors(random, height, overcast);
        let low = smoothstep(0.25, 0.0, height);
        let deep = random.pick(&[hex(0x2c62ad), hex(0x3a74b8), hex(0x2a589c), hex(0x4a86c4), hex(0x1f4f9c)]);
        let zenith = deep.mix(hex(0xaab4c0), overcast * 0.9).mix(hex(0x4a5f94), low * 0.6);
        let pale = random.pick(&[hex(0xb8d0e6), hex(0xc8dbea), hex(0xa5c4e2), hex(0xd8e2ea)]);
        let horizon = pale.mix(hex(0xd2d6da), overcast).mix(hex(0xf6c48a), low * 0.85);
        Self {
            light,
            haze: horizon * 0.85,
            haziness: random.range(0.15, 0.75),
            zenith,
            horizon,
            clouds: Clouds {
                seed: random.seed(),
                cover,
                stretch: random.pick(&[1.0, 1.4, 2.6]),
                size: random.range(0.6, 1.5),
                dark: random.range(0.35, 0.7) + 0.15 * overcast,
            },
            sun: if light.direction[0] > 0.0 { random.range(0.6, 0.95) } else { random.range(0.05, 0.4) },
            sun_height: height,
            disc: f32::from(u8::from(random.chance(0.18))),
        }
    }

    /// Brightness and colour of the sky `up` (0 at the horizon, 1 straight above), without clouds.
    pub(crate) fn sky(&self, up: f32) -> Rgb {
        let t = clamp01(up);
        self.horizon.mix(self.zenith, t * (1.7 - 0.7 * t))
    }

    /// `colour` seen through `distance` of air.
    pub(crate) fn far(&self, colour: Rgb, distance: f32) -> Rgb {
        colour.mix(self.haze, clamp01(distance * self.haziness))
    }

    /// Paints the sky down to `horizon`.
    pub(crate) fn paint(&self, canvas: &mut Canvas, horizon: f32) {
        let (aspect, weather) = (canvas.aspect(), *self);
        let (sun_x, sun_y) = (self.sun * aspect, horizon - 0.06 - self.sun_height * 0.8);
        canvas.paint(Area(0.0, 0.0, aspect, horizon), |x, y| {
            let up = (horizon - y) / horizon.max(0.2) * 0.95;
            let (dx, dy) = (x - sun_x, y - sun_y);
            let away = (dx * dx + dy * dy).sqrt();
            let glow = smoothstep(0.9, 0.0, away);
            let halo = weather.light.direct
                * ((0.2 + 0.6 * weather.disc) * glow * glow * glow
                    + 2.5 * weather.disc * smoothstep(0.045, 0.015, away));
            let clear = weather.sky(up) + halo * (0.25 + 0.75 * (1.0 - weather.clouds.cover));
            (weather.cloud(clear, x - 0.5 * aspect, horizon - y), 1.0)
        });
    }

    fn cloud(&self, behind: Rgb, x: f32, up: f32) -> Rgb {
        let Clouds { seed, cover, stretch, size, dark } = self.clouds;
        if cover < 0.05 {
            return behind;
        }
        // Clouds lie in a level sheet: they get smaller and flatter towards the horizon.
        let near = 1.0 / (up.max(0.0) + 0.22);
        let (u, v) = (x * near * 1.6 / (size * stretch), near * 2.2 / size);
        let thickness = |u: f32, v: f32| fractal(seed, u, v, 5, 0.55) - lerp(0.66, 0.34, cover);
        let here = thickness(u, v);
        let opacity = smoothstep(0.0, 0.13, here);
        if opacity <= 0.0 {
            return behind;
        }
        // Thicker towards the light means less light here.
        let [lx, ly, _] = self.light.direction;
        let shadow = clamp01(here * 2.4 + (thickness(u + lx * 0.25, v - ly * 0.25) - here) * 2.2);
        let white = self.light.direct * 0.45 + Rgb(0.42, 0.43, 0.45);
        let grey = self.horizon.mix(hex(0x70757e), 0.7);
        behind.mix(white.mix(grey, shadow * dark), opacity * (0.92 - 0.3 * smoothstep(0.25, 0.0, up)))
    }
}

/// A background far out of focus: leaves, walls or lights, as large soft patches of `colours`.
pub(crate) fn soft_backdrop(canvas: &mut Canvas, random: &mut Random, colours: &[Rgb], lights: u32) {
    let (a, b, c) = (random.pick(colours), random.pick(colours), random.pick(colours));
    let (seed, size) = (random.seed(), random.range(1.5, 4.0));
    let slope = random.range(-0.5, 0.5);
    canvas.paint(canvas.everywhere(), |x, y| {
        let patches = fbm(seed, x * size, y * size, 3);
        let broad = fbm(seed ^ 77, x * 0.9, y * 0.9 + 3.0, 2);
        let colour = a.mix(b, smoothstep(0.3, 0.7, patches)).mix(c, smoothstep(0.45, 0.75, broad));
        (colour * (0.75 + 0.7 * patches + slope * (0.5 - y)), 1.0)
    });
    for _ in 0..lights {
        let (x, y) = (random.range(0.0, canvas.aspect()), random.range(0.0, 0.8));
        let (r, strength) = (random.range(0.02, 0.07) * canvas.scale(), random.range(0.15, 0.55));
        let colour = random.pick(colours).mix(hex(0xfff4dc), 0.6);
        canvas.paint(Area(x - r, y - r, x + r, y + r), |px, py| {
            let q = ((px - x) * (px - x) + (py - y) * (py - y)).sqrt() / r;
            (colour, strength * smoothstep(1.0, 0.85, q) * (0.7 + 0.3 * q))
        });
    }
    canvas.blur(random.range(0.025, 0.06));
}
