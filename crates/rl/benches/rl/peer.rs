//! What users would take instead, measured by scripts in Python in the same run.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// A Python that has `stable-baselines3`, `opencv-python-headless` and PyTorch.
pub(crate) struct Python<'a>(pub(crate) &'a str);

impl Python<'_> {
    /// Runs a script of `benches/peers` and returns the largest number that it prints before `unit`.
    pub(crate) fn measure<A: AsRef<OsStr>>(&self, script: &str, arguments: &[A], unit: &str) -> f64 {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script);
        let output = Command::new(self.0).arg(path).args(arguments).output().expect("the Python that was named runs");
        let text = String::from_utf8_lossy(&output.stdout);
        println!("{}", text.trim_end());
        assert!(output.status.success(), "{script} failed: {}", String::from_utf8_lossy(&output.stderr));
        let before = |line: &str| line.split(unit).next()?.split_whitespace().last()?.parse::<f64>().ok();
        let figures = text.lines().filter(|line| line.contains(unit)).filter_map(before);
        figures.reduce(f64::max).unwrap_or_else(|| panic!("{script} prints no number before {unit:?}"))
    }
}
