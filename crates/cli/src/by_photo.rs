//! The table of what became of each photo.

use std::collections::HashMap;

use anyhow::Result;
use dodge_rl::{Likeness, Outcome, TestPhoto};

const HEADER: [&str; 13] = [
    "photo",
    "damage",
    "psnr_before_db",
    "psnr_after_db",
    "ssim_before",
    "ssim_after",
    "delta_e_before",
    "delta_e_after",
    "score_original",
    "score_before",
    "score_after",
    "expected_gain_db",
    "edits",
];

/// A line for each test of each photo, with the name that the photo has in a training and the number of its damage, 0 where it is as it was (of
/// pairs: 1 where it was edited), as comma-separated values (RFC 4180) with a header.
pub(crate) fn table(photos: &[TestPhoto], outcomes: &[Outcome]) -> Result<Vec<u8>> {
    let mut damages: HashMap<&str, usize> = HashMap::new();
    let numbers: Vec<usize> = photos
        .iter()
        .map(|photo| {
            let seen = damages.entry(&photo.name).or_default();
            *seen += usize::from(photo.damaged);
            if photo.damaged { *seen } else { 0 }
        })
        .collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for ((photo, outcome), &damage) in photos.iter().zip(outcomes).zip(&numbers) {
        writer.write_record(line(photo, outcome, damage))?;
    }
    Ok(writer.into_inner()?)
}

fn line(photo: &TestPhoto, outcome: &Outcome, damage: usize) -> [String; 13] {
    let words = |likeness: Likeness| [format!("{:.4}", likeness.ssim), format!("{:.3}", likeness.delta_e)];
    let [[ssim_before, delta_e_before], [ssim_after, delta_e_after]] =
        outcome.likeness.map_or_else(Default::default, |likeness| likeness.map(words));
    let edits: Vec<String> = outcome.recipe.operations().iter().map(ToString::to_string).collect();
    [
        photo.name.clone(),
        damage.to_string(),
        format!("{:.3}", outcome.psnr_degraded_db),
        format!("{:.3}", outcome.psnr_final_db),
        ssim_before,
        ssim_after,
        delta_e_before,
        delta_e_after,
        format!("{:.3}", photo.original_score),
        format!("{:.3}", photo.degraded_score),
        format!("{:.3}", outcome.final_score),
        outcome.expected_gain_db.map_or_else(String::new, |gain| format!("{gain:.3}")),
        edits.join(" "),
    ]
}
