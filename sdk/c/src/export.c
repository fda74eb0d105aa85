/// What the host calls: one exchange, from the bindings' types and back.

#include "internal.h"

static ostler_request request_of(const ostler_plugin_types_request_t *raw) {
    const char *target = ostler_from_host(raw->target);
    return (ostler_request){
        .method = ostler_from_host(raw->method),
        .target = target,
        .path = ostler_copy((ostler_bytes){target, strcspn(target, "?")}),
        .headers = ostler_fields_from_host(raw->headers),
        .header_count = raw->headers.len,
        .body = ostler_bytes_from_host(raw->body),
    };
}

bool exports_ostler_plugin_http_handler_handle(exports_ostler_plugin_http_handler_request_t *raw,
                                               exports_ostler_plugin_http_handler_response_t *ret, typed_string_t *err) {
    ostler_request request = request_of(raw);
    const ostler_response *response = handle(&request);
    if (response == NULL || response->failure != NULL) {
        *err = ostler_to_host(response == NULL ? "the handler returned NULL" : response->failure);
        return false;
    }
    ret->status = response->status < 0 || response->status > UINT16_MAX ? 0 : (uint16_t)response->status;
    ret->headers = ostler_fields_to_host(response->headers, response->header_count);
    ret->body = ostler_bytes_to_host(response->body);
    return true;
}

#ifdef __wasm__

/// Takes the place of the bindings' weak one: all that the host puts into this memory lies in the call's arena.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    void *memory = ostler_arena_take(size, align);
    if (old_size > 0) {
        memcpy(memory, old, old_size < size ? old_size : size);
    }
    return memory;
}

/// Takes the place of the bindings' weak one, which frees piece by piece: the response has been read, the call is over.
__attribute__((export_name("cabi_post_ostler:plugin/http-handler@0.1.0#handle"))) void
__wasm_export_exports_ostler_plugin_http_handler_handle_post_return(uint8_t *response) {
    (void)response;
    ostler_arena_empty();
}

/// The bindings want an object file with the component's type linked in. `ostler build` adds the type itself.
void __component_type_object_force_link_typed(void) {
}

#endif
