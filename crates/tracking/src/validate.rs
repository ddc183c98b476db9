//! The rules of an MLflow server, applied where the mistake is made instead of minutes later.
//!
//! Source: the REST contract of MLflow 3.17 (key characters, lengths, truncation).

use crate::Error;

/// Longest key of a metric, param or tag, in characters.
pub(crate) const MAX_KEY_CHARS: usize = 250;
/// Longest value of a param, in characters; the server cuts longer ones without a word.
pub(crate) const MAX_PARAM_CHARS: usize = 6000;
/// Longest value of a tag, in characters; the server cuts longer ones without a word.
pub(crate) const MAX_TAG_CHARS: usize = 8000;
/// Most parts of a long value.
const MAX_PARTS: usize = 20;
/// Longest name of a model, in characters (the local database's column).
const MAX_MODEL_NAME_CHARS: usize = 256;
/// Longest name of an experiment, in characters (the local database's column).
pub(crate) const MAX_EXPERIMENT_CHARS: usize = 256;

/// Checks a metric, param or tag key (`kind` names which, for the message).
pub(crate) fn key(kind: &'static str, key: &str) -> Result<(), Error> {
    if is_plain(key) {
        return Ok(());
    }
    let refuse = |reason| Err(Error::Key { kind, key: shown(key), reason });
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

/// Whether `key` is of the common sort that needs no closer look: this runs at every metric.
fn is_plain(key: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    // A slash must not be doubled nor stand at an end, so each part begins and ends with a plain character.
    let bytes = key.as_bytes();
    let mut after_slash = true;
    for byte in bytes {
        if *byte == b'/' && !after_slash {
            after_slash = true;
        } else if plain(byte) {
            after_slash = false;
        } else {
            return false;
        }
    }
    !after_slash && bytes.len() <= MAX_KEY_CHARS
}

/// A key as messages show it.
fn shown(key: &str) -> String {
    key.chars().take(80).collect()
}

/// The entries that a param or tag becomes: itself, or, for a value longer than `limit` characters, its parts in order
/// under `key`, `key.part2`, `key.part3` and so on, so that joining them gives the value.
///
/// A server would cut the value without a word. Keys that begin with `mlflow.` mean something to the server, where a part
/// means nothing: they are refused instead.
pub(crate) fn parts(kind: &'static str, key: &str, value: &str, limit: usize) -> Result<Vec<(String, String)>, Error> {
    if value.len() <= limit {
        return Ok(vec![(key.to_owned(), value.to_owned())]);
    }
    let mut parts = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(limit).map_or(rest.len(), |(end, _)| end);
        let (part, tail) = rest.split_at(end);
        let number = parts.len() + 1;
        let part_key = if number == 1 { key.to_owned() } else { format!("{key}.part{number}") };
        parts.push((part_key, part.to_owned()));
        rest = tail;
    }
    if parts.len() > 1 {
        let length = value.chars().count();
        if key.starts_with("mlflow.") {
            let reason = format!("has {length} characters: MLflow takes at most {limit}");
            return Err(Error::Value { kind, key: shown(key), reason });
        }
        if parts.len() > MAX_PARTS {
            let reason = format!("has {length} characters: at most {} are taken, log an artifact", limit * MAX_PARTS);
            return Err(Error::Value { kind, key: shown(key), reason });
        }
        for (part_key, _) in &parts {
            self::key(kind, part_key)?;
        }
        tracing::info!(kind, key, parts = parts.len(), "value is longer than MLflow takes and becomes several");
    }
    Ok(parts)
}

/// Checks the length of a text that belongs to the `kind` called `name`, in characters.
pub(crate) fn text(
    kind: &'static str,
    name: &str,
    what: &str,
    text: &str,
    shortest: usize,
    longest: usize,
) -> Result<(), Error> {
    let refuse = |reason| Err(Error::Value { kind, key: shown(name), reason });
    if text.len() < shortest {
        return refuse(format!("has an empty {what}: give it one"));
    }
    match text.char_indices().nth(longest) {
        Some(_) => refuse(format!("has a {what} longer than {longest} characters: shorten it")),
        None => Ok(()),
    }
}

/// Checks the name of a logged or registered model.
pub(crate) fn model_name(name: &str) -> Result<(), Error> {
    text("model", name, "name", name, 1, MAX_MODEL_NAME_CHARS)?;
    // These have a meaning in the addresses of models.
    match name.chars().find(|c| c.is_control() || matches!(c, '/' | ':' | '.' | '%' | '"' | '\'')) {
        Some(c) => {
            let reason = format!("has a name with {c:?} in it: letters, digits, `_`, `-` and spaces are sure to work");
            Err(Error::Value { kind: "model", key: shown(name), reason })
        }
        None => Ok(()),
    }
}

/// Checks an alias of a registered model.
pub(crate) fn alias(alias: &str) -> Result<(), Error> {
    let refuse = |reason: &str| Err(Error::Value { kind: "alias", key: shown(alias), reason: reason.to_owned() });
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if alias.is_empty() || alias.len() > MAX_KEY_CHARS || !alias.chars().all(allowed) {
        return refuse("is not made of 1 to 250 ASCII letters, digits, `_` and `-`");
    }
    let version = alias.strip_prefix(['v', 'V']).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if version || alias.eq_ignore_ascii_case("latest") {
        return refuse("means a version already: choose another word");
    }
    Ok(())
}

/// Checks a time that a caller gives.
pub(crate) fn timestamp(key: &str, timestamp: i64) -> Result<(), Error> {
    if timestamp < 0 {
        let reason = format!("has the time {timestamp}: expected milliseconds since 1970, 0 or more");
        return Err(Error::Value { kind: "metric", key: shown(key), reason });
    }
    Ok(())
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
    fn long_values_become_parts_by_characters_not_bytes() {
        let parts = |value: &str| parts("tag", "k", value, 3).map(|parts| parts.into_iter().collect::<Vec<_>>());
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(parts("äöü").unwrap(), [pair("k", "äöü")]);
        assert_eq!(parts("").unwrap(), [pair("k", "")]);
        assert_eq!(parts("äöü!").unwrap(), [pair("k", "äöü"), pair("k.part2", "!")]);
        assert!(parts(&"x".repeat(61)).unwrap_err().to_string().contains("at most 60 are taken"));
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let note = parts("tag", "mlflow.note.content", &"x".repeat(8001), MAX_TAG_CHARS).unwrap_err();
        assert_eq!(note.to_string(), "tag `mlflow.note.content` has 8001 characters: MLflow takes at most 8000");
        let long_key = "k".repeat(250);
        assert!(matches!(parts("param", &long_key, "four", 3), Err(Error::Key { .. })));
    }

    #[test]
    fn aliases_are_words_that_mean_no_version() {
        for good in ["champion", "a-b_c", "version2", "v1a"] {
            alias(good).unwrap();
        }
        for bad in ["", "v1", "V22", "latest", "Latest", "a b", "ä", "a/b"] {
            assert!(alias(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_quick_look_at_a_key_lets_nothing_through_that_the_closer_one_refuses(text in "[a-c_/. é-]{0,8}") {
            if is_plain(&text) {
                let closer = |part: &str| !matches!(part, "" | "." | "..");
                proptest::prop_assert!(text.split('/').all(closer), "{}", text);
                proptest::prop_assert!(text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/')));
            }
        }
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
