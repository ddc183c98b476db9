//! Recipes made shorter without a change of any pixel, by rules that are computed from the operations themselves.

use crate::{ChannelOrder, ChannelSet, Operation, OperationKind, Recipe};

/// Longest run of operations on single values in which shorter equals are looked for at once.
const WINDOW: usize = 8;

/// Levels at which curves are compared: four for each of 8 bit.
const KNOTS: usize = 1021;

/// What counts as equal, in levels: a quarter of a step of 16 bit.
const EQUAL: f32 = 0.25 / 257.0;

/// A recipe that gives the same photo by [`Recipe::apply`], with no more operations than this one, mostly fewer. Values may differ by
/// the rounding of floats.
///
/// - What changes nothing, and what exactly undoes the one before, is left out.
/// - Mirror images move behind operations on single pixels, so that two of a kind meet.
/// - Reorderings and negatives of channels form a group of 48 elements. Each run of them becomes at most one reordering and
///   one negative, which is the shortest way to write the element.
/// - Operations on single values compose into curves. A run that has the curve of a single operation, or that of doing
///   nothing, is replaced; curves are compared, so clipping counts.
/// - Greyscale after the same greyscale is left out.
#[must_use]
pub fn reduce(recipe: &Recipe) -> Recipe {
    let mut operations = recipe.operations().to_vec();
    loop {
        let before = operations.clone();
        operations = mirrors_last(&operations);
        operations = pairs_removed(&operations);
        operations = groups_written_shortest(&operations);
        curves_merged(&mut operations);
        if operations == before {
            return recipe.with_operations(operations);
        }
    }
}

/// Moves flips behind the operations on single pixels that follow them, and leaves out every second of an axis.
fn mirrors_last(operations: &[Operation]) -> Vec<Operation> {
    let mut result = Vec::new();
    let mut waiting: Vec<Operation> = Vec::new();
    for operation in operations {
        if operation.kind() == OperationKind::Flip {
            match waiting.iter().position(|other| other == operation) {
                Some(place) => drop(waiting.remove(place)),
                None => waiting.push(*operation),
            }
        } else {
            if !ignores_places(operation) {
                result.append(&mut waiting);
            }
            result.push(*operation);
        }
    }
    result.append(&mut waiting);
    result
}

/// Whether each pixel becomes the same wherever it lies and whatever lies around it.
fn ignores_places(operation: &Operation) -> bool {
    operation.is_curve()
        || matches!(
            operation.kind(),
            OperationKind::Channels
                | OperationKind::Greyscale
                | OperationKind::Saturation
                | OperationKind::HsvSaturation
                | OperationKind::Vibrance
        )
}

/// Leaves out identities, exact inverses of their predecessor, and repeated greyscale.
fn pairs_removed(operations: &[Operation]) -> Vec<Operation> {
    let mut result: Vec<Operation> = Vec::new();
    for operation in operations.iter().filter(|operation| !operation.is_neutral()) {
        match result.last() {
            // Curves are compared below.
            Some(last) if !operation.is_curve() && operation.is_exact_inverse_of(last) => drop(result.pop()),
            Some(last) if operation.kind() == OperationKind::Greyscale && operation == last => {}
            _ => result.push(*operation),
        }
    }
    result
}

/// A reordering of channels, and then the negative of some of them.
#[derive(Clone, Copy)]
struct Signed {
    order: ChannelOrder,
    inverted: [bool; 3],
}

impl Signed {
    const SAME: Self = Self { order: ChannelOrder::SAME, inverted: [false; 3] };

    /// This element and then the operation; none if that is not of the group.
    fn then(self, operation: &Operation) -> Option<Self> {
        let Self { order, inverted } = self;
        if let Some(next) = operation.order() {
            return Some(Self { order: order.then(next), inverted: next.sources().map(|source| inverted[source]) });
        }
        let negated = operation.inverted()?.members();
        Some(Self { order, inverted: [0, 1, 2].map(|channel| inverted[channel] != negated[channel]) })
    }

    fn write(self, result: &mut Vec<Operation>) {
        if self.order != ChannelOrder::SAME {
            result.push(Operation::channels(self.order));
        }
        result.extend(ChannelSet::new(self.inverted).map(Operation::invert));
    }
}

fn groups_written_shortest(operations: &[Operation]) -> Vec<Operation> {
    let mut result = Vec::new();
    let mut element = Signed::SAME;
    for operation in operations {
        match element.then(operation) {
            Some(next) => element = next,
            None => {
                std::mem::replace(&mut element, Signed::SAME).write(&mut result);
                result.push(*operation);
            }
        }
    }
    element.write(&mut result);
    result
}

/// Replaces runs of operations on single values by one operation, or none, with the same curves.
fn curves_merged(operations: &mut Vec<Operation>) {
    let mut start = 0;
    while start < operations.len() {
        match shorter_run(&operations[start..]) {
            Some((length, replacement)) => drop(operations.splice(start..start + length, replacement)),
            None => start += 1,
        }
    }
}

