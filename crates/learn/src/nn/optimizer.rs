//! Adam (Kingma and Ba 2014, arXiv:1412.6980) as one pass over the parameters, after clipping by the global norm.
//!
//! burn's own Adam makes about a dozen passes, each into a new tensor, which takes longer than the gradient of a small
//! network, and its clipping works on each tensor alone, which changes the direction of the step. Here gradients and
//! moments are plain vectors on the host, in the order in which burn visits a module's parameters: a state that can be
//! written down and restored to the last bit.

use std::ops::Deref;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::error::Error;
use crate::nn::rows::to_vec;
use crate::nn::vectorized::vectorized;
use crate::state::{StateReader, StateWriter};

const FIRST_DECAY: f32 = 0.9;
const SECOND_DECAY: f32 = 0.999;

/// The gradient of a loss by each parameter of a module.
#[derive(Debug, Clone)]
pub(crate) struct Gradient(Vec<Vec<f32>>);

impl Gradient {
    /// Goes backward from `loss`; a parameter that the loss does not depend on has a gradient of zeros.
    pub(crate) fn of<M: Module>(loss: &Tensor<1>, module: &M) -> Self {
        let mut collector =
            Collector { gradients: GradientsParams::from_grads(loss.backward(), module), collected: Vec::new() };
        module.visit(&mut collector);
        Self(collector.collected)
    }

    /// The gradient of a module made of two others, of which this is the first's.
    pub(crate) fn followed_by(mut self, second: Self) -> Self {
        self.0.extend(second.0);
        self
    }

    /// The square of its Euclidean norm over all parameters together.
    pub(crate) fn squared_norm(&self) -> f64 {
        // The sum of each part is for itself, and they are added in their order: threads change no bit of the result.
        const PART: usize = 1 << 18;
        let of_one = |gradient: &Vec<f32>| -> f64 {
            if gradient.len() <= PART {
                return sum_of_squares(gradient);
            }
            gradient.par_chunks(PART).map(sum_of_squares).collect::<Vec<f64>>().into_iter().sum()
        };
        self.0.iter().map(of_one).sum()
    }
}

/// In double precision, because single sums of millions of squares would lose digits; several side by side, because each
/// addition would wait for the last one.
fn sum_of_squares(numbers: &[f32]) -> f64 {
    const SUMS: usize = 16;
    let mut sums = [0.0_f64; SUMS];
    vectorized(|| {
        let (whole, rest) = numbers.as_chunks::<SUMS>();
        for numbers in whole.iter().map(|numbers| &numbers[..]).chain([rest]) {
            sums.iter_mut().zip(numbers).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
        }
    });
    sums.iter().sum()
}

struct Collector {
    gradients: GradientsParams,
    collected: Vec<Vec<f32>>,
}

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.remove::<D>(param.id);
        let value = param.val();
        // A frozen parameter has no gradient, and needs no moments either.
        let length = if value.is_require_grad() { value.shape().num_elements() } else { 0 };
        self.collected.push(gradient.map_or_else(|| vec![0.0; length], to_vec));
    }
}

/// The factor that brings a gradient of norm `norm` down to `max_norm`.
pub(crate) fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    if norm > max_norm { max_norm / (norm + 1e-6) } else { 1.0 }
}

/// A module that learns, and the state of its optimiser.
///
/// A step owns the module while it moves the parameters: those that nobody else holds are moved in place.
#[derive(Debug)]
pub(crate) struct Learning<M> {
    module: Option<M>,
    optimizer: Adam,
}

impl<M: Module> Learning<M> {
    pub(crate) fn new(module: M, optimizer: Adam) -> Self {
        Self { module: Some(module), optimizer }
    }

    /// Moves the parameters against their `gradient` times `scale`, with step size `rate`.
    pub(crate) fn step(&mut self, gradient: &Gradient, scale: f64, rate: f64) {
        let module = self.module.take().expect(PRESENT);
        self.module = Some(self.optimizer.step(module, gradient, scale, rate));
    }

    /// Changes the module by other means than a gradient.
    pub(crate) fn change(&mut self, by: impl FnOnce(M) -> M) {
        self.module = self.module.take().map(by);
    }

