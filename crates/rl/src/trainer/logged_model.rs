//! The model of a run as MLflow keeps models: its file, its signature, and a card that says what it is.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use dodge_data::Dataset;
use dodge_hparams::Choice;
use dodge_learn::Head;
use dodge_preprocess::Splits;
use dodge_tracking::ModelOptions;

use crate::error::Error;
use crate::naming::folder_name;
use crate::photo::environment::Material;
use crate::photo::evaluation::Evaluation;
use crate::photo::model::{MODEL_FORMAT, ModelConfiguration};
use crate::photo::summary::Summary;
use crate::trainer::context::TrainContext;
use crate::trainer::fitting::Trained;
use crate::trainer::inputs::name_of;
use crate::whole_file::write_whole;

/// The folder in the run's folder that holds what is logged: a model with its card, to be handed on as it is.
const FOLDER: &str = "logged-model";

/// What the model is called among the models of a run.
const NAME: &str = "retoucher";

/// The alias of the version that was registered last.
const ALIAS: &str = "newest";

/// Logs the model with signature and card. On a server it becomes the next version of the registered model of the experiment's name, and
/// the alias `newest` points at it.
///
/// # Errors
/// [`Error::File`] and [`Error::Part`] where folder or record cannot be written.
pub(crate) fn log(
    trained: &Trained,
    evaluation: &Evaluation,
    photos: (&Dataset, &Splits),
    context: &TrainContext,
) -> Result<(), Error> {
    let (run, configuration) = (context.run(), trained.model.configuration());
    let folder = context.run_dir().join(FOLDER);
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { action, path, source }
    };
    fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
    let (name, card) = ("model.safetensors", card(configuration, evaluation, photos));
    let model = fs::read(&trained.model_path).map_err(failed("read", &trained.model_path))?;
    write_whole(&folder.join(name), &model)?;
    write_whole(&folder.join("README.md"), card.as_bytes())?;
    write_whole(&folder.join("MLmodel"), description(name, run.run_id()).as_bytes())?;

    let step = i64::try_from(trained.environment_steps).unwrap_or(i64::MAX);
    let mut options = ModelOptions::new(NAME).with_type("agent").with_step(step);
    for (key, value) in params(configuration) {
        options = options.with_param(key, value);
    }
    // What MLflow's page of a model shows as its description.
    let logged = run.log_model(&options.with_tag("mlflow.note.content", card), &folder)?;
    if run.is_on_server() {
        // Names of registered models may hold no dots.
        run.register_model(&logged, &folder_name(&context.experiment).replace('.', "_"), &[ALIAS])?;
    }
    Ok(())
}

