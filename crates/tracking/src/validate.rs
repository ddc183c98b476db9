//! The rules of an MLflow server, applied where the mistake is made instead of minutes later.
//!
//! Source: the REST contract of MLflow 3.17 (key characters, lengths, truncation).

use std::borrow::Cow;

use crate::Error;

/// Longest key of a metric, param or tag, in characters.
pub(crate) const MAX_KEY_CHARS: usize = 250;
/// Longest value of a param, in characters; the server cuts longer ones without a word.
pub(crate) const MAX_PARAM_CHARS: usize = 6000;
/// Longest value of a tag, in characters; the server cuts longer ones without a word.
pub(crate) const MAX_TAG_CHARS: usize = 8000;
/// Longest name of an experiment, in characters (the local database's column).
pub(crate) const MAX_EXPERIMENT_CHARS: usize = 256;

/// Checks a metric, param or tag key (`kind` names which, for the message).
pub(crate) fn key(kind: &'static str, key: &str) -> Result<(), Error> {
    let refuse = |reason| Err(Error::Key { kind, key: key.chars().take(80).collect(), reason });
    if key.is_empty() {
        return refuse("is empty");
    }
    if key.chars().count() > MAX_KEY_CHARS {
        return refuse("is longer than 250 characters");
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/');
    if !key.chars().all(allowed) {
        return refuse("may hold only letters, digits and `_ - . : /` and spaces");
    }
    // The server wants a key that names one file, whatever the store behind it.
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("may not start or end with `/` nor hold `//`, `.` or `..` as a part");
    }
    Ok(())
}

/// `value` as the server would store it: cut to `limit` characters, with a warning.
pub(crate) fn truncated<'a>(kind: &'static str, key: &str, value: &'a str, limit: usize) -> Cow<'a, str> {
    match value.char_indices().nth(limit) {
        None => Cow::Borrowed(value),
        Some((end, _)) => {
            tracing::warn!(kind, key, limit, "value is too long for MLflow and was cut");
            Cow::Owned(value[..end].to_owned())
        }
    }
}

/// Checks the name of an experiment.
pub(crate) fn experiment(name: &str) -> Result<(), Error> {
    let refuse =
        |reason: &str| Err(Error::Experiment { name: name.chars().take(80).collect(), reason: reason.to_owned() });
    if name.trim().is_empty() {
        return refuse("has an empty name: give it one");
    }
    if name.chars().count() > MAX_EXPERIMENT_CHARS {
        return refuse("has a name longer than 256 characters: shorten it");
    }
    Ok(())
}

/// Checks the path of an artifact inside its run: relative, `/` between parts, portable.
pub(crate) fn artifact_path(path: &str) -> Result<(), Error> {
    let refuse = |reason| Err(Error::ArtifactPath { path: path.chars().take(200).collect(), reason });
    if path.is_empty() {
        return refuse("is empty");
    }
    if path.len() > 1000 {
        return refuse("is longer than 1000 bytes");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("must be relative, without empty parts, `.` or `..`");
    }
    if path.split('/').any(|part| part.len() > 200) {
        return refuse("has a part longer than 200 bytes");
    }
    if path.chars().any(|c| c.is_control() || matches!(c, '\\' | '#' | '%' | '?' | '*' | ':')) {
        return refuse(r"may not hold control characters or any of `\ # % ? * :`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_rules_of_the_server() {
        let longest = "k".repeat(250);
        for good in ["a", "perf/train_duration_seconds", "Größe 1", "a:b.c-d_e", &longest] {
            key("metric", good).unwrap();
        }
        let too_long = "k".repeat(251);
        for bad in ["", "/a", "a/", "a//b", "a/../b", "..", ".", "./a", "a,b", "a\n", &too_long] {
            let message = key("metric", bad).unwrap_err().to_string();
            assert!(message.starts_with("metric key `"), "{message}");
        }
    }

    #[test]
    fn long_values_are_cut_by_characters_not_bytes() {
        assert_eq!(truncated("tag", "k", "äöü", 3), "äöü");
        assert_eq!(truncated("tag", "k", "äöü!", 3), "äöü");
    }

    #[test]
    fn artifact_paths_stay_inside_the_run() {
        for good in ["model.safetensors", "plots/a b.png", "ü/x"] {
            artifact_path(good).unwrap();
        }
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a\\b", "a#b", "50%", "a\0", "c:x"] {
            assert!(artifact_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn experiments_need_a_name() {
        assert!(experiment("dodge").is_ok());
        assert!(experiment(" ").is_err());
        assert!(experiment(&"x".repeat(257)).is_err());
    }
}
