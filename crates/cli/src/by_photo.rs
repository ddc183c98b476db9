//! The table of what became of each photo.

use std::collections::HashMap;

use anyhow::Result;
use dodge_imaging::{Photo, mean_delta_e_2000, ssim};
use dodge_rl::{Outcome, TestPhoto};
use rayon::prelude::*;

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
    let lines = photos.par_iter().zip(outcomes).zip(&numbers);
    let lines = lines.map(|((photo, outcome), &damage)| line(photo, outcome, damage));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for line in lines.collect::<Result<Vec<_>>>()? {
        writer.write_record(line)?;
    }
    Ok(writer.into_inner()?)
}

fn line(photo: &TestPhoto, outcome: &Outcome, damage: usize) -> Result<[String; 13]> {
    let alike = |other: &Photo| -> Result<[String; 2]> {
        let (ssim, delta_e) = (ssim(&photo.original, other)?, mean_delta_e_2000(&photo.original, other)?);
        Ok([format!("{ssim:.4}"), format!("{delta_e:.3}")])
    };
    let ([ssim_before, delta_e_before], [ssim_after, delta_e_after]) =
        (alike(&photo.degraded)?, alike(&outcome.result)?);
    let edits: Vec<String> = outcome.recipe.operations().iter().map(ToString::to_string).collect();
    Ok([
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
    ])
}
