/// Stand-ins for what the gate tells and lends: principal, parameters, permissions, limits and caches.

#include "stand_ins.h"

#include <stdlib.h>

#define MOST 64
#define MOST_TAGS 8
#define MOST_KEY 512
#define MOST_VALUE (1024 * 1024)
#define MOST_COST 1000000
#define MOST_TTL 31536000000

static struct {
    bool known;
    const char *subject, *tenant, *claims;
    const char *roles[MOST], *scopes[MOST];
    size_t role_count, scope_count;
} principal;

static ostler_setting parameters[MOST], allowed[MOST];
static size_t parameter_count, allowed_count;

static struct limit {
    const char *name;
    uint64_t admits, per;
} limits[MOST];
static size_t limit_count;

static struct count {
    const struct limit *limit;
    const char *key;
    uint64_t taken, since;
} counts[MOST];
static size_t count_count;

static struct cache {
    const char *name;
    bool lost;
} caches[MOST];
static size_t cache_count;

static struct kept {
    const struct cache *cache;
    const char *key;
    /// No data: there is none.
    ostler_bytes value;
    /// When it disappears; 0: never.
    uint64_t until;
    const char *tags[MOST_TAGS];
    size_t tag_count;
    bool locked;
} values[MOST];
static size_t value_count;

/// The next place of an array; a test that needs more is not one for stand-ins.
static size_t next(size_t *count) {
    if (*count == MOST) {
        abort();
    }
    return (*count)++;
}

static const char *keep(const char *text) {
    return text == NULL ? NULL : stand_in_keep(text, strlen(text));
}

void stand_in_forget_gate(void) {
    memset(&principal, 0, sizeof principal);
    parameter_count = allowed_count = limit_count = count_count = cache_count = value_count = 0;
}

// ------------------------------------------------------------------------------------------------------------- who asks

void ostler_test_principal(const char *subject, const char *tenant) {
    principal.known = true;
    principal.subject = keep(subject);
    principal.tenant = keep(tenant);
}

void ostler_test_role(const char *role) {
    principal.roles[next(&principal.role_count)] = keep(role);
}

void ostler_test_scope(const char *scope) {
    principal.scopes[next(&principal.scope_count)] = keep(scope);
}

void ostler_test_claims(const char *json) {
    principal.claims = keep(json);
}

void ostler_test_parameter(const char *name, const char *json) {
    parameters[next(&parameter_count)] = (ostler_setting){keep(name), keep(json)};
}

static typed_list_string_t list_of(const char **texts, size_t count) {
    typed_list_string_t list = {ostler_alloc(count * sizeof *list.ptr), count};
    for (size_t i = 0; i < count; i++) {
        list.ptr[i] = stand_in_text(texts[i]);
    }
    return list;
}

bool ostler_plugin_context_get_principal(ostler_plugin_context_principal_t *ret) {
    if (!principal.known) {
        return false;
    }
    *ret = (ostler_plugin_context_principal_t){
        .subject = stand_in_text(principal.subject),
        .tenant = {.is_some = principal.tenant != NULL},
        .roles = list_of(principal.roles, principal.role_count),
        .scopes = list_of(principal.scopes, principal.scope_count),
        .method = stand_in_text("jwt"),
        .claims = stand_in_text(principal.claims == NULL ? "{}" : principal.claims),
    };
    if (principal.tenant != NULL) {
        ret->tenant.val = stand_in_text(principal.tenant);
    }
    return true;
}

void ostler_plugin_context_get_parameters(typed_list_tuple2_string_string_t *ret) {
    ret->len = parameter_count;
    ret->ptr = ostler_alloc(parameter_count * sizeof *ret->ptr);
    for (size_t i = 0; i < parameter_count; i++) {
        ret->ptr[i].f0 = stand_in_text(parameters[i].key);
        ret->ptr[i].f1 = stand_in_text(parameters[i].value);
    }
}

void ostler_test_allow(const char *permission, const char *resource) {
    allowed[next(&allowed_count)] = (ostler_setting){keep(permission), keep(resource)};
}

void ostler_plugin_authz_check(typed_string_t *permission, typed_string_t *resource, ostler_plugin_authz_decision_t *ret) {
    const char *what = stand_in_read(permission), *which = stand_in_read(resource);
    ret->allowed = false;
    for (size_t i = 0; i < allowed_count && !ret->allowed; i++) {
        const char *on = allowed[i].value;
        ret->allowed = strcmp(allowed[i].key, what) == 0 && (*on == '\0' || strcmp(on, which) == 0);
    }
    ret->reason = stand_in_text(ret->allowed ? "the test allows it" : "nothing in the test allows it");
}

