/// Responses, problems and failures.

#include "internal.h"

ostler_response *ostler_status(int status) {
    ostler_response *response = ostler_alloc(sizeof *response);
    response->status = status;
    response->body = ostler_bytes_of("");
    return response;
}

ostler_response *ostler_body(int status, const char *type, ostler_bytes body) {
    ostler_response *response = ostler_with_header(ostler_status(status), "content-type", type);
    response->body = body;
    return response;
}

ostler_response *ostler_text(const char *text) {
    return ostler_body(200, "text/plain; charset=utf-8", ostler_bytes_of(text));
}

ostler_response *ostler_html(const char *html) {
    return ostler_body(200, "text/html; charset=utf-8", ostler_bytes_of(html));
}

ostler_response *ostler_redirect(int status, const char *location) {
    return ostler_with_header(ostler_status(status), "location", location);
}

/// Reason phrase of the statuses handlers use (RFC 9110, section 15).
static const char *title(int status) {
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 500 ? "Client Error" : "Server Error";
    }
}

ostler_response *ostler_problem(int status, const char *code, const char *detail) {
    ostler_writer problem = {0};
    ostler_write_object(&problem);
    ostler_write_name(&problem, "type");
    ostler_write_string(&problem, "about:blank");
    ostler_write_name(&problem, "title");
    ostler_write_string(&problem, title(status));
    ostler_write_name(&problem, "status");
    ostler_write_int(&problem, status);
    ostler_write_name(&problem, "detail");
    ostler_write_string(&problem, detail);
    if (code != NULL) {
        ostler_write_name(&problem, "code");
        ostler_write_string(&problem, code);
    }
    ostler_write_name(&problem, "request_id");
    ostler_write_string(&problem, ostler_context_get().request_id);
    ostler_write_object_end(&problem);
    return ostler_body(status, "application/problem+json", ostler_written(&problem));
}

ostler_response *ostler_method_not_allowed(const char *allow) {
    const char *detail = ostler_format("this path answers %s", allow);
    return ostler_with_header(ostler_problem(405, "method_not_allowed", detail), "allow", allow);
}

ostler_response *ostler_failure(const char *text) {
    ostler_response *response = ostler_status(500);
    response->failure = text;
    return response;
}

ostler_response *ostler_with_header(ostler_response *response, const char *name, const char *value) {
    size_t count = response->header_count;
    // Room doubles whenever the count is a power of two: 1, 2, 4, 8, ...
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : count * 2;
        ostler_field *fields = ostler_alloc(room * sizeof *fields);
        if (count > 0) {
            memcpy(fields, response->headers, count * sizeof *fields);
        }
        response->headers = fields;
    }
    response->headers[count] = (ostler_field){.name = name, .value = ostler_bytes_of(value)};
    response->header_count = count + 1;
    return response;
}

const char *ostler_response_header(const ostler_response *response, const char *name) {
    return ostler_field_value(response->headers, response->header_count, name);
}
