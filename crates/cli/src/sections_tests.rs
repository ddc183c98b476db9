//! Tests of the whole registry. They stand beside `sections.rs` and not in it, because the benchmark includes that file.

use crate::sections::registry;

#[test]
fn the_template_is_the_defaults() {
    let mut copy = registry().unwrap();
    let uncommented: Vec<String> = copy
        .template()
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned())
        .collect();
    copy.apply_toml(&uncommented.join("\n"), "template").unwrap();
    copy.validate().unwrap();
    assert!(copy.entries().all(|entry| entry.layer.to_string() == "template" && entry.value == *entry.default));
}

#[test]
fn the_declarations_are_a_search_space() {
    let registry = registry().unwrap();
    let space = dodge_hparams::SearchSpace::of(&registry, |name| name.starts_with("ppo.")).unwrap();
    let mut tuning = dodge_hparams::Tuning::random(space, &registry, 1);
    for _ in 0..50 {
        let trial = tuning.ask().unwrap();
        assert!(trial.values.iter().any(|(name, _)| name == "ppo.learning_rate"));
        trial.apply(&mut registry.clone()).unwrap();
    }
}

/// Every hyperparameter that the documentation names exists, and every one of the predecessor is named there.
#[test]
fn the_documentation_names_what_exists() {
    let registry = registry().unwrap();
    let text = include_str!("../../../docs/hyperparameters.md");
    let (_, counterparts) = text.split_once("## The hyperparameters of the predecessor").unwrap();
    let quoted: Vec<&str> = counterparts.split('`').skip(1).step_by(2).collect();
    let named = quoted.iter().filter_map(|name| name.split_once('.'));
    let ours: Vec<_> = named.filter(|(section, _)| registry.schemas().any(|s| s.section == *section)).collect();
    assert!(ours.len() > 30, "{ours:?}");
    for (section, key) in ours {
        assert!(registry.entry(section, key).is_some(), "{section}.{key}");
    }
    let theirs = "dataset_id image_max_size experiment_name run_name total_training_steps num_vector_envs random_seed \
        vec_env_cls use_worker_pool num_juror_workers use_local_juror render_mode render_save_dir evaluation_seed \
        evaluation_interval evaluation_deterministic evaluation_visual_history evaluation_visual_history_max_images \
        evaluation_visual_history_max_size evaluation_render_mode evaluation_render_save_dir evaluation_model_save_dir \
        evaluation_log_path store_best_model store_final_model core_env transformer_labels max_transformations \
        success_bonus success_bonus_strategy step_penalty reward_strategy use_multi_step_wrapper steps_per_episode \
        multi_step_intermediate_reward multi_step_reward_shaping ppo_model_variant n_steps batch_size n_epochs \
        model_learning_schedule ent_coef clip_range gamma gae_lambda max_grad_norm net_arch activation_fn \
        dqn_model_variant buffer_size learning_rate learning_starts target_update_interval train_freq gradient_steps \
        exploration_fraction exploration_initial_eps exploration_final_eps resize_max_size max_images \
        transformer_names use_random_transformer num_transformations split GeneralParams TrainingParams";
    for name in theirs.split_whitespace() {
        assert!(quoted.contains(&name), "{name}");
    }
}

#[test]
fn tracking_is_declared_with_the_defaults_that_it_has_without_us() {
    use dodge_tracking::{Destination, SystemClock, TrackingOptions};
    let clock = std::sync::Arc::new(SystemClock);
    let theirs = TrackingOptions::new(Destination::Off, "", clock);
    let ours: crate::sections::TrackingParams = registry().unwrap().get().unwrap();
    assert_eq!((ours.finish_timeout, ours.delivery_interval), (theirs.finish_timeout, theirs.delivery_interval));
}
