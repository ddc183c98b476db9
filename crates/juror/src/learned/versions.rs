//! What the learned juror learns from: versions of one photo of which it is known which one is better.

use dodge_imaging::{Photo, rmse};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::edits::Way;
use super::sight::{SIZE, Sight};

/// Longer side of photos as agents that learn usually have them, in pixels, and that of what is damaged before it becomes so small.
const SMALL: u32 = 48;
const LESS_SMALL: u32 = 144;

/// Cut-outs of each photo that are looked at at the working size.
const SMALL_VIEWS: usize = 3;

/// A photo and worse versions of it, as the learned juror sees them. The pixels are gone.
#[derive(Debug, Clone)]
pub struct Versions {
    pub(super) views: Vec<View>,
}

/// A photo at one size, whole or a part of it.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// What is seen of it where it is good.
    pub(super) original: Vec<f32>,
    /// Each way in which it is made worse: the results from good to bad.
    pub(super) chains: Vec<Chain>,
}

impl View {
    /// The worse versions.
    pub(super) fn results(&self) -> impl Iterator<Item = &Seen> + Clone {
        self.chains.iter().flat_map(|chain| &chain.results)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Whether results are better the nearer they are to the original, also than those of other such chains.
    pub(super) by_error: bool,
    pub(super) results: Vec<Seen>,
}

#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) numbers: Vec<f32>,
    /// Root of the mean squared error to the original, full range 1.
    pub(super) error: f32,
}

impl Versions {
    /// Makes some hundreds of worse versions of a good photo, on one thread. What is drawn depends on the seed and on `number`, which
    /// tells the photos of a training apart.
    #[must_use]
    pub fn of_photo(photo: &Photo, number: u64, seed: u64) -> Self {
        Self::draw(photo, None, number, seed)
    }

    /// The same of the photo *after* of a pair; the one *before* is a worse version, too. They need not have the same size.
    #[must_use]
    pub fn of_pair(before: &Photo, after: &Photo, number: u64, seed: u64) -> Self {
        Self::draw(after, Some(before), number, seed)
    }

    /// What is seen of all versions, the good ones too.
    pub(super) fn all(&self) -> impl Iterator<Item = &[f32]> + Clone {
        self.views
            .iter()
            .flat_map(|view| std::iter::once(&*view.original).chain(view.results().map(|seen| seen.numbers.as_slice())))
    }

    /// The same, to be changed.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        self.views.iter_mut().flat_map(|View { original, chains }| {
            let results = chains.iter_mut().flat_map(|chain| &mut chain.results).map(|seen| &mut seen.numbers);
            std::iter::once(original).chain(results)
        })
    }

    fn draw(photo: &Photo, before: Option<&Photo>, number: u64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let rng = &mut rng;
        let sight = Sight::default();
        let photo = photo.thumbnail(SIZE);
        let mut views = vec![whole(&photo, before, &sight, rng), part(&photo, &sight, rng)];
        views.extend((0..SMALL_VIEWS).map(|_| small(&photo, &sight, rng)));
        Self { views }
    }
}

/// The whole photo at the size that photos have for a juror.
fn whole(photo: &Photo, before: Option<&Photo>, sight: &Sight, rng: &mut ChaCha8Rng) -> View {
    let mut ways = Way::each_damage(rng);
    ways.extend(Way::each_usual_detail(rng));
    ways.extend((0..3).map(|_| Way::any_detail(rng)));
    ways.extend((0..8).map(|index| Way::of_training(index % 2 == 0, rng)));
    ways.extend((0..4).map(|_| Way::walk(rng)));
    let mut view = view(photo, &ways, sight, rng);
    if let Some(before) = before {
        // Photos of another size or part: nobody knows how far they are from each other.
        let seen = Seen { numbers: sight.of(before), error: 1.0 };
        view.chains.push(Chain { by_error: false, results: vec![seen] });
    }
    view
}

