//! Datasets, models and registered versions of a run in the local database.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    DatasetInput,
    entity::{Extra, Model, Version, model_folder},
    record::Start,
};

/// The tag by which a version is found again that was written already.
const CLIENT_VERSION_ID: &str = "dodge.client_version_id";

pub(super) fn write(transaction: &Transaction<'_>, run: &Start, extra: &Extra) -> rusqlite::Result<()> {
    match extra {
        Extra::Dataset(dataset) => insert_dataset(transaction, run, dataset),
        Extra::Model(model) => insert_model(transaction, run, model),
        Extra::ModelReady { key, step } => finish_model(transaction, run, key, *step),
        Extra::Version(version) => insert_version(transaction, run, version),
    }
}

fn insert_dataset(transaction: &Transaction<'_>, run: &Start, dataset: &DatasetInput) -> rusqlite::Result<()> {
    let experiment = run.experiment_id.parse::<i64>().unwrap_or(0);
    transaction.execute(
        "INSERT OR IGNORE INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, \
         dataset_source, dataset_schema, dataset_profile) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            new_id(),
            experiment,
            dataset.name,
            dataset.digest,
            dataset.source_type,
            dataset.source,
            dataset.schema,
            dataset.profile
        ],
    )?;
    let dataset_id: String = transaction.query_row(
        "SELECT dataset_uuid FROM datasets WHERE experiment_id = ?1 AND name = ?2 AND digest = ?3",
        params![experiment, dataset.name, dataset.digest],
        |row| row.get(0),
    )?;
    insert_input(transaction, ("DATASET", &dataset_id), ("RUN", &run.run_id), None)?;
    if let Some(context) = &dataset.context {
        transaction.execute(
            "INSERT INTO input_tags (input_uuid, name, value) \
             SELECT input_uuid, 'mlflow.data.context', ?3 FROM inputs WHERE source_type = 'DATASET' AND source_id = ?1 \
             AND destination_type = 'RUN' AND destination_id = ?2 \
             ON CONFLICT (input_uuid, name) DO UPDATE SET value = excluded.value",
            params![dataset_id, run.run_id, context],
        )?;
    }
    Ok(())
}

fn insert_input(
    transaction: &Transaction<'_>,
    source: (&str, &str),
    destination: (&str, &str),
    step: Option<i64>,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT OR IGNORE INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![new_id(), source.0, source.1, destination.0, destination.1],
    )?;
    if let Some(step) = step {
        transaction.execute(
            "UPDATE inputs SET step = ?5 WHERE source_type = ?1 AND source_id = ?2 AND destination_type = ?3 AND \
             destination_id = ?4",
            params![source.0, source.1, destination.0, destination.1, step],
        )?;
    }
    Ok(())
}

/// Whether a server has upgraded the database to one that has a list of logged models. Before that the files of a model
/// are in the run's folder, and that is all that there is to see of it.
fn lists_models(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let columns: i64 = transaction.query_row(
        "SELECT count(*) FROM pragma_table_info('logged_models') WHERE name IN ('model_id', 'experiment_id', 'name', \
         'artifact_location', 'creation_timestamp_ms', 'last_updated_timestamp_ms', 'status', 'lifecycle_stage', \
         'model_type', 'source_run_id')",
        [],
        |row| row.get(0),
    )?;
    Ok(columns == 10)
}

fn insert_model(transaction: &Transaction<'_>, run: &Start, model: &Model) -> rusqlite::Result<()> {
    if !lists_models(transaction)? {
        return Ok(());
    }
    let experiment = run.experiment_id.parse::<i64>().unwrap_or(0);
    let options = &model.options;
    transaction.execute(
        "INSERT OR IGNORE INTO logged_models (model_id, experiment_id, name, artifact_location, \
         creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, 'active', ?6, ?7)",
        params![
            format!("m-{}", model.key),
            experiment,
            options.name,
            artifact_location(run, &options.name, &model.key),
            model.time,
            options.model_type,
            run.run_id
        ],
    )?;
    for (table, column, pairs) in
        [("logged_model_params", "param", &options.params), ("logged_model_tags", "tag", &options.tags)]
    {
        for (key, value) in pairs {
            transaction.execute(
                &format!(
                    "INSERT OR IGNORE INTO {table} (model_id, experiment_id, {column}_key, {column}_value) \
                     VALUES (?1, ?2, ?3, ?4)"
                ),
                params![format!("m-{}", model.key), experiment, key, value],
            )?;
        }
    }
    Ok(())
}

fn finish_model(transaction: &Transaction<'_>, run: &Start, key: &str, step: i64) -> rusqlite::Result<()> {
    if !lists_models(transaction)? {
        return Ok(());
    }
    let id = format!("m-{key}");
    // 2: ready.
    transaction.execute("UPDATE logged_models SET status = 2 WHERE model_id = ?1", [&id])?;
    insert_input(transaction, ("RUN_OUTPUT", &run.run_id), ("MODEL_OUTPUT", &id), Some(step))
}

fn insert_version(transaction: &Transaction<'_>, run: &Start, version: &Version) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT OR IGNORE INTO registered_models (name, creation_time, last_updated_time, description) \
         VALUES (?1, ?2, ?2, '')",
        params![version.name, version.time],
    )?;
    let known: Option<i64> = transaction
        .query_row(
            "SELECT version FROM model_version_tags WHERE key = ?1 AND value = ?2 AND name = ?3",
            params![CLIENT_VERSION_ID, version.key, version.name],
            |row| row.get(0),
        )
        .optional()?;
    let number = match known {
        Some(number) => number,
        None => {
            let number: i64 = transaction.query_row(
                "SELECT coalesce(max(version), 0) + 1 FROM model_versions WHERE name = ?1",
                [&version.name],
                |row| row.get(0),
            )?;
            let source = artifact_location(run, &version.model_name, &version.model);
            transaction.execute(
                "INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, user_id, \
                 current_stage, source, run_id, status, status_message, run_link, storage_location) \
                 VALUES (?1, ?2, ?3, ?3, ?4, ?5, 'None', ?6, ?7, 'READY', '', '', ?6)",
                params![version.name, number, version.time, version.description, run.user, source, run.run_id],
            )?;
            transaction.execute(
                "INSERT INTO model_version_tags (key, value, name, version) VALUES (?1, ?2, ?3, ?4)",
                params![CLIENT_VERSION_ID, version.key, version.name, number],
            )?;
            transaction.execute(
                "UPDATE registered_models SET last_updated_time = ?2 WHERE name = ?1",
                params![version.name, version.time],
            )?;
            number
        }
    };
    for alias in &version.aliases {
        // No `ON CONFLICT`: later servers have another primary key here.
        let named = params![version.name, alias];
        transaction.execute("DELETE FROM registered_model_aliases WHERE name = ?1 AND alias = ?2", named)?;
        transaction.execute(
            "INSERT INTO registered_model_aliases (alias, version, name) VALUES (?1, ?2, ?3)",
            params![alias, number, version.name],
        )?;
    }
    Ok(())
}

fn artifact_location(run: &Start, name: &str, key: &str) -> String {
    format!("mlflow-artifacts:/{}/{}/artifacts/{}", run.experiment_id, run.run_id, model_folder(name, key))
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
