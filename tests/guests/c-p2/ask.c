// See ask.h.
#include "ask.h"

#include <stdlib.h>
#include <string.h>

// The fields behind `x-out-`.
static wasi_http_types_own_fields_t outbound_fields(wasi_http_types_borrow_incoming_request_t request) {
    static const char PREFIX[] = "x-out-";
    size_t prefix = sizeof PREFIX - 1;
    wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
    wasi_http_types_own_fields_t own = wasi_http_types_method_incoming_request_headers(request);
    wasi_http_types_list_tuple2_field_name_field_value_t entries;
    wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(own), &entries);
    for (size_t at = 0; at < entries.len; at++) {
        wasi_http_types_field_name_t name = entries.ptr[at].f0;
        if (name.len <= prefix || memcmp(name.ptr, PREFIX, prefix) != 0) continue;
        name = (wasi_http_types_field_name_t){name.ptr + prefix, name.len - prefix};
        wasi_http_types_header_error_t error;
        if (!wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &entries.ptr[at].f1, &error)) {
            abort();
        }
    }
    wasi_http_types_list_tuple2_field_name_field_value_free(&entries);
    wasi_http_types_fields_drop_own(own);
    return fields;
}

static proxy_string_t string_of(const char *text, size_t length) {
    return (proxy_string_t){(uint8_t *)text, length};
}

// The request to `url`, without its body; false if `url` is none.
static bool request_to(const char *url, wasi_http_types_borrow_incoming_request_t incoming,
                       wasi_http_types_own_outgoing_request_t *request) {
    const char *rest = strstr(url, "://");
    if (rest == NULL) return false;
    wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_OTHER};
    scheme.val.other = string_of(url, (size_t)(rest - url));
    if (strncmp(url, "http:", 5) == 0) scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTP;
    if (strncmp(url, "https:", 6) == 0) scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTPS;
    rest += 3;
    const char *slash = strchr(rest, '/');
    if (slash == NULL) slash = rest + strlen(rest);
    proxy_string_t authority = string_of(rest, (size_t)(slash - rest));
    proxy_string_t path = *slash == 0 ? string_of("/", 1) : string_of(slash, strlen(slash));
    wasi_http_types_method_t method;
    wasi_http_types_method_incoming_request_method(incoming, &method);
    *request = wasi_http_types_constructor_outgoing_request(outbound_fields(incoming));
    wasi_http_types_borrow_outgoing_request_t self = wasi_http_types_borrow_outgoing_request(*request);
    bool set = wasi_http_types_method_outgoing_request_set_method(self, &method) &&
               wasi_http_types_method_outgoing_request_set_scheme(self, &scheme) &&
               wasi_http_types_method_outgoing_request_set_authority(self, &authority) &&
               wasi_http_types_method_outgoing_request_set_path_with_query(self, &path);
    wasi_http_types_method_free(&method);
    return set;
}

static wasi_http_types_own_request_options_t options_of(const text_t *target) {
    wasi_http_types_own_request_options_t options = wasi_http_types_constructor_request_options();
    wasi_http_types_borrow_request_options_t self = wasi_http_types_borrow_request_options(options);
    wasi_http_types_duration_t connect = number(target, "connect", 0) * 1000000;
    wasi_http_types_duration_t first = number(target, "first", 0) * 1000000;
    wasi_http_types_duration_t between = number(target, "between", 0) * 1000000;
    bool set = wasi_http_types_method_request_options_set_connect_timeout(self, connect ? &connect : NULL) &&
               wasi_http_types_method_request_options_set_first_byte_timeout(self, first ? &first : NULL) &&
               wasi_http_types_method_request_options_set_between_bytes_timeout(self, between ? &between : NULL);
    if (!set) abort();
    return options;
}

