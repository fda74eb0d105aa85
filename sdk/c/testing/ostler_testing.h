/// Unit tests of a handler without a host and without Wasm: every capability is an in-memory stand-in.
///
/// As on the real host, what was not granted is denied: a store must be named with `ostler_test_kv`, and outbound HTTP needs
/// `ostler_test_http`. Begin every test with `ostler_test_begin`; what a handler returned lasts until the next one.

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

/// Lets time pass for values with a time to live.
void ostler_test_advance(uint64_t ms);

/// Runs before each change a handler makes to a store, to stand for another request that is quicker; NULL: nothing does.
void ostler_test_before_change(void (*other)(void));

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
