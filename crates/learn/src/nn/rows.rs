//! Rows of numbers: chosen on the host, taken to a device and back.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};

/// Rows of `length` numbers as a tensor `[row, number]`.
pub(crate) fn batch(rows: impl Into<Vec<f32>>, length: usize, device: &Device) -> Tensor<2> {
    let rows = rows.into();
    let count = rows.len() / length;
    Tensor::from_data(TensorData::new(rows, [count, length]), device)
}

pub(crate) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data_as::<f32>().try_into_vec().expect("the data was converted to f32")
}

/// The given rows of `length` values each.
pub(crate) fn pick<T: Copy>(all: &[T], rows: &[usize], length: usize) -> Vec<T> {
    pick_part(all, rows, length, 0..length)
}

/// The same `part` of each of these rows.
pub(crate) fn pick_part<T: Copy>(all: &[T], rows: &[usize], length: usize, part: Range<usize>) -> Vec<T> {
    let mut picked = Vec::with_capacity(rows.len() * part.len());
    for start in rows.iter().map(|row| row * length) {
        picked.extend_from_slice(&all[start + part.start..start + part.end]);
    }
    picked
}
