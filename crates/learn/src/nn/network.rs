//! The networks of the agents: an encoder for pictures, and multilayer perceptrons.

mod strengths;

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::nn::activation::Activation;
use crate::nn::encoder::{Encoder, PictureEncoder};
use crate::nn::foresight::{Foresight, Scale, strengths};
use crate::nn::perceptron::Perceptron;
use crate::nn::picture::Picture;
use crate::nn::rows::{batch, pick, pick_part, to_vec};

/// What the outputs of an agent's network mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// Unnormalised log-probabilities of the actions; `softsign` between the layers.
    Policy,
    /// Expected returns of the actions; `relu` between the layers.
    Values,
    /// Advantages of the actions, and then the value of the state; `relu` between the layers.
    DuelingValues,
    /// As [`Head::Policy`], and then the means of the strengths of the first `scaled` kinds of actions, before tanh brings them
    /// between -1 and 1. How far strengths are drawn from their means is a number of the network for each of these kinds.
    HybridPolicy {
        /// Kinds below this index take a strength.
        scaled: usize,
    },
    /// Strengths of the kinds of actions that take one, all at once, and beside them a network that judges what they would
    /// gain; `relu` between the layers.
    Sliders,
}

impl Head {
    fn is_policy(self) -> bool {
        matches!(self, Self::Policy | Self::HybridPolicy { .. })
    }

    /// How many kinds of actions take a strength.
    fn scaled(self) -> usize {
        if let Self::HybridPolicy { scaled } = self { scaled } else { 0 }
    }
}

/// The network that an agent acts by: an encoder where it sees pictures, and a multilayer perceptron.
#[derive(Module, Debug)]
pub struct AgentNetwork {
    encoder: Option<PictureEncoder>,
    pub(crate) perceptron: Perceptron,
    /// Logarithms of the standard deviations of strengths, `[scaled]`.
    log_deviations: Option<Param<Tensor<1>>>,
    foresight: Option<Foresight>,
    #[module(skip)]
    picture: Option<Picture>,
    #[module(skip)]
    head: Head,
}

/// The shape of an agent's network.
#[derive(Debug, Clone, Copy)]
pub struct NetworkShape<'a> {
    /// Length of an observation, the picture included.
    pub observation_len: usize,
    /// The picture that it begins with.
    pub picture: Option<Picture>,
    /// What turns the picture into features.
    pub encoder: Encoder,
    /// Widths of the hidden layers.
    pub hidden: &'a [usize],
    /// Number of actions; with [`Head::Sliders`], of those that take a strength.
    pub action_count: usize,
    /// What the outputs mean.
    pub head: Head,
}

impl NetworkShape<'_> {
    /// Length of what the perceptron sees.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the encoder does not fit the picture.
    pub(crate) fn input_len(&self) -> Result<usize, Error> {
        let beside = match self.encoder {
            Encoder::Stats => self.observation_len,
            _ => self.observation_len - self.picture.map_or(0, Picture::values),
        };
        Ok(beside + PictureEncoder::size(self.encoder, self.picture)?.features)
    }

    /// Length of what the perceptron puts out.
    fn output_len(&self) -> Result<usize, Error> {
        let (kinds, scaled) = (self.action_count, self.head.scaled());
        if scaled > kinds {
            let reason = format!("{scaled} kinds of actions take a strength, there are only {kinds}");
            return Err(Error::Configuration { section: "network", reason });
        }
        Ok(kinds + scaled + usize::from(self.head == Head::DuelingValues))
    }

    /// Length of an observation without its picture.
    fn scaled_len(&self) -> usize {
        self.observation_len - self.picture.map_or(0, Picture::values)
    }

    /// How many numbers a network of this shape consists of.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the encoder does not fit the picture, or the head the actions.
    pub(crate) fn number_count(&self) -> Result<usize, Error> {
        let outputs = self.output_len()?;
        let (mut inputs, mut count) = (self.input_len()?, PictureEncoder::size(self.encoder, self.picture)?.numbers);
        for &width in self.hidden.iter().chain([&outputs]) {
            count += (inputs + 1) * width;
            inputs = width;
        }
        if self.head == Head::Sliders {
            count += Foresight::number_count(self.scaled_len(), self.input_len()?, self.action_count);
        }
        Ok(count + self.head.scaled())
    }
}

