//! The missing colours of a sensor with filters in squares of four (Bayer): pixel grouping (PPG), after Chuan-kai Lin, "Pixel Grouping for Color
//! Filter Array Demosaicing", 2003.
//!
//! Green first, along the direction in which values change least; then red and blue, by how they differ from green. A few rows at a
//! time, so that all of it stays in the cache of a core.

use crate::kernels::{mirrored, vectorized};

/// How far beyond a pixel its colours are looked for.
const REACH: usize = 3;

/// A sensor with filters in squares of four: red and blue on one diagonal, green on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bayer {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The colour of the filter in the first two rows and columns: 0 red, 1 green, 2 blue.
    filters: [[usize; 2]; 2],
}

impl Bayer {
    /// None for filters that stand otherwise.
    pub(super) fn new(width: usize, height: usize, filters: [[usize; 2]; 2]) -> Option<Self> {
        let diagonals = [[filters[0][0], filters[1][1]], [filters[0][1], filters[1][0]]];
        let is_green = |diagonal: [usize; 2]| diagonal == [1, 1];
        let has_both = |[one, other]: [usize; 2]| one.min(other) == 0 && one.max(other) == 2;
        let [main, other] = diagonals;
        let known = (is_green(main) && has_both(other)) || (is_green(other) && has_both(main));
        known.then_some(Self { width, height, filters })
    }

    /// Columns, even (0) or odd, in which the filters of a row are green.
    fn green_columns(&self, row: usize) -> usize {
        usize::from(self.filters[row % 2][0] != 1)
    }

    /// The other colour of a row.
    fn own_colour(&self, row: usize) -> usize {
        self.filters[row % 2][1 - self.green_columns(row)]
    }
}

/// Room for the rows of a strip: the values of the sensor, and all greens.
#[derive(Default)]
pub(super) struct Strip {
    values: Vec<f32>,
    greens: Vec<f32>,
    /// The two other colours of a row.
    own: Vec<f32>,
    other: Vec<f32>,
}

impl Strip {
    /// Hands red, green and blue of `count` rows from `first` on to `work`, with the number of the row. `read` writes the values of a row of
    /// the sensor. Beyond its ends, the sensor is mirrored.
    pub(super) fn each_row(
        &mut self,
        sensor: &Bayer,
        (first, count): (usize, usize),
        read: impl Fn(usize, &mut [f32]),
        mut work: impl FnMut(usize, [&[f32]; 3]),
    ) {
        let width = sensor.width;
        let stride = width + 2 * REACH;
        self.values.resize(stride * (count + 2 * REACH), 0.0);
        // One row above those wanted and one below.
        self.greens.resize(stride * (count + 2), 0.0);
        self.own.resize(width, 0.0);
        self.other.resize(width, 0.0);
        let above = |row: usize, reach: usize| (first + row) as isize - reach as isize;
        for (row, values) in self.values.chunks_exact_mut(stride).enumerate() {
            read(mirrored(above(row, REACH), sensor.height), &mut values[REACH..REACH + width]);
            for beyond in 1..=REACH {
                values[REACH - beyond] = values[REACH + mirrored(-(beyond as isize), width)];
                let right = width - 1 + beyond;
                values[REACH + right] = values[REACH + mirrored(right as isize, width)];
            }
        }
        for (row, greens) in self.greens.chunks_exact_mut(stride).enumerate() {
            let rows: [&[f32]; 5] = std::array::from_fn(|place| &self.values[stride * (row + place)..][..stride]);
            // One column on each side, too: its parity is that of the column.
            let columns = sensor.green_columns(mirrored(above(row, 1), sensor.height)) + 1;
            greens_of(rows, columns % 2, &mut greens[REACH - 1..REACH + width + 1]);
        }
        for row in 0..count {
            let values: [&[f32]; 5] = std::array::from_fn(|place| &self.values[stride * (row + 1 + place)..][..stride]);
            let greens: [&[f32]; 3] = std::array::from_fn(|place| &self.greens[stride * (row + place)..][..stride]);
            let columns = sensor.green_columns(first + row);
            others_of(values, greens, columns, (&mut self.own, &mut self.other));
            let green = &greens[1][REACH..REACH + width];
            let [red, blue] = match sensor.own_colour(first + row) {
                0 => [&self.own, &self.other],
                _ => [&self.other, &self.own],
            };
            work(first + row, [red, green, blue]);
        }
    }
}

