//! How the learned juror learns: by ranking, after RankNet (Burges et al. 2005). Of two versions of a photo of which it is known which one
//! is better, that one should get the higher output; the loss of a pair is the logarithm of 1 + e^-(difference).

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::network::{Layer, Ranker, WIDTHS};
use super::sight::{LENGTH, mirrored};
use super::versions::{Chain, Versions, View};

/// Looks at the photos that are held out: the best of these states of a network is kept.
pub(super) const CHECKS: usize = 30;

/// How often each view is learnt from, in the mean.
const PASSES: usize = 60;

/// Most gradient steps between two looks: of many photos each is needed less often.
const MOST_STEPS: usize = 130;

/// Views in a gradient step, and chains of each of them.
const VIEWS: usize = 32;
const CHAINS: usize = 4;

/// Versions of a view in a gradient step: the original, and a mild and a strong result of each chain.
const GROUP: usize = 1 + 2 * CHAINS;

/// Step size at the beginning; it falls to 0 as a cosine does.
const FIRST_STEP_SIZE: f64 = 1e-3;

/// Decoupled weight decay (Loshchilov and Hutter 2019).
const DECAY: f32 = 0.1;

/// Share of the outputs of hidden layers that is left out at random (Srivastava et al. 2014).
const LEFT_OUT: f32 = 0.2;

/// Deviation of what is added to the standardised numbers: small differences shall not decide.
const INPUT_NOISE: f32 = 0.1;

/// Weight of pairs of results of different chains, where the nearer to the original is better; of each result with its original it is
/// 1.
const BY_ERROR: f32 = 0.5;

/// Weight of pairs of a result with the original of another photo. They make scores of different photos comparable, and are not always
/// right: a good photo is duller than another one with a slight damage.
const OTHER_PHOTO: f32 = 0.15;

/// One photo in so many is held out.
const HELD_OUT: usize = 7;

/// Trains one network on views in standardised numbers. `member` tells those of an ensemble apart: each is drawn anew and holds other
/// photos out. `tell` is asked [`CHECKS`] times, and ends the training when it breaks. Besides the network comes the share of the worse
/// versions of photos held out that it scores lower than those.
pub(super) fn train(
    photos: &[Versions],
    member: u64,
    seed: u64,
    tell: &dyn Fn() -> ControlFlow<()>,
) -> ControlFlow<(), (Ranker, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(member);
    let (mut learnt, mut held_out): (Vec<&View>, Vec<&View>) = (Vec::new(), Vec::new());
    for (index, photo) in photos.iter().enumerate() {
        let is_held_out = index % HELD_OUT == member as usize % HELD_OUT;
        if is_held_out { &mut held_out } else { &mut learnt }.extend(&photo.views);
    }
    let device = Device::flex().autodiff();
    let mut network = Network::new(&mut rng, &device);
    let mut optimizer: ModuleOptimizer = AdamWConfig::new().with_weight_decay(DECAY).init();
    let mut best = (f64::NEG_INFINITY, network.plain());
    let steps_per_check = (PASSES * learnt.len()).div_ceil(VIEWS * CHECKS).min(MOST_STEPS);
    let steps = CHECKS * steps_per_check;
    for step in 0..steps {
        let views: Vec<&View> = (0..VIEWS).map(|_| learnt[rng.random_range(0..learnt.len())]).collect();
        let loss = Batch::draw(&views, &mut rng).loss(&network, &mut rng, &device);
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let progress = step as f64 / steps as f64;
        let rate = FIRST_STEP_SIZE * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        network = optimizer.step(rate, network, gradients);
        if (step + 1) % steps_per_check == 0 {
            let plain = network.plain();
            let right = share_right(&plain, &held_out);
            if right > best.0 {
                best = (right, plain);
            }
            tell()?;
        }
    }
    ControlFlow::Continue((calibrated(best.1, &held_out), best.0))
}

/// Versions of some views: rows of numbers, and how much each pair counts.
struct Batch {
    /// `[view][version][number]`.
    rows: Vec<f32>,
    /// `[view][better][worse]`; 0 where it is not known which one is better.
    weights: Vec<f32>,
}

