/// Greets whoever asks, and counts how often.

#include "ostler.h"

static ostler_response *greet(const char *name) {
    int64_t times;
    if (ostler_kv_increment("greeted", name, 1, &times) != OSTLER_OK) {
        return ostler_failure(ostler_why());
    }
    ostler_info("greeted", "name", name, "times", ostler_format("%lld", (long long)times));
    ostler_writer json = {0};
    ostler_write_object(&json);
    ostler_write_name(&json, "greeting");
    ostler_write_string(&json, ostler_format("%s, %s!", ostler_config_or("greeting", "Hello"), name));
    ostler_write_name(&json, "times");
    ostler_write_int(&json, times);
    ostler_write_object_end(&json);
    return ostler_json_response(200, &json);
}

ostler_response *handle(const ostler_request *request) {
    ostler_params path;
    if (ostler_match(request, "/", NULL)) {
        return ostler_text("It works. Try /hello/you\n");
    }
    if (ostler_match(request, "/hello/{name}", &path)) {
        return greet(ostler_param(&path, "name"));
    }
    return ostler_problem(404, "not_found", "try /hello/you");
}
