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
    /// [`Error::State`] when the file is none, or its tensors do not fit the shape; [`Error::Configuration`] when the
    /// encoder does not fit the picture.
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
        Ok(network)
    }
}
