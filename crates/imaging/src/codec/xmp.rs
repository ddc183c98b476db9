//! XMP packets: what they claim of the picture is taken out or corrected where it became false.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, ResolveResult};

const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";
const NOTE: &str = "http://ns.adobe.com/xmp/note/";
const PANORAMA: &str = "http://ns.google.com/photos/1.0/panorama/";
const REGIONS: &str = "http://www.metadataworkinggroup.com/schemas/regions/";
const MICROSOFT: &str = "http://ns.microsoft.com/photo/1.2/";
const IPTC: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
#[cfg(feature = "raw")]
const CAMERA_RAW: &str = "http://ns.adobe.com/camera-raw-settings/1.0/";
#[cfg(feature = "raw")]
const CAMERA_RAW_SAVED: &str = "http://ns.adobe.com/camera-raw-saved-settings/1.0/";
#[cfg(feature = "raw")]
const DARKTABLE: &str = "http://darktable.sf.net/";
#[cfg(feature = "raw")]
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const FACES: &str = "http://ns.apple.com/faceinfo/1.0/";

/// Beginnings of namespaces that speak of what stands behind or beside the picture in its file (videos, depth, gain maps,
/// sound): a result has none of it.
const COMPANIONS: [&str; 8] = [
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/1.0/audio/",
    "http://ns.google.com/photos/dd/1.0/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.apple.com/HDRGainMap/1.0/",
    "http://ns.apple.com/pixeldatainfo/1.0/",
];

/// How the values were stored, and sums of what EXIF said.
const STORAGE: [(&str, &str); 12] = [
    (TIFF, "BitsPerSample"),
    (TIFF, "Compression"),
    (TIFF, "PhotometricInterpretation"),
    (TIFF, "SamplesPerPixel"),
    (TIFF, "PlanarConfiguration"),
    (TIFF, "YCbCrSubSampling"),
    (TIFF, "YCbCrPositioning"),
    (TIFF, "NativeDigest"),
    (EXIF, "NativeDigest"),
    (EXIF, "ComponentsConfiguration"),
    (EXIF, "CompressedBitsPerPixel"),
    (XMP, "Thumbnails"),
];

/// What happens to a property.
enum Rule {
    Keep,
    Drop,
    Value(String),
}

/// What is left of a packet when its picture was read, turned upright, and its values stand alone. Nothing where it is no XML.
pub(super) fn carried(packet: &[u8]) -> Option<Vec<u8>> {
    edited(packet, |namespace, name| {
        let motion = name.starts_with("MotionPhoto") || name.starts_with("MicroVideo");
        if motion
            || (namespace == NOTE && name == "HasExtendedXMP")
            || STORAGE.contains(&(namespace, name))
            || COMPANIONS.iter().any(|companion| namespace.starts_with(companion))
        {
            return Rule::Drop;
        }
        match (namespace, name) {
            (TIFF, "Orientation") => Rule::Value("1".to_owned()),
            _ => Rule::Keep,
        }
    })
}

/// The packet of a raw file without the settings by which another program develops it.
#[cfg(feature = "raw")]
pub(super) fn developed(packet: &[u8]) -> Option<Vec<u8>> {
    edited(packet, |namespace, name| match (namespace, name) {
        (CAMERA_RAW | CAMERA_RAW_SAVED | DARKTABLE, _) | (PHOTOSHOP, "SidecarForExtension") => Rule::Drop,
        _ => Rule::Keep,
    })
}

/// The first value of a property of a packet, wherever it stands: an attribute, an element, or one in a list.
pub(crate) fn property(packet: &[u8], wanted: (&str, &str)) -> Option<String> {
    properties(packet, wanted).into_iter().next()
}

/// All values of the first property of that name that a packet has.
pub(crate) fn properties(packet: &[u8], wanted: (&str, &str)) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(packet) = std::str::from_utf8(packet) else { return found };
    let mut reader = NsReader::from_str(packet);
    let is_wanted = |(namespace, name): (ResolveResult<'_>, &str)| {
        matches!(namespace, ResolveResult::Bound(namespace) if namespace.0 == wanted.0) && name == wanted.1
    };
    // Elements that are open, from that of the property on.
    let mut inside = 0_usize;
    while let Ok(event) = reader.read_event() {
        match &event {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                let (namespace, name) = reader.resolver().resolve_element(element.name());
                if matches!(event, Event::Start(_)) && (inside > 0 || is_wanted((namespace, name.into_inner()))) {
                    inside += 1;
                }
                for attribute in element.attributes().flatten() {
                    let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
                    if is_wanted((namespace, name.into_inner())) {
                        return vec![attribute.value.trim().to_owned()];
                    }
                }
            }
            Event::End(_) if inside > 0 => {
                inside -= 1;
                if inside == 0 {
                    break;
                }
            }
            Event::Text(text) if inside > 0 => {
                found.extend(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
            }
            _ => {}
        }
    }
    found
}

