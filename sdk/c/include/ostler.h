/// Handlers for Ostler, the production host for Wasm, in C.
///
/// A handler is one function, `handle`, in handler.c. Everything this header hands out lives in an arena that is emptied once
/// the response is sent: keep what you like during a call, free nothing, and keep no pointer for the next call. Memory that
/// cannot be had ends the call, so no function here returns NULL for want of memory.
///
/// Texts (`const char *`) are UTF-8 and end with a NUL. What has to be stored or sent byte by byte is `ostler_bytes`; those
/// that come from this library have a NUL behind their last byte as well, so that `data` can be used as text.

#ifndef OSTLER_H
#define OSTLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------------- bytes and memory

/// Some bytes. `data` is NULL if there is no value at all, which is not the same as a value of no bytes.
typedef struct ostler_bytes {
    const char *data;
    size_t len;
} ostler_bytes;

/// The bytes of a text, not copied.
ostler_bytes ostler_bytes_of(const char *text);

/// Whether the bytes are exactly those of the text.
bool ostler_equal(ostler_bytes bytes, const char *text);

/// Zeroed memory until the call's end.
void *ostler_alloc(size_t size);

/// printf into memory that lasts until the call's end.
const char *ostler_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Without white space (Unicode's) at both ends. Not copied: the result may have no NUL behind it.
ostler_bytes ostler_trim(ostler_bytes text);

/// A copy that ends with a NUL.
const char *ostler_copy(ostler_bytes text);

/// Whether the bytes are UTF-8; if so, `characters` (may be NULL) is set to the number of Unicode scalar values.
bool ostler_utf8(ostler_bytes text, size_t *characters);

// ------------------------------------------------------------------------------------------------------------- request

/// One field of a head. The value is bytes because HTTP does not promise UTF-8.
typedef struct ostler_field {
    const char *name;
    ostler_bytes value;
} ostler_field;

/// A request whose body has been received whole.
typedef struct ostler_request {
    /// `GET`, `POST`, ... in capitals.
    const char *method;
    /// Path and query as sent.
    const char *target;
    /// The path as sent, without the query; escapes are not decoded (`ostler_match` does).
    const char *path;
    /// In the order they came, names in lower case.
    const ostler_field *headers;
    size_t header_count;
    ostler_bytes body;
} ostler_request;

/// Whether the method is this one: `ostler_is(request, "GET")`.
bool ostler_is(const ostler_request *request, const char *method);

/// The first value of a header, whatever the case of `name`; NULL if there is none.
const char *ostler_header(const ostler_request *request, const char *name);

/// The first value of a query parameter, decoded; NULL if there is none.
const char *ostler_query(const ostler_request *request, const char *name);

/// The first value of a field of a form (`application/x-www-form-urlencoded`) in the body, decoded; NULL if there is none.
const char *ostler_form(const ostler_request *request, const char *name);

/// The most placeholders a pattern may have.
#define OSTLER_PLACEHOLDERS 8

/// What the placeholders of a pattern stood for.
typedef struct ostler_params {
    size_t count;
    ostler_bytes names[OSTLER_PLACEHOLDERS];
    const char *values[OSTLER_PLACEHOLDERS];
} ostler_params;

/// Holds the path against a pattern such as `/users/{id}` or `/files/{*rest}`: `{id}` stands for one segment that is not
/// empty, `{*rest}` at the end for all that follows. `match` (may be NULL) is filled in if it fits.
bool ostler_match(const ostler_request *request, const char *pattern, ostler_params *match);

/// The decoded text behind a placeholder; empty if the pattern has none of that name.
const char *ostler_param(const ostler_params *match, const char *name);

// ------------------------------------------------------------------------------------------------------------ response

/// A response. Make one with the functions below.
typedef struct ostler_response {
    int status;
    ostler_field *headers;
    size_t header_count;
    ostler_bytes body;
    /// Not NULL: there is no response; the host logs this text and the client gets a 500 without it.
    const char *failure;
} ostler_response;

/// The handler, which the plugin defines. NULL counts as a failure.
ostler_response *handle(const ostler_request *request);

/// A response without a body.
ostler_response *ostler_status(int status);

/// Status 200 and a text (`text/plain`).
ostler_response *ostler_text(const char *text);

/// Status 200 and a document (`text/html`).
ostler_response *ostler_html(const char *html);

/// A status and bytes of the media type `type`; the bytes are not copied.
ostler_response *ostler_body(int status, const char *type, ostler_bytes body);

/// A redirection: status 301, 302, 303, 307 or 308.
ostler_response *ostler_redirect(int status, const char *location);

/// A refusal that the client may read: RFC 9457 `application/problem+json` with the request's id. `code` is a word for
/// programs in snake_case, or NULL.
ostler_response *ostler_problem(int status, const char *code, const char *detail);

/// The refusal of a method, 405, with the methods that would do: `"GET, POST"`.
ostler_response *ostler_method_not_allowed(const char *allow);

/// A failure the client must not read about: the host logs `text` and answers 500. `ostler_failure(ostler_why())`.
ostler_response *ostler_failure(const char *text);

/// Adds a header; returns the same response.
ostler_response *ostler_with_header(ostler_response *response, const char *name, const char *value);

/// The first value of a header of a response, whatever the case of `name`; NULL if there is none.
const char *ostler_response_header(const ostler_response *response, const char *name);

// ------------------------------------------------------------------------------------------------- what the host offers

/// How a call of the host came out.
typedef enum ostler_result {
    OSTLER_OK = 0,
    /// Not granted in the plugin's definition; `ostler_why` names the missing grant.
    OSTLER_DENIED,
    /// What was passed is outside its limits; `ostler_why` says which.
    OSTLER_INVALID,
    /// `ostler_kv_increment` met a value that is not a decimal integer, or the sum does not fit 64 bits.
    OSTLER_NOT_A_NUMBER,
    /// The store failed; trying again may help.
    OSTLER_UNAVAILABLE,
    /// No answer in time.
    OSTLER_TIMEOUT,
    /// The response is larger than the host accepts.
    OSTLER_TOO_LARGE,
    /// The other server could not be reached or broke the protocol.
    OSTLER_FAILED,
} ostler_result;

/// What the last call that was not OSTLER_OK said, for logs; empty if there was none.
const char *ostler_why(void);

/// Keys of a store, and where to go on.
typedef struct ostler_kv_page {
    const char **keys;
    size_t count;
    /// Pass this to the next `ostler_kv_list`; NULL at the end.
    const char *cursor;
} ostler_kv_page;

/// A key and its value.
typedef struct ostler_kv_entry {
    const char *key;
    ostler_bytes value;
} ostler_kv_entry;

// Durable key-value stores of `grant = { kv = ["name"] }`. What was acknowledged survives the death of the host. Keys are 1
// to 512 bytes, values at most 1 MiB.

/// The value under `key`; `value->data` is NULL if there is none.
ostler_result ostler_kv_get(const char *store, const char *key, ostler_bytes *value);
/// Puts a value under `key`. It disappears after `ttl_ms` milliseconds; 0: never.
ostler_result ostler_kv_set(const char *store, const char *key, ostler_bytes value, uint64_t ttl_ms);
/// Removes `key`. `existed` (may be NULL): whether there was something.
ostler_result ostler_kv_delete(const char *store, const char *key, bool *existed);
/// Whether there is a value under `key`.
ostler_result ostler_kv_exists(const char *store, const char *key, bool *exists);
/// Keys that begin with `prefix` in byte order, `limit` at most (the host caps it at 1,000). `cursor`: NULL at first.
ostler_result ostler_kv_list(const char *store, const char *prefix, const char *cursor, uint32_t limit,
                             ostler_kv_page *page);
/// Adds `delta` to the decimal integer under `key` (absent counts as 0), atomically. `sum` may be NULL.
ostler_result ostler_kv_increment(const char *store, const char *key, int64_t delta, int64_t *sum);
/// Puts `value` (no data: removes) if what is there equals `expected` (no data: nothing is there). `swapped`: whether it did.
ostler_result ostler_kv_compare_and_swap(const char *store, const char *key, ostler_bytes expected, ostler_bytes value,
                                         bool *swapped);
/// Fills `values` in the order of `keys`, at most 1,000; those that are not there have no data.
ostler_result ostler_kv_get_many(const char *store, const char *const *keys, size_t count, ostler_bytes *values);
/// Puts all or nothing, at most 1,000.
ostler_result ostler_kv_set_many(const char *store, const ostler_kv_entry *entries, size_t count);
/// Removes all or nothing, at most 1,000.
ostler_result ostler_kv_delete_many(const char *store, const char *const *keys, size_t count);

/// A name and a value of the configuration.
typedef struct ostler_setting {
    const char *key;
    const char *value;
} ostler_setting;

/// A value of `grant = { config = { ... } }`; NULL if there is none.
const char *ostler_config(const char *key);
/// The same with a value to fall back on.
const char *ostler_config_or(const char *key, const char *fallback);
/// All of them, by key; `count` says how many.
const ostler_setting *ostler_config_all(size_t *count);

/// Levels of the log.
typedef enum ostler_level { OSTLER_TRACE, OSTLER_DEBUG, OSTLER_INFO, OSTLER_WARN, OSTLER_ERROR } ostler_level;

/// Writes one line; then come names and values of fields, as texts, and a NULL. The macros below add the NULL:
/// `ostler_info("todo made", "id", "7")`.
void ostler_log(ostler_level level, const char *message, ...) __attribute__((sentinel));
#define ostler_trace(...) ostler_log(OSTLER_TRACE, __VA_ARGS__, (const char *)NULL)
#define ostler_debug(...) ostler_log(OSTLER_DEBUG, __VA_ARGS__, (const char *)NULL)
#define ostler_info(...) ostler_log(OSTLER_INFO, __VA_ARGS__, (const char *)NULL)
#define ostler_warn(...) ostler_log(OSTLER_WARN, __VA_ARGS__, (const char *)NULL)
#define ostler_error(...) ostler_log(OSTLER_ERROR, __VA_ARGS__, (const char *)NULL)

/// Facts about the exchange being answered.
typedef struct ostler_context {
    /// `x-request-id` of the reply.
    const char *request_id;
    /// Path pattern of the route that matched.
    const char *route;
    /// Name of this plugin.
    const char *plugin;
    /// Digest of the component that runs: `sha256:...`.
    const char *release;
    /// Address of the client, without port.
    const char *client_address;
} ostler_context;

/// The exchange being answered.
ostler_context ostler_context_get(void);
/// Milliseconds until the host ends the call.
uint64_t ostler_deadline_left_ms(void);

/// A request to another server, of an origin of `grant = { http = ["https://api.example.com"] }`.
typedef struct ostler_outbound {
    /// NULL counts as `GET`.
    const char *method;
    /// Absolute.
    const char *url;
    const ostler_field *headers;
    size_t header_count;
    ostler_bytes body;
    /// Gives up after so many milliseconds; 0, and at most: what is left of the call's own deadline.
    uint64_t timeout_ms;
} ostler_outbound;

/// Sends a request and waits for the whole response. A response with status 500 is OSTLER_OK.
ostler_result ostler_fetch(const ostler_outbound *request, ostler_response **response);

#ifdef __cplusplus
}
#endif

#include "ostler_json.h"

#include "ostler_flags.h"
#include "ostler_gate.h"

#endif