    pub(crate) fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        save_parameters(&**self, writer)?;
        self.optimizer.save_state(writer)
    }

    pub(crate) fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.module = Some(restore_parameters((**self).clone(), reader)?);
        self.optimizer.restore_state(reader)
    }
}

const PRESENT: &str = "a module is away during a step only";

impl<M> Deref for Learning<M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.module.as_ref().expect(PRESENT)
    }
}

/// The state of the optimiser for one module.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    epsilon: f32,
    /// How fast the parameters shrink, apart from the gradient (Loshchilov and Hutter 2019, arXiv:1711.05101).
    decay: f64,
    steps: i32,
    /// First and second moment of each parameter; empty before the first step.
    moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Adam {
    /// A fresh state; `epsilon` keeps the division sound.
    pub(crate) fn new(epsilon: f32) -> Self {
        Self { epsilon, decay: 0.0, steps: 0, moments: Vec::new() }
    }

    /// The same, with parameters that shrink by this share times the step size at each step.
    pub(crate) fn decaying(self, decay: f64) -> Self {
        Self { decay, ..self }
    }

    /// Moves the parameters of `module` against its `gradient` times `scale`, with step size `rate`.
    pub(crate) fn step<M: Module>(&mut self, module: M, gradient: &Gradient, scale: f64, rate: f64) -> M {
        if self.moments.is_empty() {
            self.moments = gradient.0.iter().map(|g| (vec![0.0; g.len()], vec![0.0; g.len()])).collect();
        }
        self.steps = self.steps.saturating_add(1);
        let second_correction = (1.0 - SECOND_DECAY.powi(self.steps)).sqrt();
        let factors = Factors {
            scale: scale as f32,
            rate: rate as f32 / (1.0 - FIRST_DECAY.powi(self.steps)),
            second_correction,
            epsilon: self.epsilon,
            kept: (1.0 - rate * self.decay) as f32,
        };
        module.map(&mut Mover { factors, gradients: gradient.0.iter(), moments: self.moments.iter_mut() })
    }
}

impl Adam {
    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(self.steps, &self.moments))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        (self.steps, self.moments) = reader.read()?;
        Ok(())
    }
}

/// The parameters of a module, in the order in which they are visited.
fn parameters<M: Module>(module: &M) -> Vec<Vec<f32>> {
    struct Reader(Vec<Vec<f32>>);
    impl ModuleVisitor for Reader {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(to_vec(param.val()));
        }
    }
    let mut reader = Reader(Vec::new());
    module.visit(&mut reader);
    reader.0
}

/// `kept` parts of `average` and the rest of `new`, parameter by parameter; both have the same shape.
pub(crate) fn averaged<M: Module>(average: M, new: &M, kept: f32) -> M {
    average.map(&mut Averager { new: parameters(new).into_iter(), kept })
}

struct Averager {
    new: std::vec::IntoIter<Vec<f32>>,
    kept: f32,
}

impl ModuleMapper for Averager {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let (device, dims) = (tensor.device(), tensor.dims());
        let new = self.new.next().expect("both modules have the same shape");
        let mut values = to_vec(tensor);
        for (value, new) in values.iter_mut().zip(new) {
            // Equal values stay as they are, so that what is frozen does not drift.
            if *value != new {
                *value = self.kept * *value + (1.0 - self.kept) * new;
            }
        }
        Param::from_mapped_value(id, Tensor::from_data(TensorData::new(values, dims), &device), mapper)
    }
}

/// Takes down the parameters of a module.
pub(crate) fn save_parameters<M: Module>(module: &M, writer: &mut StateWriter) -> Result<(), Error> {
    writer.write(&parameters(module))
}

/// Puts saved parameters into a module of the same shape.
pub(crate) fn restore_parameters<M: Module>(module: M, reader: &mut StateReader<'_>) -> Result<M, Error> {
    let saved: Vec<Vec<f32>> = reader.read()?;
    let lengths = saved.iter().map(Vec::len).collect::<Vec<_>>();
    let mut restorer = Restorer { saved: saved.into_iter(), fits: true };
    let module = module.map(&mut restorer);
    if restorer.fits && restorer.saved.next().is_none() {
        return Ok(module);
    }
    let reason = format!("the state has tensors of {lengths:?} numbers, which is another architecture than this run's");
    Err(Error::State { reason })
}

