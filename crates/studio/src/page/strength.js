// Where a strength stands on its slider, from -1000 to 1000: fine near the strength at which nothing happens, coarse far from it.

const END = 1000;

/** The ends of the slider of a kind. */
export function ends(kind) {
  const [low, neutral, high] = kind.range;
  return [low < neutral ? -END : 0, high > neutral ? END : 0];
}

/** The strength at a place of the slider. */
export function strengthAt(kind, place) {
  const [low, neutral, high] = kind.range;
  const way = (place / END) ** 2;
  const end = place < 0 ? low : high;
  const strength = kind.is_ratio ? neutral * (end / neutral) ** way : neutral + way * (end - neutral);
  return rounded(strength, end, neutral);
}

/** The place of a strength on the slider. */
export function placeOf(kind, strength) {
  const [low, neutral, high] = kind.range;
  const end = strength < neutral ? low : high;
  if (end === neutral) return 0;
  const way = kind.is_ratio
    ? Math.log(strength / neutral) / Math.log(end / neutral)
    : (strength - neutral) / (end - neutral);
  return Math.round(Math.sign(strength - neutral) * Math.sqrt(Math.min(Math.abs(way), 1)) * END);
}

/** To three digits or so of what can be told apart; the ends stay what they are. */
function rounded(strength, end, neutral) {
  const wide = Math.abs(end - neutral);
  const digits = wide > 50 ? 0 : wide > 5 ? 2 : 3;
  return Number(strength.toFixed(digits));
}

/** A strength inside of its range. */
export function inRange(kind, strength) {
  const [low, , high] = kind.range;
  return Math.min(Math.max(strength, low), high);
}

/** An operation's kind and what stands behind the colon. */
export function parts(operation) {
  const colon = operation.indexOf(":");
  return [operation.slice(0, colon), operation.slice(colon + 1)];
}
