//! What is usual in photographs: the constants of the classical juror.

use super::aspects::ASPECTS;

/// What is usual in one aspect.
pub(super) struct Usual {
    /// Its name, as [`Measurements::aspects`](super::Measurements::aspects) calls it.
    pub(super) aspect: &'static str,
    /// The best number.
    pub(super) centre: f64,
    /// The distance from it at which half of the sub-score is left.
    pub(super) spread: f64,
    /// How much the aspect counts; the weights sum to 1.
    pub(super) weight: f64,
}

const fn usual(aspect: &'static str, centre: f64, spread: f64, weight: f64) -> Usual {
    Usual { aspect, centre, spread, weight }
}

/// Printed by `cargo run --release -p dodge-juror --example fit_classical -- --photos DIR` with the photographs of BSDS500, of which it takes every second
/// one.
#[rustfmt::skip]
pub(super) const USUAL: [Usual; ASPECTS] = [
    usual("exposure", 0.386, 0.274, 0.0329),
    usual("contrast", -1.806, 0.736, 0.0483),
    usual("black point", 0.073, 0.115, 0.0597),
    usual("white point", 0.960, 0.079, 0.0399),
    usual("midtones", 0.317, 0.221, 0.0374),
    usual("tone curve", -1.009, 0.422, 0.0375),
    usual("clipped shadows", -6.042, 1.607, 0.0375),
    usual("clipped highlights", -5.569, 2.213, 0.0411),
    usual("colourfulness", 3.836, 0.870, 0.0336),
    usual("vividness", 0.899, 0.375, 0.0346),
    usual("colour contrast", -0.609, 0.688, 0.0361),
    usual("shadow colour", -0.160, 0.952, 0.0311),
    usual("green cast", -2.787, 6.859, 0.0350),
    usual("yellow cast", 4.662, 7.675, 0.0347),
    usual("warm light", -0.107, 0.150, 0.0459),
    usual("green light", -0.013, 0.071, 0.0406),
    usual("sharpness", -0.560, 0.292, 0.1298),
    usual("noise", 0.791, 4.377, 0.0609),
    usual("compression", -0.131, 0.336, 0.1173),
    usual("corners", -0.076, 0.499, 0.0662),
];
