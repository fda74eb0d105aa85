// See text.h.
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(text_t *text, const void *bytes, size_t length) {
    char *larger = realloc(text->bytes, text->length + length + 1);
    if (larger == NULL) abort();
    memcpy(larger + text->length, bytes, length);
    text->bytes = larger;
    text->length += length;
    larger[text->length] = 0;
}

void text_print(text_t *text, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line) abort();
    text_add(text, line, (size_t)length);
}

static size_t path_length(const text_t *target) {
    const char *query = memchr(target->bytes, '?', target->length);
    return query == NULL ? target->length : (size_t)(query - target->bytes);
}

bool is_path(const text_t *target, const char *path) {
    size_t length = path_length(target);
    return strlen(path) == length && memcmp(target->bytes, path, length) == 0;
}

static char *unescaped(const char *from, size_t length) {
    char *value = malloc(length + 1), *to = value;
    if (value == NULL) abort();
    for (size_t at = 0; at < length; at++) {
        char digits[3] = {0};
        if (from[at] == '%' && at + 2 < length) {
            memcpy(digits, from + at + 1, 2);
            *to++ = (char)strtol(digits, NULL, 16);
            at += 2;
        } else {
            *to++ = from[at];
        }
    }
    *to = 0;
    return value;
}

char *parameter(const text_t *target, const char *name) {
    const char *at = target->bytes + path_length(target), *end = target->bytes + target->length;
    size_t length = strlen(name);
    while (at < end) {
        at++;
        const char *next = memchr(at, '&', (size_t)(end - at));
        if (next == NULL) next = end;
        if ((size_t)(next - at) > length && at[length] == '=' && memcmp(at, name, length) == 0) {
            return unescaped(at + length + 1, (size_t)(next - at) - length - 1);
        }
        at = next;
    }
    return NULL;
}

uint64_t number(const text_t *target, const char *name, uint64_t otherwise) {
    char *value = parameter(target, name);
    uint64_t found = value == NULL ? otherwise : strtoull(value, NULL, 10);
    free(value);
    return found;
}
