// What a client may say of a to-do.

import { Problem, readJson } from "ostler";

const TITLE_MAX = 200;

/** A new to-do's title and state. */
export async function readNew(request) {
  const { title } = await readObject(request);
  return { title: checkTitle(title), done: false };
}

/** What a client wants changed: `title`, `done` or both. */
export async function readChange(request) {
  const body = await readObject(request);
  const change = {};
  if ("title" in body) change.title = checkTitle(body.title);
  if ("done" in body) change.done = checkDone(body.done);
  if (Object.keys(change).length > 0) return change;
  throw Problem.unprocessable("give title, done or both", { code: "nothing_to_change" });
}

async function readObject(request) {
  const body = await readJson(request);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw Problem.badRequest("the body is no JSON object", { code: "invalid_json" });
}

function checkTitle(title) {
  const trimmed = typeof title === "string" ? title.trim() : "";
  const length = [...trimmed].length; // characters, where .length counts UTF-16 units
  if (length >= 1 && length <= TITLE_MAX) return trimmed;
  throw Problem.unprocessable(`title must be a text of 1 to ${TITLE_MAX} characters`, { code: "invalid_title" });
}

function checkDone(done) {
  if (typeof done === "boolean") return done;
  throw Problem.unprocessable("done must be true or false", { code: "invalid_done" });
}
