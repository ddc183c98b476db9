//! Archives in zip, which begin as such.
#![no_main]

mod extraction;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    extraction::check(&[b"PK\x03\x04", bytes].concat());
});
