// The large picture: before and after on each other with a divider, to fit or one pixel for one pixel.

const stage = document.getElementById("stage");
const divider = document.getElementById("divider");
const split = document.getElementById("split");
const sides = { before: document.getElementById("before"), after: document.getElementById("after") };

/** How much of the photo before is shown, from the left, 0 to 1. */
let share = 0;
/** The whole of it, as long as a key is held. */
let held = false;
let zoomed = false;
/** Where the middle of the stage is on the photo, 0 to 1, when zoomed. */
let middle = { x: 0.5, y: 0.5 };

/** Shows a bitmap on one side: `before` or `after`. */
export function show(side, bitmap) {
  const canvas = sides[side];
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  canvas.hidden = false;
  layOut();
}

/** Empties the stage for another photo. */
export function clear() {
  zoomed = false;
  middle = { x: 0.5, y: 0.5 };
  for (const canvas of Object.values(sides)) canvas.hidden = true;
}

export function isZoomed() {
  return zoomed;
}

export function setZoomed(on, at) {
  zoomed = on;
  if (at) middle = at;
  layOut();
}

/** Shows nothing but the photo before while `on`. */
export function hold(on) {
  held = on;
  layOut();
}

export function setShare(value) {
  share = Math.min(Math.max(value, 0), 1);
  split.value = Math.round(share * 1000);
  layOut();
}

function box(canvas) {
  const { clientWidth: width, clientHeight: height } = stage;
  const dense = window.devicePixelRatio || 1;
  const fit = Math.min(width / canvas.width, height / canvas.height);
  const scale = zoomed ? 1 / dense : fit;
  const [w, h] = [canvas.width * scale, canvas.height * scale];
  const along = (room, length, where) =>
    length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, room / 2 - where * length));
  return zoomed
    ? { x: along(width, w, middle.x), y: along(height, h, middle.y), w, h }
    : { x: (width - w) / 2, y: (height - h) / 2, w, h };
}

function layOut() {
  stage.classList.toggle("zoomed", zoomed);
  const line = (held ? 1 : share) * stage.clientWidth;
  for (const canvas of Object.values(sides)) {
    if (canvas.hidden || canvas.width === 0) continue;
    const { x, y, w, h } = box(canvas);
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
    canvas.style.transform = `translate(${x}px, ${y}px)`;
    const left = Math.min(Math.max(line - x, 0), w);
    canvas.style.clipPath = canvas === sides.before ? `inset(0 ${w - left}px 0 0)` : `inset(0 0 0 ${left}px)`;
  }
  divider.hidden = held;
  divider.style.transform = `translateX(${line}px)`;
}

split.addEventListener("input", () => setShare(split.value / 1000));
new ResizeObserver(layOut).observe(stage);

/** Follows a pointer until it is lifted. */
function drag(event, move) {
  event.preventDefault();
  const target = event.currentTarget;
  target.setPointerCapture(event.pointerId);
  target.addEventListener("pointermove", move);
  const end = () => target.removeEventListener("pointermove", move);
  target.addEventListener("pointerup", end, { once: true });
  target.addEventListener("pointercancel", end, { once: true });
}

divider.addEventListener("pointerdown", (event) => {
  event.stopPropagation();
  const { left, width } = stage.getBoundingClientRect();
  drag(event, (moved) => setShare((moved.clientX - left) / width));
});

stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  const { left, width } = stage.getBoundingClientRect();
  if (!zoomed) {
    // A click is no drag: it would jump.
    const from = event.clientX;
    drag(event, (moved) => {
      if (Math.abs(moved.clientX - from) > 4) setShare((moved.clientX - left) / width);
    });
    return;
  }
  let last = { x: event.clientX, y: event.clientY };
  drag(event, (moved) => {
    const { w, h } = box(sides.after);
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    middle = {
      x: inside(middle.x - (moved.clientX - last.x) / w),
      y: inside(middle.y - (moved.clientY - last.y) / h),
    };
    last = { x: moved.clientX, y: moved.clientY };
    layOut();
  });
});

/** Where on the photo a pointer is, 0 to 1. */
export function placeOn(event) {
  const { left, top } = stage.getBoundingClientRect();
  const { x, y, w, h } = box(sides.after);
  return { x: (event.clientX - left - x) / w, y: (event.clientY - top - y) / h };
}
