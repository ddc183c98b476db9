//! Sends datasets, models and registered versions of a run to an MLflow server.
//!
//! The server mints the ids of models and versions, and a reply may get lost: each carries a tag of ours, and is
//! searched for by it before it is made.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::RestClient, pages::Pages, reply::CallError};
use crate::{
    DatasetInput, Rejection,
    delivery::{SinkError, note},
    entity::{Extra, Model, Version},
    spool::{Ledger, ServedModel},
};

const CLIENT_MODEL_ID: &str = "dodge.client_model_id";
const CLIENT_VERSION_ID: &str = "dodge.client_version_id";

type Refusals = Result<Vec<Rejection>, SinkError>;

pub(super) fn deliver(client: &RestClient, run_id: &str, extra: &Extra, ledger: &mut Ledger) -> Refusals {
    match extra {
        Extra::Dataset(dataset) => log_dataset(client, run_id, dataset),
        Extra::Model(model) => create_model(client, run_id, model, ledger),
        Extra::ModelReady { key, step } => finish_model(client, run_id, key, *step, ledger),
        Extra::Version(version) => create_version(client, run_id, version, ledger),
    }
}

fn log_dataset(client: &RestClient, run_id: &str, dataset: &DatasetInput) -> Refusals {
    let mut body = json!({
        "name": dataset.name,
        "digest": dataset.digest,
        "source_type": dataset.source_type,
        "source": dataset.source,
    });
    for (field, text) in [("schema", &dataset.schema), ("profile", &dataset.profile)] {
        if let Some(text) = text {
            body[field] = json!(text);
        }
    }
    let tags: Vec<Value> =
        dataset.context.iter().map(|context| json!({"key": "mlflow.data.context", "value": context})).collect();
    let body = json!({"run_id": run_id, "datasets": [{"tags": tags, "dataset": body}]});
    let item = || format!("dataset `{}`", dataset.name);
    refusal(client.post::<Value>("runs/log-inputs", &body).map(drop), item)
}

fn create_model(client: &RestClient, run_id: &str, model: &Model, ledger: &mut Ledger) -> Refusals {
    if ledger.progress.models.contains_key(&model.key) {
        return Ok(Vec::new());
    }
    let experiment = ledger.progress.server_experiment_id.clone().unwrap_or_default();
    let options = &model.options;
    let body = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{CLIENT_MODEL_ID}` = '{}'", model.key),
        "max_results": 1,
    });
    let item = || format!("model `{}`", options.name);
    let found = match client.post::<ModelsPage>("logged-models/search", &body) {
        Ok(page) => page.models.into_iter().next(),
        Err(error) => return refusal(Err(error), item),
    };
    let created = match found {
        Some(found) => found,
        None => {
            let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
                pairs.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
            };
            let mut tags = pairs(&options.tags);
            tags.push(json!({"key": CLIENT_MODEL_ID, "value": model.key}));
            let body = json!({
                "experiment_id": experiment,
                "name": options.name,
                "model_type": options.model_type,
                "source_run_id": run_id,
                "params": pairs(&options.params),
                "tags": tags,
            });
            match client.post::<ModelReply>("logged-models", &body) {
                Ok(reply) => reply.model,
                Err(error) => return refusal(Err(error), item),
            }
        }
    };
    let served = ServedModel { model_id: created.info.model_id, artifact_uri: created.info.artifact_uri };
    ledger.progress.models.insert(model.key.clone(), served);
    note(ledger)?;
    Ok(Vec::new())
}

fn finish_model(client: &RestClient, run_id: &str, key: &str, step: i64, ledger: &Ledger) -> Refusals {
    // The server did not take the model, which has been said.
    let Some(model) = ledger.progress.models.get(key) else {
        return Ok(Vec::new());
    };
    let id = &model.model_id;
    let item = || format!("model `{id}`");
    let ready = json!({"model_id": id, "status": "LOGGED_MODEL_READY"});
    let refused = refusal(client.patch::<Value>(&format!("logged-models/{id}"), &ready).map(drop), item)?;
    if !refused.is_empty() {
        return Ok(refused);
    }
    let output = json!({"run_id": run_id, "models": [{"model_id": id, "step": step}]});
    match client.post::<Value>("runs/outputs", &output) {
        // MLflow does not look before it writes: that the row is there is what was wanted, whoever wrote it.
        Err(error) if error.is_race() => Ok(Vec::new()),
        result => refusal(result.map(drop), item),
    }
}

fn create_version(client: &RestClient, run_id: &str, version: &Version, ledger: &Ledger) -> Refusals {
    let item = || format!("version of the registered model `{}`", version.name);
    let Some(model) = ledger.progress.models.get(&version.model) else {
        return Ok(vec![Rejection { item: item(), reason: "its model was refused".to_owned() }]);
    };
    match client.post::<Value>("registered-models/create", &json!({"name": version.name})) {
        Ok(_) => {}
        Err(CallError::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => {}
        Err(error) => return refusal(Err(error), item),
    }
    let number = match version_number(client, run_id, version, model) {
        Ok(number) => number,
        Err(error) => return refusal(Err(error), item),
    };
    let mut refused = Vec::new();
    for alias in &version.aliases {
        let body = json!({"name": version.name, "alias": alias, "version": number});
        let result = client.post::<Value>("registered-models/alias", &body).map(drop);
        refused.extend(refusal(result, || format!("alias `{alias}`"))?);
    }
    Ok(refused)
}

fn version_number(
    client: &RestClient,
    run_id: &str,
    version: &Version,
    model: &ServedModel,
) -> Result<String, CallError> {
    let filter = format!("name = '{}'", version.name);
    let mut pages = Pages::default();
    loop {
        let query = [("filter", filter.as_str()), ("max_results", "200"), ("page_token", pages.token())];
        let page: VersionsPage = client.get("model-versions/search", &query)?;
        let ours = |found: &&VersionBody| {
            found.tags.iter().any(|tag| tag.key == CLIENT_VERSION_ID && tag.value == version.key)
        };
        if let Some(found) = page.model_versions.iter().find(ours) {
            return Ok(found.version.clone());
        }
        if !pages.turn(page.next_page_token)? {
            break;
        }
    }
    let body = json!({
        "name": version.name,
        "source": model.artifact_uri,
        "run_id": run_id,
        "model_id": model.model_id,
        "description": version.description,
        "tags": [{"key": CLIENT_VERSION_ID, "value": version.key}],
    });
    Ok(client.post::<VersionReply>("model-versions/create", &body)?.model_version.version)
}

/// What a server refuses, or does not know of yet, is noted; anything else comes again.
fn refusal(result: Result<(), CallError>, item: impl Fn() -> String) -> Refusals {
    match result {
        Ok(()) => Ok(Vec::new()),
        Err(error @ (CallError::Retry { .. } | CallError::Denied { .. })) => Err(error.into()),
        Err(error) => Ok(vec![Rejection { item: item(), reason: error.reason().to_owned() }]),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ModelsPage {
    models: Vec<ModelBody>,
}

#[derive(Deserialize)]
struct ModelReply {
    model: ModelBody,
}

#[derive(Deserialize)]
struct ModelBody {
    info: ModelInfo,
}

#[derive(Deserialize)]
struct ModelInfo {
    model_id: String,
    #[serde(default)]
    artifact_uri: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VersionsPage {
    model_versions: Vec<VersionBody>,
    next_page_token: String,
}

#[derive(Deserialize)]
struct VersionReply {
    model_version: VersionBody,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VersionBody {
    version: String,
    tags: Vec<TagBody>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TagBody {
    key: String,
    value: String,
}