/// Whether a packet says that the file goes on with it in other segments.
pub(super) fn is_extended(packet: &[u8]) -> bool {
    let mut extended = false;
    let _ = edited(packet, |namespace, name| {
        extended |= namespace == NOTE && name == "HasExtendedXMP";
        Rule::Keep
    });
    extended
}

/// The packet without what names places in the picture, after they moved.
pub(super) fn moved(packet: &[u8]) -> Option<Vec<u8>> {
    edited(packet, |namespace, name| match (namespace, name) {
        (REGIONS | PANORAMA | FACES, _)
        | (MICROSOFT, "RegionInfo")
        | (IPTC, "ImageRegion")
        | (EXIF, "SubjectArea" | "SubjectLocation") => Rule::Drop,
        _ => Rule::Keep,
    })
}

/// The packet with the size and the format that the picture has now, where it names any.
pub(super) fn fitted(packet: &[u8], (width, height): (u32, u32), media_type: &str) -> Option<Vec<u8>> {
    edited(packet, |namespace, name| match (namespace, name) {
        (TIFF, "ImageWidth") | (EXIF, "PixelXDimension") => Rule::Value(width.to_string()),
        (TIFF, "ImageLength") | (EXIF, "PixelYDimension") => Rule::Value(height.to_string()),
        (DUBLIN_CORE, "format") => Rule::Value(media_type.to_owned()),
        _ => Rule::Keep,
    })
}

/// The packet with the properties that `rule` names left out or given another value, whether they are written as attributes or
/// as elements. All else stays to the byte.
fn edited(packet: &[u8], mut rule: impl FnMut(&str, &str) -> Rule) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(packet).ok()?;
    let mut reader = NsReader::from_str(text);
    let mut result = String::with_capacity(text.len());
    // Elements around the one that is read, while it is left out or its text is replaced.
    let mut inside = 0_u32;
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let end = usize::try_from(reader.buffer_position()).ok()?;
        let raw = text.get(start..end)?;
        if inside > 0 {
            match event {
                Event::Start(_) => inside += 1,
                Event::End(_) => {
                    inside -= 1;
                    // The end of an element whose text was replaced is needed, that of one left out is not.
                    if inside == 0 && result.ends_with(REPLACED) {
                        result.truncate(result.len() - REPLACED.len());
                        result.push_str(raw);
                    }
                }
                Event::Eof => return None,
                _ => {}
            }
            continue;
        }
        match event {
            Event::Eof => return Some(result.into_bytes()),
            Event::Start(element) => match rule_of(reader.resolver(), &element, &mut rule) {
                Rule::Drop => inside = 1,
                Rule::Value(value) => {
                    write_start(&mut result, reader.resolver(), &element, raw, false, &mut rule)?;
                    result.push_str(&value);
                    result.push_str(REPLACED);
                    inside = 1;
                }
                Rule::Keep => write_start(&mut result, reader.resolver(), &element, raw, false, &mut rule)?,
            },
            Event::Empty(element) => {
                if !matches!(rule_of(reader.resolver(), &element, &mut rule), Rule::Drop) {
                    write_start(&mut result, reader.resolver(), &element, raw, true, &mut rule)?;
                }
            }
            _ => result.push_str(raw),
        }
    }
}

/// Stands behind a new text until the element ends. XML has no such character, so no packet does.
const REPLACED: &str = "\0";

fn rule_of(resolver: &NamespaceResolver, element: &BytesStart<'_>, rule: &mut impl FnMut(&str, &str) -> Rule) -> Rule {
    let (namespace, name) = resolver.resolve_element(element.name());
    match namespace {
        ResolveResult::Bound(namespace) => rule(namespace.0, name.into_inner()),
        _ => Rule::Keep,
    }
}

