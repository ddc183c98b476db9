//! Names of an older program's fixed operations, read as operations with what each was meant to do.
//!
//! `docs/operations.md` says where that program did something else.

/// The text form that an old label stands for.
pub(super) fn meaning(label: &str) -> Option<&'static str> {
    LABELS.iter().find(|(known, _)| *known == label).map(|(_, text)| *text)
}

const LABELS: [(&str, &str); 85] = [
    ("CA_AUTO_WB", "grey-world:1"),
    ("CA_COOLNESS", "warmth:-0.15"),
    ("CA_GRAY", "greyscale:luminosity"),
    ("CA_GRAY_AVG", "greyscale:average"),
    ("CA_INV_ALL", "invert:rgb"),
    ("CA_INV_B", "invert:b"),
    ("CA_INV_BG", "invert:gb"),
    ("CA_INV_BR", "invert:rb"),
    ("CA_INV_G", "invert:g"),
    ("CA_INV_GR", "invert:rg"),
    ("CA_INV_R", "invert:r"),
    ("CA_SAT_DEC_WEAK", "saturation-hsv:0.8"),
    ("CA_SAT_DEC_MED", "saturation-hsv:0.6"),
    ("CA_SAT_DEC_STRONG", "saturation-hsv:0.4"),
    ("CA_SAT_INC_WEAK", "saturation-hsv:1.2"),
    ("CA_SAT_INC_MED", "saturation-hsv:1.5"),
    ("CA_SAT_INC_STRONG", "saturation-hsv:2"),
    ("CA_SWAP_GB", "channels:rbg"),
    ("CA_SWAP_RB", "channels:bgr"),
    ("CA_SWAP_RG", "channels:grb"),
    ("CA_VIBRANCE", "vibrance:0.5"),
    ("CA_WARMTH", "warmth:0.15"),
    ("C1-1_Center", "crop:1x1"),
    ("CROP_1x1", "crop:1x1"),
    ("CROP_16x9", "crop-oriented:16x9"),
    ("CROP_4x3", "crop-oriented:4x3"),
    ("CROP_3x2", "crop-oriented:3x2"),
    ("CROP_4x5", "crop-oriented:4x5"),
    ("CROP_5x4", "crop-oriented:5x4"),
    ("CROP_HORIZON_LEVEL", "level-horizon:10"),
    ("CROP_RULE_OF_THIRDS", "crop-thirds:0.8"),
    ("IA_BLUR_BOX3", "box-blur:1"),
    ("IA_BLUR_BOX5", "box-blur:2"),
    ("IA_BLUR_BOX7", "box-blur:3"),
    ("IA_BLUR_BOX9", "box-blur:4"),
    ("IA_BLUR_BOX11", "box-blur:5"),
    ("IA_BLUR_GAU_3", "blur:0.8"),
    ("IA_BLUR_GAU_5", "blur:1.1"),
    ("IA_BLUR_GAU_7", "blur:1.4"),
    ("IA_BLUR_GAU_9", "blur:1.7"),
    ("IA_BLUR_GAU_11", "blur:2"),
    ("IA_BLUR_MED_3", "median-blur:1"),
    ("IA_BLUR_MED_5", "median-blur:2"),
    ("IA_BLUR_MED_7", "median-blur:3"),
    ("IA_BLUR_MED_9", "median-blur:4"),
    ("IA_BLUR_MED_11", "median-blur:5"),
    ("IA_CLARITY", "clarity:0.1"),
    ("IA_FLIP_HOR", "flip:horizontal"),
    ("IA_FLIP_VERT", "flip:vertical"),
    ("IA_SHARPEN_STRONG", "sharpen-8:1"),
    ("IA_SHARPEN_WEAK", "sharpen:1"),
    ("IA_SHIFT_DOWN_ALL", "shift:down"),
    ("IA_SHIFT_DOWN_B", "shift:down-b"),
    ("IA_SHIFT_DOWN_G", "shift:down-g"),
    ("IA_SHIFT_DOWN_R", "shift:down-r"),
    ("IA_SHIFT_LEFT_ALL", "shift:left"),
    ("IA_SHIFT_LEFT_B", "shift:left-b"),
    ("IA_SHIFT_LEFT_G", "shift:left-g"),
    ("IA_SHIFT_LEFT_R", "shift:left-r"),
    ("IA_SHIFT_RIGHT_ALL", "shift:right"),
    ("IA_SHIFT_RIGHT_B", "shift:right-b"),
    ("IA_SHIFT_RIGHT_G", "shift:right-g"),
    ("IA_SHIFT_RIGHT_R", "shift:right-r"),
    ("IA_SHIFT_UP_ALL", "shift:up"),
    ("IA_SHIFT_UP_B", "shift:up-b"),
    ("IA_SHIFT_UP_G", "shift:up-g"),
    ("IA_SHIFT_UP_R", "shift:up-r"),
    ("IA_UNSHARP_LIGHT", "unsharp-mask:0.3"),
    ("LI_AUTO_CONTRAST", "auto-contrast:0.5"),
    ("LI_CLAHE", "clahe:2"),
    ("LI_CONTRAST_DEC_WEAK", "contrast:0.8"),
    ("LI_CONTRAST_DEC_MED", "contrast:0.6"),
    ("LI_CONTRAST_DEC_STRONG", "contrast:0.5"),
    ("LI_CONTRAST_INC_WEAK", "contrast:1.2"),
    ("LI_CONTRAST_INC_MED", "contrast:1.5"),
    ("LI_CONTRAST_INC_STRONG", "contrast:2"),
    ("LI_GAMMA_0.8", "gamma:1.25"),
    ("LI_GAMMA_1.2", "gamma:0.8333333"),
    ("LI_GAMMA_AUTO", "auto-gamma:1"),
    ("LI_LIGHTNESS_DEC_WEAK", "lightness:-20"),
    ("LI_LIGHTNESS_DEC_MED", "lightness:-40"),
    ("LI_LIGHTNESS_DEC_STRONG", "lightness:-60"),
    ("LI_LIGHTNESS_INC_WEAK", "lightness:20"),
    ("LI_LIGHTNESS_INC_MED", "lightness:40"),
    ("LI_LIGHTNESS_INC_STRONG", "lightness:60"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn every_label_is_read_as_its_operation() {
        for (label, text) in LABELS {
            assert_eq!(label.parse::<Operation>().unwrap(), text.parse::<Operation>().unwrap(), "{label}");
            assert_eq!(text.parse::<Operation>().unwrap().to_string(), text, "{label} has another text form");
        }
        let mut labels = LABELS.map(|(label, _)| label).to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), 85);
        assert!("CA_GREY".parse::<Operation>().unwrap_err().to_string().contains("unknown operation `CA_GREY`"));
    }

    #[test]
    fn opposite_pairs_of_old_labels_are_exact_where_they_can_be() {
        for (label, opposite) in [
            ("CA_SWAP_RB", "CA_SWAP_RB"),
            ("CA_INV_BG", "CA_INV_BG"),
            ("IA_FLIP_HOR", "IA_FLIP_HOR"),
            ("IA_SHIFT_RIGHT_ALL", "IA_SHIFT_LEFT_ALL"),
            ("IA_SHIFT_UP_B", "IA_SHIFT_DOWN_B"),
        ] {
            let [first, second] = [label, opposite].map(|text| text.parse::<Operation>().unwrap());
            assert!(second.is_exact_inverse_of(&first), "{label}");
        }
        let [up, down] = ["CA_SAT_INC_WEAK", "CA_SAT_DEC_WEAK"].map(|text| text.parse::<Operation>().unwrap());
        assert!(!down.is_exact_inverse_of(&up));
    }
}
