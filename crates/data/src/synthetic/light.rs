//! Light on surfaces.

use super::colour::{Rgb, hex};
use super::math::{clamp01, lerp};
use super::random::Random;

/// One direct light and the light from all around.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    /// Towards the light: right, up, towards the viewer; of length 1.
    pub(crate) direction: [f32; 3],
    pub(crate) direct: Rgb,
    pub(crate) ambient: Rgb,
}

impl Light {
    /// Sun of the given colour and strength with sky light. `height` in 0..1 is its height above the horizon.
    pub(crate) fn outdoors(random: &mut Random, height: f32, overcast: f32) -> Self {
        // Low sun is warmer, but the camera's white balance takes most of that back.
        let warmth = (1.0 - height) * 0.10;
        let strength = lerp(1.25, 0.25, overcast);
        let side = random.sign() * random.range(0.35, 0.95);
        Self {
            direction: unit([side, lerp(0.35, 1.1, height), random.range(0.25, 0.8)]),
            direct: Rgb(1.0 + warmth, 1.0, 1.0 - 1.3 * warmth) * strength,
            ambient: hex(0xccd4e0) * lerp(0.45, 0.80, overcast),
        }
    }

    /// A window or lamp at the side.
    pub(crate) fn indoors(random: &mut Random) -> Self {
        let warmth = random.range(-0.02, 0.09);
        Self {
            direction: unit([random.sign() * random.range(0.4, 1.0), random.range(0.4, 0.9), random.range(0.4, 0.9)]),
            direct: Rgb(1.0 + warmth, 1.0, 1.0 - 1.4 * warmth) * random.range(0.8, 1.15),
            ambient: Rgb(1.0 + 0.6 * warmth, 1.0, 1.0 - 0.8 * warmth) * random.range(0.26, 0.42),
        }
    }

    /// Light leaving a matt surface that looks along `normal`; `lit` is 0 in full shadow and 1 in the light.
    pub(crate) fn shade(&self, albedo: Rgb, normal: [f32; 3], lit: f32) -> Rgb {
        let facing = clamp01(dot(normal, self.direction)) * lit;
        albedo * (self.direct * facing + self.ambient * (0.7 + 0.3 * normal[1]))
    }

    /// A highlight on a glossy surface, to be added.
    pub(crate) fn gloss(&self, normal: [f32; 3], strength: f32) -> Rgb {
        // Halfway between the light and the viewer at (0, 0, 1).
        let [x, y, z] = self.direction;
        let facing = clamp01(dot(normal, unit([x, y, z + 1.0])));
        let f4 = facing * facing * facing * facing;
        let f16 = f4 * f4 * f4 * f4;
        self.direct * (strength * f16 * f16)
    }

    /// Light on level ground.
    pub(crate) fn ground(&self, albedo: Rgb, lit: f32) -> Rgb {
        self.shade(albedo, [0.0, 1.0, 0.0], lit)
    }
}

pub(crate) fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = dot(v, v).sqrt().max(1e-6);
    [v[0] / length, v[1] / length, v[2] / length]
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
