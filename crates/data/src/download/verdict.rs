//! What an answer of the server means for the part that is there already.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER,
};

use super::part::Identity;

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The body goes on where the part ends.
    Append { total: Option<u64> },
    /// The body is the whole file, from its beginning.
    Fresh(Identity),
    /// The part is the whole file already.
    Complete,
    /// The part is of no use any more.
    Restart { reason: String },
    /// Worth another attempt.
    Retry { reason: String, after: Option<Duration> },
    /// No attempt will help.
    Refused { reason: String },
}

/// Judges status and headers of an answer to a request for what follows the first `length` bytes (0: for the whole file)
/// of a file of which `known` is known.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, length: u64, known: &Identity) -> Verdict {
    match status {
        StatusCode::OK => Verdict::Fresh(identity(headers, number(headers, &CONTENT_LENGTH))),
        StatusCode::PARTIAL_CONTENT if length > 0 => partial(headers, length, known),
        StatusCode::RANGE_NOT_SATISFIABLE if length > 0 => {
            let total = header(headers, &CONTENT_RANGE).and_then(|text| text.strip_prefix("bytes */")?.parse().ok());
            if total == Some(length) && known.total == total {
                Verdict::Complete
            } else {
                Verdict::Restart { reason: "the file on the server is another one now".to_owned() }
            }
        }
        _ => refusal(status, headers),
    }
}

fn partial(headers: &HeaderMap, length: u64, known: &Identity) -> Verdict {
    let restart = |reason: &str| Verdict::Restart { reason: reason.to_owned() };
    let Some((start, total)) = header(headers, &CONTENT_RANGE).and_then(content_range) else {
        return restart("the server sends a part of the file and does not say which");
    };
    if start != length {
        return restart("the server sends another part of the file than asked for");
    }
    if total.is_some() && known.total.is_some() && total != known.total {
        return restart("the file on the server has another length now");
    }
    // A server should look at `If-Range`; not every one does.
    let now = identity(headers, total);
    if now.validator.is_some() && known.validator.is_some() && now.validator != known.validator {
        return restart("the file on the server is another one now");
    }
    Verdict::Append { total: total.or(known.total) }
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> Verdict {
    let name = status.canonical_reason().unwrap_or("unknown");
    let reason = format!("the server answers {} {name}", status.as_u16());
    match status.as_u16() {
        408 | 425 | 429 | 500 | 502..=504 | 507 | 509 | 520..=599 => {
            Verdict::Retry { reason, after: retry_after(headers) }
        }
        401 | 403 => {
            Verdict::Refused { reason: format!("{reason}: it wants other credentials, or the address expired") }
        }
        404 | 410 => Verdict::Refused { reason: format!("{reason}: check the address") },
        _ => Verdict::Refused { reason },
    }
}

/// What tells this file from another at the same address.
fn identity(headers: &HeaderMap, total: Option<u64>) -> Identity {
    // A weak tag says that two files are as good as each other, not that their bytes are the same.
    let strong = header(headers, &ETAG).filter(|tag| tag.starts_with('"'));
    let ranges = header(headers, &ACCEPT_RANGES) != Some("none");
    let validator = strong.or_else(|| header(headers, &LAST_MODIFIED)).filter(|_| ranges).map(str::to_owned);
    Identity { validator, total }
}

/// Start and total of `bytes 5-9/10`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    Some((start, total.trim().parse().ok()))
}

/// How long the server asks to wait: seconds, or a date, which is compared with the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header(headers, &RETRY_AFTER)?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(header(headers, &DATE)?).ok()?;
    then.duration_since(now).ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    header(headers, name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, headers: &[(&'static str, &str)], length: u64) -> Verdict {
        let known = Identity { validator: Some("\"a\"".to_owned()), total: Some(10) };
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        judge(StatusCode::from_u16(status).unwrap(), &headers, length, &known)
    }

    #[test]
    fn a_part_grows_only_by_what_follows_it_in_the_same_file() {
        let append = Verdict::Append { total: Some(10) };
        assert_eq!(judged(206, &[("content-range", "bytes 4-9/10"), ("etag", "\"a\"")], 4), append);
        assert_eq!(judged(206, &[("content-range", "bytes 4-9/*")], 4), append);
        for wrong in [
            &[][..],
            &[("content-range", "bytes 3-9/10")],
            &[("content-range", "bytes 4-10/11")],
            &[("content-range", "octets 4-9/10")],
            &[("content-range", "bytes 4-9/10"), ("etag", "\"b\"")],
        ] {
            assert!(matches!(judged(206, wrong, 4), Verdict::Restart { .. }), "{wrong:?}");
        }
        assert!(matches!(judged(206, &[("content-range", "bytes 0-9/10")], 0), Verdict::Refused { .. }));
    }

    #[test]
    fn a_range_behind_the_end_means_whole_or_changed() {
        assert_eq!(judged(416, &[("content-range", "bytes */10")], 10), Verdict::Complete);
        assert!(matches!(judged(416, &[("content-range", "bytes */9")], 10), Verdict::Restart { .. }));
        assert!(matches!(judged(416, &[], 10), Verdict::Restart { .. }));
    }

    #[test]
    fn only_what_identifies_the_bytes_allows_to_go_on() {
        let validator = |headers: &[(&'static str, &str)]| match judged(200, headers, 4) {
            Verdict::Fresh(identity) => identity.validator,
            other => panic!("{other:?}"),
        };
        assert_eq!(validator(&[("etag", "\"a\"")]).as_deref(), Some("\"a\""));
        assert_eq!(validator(&[("etag", "W/\"a\"")]), None);
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(validator(&[("etag", "W/\"a\""), ("last-modified", date)]).as_deref(), Some(date));
        assert_eq!(validator(&[("etag", "\"a\""), ("accept-ranges", "none")]), None);
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let after = |headers: &[(&'static str, &str)]| match judged(503, headers, 0) {
            Verdict::Retry { after, .. } => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let (now, then) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:29:30 GMT");
        assert_eq!(after(&[("retry-after", then), ("date", now)]), Some(Duration::from_secs(90)));
        assert_eq!(after(&[("retry-after", then)]), None);
        assert_eq!(after(&[("retry-after", "soon")]), None);
        for refused in [400, 401, 403, 404, 410, 204, 304] {
            assert!(matches!(judged(refused, &[], 0), Verdict::Refused { .. }), "{refused}");
        }
    }
}
