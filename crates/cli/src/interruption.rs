//! Ctrl-C and other signals that ask the program to end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};

/// The first Ctrl-C asks the work to stop when what it has is written, such as the model of a run; a second one ends the
/// program at once. On Unix, SIGTERM and SIGHUP count as well.
///
/// A signal that the parent process had ignored stays ignored: SIGHUP under `nohup`, so that a training survives the end of its
/// terminal, and SIGINT in the background of a shell script, which Ctrl-C is not meant for.
pub(crate) fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    system::listen(Arc::clone(&interrupted)).context("cannot listen for Ctrl-C")?;
    Ok(interrupted)
}

/// Sets the flag; where it was set before, ends the program.
fn ask_to_stop(interrupted: &AtomicBool) {
    use std::io::Write;
    use std::sync::atomic::Ordering;

    if interrupted.swap(true, Ordering::Relaxed) {
        #[expect(clippy::exit, reason = "the user asked twice")]
        std::process::exit(i32::from(crate::failure::INTERRUPTED));
    }
    let _ = writeln!(std::io::stderr(), "\nstopping; Ctrl-C again ends at once");
}

#[cfg(unix)]
mod system {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub(super) fn listen(interrupted: Arc<AtomicBool>) -> std::io::Result<()> {
        let ignored = ignored();
        let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let mut signals = Signals::new(heeded)?;
        let wait = move || signals.forever().for_each(|_| super::ask_to_stop(&interrupted));
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
        Ok(())
    }

    /// The signals that are ignored, one bit each from that of signal 1: asked for before any handler is set. The call that
    /// tells it, `sigaction`, is not safe in Rust; Linux has a file that says the same, other systems a program.
    fn ignored() -> u64 {
        if let Ok(status) = std::fs::read_to_string("/proc/self/status")
            && let Some(mask) = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))
        {
            return mask_of(mask);
        }
        let process = std::process::id().to_string();
        let asked = std::process::Command::new("ps").args(["-o", "sigignore=", "-p", &process]).output();
        asked.map_or(0, |output| mask_of(&String::from_utf8_lossy(&output.stdout)))
    }

    fn mask_of(digits: &str) -> u64 {
        u64::from_str_radix(digits.trim(), 16).unwrap_or(0)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn ignored_signals_are_read() {
            assert_eq!(mask_of("\t0000000000001001\n"), 0x1001);
            assert_eq!(mask_of("none"), 0);
            // Rust's own runtime ignores SIGPIPE, signal 13.
            assert_ne!(ignored() & (1 << 12), 0);
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    pub(super) fn listen(interrupted: Arc<AtomicBool>) -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(move || super::ask_to_stop(&interrupted))
    }
}
