//! Ask and tell: trials from a search space, and what came of them.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::{Error, Layer, Registry, SearchSpace, Value, parzen, search::Dimension, value::KIND};

/// Trials that are drawn at random before a tree of Parzen estimators has anything to go by.
const AT_RANDOM_FIRST: usize = 5;

/// Values to try.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number, counted from 0.
    pub number: usize,
    /// Pairs of `section.key` and value. What a condition excludes is not among them.
    pub values: Vec<(String, Value)>,
}

impl Trial {
    /// Puts the values on top of the registry, as a layer, and validates all.
    ///
    /// # Errors
    /// Those of [`Registry::apply_value`] and [`Registry::validate`]; then nothing changes. Values that do not fit
    /// together are an error here and a reason to ask for another trial.
    pub fn apply(&self, registry: &mut Registry) -> Result<(), Error> {
        let mut next = registry.clone();
        for (name, value) in &self.values {
            // A name without a point is the name of a section that does not exist.
            let (section, key) = name.split_once('.').unwrap_or((name, ""));
            next.apply_value(section, key, value, Layer::Other(format!("trial {}", self.number)))?;
        }
        next.validate()?;
        *registry = next;
        Ok(())
    }
}

/// A search that is driven from outside: ask for a trial, train with it, tell its score.
///
/// ```
/// use dodge_hparams::{HParams, Registry, SearchSpace, Tuning};
///
/// /// A section.
/// #[derive(Debug, Clone, HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// Step size.
///     #[hparam(default = 0.1, range = 1e-6..=1.0, scale = "log", search = 1e-3..=1.0)]
///     rate: f64,
/// }
///
/// let mut registry = Registry::new();
/// registry.register::<Section>()?;
/// let space = SearchSpace::of(&registry, |_| true)?;
/// let mut tuning = Tuning::random(space, &registry, 7);
/// for _ in 0..20 {
///     let Some(trial) = tuning.ask() else { break };
///     let mut tried = registry.clone();
///     trial.apply(&mut tried)?;
///     let score = -(tried.get::<Section>()?.rate - 0.05).abs();
///     tuning.tell(trial, score);
/// }
/// let (best, score) = tuning.best().unwrap();
/// assert!(score > -0.05 && best.values[0].0 == "section.rate");
/// # Ok::<(), dodge_hparams::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tuning {
    space: SearchSpace,
    /// The values that conditions see of hyperparameters outside of the space.
    fixed: Registry,
    strategy: Strategy,
    /// Whether the first trial is what stands already.
    present_first: bool,
    asked: usize,
    told: Vec<(Trial, f64)>,
}

#[derive(Debug, Clone)]
enum Strategy {
    Random(Box<ChaCha8Rng>),
    Tpe(Box<ChaCha8Rng>),
    /// The index in the grid of each dimension that takes part in the next trial; none when the grid is through.
    Grid {
        points: usize,
        next: Option<Vec<usize>>,
    },
}

impl Tuning {
    /// Trials drawn independently. Equal seeds give equal trials, on every machine.
    #[must_use]
    pub fn random(space: SearchSpace, registry: &Registry, seed: u64) -> Self {
        Self::new(space, registry, Strategy::Random(Box::new(ChaCha8Rng::seed_from_u64(seed))))
    }

    /// Trials by a tree of Parzen estimators (Bergstra, Bardenet, Bengio and Kégl 2011): after a few at random, each value is where those of the
    /// best trials so far lie close together and those of the others do not, each hyperparameter by itself. Equal seeds give equal trials
    /// where equal scores are told.
    #[must_use]
    pub fn tpe(space: SearchSpace, registry: &Registry, seed: u64) -> Self {
        Self::new(space, registry, Strategy::Tpe(Box::new(ChaCha8Rng::seed_from_u64(seed))))
    }

    /// Every combination of `points` values of each number, spread evenly on its scale, and of all choices.
    #[must_use]
    pub fn grid(space: SearchSpace, registry: &Registry, points: usize) -> Self {
        Self::new(space, registry, Strategy::Grid { points, next: Some(Vec::new()) })
    }

    fn new(space: SearchSpace, registry: &Registry, strategy: Strategy) -> Self {
        Self { space, fixed: registry.clone(), strategy, present_first: false, asked: 0, told: Vec::new() }
    }

    /// Makes the first trial one of the values as they stand in the registry, so that whatever is found is held against them.
    #[must_use]
    pub fn with_present_first(self) -> Self {
        Self { present_first: true, ..self }
    }

