// A wasi:http 0.2 handler in C for the conformance scenarios. The README of the guests lists its paths.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "message.h"
#include "proxy.h"
#include "text.h"

typedef wasi_http_types_own_incoming_request_t request_t;
typedef wasi_http_types_own_response_outparam_t out_t;

static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

static wasi_http_types_own_fields_t no_fields(void) {
    return wasi_http_types_constructor_fields();
}

static void append(wasi_http_types_own_fields_t fields, const char *name, const char *value) {
    wasi_http_types_field_name_t key = {(uint8_t *)name, strlen(name)};
    wasi_http_types_field_value_t content = {(uint8_t *)value, strlen(value)};
    wasi_http_types_header_error_t error;
    if (!wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &key, &content, &error)) abort();
}

static wasi_http_types_own_incoming_body_t body_of(request_t request) {
    wasi_http_types_own_incoming_body_t body;
    if (!wasi_http_types_method_incoming_request_consume(wasi_http_types_borrow_incoming_request(request), &body)) abort();
    return body;
}

static void add_string(text_t *text, const char *name, proxy_string_t *value) {
    text_print(text, "%s=", name);
    text_add(text, value->ptr, value->len);
    text_print(text, "\n");
    proxy_string_free(value);
}

// The request's head, a line each.
static void seen(request_t request, text_t *text) {
    wasi_http_types_borrow_incoming_request_t self = wasi_http_types_borrow_incoming_request(request);
    wasi_http_types_method_t method;
    wasi_http_types_method_incoming_request_method(self, &method);
    if (method.tag == WASI_HTTP_TYPES_METHOD_OTHER) {
        add_string(text, "method", &method.val.other);
    } else {
        text_print(text, "method=%s\n", METHODS[method.tag]);
    }
    wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_OTHER};
    wasi_http_types_method_incoming_request_scheme(self, &scheme);
    bool plain = scheme.tag == WASI_HTTP_TYPES_SCHEME_HTTP, secure = scheme.tag == WASI_HTTP_TYPES_SCHEME_HTTPS;
    text_print(text, "scheme=%s\n", plain ? "http" : secure ? "https" : "other");
    wasi_http_types_scheme_free(&scheme);
    proxy_string_t authority = {0}, path = {0};
    wasi_http_types_method_incoming_request_authority(self, &authority);
    add_string(text, "authority", &authority);
    wasi_http_types_method_incoming_request_path_with_query(self, &path);
    add_string(text, "target", &path);
    wasi_http_types_own_fields_t fields = wasi_http_types_method_incoming_request_headers(self);
    list_fields(text, fields);
    wasi_http_types_fields_drop_own(fields);
}

// Answers before it reads the request's body; tells standard error as well.
static void early(request_t request, out_t out) {
    answer_t answer = answer_start(out, 200, no_fields());
    answer_write(&answer, "early\n", 6);
    text_t text = {0};
    receive(&text, body_of(request));
    answer_write(&answer, text.bytes, text.length);
    for (size_t at = 0; at < text.length; at++) {
        if (text.bytes[at] == '\n') text.bytes[at] = ' ';
    }
    fprintf(stderr, "early: %s\n", text.bytes);
    answer_finish(&answer, NULL);
    free(text.bytes);
}

// A body for as long as anybody takes it.
static void endless(out_t out) {
    static char piece[4096];
    memset(piece, 'x', sizeof piece);
    answer_t answer = answer_start(out, 200, no_fields());
    while (answer_write(&answer, piece, sizeof piece)) {
    }
    answer_finish(&answer, NULL);
    fprintf(stderr, "the client is gone\n");
}

static void wait_inside(out_t out) {
    answer_t answer = answer_start(out, 200, no_fields());
    answer_write(&answer, "begun", 5);
    wasi_io_poll_own_pollable_t late = wasi_clocks_monotonic_clock_subscribe_duration(1000000000000000);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(late));
}