struct Restorer {
    saved: std::vec::IntoIter<Vec<f32>>,
    fits: bool,
}

impl ModuleMapper for Restorer {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let values = self.saved.next().unwrap_or_default();
        self.fits &= values.len() == tensor.shape().num_elements();
        if !self.fits {
            return Param::from_mapped_value(id, tensor, mapper);
        }
        let restored = Tensor::from_data(TensorData::new(values, tensor.dims()), &tensor.device());
        let restored = if tensor.is_require_grad() { restored.require_grad() } else { restored };
        Param::from_mapped_value(id, restored, mapper)
    }
}

/// Numbers that a thread takes at once: below that, handing work over costs more than doing it.
const CHUNK: usize = 1 << 15;
type Chunks<'a> = (((&'a mut [f32], &'a [f32]), &'a mut [f32]), &'a mut [f32]);

#[derive(Clone, Copy)]
struct Factors {
    scale: f32,
    rate: f32,
    second_correction: f32,
    epsilon: f32,
    kept: f32,
}

struct Mover<'a> {
    factors: Factors,
    gradients: std::slice::Iter<'a, Vec<f32>>,
    moments: std::slice::IterMut<'a, (Vec<f32>, Vec<f32>)>,
}

impl ModuleMapper for Mover<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let gradient = self.gradients.next().expect("the gradient is of this module");
        let (first, second) = self.moments.next().expect("the state is of this module");
        if gradient.is_empty() {
            return param;
        }
        let (id, tensor, mapper) = param.consume();
        let (device, dims) = (tensor.device(), tensor.dims());
        let mut values = to_vec(tensor.detach());
        self.factors.apply(&mut values, gradient, first, second);
        let moved = Tensor::from_data(TensorData::new(values, dims), &device).require_grad();
        Param::from_mapped_value(id, moved, mapper)
    }
}

