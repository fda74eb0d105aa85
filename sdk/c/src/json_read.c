/// JSON is read by recursive descent, one function per kind. **Invariant:** nothing behind `end` is ever looked at, and calls
/// nest no deeper than OSTLER_JSON_DEPTH.

#include "internal.h"

#include <errno.h>
#include <stdlib.h>

struct reader {
    const char *begin, *at, *end;
    int depth;
    /// The first thing that went wrong; NULL while nothing has.
    const char *wrong;
};

static bool read_value(struct reader *reader, ostler_json *value);

static bool fail(struct reader *reader, const char *wrong) {
    reader->wrong = reader->wrong == NULL ? wrong : reader->wrong;
    return false;
}

/// The next byte, 0 at the end.
static char peek(const struct reader *reader) {
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, char byte) {
    if (reader->at == reader->end || *reader->at != byte) {
        return false;
    }
    reader->at++;
    return true;
}

static void skip_space(struct reader *reader) {
    while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL) {
        reader->at++;
    }
}

static bool read_word(struct reader *reader, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0) {
        return fail(reader, "a value was expected");
    }
    reader->at += len;
    return true;
}

static bool digits(struct reader *reader) {
    const char *from = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9') {
        reader->at++;
    }
    return reader->at > from || fail(reader, "a digit was expected");
}

static bool read_number(struct reader *reader, ostler_json *value) {
    const char *from = reader->at;
    bool whole = true;
    take(reader, '-');
    if (!take(reader, '0') && !digits(reader)) {
        return false;
    }
    if (take(reader, '.')) {
        whole = false;
        if (!digits(reader)) {
            return false;
        }
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        whole = false;
        if (!take(reader, '+')) {
            take(reader, '-');
        }
        if (!digits(reader)) {
            return false;
        }
    }
    const char *text = ostler_copy((ostler_bytes){from, (size_t)(reader->at - from)});
    value->kind = OSTLER_JSON_NUMBER;
    value->number = strtod(text, NULL);
    errno = 0;
    value->integer = strtoll(text, NULL, 10);
    value->is_integer = whole && errno == 0;
    return true;
}

/// Four hexadecimal digits.
static bool read_unit(struct reader *reader, uint32_t *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char digit = peek(reader), lower = digit | 0x20;
        if (digit >= '0' && digit <= '9') {
            *unit = *unit << 4 | (uint32_t)(digit - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            *unit = *unit << 4 | (uint32_t)(lower - 'a' + 10);
        } else {
            return fail(reader, "\\u needs four hexadecimal digits");
        }
        reader->at++;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t character) {
    if (character < 0x80) {
        *to++ = (char)character;
        return to;
    }
    int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[more] | (character >> (6 * more)));
    while (more-- > 0) {
        *to++ = (char)(0x80 | ((character >> (6 * more)) & 0x3f));
    }
    return to;
}

/// What follows `\u`, with the second half of a surrogate pair.
static bool read_unicode(struct reader *reader, char **to) {
    uint32_t unit, low;
    if (!read_unit(reader, &unit)) {
        return false;
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
        bool pair = unit < 0xdc00 && take(reader, '\\') && take(reader, 'u') && read_unit(reader, &low);
        if (!pair || low < 0xdc00 || low > 0xdfff) {
            return fail(reader, "half of a surrogate pair");
        }
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_utf8(*to, unit);
    return true;
}

static bool read_escape(struct reader *reader, char **to) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char name = peek(reader);
    const char *found = name == '\0' ? NULL : strchr(names, name);
    if (found != NULL) {
        reader->at++;
        *(*to)++ = meant[found - names];
        return true;
    }
    return take(reader, 'u') ? read_unicode(reader, to) : fail(reader, "an escape that JSON does not have");
}

/// The closing quotation mark, with escapes skipped; NULL if there is none.
static const char *string_end(const struct reader *reader) {
    for (const char *at = reader->at; at < reader->end; at++) {
        if (*at == '"') {
            return at;
        }
        at += *at == '\\';
    }
    return NULL;
}

