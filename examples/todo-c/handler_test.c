/// Tests of the to-do list: `make test`.

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ostler_testing.h"

/// Sends a request and holds the answer against a status and, unless NULL, a body.
static ostler_response *expect(const char *method, const char *target, const char *body, int status, const char *answer) {
    ostler_response *response = ostler_test_send(method, target, body);
    if (response->status != status || (answer != NULL && !ostler_equal(response->body, answer))) {
        fprintf(stderr, "%s %s %s: %d %s\n", method, target, body == NULL ? "" : body, response->status, response->body.data);
    }
    assert(response->status == status && (answer == NULL || ostler_equal(response->body, answer)));
    return response;
}

/// The same for a problem's code.
static void refuse(const char *method, const char *target, const char *body, int status, const char *code) {
    ostler_response *response = expect(method, target, body, status, NULL);
    assert(strcmp(ostler_response_header(response, "content-type"), "application/problem+json") == 0);
    assert(strcmp(ostler_json_text(ostler_json_get(ostler_json_parse(response->body), "code")), code) == 0);
}

static void todos_are_added_changed_and_deleted(void) {
    expect("GET", "/todos", NULL, 200, "{\"todos\":[]}");
    ostler_response *made = expect("POST", "/todos", "{\"title\":\" milk \"}", 201, "{\"id\":1,\"title\":\"milk\",\"done\":false}");
    assert(strcmp(ostler_response_header(made, "location"), "/todos/1") == 0);
    assert(strcmp(ostler_response_header(made, "content-type"), "application/json") == 0);
    expect("POST", "/todos", "{\"title\":\"tea\"}", 201, NULL);
    expect("PATCH", "/todos/1", "{\"done\":true,\"x\":1}", 200, "{\"id\":1,\"title\":\"milk\",\"done\":true}");
    expect("PATCH", "/todos/1", "{\"title\":\"oat\"}", 200, "{\"id\":1,\"title\":\"oat\",\"done\":true}");
    expect("GET", "/todos/1", NULL, 200, "{\"id\":1,\"title\":\"oat\",\"done\":true}");
    expect("GET", "/todos", NULL, 200,
           "{\"todos\":[{\"id\":1,\"title\":\"oat\",\"done\":true},{\"id\":2,\"title\":\"tea\",\"done\":false}]}");
    expect("DELETE", "/todos/1", NULL, 204, "");
    refuse("DELETE", "/todos/1", NULL, 404, "not_found");
    refuse("GET", "/todos/1", NULL, 404, "not_found");
    assert(strcmp(ostler_test_line(0), "info todo created id=1") == 0);
    assert(strcmp(ostler_test_line(4), "info todo deleted id=1") == 0 && ostler_test_lines() == 5);
    assert(strcmp(ostler_test_value("todos", "todo/000000000002"), "{\"id\":2,\"title\":\"tea\",\"done\":false}") == 0);
}

static void what_does_not_fit_is_refused(void) {
    refuse("POST", "/todos", "", 400, "invalid_json");
    refuse("POST", "/todos", "[]", 400, "invalid_json");
    refuse("POST", "/todos", "{}", 422, "invalid_title");
    refuse("POST", "/todos", "{\"title\":7}", 422, "invalid_title");
    refuse("POST", "/todos", "{\"title\":\" \\u3000 \"}", 422, "invalid_title");
    char title[] = "{\"title\":\"____________________________________________________________________________________________________"
                   "____________________________________________________________________________________________________a\"}";
    refuse("POST", "/todos", title, 422, "invalid_title");
    strcpy(strstr(title, "a\"}"), "\"}");
    expect("POST", "/todos", title, 201, NULL);
    refuse("PATCH", "/todos/1", "{}", 422, "nothing_to_change");
    refuse("PATCH", "/todos/1", "{\"done\":1}", 422, "invalid_done");
    refuse("PATCH", "/todos/1", "{\"title\":\"\",\"done\":true}", 422, "invalid_title");
    refuse("PATCH", "/todos/1", "nonsense", 400, "invalid_json");
    refuse("PATCH", "/todos/9", "nonsense", 404, "not_found");
    static const char *const nowhere[] = {"/", "/todos/", "/todos/0", "/todos/-1", "/todos/x", "/todos/1/2", "/todos/99999999999999"};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        refuse("GET", nowhere[i], NULL, 404, "not_found");
    }
    refuse("PUT", "/todos", NULL, 405, "method_not_allowed");
    assert(strcmp(ostler_response_header(ostler_test_send("PUT", "/todos", NULL), "allow"), "GET, POST") == 0);
    assert(strcmp(ostler_response_header(ostler_test_send("PUT", "/todos/1", NULL), "allow"), "GET, PATCH, DELETE") == 0);
}

static void another_request(void) {
    ostler_test_put("todos", "todo/000000000001", "{\"id\":1,\"title\":\"tea\",\"done\":false}");
}

static void a_change_beside_another_is_not_lost(void) {
    ostler_test_put("todos", "todo/000000000001", "{\"id\":1,\"title\":\"milk\",\"done\":false}");
    ostler_test_before_change(another_request);
    expect("PATCH", "/todos/1", "{\"done\":true}", 200, "{\"id\":1,\"title\":\"tea\",\"done\":true}");
}

static void a_long_list_is_whole(void) {
    for (int i = 0; i < 1203; i++) {
        expect("POST", "/todos", "{\"title\":\"x\"}", 201, NULL);
    }
    const ostler_json *todos = ostler_json_get(ostler_json_parse(expect("GET", "/todos", NULL, 200, NULL)->body), "todos");
    int64_t id = 0;
    for (const ostler_json *todo = todos->first; todo != NULL; todo = todo->next) {
        assert(ostler_json_get(todo, "id")->integer == ++id);
    }
    assert(id == 1203);
}

static void no_todos_are_taken_while_the_flag_says_so(void) {
    ostler_test_flag("todos-closed", (ostler_flag_value){OSTLER_FLAG_BOOLEAN, .boolean = true});
    refuse("POST", "/todos", "{\"title\":\"milk\"}", 503, "closed");
    assert(strcmp(ostler_test_flag_context("title"), "\"milk\"") == 0);
    ostler_test_flag("todos-closed", (ostler_flag_value){OSTLER_FLAG_BOOLEAN, .boolean = false});
    expect("POST", "/todos", "{\"title\":\"milk\"}", 201, NULL);
    size_t count;
    assert(ostler_test_tracked("todos.added", &count) == 1 && count == 1);
}

int main(void) {
    void (*const tests[])(void) = {todos_are_added_changed_and_deleted, what_does_not_fit_is_refused,
                                   a_change_beside_another_is_not_lost, a_long_list_is_whole,
                                   no_todos_are_taken_while_the_flag_says_so};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        ostler_test_begin();
        ostler_test_kv("todos");
        tests[i]();
    }
    puts("all tests passed");
    return 0;
}