impl Factors {
    /// θ = (1 - α λ) θ - α · m̂ / (√v̂ + ε) for one parameter.
    fn apply(self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let Self { scale, rate, second_correction, epsilon, kept } = self;
        let pass = |(((values, gradient), first), second): Chunks<'_>| {
            vectorized(|| {
                for (((value, &g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                    let g = g * scale;
                    *m += (1.0 - FIRST_DECAY) * (g - *m);
                    *v += (1.0 - SECOND_DECAY) * (g * g - *v);
                    *value = kept * *value - rate * *m / (v.sqrt() / second_correction + epsilon);
                }
            });
        };
        if values.len() <= CHUNK {
            pass((((values, gradient), first), second));
            return;
        }
        // Each number is for itself, so that threads change no bit of the result.
        let chunks = values.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
        chunks.zip(first.par_chunks_mut(CHUNK)).zip(second.par_chunks_mut(CHUNK)).for_each(pass);
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamConfig, ModuleOptimizer};
    use burn::tensor::Device;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::nn::network::{AgentNetwork, Head};
    use crate::nn::rows::batch;

    fn network() -> (AgentNetwork, Tensor<2>) {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let network = AgentNetwork::new(3, &[4], 2, Head::Policy, &mut rng, &device);
        (network, batch([0.3, -0.7, 1.1, 0.9, 0.2, -0.4], 3, &device))
    }

    fn loss(network: &AgentNetwork, input_bf: &Tensor<2>) -> Tensor<1> {
        (network.forward(input_bf.clone()) - 1.0).square().sum() * 100.0
    }

    fn parameters(network: &AgentNetwork) -> Vec<f32> {
        super::parameters(network).concat()
    }

    #[test]
    fn it_goes_the_way_of_burns_adam() {
        let (start, input_bf) = network();
        let mut reference: ModuleOptimizer = AdamConfig::new().with_epsilon(1e-5).init();
        let mut adam = Adam::new(1e-5);
        let (mut theirs, mut ours) = (start.clone(), start.clone());
        for _ in 0..20 {
            let gradients = GradientsParams::from_grads(loss(&theirs, &input_bf).backward(), &theirs);
            theirs = reference.step(0.01, theirs, gradients);
            let gradient = Gradient::of(&loss(&ours, &input_bf), &ours);
            ours = adam.step(ours, &gradient, 1.0, 0.01);
        }
        let (start, theirs, ours) = (parameters(&start), parameters(&theirs), parameters(&ours));
        for ((start, theirs), ours) in start.iter().zip(theirs).zip(ours) {
            assert!((theirs - ours).abs() < 1e-5, "{start} went to {ours} instead of {theirs}");
        }
    }

    #[test]
    fn parameters_are_averaged() {
        let (first, _) = network();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let second = AgentNetwork::new(3, &[4], 2, Head::Policy, &mut rng, &Device::flex());
        let average = parameters(&averaged(first.valid(), &second, 0.75));
        for ((average, first), second) in average.into_iter().zip(parameters(&first)).zip(parameters(&second)) {
            assert!((average - (0.75 * first + 0.25 * second)).abs() < 1e-6, "{average} of {first} and {second}");
        }
    }

    #[test]
    fn a_step_by_hand() {
        // From rest: m = 0.1 g, v = 0.001 g², corrected to g and g², so that the step is the rate whatever g is.
        let factors =
            Factors { scale: 0.5, rate: 0.1 / 0.1, second_correction: 0.001_f32.sqrt(), epsilon: 0.0, kept: 1.0 };
        let (mut values, mut first, mut second) = ([1.0_f32, 1.0], [0.0; 2], [0.0; 2]);
        factors.apply(&mut values, &[4.0, -8.0], &mut first, &mut second);
        assert!((values[0] - 0.9).abs() < 1e-5 && (values[1] - 1.1).abs() < 1e-5, "{values:?}");
        assert!((first[0] - 0.2).abs() < 1e-6 && (second[1] - 0.016).abs() < 1e-6, "{first:?} {second:?}");
    }

    #[test]
    fn a_gradient_is_clipped_by_its_norm_over_all_parameters() {
        let gradient = Gradient(vec![vec![3.0], vec![0.0, 4.0]]);
        let norm = gradient.squared_norm().sqrt();
        assert_eq!(norm, 5.0);
        assert!((clip_factor(norm, 0.5) - 0.1).abs() < 1e-6);
        assert_eq!(clip_factor(norm, 6.0), 1.0);
    }

    #[test]
    fn a_parameter_that_the_loss_leaves_out_has_a_gradient_of_zeros_and_stays() {
        let (start, input_bf) = network();
        let gradient = Gradient::of(&(input_bf.require_grad().sum() * 2.0), &start);
        assert_eq!(gradient.squared_norm(), 0.0);
        assert_eq!(gradient.0.iter().map(Vec::len).collect::<Vec<_>>(), [12, 4, 8, 2]);
        let moved = Adam::new(1e-8).step(start.clone(), &gradient, 1.0, 0.1);
        assert_eq!(parameters(&start), parameters(&moved));
    }

    #[test]
    fn parameters_and_moments_come_back_to_the_last_bit() {
        let (start, input_bf) = network();
        let mut adam = Adam::new(1e-5);
        let moved = adam.step(start.clone(), &Gradient::of(&loss(&start, &input_bf), &start), 1.0, 0.01);
        let mut writer = StateWriter::new();
        save_parameters(&moved, &mut writer).unwrap();
        adam.save_state(&mut writer).unwrap();
        let bytes = writer.into_bytes();

        let mut reader = StateReader::new(&bytes);
        let restored = restore_parameters(start, &mut reader).unwrap();
        let mut restored_adam = Adam::new(1e-5);
        restored_adam.restore_state(&mut reader).unwrap();
        assert_eq!(parameters(&moved), parameters(&restored));
        let step = |adam: &mut Adam, network: AgentNetwork| {
            let gradient = Gradient::of(&loss(&network, &input_bf), &network);
            parameters(&adam.step(network, &gradient, 1.0, 0.01))
        };
        assert_eq!(step(&mut adam, moved), step(&mut restored_adam, restored));
    }
}
