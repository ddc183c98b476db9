//! How large the encoder is: `config.json`, as Hugging Face writes it for SigLIP.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;
use crate::files::{self, Content, unusable};

/// The vision tower of a SigLIP. Names are those of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) hidden_size: usize,
    pub(super) intermediate_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) num_channels: usize,
    pub(super) image_size: usize,
    pub(super) patch_size: usize,
    pub(super) layer_norm_eps: f64,
    hidden_act: Cow<'static, str>,
    /// Whether the tower has the head that pools all patches to one row of numbers.
    vision_use_head: bool,
}

/// `siglip-so400m-patch14-384`, which the aesthetic predictor was trained on.
const SO400M: Configuration = Configuration {
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    num_channels: 3,
    image_size: 384,
    patch_size: 14,
    layer_norm_eps: 1e-6,
    hidden_act: Cow::Borrowed(ACTIVATION),
    vision_use_head: true,
};

/// The one activation that there is code for.
const ACTIVATION: &str = "gelu_pytorch_tanh";

/// Longest configuration that is read; that of so400m has some 800 bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Most of what the published encoders have, twice or more: what is beyond is a mistake, and would cost gigabytes.
const MOST_HIDDEN: usize = 4096;
const MOST_INTERMEDIATE: usize = 16_384;
const MOST_LAYERS: usize = 64;
const MOST_HEADS: usize = 64;
const MOST_PIXELS: usize = 1024;
const MOST_PATCHES: usize = 4096;
/// Numbers of the model; so400m has 428 million.
const MOST_NUMBERS: usize = 2_000_000_000;
/// Numbers in the matrices by which the patches of one photo look at each other: a gibibyte.
const MOST_ATTENTION: usize = 1 << 28;

impl Default for Configuration {
    fn default() -> Self {
        SO400M
    }
}

