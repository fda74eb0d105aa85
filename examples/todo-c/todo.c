/// To-dos in the key-value store.

#include "todo.h"

#include <inttypes.h>

#define STORE "todos"
#define PREFIX "todo/"
#define PAGE 500

static const char *key_of(int64_t id) {
    return ostler_format(PREFIX "%012" PRId64, id);
}

void todo_write(ostler_writer *json, const todo *todo) {
    ostler_write_object(json);
    ostler_write_name(json, "id");
    ostler_write_int(json, todo->id);
    ostler_write_name(json, "title");
    ostler_write_bytes(json, todo->title);
    ostler_write_name(json, "done");
    ostler_write_bool(json, todo->done);
    ostler_write_object_end(json);
}

static ostler_bytes json_of(const todo *todo) {
    ostler_writer json = {0};
    todo_write(&json, todo);
    return ostler_written(&json);
}

todo_outcome todo_create(todo *todo) {
    if (ostler_kv_increment(STORE, "next", 1, &todo->id) != OSTLER_OK) {
        return TODO_FAILED;
    }
    return ostler_kv_set(STORE, key_of(todo->id), json_of(todo), 0) == OSTLER_OK ? TODO_DONE : TODO_FAILED;
}

todo_outcome todo_read(int64_t id, todo *todo, ostler_bytes *stored) {
    if (ostler_kv_get(STORE, key_of(id), stored) != OSTLER_OK) {
        return TODO_FAILED;
    }
    if (stored->data == NULL) {
        return TODO_NONE;
    }
    const ostler_json *json = ostler_json_parse(*stored);
    const ostler_json *title = ostler_json_get(json, "title"), *done = ostler_json_get(json, "done");
    todo->id = id;
    todo->title = title == NULL ? (ostler_bytes){0} : title->string;
    todo->done = done != NULL && done->boolean;
    return TODO_DONE;
}

todo_outcome todo_swap(const todo *changed, ostler_bytes stored, bool *swapped) {
    ostler_result result = ostler_kv_compare_and_swap(STORE, key_of(changed->id), stored, json_of(changed), swapped);
    return result == OSTLER_OK ? TODO_DONE : TODO_FAILED;
}

todo_outcome todo_delete(int64_t id) {
    bool existed;
    if (ostler_kv_delete(STORE, key_of(id), &existed) != OSTLER_OK) {
        return TODO_FAILED;
    }
    return existed ? TODO_DONE : TODO_NONE;
}

todo_outcome todo_list(ostler_writer *json) {
    ostler_kv_page page = {0};
    ostler_write_array(json);
    do {
        ostler_bytes values[PAGE];
        if (ostler_kv_list(STORE, PREFIX, page.cursor, PAGE, &page) != OSTLER_OK ||
            ostler_kv_get_many(STORE, page.keys, page.count, values) != OSTLER_OK) {
            return TODO_FAILED;
        }
        for (size_t i = 0; i < page.count; i++) {
            if (values[i].data != NULL) { // not deleted meanwhile
                ostler_write_raw(json, values[i]);
            }
        }
    } while (page.cursor != NULL);
    ostler_write_array_end(json);
    return TODO_DONE;
}
