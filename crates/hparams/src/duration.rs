//! The text form of durations: a number and a unit.

use std::time::Duration;

/// Each unit with its length in seconds, longest first.
const UNITS: [(&str, f64); 5] = [("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)];

/// `90s`, `1.5 h`, `250ms`; `m` could be minutes, months or milli, and is refused.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic() && c != 'e').unwrap_or(text.len()));
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: f64 = number.trim().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// The shortest text that [`parse`] reads back to the same duration.
pub(crate) fn to_text(duration: Duration) -> String {
    let whole = |seconds: f64| {
        let count = duration.as_secs_f64() / seconds;
        (count >= 1.0 && count.fract() == 0.0).then_some(count)
    };
    let found = UNITS.iter().find_map(|(unit, seconds)| Some(format!("{}{unit}", whole(*seconds)?)));
    found.filter(|text| parse(text) == Some(duration)).unwrap_or_else(|| {
        // Seconds with all their digits: a float has too few for nanoseconds of a long time.
        let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
        format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, to_text};

    #[test]
    fn text_forms() {
        for (text, seconds) in [("0s", 0.0), ("90s", 90.0), ("2h", 7200.0), ("250ms", 0.25), ("1d", 86_400.0)] {
            assert_eq!(to_text(Duration::from_secs_f64(seconds)), text);
            assert_eq!(parse(text), Some(Duration::from_secs_f64(seconds)));
        }
        assert_eq!(parse(" 1.5 h "), Some(Duration::from_secs(5400)));
        assert_eq!(parse("1e3ms"), Some(Duration::from_secs(1)));
        for wrong in ["", "s", "5", "5m", "-1s", "nan s", "inf s", "1e300d", "5 s s", "é"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn odd_times_read_back() {
        for duration in [Duration::from_nanos(1_500_000_001), Duration::from_micros(7), Duration::from_millis(90_500)] {
            assert_eq!(parse(&to_text(duration)), Some(duration), "{}", to_text(duration));
        }
    }
}
