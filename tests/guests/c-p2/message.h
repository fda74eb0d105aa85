// What requests, responses and their bodies have in common, whichever way they go.
#ifndef MESSAGE_H
#define MESSAGE_H

#include "proxy.h"
#include "text.h"

// The name of an error code, as Rust spells it.
const char *code_name(const wasi_http_types_error_code_t *code);

// Appends each field as `name: value`.
void list_fields(text_t *text, wasi_http_types_own_fields_t fields);

// Reads a body to its end: how many bytes, how it ended, its trailers.
void receive(text_t *text, wasi_http_types_own_incoming_body_t body);

// The trailers of a body that was read; false if it broke off, and `code` says why.
bool trailers_of(wasi_http_types_own_incoming_body_t body, wasi_http_types_option_own_trailers_t *trailers,
                 wasi_http_types_error_code_t *code);

// An answer whose head is out and whose body is being written.
typedef struct {
    wasi_http_types_own_outgoing_body_t body;
    wasi_io_streams_own_output_stream_t stream;
} answer_t;

// Sends the head with these fields.
answer_t answer_start(wasi_http_types_own_response_outparam_t out, uint16_t status, wasi_http_types_own_fields_t fields);

// Writes and waits until the host has taken it; false if the client is gone.
bool answer_write(answer_t *answer, const void *bytes, size_t length);

// Ends the body.
void answer_finish(answer_t *answer, wasi_http_types_own_trailers_t *trailers);

// Sends a whole answer of `text`, and frees it.
void answer_text(wasi_http_types_own_response_outparam_t out, uint16_t status, text_t *text);

// Writes to a body's stream; false if nobody takes it any more.
bool write_all(wasi_io_streams_own_output_stream_t stream, const void *bytes, size_t length);

#endif