fn params(configuration: &ModelConfiguration) -> [(&'static str, String); 6] {
    [
        ("algorithm", configuration.algorithm.clone()),
        ("environment_steps", configuration.environment_steps.to_string()),
        ("seed", configuration.seed.to_string()),
        ("juror", configuration.juror.clone()),
        ("working_size", configuration.working_size.to_string()),
        ("model_format", MODEL_FORMAT.to_string()),
    ]
}

/// The file `MLmodel` (YAML): how the model is read, and its signature: a photo of any size, 8-bit sRGB, `[height][width][channel]`, in;
/// a recipe as JSON and what is expected of it out.
fn description(file: &str, run_id: &str) -> String {
    format!(
        r#"flavors:
  dodge:
    data: {file}
    model_format: {MODEL_FORMAT}
    version: {}
run_id: {run_id}
signature:
  inputs: '[{{"name": "photo", "type": "tensor", "tensor-spec": {{"dtype": "uint8", "shape": [-1, -1, 3]}}}}]'
  outputs: '[{{"name": "recipe", "type": "string", "required": true}}, {{"name": "expected_gain_db", "type": "double", "required": false}}]'
  params: null
"#,
        env!("CARGO_PKG_VERSION")
    )
}

/// The card, in Markdown.
fn card(configuration: &ModelConfiguration, evaluation: &Evaluation, (dataset, splits): (&Dataset, &Splits)) -> String {
    let counts = [&splits.train, &splits.validation, &splits.test].map(|split| split.photos.len());
    let [training, validation, test] = counts;
    let is_of_pairs = evaluation.material() == Material::Pairs;
    let taught = match (is_of_pairs, evaluation.damage) {
        (true, _) => "to edit as a person did, by photos before and after".to_owned(),
        (false, Some(protocol)) => {
            format!("to bring photos back that were damaged ({})", protocol.name())
        }
        (false, None) => "to bring photos back that were damaged".to_owned(),
    };
    let ModelConfiguration { algorithm, environment_steps, seed, juror, .. } = configuration;
    let mut card = format!(
        "# A model that retouches photographs\n\n\
         It looks at a photo and answers with a recipe: ordinary edits with their strengths, which are then made at full size. It was taught {taught}.\n\n\
         | trained | |\n|---|---|\n\
         | photos | {} of `{}` ({training} to learn from, {validation} to choose the model, {test} to measure it) |\n\
         | content | `{}` |\n\
         | algorithm | {algorithm}, {environment_steps} steps, seed {seed} |\n\
         | juror | {juror} |\n\
         | edits | {} |\n\n",
        dataset.photos().len(),
        name_of(dataset).replace('`', "'"),
        dataset.content_hash(),
        configuration.actions.join(", "),
    );
    measured(&mut card, evaluation, is_of_pairs);
    let whole = if configuration.head == Head::Sliders { " It moves all its edits at once." } else { "" };
    let _ = write!(
        card,
        "\n## Use\n\n```\ndodge enhance PHOTO --model model.safetensors -o enhanced --explain\n```\n\n\
         ## Limits\n\nIt makes the edits above and nothing else, each for the whole of a photo.{whole} It is as good as photos are like those that it was \
         trained on.\n"
    );
    card
}

fn measured(card: &mut String, evaluation: &Evaluation, is_of_pairs: bool) {
    let to = if is_of_pairs { "the photo after" } else { "the original" };
    let whole = if is_of_pairs { "unedited" } else { "undamaged" };
    let Evaluation { test, photographs, .. } = evaluation;
    let _ = write!(
        card,
        "## Measured\n\nOn {photographs} photographs that it was not trained on.\n\n\
         | | PSNR to {to} | better / worse | {whole} photos |\n|---|---|---|---|\n"
    );
    row(card, "this model", test);
    evaluation.baselines.by_name().into_iter().for_each(|(name, summary)| row(card, &name.replace('_', " "), summary));
    if let Some([low, high]) = evaluation.gain_interval_db {
        let gain = test.mean_psnr_final_db - test.mean_psnr_degraded_db;
        let _ = write!(card, "\nThe mean gain is {gain:.2} dB, and {low:.2} to {high:.2} dB in 95 of 100 such sets.");
    }
    let likeness = [test.mean_ssim_degraded, test.mean_ssim_final, test.mean_delta_e_degraded, test.mean_delta_e_final];
    if let [Some(ssim), Some(ssim_after), Some(colour), Some(colour_after)] = likeness {
        let _ = write!(
            card,
            "\nStructural similarity (SSIM) {ssim:.3} → {ssim_after:.3}, mean colour difference (CIEDE2000) {colour:.2} → {colour_after:.2}.\n"
        );
    }
}

fn row(card: &mut String, name: &str, s: &Summary) {
    let undamaged =
        if s.undamaged.photos == 0 { "–".to_owned() } else { format!("{:.1} dB", s.undamaged.mean_psnr_db) };
    let _ = writeln!(
        card,
        "| {name} | {:.1} → {:.1} dB | {:.0} / {:.0} % | {undamaged} |",
        s.mean_psnr_degraded_db,
        s.mean_psnr_final_db,
        100.0 * s.improved,
        100.0 * s.worsened,
    );
}
