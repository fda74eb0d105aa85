/// Stand-ins for flags, each with one value whatever the context, and for experiments.

#include "stand_ins.h"

#include <math.h>
#include <stdlib.h>

#define MOST 64
#define MOST_BYTES (16 * 1024)
#define MOST_METRIC 64

static struct flag {
    const char *key;
    ostler_flag_value value;
} flags[MOST];
static size_t flag_count;

static ostler_setting attributes[MOST];
static size_t attribute_count;

static struct tracked {
    const char *metric;
    double sum;
    size_t count;
} tracked[MOST];
static size_t tracked_count;

static const char *keep(const char *text) {
    return text == NULL ? NULL : stand_in_keep(text, strlen(text));
}

void stand_in_forget_flags(void) {
    flag_count = attribute_count = tracked_count = 0;
}

void ostler_test_flag(const char *key, ostler_flag_value value) {
    size_t at = 0;
    while (at < flag_count && strcmp(flags[at].key, key) != 0) {
        at++;
    }
    if (at == MOST) {
        abort();
    }
    flag_count = at == flag_count ? at + 1 : flag_count;
    value.text = keep(value.text);
    flags[at] = (struct flag){keep(key), value};
}

const char *ostler_test_flag_context(const char *name) {
    for (size_t i = 0; i < attribute_count; i++) {
        if (strcmp(attributes[i].key, name) == 0) {
            return attributes[i].value;
        }
    }
    return NULL;
}

double ostler_test_tracked(const char *metric, size_t *count) {
    const struct tracked *found = tracked;
    while (found < tracked + tracked_count && strcmp(found->metric, metric) != 0) {
        found++;
    }
    bool there = found < tracked + tracked_count;
    *count = there ? found->count : 0;
    return there ? found->sum : 0;
}

/// The flag, if it has this type; otherwise NULL, and why in `code`.
static const struct flag *find(const char *key, uint8_t kind, uint8_t *code) {
    *code = OSTLER_PLUGIN_FLAGS_ERROR_CODE_FLAG_NOT_FOUND;
    for (size_t i = 0; i < flag_count; i++) {
        if (strcmp(flags[i].key, key) == 0) {
            *code = OSTLER_PLUGIN_FLAGS_ERROR_CODE_TYPE_MISMATCH;
            return (uint8_t)flags[i].value.kind == kind ? &flags[i] : NULL;
        }
    }
    return NULL;
}

bool ostler_plugin_flags_get_boolean(typed_string_t *key, bool otherwise) {
    uint8_t code;
    const struct flag *flag = find(stand_in_read(key), OSTLER_FLAG_BOOLEAN, &code);
    return flag == NULL ? otherwise : flag->value.boolean;
}

double ostler_plugin_flags_get_number(typed_string_t *key, double otherwise) {
    uint8_t code;
    const struct flag *flag = find(stand_in_read(key), OSTLER_FLAG_NUMBER, &code);
    return flag == NULL ? otherwise : flag->value.number;
}

static void get_text(typed_string_t *key, uint8_t kind, typed_string_t *otherwise, typed_string_t *ret) {
    uint8_t code;
    const struct flag *flag = find(stand_in_read(key), kind, &code);
    *ret = stand_in_text(flag == NULL ? stand_in_read(otherwise) : flag->value.text);
}

void ostler_plugin_flags_get_string(typed_string_t *key, typed_string_t *otherwise, typed_string_t *ret) {
    get_text(key, OSTLER_FLAG_STRING, otherwise, ret);
}

void ostler_plugin_flags_get_object(typed_string_t *key, typed_string_t *otherwise, typed_string_t *ret) {
    get_text(key, OSTLER_FLAG_OBJECT, otherwise, ret);
}

static ostler_plugin_flags_value_t given(const ostler_flag_value *value) {
    ostler_plugin_flags_value_t contract = {.tag = (uint8_t)value->kind};
    if (value->kind == OSTLER_FLAG_BOOLEAN) {
        contract.val.boolean = value->boolean;
    } else if (value->kind == OSTLER_FLAG_NUMBER) {
        contract.val.number = value->number;
    } else {
        contract.val.string = stand_in_text(value->text);
    }
    return contract;
}

void ostler_plugin_flags_resolve(typed_string_t *key, ostler_plugin_flags_value_t *otherwise,
                                 ostler_plugin_flags_details_t *ret) {
    const char *name = stand_in_read(key);
    uint8_t code;
    const struct flag *flag = find(name, otherwise->tag, &code);
    *ret = (ostler_plugin_flags_details_t){.metadata = stand_in_text("{}")};
    ret->value = flag == NULL ? *otherwise : given(&flag->value);
    ret->reason = stand_in_text(flag == NULL ? "ERROR" : "STATIC");
    if (flag == NULL) {
        ret->error_code.is_some = ret->error_message.is_some = true;
        ret->error_code.val = code;
        bool missing = code == OSTLER_PLUGIN_FLAGS_ERROR_CODE_FLAG_NOT_FOUND;
        ret->error_message.val = stand_in_text(ostler_format("flag \"%s\" is %s", name, missing ? "not there" : "of another type"));
    }
}

/// Names and values together, without those of `name`.
static size_t size_without(const char *name) {
    size_t size = 0;
    for (size_t i = 0; i < attribute_count; i++) {
        bool same = strcmp(attributes[i].key, name) == 0;
        size += same ? 0 : strlen(attributes[i].key) + strlen(attributes[i].value);
    }
    return size;
}

static bool add(const char *name, const char *json) {
    size_t at = 0;
    while (at < attribute_count && strcmp(attributes[at].key, name) != 0) {
        at++;
    }
    bool fits = at < MOST && size_without(name) + strlen(name) + strlen(json) <= MOST_BYTES;
    if (!fits || ostler_json_parse(ostler_bytes_of(json)) == NULL) {
        return false;
    }
    attribute_count = at == attribute_count ? at + 1 : attribute_count;
    attributes[at] = (ostler_setting){keep(name), keep(json)};
    return true;
}

bool ostler_plugin_flags_add_context(typed_list_tuple2_string_string_t *list) {
    bool added = true;
    for (size_t i = 0; i < list->len; i++) {
        added = add(stand_in_read(&list->ptr[i].f0), stand_in_read(&list->ptr[i].f1)) && added;
    }
    return added;
}

bool ostler_plugin_experiment_track(typed_string_t *metric, double value) {
    const char *name = stand_in_read(metric);
    size_t sane = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
    if (metric->len < 1 || metric->len > MOST_METRIC || sane != metric->len || !isfinite(value)) {
        return false;
    }
    struct tracked *found = tracked;
    while (found < tracked + tracked_count && strcmp(found->metric, name) != 0) {
        found++;
    }
    if (found == tracked + MOST) {
        abort();
    }
    if (found == tracked + tracked_count) {
        tracked[tracked_count++] = (struct tracked){.metric = keep(name)};
    }
    found->sum += value;
    found->count++;
    return true;
}
