//! The model file: one safetensors file that carries everything needed to use it.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use dodge_hparams::Choice;
use dodge_learn::{AgentNetwork, Device, Encoder, Head, NetworkParams, NetworkShape, Proposals};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::photo::actions::ActionSet;
use crate::photo::environment::Material;
use crate::photo::expectation::Expectation;
use crate::photo::known_edits::KnownEdits;
use crate::photo::observation::{Observe, Observer};
use crate::whole_file::write_whole;

/// Version of the model files that are written, and the only one that is read.
pub const MODEL_FORMAT: u32 = 7;

/// The file of the model in the box. It was trained on photos made by the program alone, by `cargo xtask house-model`; its card lies
/// beside it in the repository.
pub static HOUSE_MODEL: &[u8] = include_bytes!("../../house/model.safetensors");

/// Most bytes of a model file that are read.
const MAX_MODEL_BYTES: u64 = 1 << 30;

/// Keys of the file's metadata.
const FORMAT_KEY: &str = "dodge_model_format";
const CONFIGURATION_KEY: &str = "dodge_model_configuration";

/// What a model needs to know about itself to be used: stored in the file beside the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfiguration {
    /// Operations in their text form, in the order of the network's outputs; *stop* follows.
    pub actions: Vec<String>,
    /// Whether pointless edits are masked, as in its training.
    pub mask_actions: bool,
    /// Edits after which the model is stopped where it makes one at a time.
    pub max_steps: usize,
    /// How often it looks at most where it moves all sliders at once.
    pub most_looks: usize,
    /// Where it foretells gains: what they are worth.
    pub expectation: Expectation,
    /// Where it foretells gains: it leaves photos alone of which it expects no more than this, in decibels.
    pub least_gain_db: f32,
    /// Longer side of the working photo, in pixels.
    pub working_size: u32,
    /// How the network looks at photos.
    pub encoder: Encoder,
    /// Sides of the square picture that its encoder sees, in pixels.
    pub picture_size: u32,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// What the network's outputs mean.
    pub head: Head,
    /// What showed it photos, as [`Observe::name`] calls it.
    pub observation: String,
    /// What it has to beat without its training photos.
    pub known_edits: KnownEdits,
    /// Name of the algorithm that trained it.
    pub algorithm: String,
    /// Name of the juror that helped.
    pub juror: String,
    /// Environment steps it was trained for.
    pub environment_steps: u64,
    /// Seed of the training.
    pub seed: u64,
}

/// A trained agent: networks and the configuration they were trained with.
#[derive(Debug, Clone)]
pub struct Model {
    configuration: ModelConfiguration,
    actions: ActionSet,
    observer: Arc<dyn Observe>,
    network: AgentNetwork,
    device: Device,
}

impl ModelConfiguration {
    fn action_set(&self) -> Result<ActionSet, Error> {
        let actions = ActionSet::parse(&self.actions)?;
        Ok(if self.mask_actions { actions } else { actions.unmasked() })
    }

    /// What shows photos to such a model, where its trainer brought nothing of its own.
    fn observer(&self) -> Observer {
        let with_layout = Observer::new().with_layout();
        if self.observation == with_layout.name() {
            return with_layout;
        }
        let (encoder, picture_size) = (self.encoder, self.picture_size);
        Observer::for_network(&NetworkParams { encoder, picture_size, ..NetworkParams::default() })
    }
}

impl Model {
    /// Puts a model together that is shown photos by `observer`, whose name the configuration takes over.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the actions cannot be read.
    pub fn new(
        configuration: ModelConfiguration,
        observer: Arc<dyn Observe>,
        network: AgentNetwork,
        device: Device,
    ) -> Result<Self, Error> {
        let actions = configuration.action_set()?;
        let configuration = ModelConfiguration { observation: observer.name(), ..configuration };
        Ok(Self { configuration, actions, observer, network, device })
    }

    /// What the model was trained with.
    #[must_use]
    pub fn configuration(&self) -> &ModelConfiguration {
        &self.configuration
    }

