/// The memory of one call: taken from the front, given back as a whole once the response is on its way.
///
/// The first block is part of the instance's own memory, so that a small request never grows it. **Invariant:** between calls
/// nothing but that block is held.

#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/// Bytes of the first block, and of each further one at least.
#define FIRST (32 * 1024)
#define BLOCK (64 * 1024)

struct block {
    struct block *before;
    size_t size;
    size_t used;
    char *data;
};

static _Alignas(16) char first_data[FIRST];
static struct block first = {.size = FIRST, .data = first_data};
static struct block *current = &first;

/// Puts a block of `size` bytes in front.
static void grow(size_t size) {
    size_t head = (sizeof(struct block) + 15) & ~(size_t)15;
    struct block *block = size > SIZE_MAX - head ? NULL : malloc(head + size);
    if (block == NULL) {
        ostler_error("out of memory");
        abort();
    }
    *block = (struct block){.before = current, .size = size, .data = (char *)block + head};
    current = block;
}

void *ostler_arena_take(size_t size, size_t align) {
    if (size > SIZE_MAX / 2) {
        abort();
    }
    size_t from = (current->used + align - 1) & ~(align - 1);
    if (from > current->size || current->size - from < size + 1) {
        grow(size + 1 > BLOCK ? size + 1 : BLOCK);
        from = 0;
    }
    char *taken = current->data + from;
    taken[size] = '\0';
    current->used = from + size + 1;
    return taken;
}

void ostler_arena_empty(void) {
    while (current != &first) {
        struct block *before = current->before;
        free(current);
        current = before;
    }
    first.used = 0;
}

void *ostler_alloc(size_t size) {
    return memset(ostler_arena_take(size, 16), 0, size);
}

const char *ostler_format(const char *format, ...) {
    va_list words, again;
    va_start(words, format);
    va_copy(again, words);
    int len = vsnprintf(NULL, 0, format, words);
    va_end(words);
    char *text = ostler_arena_take(len < 0 ? 0 : (size_t)len, 1);
    if (len > 0) {
        vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}