/// Writes the start of an element with those attributes that stay.
fn write_start(
    result: &mut String,
    resolver: &NamespaceResolver,
    element: &BytesStart<'_>,
    raw: &str,
    empty: bool,
    rule: &mut impl FnMut(&str, &str) -> Rule,
) -> Option<()> {
    let mut attributes = Vec::new();
    let mut changed = false;
    for attribute in element.attributes() {
        let attribute = attribute.ok()?;
        let (namespace, name) = resolver.resolve_attribute(attribute.key);
        let rule = match namespace {
            ResolveResult::Bound(namespace) => rule(namespace.0, name.into_inner()),
            _ => Rule::Keep,
        };
        let value = match rule {
            Rule::Drop => {
                changed = true;
                continue;
            }
            Rule::Value(value) => {
                changed = true;
                value
            }
            Rule::Keep => attribute.value.to_string(),
        };
        attributes.push((attribute.key.into_inner().to_owned(), value));
    }
    if !changed {
        result.push_str(raw);
        return Some(());
    }
    result.push('<');
    result.push_str(element.name().into_inner());
    for (key, value) in attributes {
        let quote = if value.contains('"') { '\'' } else { '"' };
        result.push_str(&format!(" {key}={quote}{value}{quote}"));
    }
    result.push_str(if empty { "/>" } else { ">" });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(inner: &str) -> String {
        format!(
            "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
             xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><!-- kept -->{inner}</rdf:RDF></x:xmpmeta>\n   <?xpacket end='w'?>"
        )
    }

    fn check(edit: impl Fn(&[u8]) -> Option<Vec<u8>>, before: &str, after: &str) {
        let edited = edit(packet(before).as_bytes()).unwrap();
        assert_eq!(String::from_utf8(edited).unwrap(), packet(after));
    }

    #[test]
    fn false_claims_are_taken_out_and_all_else_stays_to_the_byte() {
        let tiff = "xmlns:tiff='http://ns.adobe.com/tiff/1.0/'";
        check(
            carried,
            &format!(
                "<rdf:Description rdf:about=\"\" {tiff} tiff:Orientation='6' tiff:Make='A \"B\"' tiff:Compression='6'/>"
            ),
            "<rdf:Description rdf:about=\"\" xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" tiff:Orientation=\"1\" tiff:Make='A \"B\"'/>",
        );
        // Another prefix, elements, a list and what stands in it.
        let description = "<rdf:Description xmlns:t=\"http://ns.adobe.com/tiff/1.0/\" xmlns:c=\"http://ns.google.com/photos/1.0/container/\">";
        check(
            carried,
            &format!(
                "{description}<t:Orientation>8</t:Orientation><c:Directory><rdf:Seq><rdf:li c:Item='1'>video</rdf:li></rdf:Seq></c:Directory><t:Model>M &amp; N</t:Model></rdf:Description>"
            ),
            &format!("{description}<t:Orientation>1</t:Orientation><t:Model>M &amp; N</t:Model></rdf:Description>"),
        );
        let same = "<rdf:Description  rdf:about = \"\" xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>a<!-- b --></dc:title></rdf:Description>";
        check(carried, same, same);
        assert_eq!(carried(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><open></x:xmpmeta>"), None);
        assert_eq!(carried(b"<a><b"), None);
        assert_eq!(carried(b"\xff\xfe<"), None);
    }

    #[test]
    fn motion_depth_and_extensions_are_no_longer_claimed() {
        let start = "<rdf:Description xmlns:G=\"http://ns.google.com/photos/1.0/camera/\" xmlns:n=\"http://ns.adobe.com/xmp/note/\" xmlns:h=\"http://ns.adobe.com/hdr-gain-map/1.0/\"";
        let claims = "G:MotionPhoto=\"1\" G:MicroVideoOffset=\"2012\" n:HasExtendedXMP=\"0123\" h:Version=\"1.0\"";
        check(carried, &format!("{start} {claims} G:BurstID=\"7\"/>"), &format!("{start} G:BurstID=\"7\"/>"));
        assert!(is_extended(packet(&format!("{start} {claims}/>")).as_bytes()));
        assert!(!is_extended(packet("").as_bytes()));
    }

    #[test]
    fn sizes_follow_and_places_go() {
        let start = "<rdf:Description xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" xmlns:exif=\"http://ns.adobe.com/exif/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:r=\"http://www.metadataworkinggroup.com/schemas/regions/\"";
        let sizes = |width, height, kind| {
            format!("{start} tiff:ImageWidth=\"{width}\" exif:PixelYDimension=\"{height}\" dc:format=\"{kind}\"/>")
        };
        check(|packet| fitted(packet, (7, 8), "image/png"), &sizes(1, 2, "image/jpeg"), &sizes(7, 8, "image/png"));
        check(
            moved,
            &format!("{start}><r:Regions rdf:parseType=\"Resource\"><r:RegionList/></r:Regions></rdf:Description>"),
            &format!("{start}></rdf:Description>"),
        );
    }
}
