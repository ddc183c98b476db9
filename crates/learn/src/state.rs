//! What a checkpoint holds, as bytes: everything that a learner or an environment needs to go on as if never stopped.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Takes down values one after the other, in postcard's format: numbers keep every bit.
#[derive(Debug, Clone, Default)]
pub struct StateWriter {
    bytes: Vec<u8>,
    is_brief: bool,
}

impl StateWriter {
    /// Starts empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts empty, and asks for what is dear to write and can be gathered anew, as experiences, to be left out.
    #[must_use]
    pub fn brief() -> Self {
        Self { is_brief: true, ..Self::default() }
    }

    /// Whether what is dear to write and can be gathered anew shall be left out.
    #[must_use]
    pub fn is_brief(&self) -> bool {
        self.is_brief
    }

    /// Appends a value.
    ///
    /// # Errors
    /// [`Error::State`] when the value cannot be written, as a map of unknown length.
    pub fn write<T: Serialize>(&mut self, value: &T) -> Result<(), Error> {
        // postcard appends to what it is given and gives it back, except in an error, which ends the writing.
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(value, bytes).map_err(|e| Error::State { reason: e.to_string() })?;
        Ok(())
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Gives back the values in the order in which they were written.
#[derive(Debug)]
pub struct StateReader<'a> {
    left: &'a [u8],
}

impl<'a> StateReader<'a> {
    /// Reads from the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// The next value.
    ///
    /// # Errors
    /// [`Error::State`] when the bytes end too early or are of another type.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let (value, left) = postcard::take_from_bytes(self.left)
            .map_err(|e| Error::State { reason: format!("the state is damaged or of another kind ({e})") })?;
        self.left = left;
        Ok(value)
    }

    /// Checks an index that was read.
    ///
    /// # Errors
    /// [`Error::State`] when it is not below `count`.
    pub fn index(&self, index: u64, count: usize) -> Result<usize, Error> {
        usize::try_from(index)
            .ok()
            .filter(|&index| index < count)
            .ok_or_else(|| Error::State { reason: format!("the state has index {index} where {count} are possible") })
    }

    /// Checks the length of a list that was read.
    ///
    /// # Errors
    /// [`Error::State`] when it is another one.
    pub fn expect_len(&self, what: &str, expected: usize, got: usize) -> Result<(), Error> {
        if expected == got {
            return Ok(());
        }
        Err(Error::State { reason: format!("the state has {got} {what}, this run {expected}") })
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::State`] when something is left.
    pub fn finish(self) -> Result<(), Error> {
        if self.left.is_empty() {
            return Ok(());
        }
        Err(Error::State { reason: format!("the state has {} bytes more than expected", self.left.len()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut writer = StateWriter::new();
        writer.write(&(1_u64, f32::MIN_POSITIVE / 2.0)).unwrap();
        writer.write(&vec![-0.0_f64, f64::NAN]).unwrap();
        writer.into_bytes()
    }

    #[test]
    fn every_bit_comes_back() {
        let bytes = written();
        let mut reader = StateReader::new(&bytes);
        assert_eq!(reader.read::<(u64, f32)>().unwrap(), (1, f32::MIN_POSITIVE / 2.0));
        let values: Vec<f64> = reader.read().unwrap();
        assert_eq!(values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [(-0.0_f64).to_bits(), f64::NAN.to_bits()]);
        reader.finish().unwrap();
    }

    #[test]
    fn damaged_states_are_refused() {
        let bytes = written();
        for length in 0..bytes.len() {
            let mut reader = StateReader::new(&bytes[..length]);
            let values = reader.read::<(u64, f32)>().and_then(|_| reader.read::<Vec<f64>>());
            assert!(values.is_err(), "{length} bytes");
        }
        let reader = StateReader::new(&bytes);
        assert!(reader.finish().unwrap_err().to_string().contains("bytes more than expected"));
        // A length far beyond what follows does not reserve memory for it.
        let mut reader = StateReader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2]);
        reader.read::<Vec<f64>>().unwrap_err();
    }

    #[test]
    fn indices_and_lengths_are_checked() {
        let reader = StateReader::new(&[]);
        assert_eq!(reader.index(2, 3).unwrap(), 2);
        assert!(reader.index(3, 3).is_err());
        assert!(reader.expect_len("arms", 3, 2).unwrap_err().to_string().contains("2 arms, this run 3"));
    }
}
