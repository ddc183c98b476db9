//! Numbers as people read them.

/// What stands for a figure that is not there.
pub(crate) const NONE: &str = "–";

/// A number that is there and finite, by a function; else a dash.
fn shown(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| NONE.to_owned(), show)
}

/// With so many digits behind the point; never `-0`.
pub(crate) fn fixed(value: Option<f64>, digits: usize) -> String {
    shown(value, |value| {
        let text = format!("{value:.digits$}");
        match text.strip_prefix('-') {
            Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest.to_owned(),
            Some(rest) => format!("−{rest}"),
            None => text,
        }
    })
}

/// Decibels with their sign.
pub(crate) fn gain(value: Option<f64>) -> String {
    shown(value, |value| {
        let text = fixed(Some(value), 2);
        if text.starts_with('−') || text == "0.00" { format!("{text} dB") } else { format!("+{text} dB") }
    })
}

/// Decibels.
pub(crate) fn decibels(value: Option<f64>) -> String {
    shown(value, |value| format!("{} dB", fixed(Some(value), 1)))
}

/// A share between 0 and 1.
pub(crate) fn percent(value: Option<f64>) -> String {
    shown(value, |value| format!("{} %", fixed(Some(100.0 * value), 0)))
}

/// A whole number with a narrow space between thousands.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A whole number, or a dash.
pub(crate) fn count_of(value: Option<usize>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| count(value as u64))
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: Option<f64>) -> String {
    shown(seconds, |seconds| match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    })
}

/// A large number for an axis: 12k, 1.5M.
pub(crate) fn brief(value: f64) -> String {
    let short = |value: f64, unit: &str| {
        let text = format!("{value:.1}");
        format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match value.abs() {
        size if size >= 1e6 => short(value / 1e6, "M"),
        size if size >= 1e3 => short(value / 1e3, "k"),
        _ => short(value, ""),
    }
}

/// `one` or `several` after its number.
pub(crate) fn counted(value: usize, one: &str, several: &str) -> String {
    format!("{} {}", count(value as u64), if value == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_hand() {
        assert_eq!(fixed(Some(-0.001), 2), "0.00");
        assert_eq!(fixed(Some(-1.25), 1), "−1.2");
        assert_eq!(fixed(Some(f64::NAN), 1), NONE);
        assert_eq!(
            [gain(Some(1.456)), gain(Some(-1.456)), gain(Some(0.0)), gain(None)],
            ["+1.46 dB", "−1.46 dB", "0.00 dB", NONE]
        );
        assert_eq!(percent(Some(0.056)), "6 %");
        assert_eq!([count(0), count(999), count(300_032)], ["0", "999", "300\u{202f}032"]);
        assert_eq!([duration(Some(34.2)), duration(Some(182.0)), duration(Some(9000.0))], ["34 s", "3 min", "2.5 h"]);
        assert_eq!([brief(0.0), brief(12_000.0), brief(1_500_000.0)], ["0", "12k", "1.5M"]);
        assert_eq!([counted(1, "photo", "photos"), counted(2, "photo", "photos")], ["1 photo", "2 photos"]);
    }
}
