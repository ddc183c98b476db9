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
    usual("exposure", 0.449, 0.278, 0.0208),
    usual("contrast", -1.523, 0.778, 0.0476),
    usual("black point", 0.086, 0.116, 0.0445),
    usual("white point", 0.903, 0.072, 0.0417),
    usual("midtones", 0.360, 0.311, 0.0234),
    usual("upper midtones", 0.424, 0.424, 0.1667),
    usual("tone curve", -0.960, 0.447, 0.0242),
    usual("clipped shadows", -6.195, 1.405, 0.0305),
    usual("clipped highlights", -5.304, 2.209, 0.0282),
    usual("colourfulness", 3.898, 0.721, 0.0252),
    usual("vividness", 0.894, 0.332, 0.0260),
    usual("colour contrast", -0.627, 0.573, 0.0296),
    usual("shadow colour", -0.122, 0.886, 0.0200),
    usual("green cast", -3.552, 5.486, 0.0256),
    usual("yellow cast", 4.276, 6.789, 0.0246),
    usual("warm light", -0.081, 0.147, 0.0474),
    usual("green light", -0.004, 0.076, 0.0352),
    usual("sharpness", -0.576, 0.290, 0.1285),
    usual("noise", 0.683, 4.655, 0.0586),
    usual("compression", -0.134, 0.334, 0.0854),
    usual("corners", -0.055, 0.486, 0.0663),
];
