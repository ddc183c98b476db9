//! Every hyperparameter has one default, in the struct that declares it. `docs/hyperparameters.md` defends the rule.
//!
//! A second default is a number that code outside of a declaration gives to what is declared: in a constant of its name or
//! called `DEFAULT_…`, in a `Default` written by hand, in a literal of its struct, as the default of a command-line option, or
//! as what stands in for a missing value. Tests, benchmarks and examples choose their own numbers, and may.

use super::Violation;
use super::workspace::{File, Workspace};

/// Where hyperparameters may be declared and used.
const CRATES: [&str; 6] = [
    "crates/cli/src/",
    "crates/data/src/",
    "crates/juror/src/",
    "crates/learn/src/",
    "crates/preprocess/src/",
    "crates/rl/src/",
];

/// Numbers that look like a second default and are none: the file, a piece of the line, and the reason.
const NONE_OF_THEM: &[(&str, &str, &str)] = &[(
    "crates/cli/src/arguments.rs",
    "default_value_t = 1)",
    "`dodge evaluate --seed` belongs to a measurement and not to the training that `training.seed` repeats",
)];

/// What the structs of hyperparameters declare.
#[derive(Debug, Default)]
struct Declared {
    structs: Vec<String>,
    keys: Vec<String>,
}

/// No number is the default of a hyperparameter but in its declaration.
pub(super) fn hyperparameters_have_one_default(workspace: &Workspace) -> Vec<Violation> {
    let files = || {
        let in_crates = |file: &&File| CRATES.iter().any(|folder| file.path.starts_with(folder));
        workspace.sources().filter(in_crates).filter(|file| !file.is_test() && !file.path.ends_with("_tests.rs"))
    };
    let mut declared = Declared::default();
    files().for_each(|file| declared.add(&outside_tests(file)));
    files().flat_map(|file| violations(file, &declared)).collect()
}

impl Declared {
    /// Adds the structs that derive `HParams`, with their fields.
    fn add(&mut self, code: &str) {
        let (mut derives, mut inside) = (false, false);
        for line in code.lines() {
            let words = line.trim();
            if inside {
                let field = words.strip_prefix("pub ").or_else(|| words.strip_prefix("pub(crate) "));
                let field = field.and_then(|rest| rest.split_once(':'));
                self.keys.extend(field.map(|(name, _)| name.trim_start_matches("r#").to_owned()));
                inside = line != "}";
            } else if words.starts_with("#[derive(") {
                derives = words.contains("HParams");
            } else if let Some((_, rest)) = words.split_once("struct ").filter(|_| derives) {
                self.structs.extend(rest.split(|c: char| !is_name(c)).next().map(str::to_owned));
                (derives, inside) = (false, rest.ends_with('{'));
            }
        }
    }

    fn has_key(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key == name)
    }
}

fn violations(file: &File, declared: &Declared) -> Vec<Violation> {
    let code = outside_tests(file);
    let mut lines = Vec::new();
    for (number, line) in code.lines().enumerate() {
        if is_constant(line, declared) || is_fallback(line, declared) {
            lines.push(number + 1);
        }
    }
    for (number, line) in file.non_test_lines() {
        let default = line.split("default_value").nth(1).map(|rest| rest.trim_start_matches("_t").trim_start());
        let value =
            default.and_then(|rest| rest.strip_prefix('=')).map(|rest| rest.trim_start_matches([' ', '"', '-']));
        if value.is_some_and(|value| value.starts_with(|c: char| c.is_ascii_digit())) {
            lines.push(number);
        }
    }
    for (start, _) in code.match_indices("impl Default for ") {
        let body = block(&code[start..]);
        lines.extend(numbers(body).into_iter().map(|at| line_of(&code, start + at)));
    }
    for name in &declared.structs {
        for (start, _) in code.match_indices(&format!("{name} {{")) {
            let before = code[..start].trim_end();
            let is_literal = !["struct", "impl", "for", "->"].iter().any(|word| before.ends_with(word))
                && !code[..start].ends_with(is_name);
            let body = if is_literal { block(&code[start..]) } else { "" };
            let given = |at: &usize| body[..*at].trim_end_matches(['-', ' ']).ends_with(':');
            lines.extend(numbers(body).into_iter().filter(given).map(|at| line_of(&code, start + at)));
        }
    }
    lines.sort_unstable();
    lines.dedup();
    let texts: Vec<&str> = file.text.lines().collect();
    let excused = |line: &usize| {
        let text = texts.get(line - 1).copied().unwrap_or_default();
        NONE_OF_THEM.iter().any(|(path, piece, _)| *path == file.path && text.contains(piece))
    };
    let message = "a number here is a second default of a hyperparameter; take it from the struct that declares it";
    lines.into_iter().filter(|line| !excused(line)).map(|line| Violation::new(&*file.path, line, message)).collect()
}

/// `const DISCOUNT: f64 = 0.9;` where `discount` is declared, and `const DEFAULT_ANYTHING: u32 = 3;`.
fn is_constant(line: &str, declared: &Declared) -> bool {
    let Some((_, rest)) = line.split_once("const ").or_else(|| line.split_once("static ")) else { return false };
    let Some((name, rest)) = rest.split_once(':') else { return false };
    let value = rest.split_once('=').map_or("", |(_, value)| value);
    let named = name.starts_with("DEFAULT_") || declared.has_key(&name.to_lowercase());
    named && value.trim_start_matches(['-', '[', ' ']).starts_with(|c: char| c.is_ascii_digit())
}