// --------------------------------------------------------------------------------------------------------------- limits

void ostler_test_limit(const char *limit, uint64_t admits, uint64_t per_ms) {
    limits[next(&limit_count)] = (struct limit){keep(limit), admits, per_ms};
}

static bool refuse_limit(ostler_plugin_rate_limit_error_t *error, uint8_t tag, const char *text) {
    error->tag = tag;
    error->val.invalid = stand_in_text(text);
    return false;
}

/// What the key has taken, beginning anew when its time is over.
static struct count *count_of(const struct limit *limit, const char *key) {
    struct count *count = counts;
    while (count < counts + count_count && (count->limit != limit || strcmp(count->key, key) != 0)) {
        count++;
    }
    if (count == counts + count_count) {
        counts[next(&count_count)] = (struct count){limit, keep(key), 0, stand_in_now()};
    }
    if (stand_in_now() >= count->since + limit->per) {
        count->taken = 0;
        count->since = stand_in_now();
    }
    return count;
}

bool ostler_plugin_rate_limit_check(typed_string_t *name, typed_string_t *key, uint32_t cost,
                                    ostler_plugin_rate_limit_decision_t *ret, ostler_plugin_rate_limit_error_t *error) {
    const char *wanted = stand_in_read(name);
    const struct limit *limit = limits;
    while (limit < limits + limit_count && strcmp(limit->name, wanted) != 0) {
        limit++;
    }
    if (limit == limits + limit_count) {
        const char *text = ostler_format("limit \"%s\" is not granted: add it to grant = { limits = [\"%s\"] } of plugin test",
                                         wanted, wanted);
        return refuse_limit(error, OSTLER_PLUGIN_RATE_LIMIT_ERROR_DENIED, text);
    }
    if (key->len < 1 || key->len > MOST_KEY) {
        return refuse_limit(error, OSTLER_PLUGIN_RATE_LIMIT_ERROR_INVALID, "a key has 1 to 512 bytes");
    }
    if (cost < 1 || cost > MOST_COST) {
        return refuse_limit(error, OSTLER_PLUGIN_RATE_LIMIT_ERROR_INVALID, "a cost is 1 to 1,000,000");
    }
    struct count *count = count_of(limit, stand_in_read(key));
    bool admitted = count->taken + cost <= limit->admits;
    count->taken += admitted ? cost : 0;
    uint64_t wait = admitted ? 0 : count->since + limit->per - stand_in_now();
    *ret = (ostler_plugin_rate_limit_decision_t){admitted, limit->admits - count->taken, wait};
    return true;
}

// --------------------------------------------------------------------------------------------------------------- caches

static struct cache *cache_of(const char *name) {
    for (size_t i = 0; i < cache_count; i++) {
        if (strcmp(caches[i].name, name) == 0) {
            return &caches[i];
        }
    }
    return NULL;
}

/// The place of a key, whether or not there is a value.
static struct kept *place(const struct cache *cache, const char *key) {
    for (size_t i = 0; i < value_count; i++) {
        struct kept *kept = &values[i];
        if (kept->cache == cache && strcmp(kept->key, key) == 0) {
            bool over = kept->until != 0 && kept->until <= stand_in_now();
            kept->value = over ? (ostler_bytes){0} : kept->value;
            return kept;
        }
    }
    values[value_count] = (struct kept){.cache = cache, .key = keep(key)};
    return &values[next(&value_count)];
}

void ostler_test_cache(const char *cache) {
    caches[next(&cache_count)] = (struct cache){keep(cache), false};
}

void ostler_test_lose_cache(const char *cache) {
    cache_of(cache)->lost = true;
}

const char *ostler_test_cached(const char *cache, const char *key) {
    return place(cache_of(cache), key)->value.data;
}

bool ostler_test_is_locked(const char *cache, const char *key) {
    return place(cache_of(cache), key)->locked;
}

static bool refuse(ostler_plugin_cache_error_t *error, uint8_t tag, const char *text) {
    error->tag = tag;
    error->val.invalid = stand_in_text(text);
    return false;
}

/// The cache, if it may be used with this key; NULL, and then `error` says why.
static struct cache *usable(typed_string_t *name, const typed_string_t *key, ostler_plugin_cache_error_t *error) {
    const char *wanted = stand_in_read(name);
    struct cache *cache = cache_of(wanted);
    if (cache == NULL) {
        const char *text = ostler_format("cache \"%s\" is not granted: add it to grant = { cache = [\"%s\"] } of plugin test",
                                         wanted, wanted);
        refuse(error, OSTLER_PLUGIN_CACHE_ERROR_DENIED, text);
        return NULL;
    }
    if (cache->lost) {
        refuse(error, OSTLER_PLUGIN_CACHE_ERROR_UNAVAILABLE, "the shared store is gone");
        return NULL;
    }
    if (key->len < 1 || key->len > MOST_KEY) {
        refuse(error, OSTLER_PLUGIN_CACHE_ERROR_INVALID, "a key has 1 to 512 bytes");
        return NULL;
    }
    return cache;
}

