/// JSON is written piece by piece. Whether a comma is due shows in the last byte, so nothing else is kept.

#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void ostler_write_text(ostler_writer *writer, const char *text, size_t len) {
    if (writer->room - writer->len < len + 1) {
        size_t room = (writer->len + len + 1) * 2;
        room = room < 256 ? 256 : room;
        char *data = ostler_arena_take(room, 1);
        if (writer->len > 0) {
            memcpy(data, writer->data, writer->len);
        }
        writer->data = data;
        writer->room = room;
    }
    if (len > 0) {
        memcpy(writer->data + writer->len, text, len);
    }
    writer->len += len;
    writer->data[writer->len] = '\0';
}

/// Before a value or a name: a comma, unless it is the first here or follows its name.
static void separate(ostler_writer *writer) {
    if (writer->len > 0 && strchr("{[:", writer->data[writer->len - 1]) == NULL) {
        ostler_write_text(writer, ",", 1);
    }
}

static void value(ostler_writer *writer, const char *text) {
    separate(writer);
    ostler_write_text(writer, text, strlen(text));
}

void ostler_write_object(ostler_writer *writer) {
    value(writer, "{");
}

void ostler_write_object_end(ostler_writer *writer) {
    ostler_write_text(writer, "}", 1);
}

void ostler_write_array(ostler_writer *writer) {
    value(writer, "[");
}

void ostler_write_array_end(ostler_writer *writer) {
    ostler_write_text(writer, "]", 1);
}

void ostler_write_name(ostler_writer *writer, const char *name) {
    ostler_write_string(writer, name);
    ostler_write_text(writer, ":", 1);
}

void ostler_write_string(ostler_writer *writer, const char *text) {
    ostler_write_bytes(writer, ostler_bytes_of(text));
}

static void escape(ostler_writer *writer, char byte) {
    static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = byte == '\0' ? NULL : strchr(named, byte);
    char text[8];
    if (found != NULL) {
        snprintf(text, sizeof text, "\\%c", names[found - named]);
    } else {
        snprintf(text, sizeof text, "\\u%04x", (unsigned char)byte);
    }
    ostler_write_text(writer, text, strlen(text));
}

void ostler_write_bytes(ostler_writer *writer, ostler_bytes text) {
    separate(writer);
    ostler_write_text(writer, "\"", 1);
    for (size_t at = 0; at < text.len;) {
        uint32_t character = 0;
        size_t step = ostler_utf8_step(text.data + at, text.len - at, &character);
        if (step == 0) {
            ostler_write_text(writer, "\xef\xbf\xbd", 3);
        } else if (step == 1 && (character < 0x20 || character == '"' || character == '\\')) {
            escape(writer, (char)character);
        } else {
            ostler_write_text(writer, text.data + at, step);
        }
        at += step == 0 ? 1 : step;
    }
    ostler_write_text(writer, "\"", 1);
}

void ostler_write_int(ostler_writer *writer, int64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    value(writer, text);
}

void ostler_write_double(ostler_writer *writer, double number) {
    char text[32];
    snprintf(text, sizeof text, "%.17g", number);
    value(writer, isfinite(number) ? text : "null");
}

void ostler_write_bool(ostler_writer *writer, bool is) {
    value(writer, is ? "true" : "false");
}

void ostler_write_null(ostler_writer *writer) {
    value(writer, "null");
}

void ostler_write_raw(ostler_writer *writer, ostler_bytes json) {
    separate(writer);
    ostler_write_text(writer, json.data, json.len);
}

ostler_bytes ostler_written(const ostler_writer *writer) {
    return (ostler_bytes){writer->data == NULL ? "" : writer->data, writer->len};
}

ostler_response *ostler_json_response(int status, const ostler_writer *writer) {
    return ostler_body(status, "application/json", ostler_written(writer));
}
