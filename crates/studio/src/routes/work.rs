//! Work in the background: exports and teaching; and two models beside each other.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use dodge_imaging::write_whole;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{at_disk, at_work, body};
use crate::comparing::{Preferred, Side};
use crate::refusal::Refusal;
use crate::session::Session;

type Reply = Result<Json<Value>, Refusal>;

#[derive(Debug, Deserialize)]
pub(super) struct ExportWish {
    /// Photos that are right as they are, too.
    #[serde(default)]
    with_left: bool,
}

pub(super) async fn export(
    State(session): State<Arc<Session>>,
    sent: Result<Json<ExportWish>, JsonRejection>,
) -> Reply {
    let ExportWish { with_left } = body(sent)?;
    at_disk(session, move |session| {
        session.exporter.start(&session.decisions, with_left)?;
        Ok(Json(json!({ "export": session.exporter.progress() })))
    })
    .await
}

pub(super) async fn cancel_export(State(session): State<Arc<Session>>) -> Json<Value> {
    session.exporter.cancel();
    Json(json!({ "export": session.exporter.progress() }))
}

pub(super) async fn teach(State(session): State<Arc<Session>>) -> Reply {
    at_disk(session, |session| {
        session.teaching.start(&session.decisions, &session.models)?;
        Ok(Json(json!({ "teaching": session.teaching.standing() })))
    })
    .await
}

pub(super) async fn cancel_teaching(State(session): State<Arc<Session>>) -> Json<Value> {
    session.teaching.cancel();
    Json(json!({ "teaching": session.teaching.standing() }))
}

#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    model: usize,
}

/// Makes a model the present one, and keeps it for the next time.
pub(super) async fn choose(State(session): State<Arc<Session>>, sent: Result<Json<Chosen>, JsonRejection>) -> Reply {
    let Chosen { model } = body(sent)?;
    at_disk(session, move |session| {
        let chosen = session.teaching.choose(model, &session.models)?;
        if let Some(file) = &chosen.file
            && *file != session.taught
        {
            let cannot = |error: std::io::Error| {
                Refusal::failed(format!("the model cannot be kept as {}: {error}", session.taught.display()))
            };
            let bytes = std::fs::read(file).map_err(cannot)?;
            std::fs::create_dir_all(dodge_imaging::folder_of(&session.taught)).map_err(cannot)?;
            write_whole(&session.taught, &bytes).map_err(cannot)?;
        }
        Ok(Json(json!({ "present": model, "file": chosen.file.map(|file| file.to_string_lossy().into_owned()) })))
    })
    .await
}

#[derive(Debug, Deserialize)]
pub(super) struct Pair {
    photo: usize,
    models: [usize; 2],
}

/// What two models would do to a photo, without saying which is which.
pub(super) async fn compare(State(session): State<Arc<Session>>, sent: Result<Json<Pair>, JsonRejection>) -> Reply {
    let Pair { photo, models: [one, other] } = body(sent)?;
    if one == other {
        return Err(Refusal::wrong("a model has nothing to be compared with in itself"));
    }
    at_work(session, move |session| {
        let opened = session.darkroom.open(photo)?;
        let side = |number: usize| {
            let known = session.models.get(number)?;
            Ok::<Side, Refusal>(Side::of(&known, &session.models.propose(&known.model, &opened)?))
        };
        let (left, right) = session.comparison.show(photo, side(one)?, side(other)?);
        let shown = |side: &Side| json!({ "operations": side.operations(), "longer_side": side.longer_side() });
        Ok(Json(json!({ "photo": photo, "left": shown(&left), "right": shown(&right) })))
    })
    .await
}

#[derive(Debug, Deserialize)]
pub(super) struct Vote {
    photo: usize,
    preferred: Preferred,
}

pub(super) async fn vote(State(session): State<Arc<Session>>, sent: Result<Json<Vote>, JsonRejection>) -> Reply {
    let Vote { photo, preferred } = body(sent)?;
    at_disk(session, move |session| {
        let tally = session.comparison.vote(&session.folder, photo, preferred, session.now())?;
        Ok(Json(json!(tally)))
    })
    .await
}
