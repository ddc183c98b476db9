// One photo large: what the model would do, corrections by hand, and the decision.

import { drawHistogram } from "./histogram.js";
import { ask, picture } from "./server.js";
import * as stage from "./stage.js";
import { neighbour, orSay, say, state, words } from "./state.js";
import * as steps from "./steps.js";

const id = (name) => document.getElementById(name);
const after = id("after");

/** What the studio said of the photo that is open; and the wait for it: a key that is pressed early counts. */
let opened = null;
let opening = Promise.resolve();
/** Edits that were changed and not kept yet, by photo, so that nothing is lost by looking at another one. */
const unkept = new Map();
let changed = () => {};
let leave = () => {};

/** `decided` is called with answers of the studio about decisions, `back` when the person goes back to the grid. */
export function begin(decided, back) {
  changed = decided;
  leave = back;
  steps.fillAdd();
}

export function isOpen() {
  return state.current !== null;
}

/** Shows a photo. */
export async function open(photo) {
  state.current = photo;
  opened = null;
  history.replaceState(null, "", `#${photo}`);
  stage.clear();
  id("zoom").setAttribute("aria-pressed", "false");
  id("name").textContent = state.photos[photo].name;
  id("wait").hidden = false;
  id("steps").replaceChildren();
  id("from").textContent = "";
  id("notes").textContent = "";
  tellVerdict();
  id("previous").disabled = neighbour(photo, -1) === undefined;
  id("next").disabled = neighbour(photo, 1) === undefined;
  opening = orSay(() => develop(photo));
  await opening;
  if (state.current === photo) id("wait").hidden = true;
}

async function develop(photo) {
  const told = await ask(`/photo/${photo}/open`, {});
  if (state.current !== photo) return;
  opened = told;
  const { proposal, decision } = told;
  steps.setSteps(unkept.get(photo) ?? decision?.steps ?? proposed());
  id("from").textContent = from(decision);
  id("notes").textContent = [told.size.join(" × "), ...told.notes].join(" · ");
  if (proposal.vetoed.length > 0) {
    id("notes").textContent += ` · not made, because the juror did not like it: ${proposal.vetoed.join(" ")}`;
  }
  const before = await picture(`/photo/${photo}/before`);
  if (state.current !== photo) return;
  stage.show("before", before);
  // Until the picture with the edits is there, the photo as it is.
  stage.show("after", before);
  await tryOut();
  explainSoon();
  ahead();
}

function proposed() {
  const { operations, explained } = opened.proposal;
  return operations.map((operation, index) => ({ operation, on: true, ...explained[index] }));
}

function from(decision) {
  if (unkept.has(state.current)) return "Your corrections, not kept yet";
  if (decision) return `Your decision: ${words[decision.verdict]}`;
  const { model, operations, vetoed, expected_gain_db: expected } = opened.proposal;
  if (vetoed.length > 0) return "Left as it is: the juror likes the photo better without the edits";
  if (operations.length === 0) return `Left as it is by ${model}`;
  return expected === null ? `Proposed by ${model}` : `Proposed by ${model}, expected ${expected.toFixed(1)} dB`;
}

/** The side on which strengths in pixels count: that of the decision that is changed, or of the proposal. */
function longerSide() {
  return opened.decision?.longer_side ?? opened.proposal.longer_side;
}

// Previews: one is made at a time, and of those that were asked for meanwhile only the latest.
let wanted = false;
let pumping = null;

/** Shows what comes of the edits as they stand. */
function tryOut() {
  wanted = true;
  pumping ??= pump().finally(() => { pumping = null; });
  return pumping;
}

async function pump() {
  while (wanted && opened) {
    wanted = false;
    const photo = state.current;
    const tried = { operations: steps.operations(), longer_side: longerSide() };
    const path = stage.isZoomed() ? "whole" : "preview";
    const made = await orSay(() => picture(`/photo/${photo}/${path}`, tried));
    if (!made) return;
    if (state.current !== photo) continue;
    stage.show("after", made);
    drawHistogram(id("histogram"), made);
    after.dataset.shown = JSON.stringify(tried.operations);
  }
}

function explainSoon() {
  clearTimeout(explainSoon.timer);
  const photo = state.current;
  explainSoon.timer = setTimeout(() => orSay(async () => {
    const tried = { operations: steps.operations(), longer_side: longerSide() };
    const { explained } = await ask(`/photo/${photo}/explain`, tried);
    const same = JSON.stringify(steps.operations()) === JSON.stringify(tried.operations);
    if (state.current === photo && same) steps.explain(explained);
  }), 250);
}

