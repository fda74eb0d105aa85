// Greets whoever asks, and counts how often.

import { Problem, config, json, kv, log, matchPath, text } from "ostler";

/** @type {import("ostler").Handler} */
export default {
  async fetch(request) {
    if (new URL(request.url).pathname === "/") return text("It works. Try /hello/you\n");
    const path = matchPath("/hello/{name}", request);
    if (!path) throw Problem.notFound("try /hello/you");
    const times = await kv.open("greeted").increment(path.name);
    log.info("greeted", { name: path.name, times });
    return json({ greeting: `${config.get("greeting", "Hello")}, ${path.name}!`, times });
  },
};