impl Configuration {
    /// The vision tower that the file describes, and the file's hash. What it does not say is as in so400m.
    pub(super) fn read(path: &Path) -> Result<(Self, String), Error> {
        let Content { bytes, sha256 } = files::content(path, MOST_BYTES)?;
        Self::parse(&bytes).map(|configuration| (configuration, sha256)).map_err(|reason| unusable(path, reason))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Whole {
            vision_config: Option<Configuration>,
            model_type: Option<String>,
        }
        let malformed = |error: serde_json::Error| format!("it cannot be read as a configuration of SigLIP: {error}");
        let whole: Whole = serde_json::from_slice(bytes).map_err(malformed)?;
        let configuration = match (whole.vision_config, whole.model_type.as_deref()) {
            (Some(tower), _) => tower,
            // The vision tower may be saved without the text tower.
            (None, Some("siglip_vision_model")) => serde_json::from_slice(bytes).map_err(malformed)?,
            (None, Some("siglip") | None) => SO400M,
            (None, Some(other)) => {
                return Err(format!("it is of a model of the type `{other}`, and not of a `siglip`"));
            }
        };
        configuration.check()?;
        Ok(configuration)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden_size, MOST_HIDDEN),
            ("intermediate_size", self.intermediate_size, MOST_INTERMEDIATE),
            ("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS),
            ("num_attention_heads", self.num_attention_heads, MOST_HEADS),
            ("image_size", self.image_size, MOST_PIXELS),
            ("patch_size", self.patch_size, self.image_size),
        ];
        for (name, got, most) in sizes {
            if got == 0 || got > most {
                return Err(format!("`{name}` is {got}, and has to be from 1 to {most}"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
            return Err(format!("`hidden_size` is {hidden}, which {heads} attention heads cannot share"));
        }
        if self.num_channels != SO400M.num_channels {
            return Err(format!("`num_channels` is {}, and photos have {}", self.num_channels, SO400M.num_channels));
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(format!("`layer_norm_eps` is {}, and has to lie between 0 and 1", self.layer_norm_eps));
        }
        if self.hidden_act != ACTIVATION {
            return Err(format!("`hidden_act` is `{}`, and only `{ACTIVATION}` is known", self.hidden_act));
        }
        if !self.vision_use_head {
            return Err(
                "`vision_use_head` is false: the encoder lacks the head that the juror looks through".to_owned()
            );
        }
        if self.patches() > MOST_PATCHES {
            return Err(format!("it divides a photo into {} patches, more than {MOST_PATCHES}", self.patches()));
        }
        if self.attention() > MOST_ATTENTION {
            return Err(format!(
                "its attention takes {} numbers a photo, more than {MOST_ATTENTION}",
                self.attention()
            ));
        }
        let numbers: usize = self.tensors().values().map(|shape| shape.iter().product::<usize>()).sum();
        if numbers > MOST_NUMBERS {
            return Err(format!("it describes a model of {numbers} numbers, more than {MOST_NUMBERS}"));
        }
        Ok(())
    }

    /// Patches in a row of them. What is left of the photo beside and below is not looked at.
    pub(super) fn patches_in_a_row(&self) -> usize {
        self.image_size / self.patch_size
    }

    /// Patches of a photo.
    pub(super) fn patches(&self) -> usize {
        self.patches_in_a_row().pow(2)
    }

    /// Numbers of a patch.
    pub(super) fn patch_len(&self) -> usize {
        self.num_channels * self.patch_size.pow(2)
    }

    /// Numbers in the matrices by which the patches of a photo look at each other.
    pub(super) fn attention(&self) -> usize {
        self.num_attention_heads * self.patches().pow(2)
    }

    /// Every tensor of the vision tower in the checkpoint, with its shape.
    pub(super) fn tensors(&self) -> BTreeMap<String, Vec<usize>> {
        let Self { hidden_size: hidden, intermediate_size: intermediate, patch_size: patch, .. } = *self;
        let mut tensors = BTreeMap::new();
        let mut add = |name: String, shape: &[usize]| tensors.insert(name, shape.to_vec());
        add(format!("{PATCHES}.weight"), &[hidden, self.num_channels, patch, patch]);
        add(format!("{PATCHES}.bias"), &[hidden]);
        add(POSITIONS.to_owned(), &[self.patches(), hidden]);
        for number in 0..self.num_hidden_layers {
            let layer = layer(number);
            for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                add(format!("{layer}.self_attn.{name}.weight"), &[hidden, hidden]);
                add(format!("{layer}.self_attn.{name}.bias"), &[hidden]);
            }
        }
        add(PROBE.to_owned(), &[1, 1, hidden]);
        add(format!("{POOLING}.attention.in_proj_weight"), &[3 * hidden, hidden]);
        add(format!("{POOLING}.attention.in_proj_bias"), &[3 * hidden]);
        add(format!("{POOLING}.attention.out_proj.weight"), &[hidden, hidden]);
        add(format!("{POOLING}.attention.out_proj.bias"), &[hidden]);
        let layers = || (0..self.num_hidden_layers).map(layer);
        let norms = layers().flat_map(|layer| [format!("{layer}.layer_norm1"), format!("{layer}.layer_norm2")]);
        for norm in norms.chain([POST_NORM.to_owned(), format!("{POOLING}.layernorm")]) {
            add(format!("{norm}.weight"), &[hidden]);
            add(format!("{norm}.bias"), &[hidden]);
        }
        for perceptron in layers().chain([POOLING.to_owned()]).map(|of| format!("{of}.mlp")) {
            add(format!("{perceptron}.fc1.weight"), &[intermediate, hidden]);
            add(format!("{perceptron}.fc1.bias"), &[intermediate]);
            add(format!("{perceptron}.fc2.weight"), &[hidden, intermediate]);
            add(format!("{perceptron}.fc2.bias"), &[hidden]);
        }
        tensors
    }
}

/// Names of a checkpoint.
pub(super) const PATCHES: &str = "vision_model.embeddings.patch_embedding";
pub(super) const POSITIONS: &str = "vision_model.embeddings.position_embedding.weight";
pub(super) const POST_NORM: &str = "vision_model.post_layernorm";
pub(super) const POOLING: &str = "vision_model.head";
pub(super) const PROBE: &str = "vision_model.head.probe";

/// The beginning of the names of a layer's tensors.
pub(super) fn layer(number: usize) -> String {
    format!("vision_model.encoder.layers.{number}")
}

/// What a checkpoint of a whole SigLIP has beside the vision tower; `position_ids` is a list of whole numbers that old ones
/// hold.
pub(super) fn is_beside_the_tower(name: &str) -> bool {
    !name.starts_with("vision_model.") || name == "vision_model.embeddings.position_ids"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so400m_is_what_a_file_does_not_say() {
        let so400m = Configuration::parse(br#"{"model_type": "siglip", "vision_config": {"patch_size": 14}}"#).unwrap();
        assert_eq!(so400m, SO400M);
        assert_eq!((so400m.patches(), so400m.patch_len()), (729, 588));
        let numbers: usize = so400m.tensors().values().map(|shape| shape.iter().product::<usize>()).sum();
        assert_eq!(numbers, 428_225_600);
        // 27 layers of 16 tensors, and 3 before, 2 after them and 11 of the pooling.
        assert_eq!(so400m.tensors().len(), 27 * 16 + 3 + 2 + 11);
    }

    #[test]
    fn a_tower_alone_describes_itself() {
        let small = Configuration::parse(br#"{"model_type": "siglip_vision_model", "num_hidden_layers": 3}"#).unwrap();
        assert_eq!(small, Configuration { num_hidden_layers: 3, ..SO400M });
    }

    #[test]
    fn absurd_configurations_are_refused() {
        let check = |tower: &str, expected: &str| {
            let error = Configuration::parse(format!(r#"{{"vision_config": {{{tower}}}}}"#).as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}, not {expected}");
        };
        check(r#""hidden_size": 0"#, "`hidden_size` is 0, and has to be from 1 to 4096");
        check(r#""hidden_size": 1000000000000"#, "`hidden_size` is 1000000000000, and has to be from 1 to 4096");
        check(r#""hidden_size": -1"#, "invalid value: integer `-1`");
        check(r#""hidden_size": 1e300"#, "invalid type");
        check(r#""hidden_size": 1150"#, "`hidden_size` is 1150, which 16 attention heads cannot share");
        check(r#""patch_size": 400"#, "`patch_size` is 400, and has to be from 1 to 384");
        check(r#""patch_size": 1"#, "into 147456 patches, more than 4096");
        check(r#""num_attention_heads": 64, "image_size": 896"#, "attention takes 1073741824 numbers a photo");
        check(r#""num_channels": 4"#, "`num_channels` is 4, and photos have 3");
        check(r#""layer_norm_eps": 0"#, "`layer_norm_eps` is 0, and has to lie between 0 and 1");
        check(r#""hidden_act": "relu""#, "`hidden_act` is `relu`, and only `gelu_pytorch_tanh` is known");
        check(r#""vision_use_head": false"#, "lacks the head");
        check(
            r#""hidden_size": 4096, "intermediate_size": 16384, "num_hidden_layers": 64"#,
            "numbers, more than 2000000000",
        );
        let refused = |text: &str| Configuration::parse(text.as_bytes()).unwrap_err();
        assert!(refused(r#"{"model_type": "clip"}"#).contains("of the type `clip`, and not of a `siglip`"));
        assert!(refused("[").contains("cannot be read as a configuration of SigLIP"));
        assert!(refused(&"[".repeat(100_000)).contains("cannot be read"));
    }
}
