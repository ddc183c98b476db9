//! IPTC records, and the places where files keep them: Photoshop's resources in a JPEG or TIFF, a text in a PNG.

/// How Photoshop's resources begin in a JPEG's segment.
pub(super) const PHOTOSHOP_HEADER: &[u8] = b"Photoshop 3.0\0";

/// The keyword under which ImageMagick, ExifTool and others keep the records in a PNG, which has no place for them.
pub(super) const PNG_KEYWORD: &str = "Raw profile type iptc";

const RESOURCE: &[u8] = b"8BIM";
const IPTC_RESOURCE: u16 = 0x0404;

/// The fields of the records that are carried on: those of the envelope and of what the picture is about. Nothing of records
/// that describe how its values are stored, and no preview, which shows the picture as it was.
pub(super) fn carried(records: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(records.len());
    let mut rest = records;
    while let [0x1c, record, field, high, low, after @ ..] = rest {
        let short = usize::from(u16::from_be_bytes([*high, *low]));
        // A length of more than 15 bits has the number of its bytes there; it is at most four.
        let (extra, length) = if short & 0x8000 == 0 {
            (0, short)
        } else {
            let digits = short & 0x7fff;
            let Some(bytes) = after.get(..digits).filter(|bytes| bytes.len() <= 4) else { break };
            (digits, bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        };
        let Some(end) = extra.checked_add(length).filter(|end| *end <= after.len()) else { break };
        let is_preview = *record == 2 && matches!(field, 200..=202);
        if matches!(record, 1 | 2) && !is_preview {
            kept.extend_from_slice(&rest[..5 + end]);
        }
        rest = &after[end..];
    }
    (!kept.is_empty()).then_some(kept)
}

/// The records among Photoshop's resources, or nothing.
pub(super) fn of_resources(mut resources: &[u8]) -> Option<&[u8]> {
    while let Some(rest) = resources.strip_prefix(RESOURCE) {
        let [high, low, name_length, ..] = rest else { return None };
        let id = u16::from_be_bytes([*high, *low]);
        // The name and its length fill an even number of bytes.
        let rest = rest.get(2 + (usize::from(*name_length) + 1).next_multiple_of(2)..)?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let content = rest.get(..length)?;
        if id == IPTC_RESOURCE {
            return Some(content);
        }
        resources = rest.get(length.checked_next_multiple_of(2)?..).unwrap_or_default();
    }
    None
}

/// The resource that holds `records`, padded to an even length.
pub(super) fn to_resource(records: &[u8]) -> Vec<u8> {
    let length = (records.len() as u32).to_be_bytes();
    let mut resource = [RESOURCE, &IPTC_RESOURCE.to_be_bytes(), &[0, 0], &length, records].concat();
    if resource.len() % 2 == 1 {
        resource.push(0);
    }
    resource
}

/// The records in the text of a PNG: a name, a length, and hexadecimal digits in lines.
pub(super) fn of_text(text: &str) -> Option<Vec<u8>> {
    // ExifTool's name has two words.
    let (_, rest) = text.trim_start().split_once(['\n', ' '])?;
    let rest = rest.strip_prefix("profile").unwrap_or(rest);
    let mut words = rest.split_ascii_whitespace();
    let length = words.next()?.parse::<usize>().ok()?;
    let digits: Vec<u8> = words.flat_map(str::bytes).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = digits.as_chunks::<2>().0.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8));
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    if bytes.len() != length {
        return None;
    }
    let resources = bytes.strip_prefix(PHOTOSHOP_HEADER).unwrap_or(&bytes);
    Some(if resources.starts_with(RESOURCE) { of_resources(resources)?.to_vec() } else { bytes })
}

/// The text that [`of_text`] reads.
pub(super) fn to_text(records: &[u8]) -> String {
    use std::fmt::Write;

    let resource = to_resource(records);
    let mut text = format!("\niptc\n{:8}", resource.len());
    for (index, byte) in resource.iter().enumerate() {
        if index % 36 == 0 {
            text.push('\n');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(record: u8, field: u8, content: &[u8]) -> Vec<u8> {
        [&[0x1c, record, field], &(content.len() as u16).to_be_bytes()[..], content].concat()
    }

    #[test]
    fn records_come_back_from_every_place() {
        let records = [field(2, 25, b"wedding"), field(2, 80, b"Ann")].concat();
        assert_eq!(of_resources(&to_resource(&records)), Some(&records[..]));
        let other = [&b"8BIM\x03\xed\x03abc\0\0\0\x03xyz\0"[..], &to_resource(&records)].concat();
        assert_eq!(of_resources(&other), Some(&records[..]));
        assert_eq!(of_text(&to_text(&records)), Some(records.clone()));
        let of_exiftool = to_text(&records).replacen("\niptc\n", "\nIPTC profile\n", 1);
        assert_eq!(of_text(&of_exiftool), Some(records.clone()));
        assert_eq!(of_text("iptc 3 1c02190000"), None);
        for cut in 0..other.len() - 1 {
            assert_eq!(of_resources(&other[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn previews_and_damage_are_left_out() {
        let good = field(2, 120, b"caption");
        let long = [&[0x1c, 2, 120, 0x80, 4, 0, 0, 0, 3][..], b"abc"].concat();
        let records =
            [good.clone(), field(2, 202, b"preview"), field(3, 20, b"\0\x10"), long.clone(), vec![0x1c, 2, 5, 0, 9]]
                .concat();
        assert_eq!(carried(&records), Some([good, long].concat()));
        assert_eq!(carried(&[0x1c, 2, 120, 0xff, 0xff, 0, 0]), None);
        assert_eq!(carried(b"no records"), None);
    }
}