impl AgentNetwork {
    /// Makes a network without an encoder, with orthogonal weights (gain √2 inside; 0.01 for the outputs of a policy, so that
    /// it starts without a preference, and 1 for values) and zero biases, all drawn from `rng` on the host: equal seeds give
    /// equal networks on every device.
    ///
    /// # Panics
    /// When more kinds of actions take a strength than there are.
    #[must_use]
    pub fn new(
        observation_len: usize,
        hidden: &[usize],
        action_count: usize,
        head: Head,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let shape =
            NetworkShape { observation_len, picture: None, encoder: Encoder::Stats, hidden, action_count, head };
        Self::with_encoder(None, shape, rng, device)
            .expect("statistics go with everything, and the kinds of actions were counted")
    }

    /// Makes a network on top of an encoder, which is the one that the shape names.
    ///
    /// # Errors
    /// As [`NetworkShape::number_count`].
    pub(crate) fn with_encoder(
        encoder: Option<PictureEncoder>,
        shape: NetworkShape<'_>,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, Error> {
        let NetworkShape { hidden, head, picture, .. } = shape;
        let gain = if head.is_policy() || head == Head::Sliders { 0.01 } else { 1.0 };
        let perceptron = Perceptron::new(shape.input_len()?, hidden, shape.output_len()?, gain, rng, device);
        let deviations = TensorData::new(vec![0.0_f32; head.scaled()], [head.scaled()]);
        let log_deviations = (head.scaled() > 0).then(|| Param::from_data(deviations, device));
        let foresight = if head == Head::Sliders {
            Some(Foresight::new(shape.scaled_len(), shape.input_len()?, shape.action_count, rng, device))
        } else {
            None
        };
        Ok(Self { encoder, perceptron, log_deviations, foresight, picture, head })
    }

    /// What its outputs mean.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    pub(crate) fn foresight(&self) -> Option<&Foresight> {
        self.foresight.as_ref()
    }

    /// The same network with observations of another scale.
    pub(crate) fn with_scale(self, scale: &Scale) -> Self {
        Self { foresight: self.foresight.map(|foresight| foresight.with_scale(scale)), ..self }
    }

    /// Whether it looks at pictures through an encoder.
    pub(crate) fn has_encoder(&self) -> bool {
        self.encoder.is_some()
    }

    /// What the head says, for observations `[batch, feature]`: unnormalised log-probabilities or expected returns,
    /// `[batch, action]`, and from a hybrid policy beside them the means of the strengths before tanh.
    #[must_use]
    pub fn forward(&self, observations_bf: Tensor<2>) -> Tensor<2> {
        self.outputs(self.features(observations_bf))
    }

    /// What the perceptron sees, `[batch, feature]`, of observations `[batch, value]`.
    pub(crate) fn features(&self, observations_bv: Tensor<2>) -> Tensor<2> {
        let (Some(_), Some(picture)) = (&self.encoder, self.picture) else { return observations_bv };
        let [count, length] = observations_bv.dims();
        let Picture { channels, height, width } = picture;
        let values = picture.values();
        let pictures_bv = observations_bv.clone().slice([0..count, 0..values]);
        self.features_of(Observed {
            pictures_bchw: Some(pictures_bv.reshape([count, channels, height, width])),
            beside_bf: (values < length).then(|| observations_bv.slice([0..count, values..length])),
        })
    }

    /// The same of observations that lie apart: the features of the encoder in place of the pictures, and what is beside.
    pub(crate) fn features_of(&self, observed: Observed) -> Tensor<2> {
        let Observed { pictures_bchw, beside_bf } = observed;
        let pictures_bchw = self.encoder.as_ref().zip(pictures_bchw);
        let features_bf = pictures_bchw.map(|(encoder, pictures_bchw)| encoder.forward(pictures_bchw));
        let mut parts: Vec<Tensor<2>> = features_bf.into_iter().chain(beside_bf).collect();
        if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 1) }
    }

    /// Takes `rows` of all `observations`, `[row][value]` with `length` values, to the device.
    pub(crate) fn observed(&self, observations: &[f32], rows: &[usize], length: usize, device: &Device) -> Observed {
        let Some(picture) = self.picture.filter(|_| self.has_encoder()) else {
            let beside_bf = Some(batch(pick(observations, rows, length), length, device));
            return Observed { pictures_bchw: None, beside_bf };
        };
        // Apart from the start: to take pictures out of the observations on the device would copy them once more.
        let (Picture { channels, height, width }, values) = (picture, picture.values());
        let pictures = pick_part(observations, rows, length, 0..values);
        let pictures = TensorData::new(pictures, [rows.len(), channels, height, width]);
        let beside = || batch(pick_part(observations, rows, length, values..length), length - values, device);
        Observed { pictures_bchw: Some(Tensor::from_data(pictures, device)), beside_bf: (values < length).then(beside) }
    }

    /// As [`AgentNetwork::forward`], for what [`AgentNetwork::features`] made.
    pub(crate) fn outputs(&self, features_bf: Tensor<2>) -> Tensor<2> {
        match self.head {
            Head::Policy | Head::HybridPolicy { .. } => self.perceptron.forward(features_bf, Activation::Softsign),
            Head::Values => self.perceptron.forward(features_bf, Activation::Relu),
            Head::Sliders => strengths(self.perceptron.forward(features_bf, Activation::Relu)),
            Head::DuelingValues => {
                let outputs_bo = self.perceptron.forward(features_bf, Activation::Relu);
                let [count, outputs] = outputs_bo.dims();
                let advantages_ba = outputs_bo.clone().slice([0..count, 0..outputs - 1]);
                let value_b1 = outputs_bo.slice([0..count, outputs - 1..outputs]);
                // Advantages are relative to their mean; otherwise value and advantages could drift apart together.
                value_b1 + advantages_ba.clone() - advantages_ba.mean_dim(1)
            }
        }
    }

    /// How much each action is preferred, `[batch][action]`, for observations `[batch][feature]` of `length` features: its
    /// probability or its expected return; with [`Head::Sliders`] how far it is moved.
    #[must_use]
    pub fn preferences(&self, observations: &[f32], length: usize, device: &Device) -> Vec<f32> {
        if let Some(proposals) = self.proposals(observations, length, device) {
            return proposals.strengths.into_iter().map(f32::abs).collect();
        }
        let (outputs_ba, _) = self.split(self.forward(batch(observations, length, device)));
        to_vec(if self.head.is_policy() { softmax(outputs_ba, 1) } else { outputs_ba })
    }
}

