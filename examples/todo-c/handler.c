/// A to-do list over HTTP: list, add, change, delete.

#include "todo.h"

#include <inttypes.h>
#include <string.h>

static ostler_response *not_found(void) {
    return ostler_problem(404, "not_found", "there is nothing here; to-dos are at /todos");
}

static ostler_response *answer(int status, const todo *todo) {
    ostler_writer json = {0};
    todo_write(&json, todo);
    return ostler_json_response(status, &json);
}

static void tell(const char *what, int64_t id) {
    ostler_info(what, "id", ostler_format("%" PRId64, id));
}

/// The body as a JSON object, or the refusal.
static ostler_response *read_body(const ostler_request *request, const ostler_json **body) {
    *body = ostler_json_parse(request->body);
    if (*body == NULL) {
        return ostler_problem(400, "invalid_json", ostler_why());
    }
    bool object = (*body)->kind == OSTLER_JSON_OBJECT;
    return object ? NULL : ostler_problem(400, "invalid_json", "the body is not a JSON object");
}

/// A title from the body, trimmed, or the refusal.
static ostler_response *read_title(const ostler_json *value, ostler_bytes *title) {
    size_t characters = 0;
    ostler_bytes text = {0};
    if (value != NULL && value->kind == OSTLER_JSON_STRING) {
        text = ostler_trim(value->string);
        ostler_utf8(text, &characters);
    }
    if (characters < 1 || characters > TITLE_MOST) {
        return ostler_problem(422, "invalid_title", "title must be a text of 1 to 200 characters");
    }
    *title = text;
    return NULL;
}

static ostler_response *list(void) {
    ostler_writer json = {0};
    ostler_write_object(&json);
    ostler_write_name(&json, "todos");
    if (todo_list(&json) != TODO_DONE) {
        return ostler_failure(ostler_why());
    }
    ostler_write_object_end(&json);
    return ostler_json_response(200, &json);
}

static ostler_response *create(const ostler_request *request) {
    const ostler_json *body;
    todo made = {0};
    ostler_response *refusal = read_body(request, &body);
    refusal = refusal == NULL ? read_title(ostler_json_get(body, "title"), &made.title) : refusal;
    if (refusal != NULL) {
        return refusal;
    }
    ostler_flag_context("title", ostler_copy(made.title));
    if (ostler_flag_boolean("todos-closed", false)) {
        return ostler_problem(503, "closed", "no to-dos are taken at the moment");
    }
    if (todo_create(&made) != TODO_DONE) {
        return ostler_failure(ostler_why());
    }
    ostler_track("todos.added", 1);
    tell("todo created", made.id);
    return ostler_with_header(answer(201, &made), "location", ostler_format("/todos/%" PRId64, made.id));
}

/// The changes that a body asks for, put on `todo`; or the refusal.
static ostler_response *change(const ostler_json *body, todo *todo) {
    const ostler_json *title = ostler_json_get(body, "title"), *done = ostler_json_get(body, "done");
    if (title == NULL && done == NULL) {
        return ostler_problem(422, "nothing_to_change", "name a title, or whether it is done");
    }
    if (done != NULL && done->kind != OSTLER_JSON_BOOL) {
        return ostler_problem(422, "invalid_done", "done must be true or false");
    }
    todo->done = done == NULL ? todo->done : done->boolean;
    return title == NULL ? NULL : read_title(title, &todo->title);
}

/// Tries again as long as others change the same to-do at the same time, so that no change is lost.
static ostler_response *patch(const ostler_request *request, int64_t id) {
    bool swapped = false;
    todo todo = {0};
    while (!swapped) {
        const ostler_json *body;
        ostler_bytes stored;
        todo_outcome found = todo_read(id, &todo, &stored);
        if (found != TODO_DONE) {
            return found == TODO_NONE ? not_found() : ostler_failure(ostler_why());
        }
        ostler_response *refusal = read_body(request, &body);
        refusal = refusal == NULL ? change(body, &todo) : refusal;
        if (refusal != NULL) {
            return refusal;
        }
        if (todo_swap(&todo, stored, &swapped) != TODO_DONE) {
            return ostler_failure(ostler_why());
        }
    }
    tell("todo changed", id);
    return answer(200, &todo);
}

static ostler_response *show(int64_t id) {
    todo todo;
    ostler_bytes stored;
    todo_outcome found = todo_read(id, &todo, &stored);
    if (found != TODO_DONE) {
        return found == TODO_NONE ? not_found() : ostler_failure(ostler_why());
    }
    return answer(200, &todo);
}

static ostler_response *delete(int64_t id) {
    todo_outcome found = todo_delete(id);
    if (found != TODO_DONE) {
        return found == TODO_NONE ? not_found() : ostler_failure(ostler_why());
    }
    tell("todo deleted", id);
    return ostler_status(204);
}

/// The number a path names; 0 if it is none. Keys have room for 12 digits.
static int64_t id_of(const char *text) {
    int64_t id = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 12 || strspn(text, "0123456789") != len) {
        return 0;
    }
    for (; *text != '\0'; text++) {
        id = id * 10 + (*text - '0');
    }
    return id;
}

ostler_response *handle(const ostler_request *request) {
    ostler_params path;
    if (ostler_match(request, "/todos", NULL)) {
        return ostler_is(request, "GET")    ? list()
               : ostler_is(request, "POST") ? create(request)
                                            : ostler_method_not_allowed("GET, POST");
    }
    if (!ostler_match(request, "/todos/{id}", &path)) {
        return not_found();
    }
    int64_t id = id_of(ostler_param(&path, "id"));
    bool get = ostler_is(request, "GET"), change = ostler_is(request, "PATCH"), remove = ostler_is(request, "DELETE");
    if (!get && !change && !remove) {
        return ostler_method_not_allowed("GET, PATCH, DELETE");
    }
    if (id == 0) {
        return not_found();
    }
    return get ? show(id) : change ? patch(request, id) : delete(id);
}
