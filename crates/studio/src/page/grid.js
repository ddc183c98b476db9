// All photos as thumbnails, which are asked for when they come near, and given up when they are far.

import { ask } from "./server.js";
import { applyFilter, orSay, say, state, words } from "./state.js";

const grid = document.getElementById("grid");
const bar = document.getElementById("selection");
const cells = new Map();
let open = () => {};
let changed = () => {};
/** The last photo that was selected, from which Shift selects. */
let anchor = null;

/** `opens` is called with the photo that shall be seen large, `decided` with answers of the studio about decisions. */
export function begin(opens, decided) {
  open = opens;
  changed = decided;
  for (const id of state.photos.keys()) cells.set(id, cell(id));
  fill();
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const picture = entry.target.querySelector("img");
    if (entry.isIntersecting) {
      if (!picture.src) picture.src = `/photo/${entry.target.dataset.photo}/thumb`;
    } else if (picture.src && !picture.complete) {
      // Scrolled past: others are waited for.
      picture.removeAttribute("src");
    }
  }
}, { rootMargin: "400px 0px" });

/** Far from what is seen, so that a browser keeps some hundred pictures and not thousands. */
const far = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) entry.target.querySelector("img").removeAttribute("src");
  }
}, { rootMargin: "4000px 0px" });

function cell(id) {
  const photo = state.photos[id];
  const item = document.createElement("li");
  item.dataset.photo = id;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "photo";
  button.tabIndex = -1;
  const picture = document.createElement("img");
  picture.alt = "";
  [picture.width, picture.height] = photo.size;
  picture.draggable = false;
  picture.addEventListener("error", () => {
    if (!picture.src) return;
    picture.removeAttribute("src");
    item.classList.add("broken");
  });
  const caption = document.createElement("span");
  caption.className = "caption";
  caption.textContent = photo.name;
  button.append(picture, caption);
  const mark = document.createElement("label");
  mark.className = "mark";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", tabIndex: -1 });
  box.setAttribute("aria-label", `Select ${photo.name}`);
  mark.append(box);
  item.append(button, mark);
  button.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) select(id, event.shiftKey);
    else open(id);
  });
  box.addEventListener("click", (event) => {
    event.preventDefault();
    // Not before the browser has put the box back.
    setTimeout(() => select(id, event.shiftKey));
  });
  near.observe(item);
  far.observe(item);
  return item;
}

/** Puts the photos into the grid that the filter lets through. */
export function fill() {
  applyFilter();
  grid.replaceChildren(...state.shown.map((id) => cells.get(id)));
  document.getElementById("nothing").hidden = state.shown.length > 0;
  for (const id of state.photos.keys()) mark(id);
  const first = cells.get(state.current ?? state.shown[0]) ?? cells.get(state.shown[0]);
  if (first) first.querySelector(".photo").tabIndex = 0;
  count();
}

/** Shows what is decided about a photo, and whether it is selected. */
export function mark(id) {
  const item = cells.get(id);
  const { name, verdict } = state.photos[id];
  item.dataset.verdict = verdict ?? "";
  const selected = state.selected.has(id);
  item.classList.toggle("selected", selected);
  item.querySelector("input").checked = selected;
  const decided = verdict ? `, ${words[verdict]}` : "";
  item.querySelector(".photo").setAttribute("aria-label", `${name}${decided}${selected ? ", selected" : ""}`);
}

export function count() {
  const of = (...wanted) => state.photos.filter((photo) => wanted.includes(photo.verdict)).length;
  const all = state.photos.length;
  const parts = [`${all.toLocaleString("en")} photos`];
  const [kept, left] = [of("kept", "corrected"), of("left")];
  if (kept > 0) parts.push(`${kept} kept`);
  if (left > 0) parts.push(`${left} left as they are`);
  document.getElementById("counts").textContent = parts.join(" · ");
  bar.hidden = state.selected.size === 0;
  document.getElementById("selected").textContent = `${state.selected.size} selected`;
}

function select(id, through) {
  const wanted = !state.selected.has(id);
  const [from, to] = [state.shown.indexOf(anchor ?? id), state.shown.indexOf(id)];
  const all = through && from >= 0 ? state.shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  for (const one of all) {
    if (wanted || through) state.selected.add(one);
    else state.selected.delete(one);
    mark(one);
  }
  anchor = id;
  count();
}

function unselect() {
  const before = [...state.selected];
  state.selected.clear();
  before.forEach(mark);
  count();
}

/** The photo that has the focus. */
function focused() {
  const item = document.activeElement?.closest("#grid li");
  return item ? Number(item.dataset.photo) : undefined;
}

/** Puts the focus onto a photo. */
export function focus(id) {
  const item = cells.get(id);
  if (!item?.isConnected) return;
  grid.querySelectorAll('.photo[tabindex="0"]').forEach((other) => { other.tabIndex = -1; });
  const button = item.querySelector(".photo");
  button.tabIndex = 0;
  button.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

function columns() {
  return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}

/** What keys do in the grid. */
export const keys = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => step(-columns()),
  ArrowDown: () => step(columns()),
  Home: () => focus(state.shown[0]),
  End: () => focus(state.shown.at(-1)),
  Enter: () => focused() !== undefined && open(focused()),
  x: (event) => focused() !== undefined && select(focused(), event.shiftKey),
  1: () => accept(),
  2: () => decide("left"),
  4: () => decide(null),
  Escape: unselect,
};

function step(by) {
  const place = state.shown.indexOf(focused() ?? -1);
  focus(state.shown[place < 0 ? 0 : Math.min(Math.max(place + by, 0), state.shown.length - 1)]);
}

/** Those that are selected, or the one that has the focus. */
function meant() {
  if (state.selected.size > 0) return [...state.selected];
  return focused() === undefined ? [] : [focused()];
}

async function decide(verdict) {
  const photos = meant();
  if (photos.length === 0) return;
  await orSay(async () => {
    changed(await ask("/api/decide", { photos, verdict, longer_side: 1600 }));
    say(`${photos.length === 1 ? "1 photo" : `${photos.length} photos`}: ${verdict ? words[verdict] : "undecided again"}`);
  });
}

/** Keeps what is proposed for each. */
async function accept() {
  const photos = meant();
  let done = 0;
  for (const id of photos) {
    const kept = await orSay(async () => {
      const { proposal } = await ask(`/photo/${id}/open`, {});
      const steps = proposal.operations.map((operation) => ({ operation, on: true }));
      changed(await ask("/api/decide", { photos: [id], verdict: "kept", steps, longer_side: proposal.longer_side }));
      return true;
    });
    if (!kept) return;
    done += 1;
    say(`${done} of ${photos.length} kept`);
  }
}

document.getElementById("accept-selected").addEventListener("click", accept);
document.getElementById("leave-selected").addEventListener("click", () => decide("left"));
document.getElementById("clear-selected").addEventListener("click", () => decide(null));
document.getElementById("unselect").addEventListener("click", unselect);
