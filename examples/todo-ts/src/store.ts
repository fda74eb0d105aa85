// Where to-dos are kept: one entry each, as JSON, under a key that sorts by id.

import { kv } from "ostler";

import type { Change, Todo } from "./todo.ts";

/** A to-do with the bytes that stand for it. */
export interface Found {
  todo: Todo;
  bytes: Uint8Array;
}

const PREFIX = "todo/";
const DIGITS = 12;

const todos = kv.open("todos");
const decoder = new TextDecoder();

const keyOf = (id: number) => PREFIX + String(id).padStart(DIGITS, "0");
const parse = (bytes: Uint8Array): Todo => JSON.parse(decoder.decode(bytes));

/** The number that a path names, or null. */
export function parseId(text: string): number | null {
  return /^[1-9][0-9]*$/.test(text) && text.length <= DIGITS ? Number(text) : null;
}

/** All to-dos by id. One that is deleted between the two questions is left out. */
export async function all(): Promise<Todo[]> {
  const found: (Uint8Array | null)[] = [];
  let cursor: string | null = null;
  do {
    const page: { keys: string[]; cursor: string | null } = await todos.list({ prefix: PREFIX, cursor });
    found.push(...(await todos.getMany(page.keys)));
    cursor = page.cursor;
  } while (cursor);
  return found.filter((bytes) => bytes !== null).map(parse);
}

/** The to-do of that number, or null. */
export async function find(id: number): Promise<Found | null> {
  const bytes = await todos.get(keyOf(id));
  return bytes && { todo: parse(bytes), bytes };
}

export async function add({ title, done }: Omit<Todo, "id">): Promise<Todo> {
  const todo = { id: await todos.increment("next"), title, done };
  await todos.setJson(keyOf(todo.id), todo);
  return todo;
}

/** The changed to-do, or null if there is none. Whoever is overtaken by another change looks again, so that none is lost. */
export async function change(id: number, change: Change): Promise<Todo | null> {
  for (;;) {
    const found = await find(id);
    if (!found) return null;
    const changed = { ...found.todo, ...change };
    if (await todos.compareAndSwap(keyOf(id), found.bytes, JSON.stringify(changed))) return changed;
  }
}

/** Whether there was one. */
export function remove(id: number): Promise<boolean> {
  return todos.delete(keyOf(id));
}
