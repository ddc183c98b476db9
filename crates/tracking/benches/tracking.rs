//! What tracking costs: a call, the local store, and delivery to a real MLflow server.
//!
//! `cargo xtask bench tracking` prints what was measured and what is wanted, and fails where that is not reached. With
//! `--python PROGRAM`, a Python that has MLflow, a server is started and MLflow's own client is measured beside ours, in
//! turns; `cargo xtask bench` makes such a Python by itself. Without one that part is left out.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

mod tracking {
    //! The parts of the benchmark.
    pub(crate) mod call;
    pub(crate) mod server;
    pub(crate) mod store;
}

use std::path::Path;

/// Figures and what is wanted of them.
#[derive(Default)]
pub(crate) struct Report {
    missed: Vec<String>,
}

impl Report {
    fn new() -> Self {
        println!("| figure | measured | wanted | |\n|---|---|---|---|");
        Self::default()
    }

    /// A figure of which nothing in particular is wanted.
    pub(crate) fn note(&mut self, name: &str, measured: &str) {
        println!("| {name} | {measured} | | |");
    }

    pub(crate) fn at_most(&mut self, name: &str, measured: f64, limit: f64, unit: &str) {
        self.check(name, measured, "at most", limit, unit, measured <= limit);
    }

    pub(crate) fn at_least(&mut self, name: &str, measured: f64, limit: f64, unit: &str) {
        self.check(name, measured, "at least", limit, unit, measured >= limit);
    }

    fn check(&mut self, name: &str, measured: f64, word: &str, limit: f64, unit: &str, reached: bool) {
        let (measured, limit) = (number(measured), number(limit));
        println!("| {name} | {measured} {unit} | {word} {limit} {unit} | {} |", if reached { "yes" } else { "NO" });
        if !reached {
            self.missed.push(format!("{name}: {measured} {unit}, wanted {word} {limit} {unit}"));
        }
    }
}

fn number(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let part = |name: &str| after("--only").is_none_or(|only| only == name);
    let mut report = Report::new();
    if part("call") {
        tracking::call::measure(&mut report);
    }
    if part("store") {
        tracking::store::measure(&mut report);
    }
    match after("--python") {
        Some(python) if part("server") => tracking::server::measure(&mut report, Path::new(python)),
        Some(_) => {}
        None => println!("\nwithout a server: no --python"),
    }
    assert!(report.missed.is_empty(), "not reached:\n{}", report.missed.join("\n"));
}
