//! Places in a text: line, column, and the line underlined.

use std::ops::Range;

/// A place in a text of several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The line, or the part of a long one, without control characters; empty where it must not be shown.
    excerpt: String,
    /// Characters of the excerpt before the mark.
    before: usize,
    /// Characters marked; at least one.
    marked: usize,
}

/// The most characters of a line that are shown: what fits beside the line number on most screens.
const WIDEST: usize = 100;

impl Position {
    /// The line with the mark below it, on three lines.
    pub(crate) fn underlined(&self) -> Option<String> {
        if self.excerpt.is_empty() {
            return None;
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let (space, mark) = (" ".repeat(self.before), "^".repeat(self.marked));
        Some(format!("{margin} |\n{number} | {}\n{margin} | {space}{mark}", self.excerpt))
    }

    /// Whether the text that is shown holds `word`.
    pub(crate) fn shows(&self, word: &str) -> bool {
        self.excerpt.contains(word)
    }

    /// Shows nothing of the text any more.
    pub(crate) fn hide(&mut self) {
        self.excerpt.clear();
    }
}

/// Where the lines of a text start, so that each of many positions is found quickly.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(index, _)| index + 1);
        Lines { text, starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The place of the bytes `span`; of several lines the first is shown.
    pub(crate) fn position(&self, span: Range<usize>) -> Position {
        let line = self.starts.partition_point(|start| *start <= span.start).max(1);
        let start = self.starts[line - 1];
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        let before = self.text.get(start..span.start).unwrap_or_default().chars().count();
        let width = self.text.get(span.start..span.end.min(end)).unwrap_or_default().trim_end().chars().count();

        // Of a long line the part around the mark.
        let skipped = if before >= WIDEST * 2 / 3 { before - WIDEST / 3 } else { 0 };
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let shown = self.text.get(start..end).unwrap_or_default().chars().skip(skipped).take(WIDEST).map(clean);
        Position {
            line,
            column: before + 1,
            excerpt: shown.collect::<String>().trim_end().to_owned(),
            before: before - skipped,
            marked: width.clamp(1, WIDEST - (before - skipped)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let lines = Lines::new("ab\né=1\n");
        let position = |start| {
            let found = lines.position(start..start + 1);
            (found.line, found.column)
        };
        assert_eq!(position(0), (1, 1));
        assert_eq!(position(3), (2, 1));
        assert_eq!(position(5), (2, 2));
        assert_eq!(position(7), (2, 4));
        assert_eq!(position(8), (3, 1));
        let past = lines.position(99..99);
        assert_eq!((past.line, past.column), (3, 1));
        assert_eq!(Lines::new("").position(0..0).column, 1);
    }

    #[test]
    fn the_mark_lies_below_what_is_meant() {
        let text = "a = 1\n\té = [1,\n 2]\n";
        let shown = |span| Lines::new(text).position(span).underlined();
        assert_eq!(shown(4..5).as_deref(), Some("  |\n1 | a = 1\n  |     ^"));
        assert_eq!(shown(12..19).as_deref(), Some("  |\n2 |  é = [1,\n  |      ^^^"));
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{} = wrong{}", "k".repeat(300), "x".repeat(300));
        let position = Lines::new(&text).position(303..608);
        let shown = position.underlined().unwrap();
        assert_eq!(position.column, 304);
        assert!(shown.lines().all(|line| line.len() <= 104), "{shown}");
        let [_, line, mark] = shown.lines().collect::<Vec<_>>()[..] else { panic!("{shown}") };
        assert_eq!(mark.find('^'), line.find("wrong"));
    }
}
