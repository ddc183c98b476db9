//! The commands that documents show are commands of this program: each is given to the parser of arguments.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::arguments::Arguments;

/// Flags of other programs that documents name by themselves.
const OF_OTHERS: &[&str] = &["--batch", "--cpus", "--features", "--release", "--locked", "--storage", "--heartbeat"];

/// Folders of what is built and of what other programs keep.
const NOT_OURS: &[&str] = &["target", ".git"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Markdown files of the repository, by their paths in it, but for the changelog: it tells of commands that were.
fn documents() -> Vec<(String, String)> {
    let (mut folders, mut found) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !NOT_OURS.contains(&&*name) && !path.join("CACHEDIR.TAG").exists() {
                    folders.push(path);
                }
            } else if name.ends_with(".md") && name != "CHANGELOG.md" {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

/// What a document shows to be typed.
#[derive(Debug)]
struct Shown {
    place: String,
    text: String,
    /// It stands in a block of its own, and is meant to be typed as it is.
    whole: bool,
}

/// The lines of blocks, and what stands between backticks in the text.
fn shown(name: &str, text: &str) -> Vec<Shown> {
    let (mut shown, mut in_block, mut continued) = (Vec::new(), None::<bool>, None::<Shown>);
    let mut paragraph = String::new();
    let mut begun = 0;
    for (index, line) in text.lines().chain([""]).enumerate() {
        let place = format!("{name}:{}", index + 1);
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            in_block = if in_block.is_some() { None } else { Some(["", "sh", "text"].contains(&kind)) };
        } else if in_block == Some(true) {
            let (line, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
            let mut command = continued.take().unwrap_or(Shown { place, text: String::new(), whole: true });
            command.text += line;
            if goes_on {
                continued = Some(command);
            } else {
                shown.push(command);
            }
        } else if in_block.is_none() {
            // Text between backticks may go over the end of a line, but of no paragraph and of no row of a table.
            if paragraph.is_empty() {
                begun = index + 1;
            }
            paragraph += line;
            paragraph.push('\n');
            if line.trim().is_empty() || line.starts_with('|') {
                for code in paragraph.split('`').skip(1).step_by(2) {
                    shown.push(Shown { place: format!("{name}:{begun}"), text: code.to_owned(), whole: false });
                }
                paragraph.clear();
            }
        }
    }
    shown
}

/// Splits a line as a shell does, up to a comment or to another program; without the variables in front.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#' | '|' | '&' | ';' | '>' | '<', None) if word.is_none() => break,
            _ if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let is_variable = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let program = words.iter().position(|word| !is_variable(word) && word != "$").unwrap_or(words.len());
    words.split_off(program)
}

/// What is wrong with a command; none for one of another program.
fn fault(line: &str, whole: bool) -> Option<String> {
    let mut words = words(line);
    let first = words.first()?;
    let through_xtask = words.starts_with(&["cargo", "xtask", "train"].map(str::to_owned)) && words.len() > 3;
    if through_xtask {
        words.splice(..3, ["dodge", "train"].map(str::to_owned));
    } else if first != "dodge" && first != "target/release/dodge" {
        return None;
    }
    if words.len() == 1 {
        return None;
    }
    refused(&words, whole)
}

/// Why the program does not take these words.
fn refused(words: &[String], whole: bool) -> Option<String> {
    let error = Arguments::try_parse_from(words).err()?;
    let given = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => "",
    };
    let is_placeholder = !given.is_empty() && given.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if is_placeholder => None,
        // In a text a command may be named without what it needs, and a flag without its value.
        ErrorKind::InvalidValue if !whole && given.is_empty() => None,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            if !whole =>
        {
            None
        }
        _ => Some(error.to_string()),
    }
}

