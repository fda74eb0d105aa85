/// The request: looking things up in it.

#include "internal.h"

#include <strings.h>

bool ostler_is(const ostler_request *request, const char *method) {
    return strcmp(request->method, method) == 0;
}

const char *ostler_field_value(const ostler_field *fields, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(fields[i].name, name) == 0) {
            return fields[i].value.data;
        }
    }
    return NULL;
}

const char *ostler_header(const ostler_request *request, const char *name) {
    return ostler_field_value(request->headers, request->header_count, name);
}

const char *ostler_query(const ostler_request *request, const char *name) {
    const char *mark = strchr(request->target, '?');
    return mark == NULL ? NULL : ostler_pair(ostler_bytes_of(mark + 1), name);
}

const char *ostler_form(const ostler_request *request, const char *name) {
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = ostler_header(request, "content-type");
    if (type == NULL || strncasecmp(type, form, sizeof form - 1) != 0 || strchr("; \t", type[sizeof form - 1]) == NULL) {
        return NULL;
    }
    return ostler_pair(request->body, name);
}
