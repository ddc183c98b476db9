// The page as a whole: the grid or one photo, and what both have in common.

import * as background from "./background.js";
import "./compare.js";
import * as grid from "./grid.js";
import * as keys from "./keys.js";
import { ask } from "./server.js";
import { orSay, say, state } from "./state.js";
import * as viewer from "./viewer.js";

const id = (name) => document.getElementById(name);

// The secret is in a cookie by now; it does not stay where it can be read over a shoulder or copied with the address.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

function open(photo) {
  id("browse").hidden = true;
  id("view").hidden = false;
  viewer.open(photo);
}

function back() {
  const photo = state.current;
  state.current = null;
  id("view").hidden = true;
  id("browse").hidden = false;
  history.replaceState(null, "", location.pathname);
  grid.fill();
  grid.focus(photo);
}

/** What the studio says of decisions. */
function decided({ changed, undoable }) {
  for (const { photo, verdict } of changed) {
    state.photos[photo].verdict = verdict;
    grid.mark(photo);
  }
  if (undoable !== undefined) id("undo").disabled = undoable === null;
  if (changed.length === 0 && state.current !== null) grid.mark(state.current);
  grid.count();
  viewer.refresh(changed.map(({ photo }) => photo));
}

async function undo() {
  await orSay(async () => {
    const answer = await ask("/api/undo", {});
    decided(answer);
    say(answer.changed.length === 1 ? "1 decision was taken back" : `${answer.changed.length} decisions were taken back`);
    viewer.again();
  });
}

async function begin() {
  const folder = await ask("/api/folder");
  Object.assign(state, { photos: folder.photos, output: folder.output });
  state.kinds = new Map(folder.kinds.map((kind) => [kind.name, kind]));
  id("folder").textContent = folder.name;
  document.title = `${folder.name} · Dodge studio`;
  grid.begin(open, decided);
  viewer.begin(decided, back);
  background.begin(viewer.again);
  keys.begin({
    u: undo,
    e: () => id("show-export").click(),
    t: () => id("show-teach").click(),
    "?": () => id("show-help").click(),
  });
  id("undo").addEventListener("click", undo);
  id("filter").addEventListener("change", (event) => {
    state.filter = event.target.value;
    grid.fill();
  });
  const left = [folder.skipped && `left out: ${folder.skipped}`, folder.outside && `${folder.outside} behind links that lead elsewhere`];
  if (left.some(Boolean)) say(left.filter(Boolean).join(" · "));
  const wanted = Number(location.hash.slice(1));
  if (location.hash && state.photos[wanted]) open(wanted);
}

orSay(begin);
