//! Just enough of Rust's grammar to tell code from comments and literals, and tests from the rest.

/// The text with comments and the contents of string and character literals replaced by spaces. Lines stay where they
/// are, so that what is found in the code can be pointed at in the text.
pub(super) fn code_only(text: &str) -> String {
    let chars = text.chars().collect::<Vec<_>>();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match literal_or_comment(&chars, at) {
            Some(end) => {
                code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
                end
            }
            None => {
                code.push(chars[at]);
                at + 1
            }
        };
        at = end;
    }
    code
}

/// For each line of `code` (see [`code_only`]), whether it belongs to an item under `#[cfg(test)]`.
pub(super) fn test_lines(code: &str) -> Vec<bool> {
    let mut marks = Vec::new();
    // `None` outside of a test item; inside, how many brackets of its body or signature are open.
    let mut open: Option<usize> = None;
    for line in code.lines() {
        let mut rest = line;
        let mut is_test = open.is_some();
        if open.is_none()
            && let Some(after) = line.trim_start().strip_prefix("#[cfg(test)]")
        {
            (open, rest, is_test) = (Some(0), after, true);
        }
        if let Some(depth) = open {
            open = after_line(rest, depth);
        }
        marks.push(is_test);
    }
    marks
}

/// How many brackets are open after the line of an item, or `None` when the item ends on it.
fn after_line(line: &str, mut depth: usize) -> Option<usize> {
    for c in line.chars() {
        match c {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' if depth <= 1 => return None,
            '}' => depth -= 1,
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    Some(depth)
}

/// Where the literal or comment that starts at `at` ends, if one starts there.
fn literal_or_comment(chars: &[char], at: usize) -> Option<usize> {
    match (chars[at], chars.get(at + 1)) {
        ('/', Some('/')) => Some(position(chars, at, |c| c == '\n')),
        ('/', Some('*')) => Some(after_block_comment(chars, at)),
        ('"', _) => Some(after_string(chars, at)),
        ('r', Some('"' | '#')) => after_raw_string(chars, at),
        ('\'', _) => after_char(chars, at),
        _ => None,
    }
}

fn after_block_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn after_string(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn after_raw_string(chars: &[char], start: usize) -> Option<usize> {
    // The `r` must begin the literal: `br"..."` and `cr"..."` are literals, `bar"` is no Rust.
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    let before = |back: usize| start.checked_sub(back).map(|index| chars[index]);
    let prefixed = matches!(before(1), Some('b' | 'c')) && !before(2).is_some_and(in_name);
    if before(1).is_some_and(in_name) && !prefixed {
        return None;
    }
    let quote = position(chars, start + 1, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return None; // a raw identifier
    }
    let hashes = quote - start - 1;
    let closes = |at: usize| chars[at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    let close = (quote + 1..chars.len()).find(|&at| closes(at));
    Some(close.map_or(chars.len(), |at| at + 1 + hashes))
}

/// A quote begins a character unless it begins a lifetime, which no quote ends.
fn after_char(chars: &[char], start: usize) -> Option<usize> {
    match (chars.get(start + 1)?, chars.get(start + 2)) {
        ('\\', Some(_)) => Some((position(chars, start + 3, |c| c == '\'') + 1).min(chars.len())),
        (_, Some('\'')) => Some(start + 3),
        _ => None,
    }
}

/// The first index from `from` where the predicate holds, or the end.
fn position(chars: &[char], from: usize, predicate: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|&at| predicate(chars[at])).unwrap_or(chars.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_code(text: &str, expected: &str) {
        let code = code_only(text);
        assert_eq!(code.lines().count(), text.lines().count(), "lines moved: {code:?}");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn comments_are_no_code() {
        check_code("a // b\nc /* d /* e */ f */ g\n//! h", "a c g");
        check_code("a /* never\nclosed", "a");
    }

    #[test]
    fn literals_are_no_code() {
        check_code(r#"a "b \" // c" d"#, "a d");
        check_code("a r#\"b \" c\"# d br\"e\" f", "a d b f");
        check_code("a 'b' '\\'' '\"' c", "a c");
        check_code("a \"never\nclosed", "a");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        check_code("fn f<'a>(x: &'a str) 'y' z", "fn f<'a>(x: &'a str) z");
        check_code("r#type = for_r", "r#type = for_r");
    }

    #[track_caller]
    fn check_tests(text: &str, expected: &[usize]) {
        let marks = test_lines(&code_only(text));
        let marked = marks.iter().enumerate().filter(|(_, mark)| **mark).map(|(index, _)| index + 1);
        assert_eq!(marked.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_test_module_ends_with_its_last_bracket() {
        check_tests("a();\n#[cfg(test)]\nmod tests {\n  \"}\";\n  { }\n}\nb();", &[2, 3, 4, 5, 6]);
    }

    #[test]
    fn test_items_without_a_body_end_with_a_semicolon() {
        check_tests("#[cfg(test)]\nmod tests;\nb();", &[1, 2]);
        check_tests("#[cfg(test)]\nfn f(a: [u8; 3]) {\n}\nb();", &[1, 2, 3]);
        check_tests("#[cfg(test)] use a::b;\nb();", &[1]);
    }
}