/** Lets the studio decode the next photo while the person looks at this one. */
function ahead() {
  const next = neighbour(state.current, 1);
  if (next !== undefined) ask(`/photo/${next}/open`, {}).catch(() => {});
}

steps.onChange(() => {
  unkept.set(state.current, steps.choices());
  id("from").textContent = from(opened.decision);
  tryOut();
  explainSoon();
});

function tellVerdict() {
  const { verdict } = state.photos[state.current];
  id("verdict").textContent = verdict ? words[verdict] : "not decided yet";
  id("verdict").dataset.verdict = verdict ?? "";
  const use = id("use-for-selected");
  const others = [...state.selected].filter((photo) => photo !== state.current).length;
  use.hidden = others === 0;
  use.textContent = `Use these edits for ${others === 1 ? "the selected photo" : `${others} selected photos`}`;
}

/** Whether the edits are those that were proposed. */
function asProposed() {
  const now = steps.choices();
  const { operations } = opened.proposal;
  return now.length === operations.length && now.every((step, index) => step.on && step.operation === operations[index]);
}

async function send(photos, verdict) {
  // To leave a photo as it is, nobody has to wait for what is proposed.
  const made = opened ? { steps: steps.choices(), longer_side: longerSide() } : { steps: [], longer_side: 1600 };
  const body = { photos, verdict, ...made };
  return orSay(async () => {
    changed(await ask("/api/decide", body));
    return true;
  });
}

async function decide(verdict, goOn) {
  const photo = state.current;
  if (!(await send([photo], verdict))) return;
  unkept.delete(photo);
  say(`${state.photos[photo].name}: ${verdict ? words[verdict] : "undecided again"}`);
  const next = goOn ? neighbour(photo, 1) : photo;
  if (next === undefined) say("That was the last one.");
  await open(next ?? photo);
}

async function keep() {
  const photo = state.current;
  await opening;
  if (opened && state.current === photo) await decide(asProposed() ? "kept" : "corrected", true);
}

async function useForSelected() {
  const photos = [...state.selected].filter((photo) => photo !== state.current);
  if (!opened || photos.length === 0) return;
  if (await send(photos, "corrected")) say(`The edits are kept for ${photos.length} selected photos.`);
}

export function go(by) {
  const next = neighbour(state.current, by);
  if (next !== undefined) open(next);
}

function reset() {
  if (!opened) return;
  unkept.delete(state.current);
  steps.setSteps(proposed());
  id("from").textContent = from(null);
  tryOut();
  explainSoon();
}

async function zoom(at) {
  if (!opened) return;
  const on = !stage.isZoomed();
  id("zoom").setAttribute("aria-pressed", String(on));
  const photo = state.current;
  if (!on) {
    stage.setZoomed(false);
    stage.show("before", await picture(`/photo/${photo}/before`));
    await tryOut();
    return;
  }
  id("wait").hidden = false;
  await orSay(async () => {
    const before = await picture(`/photo/${photo}/whole`, { operations: [], longer_side: longerSide() });
    if (state.current !== photo) return;
    stage.setZoomed(true, at);
    stage.show("before", before);
    await tryOut();
  });
  id("wait").hidden = true;
}

/** Something was decided, perhaps about the photo that is open. */
export function refresh(photos) {
  if (!isOpen()) return;
  tellVerdict();
  if (photos.includes(state.current) && opened) opened = null;
}

/** Opens the photo again: its decision was taken back, or another model proposes. */
export function again() {
  if (isOpen()) open(state.current);
}

/** What keys do in the large view. */
export const keys = {
  ArrowLeft: () => go(-1),
  ArrowRight: () => go(1),
  1: keep,
  2: () => decide("left", true),
  3: () => go(1),
  4: () => decide(null, false),
  5: () => id("show-compare").click(),
  a: useForSelected,
  r: reset,
  z: () => zoom(),
  x: () => {
    const photo = state.current;
    if (!state.selected.delete(photo)) state.selected.add(photo);
    changed({ changed: [] });
    tellVerdict();
    say(state.selected.has(photo) ? "selected" : "not selected any more");
  },
  Escape: () => leave(),
};

id("keep").addEventListener("click", keep);
id("leave").addEventListener("click", keys[2]);
id("later").addEventListener("click", keys[3]);
id("clear").addEventListener("click", keys[4]);
id("reset").addEventListener("click", reset);
id("previous").addEventListener("click", keys.ArrowLeft);
id("next").addEventListener("click", keys.ArrowRight);
id("back").addEventListener("click", () => leave());
id("zoom").addEventListener("click", () => zoom());
id("use-for-selected").addEventListener("click", useForSelected);
id("stage").addEventListener("dblclick", (event) => zoom(stage.placeOn(event)));
