//! From light to a photograph: exposure, tone, colour balance, grain.

use dodge_imaging::Photo;

use super::canvas::Canvas;
use super::colour::{Rgb, encode};
use super::math::{lerp, pow01};
use super::random::Random;

/// How the photographer finished the picture. The ranges were set beside a collection of real photographs, so that
/// brightness, contrast, colour and sharpness spread like theirs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finish {
    /// Encoded luma (0..1) of the darkest and the brightest percent.
    black: f32,
    white: f32,
    /// Encoded mean luma.
    mean: f32,
    /// Mean difference between the largest and the smallest channel, encoded.
    chroma: f32,
    /// Factors of red and blue.
    balance: (f32, f32),
    vignette: f32,
    sharpening: f32,
    grain: f32,
}

impl Finish {
    pub(crate) fn new(random: &mut Random) -> Self {
        let tint = random.bell(0.0, 0.022);
        Self {
            black: random.bell(0.085, 0.06).max(0.02),
            white: random.bell(0.92, 0.12).min(1.0),
            mean: random.bell(0.43, 0.12).max(0.2),
            chroma: random.bell(0.165, 0.065).max(0.06),
            balance: (1.0 + tint, 1.0 - tint),
            vignette: random.range(0.0, 0.16),
            sharpening: random.range(0.3, 1.3),
            grain: random.range(0.004, 0.016),
        }
    }

    /// Develops the canvas.
    pub(crate) fn develop(&self, canvas: &mut Canvas, random: &mut Random) -> Photo {
        let (width, height) = (canvas.width, canvas.height);
        self.falloff(canvas);
        let exposure = exposure(canvas);
        for pixel in &mut canvas.pixels {
            let Rgb(r, g, b) = *pixel * exposure;
            *pixel =
                Rgb(shoulder(encode(r * self.balance.0)), shoulder(encode(g)), shoulder(encode(b * self.balance.1)));
        }
        let tone = self.tone(canvas);
        for pixel in &mut canvas.pixels {
            *pixel = Rgb(tone.apply(pixel.0), tone.apply(pixel.1), tone.apply(pixel.2));
        }
        let lumas: Vec<f32> = canvas.pixels.iter().map(|p| luma(*p)).collect();
        let colour = self.colour(canvas);
        let seed = random.seed();
        let mut bytes = Vec::with_capacity(width * height * 3);
        for (index, pixel) in canvas.pixels.iter().enumerate() {
            let here = lumas[index];
            let detail = here - mean_of_neighbours(&lumas, index, width);
            let light = here + self.sharpening * detail + grain(seed, index as u32) * self.grain;
            for value in [pixel.0, pixel.1, pixel.2] {
                bytes.push((255.0 * toe(light + (value - here) * colour) + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
        // The buffer has the canvas's size, and a canvas has no empty side.
        Photo::new(width as u32, height as u32, bytes).expect("a developed canvas has the size of its photo")
    }

    /// Lenses give less light towards the corners.
    fn falloff(&self, canvas: &mut Canvas) {
        let (aspect, strength) = (canvas.aspect(), self.vignette);
        let corner = 0.25 * (1.0 + aspect * aspect);
        canvas.darken(canvas.everywhere(), |x, y| {
            let (dx, dy) = (x - 0.5 * aspect, y - 0.5);
            strength * (dx * dx + dy * dy) / corner
        });
    }

    /// Levels and gamma that bring the picture most of the way to the wanted black, white and mean. Not all of it: a
    /// misty morning keeps its soft contrast.
    fn tone(&self, canvas: &Canvas) -> Tone {
        let mut lumas: Vec<f32> = canvas.pixels.iter().step_by(7).map(|p| luma(*p)).collect();
        lumas.sort_by(f32::total_cmp);
        let at = |share: f32| lumas[((lumas.len() - 1) as f32 * share) as usize];
        let (low, high) = (at(0.01), at(0.99).max(at(0.01) + 0.05));
        let (black, white) = (lerp(low, self.black, 0.8), lerp(high.min(1.0), self.white, 0.8));
        let gain = ((white - black) / (high - low)).clamp(0.6, 1.9);
        let levels = Tone { gain, offset: black - low * gain, gamma: 1.0 };
        // The mean falls as gamma rises: halving the interval finds it.
        let (mut from, mut to) = (0.55f32, 1.7f32);
        for _ in 0..8 {
            let gamma = (from + to) * 0.5;
            let tone = Tone { gamma, ..levels };
            let mean = lumas.iter().map(|&v| tone.apply(v)).sum::<f32>() / lumas.len() as f32;
            if mean > self.mean { from = gamma } else { to = gamma }
        }
        Tone { gamma: lerp(1.0, (from + to) * 0.5, 0.9), ..levels }
    }

    /// The factor of the differences between channels that brings colour most of the way to the wanted strength.
    fn colour(&self, canvas: &Canvas) -> f32 {
        let sample = canvas.pixels.iter().step_by(7);
        let spread = |p: &Rgb| p.0.max(p.1).max(p.2) - p.0.min(p.1).min(p.2);
        let mean = sample.clone().map(spread).sum::<f32>() / sample.count() as f32;
        lerp(1.0, self.chroma / mean.max(0.01), 0.7).clamp(0.5, 1.3)
    }
}

#[derive(Debug, Clone, Copy)]
struct Tone {
    gain: f32,
    offset: f32,
    gamma: f32,
}

impl Tone {
    fn apply(&self, value: f32) -> f32 {
        pow01(toe(value * self.gain + self.offset).min(1.0), self.gamma)
    }
}

/// The factor that brings the mean light to that of a mid-grey card.
fn exposure(canvas: &Canvas) -> f32 {
    let sum: f32 = canvas.pixels.iter().map(|p| p.luminance().min(2.0)).sum();
    0.22 / (sum / canvas.pixels.len() as f32).max(1e-3)
}

/// Bends values above 0.8 so that they approach 1 instead of being cut.
pub(crate) fn shoulder(value: f32) -> f32 {
    if value <= 0.8 {
        return value;
    }
    let over = value - 0.8;
    0.8 + 0.22 * over / (over + 0.22)
}

/// Bends values below 0.05 so that they approach 0 instead of being cut.
pub(crate) fn toe(value: f32) -> f32 {
    const KNEE: f32 = 0.05;
    if value >= KNEE { value } else { KNEE * KNEE / (2.0 * KNEE - value) }
}

/// Mean of the four pixels around; outside of the picture counts as the pixel itself.
fn mean_of_neighbours(values: &[f32], index: usize, width: usize) -> f32 {
    let here = values[index];
    let column = index % width;
    let left = if column > 0 { values[index - 1] } else { here };
    let right = if column + 1 < width { values[index + 1] } else { here };
    let above = if index >= width { values[index - width] } else { here };
    let below = values.get(index + width).copied().unwrap_or(here);
    (left + right + above + below) * 0.25
}

pub(crate) fn luma(p: Rgb) -> f32 {
    0.299 * p.0 + 0.587 * p.1 + 0.114 * p.2
}

/// Sensor noise, about -1.7..1.7.
pub(crate) fn grain(seed: u32, index: u32) -> f32 {
    let unit = |salt| super::noise::cell(seed ^ salt, index as i32, 0);
    (unit(1) + unit(2) - 1.0) * 1.7
}
