//! Any text as operations, line by line and as the list that a recipe file holds. What is read is written so that it reads
//! the same.

#![no_main]

use dodge_imaging::Operation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.lines() {
        if let Ok(operation) = line.parse::<Operation>() {
            assert_eq!(operation.to_string().parse::<Operation>().expect("what was written is read"), operation);
        }
    }
    if let Ok(operations) = serde_json::from_str::<Vec<Operation>>(text) {
        let again = serde_json::to_string(&operations).expect("operations can be written");
        assert_eq!(serde_json::from_str::<Vec<Operation>>(&again).expect("what was written is read"), operations);
    }
});
