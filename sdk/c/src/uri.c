/// Paths and queries: percent-decoding, `name=value` pairs, path patterns.

#include "internal.h"

static int hex(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// A copy in which bytes that are no UTF-8 are U+FFFD.
static const char *as_utf8(ostler_bytes text) {
    if (ostler_utf8(text, NULL)) {
        return text.data;
    }
    char *fixed = ostler_arena_take(text.len * 3, 1);
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t character;
        size_t step = ostler_utf8_step(text.data + at, text.len - at, &character);
        memcpy(fixed + len, step == 0 ? "\xef\xbf\xbd" : text.data + at, step == 0 ? 3 : step);
        len += step == 0 ? 3 : step;
        at += step == 0 ? 1 : step;
    }
    fixed[len] = '\0';
    return fixed;
}

const char *ostler_decode(ostler_bytes text, bool plus_is_space) {
    char *decoded = ostler_arena_take(text.len, 1);
    size_t len = 0;
    for (size_t at = 0; at < text.len; at++) {
        char byte = text.data[at];
        if (byte == '%' && text.len - at > 2 && hex(text.data[at + 1]) >= 0 && hex(text.data[at + 2]) >= 0) {
            byte = (char)(hex(text.data[at + 1]) << 4 | hex(text.data[at + 2]));
            at += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        decoded[len++] = byte;
    }
    decoded[len] = '\0';
    return as_utf8((ostler_bytes){decoded, len});
}

/// Cuts `text` before the first `mark`; what follows the mark stays in `rest`, without data if there is no mark.
static ostler_bytes cut(ostler_bytes text, char mark, ostler_bytes *rest) {
    const char *found = text.len == 0 ? NULL : memchr(text.data, mark, text.len);
    *rest = (ostler_bytes){0};
    if (found == NULL) {
        return text;
    }
    size_t len = (size_t)(found - text.data);
    *rest = (ostler_bytes){found + 1, text.len - len - 1};
    return (ostler_bytes){text.data, len};
}

const char *ostler_pair(ostler_bytes pairs, const char *name) {
    while (pairs.data != NULL) {
        ostler_bytes value, pair = cut(pairs, '&', &pairs);
        ostler_bytes its_name = cut(pair, '=', &value);
        if (pair.len > 0 && strcmp(ostler_decode(its_name, true), name) == 0) {
            return ostler_decode(value, true);
        }
    }
    return NULL;
}

/// The name between the braces of a pattern's part, without data if it has none.
static ostler_bytes placeholder(ostler_bytes part) {
    bool braces = part.len > 2 && part.data[0] == '{' && part.data[part.len - 1] == '}';
    return braces ? (ostler_bytes){part.data + 1, part.len - 2} : (ostler_bytes){0};
}

static bool keep(ostler_params *match, ostler_bytes name, ostler_bytes value) {
    if (match->count == OSTLER_PLACEHOLDERS) {
        return false;
    }
    match->names[match->count] = name;
    match->values[match->count++] = ostler_decode(value, false);
    return true;
}

/// Whether `path` fits `pattern`, part by part; both begin after the same number of slashes.
static bool fits(ostler_bytes pattern, ostler_bytes path, ostler_params *match) {
    while (pattern.data != NULL && path.data != NULL) {
        ostler_bytes whole = path, part = cut(pattern, '/', &pattern), name = placeholder(part);
        if (name.data != NULL && name.data[0] == '*') {
            return keep(match, (ostler_bytes){name.data + 1, name.len - 1}, whole);
        }
        ostler_bytes segment = cut(path, '/', &path);
        bool equal = part.len == segment.len && (part.len == 0 || memcmp(part.data, segment.data, part.len) == 0);
        if (name.data == NULL ? !equal : segment.len == 0 || !keep(match, name, segment)) {
            return false;
        }
    }
    return pattern.data == NULL && path.data == NULL;
}

bool ostler_match(const ostler_request *request, const char *pattern, ostler_params *match) {
    ostler_params found = {0};
    if (!fits(ostler_bytes_of(pattern), ostler_bytes_of(request->path), &found)) {
        return false;
    }
    if (match != NULL) {
        *match = found;
    }
    return true;
}

const char *ostler_param(const ostler_params *match, const char *name) {
    for (size_t i = 0; i < match->count; i++) {
        if (ostler_equal(match->names[i], name)) {
            return match->values[i];
        }
    }
    return "";
}
