// Types of "ostler". Request, Response and Headers are those of the Fetch standard; they need `"lib": ["ES2022", "DOM"]`.

/** A handler: the default export of a project's entry. */
export interface Handler {
  /**
   * Answers one request. A thrown {@link Problem} is sent to the client; anything else thrown is logged by the host, and the
   * client gets a 500 without it.
   */
  fetch(request: Request, env: Env, ctx: Exchange): Response | Promise<Response>;
}

/** Second argument of `fetch`: the stores, and values of `grant = { config = { ... } }` by name. */
export interface Env {
  readonly KV: typeof kv;
  readonly [key: string]: any;
}

/** Third argument of `fetch`. */
export interface Exchange extends Context {
  /** The response is handed over after `promise` has settled: an instance does nothing between requests. */
  waitUntil(promise: Promise<unknown>): void;
  /** Does nothing; it is here for code written for Workers. */
  passThroughOnException(): void;
}

/** Facts about the exchange being answered. */
export interface Context {
  /** `x-request-id` of the reply. */
  readonly requestId: string;
  /** Path pattern of the route that matched. */
  readonly route: string;
  /** Name of this plugin. */
  readonly plugin: string;
  /** Digest of the component that runs: `sha256:...`. */
  readonly release: string;
  /** Address of the client, without port. */
  readonly clientAddress: string;
  /** Who was proved to ask, by the route's `auth`; null on a route that lets everybody in. */
  readonly principal: Principal | null;
  /** Parameters of path, query, header and cookies by name, as the route's OpenAPI document types them; empty without one. */
  readonly parameters: Record<string, unknown>;
  /** One of them; undefined if the request has none. The document has checked that it is a `T`. */
  parameter<T = unknown>(name: string): T | undefined;
  /** Milliseconds until the call is ended. */
  deadlineLeftMs(): number;
}

/** Who was proved to ask. Nothing here is taken from what a client claims of itself. */
export interface Principal {
  /** Its identifier, such as a token's `sub`. */
  readonly subject: string;
  readonly tenant: string | null;
  readonly roles: string[];
  readonly scopes: string[];
  readonly method: "jwt" | "introspection" | "session" | "api-key" | "mtls" | "basic";
  /** When it proved itself. */
  readonly authenticatedAt: Date;
  /** The other claims of its token. */
  readonly claims: Record<string, any>;
}

/** Facts about the exchange being answered. */
export const context: Context;

/** Values of `grant = { config = { ... } }`. */
export const config: {
  /** The value, or undefined if the definition has no such key. */
  get(key: string): string | undefined;
  /** The value, or `fallback`. */
  get(key: string, fallback: string): string;
  /** All of them, by key. */
  all(): Record<string, string>;
};

/** Writes one line with optional fields. An object is written as JSON, an Error with its stack. */
export type Write = (message: string, fields?: Record<string, unknown>) => void;

/** Log lines. The host adds plugin, release and request id. `console` works too: `console.error` and `warn` become warnings. */
export const log: { trace: Write; debug: Write; info: Write; warn: Write; error: Write };

/** Durable key-value stores of `grant = { kv = [...] }`. What was acknowledged survives the death of the host. */
export const kv: {
  /** The store of that name. Asks nothing yet: a store that is not granted is denied at its first use. */
  open(store: string): Store;
};

/** What a value is made of; a string is stored as UTF-8. */
export type Value = string | ArrayBuffer | ArrayBufferView;

