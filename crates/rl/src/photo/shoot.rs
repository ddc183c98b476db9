//! One look for the photos of one shoot.

use std::collections::BTreeMap;

use dodge_imaging::{Operation, OperationKind, Recipe};

use super::agent::hardly_moves;

/// Which photos were taken in one go, each no more than `gap` seconds after another: places in the list, first to last by time. A photo
/// without a time, and one without another near it, is in none.
#[must_use]
pub fn shoots(taken: &[Option<i64>], gap: i64) -> Vec<Vec<usize>> {
    let mut timed: Vec<(i64, usize)> =
        taken.iter().enumerate().filter_map(|(place, taken)| Some(((*taken)?, place))).collect();
    timed.sort_unstable();
    let shoots = timed.chunk_by(|(before, _), (behind, _)| behind.saturating_sub(*before) <= gap);
    shoots.filter(|shoot| shoot.len() > 1).map(|shoot| shoot.iter().map(|(_, place)| *place).collect()).collect()
}

/// The edits that are common to some recipes: each slider at the median of where they have it, one that a recipe does not name standing where it does
/// nothing. Of an even number the mean of the two in the middle counts, for gamma that of the logarithms.
///
/// Where recipes have an edit more than once, its first is compared with the first of others, and so on. The order is that in which they come on
/// the whole. Edits that take a word have no median and are left out, as are those whose median is less than a model of sliders ever makes.
#[must_use]
pub fn common_edits(recipes: &[&Recipe]) -> Vec<Operation> {
    // Firsts before seconds; within these, where the edits stand in the recipes, counted together.
    let mut sliders: BTreeMap<(usize, OperationKind), Vec<(usize, f32)>> = BTreeMap::new();
    for recipe in recipes {
        let mut seen: BTreeMap<OperationKind, usize> = BTreeMap::new();
        for (place, operation) in recipe.operations().iter().enumerate() {
            let Some(strength) = operation.strength() else { continue };
            let times = seen.entry(operation.kind()).or_default();
            sliders.entry((*times, operation.kind())).or_default().push((place, strength));
            *times += 1;
        }
    }
    let mean_place =
        |found: &[(usize, f32)]| found.iter().map(|(place, _)| *place).sum::<usize>() as f64 / found.len() as f64;
    let mut sliders: Vec<_> = sliders.into_iter().collect();
    sliders.sort_by(|((times, _), found), ((others, _), other)| {
        times.cmp(others).then(mean_place(found).total_cmp(&mean_place(other)))
    });
    let common = sliders.into_iter().filter_map(|((_, kind), found)| {
        let strengths = found.into_iter().map(|(_, strength)| strength);
        let median = median(kind, strengths, recipes.len());
        Operation::new(kind, median).ok().filter(|operation| !operation.is_identity() && !hardly_moves(*operation))
    });
    common.collect()
}

/// The median of strengths, and of the neutral one for all others of `count`; to the nearest ten-thousandth, for people read it.
fn median(kind: OperationKind, strengths: impl Iterator<Item = f32>, count: usize) -> f32 {
    let (low, neutral, high) = kind.range();
    let by_logarithm = kind == OperationKind::Gamma;
    let place = |strength: f32| f64::from(if by_logarithm { strength.ln() } else { strength });
    let mut places: Vec<f64> = strengths.map(place).collect();
    places.resize(count.max(places.len()), place(neutral));
    places.sort_unstable_by(f64::total_cmp);
    let middle = (places[(places.len() - 1) / 2] + places[places.len() / 2]) / 2.0;
    let strength = if by_logarithm { middle.exp() } else { middle };
    ((strength * 1e4).round() / 1e4).clamp(f64::from(low), f64::from(high)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(recipes: &[&str]) -> String {
        let recipe = |text: &&str| Recipe::new(text.split_whitespace().map(|it| it.parse().unwrap()).collect());
        let recipes: Vec<Recipe> = recipes.iter().map(recipe).collect();
        let common = common_edits(&recipes.iter().collect::<Vec<_>>());
        common.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_slider_goes_to_its_median() {
        // 1.1, 1.2 and 1.6 of contrast; 0 (not named), 0.02 and 0.1 of warmth.
        assert_eq!(
            common(&["contrast:1.1 warmth:0.1", "contrast:1.6", "contrast:1.2 warmth:0.02"]),
            "contrast:1.2 warmth:0.02"
        );
        // Of two, half-way: for gamma the square root of 0.5 times 2, which does nothing.
        assert_eq!(common(&["contrast:1.1 gamma:0.5", "contrast:1.3 gamma:2"]), "contrast:1.2");
        assert_eq!(common(&["lightness:10 gamma:1.44", "lightness:-20"]), "lightness:-5 gamma:1.2");
    }

    #[test]
    fn the_many_decide_for_the_few() {
        assert_eq!(common(&["contrast:1.5", "", ""]), "", "most are left as they are");
        assert_eq!(common(&["contrast:1.5", "contrast:1.3", ""]), "contrast:1.3");
        assert_eq!(common(&["", ""]), "");
        assert_eq!(common(&["tint:0.008 contrast:1.2", "contrast:1.2"]), "contrast:1.2", "a tint that nobody sees");
        assert_eq!(common(&["flip:vertical saturation:1.2"]), "saturation:1.2");
    }

    #[test]
    fn what_a_model_did_again_is_compared_with_what_others_did_again() {
        let twice = "gamma:1.2 contrast:1.2 gamma:1.4";
        assert_eq!(common(&[twice, twice, "gamma:1.3"]), "gamma:1.2 contrast:1.2 gamma:1.4");
        assert_eq!(common(&[twice, "gamma:1.3", "gamma:1.1 contrast:1.1"]), "gamma:1.2 contrast:1.1");
    }

    #[test]
    fn photos_taken_within_the_gap_are_one_shoot() {
        let taken = [Some(1000), None, Some(100), Some(400), Some(1301), Some(0), Some(5000)];
        assert_eq!(shoots(&taken, 300), [vec![5, 2, 3]], "0, 100 and 400; 1000 is 600 later");
        assert_eq!(shoots(&taken, 301), [vec![5, 2, 3], vec![0, 4]]);
        assert_eq!(shoots(&taken, 0), Vec::<Vec<usize>>::new());
        assert_eq!(shoots(&[Some(i64::MIN), Some(i64::MAX)], 60), Vec::<Vec<usize>>::new());
        assert_eq!(shoots(&[Some(7), Some(7), None], 0), [vec![0, 1]]);
    }
}
