//! A training run of a few seconds that must end with a model and a mosaic on disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process;

/// Environment steps of the run: enough for a few updates of the network, far too few to learn from.
const STEPS: u64 = 2048;

/// `dodge` refused the command line before it began anything, with the exit code for that.
#[derive(Debug)]
pub(crate) struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the training run was refused; its message is above")
    }
}

impl std::error::Error for Refused {}

/// Trains on synthetic photos with everything written under `folder`, which is emptied first, and checks the result,
/// which it returns.
///
/// # Errors
/// [`Refused`]; or when training fails, or does not leave what it says.
pub(crate) fn train(dodge: &Path, folder: &Path, device: &str) -> Result<Value> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;

    let mut command = Command::new(dodge);
    command.args(["train", "--synthetic", "24", "--steps", &STEPS.to_string(), "--seed", "1"]);
    command.args(["--device", device, "--tracking-uri", "local", "--json", "--out"]).arg(folder.join("run"));
    command.env("IMAGE_VOLUME_PATH", folder.join("volume")).stdin(Stdio::null()).stdout(Stdio::piped());
    process::show(&command);
    let output = command.spawn().and_then(std::process::Child::wait_with_output).context("cannot start dodge")?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(2) {
        return Err(Refused.into());
    }
    if !output.status.success() {
        bail!("the training run failed ({}); its messages are above", output.status);
    }
    let report = last_object(&stdout)?;
    check(&report)?;
    Ok(report)
}

/// The object on the last line of what `--json` prints.
pub(crate) fn last_object(stdout: &str) -> Result<Value> {
    let last = stdout.lines().last().unwrap_or_default();
    let value = serde_json::from_str::<Value>(last);
    let value = value.with_context(|| format!("the last line of stdout is no JSON: {last:?}"))?;
    ensure!(value.is_object(), "the last line of stdout is no JSON object: {last:?}");
    Ok(value)
}

fn check(report: &Value) -> Result<()> {
    for key in ["model", "mosaic"] {
        let path = report[key].as_str().map(PathBuf::from);
        let path = path.with_context(|| format!("the last JSON line names no `{key}`: {report}"))?;
        let length = std::fs::metadata(&path).map(|metadata| metadata.len());
        let length =
            length.with_context(|| format!("the {key} of the training run, {}, is missing", path.display()))?;
        ensure!(length > 0, "the {key} of the training run, {}, is empty", path.display());
    }
    let steps = report["steps"].as_u64();
    ensure!(steps.is_some_and(|steps| steps >= STEPS), "asked for {STEPS} steps, the run reports {}", report["steps"]);
    let recovered = &report["test"]["recovered"];
    ensure!(recovered.is_number(), "`test.recovered` should be a number, the run reports {recovered}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_line_is_the_result() {
        assert_eq!(last_object("a table\n{\"steps\": 3}\n").expect("an object")["steps"], 3);
        assert!(last_object("").is_err());
        assert!(last_object("{\"steps\": 3}\nbye").is_err());
        assert!(last_object("[1]").is_err());
    }

    #[test]
    fn a_run_must_leave_what_it_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let [model, mosaic, empty] = ["model", "mosaic", "empty"].map(|name| folder.path().join(name));
        std::fs::write(&model, "weights").expect("written");
        std::fs::write(&mosaic, "picture").expect("written");
        std::fs::write(&empty, "").expect("written");
        let report = |model: &Path, mosaic: &Path, steps: u64, recovered: Value| json!({"model": model, "mosaic": mosaic, "steps": steps, "test": {"recovered": recovered}});
        let fails = |report: Value, word: &str| {
            let error = check(&report).expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        };

        check(&report(&model, &mosaic, STEPS, json!(0.1))).expect("all is there");
        fails(report(&model, &folder.path().join("gone"), STEPS, json!(0.1)), "missing");
        fails(report(&empty, &mosaic, STEPS, json!(0.1)), "empty");
        fails(report(&model, &mosaic, STEPS - 1, json!(0.1)), "asked for");
        fails(report(&model, &mosaic, STEPS, json!(null)), "recovered");
        fails(json!({"model": model}), "names no `mosaic`");
    }
}
