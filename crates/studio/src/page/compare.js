// Two models on the same photo, side by side, without their names until the person has voted.

import { ask, picture } from "./server.js";
import { neighbour, orSay, state } from "./state.js";
import { go } from "./viewer.js";

const id = (name) => document.getElementById(name);
const dialog = id("compare");
const [one, other] = [id("compare-one"), id("compare-other")];

/** Shows the photo that is open by two models. */
async function begin() {
  if (state.current === null) return;
  if (state.models.length < 2) {
    dialog.showModal();
    id("compare-state").textContent =
      "There is one model only. Start the studio with --model FILE, or teach one, to have two to compare.";
    setVoting([]);
    id("compare-next").disabled = true;
    return;
  }
  const names = state.models.map((model) => model.name);
  const others = names.findLastIndex((_, index) => index !== state.present);
  for (const [select, chosen] of [[one, state.present], [other, others]]) {
    select.replaceChildren(...names.map((name, index) => new Option(name, index, false, index === chosen)));
  }
  dialog.showModal();
  await show();
}

async function show() {
  const photo = state.current;
  setVoting([]);
  id("compare-next").disabled = neighbour(photo, 1) === undefined;
  id("left-name").textContent = id("right-name").textContent = "\u00a0";
  id("compare-state").textContent = "Developing…";
  await orSay(async () => {
    const models = [Number(one.value), Number(other.value)];
    const sides = await ask("/api/compare", { photo, models });
    for (const side of ["left", "right"]) {
      const made = await picture(`/photo/${photo}/preview`, { ...sides[side], side: 1200 });
      if (state.current !== photo) return;
      const canvas = id(side);
      [canvas.width, canvas.height] = [made.width, made.height];
      canvas.getContext("2d").drawImage(made, 0, 0);
    }
    const same = JSON.stringify(sides.left.operations) === JSON.stringify(sides.right.operations);
    id("compare-state").textContent = same ? "Both would do the same." : "";
    setVoting(same ? [] : sayings);
  });
}

/** What can be said of a pair. Of two that are equal a vote would say nothing. */
const sayings = ["left", "right", "same"];
let open = [];

function setVoting(possible) {
  open = possible;
  for (const saying of sayings) id(`vote-${saying}`).disabled = !possible.includes(saying);
}

async function vote(preferred) {
  if (!open.includes(preferred)) return;
  setVoting([]);
  await orSay(async () => {
    const told = await ask("/api/vote", { photo: state.current, preferred });
    id("left-name").textContent = told.left;
    id("right-name").textContent = told.right;
    const tally = told.votes.map(([name, count]) => `${name} ${count}`).join(", ");
    id("compare-state").textContent = `So far: ${tally}, no difference ${told.same}.`;
  });
}

/** The same two on the next photo. */
async function next() {
  if (id("compare-next").disabled) return;
  go(1);
  await show();
}

for (const select of [one, other]) select.addEventListener("change", show);
id("show-compare").addEventListener("click", begin);
for (const saying of sayings) id(`vote-${saying}`).addEventListener("click", () => vote(saying));
id("compare-next").addEventListener("click", next);
dialog.addEventListener("keydown", ({ key }) => {
  if (sayings[key - 1]) vote(sayings[key - 1]);
  if (key === "4") next();
});
