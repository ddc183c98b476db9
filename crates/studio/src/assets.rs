//! The page and what belongs to it, all of it part of the program.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::refusal::Refusal;

const PAGE: &str = include_str!("page/page.html");

/// Name, kind and content of everything that the page asks for.
const ASSETS: &[(&str, &str, &str)] = &[
    ("icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("dialogs.css", "text/css; charset=utf-8", include_str!("page/dialogs.css")),
    ("main.js", SCRIPT, include_str!("page/main.js")),
    ("server.js", SCRIPT, include_str!("page/server.js")),
    ("state.js", SCRIPT, include_str!("page/state.js")),
    ("grid.js", SCRIPT, include_str!("page/grid.js")),
    ("viewer.js", SCRIPT, include_str!("page/viewer.js")),
    ("stage.js", SCRIPT, include_str!("page/stage.js")),
    ("steps.js", SCRIPT, include_str!("page/steps.js")),
    ("strength.js", SCRIPT, include_str!("page/strength.js")),
    ("histogram.js", SCRIPT, include_str!("page/histogram.js")),
    ("keys.js", SCRIPT, include_str!("page/keys.js")),
    ("background.js", SCRIPT, include_str!("page/background.js")),
    ("compare.js", SCRIPT, include_str!("page/compare.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response()
}

pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, Refusal> {
    let asset = ASSETS.iter().find(|(known, ..)| *known == name);
    let Some((_, kind, text)) = asset else {
        return Err(Refusal::unknown("there is nothing of this name"));
    };
    Ok(([(header::CONTENT_TYPE, *kind)], *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_page_comes_from_elsewhere() {
        for (name, text) in ASSETS.iter().map(|(name, _, text)| (*name, *text)).chain([("page.html", PAGE)]) {
            for foreign in ["https://", "//cdn", "http://"] {
                let named = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!named.contains(foreign), "{name} names {foreign}");
            }
        }
    }

    #[test]
    fn all_that_the_page_names_is_there() {
        let known = |name: &str| ASSETS.iter().any(|(known, ..)| *known == name);
        let named = |text: &str, before: &str, after: char| -> Vec<String> {
            text.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0.to_owned())).collect()
        };
        for name in named(PAGE, "href=\"/", '"').into_iter().chain(named(PAGE, "src=\"/", '"')) {
            assert!(known(&name), "the page names {name}");
        }
        for (script, _, text) in ASSETS {
            for name in named(text, "from \"./", '"') {
                assert!(known(&name), "{script} names {name}");
            }
        }
    }
}
