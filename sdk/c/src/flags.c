/// Flags and experiments, over the bindings.

#include "internal.h"

static const char *const codes[] = {
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_PROVIDER_NOT_READY] = "PROVIDER_NOT_READY",
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_FLAG_NOT_FOUND] = "FLAG_NOT_FOUND",
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_PARSE_ERROR] = "PARSE_ERROR",
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_TYPE_MISMATCH] = "TYPE_MISMATCH",
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_TARGETING_KEY_MISSING] = "TARGETING_KEY_MISSING",
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_INVALID_CONTEXT] = "INVALID_CONTEXT",
    [OSTLER_PLUGIN_FLAGS_ERROR_CODE_GENERAL] = "GENERAL",
};

bool ostler_flag_boolean(const char *key, bool fallback) {
    typed_string_t at = ostler_to_host(key);
    return ostler_plugin_flags_get_boolean(&at, fallback);
}

const char *ostler_flag_string(const char *key, const char *fallback) {
    typed_string_t at = ostler_to_host(key), otherwise = ostler_to_host(fallback), value = {0};
    ostler_plugin_flags_get_string(&at, &otherwise, &value);
    return ostler_from_host(value);
}

double ostler_flag_number(const char *key, double fallback) {
    typed_string_t at = ostler_to_host(key);
    return ostler_plugin_flags_get_number(&at, fallback);
}

const ostler_json *ostler_flag_object(const char *key, const char *fallback) {
    typed_string_t at = ostler_to_host(key), otherwise = ostler_to_host(fallback), value = {0};
    ostler_plugin_flags_get_object(&at, &otherwise, &value);
    return ostler_json_parse((ostler_bytes){ostler_from_host(value), value.len});
}

static ostler_plugin_flags_value_t to_host(ostler_flag_value value) {
    ostler_plugin_flags_value_t contract = {.tag = (uint8_t)value.kind};
    switch (value.kind) {
    case OSTLER_FLAG_BOOLEAN:
        contract.val.boolean = value.boolean;
        break;
    case OSTLER_FLAG_NUMBER:
        contract.val.number = value.number;
        break;
    case OSTLER_FLAG_STRING:
        contract.val.string = ostler_to_host(value.text);
        break;
    case OSTLER_FLAG_OBJECT:
        contract.val.object = ostler_to_host(value.text);
        break;
    }
    return contract;
}

static ostler_flag_value from_host(ostler_plugin_flags_value_t contract) {
    ostler_flag_value value = {.kind = (ostler_flag_kind)contract.tag};
    switch (value.kind) {
    case OSTLER_FLAG_BOOLEAN:
        value.boolean = contract.val.boolean;
        break;
    case OSTLER_FLAG_NUMBER:
        value.number = contract.val.number;
        break;
    case OSTLER_FLAG_STRING:
        value.text = ostler_from_host(contract.val.string);
        break;
    case OSTLER_FLAG_OBJECT:
        value.text = ostler_from_host(contract.val.object);
        break;
    }
    return value;
}

ostler_flag_details ostler_flag_resolve(const char *key, ostler_flag_value fallback) {
    typed_string_t at = ostler_to_host(key);
    ostler_plugin_flags_value_t otherwise = to_host(fallback);
    ostler_plugin_flags_details_t found = {0};
    ostler_plugin_flags_resolve(&at, &otherwise, &found);
    return (ostler_flag_details){
        .value = from_host(found.value),
        .variant = found.variant.is_some ? ostler_from_host(found.variant.val) : NULL,
        .reason = ostler_from_host(found.reason),
        .error_code = found.error_code.is_some ? codes[found.error_code.val] : NULL,
        .error_message = found.error_message.is_some ? ostler_from_host(found.error_message.val) : NULL,
        .metadata = ostler_json_parse((ostler_bytes){ostler_from_host(found.metadata), found.metadata.len}),
    };
}

bool ostler_flag_context_json(const char *name, const char *json) {
    typed_tuple2_string_string_t attribute = {ostler_to_host(name), ostler_to_host(json)};
    typed_list_tuple2_string_string_t list = {&attribute, 1};
    return ostler_plugin_flags_add_context(&list);
}

bool ostler_flag_context(const char *name, const char *text) {
    ostler_writer writer = {0};
    ostler_write_string(&writer, text);
    return ostler_flag_context_json(name, ostler_written(&writer).data);
}

bool ostler_track(const char *metric, double value) {
    typed_string_t of = ostler_to_host(metric);
    return ostler_plugin_experiment_track(&of, value);
}
