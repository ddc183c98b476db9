//! Text, tables and pictures as HTML. What is called *text* here is escaped; what is called HTML is not.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Text as HTML, inside an element or an attribute in quotation marks. Control characters are replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(' '),
            c if c.is_control() => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

/// A name that others chose: it cannot turn the direction of the text around it.
pub(crate) fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(text))
}

/// A picture that stands in the page itself; none for bytes that are no JPEG.
pub(crate) fn picture(jpeg: &[u8], description: &str) -> Option<String> {
    let (width, height) = size_of_jpeg(jpeg)?;
    let data = STANDARD.encode(jpeg);
    let description = escaped(description);
    Some(format!(
        "<img src=\"data:image/jpeg;base64,{data}\" alt=\"{description}\" width=\"{width}\" height=\"{height}\">"
    ))
}

/// Width and height in the first frame header of a JPEG (ITU-T T.81, B.2.2).
fn size_of_jpeg(jpeg: &[u8]) -> Option<(u16, u16)> {
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let &[0xff, marker, high, low, ref body @ ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if matches!(marker, 0xc0..=0xc2) {
            let &[_, y1, y0, x1, x0, ..] = body else { return None };
            return Some((u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0])));
        }
        rest = body.get(length.checked_sub(2)?..)?;
    }
}

/// A table of texts. The first cell of each row names it.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    /// What it shows.
    pub(crate) caption: &'a str,
    /// The names of the columns.
    pub(crate) columns: &'a [&'a str],
    /// The cells, row by row.
    pub(crate) rows: Vec<Vec<String>>,
    /// The row that is set off, where there is one.
    pub(crate) marked: Option<usize>,
}

impl Table<'_> {
    /// The table, which can be moved sideways where it is wider than the screen.
    pub(crate) fn html(&self) -> String {
        let caption = escaped(self.caption);
        let mut html = format!(
            "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n<table>\n<caption>{caption}</caption>\n<thead><tr>"
        );
        for column in self.columns {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(column));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for (index, row) in self.rows.iter().enumerate() {
            html.push_str(if self.marked == Some(index) { "<tr class=\"marked\">" } else { "<tr>" });
            for (column, cell) in row.iter().enumerate() {
                let cell = escaped(cell);
                let _ = match column {
                    0 => write!(html, "<th scope=\"row\">{cell}</th>"),
                    _ => write!(html, "<td>{cell}</td>"),
                };
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        html
    }
}

/// What is shown only to those who ask for it.
pub(crate) fn folded(title: &str, html: &str) -> String {
    format!("<details><summary>{}</summary>\n{html}</details>\n", escaped(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escaped("<b a=\"1\">&'\u{1b}\n"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\u{fffd} ");
        let table = Table { caption: "<i>", columns: &["<u>"], rows: vec![vec!["<s>".to_owned()]], marked: None };
        let html = table.html();
        for tag in ["<i>", "<u>", "<s>"] {
            assert!(!html.contains(tag), "{html}");
        }
    }

    #[test]
    fn only_pictures_become_pictures() {
        let header = |width: u8| [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 17, 8, 0, 9, 1, width];
        let html = picture(&header(4), "a \"b\"").unwrap();
        assert!(html.contains("width=\"260\" height=\"9\"") && html.contains("alt=\"a &quot;b&quot;\""), "{html}");
        for end in 0..header(4).len() {
            assert_eq!(picture(&header(4)[..end], ""), None, "{end}");
        }
        assert_eq!(picture(&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0], ""), None, "a length that leads nowhere");
        assert_eq!(picture(b"<svg onload=alert(1)>", ""), None);
    }
}
