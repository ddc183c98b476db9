//! XML as the programs write it: an XMP packet with one description.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// An XMP packet in the making; whatever is put into it is escaped.
pub(super) struct Packet(Writer<Vec<u8>>);

impl Packet {
    /// A packet with a description that has these attributes.
    pub(super) fn new(attributes: &[(&str, &str)]) -> Self {
        let mut packet = Self(Writer::new_with_indent(Vec::new(), b' ', 1));
        packet.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        packet.open("x:xmpmeta", &[("xmlns:x", "adobe:ns:meta/")]);
        packet.open("rdf:RDF", &[("xmlns:rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#")]);
        packet.open("rdf:Description", &[&[("rdf:about", "")], attributes].concat());
        packet
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.write(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
    }

    /// An item of a list with attributes in place of contents.
    pub(super) fn item(&mut self, attributes: &[(&str, &str)]) {
        self.write(Event::Empty(BytesStart::new("rdf:li").with_attributes(attributes.iter().copied())));
    }

    /// An ordered list of texts under a name.
    pub(super) fn texts(&mut self, name: &str, texts: impl Iterator<Item = String>) {
        self.open(name, &[]);
        self.open("rdf:Seq", &[]);
        for text in texts {
            self.open("rdf:li", &[]);
            self.write(Event::Text(BytesText::new(&text)));
            self.close("rdf:li");
        }
        self.close("rdf:Seq");
        self.close(name);
    }

    pub(super) fn close(&mut self, name: &str) {
        self.write(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn finish(mut self) -> String {
        for name in ["rdf:Description", "rdf:RDF", "x:xmpmeta"] {
            self.close(name);
        }
        let mut text = String::from_utf8(self.0.into_inner()).expect("names and values are text");
        text.push('\n');
        text
    }

    fn write(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("memory takes everything");
    }
}
