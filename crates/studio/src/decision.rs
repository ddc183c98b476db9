//! What a person decided about a photo, and the recipe file that says so.

use std::fs;
use std::io::Read;
use std::path::Path;

use dodge_imaging::{Operation, Recipe};
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// The key in a recipe file under which it is written what was decided.
const KEPT: &str = "kept";

/// Most bytes of a recipe file that are read.
const MOST_BYTES: u64 = 1 << 20;

/// Most steps of a decision; a recipe may have 200.
const MOST_STEPS: usize = 100;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// What the model proposed is right.
    Kept,
    /// It was changed by hand.
    Corrected,
    /// The photo is right as it is.
    Left,
}

/// An edit that is made, or was switched off and can be switched on again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) operation: Operation,
    pub(crate) on: bool,
}

/// A decision about one photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) steps: Vec<Choice>,
    /// The longer side, in pixels, of the photo on which strengths in pixels were chosen.
    pub(crate) longer_side: u32,
    /// When it was made, in seconds since 1970.
    pub(crate) at: u64,
}

/// What stands in the file beside the recipe.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    by: String,
    verdict: Verdict,
    at: u64,
    /// All steps, where some are switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Choice>>,
}

impl Decision {
    /// Checks what came from a page.
    pub(crate) fn checked(verdict: Verdict, steps: Vec<Choice>, longer_side: u32, at: u64) -> Result<Self, Refusal> {
        if steps.len() > MOST_STEPS {
            return Err(Refusal::wrong(format!("{} steps, at most {MOST_STEPS} are possible", steps.len())));
        }
        if !(16..=1 << 20).contains(&longer_side) {
            return Err(Refusal::wrong(format!("a longer side of {longer_side} pixels is none of a photo")));
        }
        let steps = if verdict == Verdict::Left { Vec::new() } else { steps };
        Ok(Self { verdict, steps, longer_side, at })
    }

    /// The edits that are made.
    pub(crate) fn recipe(&self) -> Recipe {
        let made = self.steps.iter().filter(|step| step.on).map(|step| step.operation).collect();
        Recipe::new(made).with_longer_side(self.longer_side)
    }

    /// What the recipe file holds.
    pub(crate) fn to_file(&self) -> Vec<u8> {
        let some_are_off = self.steps.iter().any(|step| !step.on);
        let kept = Kept {
            by: concat!("dodge studio ", env!("CARGO_PKG_VERSION")).to_owned(),
            verdict: self.verdict,
            at: self.at,
            steps: some_are_off.then(|| self.steps.clone()),
        };
        let mut file: serde_json::Value =
            serde_json::from_str(&self.recipe().to_json()).expect("a recipe writes itself as JSON");
        file[KEPT] = serde_json::to_value(kept).expect("plain values are always JSON");
        let mut text = serde_json::to_vec_pretty(&file).expect("plain values are always JSON");
        text.push(b'\n');
        text
    }

    /// Reads a recipe file of a studio, also one that was edited by hand since; none for other recipes.
    pub(crate) fn from_file(path: &Path) -> Option<Self> {
        let (recipe, kept) = Recipe::load_beside(path, KEPT).ok()?;
        let kept: Kept = serde_json::from_str(&kept?).ok()?;
        let made: Vec<Operation> = recipe.operations().to_vec();
        let all_on = || made.iter().map(|&operation| Choice { operation, on: true }).collect();
        // Where the list of all steps says something else than the recipe, somebody changed the recipe by hand: that counts.
        let says_the_same = |steps: &Vec<Choice>| {
            steps.iter().filter(|step| step.on).map(|step| step.operation).eq(made.iter().copied())
        };
        let steps = kept.steps.filter(says_the_same).unwrap_or_else(all_on);
        Some(Self { verdict: kept.verdict, steps, longer_side: recipe.longer_side()?, at: kept.at })
    }
}

/// What stands at the place of a recipe.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    Nothing,
    /// A file of a studio.
    Decision(Decision),
    /// A file that no studio wrote.
    Foreign,
}

impl Found {
    pub(crate) fn at(path: &Path) -> Self {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::Nothing,
            Ok(metadata) if metadata.is_file() => Decision::from_file(path).map_or(Self::Foreign, Self::Decision),
            // A link, too: what it leads to is not ours.
            _ => Self::Foreign,
        }
    }
}

/// Whether a file holds exactly these bytes.
pub(crate) fn holds(path: &Path, bytes: &[u8]) -> bool {
    let mut held = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut held));
    read.is_ok() && held == bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &str, on: bool) -> Choice {
        Choice { operation: text.parse().unwrap(), on }
    }

    #[test]
    fn a_decision_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.recipe.json");
        for steps in
            [vec![], vec![choice("contrast:1.2", true)], vec![choice("contrast:1.2", false), choice("blur:2", true)]]
        {
            let decision = Decision::checked(Verdict::Corrected, steps, 1600, 1_800_000_000).unwrap();
            fs::write(&path, decision.to_file()).unwrap();
            assert_eq!(Found::at(&path), Found::Decision(decision.clone()));
            assert!(holds(&path, &decision.to_file()));
            // It is a recipe as any other.
            assert_eq!(Recipe::load(&path).unwrap(), decision.recipe());
        }
        Recipe::new(Vec::new()).save(&path).unwrap();
        assert_eq!(Found::at(&path), Found::Foreign);
        assert_eq!(Found::at(&folder.path().join("b.recipe.json")), Found::Nothing);
    }

    #[test]
    fn a_recipe_that_was_edited_by_hand_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.recipe.json");
        let steps = vec![choice("contrast:1.2", false), choice("gamma:1.1", true)];
        let decision = Decision::checked(Verdict::Corrected, steps, 1600, 7).unwrap();
        let mut file: serde_json::Value = serde_json::from_slice(&decision.to_file()).unwrap();
        file["operations"][0] = "gamma:1.3".into();
        fs::write(&path, file.to_string()).unwrap();
        let Found::Decision(read) = Found::at(&path) else { panic!("it is a decision") };
        assert_eq!(read.steps, [choice("gamma:1.3", true)]);
    }

    #[test]
    fn what_comes_from_a_page_is_bounded() {
        let steps = |count| vec![choice("contrast:1.2", true); count];
        assert!(Decision::checked(Verdict::Kept, steps(MOST_STEPS + 1), 1600, 0).is_err());
        assert!(Decision::checked(Verdict::Kept, steps(1), 3, 0).is_err());
        assert!(Decision::checked(Verdict::Left, steps(1), 1600, 0).unwrap().steps.is_empty());
    }
}
