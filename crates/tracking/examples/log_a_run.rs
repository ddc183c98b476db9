//! Records a small run and says where it went.
//!
//! ```text
//! cargo run -p dodge-tracking --example log_a_run -- [local|console|off|URL] [TRACKING_FOLDER] [STEPS]
//! ```
//!
//! With `local`, `mlflow server` started in the tracking folder shows the run.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::{error::Error, path::PathBuf, sync::Arc, time::Instant};

use dodge_tracking::{Destination, RunOptions, Status, SystemClock, Tracking, TrackingOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let destination = args.next().unwrap_or_else(|| "local".to_owned());
    let folder = args.next().map_or_else(|| std::env::temp_dir().join("dodge-tracking"), PathBuf::from);
    let steps: i64 = args.next().map_or(Ok(10_000), |text| text.parse())?;

    let clock = Arc::new(SystemClock);
    let options = TrackingOptions::new(Destination::from_env(&destination)?, &folder, clock);
    let tracking = Tracking::open(options)?;
    let run = tracking.start_run(
        &RunOptions::new("examples").with_run_name("log_a_run").with_user("somebody").with_source_name("log_a_run.rs"),
    )?;
    println!("run {} in {}", run.run_id(), folder.display());

    run.log_params(&[("train.algo", "ppo"), ("train.steps", &steps.to_string())])?;
    let stage = run.time_stage("train");
    let started = Instant::now();
    for step in 0..steps {
        run.log_metric("loss", 1.0 / (1.0 + step as f64), step)?;
    }
    let per_call = started.elapsed().as_secs_f64() / steps as f64;
    println!("{:.2} microseconds per log_metric", per_call * 1e6);
    stage.finish()?;
    run.log_metric("not_a_number", f64::NAN, 0)?;
    run.log_artifact_bytes(b"all went well\n", "reports/report.txt")?;

    let finishing = Instant::now();
    let summary = run.finish(Status::Finished)?;
    println!("{:.2} seconds to deliver the rest", finishing.elapsed().as_secs_f64());
    println!("delivered {}, pending {}, refused {}", summary.delivered, summary.pending, summary.rejected);
    if let Some(error) = &summary.last_error {
        println!("because: {error}");
    }
    if let Some(spool) = &summary.spool {
        println!("the rest waits in {}", spool.display());
    }
    Ok(())
}
