/// Texts: UTF-8, white space, copies.

#include "internal.h"

ostler_bytes ostler_bytes_of(const char *text) {
    return (ostler_bytes){.data = text, .len = strlen(text)};
}

bool ostler_equal(ostler_bytes bytes, const char *text) {
    return bytes.data != NULL && bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

const char *ostler_copy(ostler_bytes text) {
    char *copy = ostler_arena_take(text.len, 1);
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}

/// Lead bytes, and the least second byte after some of them (Unicode, table 3-7).
size_t ostler_utf8_step(const char *text, size_t len, uint32_t *character) {
    const unsigned char *at = (const unsigned char *)text;
    if (len == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        *character = at[0];
        return 1;
    }
    size_t need = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || len < need) {
        return 0;
    }
    uint32_t value = at[0] & (0x7f >> need);
    for (size_t i = 1; i < need; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (at[i] & 0x3f);
    }
    bool overlong = (need == 3 && value < 0x800) || (need == 4 && value < 0x10000);
    if (overlong || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *character = value;
    return need;
}

bool ostler_utf8(ostler_bytes text, size_t *characters) {
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++) {
        uint32_t character;
        size_t step = ostler_utf8_step(text.data + at, text.len - at, &character);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    if (characters != NULL) {
        *characters = count;
    }
    return true;
}

/// Unicode's property White_Space.
static bool is_space(uint32_t character) {
    switch (character) {
    case ' ': case 0x85: case 0xa0: case 0x1680: case 0x2028: case 0x2029: case 0x202f: case 0x205f: case 0x3000:
        return true;
    default:
        return (character >= '\t' && character <= '\r') || (character >= 0x2000 && character <= 0x200a);
    }
}

/// The length of the character before `end`, 0 if there is none.
static size_t step_back(ostler_bytes text, uint32_t *character) {
    for (size_t back = 1; back <= 4 && back <= text.len; back++) {
        if (ostler_utf8_step(text.data + text.len - back, back, character) == back) {
            return back;
        }
    }
    return 0;
}

ostler_bytes ostler_trim(ostler_bytes text) {
    uint32_t character;
    size_t step;
    while ((step = ostler_utf8_step(text.data, text.len, &character)) > 0 && is_space(character)) {
        text.data += step;
        text.len -= step;
    }
    while ((step = step_back(text, &character)) > 0 && is_space(character)) {
        text.len -= step;
    }
    return text;
}
