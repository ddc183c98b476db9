//! Listings that come in pages.

use std::collections::HashSet;

use super::reply::CallError;

/// Most pages of one listing: ten million runs, or 250 million values of a metric.
const MAX_PAGES: usize = 10_000;

/// The way through a listing, which ends whatever the server says.
#[derive(Debug, Default)]
pub(super) struct Pages {
    token: String,
    seen: HashSet<String>,
}

impl Pages {
    /// What to ask the next page with; empty: the first.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Goes on to the page that the last one names. False: that was the last one.
    pub(super) fn turn(&mut self, next: String) -> Result<bool, CallError> {
        if next.is_empty() {
            return Ok(false);
        }
        if self.seen.len() == MAX_PAGES {
            return Err(CallError::Other {
                reason: format!("a listing of the server has more than {MAX_PAGES} pages"),
            });
        }
        if !self.seen.insert(next.clone()) {
            let reason = "a listing of the server names a page as the next that has been read".to_owned();
            return Err(CallError::Other { reason });
        }
        self.token = next;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_ends_whatever_the_server_says() {
        let mut pages = Pages::default();
        assert!(pages.turn("a".to_owned()).unwrap() && pages.turn("b".to_owned()).unwrap());
        assert_eq!(pages.token(), "b");
        assert!(!pages.turn(String::new()).unwrap());
        assert!(pages.turn("a".to_owned()).unwrap_err().reason().contains("has been read"));
        let mut endless = Pages::default();
        let end = (0..).find_map(|number: u32| endless.turn(number.to_string()).err()).unwrap();
        assert!(end.reason().contains("more than 10000 pages"), "{}", end.reason());
    }
}