    /// The same model, for photos of which it expects `boldness` decibels less than before, and never where its network foretells a
    /// loss.
    ///
    /// # Errors
    /// [`Error::Configuration`] where it expects no gains: it then knows no boldness.
    pub fn bolder(mut self, boldness: f32) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Configuration { section: "boldness", reason };
        if self.configuration.head != Head::Sliders {
            let algorithm = &self.configuration.algorithm;
            return Err(invalid(format!("the model was trained by {algorithm}, which expects no gain: leave it out")));
        }
        if !boldness.is_finite() {
            return Err(invalid(format!("is {boldness}, expected a number of decibels")));
        }
        self.configuration.least_gain_db =
            (self.configuration.least_gain_db - boldness).max(self.configuration.expectation.boldest_db());
        Ok(self)
    }

    /// Where its network computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What it computes with.
    pub(crate) fn network(&self) -> &AgentNetwork {
        &self.network
    }

    /// The hyperparameters, as section, key and value, with which a training goes on from this model: what its weights stand for.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let configuration = &self.configuration;
        let list = |words: &[String]| format!("[{}]", words.join(", "));
        let actions: Vec<String> = configuration.actions.iter().map(|action| format!("\"{action}\"")).collect();
        let hidden: Vec<String> = configuration.hidden.iter().map(ToString::to_string).collect();
        vec![
            ("training", "algorithm", configuration.algorithm.clone()),
            ("environment", "actions", list(&actions)),
            ("environment", "mask_actions", configuration.mask_actions.to_string()),
            ("environment", "max_steps", configuration.max_steps.to_string()),
            ("environment", "working_size", configuration.working_size.to_string()),
            ("network", "encoder", configuration.encoder.name().to_owned()),
            ("network", "picture_size", configuration.picture_size.to_string()),
            ("apg", "hidden", list(&hidden)),
        ]
    }

    /// Whether it was taught by what a person made of photos, and not by damage.
    #[must_use]
    pub fn is_taught_by_a_person(&self) -> bool {
        self.configuration.most_looks == Material::Pairs.most_looks()
    }

    /// What it may do.
    #[must_use]
    pub fn actions(&self) -> &ActionSet {
        &self.actions
    }

    /// What shows it photos as it was trained to see them.
    #[must_use]
    pub fn observer(&self) -> &Arc<dyn Observe> {
        &self.observer
    }

    /// How much each action is preferred, `[batch][action]`, for observations `[batch][feature]`.
    #[must_use]
    pub fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        let length = self.observer.observation_len(self.actions.len());
        self.network.preferences(observations, length, &self.device)
    }

    /// How strongly a model that chooses strengths would do each kind of edit that takes one, `[batch][kind]` from -1 to 1, for
    /// observations `[batch][feature]`; empty for others.
    #[must_use]
    pub fn strengths(&self, observations: &[f32]) -> Vec<f32> {
        let length = self.observer.observation_len(self.actions.len());
        self.network.strengths(observations, length, &self.device)
    }

    /// For a model that moves all sliders at once, what it would do about observations `[batch][feature]`.
    #[must_use]
    pub fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
        let length = self.observer.observation_len(self.actions.len());
        self.network.proposals(observations, length, &self.device)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Model`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.to_bytes().map_err(|error| match error {
            Error::Model { reason, .. } => Error::Model { path: path.to_owned(), reason },
            other => other,
        })?;
        write_whole(path, &bytes)
    }

    /// The bytes of the file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let configuration = serde_json::to_string(&self.configuration).expect("plain values are always JSON");
        let format = MODEL_FORMAT.to_string();
        let metadata = [(FORMAT_KEY, &*format), (CONFIGURATION_KEY, &*configuration)];
        self.network
            .to_safetensors(&metadata)
            .map_err(|error| Error::Model { path: "in memory".into(), reason: error.to_string() })
    }

    /// Reads a file written by [`Model::save`] onto a device.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Model`] for a file that is truncated, no model, of another format version, or whose
    /// tensors do not fit its configuration.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        Self::load_with(path, None, device)
    }

    /// Reads a model that was trained with an [`Observe`] of one's own.
    ///
    /// # Errors
    /// As [`Model::load`], and [`Error::Model`] where it was trained with another one.
    pub fn load_with(path: &Path, observer: Option<Arc<dyn Observe>>, device: &Device) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Model { path: path.to_owned(), reason };
        Self::from_bytes(read_bounded(path)?, observer, device).map_err(invalid)
    }

    /// The model in the box, for photos that nobody trained another one for: [`HOUSE_MODEL`].
    ///
    /// # Errors
    /// [`Error::Model`] in a program that was changed so that it no longer reads it: `cargo xtask house-model` makes a new one.
    pub fn in_the_box(device: &Device) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Model { path: "the model in the box".into(), reason };
        Self::from_bytes(HOUSE_MODEL.to_vec(), None, device).map_err(invalid)
    }

    /// Of the bytes of a file; the error says why they are none.
    fn from_bytes(bytes: Vec<u8>, observer: Option<Arc<dyn Observe>>, device: &Device) -> Result<Self, String> {
        let configuration = read_configuration(&bytes)?;
        let actions = configuration.action_set().map_err(|e| e.to_string())?;
        let observer = observer.unwrap_or_else(|| Arc::new(configuration.observer()));
        if configuration.observation != observer.name() {
            let (got, wanted) = (&configuration.observation, observer.name());
            return Err(format!("was shown photos by `{got}`, this program has `{wanted}`: train it again"));
        }
        if configuration.head == Head::Sliders && actions.space().scaled == 0 {
            return Err("moves sliders, and has none".to_owned());
        }
        let widths = &configuration.hidden;
        if widths.len() > 8 || widths.iter().any(|&width| !(1..=8192).contains(&width)) {
            return Err(format!("has hidden layers of {widths:?}, which is out of bounds"));
        }
        if !configuration.known_edits.is_usable() {
            return Err("names baselines that change the size of a photo, or too many edits".to_owned());
        }
        let in_bounds = (1..=100).contains(&configuration.max_steps)
            && (1..=100).contains(&configuration.most_looks)
            && (16..=1024).contains(&configuration.working_size)
            && (24..=512).contains(&configuration.picture_size)
            && configuration.least_gain_db.is_finite();
        if !in_bounds {
            return Err("has an episode length, a number of looks, a working size, a picture size or a least gain out of bounds".to_owned());
        }
        let shape = NetworkShape {
            observation_len: observer.observation_len(actions.len()),
            picture: observer.picture(),
            encoder: configuration.encoder,
            hidden: widths,
            action_count: if configuration.head == Head::Sliders { actions.space().scaled } else { actions.len() },
            head: configuration.head,
        };
        let network = AgentNetwork::from_safetensors(bytes, shape, device).map_err(|e| e.to_string())?;
        Ok(Self { configuration, actions, observer, network, device: device.clone() })
    }
}

/// The configuration of a model file.
fn read_configuration(bytes: &[u8]) -> Result<ModelConfiguration, String> {
    let damaged = |e: safetensors::SafeTensorError| format!("is no model file, or truncated ({e})");
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let metadata: HashMap<String, String> = header.metadata().clone().unwrap_or_default();
    let format = metadata.get(FORMAT_KEY).ok_or("is a safetensors file, but no model of dodge")?;
    if *format != MODEL_FORMAT.to_string() {
        return Err(format!("has format version {format}, this program reads version {MODEL_FORMAT}: train it again"));
    }
    let configuration = metadata.get(CONFIGURATION_KEY).ok_or("lacks its configuration")?;
    serde_json::from_str(configuration).map_err(|e| format!("has a configuration that cannot be read: {e}"))
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let file_error = |source| Error::File { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(file_error)?.take(MAX_MODEL_BYTES + 1).read_to_end(&mut bytes).map_err(file_error)?;
    if bytes.len() as u64 > MAX_MODEL_BYTES {
        return Err(Error::Model {
            path: path.to_owned(),
            reason: "larger than 1 GiB, so no model of dodge".to_owned(),
        });
    }
    Ok(bytes)
}