static bool read_string(struct reader *reader, ostler_bytes *string) {
    if (!take(reader, '"')) {
        return fail(reader, "a string was expected");
    }
    const char *end = string_end(reader);
    if (end == NULL) {
        return fail(reader, "a string has no end");
    }
    // Decoding never lengthens: the shortest escape of each character is longer than its UTF-8.
    char *text = ostler_arena_take((size_t)(end - reader->at), 1), *to = text;
    while (reader->at < end) {
        uint32_t character = 0;
        size_t step = ostler_utf8_step(reader->at, (size_t)(end - reader->at), &character);
        if (step == 0 || character < 0x20) {
            return fail(reader, step == 0 ? "a string is not UTF-8" : "a control character in a string");
        }
        if (character == '\\') {
            reader->at++;
            if (!read_escape(reader, &to)) {
                return false;
            }
            continue;
        }
        memcpy(to, reader->at, step);
        to += step;
        reader->at += step;
    }
    reader->at = end + 1;
    *to = '\0';
    *string = (ostler_bytes){text, (size_t)(to - text)};
    return true;
}

static bool read_member_name(struct reader *reader, ostler_json *member) {
    skip_space(reader);
    if (!read_string(reader, &member->name)) {
        return false;
    }
    skip_space(reader);
    return take(reader, ':') || fail(reader, "a colon was expected");
}

/// What lies between brackets or braces; the opening one is taken.
static bool read_children(struct reader *reader, ostler_json *value, char close) {
    const ostler_json **place = &value->first;
    if (++reader->depth > OSTLER_JSON_DEPTH) {
        return fail(reader, "too deep");
    }
    skip_space(reader);
    if (!take(reader, close)) {
        do {
            ostler_json *child = ostler_alloc(sizeof *child);
            if ((close == '}' && !read_member_name(reader, child)) || !read_value(reader, child)) {
                return false;
            }
            *place = child;
            place = &child->next;
        } while (take(reader, ','));
        if (!take(reader, close)) {
            return fail(reader, "a comma or the closing bracket was expected");
        }
    }
    reader->depth--;
    return true;
}

/// A value and the space around it.
static bool read_value(struct reader *reader, ostler_json *value) {
    skip_space(reader);
    bool ok;
    switch (peek(reader)) {
    case '{':
    case '[':
        value->kind = *reader->at++ == '{' ? OSTLER_JSON_OBJECT : OSTLER_JSON_ARRAY;
        ok = read_children(reader, value, value->kind == OSTLER_JSON_OBJECT ? '}' : ']');
        break;
    case '"':
        value->kind = OSTLER_JSON_STRING;
        ok = read_string(reader, &value->string);
        break;
    case 't':
    case 'f':
        value->kind = OSTLER_JSON_BOOL;
        value->boolean = *reader->at == 't';
        ok = read_word(reader, value->boolean ? "true" : "false");
        break;
    case 'n':
        value->kind = OSTLER_JSON_NULL;
        ok = read_word(reader, "null");
        break;
    default:
        ok = (peek(reader) == '-' || (peek(reader) >= '0' && peek(reader) <= '9')) ? read_number(reader, value)
                                                                                  : fail(reader, "a value was expected");
    }
    skip_space(reader);
    return ok;
}

const ostler_json *ostler_json_parse(ostler_bytes text) {
    const char *data = text.data == NULL ? "" : text.data;
    struct reader reader = {.begin = data, .at = data, .end = data + text.len};
    ostler_json *value = ostler_alloc(sizeof *value);
    bool ok = read_value(&reader, value) && (reader.at == reader.end || fail(&reader, "something follows the value"));
    if (!ok) {
        ostler_because(OSTLER_INVALID, ostler_format("no JSON at byte %zu: %s", (size_t)(reader.at - reader.begin), reader.wrong));
    }
    return ok ? value : NULL;
}

const ostler_json *ostler_json_get(const ostler_json *value, const char *name) {
    const ostler_json *found = NULL;
    if (value != NULL && value->kind == OSTLER_JSON_OBJECT) {
        for (const ostler_json *member = value->first; member != NULL; member = member->next) {
            found = ostler_equal(member->name, name) ? member : found;
        }
    }
    return found;
}

const char *ostler_json_text(const ostler_json *value) {
    return value != NULL && value->kind == OSTLER_JSON_STRING ? value->string.data : NULL;
}
