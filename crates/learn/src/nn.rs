//! Networks: layers with a backward pass of our own, encoders for pictures, the optimiser. It knows no rewards.

pub(crate) mod activation;
pub(crate) mod convolution;
pub(crate) mod dense;
pub(crate) mod device;
pub(crate) mod encoder;
pub(crate) mod foresight;
pub(crate) mod initial;
pub(crate) mod layer;
pub(crate) mod network;
pub(crate) mod optimizer;
pub(crate) mod perceptron;
pub(crate) mod picture;
pub(crate) mod product;
pub(crate) mod proposals;
pub(crate) mod rows;
pub(crate) mod vectorized;
pub(crate) mod weights;
