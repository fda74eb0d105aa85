/// Feature flags of the host, and what experiments are decided by. Included by ostler.h.
///
/// Asking never fails: a flag that is missing or of another type gives the fallback, and `ostler_flag_resolve` says why.

#ifndef OSTLER_FLAGS_H
#define OSTLER_FLAGS_H

#include "ostler.h"
#include "ostler_json.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The flag `key` of this type, or `fallback`.
bool ostler_flag_boolean(const char *key, bool fallback);
const char *ostler_flag_string(const char *key, const char *fallback);
double ostler_flag_number(const char *key, double fallback);
/// `fallback` is an object as JSON.
const ostler_json *ostler_flag_object(const char *key, const char *fallback);

/// The four types of flags, in the contract's order.
typedef enum ostler_flag_kind {
    OSTLER_FLAG_BOOLEAN,
    OSTLER_FLAG_STRING,
    OSTLER_FLAG_NUMBER,
    OSTLER_FLAG_OBJECT,
} ostler_flag_kind;

/// A value of one of them: `kind` tells which field has it.
typedef struct ostler_flag_value {
    ostler_flag_kind kind;
    bool boolean;
    double number;
    /// A string, or an object as JSON.
    const char *text;
} ostler_flag_value;

/// A flag's answer, with what led to it.
typedef struct ostler_flag_details {
    /// The fallback if there was an error.
    ostler_flag_value value;
    /// Name of the variant; NULL for the fallback.
    const char *variant;
    /// `STATIC`, `DEFAULT`, `TARGETING_MATCH`, `SPLIT`, `CACHED`, `DISABLED`, `UNKNOWN`, `STALE` or `ERROR`.
    const char *reason;
    /// `FLAG_NOT_FOUND`, `TYPE_MISMATCH`, `PARSE_ERROR`, `TARGETING_KEY_MISSING`, `INVALID_CONTEXT`, `PROVIDER_NOT_READY` or
    /// `GENERAL`; NULL if nothing went wrong.
    const char *error_code;
    /// The same in words, or NULL.
    const char *error_message;
    /// What the flag's definition says of itself, an object.
    const ostler_json *metadata;
} ostler_flag_details;

/// The flag `key` of the type of `fallback`: `ostler_flag_resolve("color", (ostler_flag_value){OSTLER_FLAG_STRING, .text = "red"})`.
ostler_flag_details ostler_flag_resolve(const char *key, ostler_flag_value fallback);

/// Adds an attribute to what the host says of the exchange (`targetingKey`, `subject`, `tenant`, `roles`, `address`, `route`,
/// `method`, `path`, `host`, `plugin`, `release`), for the rest of this exchange; `targetingKey` may be set as well. The value is a
/// text, or JSON. False, and nothing added, if it is no JSON, or they are more than 64 or 16 KiB.
bool ostler_flag_context(const char *name, const char *text);
bool ostler_flag_context_json(const char *name, const char *json);

/// Counts `value` of `metric` (1 to 64 of `a-z 0-9 - _ .`) for the release that runs, and for the variants of the flags under
/// experiment that this exchange has asked for. False if the name, or a value that is not finite, is refused.
bool ostler_track(const char *metric, double value);

#ifdef __cplusplus
}
#endif

#endif
