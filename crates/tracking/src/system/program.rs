//! What another program says, if it says it soon.

use std::{
    io::{self, Read},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Most bytes that are read of what a program says.
const MAX_OUTPUT: u64 = 1 << 20;
/// How often a wait looks at the time, and whether the answer is still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// The standard output of a program that ends well within `limit`. One that does not is killed, as is one whose answer is
/// no longer wanted, and the error is of the kind `TimedOut`.
pub(super) fn output_within(command: &mut Command, limit: Duration, unwanted: &dyn Fn() -> bool) -> io::Result<String> {
    let deadline = Instant::now() + limit;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let output = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    // On a thread of its own: nothing stops a read, and what the program started may hold its output longer than it lives.
    let read = move || {
        let mut text = String::new();
        let read = output.map_or(Ok(0), |output| output.take(MAX_OUTPUT).read_to_string(&mut text));
        // Nobody may be waiting any more.
        let _ = sender.send(read.map(|_| text));
    };
    let out_of_time = || Instant::now() >= deadline || unwanted();
    let answer = thread::Builder::new().name("dodge-tracking-program".to_owned()).spawn(read).and_then(|_| {
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(text) => break text,
                Err(RecvTimeoutError::Timeout) if !out_of_time() => {}
                Err(_) => break Err(io::ErrorKind::TimedOut.into()),
            }
        }
    });
    let answer = answer.and_then(|text| {
        loop {
            // It has said everything; that it has ended follows.
            match child.try_wait()? {
                Some(status) if status.success() => break Ok(text),
                Some(status) => break Err(io::Error::other(status.to_string())),
                None if out_of_time() => break Err(io::ErrorKind::TimedOut.into()),
                None => thread::sleep(LOOK / 10),
            }
        }
    });
    if answer.is_err() {
        let _ = child.kill();
        // One that a driver holds does not die; it is not waited for.
        for _ in 0..5 {
            if !matches!(child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(LOOK);
        }
    }
    answer
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }

    fn run(text: &str, limit: u64) -> (io::Result<String>, Duration) {
        let before = Instant::now();
        let output = output_within(&mut shell(text), Duration::from_millis(limit), &|| false);
        (output, before.elapsed())
    }

    #[test]
    fn a_program_that_answers_is_heard_and_one_that_fails_is_an_error() {
        assert_eq!(run("echo 37, 1000", 20_000).0.unwrap(), "37, 1000\n");
        assert!(run("echo no; exit 3", 20_000).0.unwrap_err().to_string().contains('3'));
        let nowhere = output_within(&mut Command::new("no-such-program-anywhere"), Duration::from_secs(1), &|| false);
        assert_eq!(nowhere.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_program_that_hangs_costs_no_more_than_the_limit() {
        // Silent; talking and never ending; its output held by another; deaf to a request to end.
        for text in ["sleep 60", "echo x; exec >&-; sleep 60", "sleep 60 & echo x", "trap '' TERM; echo x; sleep 60"] {
            let (output, time) = run(text, 100);
            assert_eq!(output.unwrap_err().kind(), io::ErrorKind::TimedOut, "{text}");
            assert!(time < Duration::from_secs(20), "{text}: {time:?}");
        }
    }

    #[test]
    fn an_answer_that_nobody_wants_is_not_waited_for() {
        let before = Instant::now();
        let output = output_within(&mut shell("sleep 60"), Duration::from_secs(60), &|| true);
        assert_eq!(output.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(before.elapsed() < Duration::from_secs(20));
    }
}
