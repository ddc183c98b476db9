//! Work on many photos, one after the other: what cannot be done with one keeps no other from being done.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};

use crate::failure::{Interrupted, complain};
use crate::input::{Input, Inputs};
use crate::output::Written;
use crate::text;

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
    /// Does the work for each photo, until a stop is asked for. Complains of every failure, a panic included.
    pub(crate) fn of(
        photos: &[Input],
        interrupted: &AtomicBool,
        mut work: impl FnMut(usize, &Input) -> Result<Written>,
    ) -> Self {
        let mut tally = Self::default();
        for (index, photo) in photos.iter().enumerate() {
            if interrupted.load(Ordering::Relaxed) {
                tally.interrupted = true;
                break;
            }
            match guarded(&photo.path, || work(index, photo)) {
                Ok(Written::Now) => tally.written += 1,
                Ok(Written::Before) => tally.passed_over += 1,
                Err(error) => {
                    complain(&error);
                    tally.failed += 1;
                }
            }
        }
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

    use super::*;

    fn three() -> Vec<Input> {
        ["a", "b", "c"].map(|name| Input { path: PathBuf::from(name), below: PathBuf::new() }).to_vec()
    }

    #[test]
    fn a_panic_with_one_photo_does_not_end_the_batch() {
        let tally = Tally::of(&three(), &AtomicBool::new(false), |index, photo| match index {
            0 => Ok(Written::Now),
            1 => panic!("a decoder's mistake"),
            _ => Ok(if photo.path.ends_with("c") { Written::Before } else { Written::Now }),
        });
        assert_eq!(tally, Tally { written: 1, passed_over: 1, failed: 1, interrupted: false });
        let error =
            guarded(Path::new("b"), || -> Result<()> { panic!("a decoder's {}", "mistake") }).unwrap_err().to_string();
        assert!(error.starts_with("b cannot be worked on: ") && error.contains("a decoder's mistake"), "{error}");
    }

    #[test]
    fn a_stop_ends_the_batch_between_two_photos() {
        let stop = AtomicBool::new(false);
        let tally = Tally::of(&three(), &stop, |_, _| {
            stop.store(true, Ordering::Relaxed);
            Ok(Written::Now)
        });
        assert_eq!((tally.written, tally.interrupted), (1, true));
        let error = tally.outcome(3, "{} photos could not be enhanced").unwrap_err();
        assert!(error.is::<Interrupted>() && error.to_string().contains("1 of 3 photos"), "{error}");
    }
}
