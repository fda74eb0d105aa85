// See message.h.
#include "message.h"

#include <stdlib.h>
#include <string.h>

static const char *const CODES[] = {
    "DnsTimeout", "DnsError", "DestinationNotFound", "DestinationUnavailable", "DestinationIpProhibited",
    "DestinationIpUnroutable", "ConnectionRefused", "ConnectionTerminated", "ConnectionTimeout",
    "ConnectionReadTimeout", "ConnectionWriteTimeout", "ConnectionLimitReached", "TlsProtocolError",
    "TlsCertificateError", "TlsAlertReceived", "HttpRequestDenied", "HttpRequestLengthRequired",
    "HttpRequestBodySize", "HttpRequestMethodInvalid", "HttpRequestUriInvalid", "HttpRequestUriTooLong",
    "HttpRequestHeaderSectionSize", "HttpRequestHeaderSize", "HttpRequestTrailerSectionSize",
    "HttpRequestTrailerSize", "HttpResponseIncomplete", "HttpResponseHeaderSectionSize",
    "HttpResponseHeaderSize", "HttpResponseBodySize", "HttpResponseTrailerSectionSize", "HttpResponseTrailerSize",
    "HttpResponseTransferCoding", "HttpResponseContentCoding", "HttpResponseTimeout", "HttpUpgradeFailed",
    "HttpProtocolError", "LoopDetected", "ConfigurationError", "InternalError",
};

const char *code_name(const wasi_http_types_error_code_t *code) {
    return CODES[code->tag];
}

void list_fields(text_t *text, wasi_http_types_own_fields_t fields) {
    wasi_http_types_list_tuple2_field_name_field_value_t entries;
    wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &entries);
    for (size_t at = 0; at < entries.len; at++) {
        text_add(text, entries.ptr[at].f0.ptr, entries.ptr[at].f0.len);
        text_print(text, ": ");
        text_add(text, entries.ptr[at].f1.ptr, entries.ptr[at].f1.len);
        text_print(text, "\n");
    }
    wasi_http_types_list_tuple2_field_name_field_value_free(&entries);
}

// Reads the stream of a body to its end and drops it; false if it broke off, and `code` says why.
static bool drain(wasi_http_types_own_incoming_body_t body, size_t *bytes, wasi_http_types_error_code_t *code) {
    wasi_io_streams_own_input_stream_t stream;
    if (!wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &stream)) abort();
    wasi_io_streams_stream_error_t error;
    proxy_list_u8_t piece;
    while (wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(stream), 65536, &piece,
                                                             &error)) {
        *bytes += piece.len;
        proxy_list_u8_free(&piece);
    }
    wasi_io_streams_input_stream_drop_own(stream);
    if (error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) return true;
    wasi_io_error_borrow_error_t cause = wasi_io_error_borrow_error(error.val.last_operation_failed);
    if (!wasi_http_types_http_error_code(cause, code)) {
        *code = (wasi_http_types_error_code_t){.tag = WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR};
    }
    wasi_io_error_error_drop_own(error.val.last_operation_failed);
    return false;
}

bool trailers_of(wasi_http_types_own_incoming_body_t body, wasi_http_types_option_own_trailers_t *trailers,
                 wasi_http_types_error_code_t *code) {
    wasi_http_types_own_future_trailers_t future = wasi_http_types_static_incoming_body_finish(body);
    wasi_http_types_borrow_future_trailers_t self = wasi_http_types_borrow_future_trailers(future);
    wasi_io_poll_own_pollable_t ready = wasi_http_types_method_future_trailers_subscribe(self);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
    wasi_http_types_result_result_option_own_trailers_error_code_void_t got;
    if (!wasi_http_types_method_future_trailers_get(self, &got) || got.is_err) abort();
    if (got.val.ok.is_err) {
        *code = got.val.ok.val.err;
        return false;
    }
    *trailers = got.val.ok.val.ok;
    return true;
}

void receive(text_t *text, wasi_http_types_own_incoming_body_t body) {
    size_t bytes = 0;
    wasi_http_types_error_code_t code;
    wasi_http_types_option_own_trailers_t trailers;
    bool whole = drain(body, &bytes, &code) && trailers_of(body, &trailers, &code);
    text_print(text, "bytes=%zu\nend=%s\n", bytes, whole ? "whole" : code_name(&code));
    if (whole && trailers.is_some) {
        list_fields(text, trailers.val);
        wasi_http_types_fields_drop_own(trailers.val);
    }
}

answer_t answer_start(wasi_http_types_own_response_outparam_t out, uint16_t status, wasi_http_types_own_fields_t fields) {
    answer_t answer;
    wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false};
    result.val.ok = wasi_http_types_constructor_outgoing_response(fields);
    wasi_http_types_borrow_outgoing_response_t response = wasi_http_types_borrow_outgoing_response(result.val.ok);
    if (!wasi_http_types_method_outgoing_response_set_status_code(response, status)) abort();
    if (!wasi_http_types_method_outgoing_response_body(response, &answer.body)) abort();
    wasi_http_types_static_response_outparam_set(out, &result);
    wasi_http_types_borrow_outgoing_body_t body = wasi_http_types_borrow_outgoing_body(answer.body);
    if (!wasi_http_types_method_outgoing_body_write(body, &answer.stream)) abort();
    return answer;
}

bool write_all(wasi_io_streams_own_output_stream_t stream, const void *bytes, size_t length) {
    for (size_t at = 0; at < length;) {
        size_t now = length - at < 4096 ? length - at : 4096;
        proxy_list_u8_t piece = {(uint8_t *)bytes + at, now};
        wasi_io_streams_stream_error_t error;
        if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(stream),
                                                                           &piece, &error)) {
            wasi_io_streams_stream_error_free(&error);
            return false;
        }
        at += now;
    }
    return true;
}

bool answer_write(answer_t *answer, const void *bytes, size_t length) {
    return write_all(answer->stream, bytes, length);
}

void answer_finish(answer_t *answer, wasi_http_types_own_trailers_t *trailers) {
    wasi_io_streams_output_stream_drop_own(answer->stream);
    wasi_http_types_error_code_t code;
    // Whether anybody took it or not: this was all.
    if (!wasi_http_types_static_outgoing_body_finish(answer->body, trailers, &code)) wasi_http_types_error_code_free(&code);
}

void answer_text(wasi_http_types_own_response_outparam_t out, uint16_t status, text_t *text) {
    answer_t answer = answer_start(out, status, wasi_http_types_constructor_fields());
    answer_write(&answer, text->bytes, text->length);
    answer_finish(&answer, NULL);
    free(text->bytes);
    *text = (text_t){0};
}
