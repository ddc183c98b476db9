// The keyboard: each view says what its keys do; those of all views are here.

import { hold } from "./stage.js";
import * as grid from "./grid.js";
import * as viewer from "./viewer.js";

/** Fields that take the keys themselves. */
function takes(target, key) {
  if (target.matches("select, textarea, input[type=number], input[type=text]")) return true;
  if (target.matches("input[type=range]")) return key.startsWith("Arrow") || ["Home", "End"].includes(key);
  return target.matches("button, input[type=checkbox], a") && (key === " " || (key === "Enter" && !target.matches(".photo")));
}

export function begin(everywhere) {
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (document.querySelector("dialog[open]")) return;
    const isUndo = (event.ctrlKey || event.metaKey) && key === "z";
    if (isUndo) {
      event.preventDefault();
      everywhere.u();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === " " && viewer.isOpen() && !target.matches("select, input[type=number]")) {
      // Of buttons, too: in the large view the key shows the photo before, whatever was clicked last.
      event.preventDefault();
      if (!event.repeat) hold(true);
      return;
    }
    if (takes(target, key)) return;
    const keys = viewer.isOpen() ? viewer.keys : grid.keys;
    const name = key.length === 1 ? key.toLowerCase() : key;
    const act = keys[name] ?? everywhere[name];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== " ") return;
    if (viewer.isOpen() && event.target.matches?.("button, input[type=checkbox]")) event.preventDefault();
    hold(false);
  });
  window.addEventListener("blur", () => hold(false));
}
