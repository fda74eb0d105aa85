/// JSON (RFC 8259) for handlers: read into a tree, written piece by piece. Included by ostler.h.
///
/// The reader takes hostile input: depth is bounded, texts must be UTF-8 without lone surrogates, and the whole input must be
/// one value. Memory is the call's arena.

#ifndef OSTLER_JSON_H
#define OSTLER_JSON_H

#include "ostler.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How deep arrays and objects may lie in each other.
#define OSTLER_JSON_DEPTH 64

/// What a value is.
typedef enum ostler_json_kind {
    OSTLER_JSON_NULL,
    OSTLER_JSON_BOOL,
    OSTLER_JSON_NUMBER,
    OSTLER_JSON_STRING,
    OSTLER_JSON_ARRAY,
    OSTLER_JSON_OBJECT,
} ostler_json_kind;

/// A value that was read.
typedef struct ostler_json {
    ostler_json_kind kind;
    /// Of a bool.
    bool boolean;
    /// Of a number: whether it has neither fraction nor exponent and fits `integer`.
    bool is_integer;
    int64_t integer;
    /// Of every number.
    double number;
    /// Of a string, decoded; it may hold NULs.
    ostler_bytes string;
    /// Name in the object around it.
    ostler_bytes name;
    /// First value of an array or object, and the value after this one; NULL at the end.
    const struct ostler_json *first;
    const struct ostler_json *next;
} ostler_json;

/// Reads a text as one value; NULL if it is none, and then `ostler_why` says where and why.
const ostler_json *ostler_json_parse(ostler_bytes text);

/// The value under `name` of an object, of several the last; NULL if there is none, or `value` is NULL or no object.
const ostler_json *ostler_json_get(const ostler_json *value, const char *name);

/// The text of a string; NULL if `value` is NULL or no string.
const char *ostler_json_text(const ostler_json *value);

/// JSON that is being written. Begin with `ostler_writer writer = {0};`. Commas come by themselves.
typedef struct ostler_writer {
    char *data;
    size_t len;
    size_t room;
} ostler_writer;

/// `{` and `}`.
void ostler_write_object(ostler_writer *writer);
void ostler_write_object_end(ostler_writer *writer);
/// `[` and `]`.
void ostler_write_array(ostler_writer *writer);
void ostler_write_array_end(ostler_writer *writer);
/// The name of the value that is written next.
void ostler_write_name(ostler_writer *writer, const char *name);
/// A string; bytes that are no UTF-8 become U+FFFD.
void ostler_write_string(ostler_writer *writer, const char *text);
void ostler_write_bytes(ostler_writer *writer, ostler_bytes text);
void ostler_write_int(ostler_writer *writer, int64_t number);
/// A number; NaN and the infinities have no JSON form and become null.
void ostler_write_double(ostler_writer *writer, double number);
void ostler_write_bool(ostler_writer *writer, bool value);
void ostler_write_null(ostler_writer *writer);
/// JSON that is written already, as it is.
void ostler_write_raw(ostler_writer *writer, ostler_bytes json);

/// What was written, with a NUL behind it.
ostler_bytes ostler_written(const ostler_writer *writer);

/// A response of what was written, as `application/json`.
ostler_response *ostler_json_response(int status, const ostler_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
