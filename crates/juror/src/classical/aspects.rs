//! The aspects of a photo that are judged, each by one number.

use super::measure::Measurements;

/// Number of aspects.
pub(super) const ASPECTS: usize = 21;

/// A photo that reaches this share of full white is white enough: whether it has a lamp or the sky in it is no fault, and how much of it is brighter is
/// another aspect.
const WHITE_ENOUGH: f64 = 0.88;

impl Measurements {
    /// Each aspect that the classical juror judges, with the number that it is judged by. Ratios and shares are told by their natural logarithms:
    /// twice as much is as far as half as much.
    #[must_use]
    pub fn aspects(&self) -> [(&'static str, f64); ASPECTS] {
        // One in a thousand values at an end is as good as none.
        let share = |share: f64| (share + 0.001).ln();
        [
            ("exposure", self.mean_luma),
            ("contrast", (self.luma_deviation + 0.005).ln()),
            ("black point", self.black_point),
            ("white point", self.white_point.min(WHITE_ENOUGH)),
            ("midtones", self.relative_median),
            ("upper midtones", self.upper_midtones),
            ("tone curve", (self.middle_share + 0.001).ln()),
            ("clipped shadows", share(self.clipped_dark)),
            ("clipped highlights", share(self.clipped_bright)),
            // The 4 keeps greyscale at a finite distance.
            ("colourfulness", (self.colourfulness + 4.0).ln()),
            ("vividness", self.vividness),
            ("colour contrast", self.colour_contrast.ln()),
            ("shadow colour", self.shadow_colour.ln()),
            ("green cast", self.neutral_a),
            ("yellow cast", self.neutral_b),
            ("warm light", self.blue_red_edges.ln()),
            ("green light", self.green_edges.ln()),
            ("sharpness", self.fine_detail.max(0.05).ln()),
            ("noise", self.noise),
            ("compression", self.blockiness),
            ("corners", self.corners.ln()),
        ]
    }
}