/// Observations on the device: pictures for an encoder, where there is one, and what is beside them.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) pictures_bchw: Option<Tensor<4>>,
    pub(crate) beside_bf: Option<Tensor<2>>,
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn dueling_values_have_the_state_value_as_their_mean() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let network = AgentNetwork::new(3, &[8], 4, Head::DuelingValues, &mut rng, &device);
        let observations = [0.1, 0.2, -0.3, 1.0, -1.0, 0.5];
        let outputs = to_vec(network.perceptron.forward(batch(observations, 3, &device), Activation::Relu));
        let values = network.preferences(&observations, 3, &device);
        for (values, outputs) in values.chunks_exact(4).zip(outputs.chunks_exact(5)) {
            let mean = values.iter().sum::<f32>() / 4.0;
            assert!((mean - outputs[4]).abs() < 1e-5, "{values:?} from {outputs:?}");
            assert!(((values[0] - values[1]) - (outputs[0] - outputs[1])).abs() < 1e-5);
        }
    }

    #[test]
    fn parameters_are_counted() {
        let shape = |head| NetworkShape {
            observation_len: 3,
            picture: None,
            encoder: Encoder::Stats,
            hidden: &[4],
            action_count: 2,
            head,
        };
        let count = |head| shape(head).number_count().unwrap();
        assert_eq!([count(Head::Policy), count(Head::DuelingValues)], [4 * 4 + 5 * 2, 4 * 4 + 5 * 3]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let hybrid = Head::HybridPolicy { scaled: 1 };
        for head in [Head::DuelingValues, hybrid] {
            let network = AgentNetwork::new(3, &[4], 2, head, &mut rng, &Device::flex());
            assert_eq!(network.num_params(), count(head));
        }
        assert_eq!(count(hybrid), 4 * 4 + 5 * 3 + 1);
        let error = shape(Head::HybridPolicy { scaled: usize::MAX }).number_count().unwrap_err().to_string();
        assert_eq!(error, format!("network: {} kinds of actions take a strength, there are only 2", usize::MAX));
    }
}
