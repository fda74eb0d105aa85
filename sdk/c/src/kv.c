/// Key-value stores, over the bindings.

#include "internal.h"

/// The outcome of a call of the host's, and what it said.
static ostler_result outcome(bool ok, const ostler_plugin_kv_error_t *error) {
    if (ok) {
        return OSTLER_OK;
    }
    switch (error->tag) {
    case OSTLER_PLUGIN_KV_ERROR_DENIED:
        return ostler_because(OSTLER_DENIED, ostler_from_host(error->val.denied));
    case OSTLER_PLUGIN_KV_ERROR_INVALID:
        return ostler_because(OSTLER_INVALID, ostler_from_host(error->val.invalid));
    case OSTLER_PLUGIN_KV_ERROR_NOT_A_NUMBER:
        return ostler_because(OSTLER_NOT_A_NUMBER, "the value is not a 64-bit decimal integer, or the sum would not be");
    default:
        return ostler_because(OSTLER_UNAVAILABLE, ostler_from_host(error->val.unavailable));
    }
}

static ostler_bytes optional(typed_option_list_u8_t value) {
    return value.is_some ? ostler_bytes_from_host(value.val) : (ostler_bytes){0};
}

/// Keys on their way to the host.
static typed_list_string_t key_list(const char *const *keys, size_t count) {
    typed_string_t *list = ostler_alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = ostler_to_host(keys[i]);
    }
    return (typed_list_string_t){list, count};
}

ostler_result ostler_kv_get(const char *store, const char *key, ostler_bytes *value) {
    typed_string_t in = ostler_to_host(store), at = ostler_to_host(key);
    typed_option_list_u8_t found = {0};
    ostler_plugin_kv_error_t error;
    bool ok = ostler_plugin_kv_get(&in, &at, &found, &error);
    *value = ok ? optional(found) : (ostler_bytes){0};
    return outcome(ok, &error);
}

ostler_result ostler_kv_set(const char *store, const char *key, ostler_bytes value, uint64_t ttl_ms) {
    typed_string_t in = ostler_to_host(store), at = ostler_to_host(key);
    typed_list_u8_t bytes = ostler_bytes_to_host(value);
    ostler_plugin_kv_error_t error;
    return outcome(ostler_plugin_kv_set(&in, &at, &bytes, ttl_ms == 0 ? NULL : &ttl_ms, &error), &error);
}

ostler_result ostler_kv_delete(const char *store, const char *key, bool *existed) {
    typed_string_t in = ostler_to_host(store), at = ostler_to_host(key);
    ostler_plugin_kv_error_t error;
    bool was = false;
    bool ok = ostler_plugin_kv_delete(&in, &at, &was, &error);
    if (existed != NULL) {
        *existed = was;
    }
    return outcome(ok, &error);
}

ostler_result ostler_kv_exists(const char *store, const char *key, bool *exists) {
    typed_string_t in = ostler_to_host(store), at = ostler_to_host(key);
    ostler_plugin_kv_error_t error;
    *exists = false;
    return outcome(ostler_plugin_kv_exists(&in, &at, exists, &error), &error);
}

ostler_result ostler_kv_list(const char *store, const char *prefix, const char *cursor, uint32_t limit,
                             ostler_kv_page *page) {
    typed_string_t in = ostler_to_host(store), begin = ostler_to_host(prefix);
    typed_string_t from = ostler_to_host(cursor == NULL ? "" : cursor);
    ostler_plugin_kv_page_t found = {0};
    ostler_plugin_kv_error_t error;
    *page = (ostler_kv_page){0};
    if (!ostler_plugin_kv_list_keys(&in, &begin, cursor == NULL ? NULL : &from, limit, &found, &error)) {
        return outcome(false, &error);
    }
    page->count = found.keys.len;
    page->keys = ostler_alloc(page->count * sizeof *page->keys);
    for (size_t i = 0; i < page->count; i++) {
        page->keys[i] = ostler_from_host(found.keys.ptr[i]);
    }
    page->cursor = found.cursor.is_some ? ostler_from_host(found.cursor.val) : NULL;
    return OSTLER_OK;
}

ostler_result ostler_kv_increment(const char *store, const char *key, int64_t delta, int64_t *sum) {
    typed_string_t in = ostler_to_host(store), at = ostler_to_host(key);
    ostler_plugin_kv_error_t error;
    int64_t now = 0;
    bool ok = ostler_plugin_kv_increment(&in, &at, delta, &now, &error);
    if (sum != NULL) {
        *sum = now;
    }
    return outcome(ok, &error);
}

ostler_result ostler_kv_compare_and_swap(const char *store, const char *key, ostler_bytes expected, ostler_bytes value,
                                         bool *swapped) {
    typed_string_t in = ostler_to_host(store), at = ostler_to_host(key);
    typed_list_u8_t old = ostler_bytes_to_host(expected), new = ostler_bytes_to_host(value);
    ostler_plugin_kv_error_t error;
    *swapped = false;
    bool ok = ostler_plugin_kv_compare_and_swap(&in, &at, expected.data == NULL ? NULL : &old,
                                                value.data == NULL ? NULL : &new, swapped, &error);
    return outcome(ok, &error);
}

ostler_result ostler_kv_get_many(const char *store, const char *const *keys, size_t count, ostler_bytes *values) {
    typed_string_t in = ostler_to_host(store);
    typed_list_string_t list = key_list(keys, count);
    typed_list_option_list_u8_t found = {0};
    ostler_plugin_kv_error_t error;
    bool ok = ostler_plugin_kv_get_many(&in, &list, &found, &error);
    for (size_t i = 0; i < count; i++) {
        values[i] = ok && i < found.len ? optional(found.ptr[i]) : (ostler_bytes){0};
    }
    return outcome(ok, &error);
}

ostler_result ostler_kv_set_many(const char *store, const ostler_kv_entry *entries, size_t count) {
    typed_string_t in = ostler_to_host(store);
    ostler_plugin_kv_entry_t *list = ostler_alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i].key = ostler_to_host(entries[i].key);
        list[i].value = ostler_bytes_to_host(entries[i].value);
    }
    ostler_plugin_kv_list_entry_t all = {list, count};
    ostler_plugin_kv_error_t error;
    return outcome(ostler_plugin_kv_set_many(&in, &all, &error), &error);
}

ostler_result ostler_kv_delete_many(const char *store, const char *const *keys, size_t count) {
    typed_string_t in = ostler_to_host(store);
    typed_list_string_t list = key_list(keys, count);
    ostler_plugin_kv_error_t error;
    return outcome(ostler_plugin_kv_delete_many(&in, &list, &error), &error);
}
