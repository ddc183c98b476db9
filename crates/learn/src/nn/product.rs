//! Products of matrices in slices, through the crate `gemm`: the one place with unsafe code.

use gemm::Parallelism;
use rayon::prelude::*;

/// A matrix in a slice, whose rows or columns lie one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    /// How far apart neighbours in a column are.
    row_stride: usize,
    /// How far apart neighbours in a row are.
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix of `rows` rows that lie in `data` one after another.
    ///
    /// # Panics
    ///
    /// If `data` is not a number for each cell.
    pub(crate) fn of_rows(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(Some(data.len()), rows.checked_mul(columns), "{rows} rows of {columns} numbers");
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        let Self { data, rows, columns, row_stride, column_stride } = self;
        Self { data, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// The rows from `first`, `count` of them.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    fn rows(self, first: usize, count: usize) -> Self {
        assert!(count > 0 && first + count <= self.rows, "rows {first} to {} of {}", first + count, self.rows);
        Self { data: &self.data[first * self.row_stride..], rows: count, ..self }
    }
}

/// What a product does to the numbers that are in the output already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Replace,
    Add,
}

/// Writes `left` times `right` to `output`, row by row, on the calling thread: the caller divides the work, so that no
/// sum depends on the number of threads.
///
/// # Panics
///
/// If the shapes do not fit together.
#[expect(unsafe_code, reason = "gemm takes pointers and strides")]
pub(crate) fn multiply(left: Matrix<'_>, right: Matrix<'_>, output: &mut [f32], mode: Output) {
    assert_eq!(left.columns, right.rows, "the inner sides of a product");
    assert_eq!(Some(output.len()), left.rows.checked_mul(right.columns), "the output of a product");
    // SAFETY: the strides of a matrix address cells of its slice only (`of_rows` checks it, exchanging the sides changes
    // nothing about it, `rows` leaves out whole rows, and the fields are private); the output is dense and as long as the
    // assertion above says, and no other reference to it exists while this function borrows it.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            output.as_mut_ptr(),
            1,
            right.columns as isize,
            mode == Output::Add,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0_f32,
            1.0_f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// A product is divided into parts of at least so many multiplications, about a tenth of a millisecond each; below that,
/// handing a part over costs more than it saves.
const LEAST_PART: usize = 1 << 22;

/// A product has at most so many parts, because each reads one of the matrices as a whole.
const MOST_PARTS: usize = 16;

/// `left` times `right`, row by row, on all threads. The shapes alone say how the work is divided, and no sum is: the
/// result is the same to the last bit whatever the number of threads.
///
/// # Panics
///
/// If the shapes do not fit together.
pub(crate) fn product(left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
    let (rows, columns) = (left.rows, right.columns);
    let mut output = vec![0.0; rows * columns];
    let parts = (rows * columns * left.columns / LEAST_PART).clamp(1, MOST_PARTS);
    if parts == 1 {
        multiply(left, right, &mut output, Output::Replace);
    } else if rows < columns {
        // The longer side is divided; that of the columns is the side of the rows of the transposed product.
        return exchange(&product(right.transposed(), left.transposed()), columns, rows);
    } else {
        let at_a_time = rows.div_ceil(parts);
        output.par_chunks_mut(at_a_time * columns).enumerate().for_each(|(part, output)| {
            let left = left.rows(part * at_a_time, output.len() / columns);
            multiply(left, right, output, Output::Replace);
        });
    }
    output
}

/// Transposes each of the matrices of `rows` by `columns` numbers that lie one after another.
pub(crate) fn exchange(matrices: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut exchanged = Vec::with_capacity(matrices.len());
    for matrix in matrices.chunks_exact(rows * columns) {
        for column in 0..columns {
            exchanged.extend(matrix[column..].iter().step_by(columns));
        }
    }
    exchanged
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_2X3: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    const B_3X2: [f32; 6] = [7.0, 8.0, 9.0, 10.0, 11.0, 12.0];

    #[test]
    fn a_product_by_hand() {
        let (a, b) = (Matrix::of_rows(&A_2X3, 2, 3), Matrix::of_rows(&B_3X2, 3, 2));
        let mut output = [f32::NAN; 4];
        multiply(a, b, &mut output, Output::Replace);
        assert_eq!(output, [58.0, 64.0, 139.0, 154.0]);
        multiply(a, b, &mut output, Output::Add);
        assert_eq!(output, [116.0, 128.0, 278.0, 308.0]);
        multiply(b.transposed(), a.transposed(), &mut output, Output::Replace);
        assert_eq!(output, [58.0, 139.0, 64.0, 154.0]);
    }

    #[test]
    #[should_panic(expected = "3 rows of 3 numbers")]
    fn a_matrix_has_all_its_numbers() {
        let _ = Matrix::of_rows(&A_2X3, 3, 3);
    }

    #[test]
    #[should_panic(expected = "the inner sides of a product")]
    fn sides_must_fit() {
        let a = Matrix::of_rows(&A_2X3, 2, 3);
        multiply(a, a, &mut [0.0; 6], Output::Replace);
    }

    #[test]
    #[should_panic(expected = "the output of a product")]
    fn the_output_must_fit() {
        multiply(Matrix::of_rows(&A_2X3, 2, 3), Matrix::of_rows(&B_3X2, 3, 2), &mut [0.0; 3], Output::Replace);
    }
}
