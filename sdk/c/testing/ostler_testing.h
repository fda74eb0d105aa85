/// Unit tests of a handler without a host and without Wasm: every capability is an in-memory stand-in.
///
/// As on the real host, what was not granted is denied: a store must be named with `ostler_test_kv`, a cache with
/// `ostler_test_cache`, a limit with `ostler_test_limit`, outbound HTTP needs `ostler_test_http`, and nobody may do what
/// `ostler_test_allow` does not name. Begin every test with `ostler_test_begin`; what a handler returned lasts until the next one.

#ifndef OSTLER_TESTING_H
#define OSTLER_TESTING_H

#include "ostler.h"

/// Forgets everything: nothing is granted, no line was written, the clock stands at 0, and 2 s are left of the deadline.
void ostler_test_begin(void);

/// An empty store of `grant = { kv = [...] }`.
void ostler_test_kv(const char *store);

/// Puts a value into a store, which is granted by this as well.
void ostler_test_put(const char *store, const char *key, const char *value);

/// What a store holds under `key`; NULL if nothing.
const char *ostler_test_value(const char *store, const char *key);

/// Lets time pass for limits and for values with a time to live.
void ostler_test_advance(uint64_t ms);

/// Runs before each change a handler makes to a store, to stand for another request that is quicker; NULL: nothing does.
void ostler_test_before_change(void (*other)(void));

/// Who asks; nobody in particular otherwise. `tenant` may be NULL. Then its roles, its scopes, and its other claims as a JSON object.
void ostler_test_principal(const char *subject, const char *tenant);
void ostler_test_role(const char *role);
void ostler_test_scope(const char *scope);
void ostler_test_claims(const char *json);

/// A parameter of the request as JSON, as its document types it.
void ostler_test_parameter(const char *name, const char *json);

/// Lets the principal use `permission` on `resource`; on any if that is empty.
void ostler_test_allow(const char *permission, const char *resource);

/// A limit of `grant = { limits = [...] }` that admits so much for each key, and again once `per_ms` are over.
void ostler_test_limit(const char *limit, uint64_t admits, uint64_t per_ms);

/// An empty cache of `grant = { cache = [...] }`; and one that answers from now on that its shared store is gone.
void ostler_test_cache(const char *cache);
void ostler_test_lose_cache(const char *cache);

/// What a cache holds under `key`, NULL if nothing; and whether somebody has the right to make it and has not given it back.
const char *ostler_test_cached(const char *cache, const char *key);
bool ostler_test_is_locked(const char *cache, const char *key);

/// Lets the flag say `value` from now on, whatever the context.
void ostler_test_flag(const char *key, ostler_flag_value value);

/// An attribute that was added for flags, as JSON; NULL if there is none of this name.
const char *ostler_test_flag_context(const char *name);

/// The sum of what was tracked of a metric, and how often.
double ostler_test_tracked(const char *metric, size_t *count);

/// A value of `grant = { config = { ... } }`.
void ostler_test_config(const char *key, const char *value);

/// Answers outbound requests in place of all other servers. `answer` returns NULL for a server that cannot be reached.
void ostler_test_http(ostler_response *(*answer)(const ostler_outbound *request));

/// The request's id (`test-request` otherwise), the client's address (127.0.0.1) and what is left of the deadline.
void ostler_test_request_id(const char *id);
void ostler_test_client_address(const char *address);
void ostler_test_deadline_left(uint64_t ms);

/// A request as a client would send it. `body` may be NULL.
ostler_request *ostler_test_request(const char *method, const char *target, const char *body);

/// Adds a header to it; returns the same request.
ostler_request *ostler_test_with_header(ostler_request *request, const char *name, const char *value);

/// Calls the handler of the project.
ostler_response *ostler_test_send(const char *method, const char *target, const char *body);

/// How many lines were written, and one of them: `info todo made id=7`; NULL if there is no such line.
size_t ostler_test_lines(void);
const char *ostler_test_line(size_t index);

#endif
