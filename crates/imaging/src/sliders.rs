//! Edits with free strengths, as sliders have them, and the exact gradient of an error by their positions.
//!
//! On a small photo each pixel-wise edit is a few arithmetic operations, so that what the error would gain by moving a
//! slider a little need not be tried out: it is computed, backward through the edits (reverse-mode differentiation by
//! hand). Hu et al. 2018, "Exposure: A White-Box Photo Post-Processing Framework" (arXiv:1709.09602), learn through
//! differentiable filters in the same way.

use crate::lab::{decode_srgb, encode_srgb};
use crate::{Error, Operation, OperationKind, Photo};

/// Weights of luma, Rec. 601.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// What shadows and highlights move at most, as a share of the range, times what makes the peak of their curves 1.
const TONE: f32 = 0.25 * 6.75;

/// Values below it count as it where a logarithm is taken: black has none.
const DARKEST: f32 = 1e-4;

/// The kinds that have a slider here, in the order that serves best for undoing what cameras and people do.
const KINDS: [OperationKind; 9] = [
    OperationKind::Exposure,
    OperationKind::Lightness,
    OperationKind::Gamma,
    OperationKind::Contrast,
    OperationKind::Shadows,
    OperationKind::Highlights,
    OperationKind::Saturation,
    OperationKind::Warmth,
    OperationKind::Tint,
];

/// Edits of some kinds, one after the other, each with a slider that stands at 0 where the edit does nothing.
///
/// The *position* of a slider is measured so that equal ways have about equal effects: 1 is a strong edit. For the kinds whose
/// strength is a factor (contrast, saturation, gamma) it is the logarithm of the strength, for the others the strength itself,
/// each over a unit of its own ([`Sliders::operation`] does the arithmetic).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sliders {
    kinds: Vec<OperationKind>,
}

impl Sliders {
    /// Sliders for `kinds`, in the order in which the edits are applied; each kind at most once.
    ///
    /// # Errors
    /// [`Error::InvalidStrength`] when a kind has no slider or stands there twice.
    pub fn new(kinds: &[OperationKind]) -> Result<Self, Error> {
        for (index, kind) in kinds.iter().enumerate() {
            let wrong =
                |reason: &str| Error::InvalidStrength { text: kind.name().to_owned(), reason: reason.to_owned() };
            if !KINDS.contains(kind) {
                return Err(wrong("this kind has no slider"));
            }
            if kinds[..index].contains(kind) {
                return Err(wrong("a second slider of this kind"));
            }
        }
        Ok(Self { kinds: kinds.to_vec() })
    }

    /// The furthest position: every edit is within the range of its kind there.
    pub const REACH: f32 = 4.0;