    /// The next trial; none where a grid is through.
    pub fn ask(&mut self) -> Option<Trial> {
        let (space, fixed, told) = (&self.space, &self.fixed, &self.told);
        let values = match &mut self.strategy {
            _ if self.present_first && self.asked == 0 => {
                walk(space, fixed, |dimension| present(dimension, fixed).unwrap_or_else(|| dimension.domain.at(0.5)))
            }
            Strategy::Tpe(rng) if told.len() >= AT_RANDOM_FIRST => {
                walk(space, fixed, |dimension| parzen::draw(&dimension.domain, &of(dimension, told), rng))
            }
            Strategy::Random(rng) | Strategy::Tpe(rng) => {
                // 53 bits are what a float holds.
                let mut share = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                walk(space, fixed, |dimension| dimension.domain.at(share()))
            }
            Strategy::Grid { points, next } => {
                let path = next.take()?;
                let (values, following) = on_grid(space, fixed, *points, path);
                *next = following;
                values
            }
        };
        self.asked += 1;
        Some(Trial { number: self.asked - 1, values })
    }

    /// What came of a trial: the higher the score the better, and one that is not a number is worst.
    pub fn tell(&mut self, trial: Trial, score: f64) {
        self.told.push((trial, score));
    }

    /// All that was told, in this order.
    #[must_use]
    pub fn told(&self) -> &[(Trial, f64)] {
        &self.told
    }

    /// The trial with the highest score, the earliest of equal ones.
    #[must_use]
    pub fn best(&self) -> Option<(&Trial, f64)> {
        let numbers = self.told.iter().filter(|(_, score)| !score.is_nan());
        numbers.rev().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(trial, score)| (trial, *score))
    }
}

/// The values of one combination of the grid, and the path of the next one.
///
/// A path has an index for each dimension that takes part, so that it is longer for some choices than for others: the last
/// index that can go up does, and what followed it starts again.
fn on_grid(
    space: &SearchSpace,
    fixed: &Registry,
    points: usize,
    mut path: Vec<usize>,
) -> (Vec<(String, Value)>, Option<Vec<usize>>) {
    let mut sizes = Vec::new();
    let values = walk(space, fixed, |dimension| {
        let grid = dimension.domain.grid(points);
        if path.len() == sizes.len() {
            path.push(0);
        }
        let value = grid[path[sizes.len()]].clone();
        sizes.push(grid.len());
        value
    });
    while let Some(index) = path.pop() {
        if index + 1 < sizes[path.len()] {
            path.push(index + 1);
            return (values, Some(path));
        }
    }
    (values, None)
}

/// Picks a value for each dimension whose condition holds.
fn walk(space: &SearchSpace, fixed: &Registry, mut pick: impl FnMut(&Dimension) -> Value) -> Vec<(String, Value)> {
    let mut values: Vec<(String, Value)> = Vec::new();
    for dimension in &space.dimensions {
        if holds(dimension, space, &values, fixed) {
            values.push((dimension.name(), pick(dimension)));
        }
    }
    values
}

/// What each trial had for a dimension, and its score.
fn of<'a>(dimension: &Dimension, told: &'a [(Trial, f64)]) -> Vec<(Option<&'a Value>, f64)> {
    let name = dimension.name();
    let value = |trial: &'a Trial| trial.values.iter().find_map(|(other, value)| (*other == name).then_some(value));
    told.iter().map(|(trial, score)| (value(trial), *score)).collect()
}

/// The value that a dimension has in the registry.
fn present(dimension: &Dimension, registry: &Registry) -> Option<Value> {
    if let Some(entry) = registry.entry(dimension.section, &dimension.key) {
        return Some(entry.value);
    }
    let (choice, datum) = dimension.key.rsplit_once('.')?;
    let Value::Table(data) = registry.entry(dimension.section, choice)?.value else { return None };
    data.into_iter().find_map(|(key, value)| (key == datum && key != KIND).then_some(value))
}

fn holds(dimension: &Dimension, space: &SearchSpace, values: &[(String, Value)], fixed: &Registry) -> bool {
    let Some((name, accepted)) = &dimension.condition else { return true };
    let drawn = values.iter().find(|(drawn, _)| drawn == name).map(|(_, value)| value.clone());
    let stands = || {
        let (section, key) = name.split_once('.')?;
        Some(fixed.entry(section, key)?.value)
    };
    // What takes part and was not drawn is excluded by a condition of its own.
    let takes_part = space.dimensions.iter().any(|dimension| dimension.name() == *name);
    let Some(value) = (if takes_part { drawn } else { stands() }) else { return false };
    let text = value.to_string();
    // Of a choice with data, the name.
    let text = if let Value::Table(_) = value { text.split(':').next().unwrap_or_default() } else { &text };
    accepted.iter().any(|accepted| accepted == text)
}
