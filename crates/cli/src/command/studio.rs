//! `dodge studio`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use dodge_rl::HOUSE_MODEL;
use dodge_studio::{Error, KnownModel, Studio, StudioOptions};

use crate::arguments::StudioArguments;
use crate::failure::usage;
use crate::surroundings::Surroundings;
use crate::teaching::{Teacher, known};
use crate::{command, interruption, output, text};

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command: until Ctrl-C or a signal to end.
pub(crate) fn run(arguments: &StudioArguments, surroundings: &Surroundings) -> Result<()> {
    let taught = surroundings.volume().join("studio/model.safetensors");
    let models = models(&arguments.model, &taught)?;
    #[expect(clippy::disallowed_methods, reason = "this is where clocks are read")]
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let teacher = Arc::new(Teacher::new(surroundings));
    let mut options = StudioOptions::new(&arguments.folder, models, teacher, Arc::new(now));
    options.output.clone_from(&arguments.output);
    options.address = arguments.address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], arguments.port)));
    options.token.clone_from(&arguments.token);
    options.taught = taught;
    let interrupted = interruption::stop_on_ctrl_c()?;
    let studio = Studio::start(options).map_err(|error| match error {
        Error::NoToken { .. } => usage(error),
        other => other.into(),
    })?;
    let (folder, photos) = (text::shown(&arguments.folder), studio.photos());
    command::print(&format!(
        "{photos} photos of {folder}; open this address, and keep it to yourself:\n{}\n",
        studio.url()
    ))?;
    if !arguments.no_browser
        && let Err(error) = open::that_detached(studio.url())
    {
        tracing::warn!("no browser could be opened: {error}");
    }
    while !interrupted.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
    }
    studio.stop();
    Ok(())
}

/// The models that were named; else the one that was taught last; else the model in the box. That one can always be compared with.
fn models(named: &[PathBuf], taught: &Path) -> Result<Vec<KnownModel>> {
    let mut models = Vec::new();
    for file in named {
        models.push(known(file, text::shown(file).into_owned())?);
    }
    if named.is_empty() && taught.is_file() {
        models.push(known(taught, "taught by you".to_owned())?);
    }
    models.push(KnownModel {
        name: "the model in the box".to_owned(),
        file: None,
        sha256: output::hash(HOUSE_MODEL),
        model: Arc::new(command::model(None)?),
    });
    Ok(models)
}
