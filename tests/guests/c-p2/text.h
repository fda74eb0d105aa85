// Text that grows, and the few things that a handler needs to know of its request's target.
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Text of `length` bytes; begins as {0}, ends with `free(text.bytes)`.
typedef struct {
    char *bytes;
    size_t length;
} text_t;

// Appends bytes.
void text_add(text_t *text, const void *bytes, size_t length);

// Appends what `printf` would print.
void text_print(text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Whether `target` is `path`, whatever its query.
bool is_path(const text_t *target, const char *path);

// The query parameter `name` of `target` with percent-escapes undone, to be freed; NULL if it is not there.
char *parameter(const text_t *target, const char *name);

// The same as a number.
uint64_t number(const text_t *target, const char *name, uint64_t otherwise);

#endif
