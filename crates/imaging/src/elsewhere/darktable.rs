//! A history of darktable. Each module keeps its parameters as the bytes of a structure in C, little-endian, with a version: the two
//! modules here have not changed theirs since darktable 3.0 (a newer darktable converts older versions).

use std::fmt::Write;

use super::xml::Packet;
use super::{Counterpart, exact, no_table};
use crate::{Operation, OperationKind};

/// The module that looks colours up in a table.
pub(super) const TABLE: &str = "lut3d";
const EXPOSURE: &str = "exposure";

/// Bytes of the file's name in the parameters of `lut3d`, its end included, and of the compressed table and its name behind it.
const PATH_BYTES: usize = 512;
const COMPRESSED_BYTES: usize = 2048 * 6 + 128;

/// Order of the modules for photos that are no raw files.
const ORDER_FOR_JPEG: &str = "3";

pub(super) fn counterpart(operation: &Operation, first: bool) -> Counterpart {
    match operation.kind() {
        // What lies behind would be clipped before it, and here it is not.
        OperationKind::Exposure if first => {
            exact(EXPOSURE, "the module multiplies linear light as well; as a later edit it is in the table")
        }
        kind if kind.maps_colours() => exact(TABLE, "a table of 65 points on each side, in encoded sRGB"),
        kind => no_table(kind),
    }
}

/// The XMP file for operations with the module of each, and the table that is named.
pub(super) fn history(taken: &[(Operation, &'static str)], table: Option<&str>) -> Result<String, String> {
    let first = taken.first().filter(|(_, module)| *module == EXPOSURE);
    let mut modules = Vec::new();
    if let Some((operation, _)) = first {
        modules.push((EXPOSURE, "6", exposure(operation.strength().unwrap_or_default())));
    }
    if let Some(table) = table {
        modules.push((TABLE, "3", table_named(table)?));
    }
    let count = modules.len().to_string();
    let mut packet = Packet::new(&[
        ("xmlns:darktable", "http://darktable.sf.net/"),
        ("darktable:xmp_version", "5"),
        ("darktable:raw_params", "0"),
        // Nothing is added to what stands here.
        ("darktable:auto_presets_applied", "1"),
        ("darktable:history_end", &count),
        ("darktable:iop_order_version", ORDER_FOR_JPEG),
    ]);
    packet.open("darktable:history", &[]);
    packet.open("rdf:Seq", &[]);
    for (number, (module, version, parameters)) in modules.iter().enumerate() {
        packet.item(&[
            ("darktable:num", &number.to_string()),
            ("darktable:operation", module),
            ("darktable:enabled", "1"),
            ("darktable:modversion", version),
            ("darktable:params", parameters),
            ("darktable:multi_name", ""),
            ("darktable:multi_priority", "0"),
        ]);
    }
    packet.close("rdf:Seq");
    packet.close("darktable:history");
    Ok(packet.finish())
}

/// Mode (by hand), black level, stops, percentile and level of the automatic mode, and whether the camera's bias is taken back.
fn exposure(stops: f32) -> String {
    let numbers = [0.0, stops, 50.0, -4.0].map(f32::to_le_bytes).concat();
    hexadecimal(&[&0_u32.to_le_bytes(), &numbers[..], &0_u32.to_le_bytes()].concat())
}

/// The name, the colour space (0: sRGB), the interpolation (1: trilinear, by which tables are measured here), and a compressed table
/// without points.
fn table_named(table: &str) -> Result<String, String> {
    // darktable refuses these for what shells and other systems make of them.
    if table.is_empty() || table.len() >= PATH_BYTES || table.contains(['\\', '"', '\0']) || table.contains("..") {
        return Err(format!("it opens no table that is called {table:?}: choose another name"));
    }
    let mut bytes = table.as_bytes().to_vec();
    bytes.resize(PATH_BYTES, 0);
    bytes.extend([0_u32, 1, 0].map(u32::to_le_bytes).concat());
    bytes.resize(bytes.len() + COMPRESSED_BYTES, 0);
    Ok(hexadecimal(&bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_the_bytes_of_a_structure() {
        assert_eq!(exposure(0.5), ["00000000", "00000000", "0000003f", "00004842", "000080c0", "00000000"].concat());
        let table = table_named("a.cube").unwrap();
        assert_eq!(table.len(), 2 * 12940);
        assert!(table.starts_with("612e6375626500") && table[1024..].starts_with("000000000100000000000000"));
    }

    #[test]
    fn names_that_darktable_refuses_are_refused() {
        for name in ["", "a\\b.cube", "a\"b.cube", "../a.cube", &"a".repeat(512)] {
            assert!(table_named(name).is_err(), "{name}");
        }
        assert!(table_named("夕焼け & <1>.cube").is_ok());
    }
}
