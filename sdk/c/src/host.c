/// Configuration, log and context, over the bindings; and what the last refusal said.

#include "internal.h"

#include <stdarg.h>

/// More fields than this are left out of a line.
#define FIELDS 32

/// Longer reasons are cut: they outlive the arena.
static char why[1024];

ostler_result ostler_because(ostler_result result, const char *text) {
    size_t len = strlen(text);
    len = len < sizeof why ? len : sizeof why - 1;
    memcpy(why, text, len);
    why[len] = '\0';
    return result;
}

const char *ostler_why(void) {
    return why;
}

const char *ostler_config(const char *key) {
    typed_string_t at = ostler_to_host(key), value;
    return ostler_plugin_config_get(&at, &value) ? ostler_from_host(value) : NULL;
}

const char *ostler_config_or(const char *key, const char *fallback) {
    const char *value = ostler_config(key);
    return value == NULL ? fallback : value;
}

const ostler_setting *ostler_config_all(size_t *count) {
    typed_list_tuple2_string_string_t all = {0};
    ostler_plugin_config_all(&all);
    ostler_setting *settings = ostler_alloc(all.len * sizeof *settings);
    for (size_t i = 0; i < all.len; i++) {
        settings[i].key = ostler_from_host(all.ptr[i].f0);
        settings[i].value = ostler_from_host(all.ptr[i].f1);
    }
    *count = all.len;
    return settings;
}

void ostler_log(ostler_level level, const char *message, ...) {
    typed_tuple2_string_string_t fields[FIELDS];
    typed_list_tuple2_string_string_t list = {fields, 0};
    va_list words;
    va_start(words, message);
    const char *name;
    while (list.len < FIELDS && (name = va_arg(words, const char *)) != NULL) {
        const char *value = va_arg(words, const char *);
        if (value == NULL) {
            break; // a name without a value
        }
        fields[list.len].f0 = ostler_to_host(name);
        fields[list.len++].f1 = ostler_to_host(value);
    }
    va_end(words);
    typed_string_t text = ostler_to_host(message);
    ostler_plugin_log_write((ostler_plugin_log_level_t)level, &text, &list);
}

ostler_context ostler_context_get(void) {
    ostler_plugin_context_exchange_t exchange = {0};
    ostler_plugin_context_get(&exchange);
    return (ostler_context){
        .request_id = ostler_from_host(exchange.request_id),
        .route = ostler_from_host(exchange.route),
        .plugin = ostler_from_host(exchange.plugin),
        .release = ostler_from_host(exchange.release),
        .client_address = ostler_from_host(exchange.client_address),
    };
}

uint64_t ostler_deadline_left_ms(void) {
    return ostler_plugin_context_deadline_left_ms();
}
