/// Stand-in for the key-value stores: one list in byte order of the keys, with the limits of the real ones.

#include "stand_ins.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define MOST_STORES 32
#define MOST_KEY 512
#define MOST_VALUE (1024 * 1024)
#define MOST_BATCH 1000

struct entry {
    struct entry *next;
    const char *store;
    const char *key;
    ostler_bytes value;
    /// When it disappears; 0: never.
    uint64_t until;
};

static const char *granted[MOST_STORES];
static size_t granted_count;
static struct entry *entries;
static uint64_t now;
static void (*before_change)(void);

void stand_in_forget_stores(void) {
    while (entries != NULL) {
        struct entry *next = entries->next;
        free(entries);
        entries = next;
    }
    granted_count = 0;
    now = 0;
    before_change = NULL;
}

uint64_t stand_in_now(void) {
    return now;
}

void ostler_test_advance(uint64_t ms) {
    now += ms;
}

void ostler_test_before_change(void (*other)(void)) {
    before_change = other;
}

static bool is_granted(const char *store) {
    for (size_t i = 0; i < granted_count; i++) {
        if (strcmp(granted[i], store) == 0) {
            return true;
        }
    }
    return false;
}

void ostler_test_kv(const char *store) {
    if (!is_granted(store) && granted_count < MOST_STORES) {
        granted[granted_count++] = stand_in_keep(store, strlen(store));
    }
}

/// Where the entry is, or where it belongs. What has expired is not there.
static struct entry **place(const char *store, const char *key) {
    struct entry **at = &entries;
    while (*at != NULL) {
        int order = strcmp((*at)->store, store);
        order = order == 0 ? strcmp((*at)->key, key) : order;
        bool expired = (*at)->until != 0 && (*at)->until <= now;
        if (expired) {
            struct entry *gone = *at;
            *at = gone->next;
            free(gone);
            continue;
        }
        if (order >= 0) {
            break;
        }
        at = &(*at)->next;
    }
    return at;
}

static struct entry *find(const char *store, const char *key) {
    struct entry *at = *place(store, key);
    return at != NULL && strcmp(at->store, store) == 0 && strcmp(at->key, key) == 0 ? at : NULL;
}

static void put(const char *store, const char *key, ostler_bytes value, uint64_t ttl) {
    struct entry *entry = find(store, key);
    if (entry == NULL) {
        struct entry **at = place(store, key);
        entry = malloc(sizeof *entry);
        if (entry == NULL) {
            abort();
        }
        *entry = (struct entry){*at, stand_in_keep(store, strlen(store)), stand_in_keep(key, strlen(key)), {0}, 0};
        *at = entry;
    }
    entry->value = (ostler_bytes){stand_in_keep(value.len == 0 ? "" : value.data, value.len), value.len};
    entry->until = ttl == 0 ? 0 : now + ttl;
}

static bool take_out(const char *store, const char *key) {
    struct entry *entry = find(store, key);
    if (entry != NULL) {
        *place(store, key) = entry->next;
        free(entry);
    }
    return entry != NULL;
}

void ostler_test_put(const char *store, const char *key, const char *value) {
    ostler_test_kv(store);
    put(store, key, ostler_bytes_of(value), 0);
}

const char *ostler_test_value(const char *store, const char *key) {
    const struct entry *entry = find(store, key);
    return entry == NULL ? NULL : entry->value.data;
}

// ----------------------------------------------------------------------------------------------------------- the limits

static bool refuse(ostler_plugin_kv_error_t *error, uint8_t tag, const char *text) {
    error->tag = tag;
    error->val.invalid = stand_in_text(text);
    return false;
}

static bool may_use(typed_string_t *store, ostler_plugin_kv_error_t *error) {
    const char *name = stand_in_read(store);
    if (is_granted(name)) {
        return true;
    }
    const char *text = ostler_format("store \"%s\" is not granted: add it to grant = { kv = [\"%s\"] } of plugin test", name, name);
    return refuse(error, OSTLER_PLUGIN_KV_ERROR_DENIED, text);
}

static bool key_fits(const typed_string_t *key, ostler_plugin_kv_error_t *error) {
    bool fits = key->len >= 1 && key->len <= MOST_KEY;
    return fits || refuse(error, OSTLER_PLUGIN_KV_ERROR_INVALID, "a key has 1 to 512 bytes");
}

static bool value_fits(const typed_list_u8_t *value, ostler_plugin_kv_error_t *error) {
    bool fits = value->len <= MOST_VALUE;
    return fits || refuse(error, OSTLER_PLUGIN_KV_ERROR_INVALID, "a value has at most 1 MiB");
}

static bool batch_fits(size_t count, ostler_plugin_kv_error_t *error) {
    return count <= MOST_BATCH || refuse(error, OSTLER_PLUGIN_KV_ERROR_INVALID, "a batch has at most 1,000 keys");
}

/// Before a change: another request may be quicker.
static void let_others_in(void) {
    void (*other)(void) = before_change;
    before_change = NULL;
    if (other != NULL) {
        other();
    }
}

static ostler_bytes bytes_of(const typed_list_u8_t *list) {
    return (ostler_bytes){(const char *)list->ptr, list->len};
}

static typed_option_list_u8_t optional(const struct entry *entry) {
    typed_option_list_u8_t value = {.is_some = entry != NULL};
    if (entry != NULL) {
        value.val = stand_in_bytes(entry->value.data, entry->value.len);
    }
    return value;
}

// --------------------------------------------------------------------------------------------------- the host's functions