impl Batch {
    fn draw(views: &[&View], rng: &mut ChaCha8Rng) -> Self {
        let mut batch = Self { rows: Vec::new(), weights: Vec::new() };
        for view in views {
            let is_mirrored = rng.random_bool(0.5);
            let mut add = |numbers: &[f32]| {
                if is_mirrored { batch.rows.extend(mirrored(numbers)) } else { batch.rows.extend(numbers) }
            };
            add(&view.original);
            // Of each version: whether its error counts, and the error.
            let mut known = vec![(true, 0.0)];
            for _ in 0..CHAINS {
                let Chain { by_error, results } = &view.chains[rng.random_range(0..view.chains.len())];
                for seen in [&results[0], &results[results.len() - 1]] {
                    add(&seen.numbers);
                    known.push((*by_error, seen.error));
                }
            }
            for (better, one) in known.iter().enumerate() {
                batch.weights.extend(known.iter().enumerate().map(|(worse, other)| {
                    if better == 0 {
                        f32::from(worse != 0)
                    } else if one.0 && other.0 {
                        // Which one is nearer should be plain to see.
                        let further = ((other.1 + 0.01) / (one.1 + 0.01)).ln();
                        if further > 0.2 { BY_ERROR * further.min(1.0) } else { 0.0 }
                    } else {
                        let are_mild_and_strong = better % 2 == 1 && worse == better + 1;
                        f32::from(are_mild_and_strong && one.1 != other.1)
                    }
                }));
            }
        }
        batch
    }

    /// The mean loss of the pairs, by weight.
    fn loss(&self, network: &Network, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<1> {
        let count = self.rows.len() / LENGTH;
        let views = count / GROUP;
        let noisy: Vec<f32> = self.rows.iter().map(|number| number + INPUT_NOISE * nearly_normal(rng)).collect();
        let rows_bf = Tensor::<2>::from_data(TensorData::new(noisy, [count, LENGTH]), device);
        let outputs_vg = network.forward_thinned(rows_bf, rng, device).reshape([views, GROUP]);
        let better_vgg = outputs_vg.clone().reshape([views, GROUP, 1]);
        let worse_vgg = outputs_vg.clone().reshape([views, 1, GROUP]);
        let weights_vgg = Tensor::<3>::from_data(TensorData::new(self.weights.clone(), [views, GROUP, GROUP]), device);
        let within = (softplus(worse_vgg - better_vgg) * weights_vgg).sum();
        // The originals, each beside the results of the next view.
        let originals_v1 = outputs_vg.clone().slice([0..views, 0..1]);
        let others_v1 =
            Tensor::cat(vec![originals_v1.clone().slice([1..views, 0..1]), originals_v1.slice([0..1, 0..1])], 0);
        let results_vr = outputs_vg.slice([0..views, 1..GROUP]);
        let across = softplus(results_vr - others_v1).sum() * OTHER_PHOTO;
        let total = self.weights.iter().sum::<f32>() + OTHER_PHOTO * (views * (GROUP - 1)) as f32;
        (within + across) / total
    }
}

/// The logarithm of 1 + e^x, also where that is large.
fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    burn::tensor::activation::relu(x.clone()) + x.abs().neg().exp().add_scalar(1.0).log()
}

/// About normal, of deviation 1: the sum of four even draws.
fn nearly_normal(rng: &mut ChaCha8Rng) -> f32 {
    let bits = rng.next_u64();
    let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
    // Of an even draw from 0 to 65535 the variance is 65536^2 / 12.
    (sum as f32 - 2.0 * 65_535.0) / (65_536.0 / 3.0_f32.sqrt())
}

/// The network as burn trains it.
#[derive(Module, Debug)]
struct Network {
    layers: Vec<Linear>,
}

impl Network {
    /// Weights are drawn by Glorot's rule, which suits the hyperbolic tangent.
    fn new(rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let layers = WIDTHS.windows(2).map(|pair| {
            let [inputs, outputs] = [pair[0], pair[1]];
            let most = (6.0 / (inputs + outputs) as f32).sqrt();
            let weight: Vec<f32> = (0..inputs * outputs).map(|_| rng.random_range(-most..most)).collect();
            Linear {
                weight: Param::from_data(TensorData::new(weight, [inputs, outputs]), device),
                bias: Some(Param::from_data(TensorData::new(vec![0.0_f32; outputs], [outputs]), device)),
            }
        });
        Self { layers: layers.collect() }
    }

    /// Outputs `[batch, 1]` for inputs `[batch, number]`, with a share of the hidden values left out.
    fn forward_thinned(&self, rows_bf: Tensor<2>, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        let hidden_bf = hidden.iter().fold(rows_bf, |values, layer| {
            let values = layer.forward(values).tanh();
            let [count, width] = values.dims();
            let mut factor = || if rng.random::<f32>() < LEFT_OUT { 0.0 } else { 1.0 / (1.0 - LEFT_OUT) };
            let factors: Vec<f32> = (0..count * width).map(|_| factor()).collect();
            values * Tensor::<2>::from_data(TensorData::new(factors, [count, width]), device)
        });
        last.forward(hidden_bf)
    }

