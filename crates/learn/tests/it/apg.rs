//! The analytic policy gradient on a task whose answer is known.

use dodge_learn::{
    Action, ActionSpace, Apg, ApgParams, ConfiguredLearner, Environment, Error, Learner, NetworkParams, Policy, Spaces,
    StateReader, StateWriter, Step, VectorEnvironment, View, cpu,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::on_threads;

const KINDS: usize = 2;

/// Shows three numbers; the first two say which strengths are wanted, except where the third is above 0: then the wanted strengths
/// have a sign that nobody can know.
struct Darts {
    rng: ChaCha8Rng,
    shown: [f32; 3],
    wanted: [f32; KINDS],
    fault: f32,
}

impl Darts {
    fn several(fault: f32) -> VectorEnvironment<Self> {
        let one = |index| {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            rng.set_stream(index);
            Self { rng, shown: [0.0; 3], wanted: [0.0; KINDS], fault }
        };
        VectorEnvironment::new((0..32).map(one).collect()).unwrap()
    }
}

fn wanted(shown: [f32; 3]) -> [f32; KINDS] {
    [0.5 * shown[0], 0.2 - 0.3 * shown[1]]
}

impl Environment for Darts {
    fn spaces(&self) -> Spaces {
        Spaces { actions: ActionSpace { kinds: KINDS + 1, scaled: KINDS }, ..Spaces::plain(3, KINDS + 1) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.shown = std::array::from_fn(|_| self.rng.random_range(-1.0..1.0));
        let sign = if self.shown[2] > 0.0 && self.rng.random_bool(0.5) { -1.0 } else { 1.0 };
        self.wanted = wanted(self.shown).map(|wanted| sign * wanted);
        Ok(())
    }

    fn step(&mut self, _: Action) -> Result<Step, Error> {
        unreachable!("nobody takes single steps here")
    }

    fn show(&self, view: View<'_>) {
        view.observation.copy_from_slice(&self.shown);
    }

    fn gain(&self, strengths: &[f32], by_strength: Option<&mut [f32]>) -> Result<f32, Error> {
        let square = |values: [f32; KINDS]| values.iter().map(|value| value * value).sum::<f32>();
        let away: [f32; KINDS] = std::array::from_fn(|kind| strengths[kind] - self.wanted[kind]);
        if let Some(by_strength) = by_strength {
            by_strength.iter_mut().zip(away).for_each(|(to, away)| *to = -40.0 * away + self.fault);
        }
        Ok(20.0 * (square(self.wanted) - square(away)))
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.rng, self.shown, self.wanted))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        (self.rng, self.shown, self.wanted) = reader.read()?;
        Ok(())
    }
}

fn params() -> ApgParams {
    ApgParams { environments: 32, hidden: vec![64, 64], dropout: 0.0, ..ApgParams::default() }
}

fn learner(environments: &VectorEnvironment<Darts>, seed: u64) -> Apg {
    Apg::new(params(), environments.spaces(), seed, &cpu()).unwrap()
}

#[test]
fn strengths_are_hit_and_gains_are_foreseen() {
    let mut environments = Darts::several(0.0);
    let mut learner = learner(&environments, 1);
    learner.learn(&mut environments, 80_000).unwrap();
    let clear = [[0.8, -0.5, -0.6], [-0.9, 0.3, -0.8], [0.1, 0.7, -0.3]];
    for shown in clear {
        let proposals = learner.proposals(&shown).unwrap();
        let wanted = wanted(shown);
        for (strength, wanted) in proposals.strengths.iter().zip(wanted) {
            assert!((strength - wanted).abs() < 0.05, "{shown:?}: {:?}, wanted {wanted:?}", proposals.strengths);
        }
        // A share a of the way gains a (2 - a) of all.
        let all = 20.0 * wanted.iter().map(|wanted| wanted * wanted).sum::<f32>();
        for (gain, share) in proposals.gains.iter().zip([1.0_f32 / 3.0, 2.0 / 3.0, 1.0]) {
            let expected = all * share * (2.0 - share);
            assert!((gain - expected).abs() < 0.6, "{shown:?}: {:?} of {all}", proposals.gains);
        }
    }
    // Nothing can be known, so that nothing is promised.
    let proposals = learner.proposals(&[0.8, -0.5, 0.7]).unwrap();
    assert!(proposals.strengths.iter().all(|strength| strength.abs() < 0.1), "{proposals:?}");
    assert!(proposals.gains.iter().all(|gain| gain.abs() < 0.6), "{proposals:?}");
    let preferences = learner.preferences(&[0.8, -0.5, -0.6]);
    assert!((preferences[0] - 0.4).abs() < 0.05, "how far each is moved: {preferences:?}");
}

#[test]
fn equal_seeds_give_equal_learners_on_any_number_of_threads() {
    let proposals = |seed, threads| {
        on_threads(threads, || {
            let mut environments = Darts::several(0.0);
            let mut learner = learner(&environments, seed);
            learner.learn(&mut environments, 4_000).unwrap();
            learner.proposals(&[0.3, 0.4, -0.5]).unwrap()
        })
    };
    assert_eq!(proposals(1, 1), proposals(1, 3));
    assert_ne!(proposals(1, 1), proposals(2, 1));
}

#[test]
fn a_restored_learner_goes_on_as_if_never_stopped() {
    let dropout = ApgParams { dropout: 0.3, ..params() };
    let make = |seed| {
        let environments = Darts::several(0.0);
        let learner = Apg::new(dropout.clone(), environments.spaces(), seed, &cpu()).unwrap();
        (environments, learner)
    };
    let (mut environments, mut original) = make(1);
    original.learn(&mut environments, 3_000).unwrap();
    let mut writer = StateWriter::new();
    original.save_state(&mut writer).unwrap();
    environments.save_state(&mut writer).unwrap();
    let bytes = writer.into_bytes();
    let (mut other_environments, mut restored) = make(2);
    let mut reader = StateReader::new(&bytes);
    restored.restore_state(&mut reader).unwrap();
    other_environments.restore_state(&mut reader).unwrap();
    reader.finish().unwrap();
    original.learn(&mut environments, 1_000).unwrap();
    restored.learn(&mut other_environments, 1_000).unwrap();
    let shown = [0.3, 0.4, -0.5];
    assert_eq!(original.proposals(&shown), restored.proposals(&shown));
}

#[test]
fn what_cannot_be_learnt_from_is_told() {
    let spaces = Spaces::plain(3, 2);
    let error = Apg::with_network(params(), &NetworkParams::default(), spaces, 1, &cpu()).unwrap_err().to_string();
    assert!(error.contains("takes a strength"), "{error}");
    let mut environments = Darts::several(f32::NAN);
    let error = learner(&environments, 1).learn(&mut environments, 1_000).unwrap_err().to_string();
    assert!(error.contains("gradient [NaN, NaN]"), "{error}");
}