/** A key-value store. Keys are 1 to 512 bytes, values at most 1 MiB. Every call may be rejected with a {@link KvError}. */
export interface Store {
  readonly name: string;
  /** The bytes under `key`, or null. */
  get(key: string): Promise<Uint8Array | null>;
  /** The same as text. */
  getText(key: string): Promise<string | null>;
  /** The same, parsed; what was stored is trusted to be a `T`. */
  getJson<T = unknown>(key: string): Promise<T | null>;
  /** With `ttlMs` the entry disappears after this many milliseconds. */
  set(key: string, value: Value, options?: { ttlMs?: number }): Promise<void>;
  /** Stores the value as JSON. */
  setJson(key: string, value: unknown, options?: { ttlMs?: number }): Promise<void>;
  /** Whether there was something to delete. */
  delete(key: string): Promise<boolean>;
  exists(key: string): Promise<boolean>;
  /** One page of keys in byte order, `limit` at most (1,000, which is also the default). Pass `cursor` on for the next; null at the end. */
  list(options?: {
    prefix?: string;
    cursor?: string | null;
    limit?: number;
  }): Promise<{ keys: string[]; cursor: string | null }>;
  /** All keys that begin with `prefix`, page by page: `for await (const key of store.keys("user/"))`. */
  keys(prefix?: string): AsyncGenerator<string, void, undefined>;
  /** Adds `delta` (1) to a decimal integer, absent counting as 0, and returns the sum, atomically. A bigint gives a bigint. */
  increment(key: string, delta?: number): Promise<number>;
  increment(key: string, delta: bigint): Promise<bigint>;
  /** Sets `value` (null deletes) if the present value equals `expected` (null: absent). Whether it did. */
  compareAndSwap(key: string, expected: Value | null, value: Value | null): Promise<boolean>;
  /** Sets `value` if there is none. Whether it did. */
  setIfAbsent(key: string, value: Value): Promise<boolean>;
  /** In the order of `keys`; at most 1,000. */
  getMany(keys: string[]): Promise<(Uint8Array | null)[]>;
  /** All or nothing; at most 1,000 entries. */
  setMany(entries: Record<string, Value> | Iterable<readonly [string, Value]>): Promise<void>;
  /** All or nothing; at most 1,000 keys. */
  deleteMany(keys: string[]): Promise<void>;
}

/** Why a store did not do what it was asked. */
export class KvError extends Error {
  constructor(code: KvError["code"], message: string);
  /** `denied`: not granted, the message names the grant. `unavailable`: trying again may help. */
  readonly code: "denied" | "invalid" | "not_a_number" | "unavailable";
}

/** What the principal of the exchange may do, by the same roles and rules that guard routes (`[authorization]`). */
export const authz: {
  /** Whether it may use `permission` on `resource`, such as `orders/17`; `reason` is for logs, not for clients. */
  check(permission: string, resource?: string): { allowed: boolean; reason: string };
  /** The same without a reason. */
  allows(permission: string, resource?: string): boolean;
  /**
   * Throws a 403 {@link Problem} with code `forbidden` if it may not. Only a principal that is known is told which permission
   * it lacks.
   */
  require(permission: string, resource?: string): void;
};

/** Rate limits of `grant = { limits = [...] }`, for what costs inside a handler. May be rejected with a {@link RateLimitError}. */
export const rateLimit: {
  /** Takes `cost` (1) from what `key` has left of the limit, all or nothing. */
  check(
    limit: string,
    key: string,
    cost?: number,
  ): Promise<{ admitted: boolean; remaining: number; retryAfterMs: number }>;
  /**
   * The same, with a thrown {@link Problem} in place of a refusal: 429 `rate_limited` with `retry-after`, or 503
   * `limit_unavailable`. What is left.
   */
  require(limit: string, key: string, cost?: number): Promise<number>;
};

/** Why a limit gave no decision. */
export class RateLimitError extends Error {
  constructor(code: RateLimitError["code"], message: string);
  /** `denied`: not granted, the message names the grant. `unavailable`: the shared store is gone, and the limit fails closed. */
  readonly code: "denied" | "invalid" | "unavailable";
}

/** Caches of `grant = { cache = [...] }`: values that can be made again, and may be gone at any time. */
export const cache: {
  /** The cache of that name. Asks nothing yet: a cache that is not granted is denied at its first use. */
  open(name: string): Cache;
};

/** How long a value is kept, and the names by which it is dropped with others. */
export interface Keep {
  /** 1 ms to 365 days; without it as long as there is room. */
  ttlMs?: number;
  tags?: string[];
}

