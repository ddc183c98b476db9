//! Curves between values and light.

use std::sync::Arc;

use moxcms::ToneReprCurve;

/// Steps of a curve from light to values, whose places are the roots of light: near black, where curves are steepest, they lie closest.
const STEPS: usize = 1 << 13;

/// Steps at which a curve is looked at before it is turned round.
const FINE: usize = 1 << 16;

/// From values, 0 to 1, to light.
pub(super) struct ToLight(Box<dyn Fn(f32) -> f32>);

impl ToLight {
    /// None for curves that make no sense.
    pub(super) fn of(curve: &ToneReprCurve) -> Option<Self> {
        let evaluator = curve.make_linear_evaluator().ok()?;
        let curve = Self(Box::new(move |value| evaluator.evaluate_value(value)));
        let ends = [0.0, 0.25, 0.5, 0.75, 1.0].map(|value| curve.at(value));
        (ends.iter().all(|light| light.is_finite()) && ends[4] > ends[0]).then_some(curve)
    }

    pub(super) fn at(&self, value: f32) -> f32 {
        (self.0)(value).clamp(0.0, 1.0)
    }

    /// From light to values. Where the curve is level or falls, the first value that is as bright.
    pub(super) fn turned(&self) -> FromLight {
        let value = |step: usize| step as f32 / FINE as f32;
        let mut lights: Vec<f32> = (0..=FINE).map(|step| self.at(value(step))).collect();
        for step in 1..lights.len() {
            lights[step] = lights[step].max(lights[step - 1]);
        }
        let mut step = 0;
        let entry = |place: usize| {
            let light = (place.min(STEPS) as f32 / STEPS as f32).powi(2);
            while step < FINE && lights[step + 1] < light {
                step += 1;
            }
            let (low, high) = (lights[step], lights[(step + 1).min(FINE)]);
            let way = if high > low { ((light - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
            (step as f32 + way) / FINE as f32
        };
        FromLight { entries: (0..=STEPS + 1).map(entry).collect::<Vec<f32>>().into() }
    }
}

/// From light, 0 to 1, to values of the same range.
#[derive(Clone)]
pub(crate) struct FromLight {
    /// The last one stands twice, so that there is one beyond white.
    entries: Arc<[f32]>,
}

impl FromLight {
    /// Of a function that is known.
    pub(crate) fn by(value: impl Fn(f64) -> f64) -> Self {
        let entry = |place: usize| value((place.min(STEPS) as f64 / STEPS as f64).powi(2)) as f32;
        Self { entries: (0..=STEPS + 1).map(entry).collect::<Vec<f32>>().into() }
    }

    #[inline(always)]
    pub(crate) fn at(&self, light: f32) -> f32 {
        let place = light.clamp(0.0, 1.0).sqrt() * STEPS as f32;
        let low = (place as usize).min(STEPS);
        let (from, to) = (self.entries[low], self.entries[low + 1]);
        from + (place - low as f32) * (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_back() {
        let srgb = ToneReprCurve::Parametric(vec![2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045]);
        let sampled = ToneReprCurve::Lut((0..1024_u32).map(|step| (step * step / 16).min(65_535) as u16).collect());
        for curve in
            [srgb, ToneReprCurve::Lut(vec![]), ToneReprCurve::Lut(vec![563]), ToneReprCurve::Lut(vec![461]), sampled]
        {
            let to_light = ToLight::of(&curve).unwrap();
            let back = to_light.turned();
            for value in (0..=65_535).step_by(17) {
                let value = value as f32 / 65_535.0;
                let apart = (back.at(to_light.at(value)) - value).abs();
                // A level of 16 bit; near black two, where the sampled curve is level.
                assert!(apart < 2e-5 || (value < 0.02 && apart < 6e-3), "{curve:?} {value}: {apart}");
            }
        }
    }

    #[test]
    fn what_is_no_curve_is_none() {
        assert!(ToLight::of(&ToneReprCurve::Lut(vec![7, 7])).is_none());
        assert!(ToLight::of(&ToneReprCurve::Lut(vec![9, 0])).is_none());
        assert!(ToLight::of(&ToneReprCurve::Parametric(vec![f32::NAN])).is_none());
    }
}
