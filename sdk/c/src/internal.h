/// What the files of the SDK share and handlers do not see: the arena's inside, and texts on their way to the host.

#ifndef OSTLER_INTERNAL_H
#define OSTLER_INTERNAL_H

#include <string.h>

#include "ostler.h"
#include "typed.h"

/// Memory of the arena that is not zeroed, with a NUL behind it. `align` is a power of two, 16 at most.
void *ostler_arena_take(size_t size, size_t align);

/// Forgets everything that was taken.
void ostler_arena_empty(void);

/// Remembers what `ostler_why` says, and returns `result`.
ostler_result ostler_because(ostler_result result, const char *text);

/// Undoes percent-encoding, into a copy. A `%` that begins no escape stays; bytes that are no UTF-8 become U+FFFD.
const char *ostler_decode(ostler_bytes text, bool plus_is_space);

/// The first value of `name` in `a=1&b=2`, decoded; NULL if there is none.
const char *ostler_pair(ostler_bytes pairs, const char *name);

/// The first value of a field, whatever the case of `name`; NULL if there is none.
const char *ostler_field_value(const ostler_field *fields, size_t count, const char *name);

/// The length of the UTF-8 sequence at `text[0]`, 0 if it is none.
size_t ostler_utf8_step(const char *text, size_t len, uint32_t *character);

/// Adds bytes to what is being written, as they are.
void ostler_write_text(ostler_writer *writer, const char *text, size_t len);

/// A text as the host takes it. The bindings have no `const`; the host does not write to what it is given.
static inline typed_string_t ostler_to_host(const char *text) {
    return (typed_string_t){.ptr = (uint8_t *)text, .len = strlen(text)};
}

/// Bytes as the host takes them.
static inline typed_list_u8_t ostler_bytes_to_host(ostler_bytes bytes) {
    return (typed_list_u8_t){.ptr = (uint8_t *)bytes.data, .len = bytes.len};
}

/// A text from the host: it has a NUL behind it (`ostler_arena_take`), unless it is empty.
static inline const char *ostler_from_host(typed_string_t text) {
    return text.len == 0 ? "" : (const char *)text.ptr;
}

/// Bytes from the host.
static inline ostler_bytes ostler_bytes_from_host(typed_list_u8_t bytes) {
    return (ostler_bytes){.data = bytes.len == 0 ? "" : (const char *)bytes.ptr, .len = bytes.len};
}

/// Fields of a head on their way to the host and back.
ostler_plugin_types_list_header_t ostler_fields_to_host(const ostler_field *fields, size_t count);
ostler_field *ostler_fields_from_host(ostler_plugin_types_list_header_t fields);

#endif
