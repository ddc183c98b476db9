//! NumPy's arrays, by their own methods: what they hold is copied once, as a whole.

use dodge_imaging::Photo;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};

use crate::failure::value;

/// The values of an array of this `dtype` (`uint8`), whatever the order of its axes in memory.
pub(crate) fn bytes_of<'py>(array: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Bound<'py, PyBytes>> {
    let given: String = array.getattr("dtype")?.getattr("name")?.extract()?;
    if given != dtype {
        return Err(value(format!("an array of {dtype} is needed, and not of {given}")));
    }
    Ok(array.call_method0("tobytes")?.cast_into()?)
}

/// A new array of a `dtype` and shape, that can be written to.
pub(crate) fn array_of<'py, const N: usize>(
    py: Python<'py>,
    bytes: &[u8],
    dtype: &str,
    shape: [usize; N],
) -> PyResult<Bound<'py, PyAny>> {
    let flat = py.import("numpy")?.call_method1("frombuffer", (PyByteArray::new(py, bytes), dtype))?;
    flat.call_method1("reshape", (shape.to_vec(),))
}

/// The photo in an array of `uint8`, `[height, width, 3]`, sRGB.
pub(crate) fn photo_of(array: &Bound<'_, PyAny>) -> PyResult<Photo> {
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let [height, width, 3] = shape[..] else {
        return Err(value(format!("a photo is an array of [height, width, 3], and not {shape:?}")));
    };
    let pixels = bytes_of(array, "uint8")?.as_bytes().to_vec();
    let side = |side: usize| u32::try_from(side).map_err(value);
    Photo::new(side(width)?, side(height)?, pixels).map_err(value)
}

/// An array of `uint8`, `[height, width, 3]`, sRGB.
pub(crate) fn array_of_photo<'py>(py: Python<'py>, photo: &Photo) -> PyResult<Bound<'py, PyAny>> {
    array_of(py, photo.pixels(), "uint8", [photo.height() as usize, photo.width() as usize, 3])
}