/** A cache. Keys are 1 to 512 bytes, values at most 1 MiB. Every call may be rejected with a {@link CacheError}. */
export interface Cache {
  readonly name: string;
  /** The bytes under `key`, or null. */
  get(key: string): Promise<Uint8Array | null>;
  /** The same as text. */
  getText(key: string): Promise<string | null>;
  /** The same, parsed; what was kept is trusted to be a `T`. */
  getJson<T = unknown>(key: string): Promise<T | null>;
  set(key: string, value: Value, options?: Keep): Promise<void>;
  /** Keeps the value as JSON. */
  setJson(key: string, value: unknown, options?: Keep): Promise<void>;
  delete(key: string): Promise<void>;
  /** Drops all values of this cache that were set with `tag`, on all hosts that share it. */
  deleteTag(tag: string): Promise<void>;
  /**
   * The bytes under `key`; if there are none, `make` makes them and they are kept. Of many that ask at once one makes them while
   * the others wait, for up to half of what is left of their deadline. If that fails, the next one tries. A cache that is out of
   * reach makes this slower, not fail.
   */
  getOrCompute(key: string, options: Keep, make: () => Value | Promise<Value>): Promise<Uint8Array>;
  /** The same for a value as JSON. */
  getOrComputeJson<T>(key: string, options: Keep, make: () => T | Promise<T>): Promise<T>;
  /**
   * The bytes under `key`, or null and the right to make them: then `set` them, or `unlock` the key. Waits for up to `waitMs` (0)
   * while somebody else has that right. `getOrCompute` does all of it.
   */
  getOrLock(key: string, options?: { waitMs?: number }): Promise<Uint8Array | null>;
  /** Gives that right back. */
  unlock(key: string): Promise<void>;
}

/** Why a cache did not do what it was asked. */
export class CacheError extends Error {
  constructor(code: CacheError["code"], message: string);
  /** `denied`: not granted, the message names the grant. `unavailable`: the shared store is gone. */
  readonly code: "denied" | "invalid" | "unavailable";
}

/** What a flag may say: a value of one of four types. */
export type FlagValue = boolean | string | number | Record<string, any>;

/** Feature flags of the host. Asking never fails: a flag that is missing or of another type gives `fallback`. */
export const flags: {
  getBoolean(key: string, fallback: boolean): boolean;
  getString(key: string, fallback: string): string;
  getNumber(key: string, fallback: number): number;
  getObject<T extends Record<string, any>>(key: string, fallback: T): T;
  /** The flag of the type of `fallback`, with variant, reason and what went wrong. */
  resolve<T extends FlagValue>(key: string, fallback: T): FlagDetails<T>;
  /**
   * Adds attributes to what the host says of the exchange (`targetingKey`, `subject`, `tenant`, `roles`, `address`, `route`,
   * `method`, `path`, `host`, `plugin`, `release`), for the rest of this exchange; `targetingKey` may be set as well. False, and
   * nothing added, if they are more than 64 or 16 KiB, or one has no JSON form.
   */
  addContext(attributes: Record<string, unknown>): boolean;
};

/** A flag's answer, with what led to it. */
export interface FlagDetails<T> {
  readonly value: T;
  /** Name of the variant; null for the fallback. */
  readonly variant: string | null;
  readonly reason:
    | "STATIC"
    | "DEFAULT"
    | "TARGETING_MATCH"
    | "SPLIT"
    | "CACHED"
    | "DISABLED"
    | "UNKNOWN"
    | "STALE"
    | "ERROR";
  readonly errorCode:
    | "PROVIDER_NOT_READY"
    | "FLAG_NOT_FOUND"
    | "PARSE_ERROR"
    | "TYPE_MISMATCH"
    | "TARGETING_KEY_MISSING"
    | "INVALID_CONTEXT"
    | "GENERAL"
    | null;
  readonly errorMessage: string | null;
  /** What the flag's definition says of itself. */
  readonly metadata: Record<string, unknown>;
}

/** What experiments are decided by: counted for the release that runs, and for the variants of the flags it has asked for. */
export const experiment: {
  /** Counts `value` (1) of `metric` (1 to 64 of `a-z 0-9 - _ .`). False if the name, or a value that is not finite, is refused. */
  track(metric: string, value?: number): boolean;
};

/** Outbound HTTP to the origins of `grant = { http = [...] }`. The global `fetch` reaches the same, several at once. */
export const http: {
  /** As the global `fetch`, with a timeout (bounded by the deadline) and errors that name the missing grant. Ends before others begin. */
  fetch(input: string | URL | Request, init?: RequestInit & { timeoutMs?: number }): Promise<Response>;
};

