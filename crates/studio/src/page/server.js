// What the page asks of the studio. Every answer is JSON or a picture; what went wrong is told in words for people.

/** An answer that is no success, with the studio's words. */
export class Refused extends Error {}

async function reply(path, body, signal) {
  const options = body === undefined
    ? { signal }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The studio does not answer. Was it closed?");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let words = text;
  try {
    words = JSON.parse(text).error ?? text;
  } catch {
    // Plain words.
  }
  throw new Refused(words.trim());
}

/** Asks for a path, or sends it something; the answer is JSON. */
export async function ask(path, body, signal) {
  return (await reply(path, body, signal)).json();
}

/** The same for a picture, as a bitmap that is ready to be drawn. */
export async function picture(path, body, signal) {
  return createImageBitmap(await (await reply(path, body, signal)).blob());
}