/// Length of a run at the beginning that one operation of its kinds, or nothing, can stand for.
fn shorter_run(operations: &[Operation]) -> Option<(usize, Option<Operation>)> {
    let mut curves = Curves::straight();
    let mut found = None;
    for (index, operation) in operations.iter().enumerate().take(WINDOW).take_while(|(_, next)| next.is_curve()) {
        curves = curves.then(operation);
        let run = &operations[..=index];
        if curves.equal(&Curves::straight()) {
            found = Some((run.len(), None));
        } else if let Some(single) = single_with(run, &curves) {
            found = Some((run.len(), Some(single)));
        }
    }
    found
}

/// A single operation, one of the run or of its kind, with exactly these curves, for runs of two and more.
fn single_with(run: &[Operation], curves: &Curves) -> Option<Operation> {
    let mut candidates = run.iter().copied().chain(joined(run)).filter(|_| run.len() > 1);
    candidates.find(|candidate| Curves::straight().then(candidate).equal(curves))
}

/// What becomes of levels from black to white, by channel.
struct Curves([Vec<f32>; 3]);

impl Curves {
    fn straight() -> Self {
        let line: Vec<f32> = (0..KNOTS).map(|knot| knot as f32 * 255.0 / (KNOTS - 1) as f32).collect();
        Self([line.clone(), line.clone(), line])
    }

    fn then(mut self, operation: &Operation) -> Self {
        for (channel, levels) in self.0.iter_mut().enumerate() {
            levels.iter_mut().for_each(|level| *level = operation.on_level(*level, channel).clamp(0.0, 255.0));
        }
        self
    }

    fn equal(&self, other: &Self) -> bool {
        self.0.iter().flatten().zip(other.0.iter().flatten()).all(|(a, b)| (a - b).abs() <= EQUAL)
    }
}

/// Strengths that count from 0 are added, factors and exponents multiplied.
fn joined(run: &[Operation]) -> Option<Operation> {
    let kind = run[0].kind();
    let neutral = kind.range().1;
    let join = |total: f32, strength: f32| if neutral == 1.0 { total * strength } else { total + strength };
    let strengths: Option<Vec<f32>> =
        run.iter().map(|operation| operation.strength().filter(|_| operation.kind() == kind)).collect();
    Operation::new(kind, strengths?.into_iter().fold(neutral, join)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operations: &[&str], expected: &[&str]) {
        let recipe = Recipe::new(operations.iter().map(|text| text.parse().unwrap()).collect());
        let texts: Vec<String> = reduce(&recipe).operations().iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn nothing_and_opposites_go() {
        check(&[], &[]);
        check(&["gamma:1", "lightness:0", "blur:0"], &[]);
        check(&["shift:left-b", "shift:right-b"], &[]);
        check(&["blur:2", "flip:vertical", "flip:vertical", "blur:2"], &["blur:2", "blur:2"]);
        // What stands between the opposites goes first.
        check(&["shift:up", "invert:r", "invert:r", "shift:down"], &[]);
        // Nothing comes back that was clipped.
        check(&["lightness:20", "lightness:-20"], &["lightness:20", "lightness:-20"]);
        check(&["contrast:0.5", "contrast:2", "blur:2"], &["blur:2"]);
        check(&["lightness:0.2"], &["lightness:0.2"]);
    }

    #[test]
    fn swaps_and_negatives_are_a_group() {
        // Two different swaps are a rotation of the three, not the third swap.
        check(&["channels:grb", "channels:rbg"], &["channels:gbr"]);
        check(&["channels:grb", "channels:rbg", "channels:bgr"], &["channels:rbg"]);
        check(&["invert:rg", "invert:gb"], &["invert:rb"]);
        // The negative of red is one of green after the swap.
        check(&["invert:r", "channels:grb", "invert:g"], &["channels:grb"]);
        check(&["invert:r", "channels:gbr"], &["channels:gbr", "invert:b"]);
    }

    #[test]
    fn mirrors_meet_across_operations_on_pixels() {
        check(
            &["flip:horizontal", "contrast:1.2", "saturation:2", "flip:horizontal"],
            &["contrast:1.2", "saturation:2"],
        );
        check(&["flip:vertical", "noise:3", "flip:vertical"], &["flip:vertical", "noise:3", "flip:vertical"]);
        check(&["flip:vertical", "flip:horizontal", "flip:vertical"], &["flip:horizontal"]);
    }

    #[test]
    fn strengths_join_where_no_pixel_changes() {
        check(&["lightness:10", "lightness:20", "lightness:5"], &["lightness:35"]);
        check(&["lightness:-200", "lightness:-200"], &["lightness:-200", "lightness:-200"]);
        check(&["lightness:-255", "lightness:-10"], &["lightness:-255"]);
        check(&["contrast:0", "contrast:3"], &["contrast:0"]);
        check(&["contrast:0", "contrast:0"], &["contrast:0"]);
        check(&["gamma:2", "gamma:3"], &["gamma:6"]);
        check(&["contrast:1.5", "contrast:0.5"], &["contrast:1.5", "contrast:0.5"]);
        check(&["greyscale:average", "greyscale:average"], &["greyscale:average"]);
    }
}
