//! How the program ends when something goes wrong: one line, a hint where there is one, and an exit code.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use dodge_rl::Error;

use crate::{terminal, text};

/// The work could not be done.
pub(crate) const FAILED: u8 = 1;
/// The command line or the configuration is wrong; nothing was begun.
pub(crate) const USAGE: u8 = 2;
/// Stopped by Ctrl-C, after what was done was written.
pub(crate) const INTERRUPTED: u8 = 130;

/// A wrong command line or configuration.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Stopped by Ctrl-C, with what was done until then.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "interrupted: {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Makes any error a [`UsageError`].
pub(crate) fn usage(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::Error::new(UsageError(error.to_string()))
}

/// Prints an error and returns the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let interrupted = error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(dodge_rl::Error::Interrupted { model }) => Some(model),
        _ => None,
    });
    if let Some(model) = interrupted {
        let _ = match model {
            Some(model) => writeln!(stderr, "interrupted: the model so far is {}", text::shown(model)),
            None => writeln!(stderr, "interrupted before training began"),
        };
        return ExitCode::from(INTERRUPTED);
    }
    let cancelled =
        |cause: &(dyn std::error::Error + 'static)| matches!(cause.downcast_ref(), Some(dodge_data::Error::Cancelled));
    if error.chain().any(cancelled) {
        let _ = writeln!(stderr, "interrupted: the next fetch goes on where this one ended");
        return ExitCode::from(INTERRUPTED);
    }
    if let Some(interrupted) = error.chain().find_map(|cause| cause.downcast_ref::<Interrupted>()) {
        let _ = writeln!(stderr, "{interrupted}");
        return ExitCode::from(INTERRUPTED);
    }
    drop(stderr);
    complain(error);
    let usage = error.chain().any(|cause| {
        cause.is::<UsageError>()
            || cause.is::<dodge_hparams::Error>()
            || is_about_the_device(cause)
            || is_about_the_list(cause)
    });
    ExitCode::from(if usage { USAGE } else { FAILED })
}

/// What became of a photo, for whoever reads it in a terminal.
pub(crate) fn in_our_words(error: Error) -> anyhow::Error {
    match error {
        Error::InTheWay { path } => in_the_way(&path),
        // The path as a shell reads it, and the system's reason where hints look for it.
        Error::File { action, path, source } => {
            anyhow::Error::new(source).context(format!("cannot {action} {}", text::shown(&path)))
        }
        Error::Photo { path, source } => anyhow::Error::from_boxed(source).context(text::shown(&path).into_owned()),
        // It names the photo by itself.
        Error::Part { source, .. } => anyhow::Error::from_boxed(source),
        other => other.into(),
    }
}

/// The refusal to replace what is no result of the same work.
pub(crate) fn in_the_way(path: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "{} is there already and is no result of the same work: choose another place for the result, or replace it with --overwrite",
        text::shown(path)
    )
}

/// Prints what a user should know of a photo or its result, though nothing failed.
pub(crate) fn tell(file: &Path, notes: impl IntoIterator<Item = impl std::fmt::Display>) {
    terminal::aside(|| {
        let mut stderr = std::io::stderr().lock();
        for note in notes {
            let _ = writeln!(stderr, "note: {}: {note}", text::shown(file));
        }
    });
}

/// Prints an error and a hint, for a failure that does not end the program as well. Of hyperparameters every problem is
/// told, those in a file with the line underlined.
pub(crate) fn complain(error: &anyhow::Error) {
    terminal::aside(|| write_complaint(error));
}

fn write_complaint(error: &anyhow::Error) {
    let mut stderr = std::io::stderr().lock();
    match error.downcast_ref::<dodge_hparams::Error>() {
        Some(error) => {
            for problem in error.problems() {
                let _ = writeln!(stderr, "error: {}", in_one_line(anyhow::Chain::new(problem)));
                if let Some(underlined) = problem.underlined() {
                    let _ = writeln!(stderr, "{underlined}");
                }
            }
        }
        None => {
            let _ = writeln!(stderr, "error: {}", in_one_line(error.chain()));
        }
    }
    if let Some(hint) = hint(error) {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}

/// The message with its causes, each said once: our errors quote their cause already, others do not.
pub(crate) fn in_one_line(chain: anyhow::Chain<'_>) -> String {
    let mut text = String::new();
    for cause in chain {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.replace('\n', " ")
}

/// Which device a build and a machine have is known before anything is begun.
fn is_about_the_device(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(dodge_learn::Error::Device { .. }))
}

/// Which datasets there are is known before anything is begun.
fn is_about_the_list(cause: &(dyn std::error::Error + 'static)) -> bool {
    use dodge_data::Error::{Registry, UnknownDataset};
    matches!(cause.downcast_ref(), Some(Registry { .. } | UnknownDataset { .. }))
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    let full = |cause: &(dyn std::error::Error + 'static)| {
        let reported =
            cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::StorageFull);
        // The tracking database has an error type of its own that is not passed on; only its words are.
        reported || cause.to_string().contains("database or disk is full")
    };
    if error.chain().any(full) {
        return Some("the disk is full; free some space, or choose another one with IMAGE_VOLUME_PATH or -o");
    }
    if error.chain().any(is_about_the_device) {
        return Some(if cfg!(feature = "wgpu") {
            "install a driver for Vulkan, Metal or DirectX 12, such as the Debian package mesa-vulkan-drivers, which also \
             computes without a graphics card; or use --device cpu"
        } else {
            "`cargo xtask train --device gpu` builds with it; or use --device cpu"
        });
    }
    let is_without_settings = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(dodge_imaging::Error::NoSettings { .. }))
    };
    if error.chain().any(is_without_settings) {
        return Some(
            "`dodge export --to cube` writes edits of colours as a table that most programs read; `dodge apply` makes every edit",
        );
    }
    let about_values = |cause: &dodge_hparams::Error| {
        use dodge_hparams::Error::{FormatVersion, MalformedToml, TooLarge, Unreadable};
        let about_files = |problem: &dodge_hparams::Error| {
            matches!(problem, FormatVersion { .. } | MalformedToml { .. } | TooLarge { .. } | Unreadable { .. })
        };
        !cause.problems().iter().all(about_files)
    };
    if error.chain().any(|cause| cause.downcast_ref().is_some_and(about_values)) {
        return Some("`dodge params list` shows every hyperparameter");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_not_repeated() {
        let inner = anyhow::anyhow!("no space left");
        let quoted = inner.context("cannot write a.png: no space left");
        assert_eq!(in_one_line(quoted.chain()), "cannot write a.png: no space left");
        let plain = anyhow::anyhow!("no space left").context("writing failed");
        assert_eq!(in_one_line(plain.chain()), "writing failed: no space left");
    }
}
