//! The time in which a certificate is valid.
//!
//! `rustls` checks it on the way through a chain and shows it to nobody. Only certificates that equal one of the user's own
//! files come here.

use std::time::Duration;

use rustls::{
    CertificateError,
    pki_types::{CertificateDer, UnixTime},
};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SECONDS_PER_DAY: i64 = 86_400;

/// An error where the certificate is not valid at the time `now`.
pub(super) fn check(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let (from, to) = span(certificate).ok_or(CertificateError::BadEncoding)?;
    // Nobody asks before 1970.
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()));
    let (not_before, not_after) = (at(from), at(to));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    Ok(())
}

/// The first and the last second, counted from 1970-01-01 UTC. A certificate is nested values of tag, length and content:
/// `{ { version?, serial number, algorithm, issuer, { from, to }, ... }, ... }`.
fn span(certificate: &[u8]) -> Option<(i64, i64)> {
    let mut outer = certificate;
    let mut whole = content(&mut outer, SEQUENCE)?;
    let mut fields = content(&mut whole, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        value(&mut fields)?;
    }
    for _serial_number_algorithm_issuer in 0..3 {
        value(&mut fields)?;
    }
    let mut times = content(&mut fields, SEQUENCE)?;
    Some((time(value(&mut times)?)?, time(value(&mut times)?)?))
}

/// The content of the value at the front of `input`, if it has this tag; moves behind it.
fn content<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    value(input).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Tag and content of the value at the front of `input`; moves behind it.
fn value<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&length, rest) = rest.split_first()?;
    // Up to 127 it is the length itself, from there on how many bytes the length has.
    let (length, rest) = match length {
        0..=0x7F => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some((tag, content))
}

/// `YYMMDDhhmmssZ`, years from 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => text.split_at_checked(2)?,
        GENERALIZED_TIME => text.split_at_checked(4)?,
        _ => return None,
    };
    if rest.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let year: i64 = year.parse().ok()?;
    let year = match tag {
        UTC_TIME if year < 50 => year + 2000,
        UTC_TIME => year + 1900,
        _ => year,
    };
    let days = days_from_1970(year, number(0)?, number(2)?);
    Some(days * SECONDS_PER_DAY + number(4)? * 3600 + number(6)? * 60 + number(8)?)
}

/// How many days lie between 1970-01-01 and a day of the Gregorian calendar, as Howard Hinnant counts them
/// (<https://howardhinnant.github.io/date_algorithms.html>): years begin in March, so that leap days come last.
fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2026, 11, 29), 20_786),
            ((9999, 12, 31), 2_932_896),
        ] {
            assert_eq!(days_from_1970(date.0, date.1, date.2), days, "{date:?}");
        }
    }

    #[test]
    fn both_ways_to_write_a_time_are_read_and_nothing_else() {
        assert_eq!(time((UTC_TIME, b"700101000001Z")), Some(1));
        assert_eq!(time((UTC_TIME, b"491231235959Z")), Some(2_524_607_999));
        assert_eq!(time((UTC_TIME, b"500101000000Z")), Some(-631_152_000));
        assert_eq!(time((GENERALIZED_TIME, b"20500101000000Z")), Some(2_524_608_000));
        for text in [b"".as_slice(), b"Z", b"7001010000Z", b"700101000001", b"70010100000xZ", b"70010100000\xC3\xBCZ"] {
            assert_eq!(time((UTC_TIME, text)), None, "{text:?}");
        }
    }

    #[test]
    fn a_certificate_is_valid_from_its_first_second_to_its_last() {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2060, 1, 1);
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let at = |seconds| check(certificate.der(), UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        let (from, to) = (1_577_836_800, 2_840_140_800);
        assert!(matches!(at(from - 1), Err(CertificateError::NotValidYetContext { .. })));
        assert_eq!((at(from), at(to)), (Ok(()), Ok(())));
        assert!(matches!(at(to + 1), Err(CertificateError::ExpiredContext { .. })));
        for cut in 0..certificate.der().len() {
            // However short it is, it is no panic.
            let _ = span(&certificate.der()[..cut]);
        }
    }
}
