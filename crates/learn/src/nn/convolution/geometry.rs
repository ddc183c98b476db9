//! Where the windows of a convolution lie, and the way from an image to the matrix of its windows and back.

use crate::nn::product::exchange;

/// In which order the numbers of an image, or of a window of it, lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `[channel, row, column]`.
    Planes,
    /// `[row, column, channel]`.
    Pixels,
}

/// The shape of a convolution of one image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) filters: usize,
    pub(super) kernel_height: usize,
    pub(super) kernel_width: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) order: Order,
}

impl Geometry {
    /// Rows of the output.
    pub(super) fn rows(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel_height) / self.stride + 1
    }

    /// Columns of the output.
    pub(super) fn columns(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel_width) / self.stride + 1
    }

    /// How many windows an image has, which are the pixels of the output.
    pub(super) fn positions(&self) -> usize {
        self.rows() * self.columns()
    }

    /// How many numbers an image has.
    pub(super) fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// How many numbers a window has.
    pub(super) fn window_len(&self) -> usize {
        self.channels * self.kernel_height * self.kernel_width
    }

    /// How many numbers an output has.
    pub(super) fn output_len(&self) -> usize {
        self.positions() * self.filters
    }

    /// Copies the windows of whole `images` to `windows`, `[image and position, number of the window]`.
    pub(super) fn gather(&self, images: &[f32], windows: &mut [f32]) {
        let windows_of_images = windows.chunks_exact_mut(self.positions() * self.window_len());
        for (image, windows) in images.chunks_exact(self.image_len()).zip(windows_of_images) {
            if self.padding > 0 {
                windows.fill(0.0);
            }
            self.for_each_run(|window_at, image_at, length| {
                copy(&mut windows[window_at..window_at + length], &image[image_at..image_at + length]);
            });
        }
    }

    /// Adds `windows` to where [`gather`](Self::gather) copies them from.
    pub(super) fn scatter(&self, windows: &[f32], images: &mut [f32]) {
        let windows_of_images = windows.chunks_exact(self.positions() * self.window_len());
        for (image, windows) in images.chunks_exact_mut(self.image_len()).zip(windows_of_images) {
            self.for_each_run(|window_at, image_at, length| {
                let sums = &mut image[image_at..image_at + length];
                sums.iter_mut().zip(&windows[window_at..window_at + length]).for_each(|(sum, x)| *sum += x);
            });
        }
    }

    /// Calls `visit` with each stretch that lies in one piece both in the windows of an image and in the image: its
    /// start in the windows, its start in the image, and its length. What falls into the padding is left out.
    fn for_each_run(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (planes, pixel) = match self.order {
            Order::Planes => (self.channels, 1),
            Order::Pixels => (1, self.channels),
        };
        let (rows, columns, window_len) = (self.rows(), self.columns(), self.window_len());
        for row in 0..rows {
            let (top, inner_rows) = self.inside(row, self.kernel_height, self.height);
            for column in 0..columns {
                let (left, inner_columns) = self.inside(column, self.kernel_width, self.width);
                let length = inner_columns.len() * pixel;
                if length == 0 {
                    continue;
                }
                let window = (row * columns + column) * window_len + inner_columns.start * pixel;
                for plane in 0..planes {
                    for y in inner_rows.clone() {
                        let in_window = (plane * self.kernel_height + y) * self.kernel_width * pixel;
                        let in_image =
                            ((plane * self.height + top + y - self.padding) * self.width + left + inner_columns.start
                                - self.padding)
                                * pixel;
                        visit(window + in_window, in_image, length);
                    }
                }
            }
        }
    }

    /// Where a window begins on a side, counted from the start of the padding, and which part of it lies in the image.
    fn inside(&self, index: usize, kernel: usize, side: usize) -> (usize, std::ops::Range<usize>) {
        let start = index * self.stride;
        let first = self.padding.saturating_sub(start).min(kernel);
        let end = (side + self.padding).saturating_sub(start).min(kernel);
        (start, first..end.max(first))
    }
}

