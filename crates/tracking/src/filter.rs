//! The part of MLflow's search language that the local store understands:
//! `metrics.loss < 0.1 and params.algo = 'ppo'`.

use crate::{Error, RunRecord};

/// Comparisons that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter(Vec<Comparison>);

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    kind: Kind,
    key: String,
    operator: Operator,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Metric,
    Param,
    Tag,
    Attribute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Value { kind: "filter", key: text.chars().take(80).collect(), reason };
        let mut input = text.trim();
        let mut comparisons = Vec::new();
        while !input.is_empty() {
            let (comparison, rest) = comparison(input).map_err(refuse)?;
            comparisons.push(comparison);
            input = rest.trim_start();
            if input.is_empty() {
                break;
            }
            let and = input.get(..3).filter(|word| word.eq_ignore_ascii_case("and"));
            input = match and.map(|_| &input[3..]) {
                Some(rest) if rest.starts_with(char::is_whitespace) && !rest.trim().is_empty() => rest.trim_start(),
                _ => return Err(refuse(format!("is not understood at `{input}`: expected `and` and a comparison"))),
            };
        }
        Ok(Self(comparisons))
    }

    pub(crate) fn holds(&self, run: &RunRecord) -> bool {
        self.0.iter().all(|comparison| comparison.holds(run))
    }
}

impl Comparison {
    fn holds(&self, run: &RunRecord) -> bool {
        let text = match self.kind {
            Kind::Metric => return run.metrics.get(&self.key).is_some_and(|value| self.number_holds(*value)),
            Kind::Param => run.params.get(&self.key),
            Kind::Tag => run.tags.get(&self.key),
            Kind::Attribute => match self.key.as_str() {
                "start_time" => return self.number_holds(run.start_time as f64),
                "status" => Some(&run.status),
                "run_id" => Some(&run.run_id),
                _ => Some(&run.run_name),
            },
        };
        let Value::Text(expected) = &self.value else { return false };
        text.is_some_and(|text| match self.operator {
            Operator::Equal => text == expected,
            _ => text != expected,
        })
    }

    fn number_holds(&self, value: f64) -> bool {
        let Value::Number(limit) = self.value else { return false };
        match self.operator {
            Operator::Equal => value == limit,
            Operator::NotEqual => value != limit,
            Operator::Less => value < limit,
            Operator::LessOrEqual => value <= limit,
            Operator::Greater => value > limit,
            Operator::GreaterOrEqual => value >= limit,
        }
    }
}

fn comparison(input: &str) -> Result<(Comparison, &str), String> {
    let (kind, input) = match input.split_once('.') {
        Some(("metrics" | "metric", rest)) => (Kind::Metric, rest),
        Some(("params" | "param" | "parameters" | "parameter", rest)) => (Kind::Param, rest),
        Some(("tags" | "tag", rest)) => (Kind::Tag, rest),
        Some(("attributes" | "attribute" | "attr" | "run", rest)) => (Kind::Attribute, rest),
        _ => {
            return Err(format!(
                "is not understood at `{input}`: expected `metrics.`, `params.`, `tags.` or `attributes.`"
            ));
        }
    };
    let (key, input) = key(input)?;
    if kind == Kind::Attribute && !["status", "run_id", "run_name", "start_time"].contains(&key) {
        return Err(format!("asks for the attribute `{key}`: there are status, run_id, run_name and start_time"));
    }
    let input = input.trim_start();
    let operators = [
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let found = operators.into_iter().find_map(|(text, operator)| Some((operator, input.strip_prefix(text)?)));
    let (operator, input) = found.ok_or_else(|| format!("is not understood at `{input}`: expected a comparison"))?;
    let (value, input) = value(input.trim_start())?;
    let numeric = kind == Kind::Metric || (kind == Kind::Attribute && key == "start_time");
    match &value {
        Value::Text(_) if numeric => return Err(format!("compares `{key}` with a text: it is a number")),
        Value::Number(_) if !numeric => return Err(format!("compares `{key}` with a number: put it into quotes")),
        Value::Text(_) if !matches!(operator, Operator::Equal | Operator::NotEqual) => {
            return Err(format!("orders the text `{key}`: texts are only equal or not"));
        }
        _ => {}
    }
    Ok((Comparison { kind, key: key.to_owned(), operator, value }, input))
}

fn key(input: &str) -> Result<(&str, &str), String> {
    if let Some(quote) = input.chars().next().filter(|c| matches!(c, '`' | '"')) {
        return input[1..].split_once(quote).ok_or_else(|| format!("has an open quote at `{input}`"));
    }
    let end = input.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'))).unwrap_or(input.len());
    if end == 0 { Err(format!("lacks a key at `{input}`")) } else { Ok(input.split_at(end)) }
}

fn value(input: &str) -> Result<(Value, &str), String> {
    if let Some(quote) = input.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let (text, rest) = input[1..].split_once(quote).ok_or_else(|| format!("has an open quote at `{input}`"))?;
        return Ok((Value::Text(text.to_owned()), rest));
    }
    let end = input.find(char::is_whitespace).unwrap_or(input.len());
    let (word, rest) = input.split_at(end);
    match word.parse() {
        Ok(number) => Ok((Value::Number(number), rest)),
        Err(_) => Err(format!("is not understood at `{input}`: expected a number or a text in quotes")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run() -> RunRecord {
        let mut run = RunRecord { status: "FINISHED".to_owned(), run_name: "first".to_owned(), ..RunRecord::default() };
        run.metrics.extend([("loss".to_owned(), 0.5), ("nan".to_owned(), f64::NAN)]);
        run.params.insert("algo".to_owned(), "ppo".to_owned());
        run.tags.insert("a b".to_owned(), "it's".to_owned());
        run
    }

    #[test]
    fn comparisons_are_told_apart() {
        let holds = |text: &str| Filter::parse(text).unwrap().holds(&run());
        for yes in [
            "",
            "metrics.loss < 1",
            "metrics.loss <= 0.5 and metrics.loss>=0.5",
            "params.algo = 'ppo' AND metrics.loss != 2",
            "tags.`a b` = \"it's\"",
            "attributes.status = 'FINISHED' and attributes.run_name != 'second'",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in
            ["metrics.loss > 0.5", "metrics.other = 1", "params.algo != 'ppo'", "metrics.nan = 0", "tags.x != 'y'"]
        {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, words) in [
            ("loss < 1", "expected `metrics.`"),
            ("metrics.loss < 1 or metrics.loss > 2", "expected `and`"),
            ("metrics.loss < 1 and ", "expected `and` and a comparison"),
            ("metrics.loss", "expected a comparison"),
            ("metrics.loss < 'x'", "it is a number"),
            ("params.a = 1", "put it into quotes"),
            ("params.a < '1'", "only equal or not"),
            ("params.a = 'x", "open quote"),
            ("attributes.colour = 'x'", "there are status"),
        ] {
            let message = Filter::parse(text).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(metrics|params|tags)?[.a-z`'\"<>=! 0-9é]{0,20}") {
            let _ = Filter::parse(&text);
        }
    }
}
