//! What a run of the program left behind, and what a test may ask of it.

use std::process::Output;

use serde_json::Value;

/// What a run of the program left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; none where a signal ended the program.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// Logs, progress and errors.
    pub stderr: String,
}

impl Finished {
    pub(crate) fn from_output(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Makes sure that all went well.
    ///
    /// # Panics
    /// With everything that was printed, if not.
    #[must_use]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// The last line of stdout, which has to be a JSON object.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self}"));
        assert!(value.is_object(), "{self}");
        value
    }

    /// Makes sure that the program failed as it should: with this exit code, at the end of stderr one `error:` line, or for
    /// several mistakes in hyperparameters several, each with the line of its file underlined, that a `hint:` line may follow,
    /// and no panic. Returns these lines.
    ///
    /// # Panics
    /// When it did anything else.
    #[must_use]
    pub fn failed(&self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(!self.stderr.contains("panicked"), "{self}");
        let lines: Vec<&str> = self.stderr.lines().collect();
        let begin = lines.iter().position(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{self}"));
        let mut rest = &lines[begin..];
        if let [before @ .., last] = rest
            && last.starts_with("hint: ")
        {
            rest = before;
        }
        for line in rest {
            let is_error = line.trim_end() == *line && line.len() > "error: ".len() && line.starts_with("error: ");
            let is_excerpt =
                line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).starts_with('|');
            assert!(is_error || is_excerpt, "something else behind the error line: {self}");
        }
        lines[begin..].join("\n")
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