/// The greens of a row, of it and the two rows above and below: as they are in the columns that are even (0) or odd, estimated in the others.
/// `greens` begins one column before the picture does.
fn greens_of([farther_up, up, here, down, farther_down]: [&[f32]; 5], columns: usize, greens: &mut [f32]) {
    let width = greens.len();
    let from = REACH - 1;
    let [farther_up, up, down, farther_down] = [farther_up, up, down, farther_down].map(|row| &row[from..][..width]);
    let [farther_left, left, middle, right, farther_right] =
        [0, 1, 2, 3, 4].map(|place| &here[from + place - 2..][..width]);
    vectorized(
        #[inline(always)]
        || {
            for x in 0..width {
                let value = middle[x];
                let across = (left[x] - right[x]).abs();
                let along = (up[x] - down[x]).abs();
                let directions = [
                    (farther_up[x], up[x], down[x], along),
                    (farther_right[x], right[x], left[x], across),
                    (farther_left[x], left[x], right[x], across),
                    (farther_down[x], down[x], up[x], along),
                ];
                let (mut least, mut green) = (f32::INFINITY, 0.0);
                for (same, near, opposite, greens) in directions {
                    let change = 2.0 * (value - same).abs() + greens;
                    let estimate = 0.25 * (3.0 * near + opposite + value - same);
                    green = if change < least { estimate } else { green };
                    least = if change < least { change } else { least };
                }
                greens[x] = if x % 2 == columns { value } else { green };
            }
        },
    );
}

/// The two other colours of a row, that of its own filters and that of the rows above and below.
fn others_of(values: [&[f32]; 5], greens: [&[f32]; 3], columns: usize, (own, other): (&mut [f32], &mut [f32])) {
    let width = own.len();
    let other = &mut other[..width];
    let value = |row: usize, column: usize| &values[row][REACH + column - 2..][..width];
    let green = |row: usize, column: usize| &greens[row][REACH + column - 1..][..width];
    // Rows and columns from two before the pixel to two behind it.
    let (up_left, up, up_right) = (value(1, 1), value(1, 2), value(1, 3));
    let (left, middle, right) = (value(2, 1), value(2, 2), value(2, 3));
    let (down_left, down, down_right) = (value(3, 1), value(3, 2), value(3, 3));
    let (far_up_left, far_up_right) = (value(0, 0), value(0, 4));
    let (far_down_left, far_down_right) = (value(4, 0), value(4, 4));
    let (green_up_left, green_up, green_up_right) = (green(0, 0), green(0, 1), green(0, 2));
    let (green_left, green_here, green_right) = (green(1, 0), green(1, 1), green(1, 2));
    let (green_down_left, green_down, green_down_right) = (green(2, 0), green(2, 1), green(2, 2));
    vectorized(
        #[inline(always)]
        || {
            for x in 0..width {
                let (value, green) = (middle[x], green_here[x]);
                let beside = between([green_left[x], green, green_right[x]], [left[x], right[x]]);
                let above = between([green_up[x], green, green_down[x]], [up[x], down[x]]);
                let change = |near: [f32; 2], far: [f32; 2], greens: [f32; 2]| {
                    (near[0] - near[1]).abs()
                        + (far[0] - value).abs()
                        + (value - far[1]).abs()
                        + (greens[0] - green).abs()
                        + (green - greens[1]).abs()
                };
                let rising = [up_right[x], down_left[x]];
                let falling = [up_left[x], down_right[x]];
                let greens_rising = [green_up_right[x], green_down_left[x]];
                let greens_falling = [green_up_left[x], green_down_right[x]];
                let far_rising = [far_up_right[x], far_down_left[x]];
                let far_falling = [far_up_left[x], far_down_right[x]];
                let by_rising = between([greens_rising[0], green, greens_rising[1]], rising);
                let by_falling = between([greens_falling[0], green, greens_falling[1]], falling);
                let is_rising =
                    change(rising, far_rising, greens_rising) < change(falling, far_falling, greens_falling);
                let diagonal = if is_rising { by_rising } else { by_falling };
                let is_green = x % 2 == columns;
                own[x] = if is_green { beside } else { value };
                other[x] = if is_green { above } else { diagonal };
            }
        },
    );
}

