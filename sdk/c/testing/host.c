/// Stand-ins for configuration, log, context and outbound HTTP, and the requests of a test.

#include "stand_ins.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST 256

struct kept {
    struct kept *before;
    char text[];
};

static struct kept *kept;
static ostler_setting settings[MOST];
static size_t setting_count;
static const char *lines[MOST];
static size_t line_count;
static ostler_response *(*other_servers)(const ostler_outbound *);
static const char *request_id = "test-request", *client_address = "127.0.0.1";
static uint64_t deadline_left = 2000;

char *stand_in_keep(const char *text, size_t len) {
    struct kept *copy = malloc(sizeof *copy + len + 1);
    if (copy == NULL) {
        abort();
    }
    copy->before = kept;
    memcpy(copy->text, text, len);
    copy->text[len] = '\0';
    kept = copy;
    return copy->text;
}

static char *keep(const char *text) {
    return stand_in_keep(text, strlen(text));
}

void ostler_test_begin(void) {
    ostler_arena_empty();
    stand_in_forget_stores();
    stand_in_forget_gate();
    stand_in_forget_flags();
    while (kept != NULL) {
        struct kept *before = kept->before;
        free(kept);
        kept = before;
    }
    setting_count = line_count = 0;
    other_servers = NULL;
    request_id = "test-request";
    client_address = "127.0.0.1";
    deadline_left = 2000;
    ostler_because(OSTLER_OK, "");
}

typed_list_u8_t stand_in_bytes(const char *data, size_t len) {
    char *copy = ostler_arena_take(len, 1);
    memcpy(copy, data, len);
    return (typed_list_u8_t){(uint8_t *)copy, len};
}

typed_string_t stand_in_text(const char *text) {
    typed_list_u8_t bytes = stand_in_bytes(text, strlen(text));
    return (typed_string_t){bytes.ptr, bytes.len};
}

const char *stand_in_read(const typed_string_t *text) {
    return ostler_copy((ostler_bytes){(const char *)text->ptr, text->len});
}

// ------------------------------------------------------------------------------------------------------- configuration

void ostler_test_config(const char *key, const char *value) {
    if (setting_count == MOST) {
        abort();
    }
    settings[setting_count++] = (ostler_setting){keep(key), keep(value)};
}

bool ostler_plugin_config_get(typed_string_t *key, typed_string_t *ret) {
    for (size_t i = 0; i < setting_count; i++) {
        if (strcmp(settings[i].key, stand_in_read(key)) == 0) {
            *ret = stand_in_text(settings[i].value);
            return true;
        }
    }
    return false;
}

static int by_key(const void *one, const void *two) {
    return strcmp(((const ostler_setting *)one)->key, ((const ostler_setting *)two)->key);
}

void ostler_plugin_config_all(typed_list_tuple2_string_string_t *ret) {
    qsort(settings, setting_count, sizeof *settings, by_key);
    ret->len = setting_count;
    ret->ptr = ostler_alloc(setting_count * sizeof *ret->ptr);
    for (size_t i = 0; i < setting_count; i++) {
        ret->ptr[i].f0 = stand_in_text(settings[i].key);
        ret->ptr[i].f1 = stand_in_text(settings[i].value);
    }
}

// ----------------------------------------------------------------------------------------------------------------- log

void ostler_plugin_log_write(ostler_plugin_log_level_t level, typed_string_t *message,
                             typed_list_tuple2_string_string_t *fields) {
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
    const char *line = ostler_format("%s %s", levels[level], stand_in_read(message));
    for (size_t i = 0; i < fields->len; i++) {
        line = ostler_format("%s %s=%s", line, stand_in_read(&fields->ptr[i].f0), stand_in_read(&fields->ptr[i].f1));
    }
    if (line_count < MOST) {
        lines[line_count++] = keep(line);
    }
}

size_t ostler_test_lines(void) {
    return line_count;
}

const char *ostler_test_line(size_t index) {
    return index < line_count ? lines[index] : NULL;
}

// ------------------------------------------------------------------------------------------------------------- context

void ostler_test_request_id(const char *id) {
    request_id = keep(id);
}

void ostler_test_client_address(const char *address) {
    client_address = keep(address);
}

void ostler_test_deadline_left(uint64_t ms) {
    deadline_left = ms;
}

void ostler_plugin_context_get(ostler_plugin_context_exchange_t *ret) {
    ret->request_id = stand_in_text(request_id);
    ret->route = stand_in_text("/{*rest}");
    ret->plugin = stand_in_text("test");
    ret->release = stand_in_text("sha256:0000000000000000000000000000000000000000000000000000000000000000");
    ret->client_address = stand_in_text(client_address);
}

uint64_t ostler_plugin_context_deadline_left_ms(void) {
    return deadline_left;
}

// ------------------------------------------------------------------------------------------------------- outbound HTTP

void ostler_test_http(ostler_response *(*answer)(const ostler_outbound *)) {
    other_servers = answer;
}

static bool refuse(ostler_plugin_http_client_error_t *error, uint8_t tag, const char *text) {
    error->tag = tag;
    error->val.failed = stand_in_text(text);
    return false;
}

bool ostler_plugin_http_client_send(ostler_plugin_http_client_outbound_t *request,
                                    ostler_plugin_http_client_response_t *ret, ostler_plugin_http_client_error_t *error) {
    if (other_servers == NULL) {
        const char *text = ostler_format("outbound HTTP to %s is not granted", stand_in_read(&request->url));
        return refuse(error, OSTLER_PLUGIN_HTTP_CLIENT_ERROR_DENIED, text);
    }
    ostler_plugin_types_list_header_t headers = {request->headers.ptr, request->headers.len};
    ostler_outbound outbound = {
        .method = stand_in_read(&request->method),
        .url = stand_in_read(&request->url),
        .headers = ostler_fields_from_host(headers),
        .header_count = headers.len,
        .body = {ostler_copy((ostler_bytes){(const char *)request->body.ptr, request->body.len}), request->body.len},
        .timeout_ms = request->timeout_ms.is_some ? request->timeout_ms.val : 0,
    };
    const ostler_response *answer = other_servers(&outbound);
    if (answer == NULL) {
        return refuse(error, OSTLER_PLUGIN_HTTP_CLIENT_ERROR_FAILED, "the connection was refused");
    }
    ret->status = (uint16_t)answer->status;
    ret->headers = ostler_fields_to_host(answer->headers, answer->header_count);
    ret->body = ostler_bytes_to_host(answer->body);
    return true;
}

// ------------------------------------------------------------------------------------------------------------ requests

ostler_request *ostler_test_request(const char *method, const char *target, const char *body) {
    ostler_request *request = ostler_alloc(sizeof *request);
    request->method = method;
    request->target = target;
    request->path = ostler_copy((ostler_bytes){target, strcspn(target, "?")});
    request->body = ostler_bytes_of(body == NULL ? "" : body);
    return request;
}

ostler_request *ostler_test_with_header(ostler_request *request, const char *name, const char *value) {
    size_t count = request->header_count;
    ostler_field *fields = ostler_alloc((count + 1) * sizeof *fields);
    if (count > 0) {
        memcpy(fields, request->headers, count * sizeof *fields);
    }
    fields[count] = (ostler_field){name, ostler_bytes_of(value)};
    request->headers = fields;
    request->header_count = count + 1;
    return request;
}

ostler_response *ostler_test_send(const char *method, const char *target, const char *body) {
    return handle(ostler_test_request(method, target, body));
}