/// Copies a stretch. A call of `memcpy` takes longer than the few numbers of the usual kernels, which fit into registers
/// when their count is known.
fn copy(to: &mut [f32], from: &[f32]) {
    match from.len() {
        3 => copy_array::<3>(to, from),
        4 => copy_array::<4>(to, from),
        5 => copy_array::<5>(to, from),
        8 => copy_array::<8>(to, from),
        _ => to.copy_from_slice(from),
    }
}

#[inline(always)]
fn copy_array<const N: usize>(to: &mut [f32], from: &[f32]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = *from;
    }
}

/// Puts the weights of one filter after another, `[filter, channel, row, column]`, into the order of the windows.
pub(super) fn to_window_order(geometry: &Geometry, weights: &[f32]) -> Vec<f32> {
    match geometry.order {
        Order::Planes => weights.to_vec(),
        Order::Pixels => exchange(weights, geometry.channels, geometry.kernel_height * geometry.kernel_width),
    }
}

/// Undoes [`to_window_order`].
pub(super) fn from_window_order(geometry: &Geometry, weights: Vec<f32>) -> Vec<f32> {
    match geometry.order {
        Order::Planes => weights,
        Order::Pixels => exchange(&weights, geometry.kernel_height * geometry.kernel_width, geometry.channels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(order: Order, padding: usize) -> Geometry {
        Geometry {
            channels: 2,
            height: 3,
            width: 4,
            filters: 1,
            kernel_height: 2,
            kernel_width: 3,
            stride: 1,
            padding,
            order,
        }
    }

    #[test]
    fn windows_by_hand() {
        let image: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let planes = geometry(Order::Planes, 0);
        let mut windows = vec![f32::NAN; planes.positions() * planes.window_len()];
        planes.gather(&image, &mut windows);
        assert_eq!(windows[..12], [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 12.0, 13.0, 14.0, 16.0, 17.0, 18.0]);
        assert_eq!(windows[12..18], [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]);

        let pixels = geometry(Order::Pixels, 0);
        pixels.gather(&image, &mut windows);
        assert_eq!(windows[..12], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0]);
    }

    #[test]
    fn windows_in_the_corner_are_padded_with_zeros() {
        let image: Vec<f32> = (1..=24).map(|i| i as f32).collect();
        let padded = geometry(Order::Planes, 1);
        let mut windows = vec![f32::NAN; padded.positions() * padded.window_len()];
        padded.gather(&image, &mut windows);
        assert_eq!(windows[..12], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 13.0, 14.0]);
        assert_eq!(windows[windows.len() - 12..][..6], [11.0, 12.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn scattering_is_the_adjoint_of_gathering() {
        for (order, padding) in [(Order::Planes, 0), (Order::Pixels, 0), (Order::Planes, 2), (Order::Pixels, 2)] {
            let geometry = geometry(order, padding);
            let images: Vec<f32> = (0..48).map(|i| (i * 7 % 11) as f32).collect();
            let other: Vec<f32> =
                (0..2 * geometry.positions() * geometry.window_len()).map(|i| (i * 5 % 13) as f32).collect();
            let mut windows = vec![f32::NAN; other.len()];
            geometry.gather(&images, &mut windows);
            let mut sums = vec![0.0; images.len()];
            geometry.scatter(&other, &mut sums);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            assert_eq!(dot(&windows, &other), dot(&images, &sums), "{order:?} {padding}");
        }
    }

    #[test]
    fn the_order_of_weights_comes_back() {
        let weights: Vec<f32> = (0..24).map(|i| i as f32).collect();
        for order in [Order::Planes, Order::Pixels] {
            let geometry = Geometry { filters: 2, ..geometry(order, 0) };
            assert_eq!(from_window_order(&geometry, to_window_order(&geometry, &weights)), weights);
        }
        assert_eq!(to_window_order(&geometry(Order::Pixels, 0), &weights[..12])[..4], [0.0, 6.0, 1.0, 7.0]);
    }
}