// Passes the request's body and trailers on, as they come; false if the request broke off, and `code` says why.
static bool copy(wasi_http_types_borrow_incoming_request_t incoming, wasi_http_types_own_outgoing_body_t to,
                 wasi_http_types_error_code_t *code) {
    wasi_http_types_own_incoming_body_t from;
    wasi_io_streams_own_input_stream_t source;
    wasi_io_streams_own_output_stream_t sink;
    if (!wasi_http_types_method_incoming_request_consume(incoming, &from)) abort();
    if (!wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(from), &source)) abort();
    if (!wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(to), &sink)) abort();
    proxy_list_u8_t piece;
    wasi_io_streams_stream_error_t error;
    bool taken = true;
    while (taken && wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(source), 4096,
                                                                      &piece, &error)) {
        taken = write_all(sink, piece.ptr, piece.len);
        proxy_list_u8_free(&piece);
    }
    wasi_io_streams_input_stream_drop_own(source);
    wasi_io_streams_output_stream_drop_own(sink);
    if (!taken) {
        // The response, or its absence, says why.
        wasi_http_types_incoming_body_drop_own(from);
        wasi_http_types_outgoing_body_drop_own(to);
        return true;
    }
    wasi_http_types_option_own_trailers_t trailers;
    if (!trailers_of(from, &trailers, code)) return false;
    return wasi_http_types_static_outgoing_body_finish(to, trailers.is_some ? &trailers.val : NULL, code);
}

static bool wait(wasi_http_types_own_future_incoming_response_t future, wasi_http_types_own_incoming_response_t *response,
                 wasi_http_types_error_code_t *code) {
    wasi_http_types_borrow_future_incoming_response_t self = wasi_http_types_borrow_future_incoming_response(future);
    wasi_io_poll_own_pollable_t ready = wasi_http_types_method_future_incoming_response_subscribe(self);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
    wasi_http_types_result_result_own_incoming_response_error_code_void_t got;
    if (!wasi_http_types_method_future_incoming_response_get(self, &got) || got.is_err) abort();
    wasi_http_types_future_incoming_response_drop_own(future);
    if (got.val.ok.is_err) {
        *code = got.val.ok.val.err;
        return false;
    }
    *response = got.val.ok.val.ok;
    return true;
}

static bool exchange(wasi_http_types_borrow_incoming_request_t incoming, const text_t *target,
                     wasi_http_types_own_incoming_response_t *response, wasi_http_types_error_code_t *code) {
    char *url = parameter(target, "url");
    wasi_http_types_own_outgoing_request_t request;
    bool valid = url != NULL && request_to(url, incoming, &request);
    free(url);
    *code = (wasi_http_types_error_code_t){.tag = WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_URI_INVALID};
    if (!valid) return false;
    wasi_http_types_own_outgoing_body_t body;
    if (!wasi_http_types_method_outgoing_request_body(wasi_http_types_borrow_outgoing_request(request), &body)) abort();
    wasi_http_types_own_request_options_t options = options_of(target);
    wasi_http_types_own_future_incoming_response_t future;
    return wasi_http_outgoing_handler_handle(request, &options, &future, code) && copy(incoming, body, code) &&
           wait(future, response, code);
}

void ask(wasi_http_types_own_incoming_request_t request, const text_t *target, text_t *text) {
    wasi_http_types_own_incoming_response_t response;
    wasi_http_types_error_code_t code;
    if (!exchange(wasi_http_types_borrow_incoming_request(request), target, &response, &code)) {
        text_print(text, "error=%s\n", code_name(&code));
        return;
    }
    wasi_http_types_borrow_incoming_response_t self = wasi_http_types_borrow_incoming_response(response);
    text_print(text, "status=%u\n", wasi_http_types_method_incoming_response_status(self));
    wasi_http_types_own_fields_t fields = wasi_http_types_method_incoming_response_headers(self);
    list_fields(text, fields);
    wasi_http_types_fields_drop_own(fields);
    wasi_http_types_own_incoming_body_t body;
    if (!wasi_http_types_method_incoming_response_consume(self, &body)) abort();
    receive(text, body);
    wasi_http_types_incoming_response_drop_own(response);
}
