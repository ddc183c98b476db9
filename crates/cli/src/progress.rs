//! Progress on stderr: a bar on a terminal that can move its cursor, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dodge_preprocess::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::surroundings::Surroundings;
use crate::terminal::{SHOWN, lock};

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// The progress display that fits stderr.
pub(crate) fn display(surroundings: &Surroundings) -> Arc<dyn Progress> {
    of_work_longer_than(Duration::ZERO, surroundings)
}

/// The display for work of which each part is told anyway: without a terminal it is silent unless the work takes long.
pub(crate) fn of_told_work(surroundings: &Surroundings) -> Arc<dyn Progress> {
    of_work_longer_than(LINE_INTERVAL, surroundings)
}

fn of_work_longer_than(least: Duration, surroundings: &Surroundings) -> Arc<dyn Progress> {
    if std::io::stderr().is_terminal() && !surroundings.dumb_terminal {
        Arc::new(Bar)
    } else {
        Arc::new(Lines { least, work: Mutex::default() })
    }
}

struct Bar;

impl Progress for Bar {
    fn begin(&self, what: &str, total: u64) {
        let template = match total {
            // Nobody knows how much it will be.
            0 => "{prefix:>11} {pos} {elapsed} {msg}",
            _ => "{prefix:>11} [{bar:32}] {pos}/{len} {elapsed} (about {eta} left) {msg}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        self.end();
        *lock(&SHOWN) = Some(bar);
    }

    fn advance(&self, parts: u64) {
        if let Some(bar) = &*lock(&SHOWN) {
            bar.inc(parts);
        }
    }

    fn note(&self, text: &str) {
        if let Some(bar) = &*lock(&SHOWN) {
            bar.set_message(text.to_owned());
        }
    }

    fn end(&self) {
        if let Some(bar) = lock(&SHOWN).take() {
            bar.finish_and_clear();
        }
    }
}

struct Lines {
    /// Work that ends earlier is not told of.
    least: Duration,
    work: Mutex<Option<Work>>,
}

struct Work {
    what: String,
    total: u64,
    done: u64,
    note: String,
    begun: Instant,
    printed: Instant,
}

impl Progress for Lines {
    fn begin(&self, what: &str, total: u64) {
        self.end();
        let now = Instant::now();
        let (what, note) = (what.to_owned(), String::new());
        *lock(&self.work) = Some(Work { what, total, done: 0, note, begun: now, printed: now });
    }

    fn advance(&self, parts: u64) {
        if let Some(work) = &mut *lock(&self.work) {
            work.done += parts;
            if work.printed.elapsed() >= LINE_INTERVAL {
                work.printed = Instant::now();
                work.print();
            }
        }
    }

    fn note(&self, text: &str) {
        if let Some(work) = &mut *lock(&self.work) {
            text.clone_into(&mut work.note);
        }
    }

    fn end(&self) {
        if let Some(work) = lock(&self.work).take()
            && work.begun.elapsed() >= self.least
        {
            work.print();
        }
    }
}

impl Work {
    fn print(&self) {
        let Self { what, total, done, note, begun, .. } = self;
        let seconds = begun.elapsed().as_secs_f64();
        let separator = if note.is_empty() { "" } else { ", " };
        let of = if *total == 0 { String::new() } else { format!("/{total}") };
        let _ = writeln!(std::io::stderr(), "{what}: {done}{of} in {seconds:.1} s{separator}{note}");
    }
}
