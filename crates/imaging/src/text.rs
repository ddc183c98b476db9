//! Text files of people, as programs of any system write them.

/// Why a file is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotText {
    /// It has no byte order mark and is not UTF-8.
    #[error("line {line} is no text in UTF-8: save the file as UTF-8")]
    NotUtf8 {
        /// The line of the first wrong byte, from 1.
        line: usize,
    },
    /// It begins like UTF-16.
    #[error("begins like a text in UTF-16 and is none: save the file as UTF-8")]
    NotUtf16,
}

/// The text in the bytes of a file, without a byte order mark, which editors for Windows put in front. With a mark, UTF-16 is read as
/// well; without one it is UTF-8. Ends of lines stay as they are.
///
/// It belongs here because recipes are the lowest text files that people write, and who reads others can use it.
///
/// # Errors
/// [`NotText`], to be told with the name of the file.
pub fn text_of(mut bytes: Vec<u8>) -> Result<String, NotText> {
    let unit: fn([u8; 2]) -> u16 = match bytes[..] {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        // UTF-16 without a mark, of which every other byte is zero as long as it is Latin.
        [0, _, 0, _, ..] | [_, 0, _, 0, ..] => return Err(NotText::NotUtf16),
        _ => {
            if bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            return String::from_utf8(bytes).map_err(|error| {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                NotText::NotUtf8 { line: before.iter().filter(|byte| **byte == b'\n').count() + 1 }
            });
        }
    };
    let (units, rest) = bytes[2..].as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|&bytes| unit(bytes)).collect();
    // A zero is UTF-32, of which half are.
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() && !text.contains('\0') => Ok(text),
        _ => Err(NotText::NotUtf16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"größe\": 1}\r\n";

    fn units(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn marks_are_left_out() {
        let marked = format!("\u{feff}{TEXT}");
        for bytes in [
            TEXT.as_bytes().to_vec(),
            marked.clone().into_bytes(),
            units(&marked, u16::to_le_bytes),
            units(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(text_of(bytes).as_deref(), Ok(TEXT));
        }
        assert_eq!(text_of(Vec::new()).as_deref(), Ok(""));
        assert_eq!(text_of(vec![0xff, 0xfe]).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_text_is_told() {
        assert_eq!(text_of(b"a\nb\n\xe9".to_vec()), Err(NotText::NotUtf8 { line: 3 }));
        let utf_32 = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        for bytes in [
            vec![0xfe, 0xff, 0xd8, 0],
            vec![0xff, 0xfe, b'a'],
            units(TEXT, u16::to_le_bytes),
            units(TEXT, u16::to_be_bytes),
            utf_32(&format!("\u{feff}{TEXT}")),
            utf_32(TEXT),
        ] {
            assert_eq!(text_of(bytes.clone()), Err(NotText::NotUtf16), "{bytes:?}");
        }
    }
}