    /// All kinds that have a slider.
    #[must_use]
    pub fn available() -> &'static [OperationKind] {
        &KINDS
    }

    /// The kinds, in the order of their application.
    #[must_use]
    pub fn kinds(&self) -> &[OperationKind] {
        &self.kinds
    }

    /// The edit of slider `index` at `position`, its strength within the range of its kind, to a tenth of a level or a thousandth.
    ///
    /// # Panics
    /// When there is no such slider.
    #[must_use]
    pub fn operation(&self, index: usize, position: f32) -> Operation {
        let kind = self.kinds[index];
        let parameter = position * unit(kind);
        let strength = match kind {
            OperationKind::Gamma | OperationKind::Contrast | OperationKind::Saturation => parameter.exp(),
            OperationKind::Lightness => 255.0 * parameter,
            _ => parameter,
        };
        let (low, _, high) = kind.range();
        // Nobody sees finer differences, and recipes are read by people.
        let steps = if kind == OperationKind::Lightness { 10.0 } else { 1000.0 };
        let strength = ((strength * steps).round() / steps).clamp(low, high);
        Operation::new(kind, strength).expect("a strength within the range is one")
    }

    /// What the edits at `positions` make of a photo: `[pixel][channel]`, encoded sRGB from 0 to 1.
    ///
    /// # Panics
    /// When there are not as many positions as sliders.
    #[must_use]
    pub fn apply(&self, photo: &Photo, positions: &[f32]) -> Vec<[f32; 3]> {
        let Plan { levels, pixelwise } = self.plan(positions);
        let mut pixels = looked_up(photo, levels.last().expect("the levels themselves"));
        pixelwise.iter().for_each(|&(kind, parameter)| forward(kind, parameter, &mut pixels));
        pixels
    }

    /// The gradient by the positions of any error of the result: `error` is given the edited pixels and replaces each
    /// value by the derivative of the error by it. Where a value is clipped, it does not count.
    ///
    /// Also returns what `error` returns. Memory: one copy of the pixels for each slider from the first on that mixes channels.
    ///
    /// # Panics
    /// When there are not as many positions as sliders.
    pub fn gradient<R>(
        &self,
        photo: &Photo,
        positions: &[f32],
        error: impl FnOnce(&mut [[f32; 3]]) -> R,
    ) -> (Vec<f32>, R) {
        let Plan { mut levels, pixelwise } = self.plan(positions);
        let mut values = looked_up(photo, levels.last().expect("the levels themselves"));
        let mut inputs = Vec::with_capacity(pixelwise.len());
        for &(kind, parameter) in &pixelwise {
            inputs.push(values.clone());
            forward(kind, parameter, &mut values);
        }
        let result = error(&mut values);
        let mut gradient = vec![0.0; positions.len()];
        let first_pixelwise = positions.len() - pixelwise.len();
        for (index, (input, &(kind, parameter))) in inputs.iter().zip(&pixelwise).enumerate().rev() {
            gradient[first_pixelwise + index] = unit(kind) * backward(kind, parameter, input, &mut values);
        }
        // All pixels of a level go one way: what they say of it is summed before it goes further back.
        let mut by_level = vec![[0.0_f32; 3]; 256];
        for (pixel, values) in photo.pixels().as_chunks::<3>().0.iter().zip(&values) {
            (0..3).for_each(|channel| by_level[usize::from(pixel[channel])][0] += values[channel]);
        }
        levels.pop();
        for (index, input) in levels.iter().enumerate().rev() {
            let kind = self.kinds[index];
            gradient[index] = unit(kind) * backward(kind, positions[index] * unit(kind), input, &mut by_level);
        }
        (gradient, result)
    }

    /// How the edits at these positions are computed.
    fn plan(&self, positions: &[f32]) -> Plan {
        assert_eq!(positions.len(), self.kinds.len(), "a position for each slider");
        let edits = || self.kinds.iter().zip(positions).map(|(&kind, &position)| (kind, position * unit(kind)));
        let of_values = edits().take_while(|(kind, _)| !MIXING.contains(kind)).count();
        let mut levels = vec![(0..256).map(|level| [level as f32 / 255.0; 3]).collect::<Vec<[f32; 3]>>()];
        for (kind, parameter) in edits().take(of_values) {
            let mut values = levels[levels.len() - 1].clone();
            forward(kind, parameter, &mut values);
            levels.push(values);
        }
        Plan { levels, pixelwise: edits().skip(of_values).collect() }
    }
}

/// The first edits, those that compute each value from itself and alike in all channels, are made on the 256 levels: a photo has
/// many more pixels than levels. The others are made on pixels.
struct Plan {
    /// `[edit][level]`: the levels themselves, and then what each edit makes of them; three times the same value, because edits are
    /// written for pixels.
    levels: Vec<Vec<[f32; 3]>>,
    /// The other edits with their parameters.
    pixelwise: Vec<(OperationKind, f32)>,
}

/// Kinds that mix the channels or treat them differently.
const MIXING: [OperationKind; 3] = [OperationKind::Saturation, OperationKind::Warmth, OperationKind::Tint];

/// Each value of a photo as a table says.
fn looked_up(photo: &Photo, table: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let value = |&level: &u8| table[usize::from(level)][0];
    photo.pixels().as_chunks::<3>().0.iter().map(|[r, g, b]| [value(r), value(g), value(b)]).collect()
}

/// The parameter at position 1.
fn unit(kind: OperationKind) -> f32 {
    match kind {
        OperationKind::Lightness | OperationKind::Warmth | OperationKind::Tint => 0.15,
        OperationKind::Gamma | OperationKind::Contrast => 0.4,
        OperationKind::Saturation => 0.5,
        OperationKind::Shadows | OperationKind::Highlights => 0.25,
        OperationKind::Exposure => 1.0,
        kind => unreachable!("{kind:?} has no slider"),
    }
}

/// One edit on all pixels.
fn forward(kind: OperationKind, parameter: f32, pixels: &mut [[f32; 3]]) {
    if parameter == 0.0 {
        return;
    }
    if kind == OperationKind::Saturation {
        let factor = parameter.exp();
        for pixel in pixels {
            let grey = luma(*pixel);
            *pixel = pixel.map(|value| (grey + factor * (value - grey)).clamp(0.0, 1.0));
        }
        return;
    }
    let curve = Curve::new(kind, parameter);
    for pixel in pixels {
        for (channel, value) in pixel.iter_mut().enumerate() {
            *value = curve.value(*value, channel).clamp(0.0, 1.0);
        }
    }
}