/// A colour between two pixels that have it: as far from one to the other as green is, where green rises or falls, else their mean and
/// what green has more than its own.
#[inline(always)]
fn between([before, here, behind]: [f32; 3], [first, last]: [f32; 2]) -> f32 {
    let is_between = (before - here) * (here - behind) > 0.0;
    let share = (here - before) / (behind - before);
    let along = first + (last - first) * share;
    let beside = 0.5 * (first + last) + 0.25 * (2.0 * here - before - behind);
    if is_between { along } else { beside }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rawler::CFA;
    use rawler::cfa::PlaneColor;
    use rawler::imgop::sensor::Demosaic;
    use rawler::imgop::sensor::bayer::ppg::PPGDemosaic;
    use rawler::imgop::{Dim2, Point, Rect};
    use rawler::pixarray::PixF32;

    use super::*;

    const ORDERS: [(&str, [[usize; 2]; 2]); 4] = [
        ("RGGB", [[0, 1], [1, 2]]),
        ("BGGR", [[2, 1], [1, 0]]),
        ("GRBG", [[1, 0], [2, 1]]),
        ("GBRG", [[1, 2], [0, 1]]),
    ];

    /// All pixels, in strips of so many rows.
    fn colours(sensor: &Bayer, values: &[f32], rows: usize) -> Vec<[f32; 3]> {
        let mut pixels = Vec::new();
        let mut strip = Strip::default();
        for first in (0..sensor.height).step_by(rows) {
            let count = rows.min(sensor.height - first);
            let read = |row: usize, to: &mut [f32]| to.copy_from_slice(&values[row * sensor.width..][..sensor.width]);
            strip.each_row(sensor, (first, count), read, |row, [red, green, blue]| {
                assert_eq!(row * sensor.width, pixels.len());
                pixels.extend((0..sensor.width).map(|x| [red[x], green[x], blue[x]]));
            });
        }
        pixels
    }

    #[test]
    fn colours_are_those_of_the_library_inside_of_the_borders() {
        let (width, height) = (67, 41);
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let values: Vec<f32> = (0..width * height).map(|_| random.random::<f32>()).collect();
        for (name, filters) in ORDERS {
            let sensor = Bayer::new(width, height, filters).unwrap();
            let own = colours(&sensor, &values, 7);
            assert_eq!(own, colours(&sensor, &values, 41), "{name}: not by the height of the strips");
            let all = Rect::new(Point::zero(), Dim2::new(width, height));
            let values = PixF32::new_with(values.clone(), width, height);
            let theirs = PPGDemosaic::new().demosaic(&values, &CFA::new(name), &PlaneColor::default(), all);
            for (y, x) in (5..height - 5).flat_map(|y| (5..width - 5).map(move |x| (y, x))) {
                let (one, other) = (own[y * width + x], theirs.data[y * width + x]);
                let near = one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-4);
                assert!(near, "{name} {x},{y}: {one:?} {other:?}");
            }
        }
    }

    #[test]
    fn an_even_colour_stays_even_up_to_the_borders() {
        for (name, filters) in ORDERS {
            let sensor = Bayer::new(9, 6, filters).unwrap();
            let colour = [0.25, 0.5, 0.75];
            let values: Vec<f32> = (0..54).map(|place| colour[filters[place / 9 % 2][place % 9 % 2]]).collect();
            for pixel in colours(&sensor, &values, 4) {
                assert!(pixel.iter().zip(colour).all(|(one, other)| (one - other).abs() < 1e-6), "{name}: {pixel:?}");
            }
        }
    }

    #[test]
    fn a_sensor_may_be_small_and_filters_must_stand_in_diagonals() {
        for (width, height) in [(1, 1), (2, 1), (1, 5), (3, 2)] {
            let sensor = Bayer::new(width, height, ORDERS[0].1).unwrap();
            assert_eq!(colours(&sensor, &vec![0.5; width * height], 3).len(), width * height);
        }
        for filters in [[[0, 1], [0, 2]], [[1, 1], [0, 2]], [[0, 1], [1, 0]], [[1, 1], [1, 1]], [[0, 1], [1, 3]]] {
            assert_eq!(Bayer::new(8, 8, filters), None, "{filters:?}");
        }
    }
}