bool ostler_plugin_cache_get(typed_string_t *name, typed_string_t *key, typed_option_list_u8_t *ret,
                             ostler_plugin_cache_error_t *error) {
    const struct cache *cache = usable(name, key, error);
    if (cache == NULL) {
        return false;
    }
    const struct kept *kept = place(cache, stand_in_read(key));
    *ret = (typed_option_list_u8_t){.is_some = kept->value.data != NULL};
    if (ret->is_some) {
        ret->val = stand_in_bytes(kept->value.data, kept->value.len);
    }
    return true;
}

bool ostler_plugin_cache_set(typed_string_t *name, typed_string_t *key, typed_list_u8_t *value, uint64_t *ttl,
                             typed_list_string_t *tags, ostler_plugin_cache_error_t *error) {
    const struct cache *cache = usable(name, key, error);
    if (cache == NULL) {
        return false;
    }
    if (value->len > MOST_VALUE) {
        return refuse(error, OSTLER_PLUGIN_CACHE_ERROR_INVALID, "a value has at most 1 MiB");
    }
    if (ttl != NULL && (*ttl < 1 || *ttl > MOST_TTL)) {
        return refuse(error, OSTLER_PLUGIN_CACHE_ERROR_INVALID, "a time to live is 1 ms to 365 days");
    }
    struct kept *kept = place(cache, stand_in_read(key));
    struct kept put = {.cache = cache, .key = kept->key, .until = ttl == NULL ? 0 : stand_in_now() + *ttl};
    for (size_t i = 0; i < tags->len; i++) {
        if (tags->ptr[i].len == 0 || put.tag_count == MOST_TAGS) {
            return refuse(error, OSTLER_PLUGIN_CACHE_ERROR_INVALID, "a tag has at least 1 byte, and there are 8 of them at most");
        }
        put.tags[put.tag_count++] = keep(stand_in_read(&tags->ptr[i]));
    }
    put.value = (ostler_bytes){stand_in_keep(value->len == 0 ? "" : (const char *)value->ptr, value->len), value->len};
    *kept = put;
    return true;
}

bool ostler_plugin_cache_delete(typed_string_t *name, typed_string_t *key, ostler_plugin_cache_error_t *error) {
    const struct cache *cache = usable(name, key, error);
    if (cache != NULL) {
        place(cache, stand_in_read(key))->value = (ostler_bytes){0};
    }
    return cache != NULL;
}

bool ostler_plugin_cache_delete_tag(typed_string_t *name, typed_string_t *tag, ostler_plugin_cache_error_t *error) {
    const struct cache *cache = usable(name, tag, error);
    const char *wanted = stand_in_read(tag);
    for (size_t i = 0; cache != NULL && i < value_count; i++) {
        for (size_t j = 0; values[i].cache == cache && j < values[i].tag_count; j++) {
            if (strcmp(values[i].tags[j], wanted) == 0) {
                values[i].value = (ostler_bytes){0};
            }
        }
    }
    return cache != NULL;
}

/// Nobody waits here: whoever asks for what is not there gets the right to make it.
bool ostler_plugin_cache_get_or_compute_lock(typed_string_t *name, typed_string_t *key, uint32_t wait_ms,
                                             ostler_plugin_cache_found_t *ret, ostler_plugin_cache_error_t *error) {
    (void)wait_ms;
    typed_option_list_u8_t value;
    if (!ostler_plugin_cache_get(name, key, &value, error)) {
        return false;
    }
    if (value.is_some) {
        *ret = (ostler_plugin_cache_found_t){.tag = OSTLER_PLUGIN_CACHE_FOUND_VALUE, .val = {.value = value.val}};
        return true;
    }
    place(cache_of(stand_in_read(name)), stand_in_read(key))->locked = true;
    *ret = (ostler_plugin_cache_found_t){.tag = OSTLER_PLUGIN_CACHE_FOUND_COMPUTE};
    return true;
}

bool ostler_plugin_cache_unlock(typed_string_t *name, typed_string_t *key, ostler_plugin_cache_error_t *error) {
    const struct cache *cache = usable(name, key, error);
    if (cache != NULL) {
        place(cache, stand_in_read(key))->locked = false;
    }
    return cache != NULL;
}