/// Goes back through one edit: `gradient` becomes that by the edit's input; returned is the one by the parameter.
fn backward(kind: OperationKind, parameter: f32, input: &[[f32; 3]], gradient: &mut [[f32; 3]]) -> f32 {
    let mut by_parameter = 0.0;
    if kind == OperationKind::Saturation {
        let factor = parameter.exp();
        for (pixel, gradient) in input.iter().zip(gradient) {
            let grey = luma(*pixel);
            let mut by_grey = 0.0;
            for (value, gradient) in pixel.iter().zip(&mut *gradient) {
                let far = factor * (value - grey);
                *gradient = if inside(grey + far) { *gradient } else { 0.0 };
                by_parameter += *gradient * far;
                by_grey += *gradient * (1.0 - factor);
                *gradient *= factor;
            }
            gradient.iter_mut().zip(LUMA).for_each(|(gradient, weight)| *gradient += by_grey * weight);
        }
        return by_parameter;
    }
    let curve = Curve::new(kind, parameter);
    for (pixel, gradient) in input.iter().zip(gradient) {
        for (channel, (&value, gradient)) in pixel.iter().zip(gradient).enumerate() {
            let (result, slope, by) = curve.derivatives(value, channel);
            let passed = if inside(result) { *gradient } else { 0.0 };
            by_parameter += passed * by;
            *gradient = passed * slope;
        }
    }
    by_parameter
}

/// Whether a value is not clipped. The ends count as inside: a black pixel can become brighter.
fn inside(value: f32) -> bool {
    (0.0..=1.0).contains(&value)
}

fn luma(pixel: [f32; 3]) -> f32 {
    LUMA[0] * pixel[0] + LUMA[1] * pixel[1] + LUMA[2] * pixel[2]
}

/// An edit that computes each value from itself.
#[derive(Clone, Copy)]
enum Curve {
    Lightness(f32),
    /// The exponent.
    Gamma(f32),
    Contrast(f32),
    /// The factor of linear light.
    Exposure(f32),
    Shadows(f32),
    Highlights(f32),
    /// Factors of the channels, and their derivatives by the parameter.
    Channels([f32; 3], [f32; 3]),
}

impl Curve {
    fn new(kind: OperationKind, parameter: f32) -> Self {
        match kind {
            OperationKind::Lightness => Self::Lightness(parameter),
            OperationKind::Gamma => Self::Gamma((-parameter).exp()),
            OperationKind::Contrast => Self::Contrast(parameter.exp()),
            OperationKind::Exposure => Self::Exposure(parameter.exp2()),
            OperationKind::Shadows => Self::Shadows(parameter),
            OperationKind::Highlights => Self::Highlights(parameter),
            OperationKind::Warmth => Self::Channels([1.0 + parameter, 1.0, 1.0 - parameter], [1.0, 0.0, -1.0]),
            OperationKind::Tint => Self::Channels([1.0, 1.0 - parameter, 1.0], [0.0, -1.0, 0.0]),
            kind => unreachable!("{kind:?} is no curve with a slider"),
        }
    }

    #[inline(always)]
    fn value(self, x: f32, channel: usize) -> f32 {
        match self {
            Self::Lightness(shift) => x + shift,
            Self::Gamma(exponent) => x.powf(exponent),
            Self::Contrast(factor) => 0.5 + factor * (x - 0.5),
            Self::Exposure(factor) => encode_srgb(decode_srgb(x) * factor),
            Self::Shadows(amount) => x + amount * TONE * x * (1.0 - x) * (1.0 - x),
            Self::Highlights(amount) => x + amount * TONE * x * x * (1.0 - x),
            Self::Channels(factors, _) => x * factors[channel],
        }
    }

    /// The value, its derivative by the input, and its derivative by the parameter.
    #[inline(always)]
    fn derivatives(self, x: f32, channel: usize) -> (f32, f32, f32) {
        let value = self.value(x, channel);
        let (slope, by_parameter) = match self {
            Self::Lightness(_) => (1.0, 1.0),
            Self::Gamma(exponent) => {
                let x = x.max(DARKEST);
                (exponent * value / x, -exponent * x.ln() * value)
            }
            Self::Contrast(factor) => (factor, factor * (x - 0.5)),
            Self::Exposure(factor) => {
                let light = factor * decode_srgb(x);
                let of_code = encode_slope(light);
                (of_code * factor * decode_slope(x), of_code * light * std::f32::consts::LN_2)
            }
            Self::Shadows(amount) => {
                (1.0 + amount * TONE * (1.0 - x) * (1.0 - 3.0 * x), TONE * x * (1.0 - x) * (1.0 - x))
            }
            Self::Highlights(amount) => (1.0 + amount * TONE * x * (2.0 - 3.0 * x), TONE * x * x * (1.0 - x)),
            Self::Channels(factors, of_factors) => (factors[channel], of_factors[channel] * x),
        };
        (value, slope, by_parameter)
    }
}

fn decode_slope(value: f32) -> f32 {
    if value <= 0.040_45 { 1.0 / 12.92 } else { 2.4 / 1.055 * ((value + 0.055) / 1.055).powf(1.4) }
}

