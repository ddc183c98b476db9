//! Means of squares.

use super::filter::fill_margins;
use super::{mirrored, mixed, vectorized};
use crate::Photo;

/// Mean of the square that reaches `radius` pixels to every side; between whole numbers the two are mixed.
pub(crate) fn blur(photo: &Photo, radius: f32) -> Photo {
    let (whole, share) = (radius.floor(), radius.fract());
    let low = means(photo, whole as usize);
    let whole_photo = |pixels| Photo::new(photo.width(), photo.height(), pixels).expect("the size stays");
    if share == 0.0 {
        return whole_photo(low);
    }
    let mut result = means(photo, whole as usize + 1);
    result.iter_mut().zip(low).for_each(|(high, low)| *high = mixed(low, *high, share));
    whole_photo(result)
}

/// The sum over a column moves down by one addition and one subtraction, the sum over columns likewise to the right.
fn means(photo: &Photo, radius: usize) -> Vec<u8> {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let mut result = vec![0; stride * height];
    let side = 2 * radius + 1;
    // Sums of integers below 2^24, so that the mean is rounded once. An odd area leaves no ties.
    let reciprocal = 1.0 / (side * side) as f32;
    let mut columns = vec![0_u32; stride + 6 * radius];
    let row = |y: isize| {
        let from = mirrored(y, height) * stride;
        &photo.pixels()[from..from + stride]
    };
    let middle = 3 * radius..3 * radius + stride;
    let reach = radius as isize;
    // The window of the row above the first one.
    for y in -reach - 1..reach {
        columns[middle.clone()].iter_mut().zip(row(y)).for_each(|(sum, &value)| *sum += u32::from(value));
    }
    vectorized(
        #[inline(always)]
        || {
            for (y, target) in (0_isize..).zip(result.chunks_exact_mut(stride)) {
                let (enters, leaves) = (row(y + reach), row(y - reach - 1));
                for ((sum, &enters), &leaves) in columns[middle.clone()].iter_mut().zip(enters).zip(leaves) {
                    *sum = *sum + u32::from(enters) - u32::from(leaves);
                }
                fill_margins(&mut columns, radius);
                let mut window = [0_u32; 3];
                for pixel in columns[..6 * radius].chunks_exact(3) {
                    window.iter_mut().zip(pixel).for_each(|(sum, column)| *sum += column);
                }
                let ends = columns[6 * radius..].chunks_exact(3).zip(columns.chunks_exact(3));
                for (pixel, (enters, leaves)) in target.chunks_exact_mut(3).zip(ends) {
                    for channel in 0..3 {
                        window[channel] += enters[channel];
                        pixel[channel] = (window[channel] as f32 * reciprocal + 0.5) as u8;
                        window[channel] -= leaves[channel];
                    }
                }
            }
        },
    );
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let row = Photo::from_fn(4, 1, |x, _| [(x * 30) as u8; 3]).unwrap();
        let row = blur(&row, 1.0);
        // Mirrored: 30 0 30, 0 30 60, 30 60 90, 60 90 60.
        assert_eq!(row.pixels().iter().step_by(3).copied().collect::<Vec<_>>(), [20, 30, 60, 70]);
        let half = Photo::from_fn(4, 1, |x, _| [(x * 30) as u8; 3]).unwrap();
        let half = blur(&half, 0.5);
        assert_eq!(half.pixels().iter().step_by(3).copied().collect::<Vec<_>>(), [10, 30, 60, 80]);
    }

    #[test]
    fn a_square_wider_than_the_photo_keeps_a_flat_one() {
        let flat = Photo::from_fn(3, 2, |_, _| [7, 130, 255]).unwrap();
        assert_eq!(blur(&flat, 50.0), flat);
    }
}
