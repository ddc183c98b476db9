// What runs in the background: exports and teaching, with their dialogs.

import { ask } from "./server.js";
import { orSay, say, state } from "./state.js";

const id = (name) => document.getElementById(name);
let timer;
let onModel = () => {};

/** `modelChanged` is called when another model proposes. */
export function begin(modelChanged) {
  onModel = modelChanged;
  look();
}

/** Asks how things stand, and again soon while something runs. */
export async function look() {
  clearTimeout(timer);
  const status = await orSay(() => ask("/api/status"));
  if (!status) return;
  state.models = status.models;
  state.present = status.present;
  id("undo").disabled = status.undoable === null;
  tellExport(status.export);
  tellTeaching(status.teaching);
  if (status.export.running || status.teaching.is === "running") timer = setTimeout(look, 500);
}

async function act(path, body = {}) {
  await orSay(() => ask(path, body));
  await look();
}

function tellExport(told) {
  const count = (verdicts) => state.photos.filter((photo) => verdicts.includes(photo.verdict)).length;
  const kept = count(["kept", "corrected"]);
  const wanted = kept + (id("with-left").checked ? count(["left"]) : 0);
  const which = ["No photo is kept yet. What you keep is written", "The one photo that you kept is written"][kept] ??
    `The ${kept} photos that you kept are written`;
  id("export-what").textContent = `${which} at full size, as files in ${state.output}. Your photos stay as they are.`;
  id("export-start").disabled = wanted === 0;
  const { running, total, done, passed_over: passed, failed } = told;
  id("export-start").hidden = running;
  id("export-cancel").hidden = !running;
  id("export-bar").hidden = !running;
  id("export-bar").max = Math.max(total, 1);
  id("export-bar").value = done + passed + failed;
  const parts = [];
  if (total > 0) parts.push(`${done} written`);
  if (passed > 0) parts.push(`${passed} were there already`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (told.cancelled) parts.push("cancelled; the next export goes on");
  if (running) parts.push(`of ${total}`);
  id("export-state").textContent = parts.join(", ");
  id("export-state").dataset.running = String(running);
  id("export-failures").replaceChildren(...told.failures.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  id("show-export").textContent = running ? `Export ${done + passed + failed}/${total}` : "Export";
}

function tellTeaching(told) {
  const decided = state.photos.filter((photo) => photo.verdict && photo.verdict !== "foreign").length;
  const { name } = state.models[state.present];
  id("teach-what").textContent =
    `Every photo that you decided about is a lesson, and at least 20 are needed: you have ${decided}. From them learns ` +
    `${name}; the newest fifth is kept back, and shows which of the two, before and after, comes nearer to you.`;
  const running = told.is === "running";
  const bar = id("teach-bar");
  bar.hidden = !running;
  if (running && told.total > 0) {
    bar.max = told.total;
    bar.value = Math.min(told.done, told.total);
  } else {
    bar.removeAttribute("value");
  }
  id("teach-start").hidden = running || told.is === "done" && told.chosen === null;
  id("teach-start").disabled = decided < 20;
  id("teach-cancel").hidden = !running;
  id("teach-state").textContent = {
    idle: "",
    cancelled: "Cancelled.",
    running: [told.what, told.note].filter(Boolean).join(" · "),
    failed: `It could not be taught: ${told.reason}`,
    done: "",
  }[told.is];
  id("teach-state").dataset.is = told.is;
  id("show-teach").textContent = running ? "Teaching…" : "Teach";
  id("outcome").hidden = told.is !== "done";
  const open = told.is === "done" && told.chosen === null;
  id("choose-new").hidden = !open;
  id("choose-present").hidden = !open;
  if (told.is === "done") tellOutcome(told);
}

function tellOutcome(told) {
  const name = (number) => state.models[number].name;
  id("outcome-caption").textContent =
    `How near to what you kept, on the newest ${told.lessons} lessons, from which it did not learn`;
  const rows = [["as they were", told.untouched], [name(told.present), told.before], [name(told.new), told.after]];
  id("outcome-rows").replaceChildren(...rows.map(([what, distance]) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: what });
    const cells = [`${distance.psnr_db.toFixed(1)} dB`, distance.delta_e.toFixed(1)];
    row.append(head, ...cells.map((textContent) => Object.assign(document.createElement("td"), { textContent })));
    return row;
  }));
  const better = told.after.psnr_db > told.before.psnr_db;
  id("outcome-words").textContent =
    `It learnt from ${told.learnt_from} lessons. It comes nearer in ${told.nearer} of ${told.lessons}, and not as near in ` +
    `${told.further}: ${better ? "the new one knows you better." : "the present one knows you better."}` +
    (told.chosen === null ? "" : ` You chose ${name(told.chosen)}.`);
  id("choose-new").classList.toggle("main", better);
  id("choose-present").classList.toggle("main", !better);
  if (id("outcome-photos").dataset.of === String(told.new)) return;
  id("outcome-photos").dataset.of = String(told.new);
  id("outcome-photos").replaceChildren(...told.shown.map(({ photo, before, after }) => {
    const item = document.createElement("li");
    const picture = Object.assign(document.createElement("img"), { src: `/photo/${photo}/thumb`, alt: "" });
    const words = document.createElement("span");
    words.textContent = `${before.psnr_db.toFixed(1)} → ${after.psnr_db.toFixed(1)} dB`;
    item.title = state.photos[photo].name;
    item.append(picture, words);
    return item;
  }));
}

async function choose(which) {
  await orSay(async () => {
    const { teaching } = await ask("/api/status");
    const model = teaching[which];
    const { file } = await ask("/api/teach/choose", { model });
    say(file ? `It proposes from now on. Elsewhere: dodge enhance --model ${file}` : "The present model stays.");
    await look();
    onModel();
  });
}

id("show-export").addEventListener("click", () => { look(); id("export").showModal(); });
id("show-teach").addEventListener("click", () => { look(); id("teach").showModal(); });
id("show-help").addEventListener("click", () => id("help").showModal());
id("with-left").addEventListener("change", look);
id("export-start").addEventListener("click", () => act("/api/export", { with_left: id("with-left").checked }));
id("export-cancel").addEventListener("click", () => act("/api/export/cancel"));
id("teach-start").addEventListener("click", () => act("/api/teach"));
id("teach-cancel").addEventListener("click", () => act("/api/teach/cancel"));
id("choose-new").addEventListener("click", () => choose("new"));
id("choose-present").addEventListener("click", () => choose("present"));
