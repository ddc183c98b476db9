//! A convolution and its gradients over slices, as products of matrices.
//!
//! A few images at a time become the matrix of their windows, which stays in the cache until the product has read it.
//! The division of a batch depends on the batch alone, and partial sums are added in its order, so that results are the
//! same to the last bit whatever the number of threads.

use std::cell::RefCell;

use rayon::prelude::*;

use super::geometry::Geometry;
use crate::nn::activation::Activation;
use crate::nn::product::{Matrix, Output, exchange, multiply};
use crate::nn::vectorized::vectorized;

/// So many numbers of windows are made at a time: half a megabyte, which is about what one core has for itself.
const SCRATCH_LEN: usize = 128 * 1024;

/// A gradient by the weights is summed in at most so many parts, because each part takes the memory of the weights.
const MOST_PARTS: usize = 32;

/// Outputs `[image, position, filter]` of a convolution for `images` in the order that the geometry says, with weights
/// `[filter, number of the window]` and a bias for each filter.
pub(super) fn forward(
    geometry: &Geometry,
    activation: Activation,
    images: &[f32],
    weights: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let Geometry { filters, .. } = *geometry;
    let (image_len, window_len) = (geometry.image_len(), geometry.window_len());
    // The product runs along the filters, fastest where they are neighbours.
    let weights = exchange(weights, filters, window_len);
    let weights = Matrix::of_rows(&weights, window_len, filters);
    let count = images_at_a_time(geometry);
    let mut outputs = vec![0.0; images.len() / image_len * geometry.output_len()];
    let parts = outputs.par_chunks_mut(count * geometry.output_len()).zip(images.par_chunks(count * image_len));
    parts.for_each(|(outputs, images)| {
        let rows = outputs.len() / filters;
        with_scratch(rows * window_len, 0, |windows, _| {
            geometry.gather(images, windows);
            multiply(Matrix::of_rows(windows, rows, window_len), weights, outputs, Output::Replace);
        });
        vectorized(|| {
            for outputs in outputs.chunks_exact_mut(filters) {
                outputs.iter_mut().zip(bias).for_each(|(output, bias)| *output = activation.of(*output + bias));
            }
        });
    });
    outputs
}

/// Which gradients a backward pass is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) images: bool,
    pub(super) weights: bool,
    pub(super) bias: bool,
}

/// The gradients of a convolution, laid out as the arguments of [`forward`]; those not wanted are empty.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) images: Vec<f32>,
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// What the gradients of a convolution are computed from, each laid out as in [`forward`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) activation: Activation,
    pub(super) images: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) outputs: &'a [f32],
    /// The gradient by the outputs.
    pub(super) gradients: &'a [f32],
}

/// The gradients of a convolution by what goes into it.
pub(super) fn backward(pass: &Pass<'_>, wanted: Wanted) -> Gradients {
    let geometry = pass.geometry;
    let (image_len, output_len) = (geometry.image_len(), geometry.output_len());
    let batch = pass.images.len() / image_len;
    let count = images_at_a_time(geometry).max(batch.div_ceil(MOST_PARTS));
    let mut images = vec![0.0; if wanted.images { pass.images.len() } else { 0 }];
    let mut parts: Vec<&mut [f32]> = images.chunks_mut(count * image_len).collect();
    parts.resize_with(batch.div_ceil(count), Default::default);
    let sums: Vec<Sums> = parts
        .into_par_iter()
        .enumerate()
        .map(|(index, images)| {
            let first = index * count;
            let last = batch.min(first + count);
            let part = Pass {
                images: &pass.images[first * image_len..last * image_len],
                outputs: &pass.outputs[first * output_len..last * output_len],
                gradients: &pass.gradients[first * output_len..last * output_len],
                ..*pass
            };
            part.run(wanted, images)
        })
        .collect();
    let weights = total(&sums, |sums| &sums.weights);
    let bias = total(&sums, |sums| &sums.bias);
    Gradients { images, weights, bias }
}

/// The gradients of some of the images by what they share.
#[derive(Debug)]
struct Sums {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Pass<'_> {
    /// Goes backward on the calling thread; adds to `image_gradients` if they are wanted.
    fn run(&self, wanted: Wanted, image_gradients: &mut [f32]) -> Sums {
        let &Self { geometry, activation, .. } = self;
        let Geometry { filters, .. } = *geometry;
        let (image_len, output_len) = (geometry.image_len(), geometry.output_len());
        let (positions, window_len) = (geometry.positions(), geometry.window_len());
        let weights = Matrix::of_rows(self.weights, filters, window_len);
        let mut sums = Sums {
            weights: vec![0.0; if wanted.weights { self.weights.len() } else { 0 }],
            bias: vec![0.0; if wanted.bias { filters } else { 0 }],
        };
        let count = images_at_a_time(geometry);
        let outputs = self.outputs.chunks(count * output_len).zip(self.gradients.chunks(count * output_len));
        for (index, (images, (outputs, gradients))) in self.images.chunks(count * image_len).zip(outputs).enumerate() {
            let rows = images.len() / image_len * positions;
            with_scratch(rows * window_len, rows * filters, |windows, inner| {
                vectorized(|| {
                    for ((inner, &gradient), &output) in inner.iter_mut().zip(gradients).zip(outputs) {
                        *inner = activation.gradient(gradient, output);
                    }
                    if wanted.bias {
                        for inner in inner.chunks_exact(filters) {
                            sums.bias.iter_mut().zip(inner).for_each(|(sum, x)| *sum += x);
                        }
                    }
                });
                let inner = Matrix::of_rows(inner, rows, filters);
                if wanted.weights {
                    geometry.gather(images, windows);
                    let windows = Matrix::of_rows(windows, rows, window_len);
                    multiply(inner.transposed(), windows, &mut sums.weights, Output::Add);
                }
                if wanted.images {
                    multiply(inner, weights, windows, Output::Replace);
                    let first = index * count * image_len;
                    geometry.scatter(windows, &mut image_gradients[first..first + images.len()]);
                }
            });
        }
        sums
    }
}

/// How many images fit the scratch.
fn images_at_a_time(geometry: &Geometry) -> usize {
    (SCRATCH_LEN / (geometry.positions() * geometry.window_len())).max(1)
}

/// The sums of all parts, number by number in the order of the parts.
fn total(sums: &[Sums], of: fn(&Sums) -> &Vec<f32>) -> Vec<f32> {
    const AT_A_TIME: usize = 2048;
    let mut total = vec![0.0; sums.first().map_or(0, |sums| of(sums).len())];
    total.par_chunks_mut(AT_A_TIME).enumerate().for_each(|(index, total)| {
        for sums in sums {
            let part = &of(sums)[index * AT_A_TIME..][..total.len()];
            total.iter_mut().zip(part).for_each(|(total, x)| *total += x);
        }
    });
    total
}

/// Calls `work` with two slices of these lengths, filled with anything. Fresh memory of this size would be handed out page
/// by page, which takes about as long as filling it.
fn with_scratch(first: usize, second: usize, work: impl FnOnce(&mut [f32], &mut [f32])) {
    thread_local! {
        static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    }
    // `work` starts nothing on other threads, so that this thread never comes here again before it returns.
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < first + second {
            scratch.resize(first + second, 0.0);
        }
        let (first, rest) = scratch.split_at_mut(first);
        work(first, &mut rest[..second]);
    });
}
