//! What a network would do that moves all strengths at once.

use burn::tensor::{Device, Tensor};

use crate::nn::foresight::Foresight;
use crate::nn::network::AgentNetwork;
use crate::nn::rows::{batch, to_vec};

/// The strengths that a policy would take all at once, and what it expects of going a part of that way.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposals {
    /// Strengths of all kinds that take one, `[batch][kind]`, from -1 to 1.
    pub strengths: Vec<f32>,
    /// The expected gain of each share of these strengths, `[batch][share]`.
    pub gains: Vec<f32>,
}

impl Proposals {
    /// The shares of the strengths that are judged.
    pub const SHARES: [f32; 3] = [1.0 / 3.0, 2.0 / 3.0, 1.0];
}

impl AgentNetwork {
    /// What it would do about observations `[batch][feature]` of `length` features, where it moves all strengths at once.
    #[must_use]
    pub fn proposals(&self, observations: &[f32], length: usize, device: &Device) -> Option<Proposals> {
        let foresight: &Foresight = self.foresight()?;
        let mut scaled = observations.to_vec();
        foresight.scale().apply(&mut scaled, length);
        let features_bf = self.features(batch(scaled, length, device));
        let strengths_bk = self.outputs(features_bf.clone());
        let of_share = |share| foresight.gains(features_bf.clone(), strengths_bk.clone() * share);
        let gains_bs = Tensor::cat(Proposals::SHARES.map(of_share).to_vec(), 1);
        Some(Proposals { strengths: to_vec(strengths_bk), gains: to_vec(gains_bs) })
    }
}
