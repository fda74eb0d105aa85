/// A to-do, and where it is stored: in the store `todos`, as JSON, under `todo/` and its id in 12 digits.

#ifndef TODO_H
#define TODO_H

#include "ostler.h"

/// The most characters of a title.
#define TITLE_MOST 200

typedef struct todo {
    int64_t id;
    /// UTF-8; it may hold any character.
    ostler_bytes title;
    bool done;
} todo;

/// How a change came out.
typedef enum todo_outcome { TODO_DONE, TODO_NONE, TODO_FAILED } todo_outcome;

/// Gives a new to-do its id and stores it. TODO_FAILED: `ostler_why` tells.
todo_outcome todo_create(todo *todo);

/// Reads the to-do `id`; `stored` are the bytes it was read from.
todo_outcome todo_read(int64_t id, todo *todo, ostler_bytes *stored);

/// Stores `changed` if what is there is still `stored`; `swapped` says whether it was.
todo_outcome todo_swap(const todo *changed, ostler_bytes stored, bool *swapped);

/// Removes the to-do `id`.
todo_outcome todo_delete(int64_t id);

/// Writes all to-dos as an array, ascending by id.
todo_outcome todo_list(ostler_writer *json);

/// Writes one to-do.
void todo_write(ostler_writer *json, const todo *todo);

#endif