/// A part of the photo, smaller.
fn part(photo: &Photo, sight: &Sight, rng: &mut ChaCha8Rng) -> View {
    let photo = cut_out(photo, rng).thumbnail(rng.random_range(72..320));
    let mut ways: Vec<Way> = (0..8).map(|_| Way::any_damage(rng)).collect();
    ways.extend((0..4).map(|_| Way::any_detail(rng)));
    ways.extend((0..4).map(|index| Way::of_training(index % 2 == 0, rng)));
    ways.extend((0..3).map(|_| Way::walk(rng)));
    view(&photo, &ways, sight, rng)
}

/// A part of the photo as an agent sees it that learns.
fn small(photo: &Photo, sight: &Sight, rng: &mut ChaCha8Rng) -> View {
    let larger = cut_out(photo, rng).thumbnail(LESS_SMALL);
    let original = larger.thumbnail(SMALL);
    let mut damaged: Vec<Way> = (0..6).map(|index| Way::of_training(index % 3 == 0, rng)).collect();
    damaged.extend((0..6).map(|_| Way::any_damage(rng)));
    let mut chains: Vec<Chain> = Vec::new();
    for way in &damaged {
        let results = way.results(&larger, rng).map(|result| result.thumbnail(SMALL));
        // An agent goes on from there, and mostly does not find the way back.
        if let Way::Walk(steps) = Way::walk(rng) {
            let last = results.last().expect("there are two");
            let on = steps.iter().take(3).fold(last.clone(), |photo, step| step.apply(&photo));
            chains.push(Chain { by_error: true, results: vec![seen(&on, &original, sight)] });
        }
        chains.push(chain(way, &results, &original, sight));
    }
    let mut ways: Vec<Way> = (0..8).map(|_| Way::walk(rng)).collect();
    ways.extend((0..2).map(|_| Way::any_detail(rng)));
    let mut view = view(&original, &ways, sight, rng);
    view.chains.extend(chains);
    view
}

/// A random part, at least half of each side.
fn cut_out(photo: &Photo, rng: &mut ChaCha8Rng) -> Photo {
    let mut side = |length: u32| {
        let kept = ((f64::from(length) * rng.random_range(0.5..1.0)) as u32).max(1);
        (rng.random_range(0..=length - kept), kept)
    };
    let ((left, width), (top, height)) = (side(photo.width()), side(photo.height()));
    photo.cropped(left, top, width, height)
}

fn view(photo: &Photo, ways: &[Way], sight: &Sight, rng: &mut ChaCha8Rng) -> View {
    let chains = ways.iter().map(|way| chain(way, &way.results(photo, rng), photo, sight));
    View { chains: chains.collect(), original: sight.of(photo) }
}

fn chain(way: &Way, results: &[Photo], original: &Photo, sight: &Sight) -> Chain {
    let results = results.iter().map(|result| seen(result, original, sight)).collect();
    Chain { by_error: way.is_about_tones(), results }
}

fn seen(photo: &Photo, original: &Photo, sight: &Sight) -> Seen {
    let error = rmse(photo, original).expect("no way changes the size");
    Seen { numbers: sight.of(photo), error: error as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo() -> Photo {
        Photo::from_fn(60, 40, |x, y| [x + 40, y + 60, (x * y) % 50 + 90].map(|value| value as u8)).expect("a photo")
    }

    #[test]
    fn what_is_drawn_depends_on_seed_and_number() {
        let seen =
            |number, seed| Versions::of_photo(&photo(), number, seed).all().map(<[f32]>::to_vec).collect::<Vec<_>>();
        let first = seen(1, 1);
        assert!(first.len() > 200, "{}", first.len());
        assert!(seen(1, 1) == first);
        assert!(seen(2, 1) != first && seen(1, 2) != first);
    }

    #[test]
    fn a_photo_before_is_one_worse_version_of_its_own() {
        let count = |versions: &Versions| versions.all().count();
        let smaller = photo().thumbnail(30);
        let (alone, pair) = (Versions::of_photo(&photo(), 1, 1), Versions::of_pair(&smaller, &photo(), 1, 1));
        assert_eq!(count(&pair), count(&alone) + 1);
        let last = pair.views[0].chains.last().expect("it has chains");
        assert!(!last.by_error && last.results[0].numbers == Sight::default().of(&smaller));
    }
}