/** Why there is no response of another server. */
export class HttpError extends Error {
  constructor(code: HttpError["code"], message: string);
  readonly code: "denied" | "invalid" | "timeout" | "too_large" | "failed";
}

/** What a {@link Problem} may have beside status and detail. */
export interface ProblemOptions {
  /** For programs, in snake_case; otherwise made of the status: `not_found`. */
  code?: string;
  title?: string;
  /** `about:blank` otherwise. */
  type?: string;
  headers?: HeadersInit;
}

/** A refusal the client may read. Throw it: it is sent as RFC 9457 `application/problem+json` with the request's id. */
export class Problem extends Error {
  /** `status` is 400 to 599; the client reads `detail`. */
  constructor(status: number, detail: string, options?: ProblemOptions);
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly title: string;
  readonly type: string;
  readonly headers: HeadersInit;
  /** 400: the request is malformed. */
  static badRequest(detail: string, options?: ProblemOptions): Problem;
  /** 401: nobody is signed in. */
  static unauthorized(detail: string, options?: ProblemOptions): Problem;
  /** 403: somebody is, but may not do this. */
  static forbidden(detail: string, options?: ProblemOptions): Problem;
  /** 404: there is nothing here. */
  static notFound(detail: string, options?: ProblemOptions): Problem;
  /** 405, with the methods that would do in `allow`. */
  static methodNotAllowed(allow: string[]): Problem;
  /** 409: it contradicts what is there. */
  static conflict(detail: string, options?: ProblemOptions): Problem;
  /** 422: well-formed, but its values will not do. */
  static unprocessable(detail: string, options?: ProblemOptions): Problem;
  /** 503: try again later. */
  static unavailable(detail: string, options?: ProblemOptions): Problem;
  /** The response that is sent for it. */
  toResponse(requestId: string): Response;
}

/** The body as JSON; throws a 400 {@link Problem} with code `invalid_json` if it is none. */
export function readJson(request: Request): Promise<unknown>;

/** `text/plain`. */
export function text(body: string, init?: ResponseInit): Response;
/** `text/html`. */
export function html(body: string, init?: ResponseInit): Response;
/** `application/json`. */
export function json(value: unknown, init?: ResponseInit): Response;
/** A redirect; 302 unless told otherwise. */
export function redirect(location: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
/** 204. */
export function noContent(init?: ResponseInit): Response;

/** Names in a pattern such as `/todos/{id}` or `/files/{*rest}`. */
export type Params<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? { [K in Name extends `*${infer Tail}` ? Tail : Name]: string } & Params<Rest>
  : {};

/** What a pattern found in the path, decoded, or null: `matchPath("/todos/{id}", request)?.id`. `{*rest}` takes the rest of the path. */
export function matchPath<P extends string>(pattern: P, request: Request | string): Params<P> | null;

/** What a route gets beside the request: the names in its path, and what `fetch` got. */
export interface Routed<P extends string = string> {
  readonly params: Params<P>;
  readonly env: Env;
  readonly ctx: Exchange;
}

/** Answers the requests of one route. */
export type RouteHandler<P extends string = string> = (
  request: Request,
  routed: Routed<P>,
) => Response | Promise<Response>;

/**
 * Finds the function for method and path; a handler itself: `export default new Router().get("/", ...)`. The first pattern that
 * fits counts. Unknown paths are a 404 `not_found`, known ones with another method a 405 `method_not_allowed` with `allow`.
 */
export class Router implements Handler {
  fetch: Handler["fetch"];
  on<P extends string>(method: string, pattern: P, handler: RouteHandler<P>): this;
  get<P extends string>(pattern: P, handler: RouteHandler<P>): this;
  head<P extends string>(pattern: P, handler: RouteHandler<P>): this;
  post<P extends string>(pattern: P, handler: RouteHandler<P>): this;
  put<P extends string>(pattern: P, handler: RouteHandler<P>): this;
  patch<P extends string>(pattern: P, handler: RouteHandler<P>): this;
  delete<P extends string>(pattern: P, handler: RouteHandler<P>): this;
  /** Every method. */
  all<P extends string>(pattern: P, handler: RouteHandler<P>): this;
}
