//! What a start of the program spends on its hyperparameters: registering every section, reading a configuration file that
//! sets every value, and validating all of it.
//!
//! `cargo xtask bench hparams` prints the median and the slowest of many turns, and fails where the median takes more than a
//! millisecond.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../src/sections.rs"]
mod sections;

use std::hint::black_box;
use std::time::{Duration, Instant};

const TURNS: usize = 1000;

const MOST: Duration = Duration::from_millis(1);

fn main() -> Result<(), dodge_hparams::Error> {
    // The first turn makes the schemas, which later ones find.
    let begun = Instant::now();
    let configuration = sections::registry()?.to_toml();
    let first = begun.elapsed();

    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let begun = Instant::now();
        let mut registry = sections::registry()?;
        registry.apply_toml(black_box(&configuration), "benchmark")?;
        registry.validate()?;
        black_box(&registry);
        turns.push(begun.elapsed());
    }
    turns.sort();
    let (median, slowest) = (turns[TURNS / 2], turns[TURNS - 1]);
    let values = sections::registry()?.entries().count();
    println!("{values} hyperparameters registered, read from {} bytes of TOML, and validated:", configuration.len());
    println!("median {median:.1?}, slowest of {TURNS} {slowest:.1?}, first registration and writing {first:.1?}");
    assert!(median < MOST, "loading takes {median:?}, more than {MOST:?}");
    Ok(())
}
