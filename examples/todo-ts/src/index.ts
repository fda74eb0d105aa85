// A to-do list over HTTP: which request does what. What a to-do may be is in todo.ts, where they are kept in store.ts.

import { Problem, Router, experiment, flags, json, log, noContent } from "ostler";

import * as store from "./store.ts";
import { readChange, readNew } from "./todo.ts";

/** The to-do that the path names. */
async function find(params: { id: string }): Promise<store.Found> {
  const id = store.parseId(params.id);
  const found = id && (await store.find(id));
  if (!found) throw Problem.notFound(`there is no to-do ${params.id}`);
  return found;
}

export default new Router()
  .get("/todos", async () => json({ todos: await store.all() }))
  .post("/todos", async (request) => {
    const wish = await readNew(request);
    flags.addContext({ title: wish.title });
    if (flags.getBoolean("todos-closed", false)) {
      throw Problem.unavailable("no to-dos are taken at the moment", { code: "closed" });
    }
    const todo = await store.add(wish);
    experiment.track("todos.added");
    log.info("added", { id: todo.id });
    return json(todo, { status: 201, headers: { location: `/todos/${todo.id}` } });
  })
  .get("/todos/{id}", async (_, { params }) => json((await find(params)).todo))
  .patch("/todos/{id}", async (request, { params }) => {
    const { todo } = await find(params);
    const change = await readChange(request);
    const changed = await store.change(todo.id, change);
    if (!changed) throw Problem.notFound(`there is no to-do ${params.id}`);
    log.info("changed", { id: todo.id });
    return json(changed);
  })
  .delete("/todos/{id}", async (_, { params }) => {
    const { todo } = await find(params);
    if (!(await store.remove(todo.id))) throw Problem.notFound(`there is no to-do ${params.id}`);
    log.info("deleted", { id: todo.id });
    return noContent();
  });
