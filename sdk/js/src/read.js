// What a client sent, checked.

import { Problem } from "./problem.js";

export async function readJson(request) {
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw Problem.badRequest(`the body is no JSON: ${error.message}`, { code: "invalid_json" });
  }
}
