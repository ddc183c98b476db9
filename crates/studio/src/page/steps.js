// The list of edits: each can be switched off, moved by a slider, or taken away, and others added.

import { state } from "./state.js";
import { ends, inRange, parts, placeOf, strengthAt } from "./strength.js";

const list = document.getElementById("steps");
const add = document.getElementById("add");

/** Each with operation and on, and in words what it is and why, where that is known. */
let steps = [];
let changed = () => {};

/** Calls `callback` whenever an edit was changed by hand. */
export function onChange(callback) {
  changed = callback;
}

/** Shows other edits. */
export function setSteps(next) {
  steps = next.map((step) => ({ ...step }));
  draw();
}

/** The edits, as they are sent to the studio. */
export function choices() {
  return steps.map(({ operation, on }) => ({ operation, on }));
}

/** The edits that are made. */
export function operations() {
  return steps.filter((step) => step.on).map((step) => step.operation);
}

/** Tells what each of the edits that are made is, and why. */
export function explain(explained) {
  steps.filter((step) => step.on).forEach((step, index) => Object.assign(step, explained[index]));
  steps.forEach((step, index) => tell(list.children[index], step));
}

/** The choices of what can be added, in their groups. */
export function fillAdd() {
  const groups = Map.groupBy(state.kinds.values(), (kind) => kind.group);
  for (const name of ["Light", "Colour", "Detail", "Frame", "Effects"]) {
    const group = document.createElement("optgroup");
    group.label = name;
    for (const kind of groups.get(name) ?? []) {
      const option = new Option(kind.label, kind.name);
      option.title = kind.about;
      group.append(option);
    }
    add.append(group);
  }
}

add.addEventListener("change", () => {
  const kind = state.kinds.get(add.value);
  add.value = "";
  if (!kind) return;
  steps.push({ operation: `${kind.name}:${kind.range ? kind.start : kind.words[0]}`, on: true });
  draw();
  list.lastElementChild.querySelector("input[type=range], select")?.focus();
  changed();
});

function draw() {
  list.replaceChildren(...steps.map(row));
  if (steps.length > 0) return;
  const nothing = document.createElement("li");
  nothing.className = "quiet nothing";
  nothing.textContent = "No edit: the photo is fine as it is.";
  list.append(nothing);
}

function row(step) {
  const [name, argument] = parts(step.operation);
  const kind = state.kinds.get(name);
  const item = document.createElement("li");
  const head = document.createElement("div");
  head.className = "head";
  const toggle = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: step.on });
  const what = document.createElement("span");
  what.className = "what";
  toggle.append(box, what);
  const away = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  away.className = "away";
  away.setAttribute("aria-label", `Take ${kind.label} away`);
  head.append(toggle, away);
  const why = document.createElement("p");
  why.className = "why quiet";
  item.append(head, kind.range ? slider(kind, step, Number(argument), item) : choice(kind, step, argument, item), why);
  box.addEventListener("change", () => {
    step.on = box.checked;
    tell(item, step);
    changed();
  });
  away.addEventListener("click", () => {
    const place = steps.indexOf(step);
    steps.splice(place, 1);
    draw();
    (list.children[place] ?? list.lastElementChild)?.querySelector("input")?.focus();
    changed();
  });
  tell(item, step);
  return item;
}

function slider(kind, step, strength, item) {
  const line = document.createElement("div");
  line.className = "strength";
  const [min, max] = ends(kind);
  const range = Object.assign(document.createElement("input"), { type: "range", min, max, step: 1 });
  range.value = placeOf(kind, strength);
  range.setAttribute("aria-label", `Strength of ${kind.label}`);
  range.setAttribute("aria-valuetext", String(strength));
  const exact = Object.assign(document.createElement("input"), { type: "number", step: "any", value: strength });
  [exact.min, , exact.max] = kind.range;
  exact.setAttribute("aria-label", `Exact strength of ${kind.label}`);
  const set = (value) => {
    step.operation = `${kind.name}:${value}`;
    step.why = "";
    step.what = undefined;
    range.setAttribute("aria-valuetext", String(value));
    tell(item, step);
    changed();
  };
  range.addEventListener("input", () => {
    const value = strengthAt(kind, Number(range.value));
    exact.value = value;
    set(value);
  });
  exact.addEventListener("change", () => {
    const value = inRange(kind, Number(exact.value));
    exact.value = value;
    range.value = placeOf(kind, value);
    set(value);
  });
  range.addEventListener("dblclick", () => {
    [, exact.value] = kind.range;
    exact.dispatchEvent(new Event("change"));
  });
  line.append(range, exact);
  return line;
}

function choice(kind, step, argument, item) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", `Which ${kind.label}`);
  const all = kind.words.includes(argument) ? kind.words : [argument, ...kind.words];
  select.append(...all.map((word) => new Option(word, word, false, word === argument)));
  select.addEventListener("change", () => {
    step.operation = `${kind.name}:${select.value}`;
    step.what = undefined;
    tell(item, step);
    changed();
  });
  return select;
}

function tell(item, step) {
  if (!item?.querySelector(".what")) return;
  const kind = state.kinds.get(parts(step.operation)[0]);
  item.classList.toggle("off", !step.on);
  item.querySelector(".what").textContent = step.what ?? kind.label;
  item.querySelector(".why").textContent = step.on ? (step.why ?? "").replaceAll("->", "→") : "switched off";
}
