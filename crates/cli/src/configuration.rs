//! The layers of hyperparameters.

use std::path::Path;

use anyhow::Result;
use dodge_hparams::{Choice, Error, Layer, Registry};
use dodge_rl::{Algorithm, EnvironmentParams, Model};

use crate::arguments::{HyperparameterArguments, Preset};
use crate::failure::usage;
use crate::sections::registry;
use crate::surroundings::PREFIX;

/// The registry with preset, configuration files, environment variables and `--set` on top, in this order.
///
/// All problems of all layers are told at once.
pub(crate) fn layered(arguments: &HyperparameterArguments, variables: &[(String, String)]) -> Result<Registry> {
    let mut registry = registry()?;
    let preset = match arguments.preset {
        Preset::Quick => Some(("quick", include_str!("../presets/quick.toml"))),
        Preset::Default => None,
        Preset::Lessons => Some(("lessons", include_str!("../presets/lessons.toml"))),
        Preset::Long => Some(("long", include_str!("../presets/long.toml"))),
    };
    if let Some((name, text)) = preset {
        registry.apply_toml(text, Layer::Preset(name.to_owned()))?;
    }
    let mut problems = Vec::new();
    for path in &arguments.config {
        problems.extend(registry.apply_toml_file(path).err());
    }
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    problems.extend(registry.apply_environment(PREFIX, variables).err());
    problems.extend(arguments.set.iter().filter_map(|assignment| registry.apply_set(assignment).err()));
    Error::all(problems)?;
    for deprecation in registry.deprecations() {
        tracing::warn!("{deprecation}");
    }
    Ok(registry)
}

/// The registry for a model that goes on learning from lessons: the same layers, and on top what its weights stand for.
///
/// A model of an algorithm that begins from nothing only is refused.
pub(crate) fn of_lessons(
    first: &Model,
    arguments: &HyperparameterArguments,
    variables: &[(String, String)],
) -> Result<Registry> {
    let algorithm = &first.configuration().algorithm;
    if algorithm != Algorithm::Apg.name() {
        return Err(usage(format!(
            "a model that was trained by `{algorithm}` cannot go on learning: begin with one of `apg`, such as the model in the box"
        )));
    }
    let preset = if arguments.preset == Preset::Default { Preset::Lessons } else { arguments.preset };
    let (config, set) = (arguments.config.clone(), arguments.set.clone());
    let mut registry = layered(&HyperparameterArguments { preset, config, set }, variables)?;
    for (section, key, value) in first.settings() {
        registry.apply_text(section, key, &value, Layer::Other("--model".to_owned()))?;
    }
    Ok(registry)
}

/// The registry with what a run was started with, and `--set` on top. A variable that was set since then does not count: the
/// run goes on as if it had never stopped.
pub(crate) fn of_run(run_dir: &Path, set: &[String]) -> Result<Registry> {
    let mut registry = registry()?;
    registry.apply_toml_file(run_dir.join("configuration.toml"))?;
    for assignment in set {
        registry.apply_set(assignment)?;
    }
    Ok(registry)
}

/// Checks what only shows when all layers are there.
pub(crate) fn validate(registry: &Registry) -> Result<()> {
    registry.validate()?;
    registry.get::<EnvironmentParams>()?.action_set().map_err(usage)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid() {
        for preset in [Preset::Quick, Preset::Default, Preset::Lessons, Preset::Long] {
            let registry = layered(&HyperparameterArguments { preset, ..Default::default() }, &[]).unwrap();
            validate(&registry).unwrap();
        }
    }

    #[test]
    fn later_layers_win_and_all_their_problems_are_told() {
        let folder = std::env::temp_dir().join(format!("dodge-layers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        };
        let variable = |name: &str, value: &str| [(format!("{PREFIX}{name}"), value.to_owned())];
        let first = file("first.toml", "[ppo]\nepochs = 3\ndiscount = 0.1\ngae_lambda = 0.1\nclip_range = 0.1\n");
        let second = file("second.toml", "[ppo]\ndiscount = 0.2\ngae_lambda = 0.2\nclip_range = 0.2\n");
        let mut arguments = HyperparameterArguments {
            preset: Preset::Quick,
            config: vec![first.clone(), second],
            set: vec!["ppo.clip_range=0.4".to_owned()],
        };
        let registry = layered(&arguments, &variable("PPO__GAE_LAMBDA", "0.3")).unwrap();
        let ppo = registry.get::<dodge_learn::PpoParams>().unwrap();
        assert_eq!((ppo.epochs, ppo.discount, ppo.gae_lambda, ppo.clip_range), (3, 0.2, 0.3, 0.4));

        std::fs::write(&first, "[ppo]\nepoch = 3\n").unwrap();
        arguments.set.push("ppo.epochs=0".to_owned());
        let error = layered(&arguments, &variable("POP__EPOCHS", "3")).unwrap_err();
        let problems = error.downcast_ref::<Error>().unwrap().problems().len();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(problems, 3);
    }
}
