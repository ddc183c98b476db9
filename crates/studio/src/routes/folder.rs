//! The folder: what is in it, what was decided, and decisions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{at_disk, body};
use crate::decision::{Choice, Decision, Verdict};
use crate::decisions::Known;
use crate::kinds;
use crate::refusal::Refusal;
use crate::session::Session;

/// All that a page needs to begin with.
pub(super) async fn folder(State(session): State<Arc<Session>>) -> Json<Value> {
    let known = session.decisions.all();
    let photos: Vec<Value> = session
        .folder
        .photos
        .iter()
        .zip(&known)
        .map(|(photo, known)| {
            let name = photo.path.to_string_lossy();
            json!({ "name": name, "size": [photo.width, photo.height], "verdict": verdict(known) })
        })
        .collect();
    let name = session.folder.root.file_name().unwrap_or(session.folder.root.as_os_str()).to_string_lossy();
    Json(json!({
        "name": name,
        "photos": photos,
        "skipped": session.folder.skipped,
        "outside": session.folder.outside,
        "output": session.exporter.output().to_string_lossy(),
        "kinds": kinds::all(),
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// What is decided about a photo, in a word.
pub(super) fn verdict(known: &Known) -> Value {
    match &known.decision {
        Some(decision) => json!(decision.verdict),
        None if known.is_foreign => json!("foreign"),
        None => Value::Null,
    }
}

/// What runs in the background, and what changes while a page is open.
pub(super) async fn status(State(session): State<Arc<Session>>) -> Json<Value> {
    let (present, models) = session.models.all();
    let models: Vec<Value> = models
        .iter()
        .map(|model| {
            let file = model.file.as_ref().map(|file| file.to_string_lossy().into_owned());
            json!({ "name": model.name, "file": file })
        })
        .collect();
    Json(json!({
        "export": session.exporter.progress(),
        "teaching": session.teaching.standing(),
        "present": present,
        "models": models,
        "undoable": session.decisions.undoable(),
    }))
}

/// A decision about some photos.
#[derive(Debug, Deserialize)]
pub(super) struct Decided {
    photos: Vec<usize>,
    /// None takes a decision away.
    verdict: Option<Verdict>,
    #[serde(default)]
    steps: Vec<Choice>,
    #[serde(default)]
    longer_side: u32,
}

pub(super) async fn decide(
    State(session): State<Arc<Session>>,
    sent: Result<Json<Decided>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Decided { mut photos, verdict, steps, longer_side } = body(sent)?;
    let decision = verdict.map(|verdict| Decision::checked(verdict, steps, longer_side, session.now())).transpose()?;
    at_disk(session, move |session| {
        photos.sort_unstable();
        photos.dedup();
        session.decisions.decide(&photos, decision.as_ref())?;
        Ok(changed(session, &photos))
    })
    .await
}

pub(super) async fn undo(State(session): State<Arc<Session>>) -> Result<Json<Value>, Refusal> {
    at_disk(session, |session| {
        let photos = session.decisions.undo()?;
        Ok(changed(session, &photos))
    })
    .await
}

/// What holds for some photos now; when a page reads it, it is on the disk.
fn changed(session: &Session, photos: &[usize]) -> Json<Value> {
    let of = |&id: &usize| Some(json!({ "photo": id, "verdict": verdict(&session.decisions.of(id)?) }));
    Json(json!({
        "changed": photos.iter().filter_map(of).collect::<Vec<Value>>(),
        "undoable": session.decisions.undoable(),
    }))
}
