//! Graphics cards: those of NVIDIA through `nvidia-smi`, those of AMD through the files of Linux' driver.
//!
//! A library that talks to the drivers would be loaded at run time, which takes `unsafe`; a program that is started every
//! ten seconds costs less than a hundredth of a processor.

use std::{fs, io, path::Path, process::Command, time::Duration};

use super::program::output_within;

const MEGABYTE: f64 = 1e6;
/// `nvidia-smi` counts in mebibytes.
const MEBIBYTE: f64 = 1_048_576.0;
/// How long `nvidia-smi` may take: without its persistence daemon it needs seconds, with a card that is lost it hangs.
const LIMIT: Duration = Duration::from_secs(10);
/// Where Linux lists graphics cards.
const CARDS: &str = "/sys/class/drm";

#[derive(Debug, Default)]
pub(super) struct Gpus {
    /// There is no `nvidia-smi`, or it finds nothing.
    no_nvidia: bool,
}

impl Gpus {
    /// Names, without a prefix, and values; what cannot be read is left out.
    /// `unwanted`: whether nobody waits for them any more.
    pub(super) fn sample(&mut self, unwanted: &dyn Fn() -> bool) -> Vec<(String, f64)> {
        let mut values = Vec::new();
        let mut cards = 0;
        if !self.no_nvidia {
            match nvidia(unwanted) {
                Ok(text) => cards = parse_nvidia(&text, &mut values),
                Err(error) => {
                    self.no_nvidia = true;
                    if error.kind() == io::ErrorKind::TimedOut && !unwanted() {
                        tracing::warn!("`nvidia-smi` does not answer and is not asked again: no metrics of its cards");
                    }
                }
            }
        }
        amd(Path::new(CARDS), cards, &mut values);
        values
    }
}

fn nvidia(unwanted: &dyn Fn() -> bool) -> io::Result<String> {
    let query = "--query-gpu=utilization.gpu,memory.used,memory.total,power.draw,power.limit";
    output_within(Command::new("nvidia-smi").args([query, "--format=csv,noheader,nounits"]), LIMIT, unwanted)
}

/// One line per card; says how many there are.
fn parse_nvidia(text: &str, values: &mut Vec<(String, f64)>) -> usize {
    let mut cards = 0;
    for (card, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        // What a card does not tell is `[N/A]`.
        let fields: Vec<Option<f64>> = line.split(',').map(|field| field.trim().parse().ok()).collect();
        let field = |at: usize| fields.get(at).copied().flatten();
        let mut put =
            |name: &str, value: Option<f64>| values.extend(value.map(|value| (format!("gpu_{card}_{name}"), value)));
        put("utilization_percentage", field(0));
        put("memory_usage_megabytes", field(1).map(|used| used * MEBIBYTE / MEGABYTE));
        put("memory_usage_percentage", share(field(1), field(2)));
        put("power_usage_watts", field(3));
        put("power_usage_percentage", share(field(3), field(4)));
        cards = card + 1;
    }
    cards
}

fn share(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let (part, whole) = (part?, whole.filter(|whole| *whole > 0.0)?);
    Some(100.0 * part / whole)
}

/// The cards below `folder` whose driver counts, numbered from `first`.
fn amd(folder: &Path, first: usize, values: &mut Vec<(String, f64)>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut cards: Vec<_> = entries.map(|entry| entry.path().join("device")).collect();
    cards.retain(|card| card.join("gpu_busy_percent").exists());
    cards.sort();
    for (number, card) in cards.iter().enumerate() {
        let read = |name: &str| fs::read_to_string(card.join(name)).ok()?.trim().parse::<f64>().ok();
        let (used, total) = (read("mem_info_vram_used"), read("mem_info_vram_total"));
        let gpu = first + number;
        let mut put =
            |name: &str, value: Option<f64>| values.extend(value.map(|value| (format!("gpu_{gpu}_{name}"), value)));
        put("utilization_percentage", read("gpu_busy_percent"));
        put("memory_usage_megabytes", used.map(|bytes| bytes / MEGABYTE));
        put("memory_usage_percentage", share(used, total));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nvidia_smi_prints_is_read_and_gaps_are_left_out() {
        let mut values = Vec::new();
        assert_eq!(parse_nvidia("37, 1000, 80000, 120.50, 700.00\n5, 2, 0, [N/A], [N/A]\n", &mut values), 2);
        let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "gpu_0_utilization_percentage",
                "gpu_0_memory_usage_megabytes",
                "gpu_0_memory_usage_percentage",
                "gpu_0_power_usage_watts",
                "gpu_0_power_usage_percentage",
                "gpu_1_utilization_percentage",
                "gpu_1_memory_usage_megabytes",
            ]
        );
        assert_eq!((values[1].1, values[2].1), (1048.576, 1.25));
        assert_eq!(parse_nvidia("garbage\n", &mut Vec::new()), 1);
    }

    #[test]
    fn the_files_of_the_driver_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("card0/device");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(folder.path().join("card1/device")).unwrap();
        for (name, text) in
            [("gpu_busy_percent", "12\n"), ("mem_info_vram_used", "4000000"), ("mem_info_vram_total", "8000000")]
        {
            fs::write(device.join(name), text).unwrap();
        }
        let mut values = Vec::new();
        amd(folder.path(), 1, &mut values);
        let expected = [
            ("gpu_1_utilization_percentage", 12.0),
            ("gpu_1_memory_usage_megabytes", 4.0),
            ("gpu_1_memory_usage_percentage", 50.0),
        ];
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value)));
    }
}
