//! Products of matrices in slices, through the crate `gemm`: the one place with unsafe code.

use gemm::Parallelism;

/// A matrix that fills a slice, row by row or column by column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// A matrix of `rows` rows that lie in `data` one after another.
    ///
    /// # Panics
    ///
    /// If `data` is not a number for each cell.
    pub(super) fn of_rows(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(Some(data.len()), rows.checked_mul(columns), "{rows} rows of {columns} numbers");
        Self { data, rows, columns, transposed: false }
    }

    /// The same numbers with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// How far apart neighbours in a column and in a row are.
    fn strides(self) -> (isize, isize) {
        if self.transposed { (1, self.rows as isize) } else { (self.columns as isize, 1) }
    }
}

/// What a product does to the numbers that are in the output already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
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
pub(super) fn multiply(left: Matrix<'_>, right: Matrix<'_>, output: &mut [f32], mode: Output) {
    assert_eq!(left.columns, right.rows, "the inner sides of a product");
    assert_eq!(Some(output.len()), left.rows.checked_mul(right.columns), "the output of a product");
    let (left_rows, left_columns) = left.strides();
    let (right_rows, right_columns) = right.strides();
    // SAFETY: a matrix has `rows * columns` numbers in its slice (`of_rows` checks it, and both fields are private), and
    // its strides address exactly those; the output is dense and as long as the assertion above says, and no other
    // reference to it exists while this function borrows it.
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
            left_columns,
            left_rows,
            right.data.as_ptr(),
            right_columns,
            right_rows,
            1.0_f32,
            1.0_f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
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
