/// What the gate tells a handler and lends it: who asks, what it may, how often, and what need not be made twice. Included by
/// ostler.h.

#ifndef OSTLER_GATE_H
#define OSTLER_GATE_H

#include "ostler.h"
#include "ostler_json.h"

#ifdef __cplusplus
extern "C" {
#endif

// -------------------------------------------------------------------------------------------------------------- who asks

/// Who was proved to ask, by the route's `auth`. Nothing in it is taken from what a client claims of itself.
typedef struct ostler_principal {
    /// Its identifier, such as a token's `sub`.
    const char *subject;
    /// The tenant it belongs to; NULL if none.
    const char *tenant;
    /// Names of its roles. What they may do is the configuration's to say: ask `ostler_may`.
    const char **roles;
    size_t role_count;
    /// Scopes it was granted.
    const char **scopes;
    size_t scope_count;
    /// `jwt`, `introspection`, `session`, `api-key`, `mtls` or `basic`.
    const char *method;
    /// Unix milliseconds at which it proved itself.
    uint64_t authenticated_at_ms;
    /// The other claims of its token, an object: `ostler_json_text(ostler_json_get(principal->claims, "email"))`.
    const ostler_json *claims;
} ostler_principal;

/// Who asks; NULL on a route that lets everybody in.
const ostler_principal *ostler_principal_get(void);

/// Whether it has the role, or was granted the scope. False if `principal` is NULL.
bool ostler_has_role(const ostler_principal *principal, const char *role);
bool ostler_has_scope(const ostler_principal *principal, const char *scope);

/// Parameters of path, query, header and cookies as members of an object, as the route's OpenAPI document types them. Empty
/// without a document. One of them: `ostler_json_get(ostler_parameters(), "limit")`.
const ostler_json *ostler_parameters(void);

// ------------------------------------------------------------------------------------------------------------ what it may

/// Whether the principal may use `permission` on `resource`, such as `orders/17` (empty: none in particular), by the same roles
/// and rules that guard routes. `reason` (may be NULL) is what decided; for logs, not for clients.
bool ostler_may(const char *permission, const char *resource, const char **reason);

/// NULL if it may; otherwise the problem 403 of code `forbidden`, to be returned. Only a principal that is known is told which
/// permission it lacks.
ostler_response *ostler_require(const char *permission, const char *resource);

// -------------------------------------------------------------------------------------------------------------- how often

/// An answer of a limit.
typedef struct ostler_limit {
    /// Whether the cost was taken.
    bool admitted;
    /// What is left after this call.
    uint64_t remaining;
    /// Milliseconds until the cost would be admitted; 0 if it was.
    uint64_t retry_after_ms;
} ostler_limit;

/// Takes `cost` (1 to 1,000,000) from what `key` has left of a limit of `grant = { limits = ["name"] }`, all or nothing.
ostler_result ostler_limit_check(const char *limit, const char *key, uint32_t cost, ostler_limit *decision);

/// NULL if the limit admits it; otherwise a response to be returned: the problem 429 of code `rate_limited` with `retry-after`, 503
/// `limit_unavailable`, or a failure.
ostler_response *ostler_limit_require(const char *limit, const char *key, uint32_t cost);

// --------------------------------------------------------------------------------------------------- what is made once

// Caches of `grant = { cache = ["name"] }`: values that can be made again, and may be gone at any time. Keys are 1 to 512 bytes,
// values at most 1 MiB.

/// The value under `key`; `value->data` is NULL if there is none.
ostler_result ostler_cache_get(const char *cache, const char *key, ostler_bytes *value);
/// Puts a value under `key` for `ttl_ms` milliseconds (365 days at most; 0: as long as there is room). `tags` (`tag_count` of them)
/// are names by which it is dropped with others.
ostler_result ostler_cache_set(const char *cache, const char *key, ostler_bytes value, uint64_t ttl_ms,
                               const char *const *tags, size_t tag_count);
/// Drops the value under `key`.
ostler_result ostler_cache_delete(const char *cache, const char *key);
/// Drops all values of this cache that were set with `tag`, on all hosts that share it.
ostler_result ostler_cache_delete_tag(const char *cache, const char *tag);

/// Makes a value; one without data means that it could not.
typedef ostler_bytes (*ostler_maker)(void *told);

/// The value under `key`; if there is none, `make` makes it, told `told`, and it is kept as `ostler_cache_set` keeps it.
///
/// Of many that ask at once one makes the value while the others wait, for up to half of what is left of their deadline. If making
/// it fails (OSTLER_FAILED), the next one tries. A cache that is out of reach makes this slower, not fail.
ostler_result ostler_cache_get_or_compute(const char *cache, const char *key, uint64_t ttl_ms, const char *const *tags,
                                          size_t tag_count, ostler_maker make, void *told, ostler_bytes *value);

/// The value under `key`, or no data and the right to make it: then `ostler_cache_set` it, or `ostler_cache_unlock` the key. Waits
/// for up to `wait_ms` while somebody else has that right. `ostler_cache_get_or_compute` does all of it.
ostler_result ostler_cache_get_or_lock(const char *cache, const char *key, uint32_t wait_ms, ostler_bytes *value);
/// Gives that right back.
ostler_result ostler_cache_unlock(const char *cache, const char *key);

#ifdef __cplusplus
}
#endif

#endif