/// `params.discount.unwrap_or(0.9)` where `discount` is declared.
fn is_fallback(line: &str, declared: &Declared) -> bool {
    const CALL: &str = ".unwrap_or(";
    line.match_indices(CALL).any(|(at, _)| {
        let value = line[at + CALL.len()..].trim_start_matches('-');
        let receiver = line[..at].rsplit(|c: char| !is_name(c)).next().unwrap_or_default();
        value.starts_with(|c: char| c.is_ascii_digit()) && declared.has_key(receiver)
    })
}

/// The code of the file, with the lines of tests empty.
fn outside_tests(file: &File) -> String {
    let mut lines = vec![""; file.code().lines().count()];
    for (number, line) in file.non_test_code() {
        lines[number - 1] = line;
    }
    lines.join("\n")
}

/// From the start to the bracket that closes the first one.
fn block(code: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return &code[..at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    code
}

/// Where number literals begin.
fn numbers(code: &str) -> Vec<usize> {
    let begins = |(at, c): (usize, char)| {
        let starts = c.is_ascii_digit() && !code[..at].ends_with(|c: char| is_name(c) || c == '.');
        starts.then_some(at)
    };
    code.char_indices().filter_map(begins).collect()
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample::files;
    use super::*;

    const DECLARATION: &str = "//! Docs.
/// Params.
#[derive(Debug, Clone, HParams)]
#[hparams(section = \"ppo\")]
pub struct PpoParams {
    /// Discount.
    #[hparam(default = 0.97, range = 0.0..=1.0)]
    pub discount: f64,
    #[hparam(default = 6)]
    pub epochs: usize,
}
";

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let workspace = files(&[("crates/rl/src/ppo.rs", DECLARATION), (path, text)]);
        hyperparameters_have_one_default(&workspace).iter().map(|violation| violation.line).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        assert_eq!(lines("crates/rl/src/a.rs", text), expected, "{text}");
    }

    #[test]
    fn a_declaration_alone_is_no_second_default() {
        check("", &[]);
        check("use x;\nfn f(params: &PpoParams) -> f64 { params.discount * 0.5 }", &[]);
    }

    #[test]
    fn constants_of_its_name_are_found() {
        check("\nconst DISCOUNT: f64 = 0.9;", &[2]);
        check("pub(crate) static EPOCHS: usize = 3;", &[1]);
        check("const DEFAULT_WIDTH: usize = 64;", &[1]);
        check("const GRAVITY: f64 = 9.8;", &[]);
        check("const DISCOUNT: f64 = OTHER;\nstatic EPOCHS: AtomicU64 = AtomicU64::new(0);", &[]);
        check("const EPOCHS: [usize; 2] = [3, 4];", &[1]);
    }

    #[test]
    fn defaults_written_by_hand_are_found() {
        check("impl Default for Options {\n    fn default() -> Self {\n        Self { width: 3 }\n    }\n}", &[3]);
        check("impl Default for Options {\n    fn default() -> Self { Self::new() }\n}\nconst A: u8 = 3;", &[]);
    }

    #[test]
    fn literals_of_its_struct_are_found() {
        check("fn f() {\n    let p = PpoParams {\n        epochs: 3,\n        ..base\n    };\n}", &[3]);
        check("let p = PpoParams { discount: -0.5, epochs };", &[1]);
        check("let PpoParams { discount, .. } = p;\nlet x = 3;", &[]);
        check("fn f() -> PpoParams {\n    let other = Other { epochs: 3 };\n}", &[]);
        check("impl PpoParams {\n    fn f(&self) -> usize { 3 }\n}", &[]);
        check("let p = MyPpoParams { epochs: 3 };", &[]);
    }

    #[test]
    fn defaults_of_options_and_missing_values_are_found() {
        check("#[arg(long, default_value_t = 3)]", &[1]);
        check("#[arg(long, default_value = \"0.5\")]", &[1]);
        check("#[arg(long, default_value = \"enhanced\")]\n#[arg(value_enum, default_value_t)]", &[]);
        check("let d = map.discount.unwrap_or(0.9);", &[1]);
        check("let d = epochs.map_or(3, f);", &[]);
        check("let d = height.unwrap_or(1);\nlet d = discount.unwrap_or(other);", &[]);
    }

    #[test]
    fn tests_benchmarks_and_other_crates_choose_their_own() {
        let text = "let p = PpoParams { epochs: 3 };";
        check(&format!("#[cfg(test)]\nmod tests {{\n    fn a() {{ {text} }}\n}}"), &[]);
        for path in ["crates/rl/tests/it/a.rs", "crates/rl/benches/a.rs", "crates/rl/src/a_tests.rs", "xtask/src/a.rs"]
        {
            assert!(lines(path, text).is_empty(), "{path}");
        }
    }

    #[test]
    fn what_is_excused_exists() {
        for (path, piece, reason) in NONE_OF_THEM {
            let text = std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR")));
            assert!(text.expect("the file exists").contains(piece) && !reason.is_empty(), "{path}: {piece}");
        }
    }
}