    /// The same network as plain numbers; what its outputs mean is still to be found.
    fn plain(&self) -> Ranker {
        let numbers = |data: TensorData| data.try_into_vec::<f32>().expect("weights are of 32 bit");
        let layers = self.layers.iter().map(|layer| Layer {
            weight: numbers(layer.weight.val().into_data()),
            bias: numbers(layer.bias.as_ref().expect("each layer has one").val().into_data()),
        });
        Ranker { layers: layers.collect(), middle: 0.0, scale: 1.0 }
    }
}

/// The share of the worse versions that get a lower output than their original.
fn share_right(ranker: &Ranker, views: &[&View]) -> f64 {
    let (mut right, mut all) = (0_usize, 0_usize);
    for view in views {
        let original = ranker.output(&view.original);
        for result in view.results() {
            right += usize::from(ranker.output(&result.numbers) < original);
            all += 1;
        }
    }
    right as f64 / all.max(1) as f64
}

/// The same network with scores: half of the best for the median of the worse versions, 0.73 of it for that of the originals.
fn calibrated(mut ranker: Ranker, views: &[&View]) -> Ranker {
    let good = median(views.iter().map(|view| ranker.output(&view.original)).collect());
    let worse = views.iter().flat_map(|view| view.results());
    let bad = median(worse.map(|seen| ranker.output(&seen.numbers)).collect());
    ranker.middle = bad;
    // A network that learnt nothing still has scores.
    ranker.scale = (good - bad).max(0.1);
    ranker
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::versions::Seen;
    use super::*;

    /// A view of a single number: the original is at 0, and each chain goes away from it.
    fn view(chains: &[(bool, &[f32])]) -> View {
        let row = |value: f32| vec![value; LENGTH];
        let chain = |&(by_error, errors): &(bool, &[f32])| {
            let results = errors.iter().map(|&error| Seen { numbers: row(error), error }).collect();
            Chain { by_error, results }
        };
        View { original: row(0.0), chains: chains.iter().map(chain).collect() }
    }

    #[test]
    fn pairs_count_where_it_is_known_which_one_is_better() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let weight = |view: &View, rng: &mut ChaCha8Rng| {
            let batch = Batch::draw(&[view], rng);
            assert_eq!((batch.rows.len(), batch.weights.len()), (GROUP * LENGTH, GROUP * GROUP));
            move |better: usize, worse: usize| batch.weights[better * GROUP + worse]
        };
        // The same chain is drawn four times.
        let detail = weight(&view(&[(false, &[0.1, 0.2])]), &mut rng);
        assert_eq!([detail(0, 0), detail(0, 1), detail(0, 2), detail(1, 0)], [0.0, 1.0, 1.0, 0.0]);
        assert_eq!([detail(1, 2), detail(2, 1), detail(1, 4), detail(3, 4)], [1.0, 0.0, 0.0, 1.0]);
        let tones = weight(&view(&[(true, &[0.3, 0.1])]), &mut rng);
        let further = (0.31_f32 / 0.11).ln();
        // A walk that came nearer again is better at its end.
        assert!((tones(2, 1) - BY_ERROR * further.min(1.0)).abs() < 1e-6 && tones(1, 2) == 0.0);
        assert!(tones(4, 1) > 0.0 && tones(2, 4) == 0.0, "the same distance");
        let alone = weight(&view(&[(false, &[1.0])]), &mut rng);
        assert_eq!([alone(0, 1), alone(1, 2)], [1.0, 0.0]);
    }

    #[test]
    fn the_loss_is_that_of_ranknet() {
        let x = Tensor::<1>::from_data(TensorData::from([-2.0_f32, 0.0, 3.0, 200.0]), &Device::flex());
        let got = softplus(x).into_data().try_into_vec::<f32>().expect("numbers of 32 bit");
        for (got, x) in got.into_iter().zip([-2.0_f64, 0.0, 3.0, 200.0]) {
            let expected = x.max(0.0) + (-x.abs()).exp().ln_1p();
            assert!((f64::from(got) - expected).abs() < 1e-5, "{x}: {got} instead of {expected}");
        }
    }

    #[test]
    fn nearly_normal_draws_have_mean_0_and_deviation_1() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let draws: Vec<f32> = (0..20_000).map(|_| nearly_normal(&mut rng)).collect();
        let mean = draws.iter().sum::<f32>() / 20_000.0;
        let deviation = (draws.iter().map(|draw| draw * draw).sum::<f32>() / 20_000.0).sqrt();
        assert!(mean.abs() < 0.03 && (deviation - 1.0).abs() < 0.03, "{mean}, {deviation}");
    }
}
