//! Work on many photos, some at a time: what cannot be done with one keeps no other from being done.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::{Result, anyhow};
use dodge_preprocess::Progress;

use crate::failure::{Interrupted, complain};
use crate::input::{Input, Inputs};
use crate::output::Written;
use crate::text;

/// Most photos that are worked on at a time: each is held in memory two or three times, and a single one already uses several cores
/// for most of its way.
const MOST_AT_A_TIME: usize = 4;

/// How far the work is, for whoever waits.
pub(crate) struct Shown<'a> {
    pub(crate) progress: &'a dyn Progress,
    /// What is done to the photos, in a word.
    pub(crate) what: &'a str,
}

/// What became of the photos of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Photos whose results were written now.
    pub(crate) written: usize,
    /// Photos whose results were there already.
    pub(crate) passed_over: usize,
    /// Photos that could not be worked on.
    pub(crate) failed: usize,
    /// Whether the user stopped the work.
    pub(crate) interrupted: bool,
}

impl Tally {
    /// Does the work for each photo, several at a time, until a stop is asked for, and tells of each in the order of the photos.
    /// Complains of every failure, a panic included.
    pub(crate) fn of<T: Send>(
        photos: &[Input],
        shown: &Shown<'_>,
        interrupted: &AtomicBool,
        work: impl Fn(usize, &Input) -> Result<(Written, T)> + Sync,
        mut tell: impl FnMut(T) -> Result<()>,
    ) -> Self {
        let mut tally = Self::default();
        if photos.len() > 1 {
            shown.progress.begin(shown.what, photos.len() as u64);
        }
        let mut count = |done: Result<(Written, T)>| match done.and_then(|(written, done)| tell(done).map(|()| written))
        {
            Ok(Written::Now) => tally.written += 1,
            Ok(Written::Before) => tally.passed_over += 1,
            Err(error) => {
                complain(&error);
                tally.failed += 1;
            }
        };
        let next = AtomicUsize::new(0);
        // More than threads, so that some work while others wait for the disk; of one thread, one.
        let at_a_time = (2 * rayon::current_num_threads() - 1).min(MOST_AT_A_TIME).min(photos.len());
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..at_a_time {
                let sender: Sender<(usize, Result<(Written, T)>)> = sender.clone();
                let (next, work) = (&next, &work);
                scope.spawn(move || {
                    while !interrupted.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(photo) = photos.get(index) else { break };
                        if sender.send((index, guarded(&photo.path, || work(index, photo)))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            // Told in order: what is done before its turn waits.
            let (mut told, mut waiting) = (0, BTreeMap::new());
            for (index, done) in receiver {
                waiting.insert(index, done);
                while let Some(done) = waiting.remove(&told) {
                    count(done);
                    told += 1;
                    shown.progress.advance(1);
                }
            }
        });
        shown.progress.end();
        tally.interrupted = tally.written + tally.passed_over + tally.failed < photos.len();
        tally
    }

    /// A line about more than one file, after those about each.
    pub(crate) fn in_words(&self, done: &str, inputs: &Inputs) -> String {
        if inputs.photos.len() == 1 && inputs.skipped.is_empty() {
            return String::new();
        }
        let skipped = inputs.skipped_in_words();
        let mut words = vec![format!("{} {done}", self.written)];
        if self.passed_over > 0 {
            words.push(format!("{} passed over, for which the same result was there already", self.passed_over));
        }
        if self.failed > 0 {
            words.push(format!("{} failed", self.failed));
        }
        if !skipped.is_empty() {
            words.push(format!("skipped {skipped}"));
        }
        format!("{}\n", words.join("; "))
    }

    /// The error of the whole command, where there is one; `what` says what could not be done with `{}` photos.
    pub(crate) fn outcome(&self, all: usize, what: &str) -> Result<()> {
        if self.interrupted {
            let done = self.written + self.passed_over + self.failed;
            return Err(Interrupted(format!("{done} of {all} photos done; the same command goes on from here")).into());
        }
        if self.failed > 0 {
            return Err(anyhow!(what.replace("{}", &format!("{} of {all}", self.failed))));
        }
        Ok(())
    }
}

/// Does work on one photo; a panic, for example in a decoder of another crate, becomes an error.
pub(crate) fn guarded<T>(photo: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let (photo, reason) = (text::shown(photo), reason(&*panic));
        Err(anyhow!(
            "{photo} cannot be worked on: a mistake in the program ({reason}); please report it with the photo"
        ))
    })
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use dodge_preprocess::NoProgress;

    use super::*;

    const SILENT: Shown<'_> = Shown { progress: &NoProgress, what: "test" };

    fn three() -> Vec<Input> {
        ["a", "b", "c"].map(|name| Input { path: PathBuf::from(name), below: PathBuf::new() }).to_vec()
    }

    #[test]
    fn a_panic_with_one_photo_does_not_end_the_batch() {
        let work = |index: usize, photo: &Input| match index {
            // The first is the last to be done.
            0 => {
                thread::sleep(Duration::from_millis(20));
                Ok((Written::Now, "a"))
            }
            1 => panic!("a decoder's mistake"),
            _ => Ok((if photo.path.ends_with("c") { Written::Before } else { Written::Now }, "c")),
        };
        let mut told = Vec::new();
        let tally = Tally::of(&three(), &SILENT, &AtomicBool::new(false), work, |name| {
            told.push(name);
            Ok(())
        });
        assert_eq!(told, ["a", "c"], "in their order");
        assert_eq!(tally, Tally { written: 1, passed_over: 1, failed: 1, interrupted: false });
        let error =
            guarded(Path::new("b"), || -> Result<()> { panic!("a decoder's {}", "mistake") }).unwrap_err().to_string();
        assert!(error.starts_with("b cannot be worked on: ") && error.contains("a decoder's mistake"), "{error}");
    }

    #[test]
    fn a_stop_ends_the_batch_between_two_photos() {
        let stop = AtomicBool::new(false);
        let photos: Vec<Input> = (0..100).flat_map(|_| three()).collect();
        let work = |_: usize, _: &Input| {
            stop.store(true, Ordering::Relaxed);
            Ok((Written::Now, ()))
        };
        let tally = Tally::of(&photos, &SILENT, &stop, work, Ok);
        assert!((1..=MOST_AT_A_TIME).contains(&tally.written) && tally.interrupted, "{tally:?}");
        let error = tally.outcome(300, "{} photos could not be enhanced").unwrap_err();
        let words = format!("{} of 300 photos", tally.written);
        assert!(error.is::<Interrupted>() && error.to_string().contains(&words), "{error}");
    }
}
