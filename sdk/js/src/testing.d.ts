// Types of "ostler/testing": unit tests of handlers in Node, without a host and without Wasm.

import type { Handler, Value } from "./index.js";

/** What a test grants, and what it says of the exchange. What is not named is denied, as on the real host. */
export interface Grants {
  /** Names of stores; they begin empty. */
  kv?: string[];
  config?: Record<string, string>;
  /** Answers outbound requests, of `http.fetch` and of the global `fetch`, in place of all other servers. */
  http?: (request: Request) => Response | Promise<Response>;
  /** `test-request` otherwise. */
  requestId?: string;
  route?: string;
  /** `127.0.0.1` otherwise. */
  clientAddress?: string;
  /** 2000 otherwise. */
  deadlineLeftMs?: number;
}

/** A log line that was written. */
export interface Line {
  level: "trace" | "debug" | "info" | "warn" | "error";
  message: string;
  fields: Record<string, string>;
}

/** A host in memory. Hosts know nothing of each other, so tests may run side by side. */
export class Host {
  constructor(grants?: Grants);
  /** Log lines so far. */
  readonly lines: Line[];
  /**
   * One request through a handler, as the component would answer it: a thrown Problem is a response, anything else thrown
   * (a 500 on the host) rejects. `input` may be a path.
   */
  fetch(
    handler: Handler | Handler["fetch"] | { fetch(request: Request, env: any, ctx: any): unknown },
    input: string | URL | Request,
    init?: RequestInit,
  ): Promise<Response>;
  /** Calls `work` with this host's capabilities, for what is tested below the handler. */
  run<T>(work: () => T): T;
  /** What a store holds under `key`, as text, or null. */
  value(store: string, key: string): string | null;
  /** Puts something into a store. */
  put(store: string, key: string, value: Value): this;
  /** Lets time pass for values with a time to live. */
  advance(ms: number): void;
}
