//! The page as a whole.

use std::fmt::Write;

use crate::html::escaped;
use crate::palette;
use crate::record::Record;
use crate::section::{Section, baselines, boldness, edits, head, learning, photos, settings, spread, timeline};

/// How the page looks.
const STYLE: &str = include_str!("style.css");

/// Forbids the page to fetch anything, whatever would stand in it.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a record: one HTML document in UTF-8 that needs nothing else.
#[must_use]
pub fn page(record: &Record) -> String {
    let sections: Vec<Section> = [
        photos::section(record),
        baselines::section(record),
        spread::section(record),
        learning::section(record),
        timeline::section(record),
        edits::section(record),
        boldness::section(record),
        settings::section(record),
    ]
    .into_iter()
    .flatten()
    .collect();
    let title = escaped(&record.name);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}: report of Dodge</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n",
        palette::style()
    );
    page.push_str(&head::html(record));
    if sections.len() > 1 {
        page.push_str("<nav aria-label=\"Parts of this page\"><ul>");
        for Section { anchor, title, .. } in &sections {
            let _ = write!(page, "<li><a href=\"#{anchor}\">{title}</a></li>");
        }
        page.push_str("</ul></nav>\n");
    }
    page.push_str("<main>\n");
    for Section { anchor, title, html } in &sections {
        let _ = write!(
            page,
            "<section id=\"{anchor}\" aria-labelledby=\"{anchor}-title\">\n<h2 id=\"{anchor}-title\">{title}</h2>\n{html}</section>\n"
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

#[cfg(test)]
mod tests;
