// What the page knows: the photos, what was decided, and what is selected.

export const state = {
  /** Each with name, size and verdict (kept, corrected, left, foreign or null), by their numbers. */
  photos: [],
  kinds: new Map(),
  output: "",
  /** Numbers of selected photos. */
  selected: new Set(),
  /** Numbers of the photos that the filter lets through, in order. */
  shown: [],
  filter: "all",
  /** The photo in the large view; none in the grid. */
  current: null,
  models: [],
  present: 0,
};

const passes = {
  all: () => true,
  open: (photo) => photo.verdict === null || photo.verdict === "foreign",
  kept: (photo) => photo.verdict === "kept" || photo.verdict === "corrected",
  left: (photo) => photo.verdict === "left",
};

export function applyFilter() {
  const pass = passes[state.filter];
  state.shown = state.photos.flatMap((photo, id) => (pass(photo) ? [id] : []));
}

/** The photo so many places after another among those shown; none beyond the ends. */
export function neighbour(id, by) {
  const shown = state.shown;
  let place = shown.indexOf(id);
  if (place < 0) {
    // The filter hides it by now: from where it stood.
    place = shown.findIndex((other) => other > id);
    if (place < 0) return by < 0 ? shown.at(-1) : undefined;
    if (by > 0) by -= 1;
  }
  return shown[place + by];
}

export const words = {
  kept: "kept",
  corrected: "kept with corrections",
  left: "left as it is",
  foreign: "a recipe that no studio wrote stands beside it",
};

/** Says something for a moment, also to a screen reader. */
export function say(text) {
  const word = document.getElementById("word");
  word.textContent = text;
  word.classList.add("seen");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => word.classList.remove("seen"), 4000);
}

/** Does something, and says what the studio says where it cannot be done. */
export async function orSay(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
    return undefined;
  }
}
