//! Photos: small, as they are, and with edits.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dodge_imaging::{Operation, Recipe};
use dodge_rl::explain as explained;
use serde::Deserialize;
use serde_json::{Value, json};

use super::folder::verdict;
use super::{at_work, body};
use crate::decision::Choice;
use crate::refusal::Refusal;
use crate::session::Session;

/// Most edits that are tried.
const MOST_OPERATIONS: usize = 100;

/// Edits to try.
#[derive(Debug, Deserialize)]
pub(super) struct Tried {
    operations: Vec<Operation>,
    longer_side: u32,
    /// Longer side of the picture that is wanted, in pixels; without it, that of the copy.
    side: Option<u32>,
}

impl Tried {
    fn recipe(&self) -> Result<Recipe, Refusal> {
        if self.operations.len() > MOST_OPERATIONS {
            return Err(Refusal::wrong(format!("at most {MOST_OPERATIONS} edits are possible")));
        }
        Ok(Recipe::new(self.operations.clone()).with_longer_side(self.longer_side))
    }
}

pub(super) async fn thumb(State(session): State<Arc<Session>>, Path(id): Path<usize>) -> Result<Response, Refusal> {
    let file = session.folder.file(id)?;
    let bytes = session.thumbs.get(id, file).await?;
    // The studio that is opened next may have another photo under the number.
    Ok(jpeg(bytes, "private, max-age=600"))
}

/// What the present model would do, and what was decided before.
pub(super) async fn open(State(session): State<Arc<Session>>, Path(id): Path<usize>) -> Result<Json<Value>, Refusal> {
    at_work(session, move |session| {
        let opened = session.darkroom.open(id)?;
        let present = session.models.present();
        let proposal = session.models.propose(&present.model, &opened)?;
        let recipe = Recipe::new(proposal.operations.clone()).with_longer_side(proposal.longer_side);
        let photo = session.folder.photo(id)?;
        let known = session.decisions.of(id).unwrap_or_default();
        let of_choice = |choice: &Choice| json!({ "operation": choice.operation, "on": choice.on });
        let decision = known.decision.as_ref().map(|decision| {
            json!({
                "verdict": decision.verdict,
                "steps": decision.steps.iter().map(of_choice).collect::<Vec<Value>>(),
                "longer_side": decision.longer_side,
            })
        });
        Ok(Json(json!({
            "photo": id,
            "name": photo.path.to_string_lossy(),
            "size": [opened.size.0, opened.size.1],
            "notes": opened.notes,
            "proposal": {
                "operations": proposal.operations,
                "explained": in_words(&opened.judged, &recipe),
                "longer_side": proposal.longer_side,
                "expected_gain_db": proposal.expected_gain_db,
                "vetoed": proposal.vetoed,
                "model": present.name,
            },
            "decision": decision,
            "verdict": verdict(&known),
        })))
    })
    .await
}

pub(super) async fn before(State(session): State<Arc<Session>>, Path(id): Path<usize>) -> Result<Response, Refusal> {
    let bytes = at_work(session, move |session| Ok(session.darkroom.open(id)?.before.clone())).await?;
    Ok(jpeg(bytes, "no-store"))
}

pub(super) async fn preview(
    State(session): State<Arc<Session>>,
    Path(id): Path<usize>,
    sent: Result<Json<Tried>, JsonRejection>,
) -> Result<Response, Refusal> {
    let tried = body(sent)?;
    let recipe = tried.recipe()?;
    let bytes = at_work(session, move |session| session.darkroom.preview(id, &recipe, tried.side)).await?;
    Ok(jpeg(bytes, "no-store"))
}

pub(super) async fn whole(
    State(session): State<Arc<Session>>,
    Path(id): Path<usize>,
    sent: Result<Json<Tried>, JsonRejection>,
) -> Result<Response, Refusal> {
    let recipe = body(sent)?.recipe()?;
    let bytes = at_work(session, move |session| session.darkroom.whole(id, &recipe)).await?;
    Ok(jpeg(bytes, "no-store"))
}

pub(super) async fn explain(
    State(session): State<Arc<Session>>,
    Path(id): Path<usize>,
    sent: Result<Json<Tried>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let recipe = body(sent)?.recipe()?;
    at_work(session, move |session| {
        let opened = session.darkroom.open(id)?;
        Ok(Json(json!({ "explained": in_words(&opened.judged, &recipe) })))
    })
    .await
}

fn in_words(judged: &dodge_imaging::Photo, recipe: &Recipe) -> Vec<Value> {
    explained(judged, recipe).into_iter().map(|edit| json!({ "what": edit.what, "why": edit.why })).collect()
}

fn jpeg(bytes: Bytes, cache: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, cache)], bytes).into_response()
}
