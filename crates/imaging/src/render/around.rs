//! Rows from the rows around them.

use super::each::clamp;
use super::length::{WIDEST_BLUR, WIDEST_BOX, scaled};
use super::weighted::weighted_sum;
use super::{Held, Rows, Shape, Stage, grid};
use crate::OperationKind;
use crate::kernels::gaussian::{WIDE_BLUR, clarity_sigma, gaussian_weights};
use crate::kernels::rows::fill_margins;
use crate::kernels::{mirrored, vectorized};

/// Standard deviation of the mean of the four neighbours, and of all eight: the 3x3 sharpening of a photo that was scaled
/// down is the difference from a Gaussian blur of as many of its pixels.
const OF_FOUR: f32 = std::f32::consts::FRAC_1_SQRT_2;
const OF_EIGHT: f32 = 0.866_025_4;

/// Narrowest Gaussian that does anything.
const NARROW: f32 = 0.05;

/// Rows after sharpening or blur. Lengths in pixels are multiplied by `scale`.
pub(super) fn stage(rows: Stage<'_>, kind: OperationKind, strength: f32, scale: f32) -> Stage<'_> {
    let longer = rows.shape().longer_side();
    let sigma = |length: f32| scaled(length, scale, longer, WIDEST_BLUR);
    match kind {
        OperationKind::Sharpen if scale > 1.0 => detail(rows, sigma(OF_FOUR), 4.0 * strength),
        OperationKind::SharpenEight if scale > 1.0 => detail(rows, sigma(OF_EIGHT), 8.0 * strength),
        OperationKind::Sharpen => {
            around(rows, Laplacian { amount: strength, corners: 0.0, padded: Default::default() })
        }
        OperationKind::SharpenEight => {
            around(rows, Laplacian { amount: strength, corners: 1.0, padded: Default::default() })
        }
        OperationKind::UnsharpMask => detail(rows, sigma(1.5), strength),
        OperationKind::Clarity => detail(rows, clarity_sigma(longer as u32), strength),
        OperationKind::Blur => blur(rows, sigma(strength)),
        OperationKind::BoxBlur => box_blur(rows, scaled(strength, scale, longer, WIDEST_BOX)),
        kind => unreachable!("{kind:?} is no filter"),
    }
}

/// Adds `amount` times the difference from a Gaussian blur.
fn detail(rows: Stage<'_>, sigma: f32, amount: f32) -> Stage<'_> {
    gaussian(rows, sigma, move |here, soft| here + amount * (here - soft))
}

fn blur(rows: Stage<'_>, sigma: f32) -> Stage<'_> {
    if sigma < NARROW { rows } else { gaussian(rows, sigma, |_, soft| soft) }
}

/// Replaces each level by what `finish` makes of it and its blurred self.
fn gaussian<'a>(rows: Stage<'a>, sigma: f32, finish: impl Fn(f32, f32) -> f32 + Clone + Send + 'a) -> Stage<'a> {
    if sigma >= WIDE_BLUR {
        return grid::blurred(rows, sigma, finish);
    }
    let (weights, padded, soft) = (gaussian_weights(sigma), Vec::new(), Vec::new());
    around(rows, Gaussian { weights, padded, soft, finish })
}

/// Mean of the square that reaches `radius` pixels to every side; between whole numbers the two are mixed.
fn box_blur(rows: Stage<'_>, radius: f32) -> Stage<'_> {
    let [low, high] = [radius.floor() as usize, radius.ceil() as usize].map(Means::new);
    around(rows, BoxBlur { low, high, share: radius.fract(), other: Vec::new() })
}

/// A computation of rows from those that lie at most `reach` above and below.
pub(super) trait Neighbourhood: Clone + Send {
    /// The row that stands for one beyond the border.
    const BORDER: fn(isize, usize) -> usize = mirrored;

    fn reach(&self) -> usize;

    /// Fills the target with rows from `first` on; `row` gives those around them.
    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]);
}

pub(super) fn around<'a, W: Neighbourhood + 'a>(rows: Stage<'a>, work: W) -> Stage<'a> {
    Box::new(Around { rows, work, held: Held::default() })
}

#[derive(Clone)]
struct Around<'a, W> {
    rows: Stage<'a>,
    work: W,
    held: Held,
}

impl<'a, W: Neighbourhood + 'a> Rows<'a> for Around<'a, W> {
    fn shape(&self) -> Shape {
        let shape = self.rows.shape();
        Shape { held: shape.held + (2 * self.work.reach()).min(shape.height), ..shape }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let (stride, height, reach) = (self.shape().stride(), self.shape().height, self.work.reach());
        let end = (first + target.len() / stride + reach).min(height);
        self.held.hold(&mut self.rows, first.saturating_sub(reach), end);
        let held = &self.held;
        self.work.compute(first as isize, &|y| held.row(W::BORDER(y, height), stride), target);
        clamp(target);
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

/// Adds `amount` times the difference from the four neighbours, and from those at the corners.
#[derive(Clone)]
struct Laplacian {
    amount: f32,
    corners: f32,
    padded: [Vec<f32>; 3],
}

impl Neighbourhood for Laplacian {
    fn reach(&self) -> usize {
        1
    }

    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
        let stride = row(first).len();
        for (y, target) in (first..).zip(target.chunks_exact_mut(stride)) {
            for (offset, padded) in (-1..).zip(&mut self.padded) {
                padded.resize(stride + 6, 0.0);
                padded[3..stride + 3].copy_from_slice(row(y + offset));
                fill_margins(padded, 1, mirrored);
            }
            let [[a, b, c], [d, e, f], [g, h, k]] =
                self.padded.each_ref().map(|row| [0, 3, 6].map(|from| &row[from..from + stride]));
            let (amount, corners) = (self.amount, self.corners);
            vectorized(
                #[inline(always)]
                || {
                    for i in 0..stride {
                        let straight = 4.0 * e[i] - b[i] - d[i] - f[i] - h[i];
                        let diagonal = 4.0 * e[i] - a[i] - c[i] - g[i] - k[i];
                        target[i] = e[i] + amount * (straight + corners * diagonal);
                    }
                },
            );
        }
    }
}

/// First down, then across.
#[derive(Clone)]
struct Gaussian<F> {
    weights: Vec<f32>,
    padded: Vec<f32>,
    soft: Vec<f32>,
    finish: F,
}

impl<F: Fn(f32, f32) -> f32 + Clone + Send> Neighbourhood for Gaussian<F> {
    fn reach(&self) -> usize {
        self.weights.len() - 1
    }

    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
        let (stride, reach) = (row(first).len(), self.reach());
        let Self { weights, padded, soft, finish } = self;
        padded.resize(stride + 6 * reach, 0.0);
        soft.resize(stride, 0.0);
        for (y, target) in (first..).zip(target.chunks_exact_mut(stride)) {
            vectorized(
                #[inline(always)]
                || {
                    weighted_sum(&mut padded[3 * reach..][..stride], weights, |offset| row(y + offset));
                    fill_margins(padded, reach, mirrored);
                    let moved = |offset: isize| &padded[3 * (reach as isize + offset) as usize..][..stride];
                    weighted_sum(soft, weights, moved);
                    for ((target, &here), &soft) in target.iter_mut().zip(row(y)).zip(&*soft) {
                        *target = finish(here, soft);
                    }
                },
            );
        }
    }
}

/// Means of two sizes, mixed.
#[derive(Clone)]
struct BoxBlur {
    low: Means,
    high: Means,
    share: f32,
    other: Vec<f32>,
}

impl Neighbourhood for BoxBlur {
    fn reach(&self) -> usize {
        self.high.radius
    }

    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
        self.low.compute(first, row, target);
        if self.share > 0.0 {
            self.other.resize(target.len(), 0.0);
            self.high.compute(first, row, &mut self.other);
            target.iter_mut().zip(&self.other).for_each(|(low, high)| *low += self.share * (high - *low));
        }
    }
}

/// Means of the squares that reach `radius` pixels to every side, from sums that move along.
///
/// They are sums of whole numbers, which are the same whatever they began with.
#[derive(Clone)]
struct Means {
    radius: usize,
    /// Units of a level: as many as sums of a column have room for in 32 bits, and a float in its digits.
    parts: f32,
    /// The sum of each column of the window of row `next`, without its lowest row.
    columns: Vec<u32>,
    next: Option<isize>,
}

impl Means {
    fn new(radius: usize) -> Self {
        let parts = (1_u32 << 24) / (2 * radius as u32 + 1).next_power_of_two();
        Self { radius, parts: parts.min(1 << 16) as f32, columns: Vec::new(), next: None }
    }

    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
        let (stride, radius, unit) = (row(first).len(), self.radius, self.parts);
        if radius == 0 {
            let rows = (first..).zip(target.chunks_exact_mut(stride));
            return rows.for_each(|(y, target)| target.copy_from_slice(row(y)));
        }
        let reach = radius as isize;
        let middle = 3 * radius..3 * radius + stride;
        let change = |columns: &mut [u32], y: isize, sign: u32| {
            vectorized(
                #[inline(always)]
                || {
                    for (sum, &level) in columns.iter_mut().zip(row(y)) {
                        *sum = sum.wrapping_add(((level * unit + 0.5) as i32 as u32).wrapping_mul(sign));
                    }
                },
            );
        };
        let (add, subtract) = (1, u32::MAX);
        if self.next != Some(first) {
            self.columns.clear();
            self.columns.resize(stride + 6 * radius, 0);
            (first - reach..first + reach).for_each(|y| change(&mut self.columns[middle.clone()], y, add));
        }
        let area = ((2 * radius + 1) * (2 * radius + 1)) as f64;
        let reciprocal = 1.0 / (area * f64::from(unit));
        for (y, target) in (first..).zip(target.chunks_exact_mut(stride)) {
            change(&mut self.columns[middle.clone()], y + reach, add);
            fill_margins(&mut self.columns, radius, mirrored);
            let mut window = [0_u64; 3];
            for pixel in self.columns[..6 * radius].as_chunks::<3>().0 {
                window.iter_mut().zip(pixel).for_each(|(sum, column)| *sum += u64::from(*column));
            }
            let ends = self.columns[6 * radius..].as_chunks::<3>().0.iter().zip(self.columns.as_chunks::<3>().0);
            for (pixel, (enters, leaves)) in target.as_chunks_mut::<3>().0.iter_mut().zip(ends) {
                for channel in 0..3 {
                    window[channel] += u64::from(enters[channel]);
                    pixel[channel] = (window[channel] as f64 * reciprocal) as f32;
                    window[channel] -= u64::from(leaves[channel]);
                }
            }
            change(&mut self.columns[middle.clone()], y - reach, subtract);
            self.next = Some(y + 1);
        }
    }
}
