//! Work on many photos, some at a time: what cannot be done with one keeps no other from being done.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};
use dodge_preprocess::Progress;

use crate::failure::{Interrupted, complain, in_one_line};
use crate::input::{Input, Inputs};
use crate::output::Written;
use crate::text;

/// Most photos that are worked on at a time: each is held in memory two or three times, and a single one already uses several cores
/// for most of its way.
const MOST_AT_A_TIME: usize = 4;

/// How work on many photos is done.
pub(crate) struct Batch<'a> {
    /// How far the work is, for whoever waits.
    pub(crate) progress: &'a dyn Progress,
    /// What is done to the photos, in a word.
    pub(crate) what: &'a str,
    /// Becomes true when the user asks to stop.
    pub(crate) interrupted: &'a AtomicBool,
    /// Failures after which it is given up; none for never.
    pub(crate) max_failures: Option<usize>,
}

/// The place of a photo, what became of it, and how many seconds that took.
type Sent<T> = (usize, (Result<(Written, T)>, f64));

/// What became of one photo.
pub(crate) struct Told<T> {
    /// What was done, or why it could not be, of which the user was told already.
    pub(crate) done: Result<T, String>,
    pub(crate) seconds: f64,
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
    /// Whether there were more failures than were to be borne.
    gave_up: bool,
    /// Whether there were fewer.
    is_borne: bool,
}

impl<T> Told<T> {
    /// The same of something else.
    pub(crate) fn map<U>(self, of: impl FnOnce(T) -> U) -> Told<U> {
        Told { done: self.done.map(of), seconds: self.seconds }
    }
}

impl Batch<'_> {
    /// Does the work for each photo, several at a time, until a stop is asked for, and tells of each in the order of the photos.
    /// Complains of every failure, a panic included.
    pub(crate) fn run<T: Send>(
        &self,
        photos: &[Input],
        work: impl Fn(usize, &Input) -> Result<(Written, T)> + Sync,
        mut tell: impl FnMut(&Input, Told<T>) -> Result<()>,
    ) -> Tally {
        let mut tally = Tally::default();
        if photos.len() > 1 {
            self.progress.begin(self.what, photos.len() as u64);
        }
        let mut count = |photo: &Input, (done, seconds): (Result<(Written, T)>, f64)| {
            let (written, done) = match done {
                Ok((written, done)) => (Some(written), Ok(done)),
                Err(error) => {
                    complain(&error);
                    (None, Err(in_one_line(error.chain())))
                }
            };
            let told = tell(photo, Told { done, seconds });
            match told.map(|()| written) {
                Ok(Some(Written::Now)) => tally.written += 1,
                Ok(Some(Written::Before)) => tally.passed_over += 1,
                Ok(None) => tally.failed += 1,
                Err(error) => {
                    complain(&error);
                    tally.failed += 1;
                }
            }
        };
        let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let has_too_many = || self.max_failures.is_some_and(|most| failed.load(Ordering::Relaxed) > most);
        // More than threads, so that some work while others wait for the disk; of one thread, one.
        let at_a_time = (2 * rayon::current_num_threads() - 1).min(MOST_AT_A_TIME).min(photos.len());
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..at_a_time {
                let sender: Sender<Sent<T>> = sender.clone();
                let (next, work, failed, has_too_many) = (&next, &work, &failed, &has_too_many);
                scope.spawn(move || {
                    while !self.interrupted.load(Ordering::Relaxed) && !has_too_many() {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(photo) = photos.get(index) else { break };
                        let timed = timed(|| guarded(&photo.path, || work(index, photo)));
                        failed.fetch_add(usize::from(timed.0.is_err()), Ordering::Relaxed);
                        if sender.send((index, timed)).is_err() {
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
                    count(&photos[told], done);
                    told += 1;
                    self.progress.advance(1);
                }
            }
        });
        self.progress.end();
        tally.gave_up = has_too_many();
        tally.is_borne = self.max_failures.is_some_and(|most| tally.failed <= most);
        tally.interrupted = !tally.gave_up && tally.done() < photos.len();
        tally
    }
}

/// What work returns, and how many seconds it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    (work(), begun.elapsed().as_secs_f64())
}

impl Tally {
    fn done(&self) -> usize {
        self.written + self.passed_over + self.failed
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
        let done = self.done();
        if self.interrupted {
            return Err(Interrupted(format!("{done} of {all} photos done; the same command goes on from here")).into());
        }
        if self.gave_up {
            let failed = what.replace("{}", &format!("{} of {done}", self.failed));
            return Err(anyhow!("{failed}: given up, with {} of {all} left", all - done));
        }
        if self.failed > 0 && !self.is_borne {
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

    fn batch(interrupted: &AtomicBool, max_failures: Option<usize>) -> Batch<'_> {
        Batch { progress: &NoProgress, what: "test", interrupted, max_failures }
    }

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
        let tally = batch(&AtomicBool::new(false), None).run(&three(), work, |photo, Told { done, seconds }| {
            assert!((0.0..10.0).contains(&seconds));
            told.push((
                photo.path.display().to_string(),
                done.map_err(|reason| reason.contains("a decoder's mistake")),
            ));
            Ok(())
        });
        let expected = [("a", Ok("a")), ("b", Err(true)), ("c", Ok("c"))];
        assert_eq!(told, expected.map(|(photo, done)| (photo.to_owned(), done)), "in their order");
        assert_eq!(tally, Tally { written: 1, passed_over: 1, failed: 1, ..Tally::default() });
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
        let tally = batch(&stop, None).run(&photos, work, |_, _| Ok(()));
        assert!((1..=MOST_AT_A_TIME).contains(&tally.written) && tally.interrupted, "{tally:?}");
        let error = tally.outcome(300, "{} photos could not be enhanced").unwrap_err();
        let words = format!("{} of 300 photos", tally.written);
        assert!(error.is::<Interrupted>() && error.to_string().contains(&words), "{error}");
    }
    #[test]
    fn a_batch_with_too_many_failures_is_given_up() {
        let photos: Vec<Input> = (0..100).flat_map(|_| three()).collect();
        let work = |index: usize, _: &Input| {
            anyhow::ensure!(!index.is_multiple_of(3), "it cannot be read");
            Ok((Written::Now, ()))
        };
        let go_on = AtomicBool::new(false);
        let run = |max_failures| batch(&go_on, max_failures).run(&photos, work, |_, _| Ok(()));
        let given_up = run(Some(4));
        assert!((5..5 + MOST_AT_A_TIME).contains(&given_up.failed), "{given_up:?}");
        let error = given_up.outcome(300, "{} photos could not be enhanced").unwrap_err();
        let words = format!("{} of {} photos could not be enhanced: given up, with", given_up.failed, given_up.done());
        assert!(!error.is::<Interrupted>() && error.to_string().starts_with(&words), "{error}");
        let borne = run(Some(100));
        assert_eq!((borne.failed, borne.written, borne.outcome(300, "{}").is_ok()), (100, 200, true));
        assert_eq!(run(None).outcome(300, "{} failed").unwrap_err().to_string(), "100 of 300 failed");
    }
}
