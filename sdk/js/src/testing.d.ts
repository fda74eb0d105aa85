// Types of "ostler/testing": unit tests of handlers in Node, without a host and without Wasm.

import type { FlagValue, Handler, Principal, Value } from "./index.js";

/** What a test grants, and what it says of the exchange. What is not named is denied, as on the real host. */
export interface Grants {
  /** Names of stores; they begin empty. */
  kv?: string[];
  /** Names of caches; they begin empty. */
  cache?: string[];
  /** Limits: each admits a cost of `admits` for each key, and again once `perMs` are over. */
  limits?: Record<string, { admits: number; perMs: number }>;
  /** What flags say, whatever the context. */
  flags?: Record<string, FlagValue>;
  config?: Record<string, string>;
  /** Who asks; nobody in particular otherwise. What is left out is empty, the method `jwt`. */
  principal?: Partial<Principal> & { subject: string };
  /** Parameters of the request, as its document types them. */
  parameters?: Record<string, unknown>;
  /** What the principal may do: a permission, or one on a resource. Nothing otherwise. */
  allow?: (string | { permission: string; resource: string })[];
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
  /** What a cache holds under `key`, as text, or null. */
  cached(cache: string, key: string): string | null;
  /** Whether somebody has the right to make the value of `key` and has not given it back. */
  isLocked(cache: string, key: string): boolean;
  /** From now on the cache answers that its shared store is gone. */
  loseCache(cache: string): void;
  /** From now on the flag says `value`. */
  setFlag(key: string, value: FlagValue): void;
  /** Attributes that were added for flags, by name. */
  readonly flagContext: Record<string, unknown>;
  /** Values of `metric` that were tracked, in order. */
  tracked(metric: string): number[];
  /** Lets time pass for limits and for values with a time to live. */
  advance(ms: number): void;
}