#[test]
fn every_command_in_a_document_is_one_of_the_program() {
    let (mut faults, mut commands) = (Vec::new(), 0);
    for (name, text) in documents() {
        for Shown { place, text, whole } in shown(&name, &text) {
            commands += usize::from(words(&text).first().is_some_and(|word| word == "dodge"));
            faults.extend(fault(&text, whole).map(|fault| format!("{place}: `{text}`: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(commands > 40, "{commands}");
}

/// The commands in a file by which another program starts this one: lists of words as JSON has them, and lines of a shell.
fn deployed(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("dodge ") {
            commands.push(words(line));
        } else if let Some(list) = ["args: [", "command: [", "CMD ["].iter().find_map(|key| line.strip_prefix(key)) {
            let list: Vec<String> = serde_json::from_str(&format!("[{list}")).unwrap();
            let is_ours = Arguments::command().get_subcommands().any(|command| command.get_name() == list[0]);
            if is_ours || list[0].starts_with("--") {
                commands.push([vec!["dodge".to_owned()], list].concat());
            }
        }
    }
    commands
}

#[test]
fn every_command_of_a_deployment_is_one_of_the_program() {
    for file in
        ["Dockerfile", "deploy/compose.yaml", "deploy/kubernetes/enhance-job.yaml", "deploy/slurm/enhance.sbatch"]
    {
        let commands = deployed(&fs::read_to_string(root().join(file)).unwrap());
        assert!(!commands.is_empty(), "{file}");
        for command in commands {
            assert_eq!(refused(&command, true).filter(|why| !why.contains("Usage: dodge <COMMAND>")), None, "{file}");
        }
    }
    let wrong =
        deployed("  args: [\"enhance\", \"--manifets\", \"x\"]\ndodge serve juroor\nCMD [\"mlflow\", \"server\"]");
    assert_eq!(wrong.len(), 2);
    assert!(wrong.iter().all(|command| refused(command, true).is_some()));
}

#[test]
fn every_flag_in_a_document_is_one_of_the_program() {
    let mut known: BTreeSet<String> = OF_OTHERS.iter().map(|&flag| flag.to_owned()).collect();
    let mut commands = vec![Arguments::command()];
    while let Some(mut command) = commands.pop() {
        command.build();
        known.extend(command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))));
        commands.extend(command.get_subcommands().cloned());
    }
    let mut faults = Vec::new();
    for (name, text) in documents().into_iter().filter(|(name, _)| !name.starts_with("fuzz")) {
        for Shown { place, text, .. } in shown(&name, &text).into_iter().filter(|shown| !shown.whole) {
            let flag = text.split([' ', '=', '\n']).next().unwrap_or_default();
            if flag.len() > 2 && flag.starts_with("--") && !known.contains(flag) {
                faults.push(format!("{place}: `{text}`"));
            }
        }
    }
    assert!(faults.is_empty(), "no command has these flags:\n{}", faults.join("\n"));
}

#[test]
fn wrong_commands_are_found_and_others_are_not_ours() {
    let wrong = |line: &str, whole: bool| fault(line, whole).is_some();
    for line in ["dodge train --no-such-flag", "dodge paint", "X=1 dodge train --step 3", "cargo xtask train --setps 3"]
    {
        assert!(wrong(line, true) && wrong(line, false), "{line}");
    }
    for line in [
        "dodge",
        "cargo build",
        "dodge train --steps N --device DEVICE # --nothing",
        "DODGE_THREADS=1 dodge train | tee --x",
    ] {
        assert!(!wrong(line, true), "{line}: {:?}", fault(line, true));
    }
    assert!(wrong("dodge enhance --explain", true) && !wrong("dodge enhance --explain", false));
    assert_eq!(words("$ A=1 dodge 'a b' \"c\"d"), ["dodge", "a b", "cd"]);
    let both = shown("a.md", "Use `x y`\nor `z\nw`.\n\n```\none \\\n  two\n```\n```rust\nlet no;\n```\n");
    assert_eq!(both.iter().map(|shown| &*shown.text).collect::<Vec<_>>(), ["x y", "z\nw", "one   two"]);
}
