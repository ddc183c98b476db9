//! The numbers of an agent's network as a safetensors file.

use burn::tensor::Device;
use burn_store::{ModuleSnapshot, SafetensorsStore};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::nn::encoder::{NetworkParams, PictureEncoder};
use crate::nn::network::{AgentNetwork, NetworkShape};

impl AgentNetwork {
    /// The bytes of a safetensors file with all numbers of the network, and `metadata` beside them.
    ///
    /// # Errors
    /// [`Error::State`] when they cannot be encoded.
    pub fn to_safetensors(&self, metadata: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
        let invalid = |error: &dyn std::fmt::Display| Error::State { reason: format!("cannot be encoded: {error}") };
        let mut store = SafetensorsStore::from_bytes(None);
        for (key, value) in metadata {
            store = store.metadata(*key, *value);
        }
        self.save_into(&mut store).map_err(|e| invalid(&e))?;
        store.get_bytes().map_err(|e| invalid(&e))
    }

    /// Makes a network of this shape with the numbers of a safetensors file, which holds exactly these.
    ///
    /// # Errors
    /// [`Error::State`] when the file is none, its tensors do not fit the shape, or strengths cannot be drawn with its
    /// deviations; [`Error::Configuration`] when the encoder does not fit the picture, or the head the actions.
    pub fn from_safetensors(bytes: Vec<u8>, shape: NetworkShape<'_>, device: &Device) -> Result<Self, Error> {
        let invalid = |reason: String| Error::State { reason };
        let misfit = "its tensors do not fit its configuration: the file is damaged";
        // Checks the whole layout against the length, so that nothing later reads beyond the end.
        let tensors = safetensors::SafeTensors::deserialize(&bytes)
            .map_err(|e| invalid(format!("is no model file, or truncated ({e})")))?;
        let held: usize = tensors.iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>()).sum();
        // Before anything is reserved: a few digits in a small file must not cost gigabytes.
        if shape.number_count()? != held {
            return Err(invalid(misfit.to_owned()));
        }
        // The weights are drawn only to be replaced: the shapes come from the configuration, the values from the file.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let params = NetworkParams { encoder: shape.encoder, weights: None, ..NetworkParams::default() };
        let encoder = PictureEncoder::new(&params, shape.picture, &mut rng, device)?;
        let mut network = Self::with_encoder(encoder, shape, &mut rng, device)?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        let applied = network.load_from(&mut store).map_err(|e| invalid(format!("its tensors cannot be used: {e}")))?;
        if !applied.is_success() || !applied.missing.is_empty() {
            return Err(invalid(misfit.to_owned()));
        }
        network.check_deviations()?;
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::encoder::Encoder;
    use crate::nn::network::Head;

    const HIDDEN: [usize; 1] = [4];

    fn shape(scaled: usize) -> NetworkShape<'static> {
        let head = Head::HybridPolicy { scaled };
        NetworkShape {
            observation_len: 3,
            picture: None,
            encoder: Encoder::Stats,
            hidden: &HIDDEN,
            action_count: 4,
            head,
        }
    }

    fn network(log_deviations: impl Fn(f32) -> f32) -> AgentNetwork {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let shape = shape(2);
        AgentNetwork::new(3, shape.hidden, 4, shape.head, &mut rng, &Device::flex()).map_log_deviations(log_deviations)
    }

    fn read(network: &AgentNetwork, scaled: usize) -> Result<AgentNetwork, String> {
        let bytes = network.to_safetensors(&[("format", "1")]).unwrap();
        AgentNetwork::from_safetensors(bytes, shape(scaled), &Device::flex()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_hybrid_policy_comes_back_to_the_last_bit() {
        let written = network(|log| log - 0.123);
        let read = read(&written, 2).unwrap();
        let observations = [0.1, -0.5, 2.0, 1.0, 0.0, -1.0];
        let told = |network: &AgentNetwork| {
            let (preferences, strengths) = (
                network.preferences(&observations, 3, &Device::flex()),
                network.strengths(&observations, 3, &Device::flex()),
            );
            [preferences, strengths, crate::nn::rows::to_vec(network.log_deviations().unwrap())].concat()
        };
        assert_eq!(told(&read), told(&written));
        assert_eq!(told(&read).len(), 8 + 4 + 2);
    }

    #[test]
    fn hostile_deviations_and_shapes_are_refused() {
        for hostile in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.1, -20.1] {
            let error = read(&network(|_| hostile), 2).unwrap_err();
            assert!(error.starts_with(&format!("the logarithm of a deviation of strengths is {hostile}, ")), "{error}");
        }
        for bound in [-20.0, 2.0] {
            assert!(read(&network(|_| bound), 2).is_ok(), "{bound}");
        }
        for scaled in [0, 1, 3, 4] {
            assert!(read(&network(|log| log), scaled).unwrap_err().contains("do not fit its configuration"));
        }
        assert!(read(&network(|log| log), 5).unwrap_err().contains("there are only 4"));
    }
}