bool ostler_plugin_kv_get(typed_string_t *store, typed_string_t *key, typed_option_list_u8_t *ret,
                          ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !key_fits(key, error)) {
        return false;
    }
    *ret = optional(find(stand_in_read(store), stand_in_read(key)));
    return true;
}

bool ostler_plugin_kv_set(typed_string_t *store, typed_string_t *key, typed_list_u8_t *value, uint64_t *ttl,
                          ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !key_fits(key, error) || !value_fits(value, error)) {
        return false;
    }
    let_others_in();
    put(stand_in_read(store), stand_in_read(key), bytes_of(value), ttl == NULL ? 0 : *ttl);
    return true;
}

bool ostler_plugin_kv_delete(typed_string_t *store, typed_string_t *key, bool *ret, ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !key_fits(key, error)) {
        return false;
    }
    let_others_in();
    *ret = take_out(stand_in_read(store), stand_in_read(key));
    return true;
}

bool ostler_plugin_kv_exists(typed_string_t *store, typed_string_t *key, bool *ret, ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !key_fits(key, error)) {
        return false;
    }
    *ret = find(stand_in_read(store), stand_in_read(key)) != NULL;
    return true;
}

bool ostler_plugin_kv_list_keys(typed_string_t *store, typed_string_t *prefix, typed_string_t *cursor, uint32_t limit,
                                ostler_plugin_kv_page_t *ret, ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error)) {
        return false;
    }
    const char *name = stand_in_read(store), *begin = stand_in_read(prefix);
    const char *from = cursor == NULL ? NULL : stand_in_read(cursor);
    limit = limit > MOST_BATCH ? MOST_BATCH : limit;
    *ret = (ostler_plugin_kv_page_t){.keys = {ostler_alloc(limit * sizeof(typed_string_t)), 0}};
    place(name, "\xff"); // what has expired goes
    for (const struct entry *at = entries; at != NULL; at = at->next) {
        bool wanted = strcmp(at->store, name) == 0 && strncmp(at->key, begin, strlen(begin)) == 0;
        if (!wanted || (from != NULL && strcmp(at->key, from) <= 0)) {
            continue;
        }
        if (ret->keys.len == limit) {
            ret->cursor.is_some = limit > 0;
            ret->cursor.val = limit > 0 ? ret->keys.ptr[limit - 1] : stand_in_text("");
            break;
        }
        ret->keys.ptr[ret->keys.len++] = stand_in_text(at->key);
    }
    return true;
}

bool ostler_plugin_kv_increment(typed_string_t *store, typed_string_t *key, int64_t delta, int64_t *ret,
                                ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !key_fits(key, error)) {
        return false;
    }
    let_others_in();
    const struct entry *entry = find(stand_in_read(store), stand_in_read(key));
    const char *text = entry == NULL ? "0" : entry->value.data;
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || __builtin_add_overflow(value, delta, ret)) {
        return refuse(error, OSTLER_PLUGIN_KV_ERROR_NOT_A_NUMBER, "");
    }
    put(stand_in_read(store), stand_in_read(key), ostler_bytes_of(ostler_format("%" PRId64, *ret)), 0);
    return true;
}

bool ostler_plugin_kv_compare_and_swap(typed_string_t *store, typed_string_t *key, typed_list_u8_t *expected,
                                       typed_list_u8_t *value, bool *ret, ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !key_fits(key, error) || (value != NULL && !value_fits(value, error))) {
        return false;
    }
    let_others_in();
    const char *in = stand_in_read(store), *at = stand_in_read(key);
    const struct entry *entry = find(in, at);
    *ret = (entry == NULL) == (expected == NULL);
    if (entry != NULL && expected != NULL) {
        *ret = entry->value.len == expected->len && memcmp(entry->value.data, expected->ptr, expected->len) == 0;
    }
    if (*ret && value != NULL) {
        put(in, at, bytes_of(value), 0);
    } else if (*ret) {
        take_out(in, at);
    }
    return true;
}

bool ostler_plugin_kv_get_many(typed_string_t *store, typed_list_string_t *keys, typed_list_option_list_u8_t *ret,
                               ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !batch_fits(keys->len, error)) {
        return false;
    }
    *ret = (typed_list_option_list_u8_t){ostler_alloc(keys->len * sizeof *ret->ptr), keys->len};
    for (size_t i = 0; i < keys->len; i++) {
        if (!key_fits(&keys->ptr[i], error)) {
            return false;
        }
        ret->ptr[i] = optional(find(stand_in_read(store), stand_in_read(&keys->ptr[i])));
    }
    return true;
}

bool ostler_plugin_kv_set_many(typed_string_t *store, ostler_plugin_kv_list_entry_t *all, ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !batch_fits(all->len, error)) {
        return false;
    }
    for (size_t i = 0; i < all->len; i++) {
        if (!key_fits(&all->ptr[i].key, error) || !value_fits(&all->ptr[i].value, error)) {
            return false;
        }
    }
    let_others_in();
    for (size_t i = 0; i < all->len; i++) {
        put(stand_in_read(store), stand_in_read(&all->ptr[i].key), bytes_of(&all->ptr[i].value), 0);
    }
    return true;
}

bool ostler_plugin_kv_delete_many(typed_string_t *store, typed_list_string_t *keys, ostler_plugin_kv_error_t *error) {
    if (!may_use(store, error) || !batch_fits(keys->len, error)) {
        return false;
    }
    for (size_t i = 0; i < keys->len; i++) {
        if (!key_fits(&keys->ptr[i], error)) {
            return false;
        }
    }
    let_others_in();
    for (size_t i = 0; i < keys->len; i++) {
        take_out(stand_in_read(store), stand_in_read(&keys->ptr[i]));
    }
    return true;
}
