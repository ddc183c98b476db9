//! Running other programs: each command is shown before it starts, and its exit status is passed on as it is.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, bail};

/// Runs the command to its end.
///
/// # Errors
/// When it cannot be started, or ends with another status than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status}); its messages are above", line(command));
    }
    Ok(())
}

/// Runs the command to its end and returns how it ended.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    show(command);
    command.status().with_context(|| cannot_start(command))
}

/// Lets the command take the place of this process, so that its exit status and every signal (Ctrl-C, a termination)
/// are its own: a training run gets to write its checkpoint however it is stopped.
///
/// # Errors
/// When it cannot be started.
#[cfg(unix)]
pub(crate) fn replace(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    show(&command);
    let error = command.exec();
    Err(error).with_context(|| cannot_start(&command))
}

/// Runs the command to its end and passes its exit status on. A console sends Ctrl-C to every program in it; this one
/// must outlive it, or the shell's prompt would return while a training run still writes its checkpoint.
///
/// # Errors
/// When it cannot be started.
#[cfg(not(unix))]
pub(crate) fn replace(mut command: Command) -> Result<ExitCode> {
    ctrlc::set_handler(|| {}).context("cannot watch for Ctrl-C")?;
    let code = status(&mut command)?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Prints the command to stderr, as one would type it.
pub(crate) fn show(command: &Command) {
    let line = line(command);
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        eprintln!("\x1b[2m$ {line}\x1b[0m");
    } else {
        eprintln!("$ {line}");
    }
}

/// The command as one would type it: the variables set for it, the program's name, its arguments.
fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let value = quoted(value?.to_string_lossy());
        Some(format!("{}={value}", name.to_string_lossy()))
    });
    let program = Path::new(command.get_program());
    let program = program.file_stem().unwrap_or(command.get_program()).to_string_lossy();
    let arguments = command.get_args().map(|argument| quoted(argument.to_string_lossy()));
    variables.chain([program.into_owned()]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(word: Cow<'_, str>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,@%+\\".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into_owned() } else { format!("'{word}'") }
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`; check that it is installed", line(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("somewhere/bin/cargo");
        command.args(["doc", "--config", "a b"]).env("RUSTDOCFLAGS", "-D warnings").env_remove("OUT_DIR");
        assert_eq!(line(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --config 'a b'");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-anywhere")).expect_err("there is no such program");
        assert!(error.to_string().contains("no-such-program-anywhere"), "{error}");
    }
}
