/// Outbound HTTP, over the bindings; and heads on their way to the host and back.

#include "internal.h"

ostler_plugin_types_list_header_t ostler_fields_to_host(const ostler_field *fields, size_t count) {
    ostler_plugin_types_header_t *list = ostler_alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        char *name = (char *)ostler_copy(ostler_bytes_of(fields[i].name));
        for (char *at = name; *at != '\0'; at++) {
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
        }
        list[i].f0 = ostler_to_host(name);
        list[i].f1 = ostler_bytes_to_host(fields[i].value);
    }
    return (ostler_plugin_types_list_header_t){list, count};
}

ostler_field *ostler_fields_from_host(ostler_plugin_types_list_header_t list) {
    ostler_field *fields = ostler_alloc(list.len * sizeof *fields);
    for (size_t i = 0; i < list.len; i++) {
        fields[i].name = ostler_from_host(list.ptr[i].f0);
        fields[i].value = ostler_bytes_from_host(list.ptr[i].f1);
    }
    return fields;
}

static ostler_result refusal(const ostler_plugin_http_client_error_t *error) {
    switch (error->tag) {
    case OSTLER_PLUGIN_HTTP_CLIENT_ERROR_DENIED:
        return ostler_because(OSTLER_DENIED, ostler_from_host(error->val.denied));
    case OSTLER_PLUGIN_HTTP_CLIENT_ERROR_INVALID:
        return ostler_because(OSTLER_INVALID, ostler_from_host(error->val.invalid));
    case OSTLER_PLUGIN_HTTP_CLIENT_ERROR_TIMEOUT:
        return ostler_because(OSTLER_TIMEOUT, "the other server gave no answer in time");
    case OSTLER_PLUGIN_HTTP_CLIENT_ERROR_TOO_LARGE:
        return ostler_because(OSTLER_TOO_LARGE, "the other server's response is larger than the host accepts");
    default:
        return ostler_because(OSTLER_FAILED, ostler_from_host(error->val.failed));
    }
}

ostler_result ostler_fetch(const ostler_outbound *request, ostler_response **response) {
    ostler_plugin_http_client_outbound_t outbound = {
        .method = ostler_to_host(request->method == NULL ? "GET" : request->method),
        .url = ostler_to_host(request->url),
        .body = ostler_bytes_to_host(request->body),
        .timeout_ms = {.is_some = request->timeout_ms != 0, .val = request->timeout_ms},
    };
    ostler_plugin_types_list_header_t headers = ostler_fields_to_host(request->headers, request->header_count);
    outbound.headers.ptr = headers.ptr;
    outbound.headers.len = headers.len;
    ostler_plugin_http_client_response_t answer = {0};
    ostler_plugin_http_client_error_t error;
    *response = NULL;
    if (!ostler_plugin_http_client_send(&outbound, &answer, &error)) {
        return refusal(&error);
    }
    ostler_response *made = ostler_status(answer.status);
    // Room is the next power of two, as `ostler_with_header` counts on.
    size_t room = 1;
    while (room < answer.headers.len) {
        room *= 2;
    }
    made->headers = ostler_alloc(room * sizeof *made->headers);
    if (answer.headers.len > 0) {
        memcpy(made->headers, ostler_fields_from_host(answer.headers), answer.headers.len * sizeof *made->headers);
    }
    made->header_count = answer.headers.len;
    made->body = ostler_bytes_from_host(answer.body);
    *response = made;
    return OSTLER_OK;
}