fn encode_slope(light: f32) -> f32 {
    if light <= 0.003_130_8 { 12.92 } else { 1.055 / 2.4 * light.powf(1.0 / 2.4 - 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    fn photo() -> Photo {
        let value = |i: u32| (30 + 180 * i / 60) as u8;
        Photo::from_fn(10, 6, |x, y| [y * 10 + x, (7 * (y * 10 + x)) % 60, (23 * (y * 10 + x) + 11) % 60].map(value))
            .unwrap()
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let photo = photo();
        let pixels = photo.pixels().as_chunks::<3>().0.iter().map(|p| p.map(|v| f32::from(v) / 255.0));
        let target: Vec<[f32; 3]> = pixels.map(|p| [p[0] * 0.9, p[1], p[2] * 0.8 + 0.1]).collect();
        let mut kinds = Sliders::available().to_vec();
        check_gradient(&kinds, &photo, &target);
        kinds.reverse();
        check_gradient(&kinds, &photo, &target);
    }

    #[track_caller]
    fn check_gradient(kinds: &[OperationKind], photo: &Photo, target: &[[f32; 3]]) {
        let sliders = Sliders::new(kinds).unwrap();
        let positions = [0.1, -0.2, 0.3, -0.15, 0.2, -0.3, 0.25, 0.2, -0.1];
        let squares = |pixels: &[[f32; 3]]| -> f64 {
            let of_one = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
            pixels.as_flattened().iter().zip(target.as_flattened()).map(of_one).sum()
        };
        let (gradient, error) = sliders.gradient(photo, &positions, |values| {
            let error = squares(values);
            for (value, target) in values.as_flattened_mut().iter_mut().zip(target.as_flattened()) {
                *value = 2.0 * (*value - target);
            }
            error
        });
        assert!((error - squares(&sliders.apply(photo, &positions))).abs() < 1e-9);
        for index in 0..positions.len() {
            let at = |step: f32| {
                let mut moved = positions;
                moved[index] += step;
                squares(&sliders.apply(photo, &moved))
            };
            let by_difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            let (kind, ours) = (sliders.kinds()[index], f64::from(gradient[index]));
            assert!((ours - by_difference).abs() < 0.01 * ours.abs().max(0.1), "{kind:?}: {ours}, {by_difference}");
        }
    }

    #[test]
    fn what_is_clipped_has_no_gradient() {
        let sliders = Sliders::new(&[OperationKind::Lightness]).unwrap();
        let photo = Photo::from_fn(2, 1, |x, _| if x == 0 { [242; 3] } else { [128; 3] }).unwrap();
        let (gradient, ()) = sliders.gradient(&photo, &[1.0], |values| values.fill([1.0; 3]));
        assert!((gradient[0] - 3.0 * 0.15).abs() < 1e-6, "{gradient:?}");
    }

    /// What is learnt through the gradient is what a recipe does.
    #[test]
    fn sliders_do_what_their_operations_do() {
        let photo = Photo::from_fn(16, 16, |x, y| [(16 * x) as u8, (16 * y) as u8, (8 * (x + y)) as u8]).unwrap();
        let sliders = Sliders::new(Sliders::available()).unwrap();
        let positions = [0.3, -0.2, 0.5, 0.4, 0.6, -0.5, 0.7, 0.5, -0.4];
        let operations = positions.iter().enumerate().map(|(index, &p)| sliders.operation(index, p)).collect();
        let edited = Recipe::new(operations).apply(&photo);
        let ours = sliders.apply(&photo, &positions);
        for (theirs, ours) in edited.pixels().iter().zip(ours.as_flattened()) {
            assert!((f32::from(*theirs) - 255.0 * ours).abs() < 1.0, "{theirs} and {}", 255.0 * ours);
        }
    }

    #[test]
    fn no_position_within_reach_is_cut_off() {
        let sliders = Sliders::new(Sliders::available()).unwrap();
        for (index, kind) in sliders.kinds().iter().enumerate() {
            let (low, _, high) = kind.range();
            for position in [-Sliders::REACH, Sliders::REACH] {
                let strength = sliders.operation(index, position).strength().unwrap();
                assert!((low..=high).contains(&strength) && (strength - low) * (high - strength) >= 0.0);
                let nearer = sliders.operation(index, 0.99 * position).strength().unwrap();
                assert_ne!(strength, nearer, "{kind:?} at {position}");
            }
        }
    }

    #[test]
    fn sliders_for_other_kinds_and_second_ones_are_refused() {
        assert!(Sliders::new(&[OperationKind::Blur]).is_err());
        assert!(Sliders::new(&[OperationKind::Gamma, OperationKind::Gamma]).is_err());
    }
}
