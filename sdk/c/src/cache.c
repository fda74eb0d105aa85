/// Caches, over the bindings.

#include "internal.h"

/// The outcome of a call of the host's, and what it said.
static ostler_result outcome(bool ok, const ostler_plugin_cache_error_t *error) {
    if (ok) {
        return OSTLER_OK;
    }
    switch (error->tag) {
    case OSTLER_PLUGIN_CACHE_ERROR_DENIED:
        return ostler_because(OSTLER_DENIED, ostler_from_host(error->val.denied));
    case OSTLER_PLUGIN_CACHE_ERROR_INVALID:
        return ostler_because(OSTLER_INVALID, ostler_from_host(error->val.invalid));
    default:
        return ostler_because(OSTLER_UNAVAILABLE, ostler_from_host(error->val.unavailable));
    }
}

ostler_result ostler_cache_get(const char *cache, const char *key, ostler_bytes *value) {
    typed_string_t in = ostler_to_host(cache), at = ostler_to_host(key);
    typed_option_list_u8_t found = {0};
    ostler_plugin_cache_error_t error;
    bool ok = ostler_plugin_cache_get(&in, &at, &found, &error);
    *value = ok && found.is_some ? ostler_bytes_from_host(found.val) : (ostler_bytes){0};
    return outcome(ok, &error);
}

ostler_result ostler_cache_set(const char *cache, const char *key, ostler_bytes value, uint64_t ttl_ms,
                               const char *const *tags, size_t tag_count) {
    typed_string_t in = ostler_to_host(cache), at = ostler_to_host(key);
    typed_list_u8_t bytes = ostler_bytes_to_host(value);
    typed_list_string_t names = {ostler_alloc(tag_count * sizeof *names.ptr), tag_count};
    for (size_t i = 0; i < tag_count; i++) {
        names.ptr[i] = ostler_to_host(tags[i]);
    }
    ostler_plugin_cache_error_t error;
    bool ok = ostler_plugin_cache_set(&in, &at, &bytes, ttl_ms == 0 ? NULL : &ttl_ms, &names, &error);
    return outcome(ok, &error);
}

ostler_result ostler_cache_delete(const char *cache, const char *key) {
    typed_string_t in = ostler_to_host(cache), at = ostler_to_host(key);
    ostler_plugin_cache_error_t error;
    return outcome(ostler_plugin_cache_delete(&in, &at, &error), &error);
}

ostler_result ostler_cache_delete_tag(const char *cache, const char *tag) {
    typed_string_t in = ostler_to_host(cache), name = ostler_to_host(tag);
    ostler_plugin_cache_error_t error;
    return outcome(ostler_plugin_cache_delete_tag(&in, &name, &error), &error);
}

ostler_result ostler_cache_get_or_lock(const char *cache, const char *key, uint32_t wait_ms, ostler_bytes *value) {
    typed_string_t in = ostler_to_host(cache), at = ostler_to_host(key);
    ostler_plugin_cache_found_t found = {0};
    ostler_plugin_cache_error_t error;
    bool ok = ostler_plugin_cache_get_or_compute_lock(&in, &at, wait_ms, &found, &error);
    bool there = ok && found.tag == OSTLER_PLUGIN_CACHE_FOUND_VALUE;
    *value = there ? ostler_bytes_from_host(found.val.value) : (ostler_bytes){0};
    return outcome(ok, &error);
}

ostler_result ostler_cache_unlock(const char *cache, const char *key) {
    typed_string_t in = ostler_to_host(cache), at = ostler_to_host(key);
    ostler_plugin_cache_error_t error;
    return outcome(ostler_plugin_cache_unlock(&in, &at, &error), &error);
}

/// Gives the right to make a value back; what `ostler_why` says of the first failure stays.
static ostler_result give_back(const char *cache, const char *key, ostler_result result) {
    const char *first = ostler_copy(ostler_bytes_of(ostler_why()));
    ostler_cache_unlock(cache, key);
    return ostler_because(result, first);
}

ostler_result ostler_cache_get_or_compute(const char *cache, const char *key, uint64_t ttl_ms, const char *const *tags,
                                          size_t tag_count, ostler_maker make, void *told, ostler_bytes *value) {
    uint64_t wait = ostler_deadline_left_ms() / 2;
    ostler_result found = ostler_cache_get_or_lock(cache, key, wait > UINT32_MAX ? UINT32_MAX : (uint32_t)wait, value);
    if (found == OSTLER_OK && value->data != NULL) {
        return OSTLER_OK;
    }
    if (found != OSTLER_OK && found != OSTLER_UNAVAILABLE) {
        return found;
    }
    *value = make(told);
    if (found == OSTLER_UNAVAILABLE) {
        return value->data == NULL ? OSTLER_FAILED : OSTLER_OK;
    }
    if (value->data == NULL) {
        return give_back(cache, key, OSTLER_FAILED);
    }
    ostler_result kept = ostler_cache_set(cache, key, *value, ttl_ms, tags, tag_count);
    return kept == OSTLER_OK ? kept : give_back(cache, key, kept == OSTLER_UNAVAILABLE ? OSTLER_OK : kept);
}
