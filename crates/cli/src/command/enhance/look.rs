//! `dodge enhance --consistent`: what the photos of a shoot have in common is found before any of them is written.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use dodge_imaging::Recipe;
use dodge_preprocess::Progress;
use dodge_rl::{Enhancer, Look, common_edits, shoots};

use crate::batch::Batch;
use crate::failure::{Interrupted, in_our_words, usage};
use crate::input::{Input, Inputs};
use crate::output::Written;
use crate::text;

/// Photos without a time that are named; the others are counted.
const NAMED: usize = 5;

/// Looks at all photos, several at a time, and decides; none for those that cannot be looked at, of which the user is told. Memory is that of
/// the recipes, beside the photos that are looked at.
pub(super) fn looks(
    enhancer: &Enhancer,
    inputs: &Inputs,
    places: &[PathBuf],
    gap_minutes: f64,
    (progress, interrupted): (&dyn Progress, &AtomicBool),
) -> Result<Vec<Option<Look>>> {
    if !enhancer.model().actions().has_only_sliders() {
        return Err(usage("--consistent needs a model whose edits have free strengths: a fixed edit has no median"));
    }
    let gap = (gap_minutes * 60.0).round() as i64;
    let mut looks: Vec<Option<Look>> = inputs.photos.iter().map(|_| None).collect();
    let work = |index: usize, photo: &Input| {
        let look = enhancer.look(&photo.path, &places[index], gap).map_err(in_our_words)?;
        Ok((Written::Now, (index, look)))
    };
    let batch = Batch { progress, what: "looking", interrupted, max_failures: None };
    let tally = batch.run(&inputs.photos, work, |_, told| {
        if let Ok((index, look)) = told.done {
            looks[index] = Some(look);
        }
        Ok(())
    });
    if tally.interrupted {
        let words = format!(
            "0 of {} photos done: nothing is written before all were looked at; the same command begins again",
            inputs.photos.len()
        );
        return Err(Interrupted(words).into());
    }
    tell_timeless(inputs, &looks);
    let taken: Vec<Option<i64>> = looks.iter().map(|look| look.as_ref()?.taken).collect();
    for (number, shoot) in (1..).zip(shoots(&taken, gap)) {
        let recipes: Vec<&Recipe> =
            shoot.iter().filter_map(|place| Some(&looks[*place].as_ref()?.found.recipe)).collect();
        let common = common_edits(&recipes);
        for place in &shoot {
            if let Some(look) = &mut looks[*place] {
                let recipe = Recipe::new(common.clone());
                let side = look.found.recipe.longer_side();
                look.recipe = side.map_or(recipe.clone(), |side| recipe.with_longer_side(side));
                look.shoot = Some((number, shoot.len()));
            }
        }
    }
    Ok(looks)
}

/// Says of which photos nobody knows when they were taken: to guess it by their names or places in the folder would mix shoots.
fn tell_timeless(inputs: &Inputs, looks: &[Option<Look>]) {
    let timeless = inputs.photos.iter().zip(looks);
    let timeless = timeless.filter(|(_, look)| look.as_ref().is_some_and(|look| look.taken.is_none()));
    let names: Vec<_> = timeless.map(|(photo, _)| text::shown(&photo.path)).collect();
    if names.is_empty() {
        return;
    }
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let _ = writeln!(
        std::io::stderr().lock(),
        "note: without DateTimeOriginal in EXIF, and so in no shoot, edited by themselves: {}{more}",
        names[..names.len().min(NAMED)].join(", ")
    );
}