static void with_trailers(out_t out) {
    wasi_http_types_own_fields_t fields = no_fields(), trailers = no_fields();
    append(fields, "trailer", "x-sum");
    append(trailers, "x-sum", "3");
    answer_t answer = answer_start(out, 200, fields);
    answer_write(&answer, "abc", 3);
    answer_finish(&answer, &trailers);
}

// An error code in place of a response.
static void fail(out_t out, uint64_t place) {
    wasi_http_types_result_own_outgoing_response_error_code_t result;
    memset(&result, 0, sizeof result);
    result.is_err = true;
    result.val.err.tag = place < WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR ? (uint8_t)place
                                                                           : WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR;
    wasi_http_types_static_response_outparam_set(out, &result);
}

static const char *outcome(wasi_http_types_own_fields_t fields, const char *name, const char *value) {
    static const char *const ERRORS[] = {"invalid", "forbidden", "immutable"};
    wasi_http_types_field_name_t key = {(uint8_t *)name, strlen(name)};
    wasi_http_types_field_value_t content = {(uint8_t *)value, strlen(value)};
    wasi_http_types_header_error_t error;
    bool taken = wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &key, &content, &error);
    return taken ? "taken" : ERRORS[error.tag];
}

// What becomes of fields that a guest may not send, a line each.
static void forbidden(request_t request, text_t *text) {
    static const char *const NAMES[] = {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "transfer-encoding", "upgrade", "host", "http2-settings", "bad name",
    };
    wasi_http_types_own_fields_t fields = no_fields();
    for (size_t at = 0; at < sizeof NAMES / sizeof *NAMES; at++) {
        text_print(text, "%s=%s\n", NAMES[at], outcome(fields, NAMES[at], "x"));
    }
    text_print(text, "x-bad-value=%s\n", outcome(fields, "x-bad-value", "a\r\nb"));
    wasi_http_types_fields_drop_own(fields);
    fields = wasi_http_types_method_incoming_request_headers(wasi_http_types_borrow_incoming_request(request));
    text_print(text, "request=%s\n", outcome(fields, "x-mine", "1"));
    wasi_http_types_fields_drop_own(fields);
}

// Paths that answer with text; false if `target` is none of them.
static bool told(request_t request, const text_t *target, text_t *text) {
    if (is_path(target, "/")) {
        text_print(text, "good");
    } else if (is_path(target, "/seen")) {
        seen(request, text);
    } else if (is_path(target, "/collect")) {
        receive(text, body_of(request));
    } else if (is_path(target, "/forbidden")) {
        forbidden(request, text);
    } else if (is_path(target, "/ask")) {
        ask(request, target, text);
    } else {
        return false;
    }
    return true;
}

static void answer(request_t request, out_t out, const text_t *target) {
    text_t text = {0};
    if (is_path(target, "/early")) {
        early(request, out);
    } else if (is_path(target, "/endless") || is_path(target, "/until-gone")) {
        endless(out);
    } else if (is_path(target, "/wait-inside")) {
        wait_inside(out);
    } else if (is_path(target, "/trailers")) {
        with_trailers(out);
    } else if (is_path(target, "/fail")) {
        fail(out, number(target, "code", WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR));
    } else if (is_path(target, "/status")) {
        text_print(&text, "a status");
        answer_text(out, (uint16_t)number(target, "code", 200), &text);
    } else if (told(request, target, &text)) {
        answer_text(out, 200, &text);
    } else {
        text_print(&text, "README.md of the guests lists the paths");
        answer_text(out, 404, &text);
    }
}

void exports_wasi_http_incoming_handler_handle(request_t request, out_t out) {
    proxy_string_t path = {0};
    wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request), &path);
    text_t target = {0};
    text_add(&target, path.ptr, path.len);
    proxy_string_free(&path);
    answer(request, out, &target);
    free(target.bytes);
    wasi_http_types_incoming_request_drop_own(request);
}
